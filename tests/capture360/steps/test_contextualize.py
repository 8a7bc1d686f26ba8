"""From published images of the plant to links on its plates, against the plant's own truth, in every project mode."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cognite.client.data_classes import AnnotationFilter
from cognite.client.data_classes.data_modeling import ViewId

import viewer
from capture360.cdf.client import CdfProject, Connection
from capture360.errors import ConfigError
from capture360.geometry.boxes import BORDER, bounds
from capture360.model import CaptureKey, Match
from capture360.names import image_id
from capture360.records import Records
from capture360.settings.landing import Landing
from capture360.settings.links import LinkSettings
from capture360.settings.site import Site
from capture360.steps.annotate import Annotated, annotate
from capture360.steps.context import StepContext
from capture360.steps.detect import detect, detection_batches, images_of
from capture360.steps.match import match, recorded_matches
from cdf_sandbox.core.options import ProjectMode
from local_cdf import RunningSandbox, fast_options, run_sandbox
from plant_capture import Plant, Plate, create_asset_nodes, create_classic_assets, draw, plate_under, publish

FINGERPRINT = "f" * 32
MODES = [mode.value for mode in ProjectMode]
ANNOTATION = ViewId("cdf_cdm", "Cognite360ImageAnnotation", "v1")
ASSET = ViewId("cdf_cdm", "CogniteAsset", "v1")
Row = tuple[str, str, str]
"""Station, tag, status."""


@dataclass
class Hall:
    """The plant's capture in one sandbox."""

    running: RunningSandbox
    ctx: StepContext
    key: CaptureKey
    plant: Plant
    said: list[str] = field(default_factory=list)

    @property
    def stations(self) -> dict[str, str]:
        """Stations by the external ids of their images."""
        return {image_id(self.key, plate.station): plate.station for plate in self.plant.plates}

    def read(self, detector: str = "ocr", fingerprint: str = FINGERPRINT) -> list[Match]:
        """The verdicts on all texts that a detector finds."""
        links = self.ctx.site.links.model_copy(update={"detector": detector})
        site = self.ctx.site.model_copy(update={"links": links})
        ctx = StepContext(site, self.ctx.records, self.ctx.cdf, "test", self.said.append)
        for batch in range(detection_batches(ctx, self.key, fingerprint)):
            detect(ctx, self.key, fingerprint, batch)
        match(ctx, self.key, fingerprint)
        return recorded_matches(ctx.records, self.key, fingerprint)

    def table(self, matches: list[Match]) -> Counter[Row]:
        return Counter(
            (self.stations[found.detection.image], found.asset.name, found.status)
            for found in matches
            if found.asset is not None and found.status != "dropped"
        )

    def wrong(self, matches: list[Match]) -> list[tuple[str, str]]:
        """Approved links to another asset than the plate's."""
        return [
            (found.detection.text, found.asset.name)
            for found in matches
            if found.asset is not None and found.status == "approved"
            and ((plate := self.plate(found)) is None or plate.tag != found.asset.name)
        ]  # fmt: skip

    def plate(self, found: Match) -> Plate | None:
        return plate_under(self.plant.plates, self.stations[found.detection.image], found.detection)


@pytest.fixture(scope="module")
def halls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Hall]]:
    """One capture in a project of each mode; the texts of a face are read once for all of them."""
    home = tmp_path_factory.mktemp("contextualize")
    plant = draw(home, stations=2)
    records = Records(str(home / "records"))
    with ExitStack() as stack:
        yield {mode: hall(stack, mode, home, plant, records) for mode in MODES}


def hall(stack: ExitStack, mode: str, home: Path, plant: Plant, records: Records) -> Hall:
    options = fast_options(home / mode, mode, detection_queue=0, detection_processing=0)
    running = stack.enter_context(run_sandbox(options))
    cdf = CdfProject(Connection.from_mapping({**running.connection, "mode": mode}, "test"))
    site = Site(
        id="hall-7", name="Hall 7", space="captures", landing=Landing(url=str(home / "landing/hall-7")),
        links=LinkSettings(),
    )  # fmt: skip
    key = CaptureKey("hall-7", f"plates-{mode.replace('_', '-')}")
    publish(cdf, site, key, plant)
    (create_classic_assets if mode == "asset_centric" else create_asset_nodes)(cdf, plant)
    return Hall(running, StepContext(site, records, cdf, "test", lambda _: None), key, plant)


@pytest.fixture(scope="module")
def verdicts(halls: dict[str, Hall]) -> dict[str, list[Match]]:
    return {mode: each.read() for mode, each in halls.items()}


@pytest.fixture(scope="module")
def written(halls: dict[str, Hall], verdicts: dict[str, list[Match]]) -> dict[str, Annotated]:
    return {mode: annotate(each.ctx, each.key, FINGERPRINT) for mode, each in halls.items()}


def test_no_link_is_wrong_and_legible_plates_are_found(
    halls: dict[str, Hall], verdicts: dict[str, list[Match]]
) -> None:
    hall, matches = halls["asset_centric"], verdicts["asset_centric"]
    assert hall.wrong(matches) == []
    table = hall.table(matches)
    assert any(status == "approved" for _, _, status in table)
    legible = [plate for plate in hall.plant.plates if plate.is_legible]
    linked = {(station, tag) for station, tag, _ in table}
    missed = [plate for plate in legible if (plate.station, plate.tag) not in linked]
    assert legible
    assert len(missed) <= 0.05 * len(legible), missed


def test_the_table_is_the_same_in_every_mode(halls: dict[str, Hall], verdicts: dict[str, list[Match]]) -> None:
    tables = [halls[mode].table(verdicts[mode]) for mode in MODES]
    assert tables[0] == tables[1] == tables[2]
    assert all(halls[mode].wrong(verdicts[mode]) == [] for mode in MODES)


def approved_in_cdf(hall: Hall) -> set[tuple[str, str]]:
    """Station and tag of every approved link, as the project holds it."""
    client = hall.ctx.cdf.client
    if hall.running.sandbox.options.mode is ProjectMode.DATA_MODELING:
        owners = {
            node.properties[ASSET]["object3D"]["externalId"]: node.properties[ASSET]["name"]
            for node in client.data_modeling.instances.list("node", sources=ASSET, limit=None)
            if "object3D" in node.properties[ASSET]
        }
        edges = client.data_modeling.instances.list("edge", sources=ANNOTATION, limit=None)
        return {(hall.stations[e.end_node.external_id], owners[e.start_node.external_id]) for e in edges}
    stations = {
        ref.external_id: hall.stations[image.external_id]
        for image in images_of(hall.ctx, hall.key, FINGERPRINT)
        for ref in image.faces.values()
    }
    files = {f.id: stations[f.external_id] for f in client.files.retrieve_multiple(external_ids=list(stations))}
    found = client.annotations.list(AnnotationFilter("file", [{"id": file} for file in files]), limit=None)
    names = {external_id: name for name, external_id in hall.plant.assets}
    names |= {asset.id: asset.name for asset in client.assets.list(limit=None)}
    return {
        (files[item.annotated_resource_id], names[_asset_of(item.data)]) for item in found if item.status == "approved"
    }


def _asset_of(data: dict[str, Any]) -> int | str:
    return data["assetRef"]["id"] if "assetRef" in data else data["instanceRef"]["externalId"]


def test_the_links_in_cdf_are_the_table(
    halls: dict[str, Hall], verdicts: dict[str, list[Match]], written: dict[str, Annotated]
) -> None:
    wanted = {
        (station, tag) for station, tag, status in halls["hybrid"].table(verdicts["hybrid"]) if status == "approved"
    }
    assert wanted
    assert [approved_in_cdf(halls[mode]) for mode in MODES] == [wanted] * 3
    for mode in ("asset_centric", "hybrid"):
        assert written[mode].approved == sum(found.status == "approved" for found in verdicts[mode])
    assert all(done.refused == () for done in written.values())


def test_suggestions_have_a_place_in_two_modes_and_are_counted_in_the_third(
    halls: dict[str, Hall], verdicts: dict[str, list[Match]], written: dict[str, Annotated]
) -> None:
    suggested = sum(found.status == "suggested" for found in verdicts["data_modeling"])
    assert suggested
    assert [written[mode].suggested for mode in MODES] == [suggested, suggested, 0]
    assert [written[mode].only_recorded for mode in MODES] == [0, 0, suggested]


def test_links_on_the_sphere_lie_on_their_plates(halls: dict[str, Hall], written: dict[str, Annotated]) -> None:
    """By the viewer's mathematics in the image's own frame, and the plant's truth."""
    hall = halls["data_modeling"]
    client = hall.ctx.cdf.client
    upright = dict.fromkeys(("eulerRotationX", "eulerRotationY", "eulerRotationZ"), 0.0)
    places = Counter((plate.station, plate.face) for plate in hall.plant.plates)
    edges = client.data_modeling.instances.list("edge", sources=ANNOTATION, limit=None)
    assert edges
    for edge in edges:
        numbers = edge.properties[ANNOTATION]["polygon"]
        count = int(numbers[0])
        corners = [viewer.look_at_link(upright, *numbers[1 + 2 * corner : 3 + 2 * corner]) for corner in range(count)]
        face, u, v = viewer.look(upright, np.mean(corners, axis=0))
        station = hall.stations[edge.end_node.external_id]
        near = [
            plate
            for plate in hall.plant.plates
            if (plate.station, plate.face) == (station, face)
            and np.hypot(plate.centre[0] - u, plate.centre[1] - v) < 0.05
        ]
        assert near, (station, face, u, v, places)


@pytest.mark.parametrize("mode", MODES)
def test_written_again_nothing_is_sent(mode: str, halls: dict[str, Hall], written: dict[str, Annotated]) -> None:
    hall, first = halls[mode], written[mode]
    before = hall.running.mutating()
    again = annotate(hall.ctx, hall.key, FINGERPRINT)
    assert (again.approved, again.suggested, again.removed) == (0, 0, 0)
    assert again.kept == first.approved + first.suggested
    assert hall.running.mutating() == before


def _is_at_edge(match: Match) -> bool:
    x_min, y_min, x_max, y_max = bounds(match.detection.polygon)
    return min(x_min, y_min) <= 2 * BORDER or max(x_max, y_max) >= 1 - 2 * BORDER


def test_other_detectors_agree_as_far_as_they_read(halls: dict[str, Hall], verdicts: dict[str, list[Match]]) -> None:
    """One test, since the sandbox reads each face once for all detectors."""
    for mode, detector in (("hybrid", "vision"), ("data_modeling", "cdf_3d_job")):
        hall = halls[mode]
        matches = hall.read(detector, fingerprint="d" * 32)
        assert hall.wrong(matches) == [], detector
        sides = {found.detection.image for found in matches if found.detection.face not in ("top", "bottom")}
        assert sides, detector
        # Only own OCR reads a plate across the edge of two faces.
        on_a_face = [match for match in verdicts[mode] if not _is_at_edge(match)]
        own = {(station, tag) for station, tag, status in hall.table(on_a_face) if status == "approved"}
        assert own, detector
        # A plate that is asked about has its suggestion in its best view alone.
        tags = {each.plate: each.asset.name for each in matches if each.asset is not None and each.status != "dropped"}
        theirs = {(hall.stations[each.detection.image], tags[each.plate]) for each in matches if each.plate in tags}
        assert len(own & theirs) >= 0.95 * len(own), (detector, own - theirs)
        assert any("deprecated" in line for line in hall.said) == (detector == "vision")


@pytest.mark.parametrize(
    ("mode", "detector"), [("asset_centric", "cdf_3d_job"), ("hybrid", "cdf_3d_job"), ("data_modeling", "vision")]
)
def test_a_detector_that_the_project_has_not_is_told(mode: str, detector: str, halls: dict[str, Hall]) -> None:
    with pytest.raises(ConfigError, match=rf"links\.detector: {detector} is not available .* Choose one of ocr, "):
        halls[mode].read(detector)


def test_a_face_is_read_once(
    halls: dict[str, Hall], verdicts: dict[str, list[Match]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from capture360.detection.ocr import OcrEngine

    monkeypatch.setattr(OcrEngine, "read", lambda *_: pytest.fail("a face was read again"))
    hall = halls["hybrid"]
    assert detect(hall.ctx, hall.key, FINGERPRINT, 0).texts > 0
