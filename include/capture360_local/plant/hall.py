"""The hall: a room 28 x 16 x 6.5 m with its south-west floor corner at (0, 0, 0), +X east, +Y north, +Z up, metres.

From south to north: cabinets on the wall, an aisle, pumps under a pipe rack, an aisle, vessels and heat exchangers.
The same seed gives the same hall.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from capture360_local.plant import equipment, lettering, surfaces
from capture360_local.plant.caster import Caster
from capture360_local.plant.equipment import PAINTS, Mount
from capture360_local.plant.lettering import Style
from capture360_local.plant.rotation import Floats, about, about_z
from capture360_local.plant.scene import Scene, Shape, vector
from capture360_local.plant.tags import Tag, TagBook, tag_book
from capture360_local.plant.textures import Atlas

SIZE = (28.0, 16.0, 6.5)
AISLES = (3.4, 10.9)
RACK_HEIGHT = 4.6
UP = vector(0, 0, 1)


@dataclass(frozen=True)
class Plate:
    """A plate or sign. `corners` (4, 3) are top left, top right, bottom right, bottom left as a reader sees it."""

    id: str
    lines: tuple[str, ...]
    small_print: str
    tag: str | None
    in_asset_list: bool
    cap_height: float
    corners: Floats
    normal: Floats
    solid: int

    @property
    def text(self) -> str:
        """What stands on it, line by line."""
        return "\n".join(self.lines)


@dataclass(frozen=True)
class Hall:
    """The scene, its plates, and their ground truth."""

    scene: Scene
    plates: tuple[Plate, ...]
    tags: TagBook
    caster: Caster
    atlas: Atlas


@lru_cache(maxsize=2)
def build_hall(seed: int, *, look_alikes: bool = True) -> Hall:
    """Build the hall of a seed; cached, since several captures often share a hall. `look_alikes` as for `tag_book`."""
    builder = _Builder(seed, look_alikes)
    builder.room()
    builder.pumps()
    builder.north_row()
    builder.south_row()
    builder.instruments()
    builder.valves()
    builder.overhead()
    builder.signs()
    builder.floor()
    scene = builder.scene
    caster = Caster(scene.solids, (vector(0, 0, 0), vector(*SIZE)))
    return Hall(scene, tuple(builder.plates), builder.book, caster, Atlas(scene.textures))


class _Builder:
    """Builder of the hall."""

    def __init__(self, seed: int, look_alikes: bool) -> None:
        self.rng = np.random.default_rng([seed, 2])
        self.book = tag_book(seed, look_alikes=look_alikes)
        self.scene = Scene()
        self.plates: list[Plate] = []
        self._ghosts = list(self.book.ghosts)

    def room(self) -> None:
        """Add the six surfaces in the caster's order: west, east, south, north, floor, ceiling."""
        length, width, height = SIZE
        side, long = (width, height), (length, height)
        mid = vector(length, width, height) / 2
        walls = (
            (vector(0, mid[1], mid[2]), vector(1, 0, 0), side, surfaces.block_wall(side, "WEST", self.rng)),
            (vector(length, mid[1], mid[2]), vector(-1, 0, 0), side, surfaces.ribbed_wall(side, "EAST", self.rng)),
            (vector(mid[0], 0, mid[2]), vector(0, 1, 0), long, surfaces.panelled_wall(long, "SOUTH", self.rng)),
            (vector(mid[0], width, mid[2]), vector(0, -1, 0), long, surfaces.brick_wall(long, "NORTH", self.rng)),
        )
        for centre, inward, size, image in walls:
            self.scene.picture(centre, np.cross(-inward, UP), UP, size, image)
        plan, north = (length, width), vector(0, 1, 0)
        blank = surfaces.ceiling(plan, self.rng)
        self.scene.picture(vector(mid[0], mid[1], 0), vector(1, 0, 0), north, plan, blank)
        self.scene.picture(vector(mid[0], mid[1], height), vector(-1, 0, 0), north, plan, blank)

    def floor(self) -> None:
        """Paint the floor, which is done last since it shows the shadows of everything on it."""
        footprints = [
            np.array([solid.low[0], solid.low[1], solid.high[0], solid.high[1]])
            for solid in self.scene.solids[6:]
            if solid.low[2] < 0.3
        ]
        self.scene.textures[4] = surfaces.floor(SIZE[:2], footprints, AISLES, self.rng)

    def pumps(self) -> None:
        """Pairs and a trio back to back under the rack, half of them facing each aisle."""
        places = np.linspace(3.6, 24.4, len(self.book.pumps))
        for number, (tag, east) in enumerate(zip(self.book.pumps, places, strict=True)):
            side = -1 if number % 2 == 0 else 1
            north = 6.55 if side < 0 else 7.95
            mount = equipment.pump(self.scene, east, north, side, self._paint(), RACK_HEIGHT - 1.05)
            style = lettering.WHITE if number % 3 else lettering.YELLOW
            self._plate(mount, tag, 0.085, style, small_print=tag.description if number % 4 == 1 else "")
            if number == 3:  # a second plate of the same tag, on the other side
                other = vector(east - 0.2, north - side * 1.9, 1.15)
                self.scene.cylinder(2, other * vector(1, 1, 0) + vector(0, side * 0.03, 0), 1.1, 0.025, equipment.DARK)
                self._plate(Mount(other, equipment.facing(-side)), tag, 0.06, lettering.WHITE)

    def north_row(self) -> None:
        """Standing drums with lying exchangers between them, facing the north aisle."""
        drums = iter(self.book.vessels)
        for number, east in enumerate((2.6, 5.4, 12.2, 15.0, 21.6, 24.6)):
            radius, height = float(self.rng.uniform(0.7, 0.95)), float(self.rng.uniform(2.6, 4.0))
            mount = equipment.drum(self.scene, east, 14.3, -1, radius, height, self._paint())
            tag = next(drums)
            style = lettering.BLUE if number % 2 else lettering.WHITE
            self._plate(mount, tag, 0.11, style, small_print=tag.description if number % 2 else "")
        for tag, east in zip(self.book.exchangers, (8.8, 18.3, 10.0), strict=True):
            if tag is self.book.exchangers[2]:
                mount = equipment.exchanger(self.scene, 26.0 - 2.6, 12.9, -1, 2.0, self._paint())
            else:
                mount = equipment.exchanger(self.scene, east, 13.9, -1, 3.4, self._paint())
            self._plate(mount, tag, 0.09, lettering.STEEL)

    def south_row(self) -> None:
        """Cabinets along the south wall."""
        greys = ((0.78, 0.79, 0.78), (0.66, 0.70, 0.72), (0.84, 0.82, 0.76))
        places = (3.2, 4.6, 8.2, 9.6, 14.6, 16.2, 21.4, 22.8)
        for number, (tag, east) in enumerate(zip(self.book.cabinets, places, strict=True)):
            size = (1.1, float(self.rng.uniform(0.8, 1.0)), float(self.rng.uniform(1.95, 2.15)))
            mount = equipment.cabinet(self.scene, east, 0.25, 1, size, greys[number % 3])
            self._plate(mount, tag, 0.08, lettering.BLACK if number % 2 else lettering.WHITE)

    def instruments(self) -> None:
        """Rails of three transmitters in front of the rows; every other plate breaks its tag in two lines."""
        groups = [self.book.instruments[i : i + 3] for i in range(0, len(self.book.instruments), 3)]
        places = (
            (4.8, 5.35, -1), (10.4, 5.35, -1), (15.6, 5.35, -1), (20.6, 5.35, -1),
            (7.3, 9.1, 1), (12.4, 9.1, 1), (18.0, 9.1, 1),
            (15.6, 12.75, -1), (6.9, 1.75, 1),
        )  # fmt: skip
        for number, (group, (east, north, side)) in enumerate(zip(groups, places, strict=True)):
            mounts = equipment.transmitter_rail(self.scene, east, north, side, len(group), 0.62)
            for place, (mount, tag) in enumerate(zip(mounts, group, strict=True)):
                two_lines = number % 2 == 1
                shown = self._ghosts.pop() if number in {2, 5, 7} and place == 2 and self._ghosts else tag
                style = (lettering.WHITE, lettering.STEEL, lettering.YELLOW)[number % 3]
                self._plate(mount, shown, 0.062 if two_lines else 0.055, style, two_lines=two_lines)

    def valves(self) -> None:
        places = (
            (2.4, 5.5, -1), (12.9, 5.5, -1), (18.2, 5.5, -1), (23.4, 5.5, -1),
            (5.0, 9.0, 1), (15.2, 9.0, 1), (10.6, 12.6, -1), (19.6, 12.5, -1),
        )  # fmt: skip
        for number, (tag, (east, north, side)) in enumerate(zip(self.book.valves, places, strict=True)):
            mount = equipment.valve(self.scene, east, north, side, self._paint())
            style = lettering.RED if tag.name.startswith(("PSV", "ESDV")) else lettering.WHITE
            self._plate(mount, tag, 0.066, style, two_lines=number % 3 == 2)

    def overhead(self) -> None:
        """The rack with its pipes and their markers, roof beams and lamps."""
        length, width, height = SIZE
        for east in np.arange(2.0, length, 6.0):
            equipment.rack(self.scene, float(east), 7.25, 3.4, RACK_HEIGHT)
        bands = ((0.1, 0.5, 0.2), (0.9, 0.8, 0.1), (0.8, 0.2, 0.1), (0.2, 0.3, 0.8))
        for number, (tag, north) in enumerate(zip(self.book.lines, (6.0, 6.8, 7.7, 8.5), strict=True)):
            radius = (0.12, 0.09, 0.15, 0.07)[number]
            start = vector(0.02, north, RACK_HEIGHT - 0.75 + radius)
            paint = (0.72, 0.74, 0.75) if number % 2 else PAINTS[(number + 1) % len(PAINTS)]
            equipment.pipe(self.scene, 0, start, length - 0.04, radius, paint, bands[number])
            side = -1 if number < 2 else 1
            for east in (7.0 + number, 19.0 + number):
                centre = vector(east, north + side * (radius + 0.02), start[2])
                self._plate(Mount(centre, equipment.facing(side)), tag, 0.085, lettering.GREEN)
        for east in np.arange(3.5, length, 3.5):
            self.scene.box(
                vector(east - 0.12, 0, height - 0.45), vector(east + 0.12, width, height - 0.1), (0.5, 0.52, 0.56)
            )
        for north in AISLES:
            for east in np.arange(1.75, length, 3.5):
                centre = vector(east, north, height - 0.5)
                self.scene.picture(centre, vector(-1, 0, 0), vector(0, 1, 0), (1.8, 0.4), surfaces.lamp(), glows=True)

    def signs(self) -> None:
        """Add signs whose words are no tags."""
        length, width, _ = SIZE
        for text, style, centre, inward in (
            ("EXIT", lettering.GREEN, vector(0.03, width * 0.7, 2.4), vector(1, 0, 0)),
            ("DANGER\n400 V", lettering.YELLOW, vector(6.4, 0.03, 1.7), vector(0, 1, 0)),
            ("NO SMOKING", lettering.RED, vector(length - 0.03, 4.0, 1.9), vector(-1, 0, 0)),
            ("EAR PROTECTION", lettering.BLUE, vector(length - 0.03, 12.2, 1.9), vector(-1, 0, 0)),
            ("FIRST AID", lettering.GREEN, vector(12.0, 0.03, 1.8), vector(0, 1, 0)),
            ("ASSEMBLY POINT 3", lettering.GREEN, vector(0.03, 4.2, 1.9), vector(1, 0, 0)),
        ):
            self._put(Mount(centre, inward), tuple(text.split("\n")), "", 0.12, style, None, False)

    def _paint(self) -> tuple[float, float, float]:
        return PAINTS[int(self.rng.integers(len(PAINTS)))]

    def _plate(
        self, mount: Mount, tag: Tag, cap_height: float, style: Style, *, two_lines: bool = False, small_print: str = ""
    ) -> None:
        lines = tag.lines if two_lines else (tag.name,)
        known = tag not in self.book.ghosts
        self._put(mount, lines, small_print.upper(), cap_height, style, tag.name, known)

    def _put(
        self,
        mount: Mount,
        lines: tuple[str, ...],
        small_print: str,
        cap_height: float,
        style: Style,
        tag: str | None,
        known: bool,
    ) -> None:
        """Add a plate, turned, tilted and rolled by a few degrees as on real equipment."""
        image, tall = lettering.plate(lines, style, small_print)
        height = tall * cap_height
        width = height * image.width / image.height
        turn, lean, roll = np.radians(self.rng.normal(0, (4.0, 2.5, 1.2)).clip(-7, 7))
        normal = about_z(turn) @ mount.facing
        right = np.cross(-normal, UP)
        askew = about(normal, roll) @ about(right, lean)
        normal, right = askew @ normal, askew @ right
        up = np.cross(normal, right)
        clear = 0.015 + 0.5 * (width * abs(np.sin(turn)) + height * abs(np.sin(lean)))
        centre = mount.centre + mount.facing * clear
        solid = self.scene.picture(centre, right, up, (width, height), image)
        across, above = right * width / 2, up * height / 2
        corners = np.stack(
            [centre - across + above, centre + across + above, centre + across - above, centre - across - above]
        )
        name = f"plate-{len(self.plates) + 1:03d}"
        self.plates.append(Plate(name, lines, small_print, tag, known, cap_height, corners, normal, solid))


def footprint_free(position: Floats, hall: Hall) -> bool:
    """Return whether a camera at `position` (3,) keeps a quarter of a metre from everything."""
    return all(
        float(np.linalg.norm(np.maximum(np.maximum(s.low - position, position - s.high), 0))) > 0.25
        for s in hall.scene.solids[6:]
        if s.shape is not Shape.PICTURE
    )
