"""Projection of a full panorama (equirectangular, 360 x 180 degrees) onto the six faces of CDF's cube.

A face pixel (u, v) in 0..1, origin top left, x right, y down, looks along `centre + a right + b down` with a = 2u - 1,
b = 2v - 1. The axes of each face are those of the public viewer (cognitedata/reveal, `Image360VisualizationBox.ts`):
seen from inside, no face is mirrored or turned.

A panorama pixel's coordinate (0, 0) is the top left corner of the first pixel, as in ASTM E2807 section 8.4.14.6:
azimuth `az = atan2(y, x)` lies at x = W/2 - az W / 2 pi, elevation at y = H/2 - el H / pi. Samples are taken at pixel
centres. The four sides are one map over windows shifted by a quarter of the panorama. Top and bottom are four times
one quadrant, rotated, so the maps stay small. Where a face pixel covers more than one panorama pixel, it is the mean
of several bilinear samples; towards the poles it is sampled from panoramas of fewer columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capture360.errors import BadInputError
from capture360.model import FACES, LARGEST_CUT_FACE, SMALLEST_CUT_FACE, FaceName

if TYPE_CHECKING:
    from collections.abc import Mapping

Pixels = NDArray[Any]
"""Height x width x channels (or height x width), uint8 or float32."""

_AXES: Mapping[FaceName, tuple[tuple[int, int, int], tuple[int, int, int], tuple[int, int, int]]] = {
    "front": ((0, -1, 0), (-1, 0, 0), (0, 0, -1)),
    "back": ((0, 1, 0), (1, 0, 0), (0, 0, -1)),
    "left": ((1, 0, 0), (0, -1, 0), (0, 0, -1)),
    "right": ((-1, 0, 0), (0, 1, 0), (0, 0, -1)),
    "top": ((0, 0, 1), (-1, 0, 0), (0, -1, 0)),
    "bottom": ((0, 0, -1), (-1, 0, 0), (0, 1, 0)),
}
_QUARTERS_LEFT: Mapping[FaceName, int] = {"front": 0, "left": 1, "back": 2, "right": 3}
_LARGEST_DEFAULT = 4096
_MAP_LIMIT = 32_767
"""cv2.remap addresses pixels with 16-bit numbers."""
_FIRST_RING = 0.5
"""Share of a cap, from the pole, from which on pixels span more than two columns and fewer columns are sampled."""
_LAST_RING = 64
"""The innermost ring is 1/64 of half the cap's width away from the pole, or a little farther."""
_MARGIN = 2
"""Panorama pixels around a window, for the interpolation at its edges."""


class ProjectionError(BadInputError):
    """The picture is no full panorama, or the face size is not possible."""


def default_face_size(panorama_width: int) -> int:
    """Face size that keeps the panorama's resolution: a quarter of its width, a multiple of 16, at most 4096."""
    return min(_LARGEST_DEFAULT, max(SMALLEST_CUT_FACE, math.ceil(panorama_width / 64) * 16))


def face_axes(face: FaceName) -> NDArray[np.float64]:
    """Rows: centre, image right, image down of the face, unit vectors in the cube frame."""
    return np.array(_AXES[face], dtype=np.float64)


def face_directions(face: FaceName, uv: ArrayLike) -> NDArray[np.float64]:
    """Unit vectors (..., 3) in the cube frame through the face points `uv` (..., 2) in 0..1."""
    ab = 2 * np.asarray(uv, dtype=np.float64) - 1
    centre, right, down = face_axes(face)
    rays = centre + ab[..., :1] * right + ab[..., 1:] * down
    return np.asarray(rays / np.linalg.norm(rays, axis=-1, keepdims=True))


def project_to_face(face: FaceName, directions: ArrayLike) -> NDArray[np.float64]:
    """Face points (..., 2) where rays (..., 3) of the cube frame meet the plane of the face; nan for rays behind it.

    Points outside 0..1 lie in the plane beyond the face, as polygons across an edge need.
    """
    rays = np.asarray(directions, dtype=np.float64)
    along, right, down = (rays @ axis for axis in face_axes(face))
    depth = np.where(along > 1e-12, along, np.nan)
    return (np.stack([right / depth, down / depth], axis=-1) + 1) / 2


def face_and_point(direction: ArrayLike) -> tuple[FaceName, tuple[float, float]]:
    """The face that a ray of the cube frame meets, and (u, v) on it in 0..1."""
    ray = np.asarray(direction, dtype=np.float64)
    if ray.shape != (3,) or not np.isfinite(ray).all() or not ray.any():
        raise ProjectionError("A direction must have three finite numbers that are not all zero.")
    face = max(FACES, key=lambda name: float(ray @ face_axes(name)[0]))
    u, v = (float(value) for value in project_to_face(face, ray))
    return face, (u, v)


def check_full_panorama(width: int, height: int, where: str = "The picture") -> None:
    """Raise ProjectionError unless the picture is 2 : 1 within one pixel and OpenCV can address it."""
    if abs(width - 2 * height) > 1 or width < 8:
        raise ProjectionError(
            f"{where}: {width} x {height} pixels are no full panorama; the width must be twice the height. "
            "Export it uncropped, 360 x 180 degrees."
        )
    if width > _MAP_LIMIT - 4:
        raise ProjectionError(f"{where}: {width} pixels are wider than {_MAP_LIMIT - 4}. Export it smaller.")


def cube_faces(panorama: Pixels, face_size: int | None = None) -> Iterator[tuple[FaceName, Pixels]]:
    """Yield the six faces, each `face_size` x `face_size`, of the panorama's type (uint8 or float32).

    Deterministic for one version of OpenCV, whatever the threads. Maps of the last sizes are cached.
    Memory beyond panorama, face and maps is one window of at most a quarter of the panorama.
    """
    import cv2

    height, width = panorama.shape[:2]
    check_full_panorama(width, height)
    size = default_face_size(width) if face_size is None else face_size
    if size % 2 or not SMALLEST_CUT_FACE <= size <= LARGEST_CUT_FACE:
        allowed = f"{SMALLEST_CUT_FACE} to {LARGEST_CUT_FACE}"
        raise ProjectionError(f"A face of {size} pixels cannot be made. Use an even number, {allowed}.")
    if panorama.dtype not in (np.uint8, np.float32):
        raise ProjectionError(f"A panorama of {panorama.dtype} cannot be projected. Use uint8 or float32.")
    cv2.setNumThreads(1)
    sampling = max(1, math.ceil(width / (4 * size)))
    for face in FACES:
        if face == "top":
            yield face, _cap(panorama, size, sampling)
        elif face == "bottom":
            yield face, np.ascontiguousarray(_cap(panorama[::-1], size, sampling)[::-1])
        else:
            yield face, _side(panorama, size, sampling, _QUARTERS_LEFT[face])


def _side(panorama: Pixels, size: int, sampling: int, quarters_left: int) -> Pixels:
    height, width = panorama.shape[:2]
    # Left edge of the face, 45 degrees left of its centre, in panorama pixels: whole part and rest.
    edge = width / 2 - width / 8 - quarters_left * width / 4
    first, count = (math.floor(edge) - _MARGIN) % width, width // 4 + 2 * _MARGIN + 1
    rows = panorama[max(0, height // 4 - _MARGIN) : height - height // 4 + _MARGIN]
    window = rows[:, first : first + count]
    if first + count > width:
        window = np.concatenate([window, rows[:, : first + count - width]], axis=1)
    return _sampled(window, _side_maps(width, height, size * sampling, edge - math.floor(edge)), size)


def _cap(panorama: Pixels, size: int, sampling: int) -> Pixels:
    """Return the top face. The bottom one is that of the panorama mirrored top to bottom, mirrored top to bottom.

    A ring of the face that is half as far from the pole spans its pixels over twice as many columns of the panorama.
    So each ring is sampled from a panorama of half as many columns as the ring outside it, the outermost first.
    """
    import cv2

    height = panorama.shape[0]
    face = np.empty((size, size, *panorama.shape[2:]), panorama.dtype)
    half = size // 2
    strip = panorama
    for pixels in _reaches(half):
        strip = strip[: _rows_needed(height, half, pixels)]
        if pixels < half:  # linear interpolation halfway between two columns is their mean
            strip = np.asarray(cv2.resize(strip, (max(8, strip.shape[1] // 2), len(strip))))
        columns = strip.shape[1]
        around = _round_the_pole(strip)
        for turn in range(4):
            # Lower right quadrant of the face: the quarter of the panorama right of its centre; each turn a quarter
            # left.
            edge = columns / 2 - turn * columns / 4
            first, rest = math.floor(edge) % columns, edge - math.floor(edge)
            window = around[:, first : first + math.ceil(columns / 4) + 2 * _MARGIN + 1]
            part = _sampled(window, _cap_maps(columns, height, size, pixels, sampling, rest), pixels)
            rows = slice(half, half + pixels) if turn in (0, 1) else slice(half - pixels, half)
            across = slice(half, half + pixels) if turn in (0, 3) else slice(half - pixels, half)
            # cv2 numbers its turns clockwise: 0, 1 and 2 for one, two and three quarters.
            face[rows, across] = cv2.rotate(part, turn - 1) if turn else part
    return face


def _reaches(half: int) -> Iterator[int]:
    """Return the extent of each ring in pixels from the pole, the outermost first."""
    yield half
    pixels = half * _FIRST_RING
    while pixels >= 1 and half / pixels < _LAST_RING:
        yield math.ceil(pixels)
        pixels /= 2


def _rows_needed(height: int, half: int, pixels: int) -> int:
    """Rows of the panorama from its top to the corner of a square of so many pixels from the pole of the face."""
    return min(height, math.ceil(math.atan(math.sqrt(2) * pixels / half) * height / math.pi) + _MARGIN + 1)


def _round_the_pole(strip: Pixels) -> Pixels:
    """Return the first rows of a panorama, one row beyond the pole before them, columns of the other edge each side."""
    rows, columns = strip.shape[:2]
    around = np.empty((rows + 1, columns + 2 * _MARGIN + 2, *strip.shape[2:]), strip.dtype)
    inside = around[:, _MARGIN : _MARGIN + columns]
    inside[0] = np.roll(strip[0], columns // 2, axis=0)
    inside[1:] = strip
    around[:, :_MARGIN] = inside[:, -_MARGIN:]
    around[:, _MARGIN + columns :] = inside[:, : _MARGIN + 2]
    return around


def _sampled(window: Pixels, maps: tuple[NDArray[Any], NDArray[Any]], size: int) -> Pixels:
    import cv2

    samples = cv2.remap(window, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if samples.shape[0] != size:
        samples = cv2.resize(samples, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(samples)


@lru_cache(maxsize=4)
def _side_maps(width: int, height: int, samples: int, rest: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """Where `samples` x `samples` points of a side face lie in its window, as fixed-point maps."""
    a = 2 * (np.arange(samples) + 0.5) / samples - 1
    azimuth = np.arctan(a)
    columns = (azimuth + math.pi / 4) * width / (2 * math.pi) + rest + _MARGIN - 0.5
    elevation = np.arctan2(-a[:, np.newaxis], np.sqrt(1 + a * a))
    rows = height / 2 - elevation * height / math.pi - 0.5 - max(0, height // 4 - _MARGIN)
    return _fixed(np.broadcast_to(columns, rows.shape), rows)


@lru_cache(maxsize=16)
def _cap_maps(
    width: int, height: int, size: int, pixels: int, sampling: int, rest: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the map of samples in the window for the first `pixels` of the lower right quadrant, from the pole out."""
    a = 2 * (np.arange(pixels * sampling) + 0.5) / (size * sampling)
    right, down = a[np.newaxis, :], a[:, np.newaxis]
    columns = np.arctan2(right, down) * width / (2 * math.pi) + rest + _MARGIN - 0.5
    # One row of the window lies beyond the pole.
    rows = np.arctan(np.hypot(right, down)) * height / math.pi - 0.5 + 1
    return _fixed(columns, rows)


def _fixed(columns: NDArray[np.float64], rows: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
    import cv2

    whole, fraction = cv2.convertMaps(
        np.ascontiguousarray(columns, dtype=np.float32), np.ascontiguousarray(rows, dtype=np.float32), cv2.CV_16SC2
    )
    return whole, fraction
