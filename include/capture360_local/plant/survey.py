"""The survey: position, rotation and time of each station."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np

from capture360_local.plant.camera import PANORAMA_IN_CUBE
from capture360_local.plant.delivered import Delivered
from capture360_local.plant.hall import AISLES, SIZE, Hall, footprint_free
from capture360_local.plant.rotation import Floats, about, about_z, matrix_of, quaternion_of
from capture360_local.plant.scene import vector

SPACING = 2.5  # metres between stations, less if the walk is too short for all of them
FIRST_SHOT = datetime(2025, 9, 16, 7, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Stop:
    """A station. `rotation` (3, 3) maps the cube frame to the world, `quaternion` is the table's.

    For panoramas the table has the panorama frame, so the two differ by a quarter turn about the camera's up.
    """

    id: str
    name: str
    position: Floats
    quaternion: Floats
    rotation: Floats
    taken_at: datetime


def walk(
    hall: Hall,
    form: Delivered,
    count: int,
    *,
    seed: int,
    visit: int = 0,
    tilt_deg: float | None = None,
    taken_at: datetime | None = None,
) -> list[Stop]:
    """Return `count` stops along the aisles. Cameras are tilted by half to all of `tilt_deg`, about skew axes.

    Another `visit` has other positions and headings in the same hall.
    """
    rng = np.random.default_rng([seed, 3, visit])
    tilt = form.usual_tilt if tilt_deg is None else tilt_deg
    loop = _loop()
    length = _length(loop)
    spacing = min(SPACING, length / count)
    start = rng.uniform(0, length)
    numbers = np.cumsum(rng.integers(1, 3, count)) - 1
    when, stops = taken_at or FIRST_SHOT, []
    for number in range(count):
        position = _near(loop, (start + number * spacing) % length, hall, rng, 1.75 if form.panoramic else 1.6)
        lean_toward = np.radians(rng.uniform(20, 70) + 90 * rng.integers(4))
        lean = np.radians(tilt * rng.uniform(0.5, 1.0))
        held = about_z(rng.uniform(-np.pi, np.pi)) @ about(vector(np.cos(lean_toward), np.sin(lean_toward), 0), lean)
        quaternion = quaternion_of(held).round(9)
        rotation = matrix_of(quaternion)
        if form.panoramic:
            rotation = rotation @ PANORAMA_IN_CUBE.T
        navvis = form is Delivered.NAVVIS
        name = f"{int(numbers[number]):05d}" if navvis else f"s-{number + 1:03d}"
        label = name if navvis else f"Hall stop {number + 1}"
        stops.append(Stop(name, label, position, quaternion, rotation, when))
        when += timedelta(milliseconds=int(rng.integers(9_000, 60_000)))
    return stops


def _loop() -> Floats:
    """Corners (5, 2) of the walk round the middle row."""
    west, east = 1.3, SIZE[0] - 1.2
    south, north = AISLES
    return np.array([[west, south], [east, south], [east, north], [west, north], [west, south]])


def _length(loop: Floats) -> float:
    return float(np.linalg.norm(np.diff(loop, axis=0), axis=1).sum())


def _at(loop: Floats, along: float) -> Floats:
    for begin, end in pairwise(loop):
        leg = float(np.linalg.norm(end - begin))
        if along <= leg:
            point: Floats = begin + (end - begin) * (along / leg)
            return point
        along -= leg
    end_of_walk: Floats = loop[-1]
    return end_of_walk


def _near(loop: Floats, along: float, hall: Hall, rng: np.random.Generator, height: float) -> Floats:
    """Return a free position near the walk, rounded to a tenth of a millimetre."""
    for step in np.linspace(0.15, 0.75, 40):
        east, north = _at(loop, along) + rng.uniform(-step, step, 2)
        position = vector(east, north, height + rng.uniform(-0.04, 0.04)).round(4)
        if footprint_free(position, hall):
            return position
    raise RuntimeError(f"No free place for a camera {along:.1f} m along the walk.")
