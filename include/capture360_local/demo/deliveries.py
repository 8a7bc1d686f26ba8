"""The captures of the demo, and the outcome of each that follows from the plant's ground truth."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from capture360.errors import BadInputError
from capture360.model import CaptureKey, Verdict

SITE = "hall-7"
FACE_SIZE = 512
LEGIBLE_FACE_SIZE = 1024
"""Pixels of faces whose plates can be read."""


@dataclass(frozen=True, slots=True)
class Order:
    """A capture that the plant is to render."""

    capture: str
    kind: str
    stations: int
    about: str
    spoil: tuple[str, ...] = ()
    site: str = SITE
    face_size: int = FACE_SIZE

    @property
    def key(self) -> CaptureKey:
        """The key of the capture."""
        return CaptureKey(self.site, self.capture)


LINKED = Order("cubemap", "cubemap", 4, "six faces a station, plates to read", face_size=LEGIBLE_FACE_SIZE)
"""The capture whose plates are linked to assets."""
ORDERS = (
    LINKED,
    Order("navvis", "navvis", 3, "panoramas with tilted poses"),
    Order("damaged", "cubemap", 6, "one station cannot be read", ("truncated-jpeg=1",)),
    Order("rejected", "panorama", 2, "the table lacks a column", ("missing-column",)),
    Order("scan", "e57", 3, "an E57 scan with tilted panoramas"),
    Order("points-only", "e57", 1, "a scan without panoramas", ("no-panoramas",)),
)


@dataclass(frozen=True, slots=True)
class Expected:
    """Verdict, stations left out, and pose of every station that has to be in CDF.

    A pose is the position in metres and the quaternion (w, x, y, z) of the cube frame, as the plant's truth has them.
    """

    verdict: Verdict
    quarantined: Sequence[str]
    poses: Mapping[str, tuple[Sequence[float], Sequence[float]]]


def deliver(order: Order, landing: Path, samples: Path) -> bool:
    """Move the capture into the landing zone at once; False if it is there already."""
    from capture360_local.plant.sample import write_sample

    folder = landing / order.site / order.capture
    truth = truth_of(order, samples)
    if folder.exists():
        if not truth.exists():
            raise BadInputError(f"{folder} is there, but its ground truth {truth} is missing. Run `make clean`.")
        return False
    staged = samples / order.capture
    for leftover in (staged, truth):
        shutil.rmtree(leftover, ignore_errors=True)
    write_sample(
        staged,
        kind=order.kind,
        stations=order.stations,
        face_size=order.face_size,
        seed=7,
        spoil=order.spoil,
        site=order.site,
        capture=order.capture,
        truth=truth,
        views=False,
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    staged.rename(folder)
    return True


def expected(order: Order, samples: Path) -> Expected:
    """Return the outcome that the ground truth demands."""
    truth = truth_of(order, samples)
    faults = json.loads((truth / "faults.json").read_text(encoding="utf-8"))
    quarantined = tuple(faults["quarantined"])
    if faults["rejected"]:
        return Expected(Verdict.REJECTED, (), {})
    stations = json.loads((truth / "poses.json").read_text(encoding="utf-8"))["stations"]
    poses = {
        str(station["station"]): (station["position"], station["quaternion_wxyz"])
        for station in stations
        if station["station"] not in quarantined
    }
    return Expected(Verdict.PARTIAL if quarantined else Verdict.ACCEPTED, quarantined, poses)


def truth_of(order: Order, samples: Path) -> Path:
    """Return the folder of a delivery's ground truth."""
    return samples / f"{order.capture}.truth"
