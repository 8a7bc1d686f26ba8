"""Outline of the plate around a text, and whether the text on it is whole or cut.

The background around the letters is grown up to the plate's frame, its edge, or an obstacle in front of it. A text with
a margin at both ends is whole. A text that reaches the end of its background is cut: by an obstacle or the edge of the
picture, or it is a part of something larger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capture360.detection.line_view import TEXT_HEIGHT, LineView, Mask, Pixels, cap_height, in_view, line_view, paint_of
from capture360.detection.plate_ends import Plate, is_whole
from capture360.geometry.boxes import Polygon
from capture360.geometry.polygons import clipped, is_upright

if TYPE_CHECKING:
    from capture360.detection.protocol import Line

VERSION = "outline-3"
"""Part of the cache key; changed with every change of the results."""

_LEAST_CONTRAST = 45.0
"""Least contrast between letters and background; 441 is that of black and white."""
_SAME = (0.3, 0.15, 0.08)
"""Tolerances of the background's colour as shares of the contrast, the loosest first."""
_LETTER_SIZE = 2 * TEXT_HEIGHT
"""Largest extent of what may be a letter on the plate."""
_THIN = 18
"""Pixels; thinner regions of a plate's colour are posts or pipes behind it."""
_LEAST_COVER = 0.75
"""Share of a line's box that its plate covers."""
_LEAST_SOLIDITY = 0.85
"""Share of the smallest rectangle around a plate that the plate fills."""


def with_outlines(pixels: Pixels, lines: Sequence[Line]) -> list[Line]:
    """The lines of a face (height x width x 3) with the height of their letters and the outlines of their plates.

    None for what cannot be made out.
    """
    height, width = pixels.shape[:2]
    size = np.array([width, height], dtype=np.float64)
    return [_with_outline(pixels, line, lines, size) for line in lines]


def _with_outline(pixels: Pixels, line: Line, lines: Sequence[Line], size: NDArray[np.float64]) -> Line:
    view = line_view(pixels, np.asarray(line.polygon) * size, turned=is_upright(line.polygon))
    if view is None:
        return line
    line = replace(line, cap_px=round(cap_height(view), 1))
    plate = _background(view)
    if plate is None:
        return line
    outline = _outline(view, plate.filled, size)
    if outline is None:
        return line
    read = [in_view(view, np.asarray(each.polygon) * size) for each in lines]
    return replace(line, outline=outline, whole=is_whole(view, plate, read))


def _background(view: LineView) -> Plate | None:
    """Return the plate of a line at the loosest colour tolerance at which it ends within the view, if any."""
    left, top, right, bottom = view.box
    text = view.pixels[top:bottom, left:right].astype(np.float32)
    paint = paint_of(view)
    if not paint.any() or paint.all():
        return None
    colour, ink = np.median(text[paint], axis=0), np.median(text[~paint], axis=0)
    contrast = float(np.linalg.norm(colour - ink))
    if contrast < _LEAST_CONTRAST:
        return None
    differing = np.linalg.norm(view.pixels.astype(np.float32) - colour.astype(np.float32), axis=2)
    for opened in (False, True):
        for share in _SAME:
            plate = _grown(differing < share * contrast, view, opened=opened)
            if plate is not None:
                return Plate(*plate, contrast)
    return None


def _grown(same: NDArray[np.bool_], view: LineView, *, opened: bool) -> tuple[Mask, Mask] | None:
    """Return the connected background of the text, filled in, and its ink; None if it has no end or no clear form.

    `opened` separates it from thin regions of its colour that it touches: posts and pipes behind it.
    """
    import cv2

    left, top, right, bottom = view.box
    paint = (same & (view.inside > 0)).astype(np.uint8)
    ink = 1 - paint
    if opened:
        _, pieces, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
        small = stats[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max(axis=1) <= _LETTER_SIZE
        small[0] = False
        ink = small[pieces].astype(np.uint8)
        paint = np.asarray(cv2.morphologyEx(paint | ink, cv2.MORPH_OPEN, np.ones((_THIN, _THIN), np.uint8)), np.uint8)
    _, labels = cv2.connectedComponents(paint, connectivity=4)
    here = np.bincount(labels[top:bottom, left:right].ravel())
    here[0] = 0
    if not here.any():
        return None
    solid = (labels == int(here.argmax())).astype(np.uint8)
    if solid[0].any() or solid[-1].any() or solid[:, 0].any() or solid[:, -1].any():
        return None
    contours, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contour = max(contours, key=cv2.contourArea)
    hull = cv2.contourArea(cv2.convexHull(contour))
    filled = np.zeros_like(solid)
    cv2.drawContours(filled, [contour], -1, 1, cv2.FILLED)
    if hull <= 0 or filled.sum() < _LEAST_SOLIDITY * hull or filled[top:bottom, left:right].mean() < _LEAST_COVER:
        return None
    return filled, filled & ink


def _outline(view: LineView, plate: Mask, size: NDArray[np.float64]) -> Polygon | None:
    """Return the smallest rectangle around a plate, in 0..1 of the face; None if it lies outside."""
    import cv2

    (contour,), _ = cv2.findContours(plate, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    rectangle = cv2.minAreaRect(contour)
    corners = cv2.boxPoints(rectangle)
    back = cv2.invertAffineTransform(view.to_view)
    return clipped(((corners @ back[:, :2].T + back[:, 2]) / size).tolist())
