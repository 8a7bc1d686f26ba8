"""A capture of the drawn plant in a running sandbox, past all checks, and what the plant knows to be true of it."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cognite.client.data_classes import AssetWrite
from cognite.client.data_classes.data_modeling import NodeApply, NodeOrEdgeData, SpaceApply, ViewId

from capture360.cdf.client import CdfProject
from capture360.cdf.registry import mode_of
from capture360.model import (
    FACES,
    Capture,
    CaptureKey,
    CaptureKind,
    Detection,
    EncodedFace,
    Pose,
    Station,
    StationMedia,
)
from capture360.settings.site import Site
from capture360_local.plant.sample import write_sample

LEGIBLE_CAP_PX = 14
"""Below this height of a capital letter plates are out of reach of the engine."""
ASSET_SPACE = "assets"


@dataclass(frozen=True)
class Plate:
    """A plate as a station sees it whole and unhidden, by the plant's own mathematics."""

    station: str
    face: str
    tag: str
    asset: str | None
    centre: tuple[float, float]
    cap_px: float
    visible: float

    @property
    def is_legible(self) -> bool:
        """Whether own OCR with its usual settings should read it."""
        sides = self.face not in ("top", "bottom")
        return self.cap_px >= LEGIBLE_CAP_PX and self.visible > 0.99 and self.asset is not None and sides


@dataclass(frozen=True)
class Plant:
    """Where the capture and the truth of it lie."""

    folder: Path
    truth: Path

    @property
    def plates(self) -> list[Plate]:
        found = []
        for plate in json.loads((self.truth / "plates.json").read_text())["plates"]:
            for station, regions in plate["seen"].items():
                for region in regions:
                    xs, ys = zip(*region["polygon"], strict=True)
                    centre = (sum(xs) / len(xs), sum(ys) / len(ys))
                    visible = region["visible"] * region["share"]
                    found.append(
                        Plate(
                            station, region["face"], plate["tag"], plate["asset"], centre, region["cap_height_px"],
                            visible,
                        )
                    )  # fmt: skip
        return found

    @property
    def assets(self) -> list[tuple[str, str]]:
        """Names and external ids."""
        with (self.truth / "assets.csv").open(newline="") as table:
            return [(row["name"], row["externalId"]) for row in csv.DictReader(table)]


def draw(home: Path, stations: int = 3) -> Plant:
    """A small capture of the plant below `home`."""
    plant = Plant(home / "landing/hall-7/plates", home / "truth")
    write_sample(plant.folder, stations=stations, face_size=1024, seed=4, site="hall-7", truth=plant.truth, views=False)
    return plant


def publish(cdf: CdfProject, site: Site, key: CaptureKey, plant: Plant) -> None:
    """The delivered faces with the true poses."""
    stations = [
        Station(
            item["station"],
            item["name"],
            Pose(tuple(item["position"]), tuple(item["quaternion_wxyz"])),
            datetime.fromisoformat(item["taken_at"]),
        )
        for item in json.loads((plant.truth / "poses.json").read_text())["stations"]
    ]
    capture = Capture(
        key, CaptureKind.CUBEMAP, "Hall 7", "Plates", tuple(stations), {s.id: StationMedia() for s in stations}
    )
    model = mode_of(cdf).images(cdf, site)
    refs = {}
    for station in stations:
        encoded = []
        for face in FACES:
            content = (plant.folder / f"images/{station.id}/{face}.jpg").read_bytes()
            encoded.append(EncodedFace(face, content, hashlib.sha256(content).hexdigest(), "image/jpeg", 1024))
        put = model.put_faces(capture, [(station, face) for face in encoded])
        refs[station.id] = dict(zip(FACES, put, strict=True))
    model.publish(capture, refs)


def create_classic_assets(cdf: CdfProject, plant: Plant) -> None:
    cdf.client.assets.create([AssetWrite(name=name, external_id=external_id) for name, external_id in plant.assets])


def create_asset_nodes(cdf: CdfProject, plant: Plant) -> None:
    cdf.client.data_modeling.spaces.apply(SpaceApply(ASSET_SPACE))
    view = ViewId("cdf_cdm", "CogniteAsset", "v1")
    cdf.client.data_modeling.instances.apply(
        [
            NodeApply(ASSET_SPACE, external_id, sources=[NodeOrEdgeData(view, {"name": name})])
            for name, external_id in plant.assets
        ]
    )


def plate_under(plates: Sequence[Plate], station: str, detection: Detection) -> Plate | None:
    """The plate on which a text lies, by the truth."""
    xs, ys = zip(*detection.polygon, strict=True)
    inside = [
        plate
        for plate in plates
        if (plate.station, plate.face) == (station, detection.face)
        and min(xs) - 0.01 <= plate.centre[0] <= max(xs) + 0.01
        and min(ys) - 0.01 <= plate.centre[1] <= max(ys) + 0.01
    ]
    return max(inside, key=lambda plate: plate.cap_px, default=None)
