"""The plate around a text: its outline on the face, and whether the text is whole on it or cut.

The background around the letters is grown until something else stops it: the plate's frame, its edge, or what stands
in front of it. A text with a margin at both ends is whole. A text that reaches the end of its background is cut: by a
pipe in front, by the edge of the picture, or it is a part of something larger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from capture360.geometry.polygons import Polygon, clipped, is_upright

if TYPE_CHECKING:
    from capture360.detection.protocol import Line

VERSION = "outline-2"
"""Changes with every change of the results, which are cached."""

_TEXT_HEIGHT = 32
"""Pixels that a line's box is scaled to."""
_REACH_ALONG = 4.0
"""Searched beyond either end of a line, in heights of its box."""
_REACH_ACROSS = 3.5
_LEAST_CONTRAST = 45.0
"""Between letters and background, of 441 between black and white."""
_SAME = (0.3, 0.15, 0.08)
"""Of the contrast by which a pixel of the background may differ from it, the loosest first."""
_LETTER_SIZE = 2 * _TEXT_HEIGHT
"""Largest extent of what may be a letter on the plate."""
_THIN = 18
"""Pixels: what is thinner and of a plate's colour is no part of it but a post or a pipe behind."""
_LEAST_COVER = 0.75
"""Share of a line's box that its plate covers."""
_LEAST_SOLIDITY = 0.85
"""Share of the smallest rectangle around a plate that the plate fills."""
_LEAST_MARGIN = 0.18
"""Of a letter's height, at both ends of a whole text."""
_LOOSE_MARGIN = 0.3
"""Of a letter's height: no wider than the gap that some letters leave beside them."""
_LEAST_SYMMETRY = 0.4
"""Smaller margin of a whole text as a share of the larger one, which counts up to one and a half letters."""
_WIDE_MARGIN = 0.32
"""Of a letter's height: no gap within a word is as wide, so that what ends the plate need not be a frame."""
_CENTRED = 0.7
"""Smaller margin of a centred text as a share of the larger one."""
_NOTCH = 0.14
"""Of a letter's height by which the end of a plate may leave a straight line."""
_CUT_MARGIN = 0.1
"""Of a letter's height: a text that comes this near to the end of its background is cut."""
_EDGE = 4
"""Pixels beyond a plate's edge that are looked at."""
_ALIKE = 0.3
"""Of the contrast by which what ends a plate may differ from side to side."""
_LETTER_SHARE = 0.4
"""Least height of what may be a letter, as a share of the letters that were read; screws and dirt are lower."""

Pixels = NDArray[np.uint8]
Mask = NDArray[np.uint8]


class _View(NamedTuple):
    """The surroundings of a line, turned and scaled so that it runs from left to right."""

    pixels: Pixels
    inside: Mask
    """Where the face has pixels."""
    to_view: NDArray[np.float64]
    """(2, 3), from pixels of the face."""
    box: tuple[int, int, int, int]
    """Of the line, (left, top, right, bottom)."""


def with_outlines(pixels: Pixels, lines: Sequence[Line]) -> list[Line]:
    """The lines of a face (height x width x 3) with the outlines of their plates, where those can be made out."""
    height, width = pixels.shape[:2]
    size = np.array([width, height], dtype=np.float64)
    return [_with_outline(pixels, line, lines, size) for line in lines]


def _with_outline(pixels: Pixels, line: Line, lines: Sequence[Line], size: NDArray[np.float64]) -> Line:
    view = _view(pixels, np.asarray(line.polygon) * size, turned=is_upright(line.polygon))
    if view is None:
        return line
    plate = _background(view)
    if plate is None:
        return line
    outline = _outline(view, plate.filled, size)
    if outline is None:
        return line
    read = [_in_view(view, np.asarray(each.polygon) * size) for each in lines]
    return replace(line, outline=outline, whole=_is_whole(view, plate, read))


def _view(pixels: Pixels, corners: NDArray[np.float64], *, turned: bool) -> _View | None:
    import cv2

    if turned:
        corners = np.roll(corners, 1, axis=0)
    along = ((corners[1] - corners[0]) + (corners[2] - corners[3])) / 2 if len(corners) == 4 else np.zeros(2)
    length = float(np.hypot(*along))
    if length < 4:
        return None
    along = along / length
    down = np.array([-along[1], along[0]])
    across = corners @ down
    tall = float(across.max() - across.min())
    if tall < 4:
        return None
    scale = _TEXT_HEIGHT / tall
    left, top = float((corners @ along).min()), float(across.min())
    margin_x, margin_y = int(_REACH_ALONG * _TEXT_HEIGHT), int(_REACH_ACROSS * _TEXT_HEIGHT)
    text_width = round(length * scale)
    width, height = text_width + 2 * margin_x, _TEXT_HEIGHT + 2 * margin_y
    to_view = np.array([[*(along * scale), margin_x - left * scale], [*(down * scale), margin_y - top * scale]])
    if width > 60 * _TEXT_HEIGHT:
        return None
    seen = cv2.warpAffine(pixels, to_view, (width, height), flags=cv2.INTER_LINEAR)
    ones = np.full(pixels.shape[:2], 255, np.uint8)
    inside = cv2.warpAffine(ones, to_view, (width, height), flags=cv2.INTER_NEAREST)
    box = (margin_x, margin_y, margin_x + text_width, margin_y + _TEXT_HEIGHT)
    return _View(np.asarray(seen, np.uint8), np.asarray(inside, np.uint8), to_view, box)


class _Plate(NamedTuple):
    """Masks of a plate, its letters filled in, and of its ink, and the contrast of the two colours."""

    filled: Mask
    ink: Mask
    contrast: float


def _background(view: _View) -> _Plate | None:
    """The plate of a line, by the loosest colour tolerance at which it ends within the view; None if by none."""
    import cv2

    left, top, right, bottom = view.box
    text = view.pixels[top:bottom, left:right].astype(np.float32)
    grey = cv2.cvtColor(view.pixels[top:bottom, left:right], cv2.COLOR_RGB2GRAY)
    level, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    bright = grey > level
    rim = np.concatenate([bright[:2].ravel(), bright[-2:].ravel()])
    paint = bright if rim.mean() > 0.5 else ~bright
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
                return _Plate(*plate, contrast)
    return None


def _grown(same: NDArray[np.bool_], view: _View, *, opened: bool) -> tuple[Mask, Mask] | None:
    """The connected background of the text, filled in, and the ink on it; None if it has no end or no clear form.

    `opened` parts it from thin things of its colour that it touches: posts and pipes behind it.
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


def _outline(view: _View, plate: Mask, size: NDArray[np.float64]) -> Polygon | None:
    """The smallest rectangle around a plate, in 0..1 of the face; None if it lies outside."""
    import cv2

    (contour,), _ = cv2.findContours(plate, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    rectangle = cv2.minAreaRect(contour)
    corners = cv2.boxPoints(rectangle)
    back = cv2.invertAffineTransform(view.to_view)
    return clipped(((corners @ back[:, :2].T + back[:, 2]) / size).tolist())


def _in_view(view: _View, corners: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.asarray((corners @ view.to_view[:, :2].T + view.to_view[:, 2]).round(), np.int32)


def _is_whole(view: _View, found: _Plate, read: Sequence[NDArray[np.int32]]) -> bool | None:
    """Whether the line has a margin at both ends and all letters of the plate were read; None if that is not clear."""
    import cv2

    left, top, right, bottom = view.box
    plate, letters, contrast = found
    _, labels, stats, centres = cv2.connectedComponentsWithStats(letters, connectivity=8)
    widths, heights = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    mine = (centres[:, 0] >= left - 3) & (centres[:, 0] <= right + 3)
    mine &= (centres[:, 1] >= top) & (centres[:, 1] <= bottom)
    mine[0] = False
    high = mine & (heights > 0.2 * _TEXT_HEIGHT)
    if not high.any():
        return None
    letter = float(np.median(heights[high]))
    # A hyphen is low and wide, a screw low and round.
    text = mine & ((heights >= _LETTER_SHARE * letter) | ((widths > 1.5 * heights) & (widths > 0.15 * letter)))
    first = int(stats[text, cv2.CC_STAT_LEFT].min())
    last = int((stats[:, cv2.CC_STAT_LEFT] + widths)[text].max())
    sides = _sides(plate, text[labels], range(top + _TEXT_HEIGHT // 4, bottom - _TEXT_HEIGHT // 4))
    if sides is None:
        return None
    margins = sorted(margin / letter for margin in sides.margins)
    covered = np.zeros_like(letters)
    for corners in read:
        cv2.fillPoly(covered, [corners], 1)
    large = np.flatnonzero(heights >= _LETTER_SHARE * letter)[1:]
    unread = any(covered[labels == place].mean() <= 0.5 for place in large)
    ends_alike, sides_alike, goes_on = _edges(view, plate, (first, last), contrast)
    if goes_on or (not ends_alike and margins[0] < _CUT_MARGIN):
        return False
    if not ends_alike and margins[0] < _LOOSE_MARGIN and margins[0] < _LEAST_SYMMETRY * margins[1]:
        return False
    framed = sides_alike and margins[0] >= max(_LEAST_MARGIN, _LEAST_SYMMETRY * min(margins[1], 1.5))
    centred = margins[0] >= max(_WIDE_MARGIN, _CENTRED * margins[1])
    is_straight = max(sides.bends) <= _NOTCH * letter
    return True if (framed or centred) and not unread and is_straight else None


def _ends(plate: Mask, rows: range) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First column of a plate and the one after its last, of each row in which it has any."""
    some = plate[rows.start : rows.stop]
    some = some[some.any(axis=1)]
    return some.argmax(axis=1), some.shape[1] - some[:, ::-1].argmax(axis=1)


class _Sides(NamedTuple):
    """Of the left and the right end of a plate: pixels between it and the text, and by which it is no straight line."""

    margins: tuple[float, float]
    bends: tuple[float, float]


def _sides(plate: Mask, text: NDArray[np.bool_], inner: range) -> _Sides | None:
    """Measure both ends of a plate beside a text by straight lines, which are oblique where it is seen from aside.

    A letter that something in front covers by half leaves a notch. Above and below the letters the plate's corners may
    be round, or cut by the view. None if a row of the text has no plate.
    """
    rows, columns = np.nonzero(text)
    lines = np.arange(min(int(rows.min()), inner.start), max(int(rows.max()) + 1, inner.stop))
    begins, ends = _ends(plate, range(int(lines[0]), int(lines[-1]) + 1))
    if len(begins) < len(lines):
        return None
    margins, bends = [], []
    for end, sign in ((begins, 1), (ends, -1)):
        slope, start = np.polyfit(lines, end, 1)
        bends.append(float(np.abs(end - (slope * lines + start)).max()))
        beyond = sign * (columns - (slope * rows + start))
        margins.append(float(beyond.min()) - (sign < 0))
    return _Sides((margins[0], margins[1]), (bends[0], bends[1]))


def _edges(view: _View, plate: Mask, ends: tuple[int, int], contrast: float) -> tuple[bool, bool, bool]:
    """What ends a plate: whether it is alike at both ends, alike on all four sides, and whether it is the face's edge.

    A frame, or the wall behind, is the same on all sides; a pipe in front of one end is not.
    """
    import cv2

    _, top, _, bottom = view.box
    ring = cv2.dilate(plate, np.ones((2 * _EDGE + 1, 2 * _EDGE + 1), np.uint8)) - plate
    if (ring.astype(bool) & (view.inside == 0)).any():
        return False, False, True
    rows = slice(top + _TEXT_HEIGHT // 4, bottom - _TEXT_HEIGHT // 4)
    sides = [np.zeros(ring.shape, bool) for _ in range(4)]
    sides[0][rows, : ends[0]] = True
    sides[1][rows, ends[1] :] = True
    sides[2][:top, ends[0] : ends[1]] = True
    sides[3][bottom:, ends[0] : ends[1]] = True
    seen = [view.pixels[side & (ring > 0)] for side in sides]
    if any(len(side) == 0 for side in seen):
        return False, False, False
    colours = np.array([np.median(side, axis=0) for side in seen])
    level = _ALIKE * contrast
    apart = np.linalg.norm(colours[:, None] - colours[None], axis=2)
    return bool(apart[0, 1] <= level), bool(apart.max() <= level), False
