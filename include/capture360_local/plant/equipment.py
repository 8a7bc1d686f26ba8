"""Equipment of the hall. Each function adds one piece to the scene and returns the mount of its plate.

`side` is +1 or -1: whether the plate faces north or south.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from capture360_local.plant.lettering import dial
from capture360_local.plant.rotation import Floats
from capture360_local.plant.scene import Colour, Scene, vector

STEEL: Colour = (0.62, 0.64, 0.66)
DARK: Colour = (0.24, 0.26, 0.29)
CONCRETE: Colour = (0.66, 0.65, 0.62)
SAFETY_YELLOW: Colour = (0.93, 0.76, 0.12)
PAINTS: tuple[Colour, ...] = (
    (0.16, 0.38, 0.62),
    (0.18, 0.48, 0.36),
    (0.72, 0.42, 0.16),
    (0.52, 0.20, 0.22),
    (0.36, 0.40, 0.46),
    (0.80, 0.78, 0.70),
)


@dataclass(frozen=True)
class Mount:
    """Mount of a plate: the middle of its back, and the horizontal direction that it faces."""

    centre: Floats
    facing: Floats


def facing(side: int) -> Floats:
    """Unit vector (3,) along +Y or -Y."""
    return vector(0, side, 0)


def pump(scene: Scene, east: float, north: float, side: int, paint: Colour, header: float) -> Mount:
    """A pump with its motor on a plinth, a discharge pipe up to `header`, and a plate on a bracket in front."""
    at = vector(east, north, 0)
    scene.box(at + vector(-0.85, -0.42, 0), at + vector(0.85, 0.42, 0.22), CONCRETE)
    scene.box(at + vector(-0.78, -0.34, 0.22), at + vector(0.78, 0.34, 0.30), DARK)
    scene.cylinder(0, at + vector(-0.75, 0, 0.62), 0.72, 0.27, paint)
    for fin in np.linspace(-0.68, -0.12, 5):
        scene.cylinder(0, at + vector(fin, 0, 0.62), 0.03, 0.295, paint)
    scene.cylinder(0, at + vector(-0.03, 0, 0.62), 0.26, 0.08, STEEL)
    scene.cylinder(1, at + vector(0.42, -0.17, 0.62), 0.34, 0.33, paint)
    scene.cylinder(1, at + vector(0.42, side * 0.17 - 0.02, 0.62), 0.04, 0.20, STEEL)
    scene.cylinder(2, at + vector(0.42, 0, 0.62), header - 0.62, 0.10, STEEL)
    for height in (1.05, header - 0.15):
        scene.cylinder(2, at + vector(0.42, 0, height), 0.07, 0.17, STEEL)
    front = at + vector(-0.30, side * 0.50, 0)
    scene.cylinder(2, front + vector(0, -side * 0.03, 0), 1.0, 0.025, DARK)
    return Mount(front + vector(0, 0, 1.05), facing(side))


def drum(scene: Scene, east: float, north: float, side: int, radius: float, height: float, paint: Colour) -> Mount:
    """A standing vessel on a skirt, with a domed head, a ladder and a belt that bears the plate."""
    at = vector(east, north, 0)
    scene.cylinder(2, at, 0.5, radius * 0.9, DARK, gloss=0.0)
    scene.cylinder(2, at + vector(0, 0, 0.5), height, radius, paint, gloss=0.5)
    scene.sphere(at + vector(0, 0, 0.5 + height - radius * 0.45), radius, paint, gloss=0.5)
    for level in (0.62, 0.5 + height * 0.55, 0.45 + height):
        scene.cylinder(2, at + vector(0, 0, level), 0.06, radius + 0.025, STEEL)
    nozzle = at + vector(0.0, side * radius, 0.95)
    start = nozzle if side > 0 else nozzle - vector(0, 0.22, 0)
    scene.cylinder(1, start, 0.22, 0.11, STEEL)
    scene.cylinder(1, start + vector(0, 0.17 if side > 0 else 0.0, 0), 0.05, 0.18, STEEL)
    for rail in (-0.2, 0.2):
        scene.cylinder(2, at + vector(radius + 0.12, rail, 0.2), height + 0.4, 0.022, SAFETY_YELLOW)
    for rung in np.arange(0.4, height + 0.4, 0.4):
        scene.cylinder(1, at + vector(radius + 0.12, -0.2, rung), 0.4, 0.014, SAFETY_YELLOW)
    return Mount(at + vector(0, side * (radius + 0.06), 1.75), facing(side))


def exchanger(scene: Scene, east: float, north: float, side: int, length: float, paint: Colour) -> Mount:
    """A lying shell on two saddles with flanged heads."""
    at = vector(east, north, 0)
    for saddle in (-0.3, 0.3):
        scene.box(
            at + vector(saddle * length - 0.12, -0.35, 0), at + vector(saddle * length + 0.12, 0.35, 0.9), CONCRETE
        )
    shell = at + vector(-length / 2, 0, 1.2)
    scene.cylinder(0, shell, length, 0.42, paint, gloss=0.5)
    for end in (0.16, 0.26, length - 0.3, length - 0.2):
        scene.cylinder(0, shell + vector(end, 0, 0), 0.06, 0.5, STEEL)
    scene.sphere(shell, 0.42, paint, gloss=0.5)
    scene.sphere(shell + vector(length, 0, 0), 0.42, paint, gloss=0.5)
    for nozzle in (0.25, 0.75):
        scene.cylinder(2, shell + vector(length * nozzle, 0, 0.3), 1.1, 0.12, STEEL)
    return Mount(at + vector(0, side * 0.47, 1.28), facing(side))


def cabinet(
    scene: Scene, east: float, north: float, side: int, size: tuple[float, float, float], paint: Colour
) -> Mount:
    """A cabinet of `size` (width, depth, height) whose back is at `north`; two doors, handles and lamps."""
    width, depth, height = size
    back, front = (north, north + depth) if side > 0 else (north - depth, north)
    scene.box(vector(east - width / 2, back, 0.1), vector(east + width / 2, front, height), paint)
    scene.box(vector(east - width / 2 + 0.03, back, 0), vector(east + width / 2 - 0.03, front, 0.1), DARK)
    face = north + side * depth
    for hinge in (-1, 1):
        low = vector(east + hinge * width / 4 - width / 4 + 0.02, min(face, face + side * 0.015), 0.16)
        high = vector(east + hinge * width / 4 + width / 4 - 0.02, max(face, face + side * 0.015), height - 0.06)
        scene.box(low, high, paint)
        grip = vector(east + hinge * 0.06, face + side * 0.03, 1.0)
        scene.box(grip - vector(0.012, 0.02, 0.09), grip + vector(0.012, 0.02, 0.09), DARK)
    for lamp, colour in enumerate(((0.1, 0.7, 0.2), (0.85, 0.1, 0.1), (0.9, 0.8, 0.1))):
        scene.sphere(vector(east + width * 0.3 - lamp * 0.07, face + side * 0.015, height - 0.22), 0.022, colour)
    return Mount(vector(east, face + side * 0.03, height - 0.42), facing(side))


def transmitter_rail(scene: Scene, east: float, north: float, side: int, count: int, pitch: float) -> list[Mount]:
    """A rail on two posts with `count` transmitters, a plate under each."""
    half = pitch * (count - 1) / 2
    for post in (-half - 0.15, half + 0.15):
        scene.cylinder(2, vector(east + post, north, 0), 1.5, 0.03, SAFETY_YELLOW)
    scene.cylinder(0, vector(east - half - 0.15, north, 1.38), 2 * half + 0.3, 0.03, STEEL)
    mounts = []
    for number in range(count):
        x = east - half + pitch * number if side < 0 else east + half - pitch * number
        front = north + side * 0.10
        scene.box(vector(x - 0.05, min(north, front), 1.33), vector(x + 0.05, max(north, front), 1.47), DARK)
        middle = vector(x, front, 1.52)
        scene.cylinder(1, middle - vector(0, 0.08, 0), 0.16, 0.085, (0.20, 0.42, 0.66))
        face = middle + vector(0, side * 0.082, 0)
        right = vector(-side, 0, 0)
        scene.picture(face, right, vector(0, 0, 1), (0.11, 0.11), dial(0.15 + 0.7 * ((number * 37 + east * 13) % 1)))
        scene.cylinder(2, vector(x, north, 0.2), 1.15, 0.012, STEEL)
        mounts.append(Mount(vector(x, north + side * 0.05, 1.20), facing(side)))
    return mounts


def valve(scene: Scene, east: float, north: float, side: int, paint: Colour) -> Mount:
    """A short standing pipe with a flanged valve and a hand wheel, its plate on a stalk."""
    at = vector(east, north, 0)
    scene.box(at + vector(-0.2, -0.2, 0), at + vector(0.2, 0.2, 0.08), CONCRETE)
    scene.cylinder(2, at + vector(0, 0, 0.08), 2.2, 0.07, STEEL)
    for flange in (0.72, 1.06):
        scene.cylinder(2, at + vector(0, 0, flange), 0.05, 0.14, STEEL)
    scene.sphere(at + vector(0, 0, 0.92), 0.15, paint)
    stem = at + vector(0, side * 0.36, 0.92)
    scene.cylinder(1, at + vector(0, min(0.0, side * 0.36), 0.92), 0.36, 0.03, STEEL)
    scene.cylinder(1, stem - vector(0, 0.015, 0), 0.03, 0.17, SAFETY_YELLOW)
    return Mount(at + vector(0, side * 0.09, 1.42), facing(side))


def pipe(scene: Scene, axis: int, start: Floats, length: float, radius: float, paint: Colour, band: Colour) -> None:
    """A straight pipe with flanges and coloured bands."""
    scene.cylinder(axis, start, length, radius, paint, gloss=0.45)
    along = np.eye(3)[axis]
    for place in np.arange(1.6, length - 0.4, 3.2):
        scene.cylinder(axis, start + along * place, 0.22, radius + 0.006, band)
    for place in np.arange(0.8, length - 0.3, 4.0):
        scene.cylinder(axis, start + along * place, 0.06, radius * 1.6, STEEL)


def rack(scene: Scene, east: float, north: float, width: float, height: float) -> None:
    """A portal frame that carries pipes across the hall's middle."""
    for post in (-width / 2, width / 2):
        scene.box(
            vector(east - 0.1, north + post - 0.1, 0),
            vector(east + 0.1, north + post + 0.1, height),
            (0.70, 0.30, 0.16),
        )
    for level in (height - 0.9, height - 0.15):
        scene.box(
            vector(east - 0.08, north - width / 2, level),
            vector(east + 0.08, north + width / 2, level + 0.15),
            (0.70, 0.30, 0.16),
        )
