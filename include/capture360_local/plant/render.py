"""Rendering of the hall: one ray for each pixel, then four where neighbours differ (edges, letters, joints)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from capture360_local.plant.camera import Projection
from capture360_local.plant.caster import ROOM_SURFACES, Numbers
from capture360_local.plant.hall import Hall
from capture360_local.plant.rotation import Floats
from capture360_local.plant.scene import Shape

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

TILE = 16
TILES_AT_ONCE = 1024
SUBPIXELS = np.array([[3, 1], [7, 3], [1, 5], [5, 7]]) / 8  # a turned grid: no two share a row or a column
CONTRAST = 9  # grey levels between neighbours that call for more rays
KEY_LIGHT = np.array([0.34, -0.52, 0.78], dtype=np.float32)
FILL_LIGHT = np.array([-0.72, 0.42, 0.55], dtype=np.float32)


@dataclass(frozen=True)
class Camera:
    """Camera position (3,) and rotation (3, 3) from camera to world."""

    position: Floats
    rotation: Floats


class _Grid:
    """The pixels of a view in square tiles, whose rays are close to each other."""

    def __init__(self, view: Projection) -> None:
        self.view = view
        self._across, self._down = -(-view.width // TILE), -(-view.height // TILE)
        columns = np.arange(self._across, dtype=np.int16) * TILE
        rows = np.arange(self._down, dtype=np.int16) * TILE
        corners = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 1, 2)
        within = np.arange(TILE, dtype=np.int16)
        places = corners + np.stack(np.meshgrid(within, within), axis=-1).reshape(1, -1, 2)
        last = np.array([view.width - 1, view.height - 1], dtype=np.int16)
        self.pixels: Numbers = np.minimum(places, last, out=places)
        """(tiles, TILE * TILE, 2): column and row; tiles beyond the edge repeat the last pixels."""

    def untiled(self, tiles: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the image (height, width, channels) of values (tiles, TILE * TILE, channels)."""
        grid = tiles.reshape(self._down, self._across, TILE, TILE, -1).swapaxes(1, 2)
        image = grid.reshape(self._down * TILE, self._across * TILE, -1)
        return np.ascontiguousarray(image[: self.view.height, : self.view.width])

    def tiled(self, mask: Mask) -> Mask:
        """Return a mask (height, width) as (tiles, TILE * TILE), False beyond the edges."""
        whole = np.zeros((self._down * TILE, self._across * TILE), dtype=bool)
        whole[: self.view.height, : self.view.width] = mask
        tiles = whole.reshape(self._down, TILE, self._across, TILE).swapaxes(1, 2)
        return tiles.reshape(-1, TILE * TILE)


class Renderer:
    """Renderer of one hall."""

    def __init__(self, hall: Hall) -> None:
        self.hall = hall
        solids = hall.scene.solids
        self._shape = np.array([s.shape for s in solids], dtype=np.int8)
        self._axis = np.array([s.axis for s in solids], dtype=np.int8)
        self._centre = np.array([s.centre for s in solids], dtype=np.float32)
        self._half = np.array([(s.high - s.low) / 2 for s in solids], dtype=np.float32)
        self._radius = np.array([s.radius for s in solids], dtype=np.float32)
        self._colour = np.array([s.colour for s in solids], dtype=np.float32) * 255
        self._gloss = np.array([s.gloss for s in solids], dtype=np.float32)
        self._glows = np.array([s.glows for s in solids])
        self._right = np.array([s.right for s in solids], dtype=np.float32)
        self._up = np.array([s.up for s in solids], dtype=np.float32)
        self._normal = np.array([s.normal for s in solids], dtype=np.float32)
        self._extent = np.array([s.half for s in solids], dtype=np.float32)
        self._texture = np.array([s.texture for s in solids], dtype=np.int32)

    def render(self, camera: Camera, views: Sequence[Projection]) -> list[Pixels]:
        """Return the images (height, width, 3) of the views of one camera, sRGB."""
        grids = [_Grid(view) for view in views]
        shown = [np.empty((*grid.pixels.shape[:2], 3), dtype=np.uint8) for grid in grids]
        solids = [np.empty(grid.pixels.shape[:2], dtype=np.int16) for grid in grids]
        centres = [(grid.view, grid.pixels) for grid in grids]
        for index, part, colours, solid in self._shoot(camera, centres, np.array([[0.5, 0.5]])):
            shown[index][part], solids[index][part] = _rounded(colours), solid
        images = [grid.untiled(shown.pop(0)) for grid in grids]
        rough = [
            (grid.view, _grouped(grid.pixels[grid.tiled(_rough(image, grid.untiled(solid[..., None])[..., 0]))]))
            for grid, image, solid in zip(grids, images, solids, strict=True)
        ]
        for index, part, colours, _ in self._shoot(camera, rough, SUBPIXELS):
            places = rough[index][1][part].reshape(-1, 2)
            means = colours.reshape(-1, len(SUBPIXELS), 3).mean(axis=1)
            images[index][places[:, 1], places[:, 0]] = _rounded(means)
        return images

    def _shoot(
        self, camera: Camera, parts: Sequence[tuple[Projection, Numbers]], within: Floats
    ) -> Iterator[tuple[int, slice, Floats, Numbers]]:
        """Cast rays at the points `within` (m, 2) of each pixel (tiles, n, 2), given as column and row, of each view.

        Yields, for a run of tiles of a view, colours (tiles, n * m, 3) in 0..255 and solids (tiles, n * m).
        """
        for batch in _batches([len(pixels) for _, pixels in parts]):
            rays, angles = [], []
            for index, part in batch:
                view, pixels = parts[index][0], parts[index][1][part]
                places = (pixels[:, :, None, :] + within).reshape(-1, 2)
                flat = view.directions(places[:, 0], places[:, 1])
                flat /= np.sqrt((flat**2).sum(axis=0))
                rays.append(np.einsum("wc,cn->wn", camera.rotation, flat).reshape(3, len(pixels), -1))
                angles.append(np.full(len(pixels), view.pixel_angle / np.sqrt(len(within)), dtype=np.float32))
            shot = np.concatenate(rays, axis=1, dtype=np.float32)
            distance, solid = self.hall.caster.cast(camera.position, shot)
            footprint = distance * np.concatenate(angles)[:, None]
            flat_shot, flat_solid = shot.reshape(3, -1), solid.ravel()
            colours = self._shade(camera.position, flat_shot, distance.ravel(), flat_solid, footprint.ravel())
            colours = colours.reshape(*solid.shape, 3)
            start = 0
            for index, part in batch:
                end = start + part.stop - part.start
                yield index, part, colours[start:end], solid[start:end]
                start = end

    def _shade(self, origin: Floats, rays: Floats, distance: Floats, solid: Numbers, footprint: Floats) -> Floats:
        points = origin.astype(np.float32)[:, None] + rays * distance
        colours = self._colour[solid]
        normals = np.empty_like(rays)
        shape = self._shape[solid]
        crease = np.ones(len(solid), dtype=np.float32)
        for kind, surface in ((Shape.BOX, self._box), (Shape.CYLINDER, self._cylinder), (Shape.SPHERE, self._sphere)):
            chosen = np.flatnonzero(shape == kind)
            if chosen.size:
                normals[:, chosen], crease[chosen] = surface(points[:, chosen], solid[chosen])
        chosen = np.flatnonzero(shape == Shape.PICTURE)
        number = solid[chosen]
        normals[:, chosen] = self._normal[number].T
        facing = -np.einsum("cn,cn->n", rays[:, chosen], normals[:, chosen])
        colours[chosen] = self._printed(points[:, chosen], number, footprint[chosen], facing)
        light = self._light(points, normals, solid) * crease
        colours *= light[:, None]
        shiny = np.flatnonzero(self._gloss[solid] > 0)
        halfway = KEY_LIGHT[:, None] - rays[:, shiny]
        halfway /= np.linalg.norm(halfway, axis=0)
        glint = np.maximum(np.einsum("cn,cn->n", halfway, normals[:, shiny]), 0) ** 40
        colours[shiny] += (glint * self._gloss[solid[shiny]] * 190)[:, None]
        return colours

    def _light(self, points: Floats, normals: Floats, solid: Numbers) -> Floats:
        key = np.maximum(np.einsum("c,cn->n", KEY_LIGHT, normals), 0)
        fill = np.maximum(np.einsum("c,cn->n", FILL_LIGHT, normals), 0)
        sky = 0.5 + 0.5 * normals[2]
        corner = 0.80 + 0.20 * np.minimum(points[2] / 0.7, 1.0)  # less light reaches the foot of a wall
        light = (0.52 + 0.30 * key + 0.16 * fill + 0.12 * sky) * np.where(normals[2] > 0.9, 1.0, corner)
        return np.where(self._glows[solid], 1.0, light)

    def _box(self, points: Floats, solid: Numbers) -> tuple[Floats, Floats]:
        offset = points - self._centre[solid].T
        depth = self._half[solid].T - np.abs(offset)
        axis = np.abs(depth).argmin(axis=0)
        normals = np.zeros_like(points)
        columns = np.arange(len(solid))
        normals[axis, columns] = np.sign(offset[axis, columns])
        depth[axis, columns] = np.inf
        return normals, np.where(depth.min(axis=0) < 0.006, np.float32(0.72), np.float32(1))

    def _cylinder(self, points: Floats, solid: Numbers) -> tuple[Floats, Floats]:
        offset = points - self._centre[solid].T
        axis, columns = self._axis[solid], np.arange(len(solid))
        along = offset[axis, columns]
        cap = np.abs(np.abs(along) - self._half[solid, axis]) < 1e-4
        offset[axis, columns] = 0
        radial = np.linalg.norm(offset, axis=0)
        cap &= radial < self._radius[solid] * 0.999
        normals = offset / np.maximum(radial, 1e-9)
        normals[:, cap] = 0
        normals[axis[cap], columns[cap]] = np.sign(along[cap])
        return normals, np.ones(len(solid), dtype=np.float32)

    def _sphere(self, points: Floats, solid: Numbers) -> tuple[Floats, Floats]:
        normals = (points - self._centre[solid].T) / self._radius[solid]
        return normals, np.ones(len(solid), dtype=np.float32)

    def _printed(self, points: Floats, solid: Numbers, footprint: Floats, facing: Floats) -> Floats:
        offset = points - self._centre[solid].T
        extent = self._extent[solid]
        across = 0.5 + 0.5 * np.einsum("cn,nc->n", offset, self._right[solid]) / extent[:, 0]
        down = 0.5 - 0.5 * np.einsum("cn,nc->n", offset, self._up[solid]) / extent[:, 1]
        texture = self._texture[solid]
        texel = 2 * extent[:, 0] / self.hall.atlas.texel_width(texture)
        spread = footprint / np.sqrt(np.maximum(np.abs(facing), 0.05)) / texel
        level = np.floor(np.log2(np.maximum(spread, 1.0)) + 0.3).astype(np.int32)
        colours = self.hall.atlas.sample(texture, across, down, level)
        behind = (facing < 0) & (solid >= ROOM_SURFACES)
        colours[behind] = 120.0
        return colours


def _grouped(pixels: Numbers) -> Numbers:
    """Group pixels (n, 2) as (groups, size, 2), so that a group has as many rays as a tile; the last is repeated."""
    size = TILE * TILE // len(SUBPIXELS)
    filled = np.concatenate([pixels, np.repeat(pixels[-1:], -len(pixels) % size, axis=0)])
    return filled.reshape(-1, size, 2)


def _batches(counts: Sequence[int]) -> Iterator[list[tuple[int, slice]]]:
    """Yield runs of tiles, as index and slice, of at most TILES_AT_ONCE."""
    batch: list[tuple[int, slice]] = []
    room = TILES_AT_ONCE
    for index, count in enumerate(counts):
        start = 0
        while start < count:
            end = min(count, start + room)
            batch.append((index, slice(start, end)))
            room -= end - start
            start = end
            if not room:
                yield batch
                batch, room = [], TILES_AT_ONCE
    if batch:
        yield batch


def _rounded(colours: Floats) -> Pixels:
    pixels: Pixels = np.clip(colours + 0.5, 0, 255).astype(np.uint8)
    return pixels


def _rough(image: Pixels, solid: Numbers) -> Mask:
    """Return the mask of pixels that differ from a neighbour in colour or solid."""
    grey = image.astype(np.int16) @ np.array([2, 5, 1], dtype=np.int16) // 8
    rough = np.zeros(solid.shape, dtype=bool)
    for axis in (0, 1):
        if solid.shape[axis] < 2:
            continue
        step = (np.abs(np.diff(grey, axis=axis)) > CONTRAST) | (np.diff(solid, axis=axis) != 0)
        before, after = [slice(None)] * 2, [slice(None)] * 2
        before[axis], after[axis] = slice(None, -1), slice(1, None)
        rough[tuple(before)] |= step
        rough[tuple(after)] |= step
    return rough
