"""Decision whether a text is whole on its plate, from its margins and from the surroundings of the plate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from capture360.detection.line_view import TEXT_HEIGHT, LineView, Mask

_LEAST_MARGIN = 0.18
"""Least margin at both ends of a whole text, in heights of a letter."""
_LOOSE_MARGIN = 0.3
"""Margin in heights of a letter that is no wider than the gap beside some letters."""
_LEAST_SYMMETRY = 0.4
"""Smaller margin of a whole text as a share of the larger one, which counts up to one and a half letters."""
_WIDE_MARGIN = 0.32
"""Margin in heights of a letter that exceeds any gap within a word, so that the plate needs no frame to end there."""
_CENTRED = 0.7
"""Smaller margin of a centred text as a share of the larger one."""
_NOTCH = 0.14
"""Deviation of a plate's end from a straight line, in heights of a letter."""
_CUT_MARGIN = 0.1
"""Margin in heights of a letter below which a text is cut."""
_EDGE = 4
"""Pixels beyond a plate's edge that are compared."""
_ALIKE = 0.3
"""Difference of the plate's surroundings from side to side, as a share of the contrast."""
_FASTENER = (0.08, 0.35)
"""Least and greatest extent of a screw or rivet, in heights of a letter."""
_MIDDLE = 0.3
"""Deviation of a fastener from half the height of its plate, in heights of a letter."""
_LEAST_ROWS = 8
"""Least number of rows above and below a fastener in which a plate's end must be straight."""
_LETTER_SHARE = 0.4
"""Least height of what may be a letter, as a share of the letters that were read; screws and dirt are lower."""


class Plate(NamedTuple):
    """Masks of a plate, its letters filled in, and of its ink, and the contrast of the two colours."""

    filled: Mask
    ink: Mask
    contrast: float


class _Ink(NamedTuple):
    """The pieces of ink on a plate: labels, OpenCV's statistics and centres, and which of them are the line's text."""

    labels: NDArray[np.int32]
    stats: NDArray[np.int32]
    centres: NDArray[np.float64]
    text: NDArray[np.bool_]
    letter: float
    """Height of a letter."""

    @property
    def ends(self) -> tuple[int, int]:
        """The first column of the text, and the one after its last."""
        left, width = self.stats[self.text, 0], self.stats[self.text, 2]
        return int(left.min()), int((left + width).max())


def is_whole(view: LineView, found: Plate, read: Sequence[NDArray[np.int32]]) -> bool | None:
    """Return whether the line has a margin at both ends and all letters of the plate were read; None if unclear."""
    _, top, _, bottom = view.box
    plate, letters, contrast = found
    ink = _ink(view, letters)
    if ink is None:
        return None
    letter = ink.letter
    sides = _sides(plate, ink.text[ink.labels], range(top + TEXT_HEIGHT // 4, bottom - TEXT_HEIGHT // 4))
    if sides is None:
        return None
    margins = sorted(margin / letter for margin in sides.margins)
    ends_alike, sides_alike, goes_on = _edges(view, plate, ink.ends, contrast)
    is_straight = max(sides.bends) <= _NOTCH * letter
    is_clear = not _has_unread(ink, read) and margins[0] >= _LEAST_MARGIN
    if is_clear and is_straight and _has_screws(plate, ink):
        return True
    if goes_on or (not ends_alike and margins[0] < _CUT_MARGIN):
        return False
    if not is_clear:
        shown = False
    elif ends_alike and _has_screws_in_frame(plate, letter):
        shown = True
    else:
        framed = sides_alike and margins[0] >= _LEAST_SYMMETRY * min(margins[1], 1.5)
        centred = margins[0] >= max(_WIDE_MARGIN, _CENTRED * margins[1])
        shown = (framed or centred) and is_straight
    if not shown and not ends_alike and margins[0] < _LOOSE_MARGIN and margins[0] < _LEAST_SYMMETRY * margins[1]:
        return False
    return True if shown else None


def _ink(view: LineView, letters: Mask) -> _Ink | None:
    import cv2

    left, top, right, bottom = view.box
    _, labels, stats, centres = cv2.connectedComponentsWithStats(letters, connectivity=8)
    widths, heights = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    mine = (centres[:, 0] >= left - 3) & (centres[:, 0] <= right + 3)
    mine &= (centres[:, 1] >= top) & (centres[:, 1] <= bottom)
    mine[0] = False
    high = mine & (heights > 0.2 * TEXT_HEIGHT)
    if not high.any():
        return None
    letter = float(np.median(heights[high]))
    # A hyphen is low and wide, a screw low and round.
    text = mine & ((heights >= _LETTER_SHARE * letter) | ((widths > 1.5 * heights) & (widths > 0.15 * letter)))
    return _Ink(np.asarray(labels), np.asarray(stats), np.asarray(centres), text, letter)


def _has_unread(ink: _Ink, read: Sequence[NDArray[np.int32]]) -> bool:
    """Return whether the plate has ink as high as a letter that none of the lines covers."""
    import cv2

    covered = np.zeros(ink.labels.shape, np.uint8)
    for corners in read:
        cv2.fillPoly(covered, [corners], 1)
    large = np.flatnonzero(ink.stats[:, cv2.CC_STAT_HEIGHT] >= _LETTER_SHARE * ink.letter)[1:]
    return any(covered[ink.labels == place].mean() <= 0.5 for place in large)


def _has_screws(plate: Mask, ink: _Ink) -> bool:
    """Return whether there is a screw beyond both ends of the text, halfway up the plate, so that no end is hidden."""
    import cv2

    first, last = ink.ends
    least, most = (share * ink.letter for share in _FASTENER)
    extents = ink.stats[:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1]
    found = set()
    for place in np.flatnonzero((extents >= least).all(axis=1) & (extents <= most).all(axis=1) & ~ink.text):
        x, y = ink.centres[place]
        rows = np.flatnonzero(plate[:, round(x)])
        if len(rows) and abs(y - (rows[0] + rows[-1]) / 2) <= _MIDDLE * ink.letter and not first <= x < last:
            found.add(x < first)
    return len(found) == 2


def _has_screws_in_frame(plate: Mask, letter: float) -> bool:
    """Return whether both ends of a plate are straight but for a notch halfway up: a screw that touches the frame."""
    rows = np.flatnonzero(plate.any(axis=1))
    shown = rows[round(0.15 * len(rows)) : round(0.85 * len(rows))]
    middle = np.abs(shown - (rows[0] + rows[-1]) / 2) <= _MIDDLE * letter
    if (~middle).sum() < _LEAST_ROWS:
        return False
    columns = _ends(plate, range(int(shown[0]), int(shown[-1]) + 1))
    if len(columns[0]) < len(shown) or len(shown) < shown[-1] - shown[0] + 1:
        return False
    for end, sign in zip(columns, (1, -1), strict=True):
        slope, start = np.polyfit(shown[~middle], end[~middle], 1)
        depths = sign * (end - (slope * shown + start))
        notch = float(depths[middle].max())
        if np.abs(depths[~middle]).max() > _NOTCH * letter or not _FASTENER[0] * letter < notch < _FASTENER[1] * letter:
            return False
    return True


def _ends(plate: Mask, rows: range) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first column of a plate and the one after its last, for each row that it covers."""
    some = plate[rows.start : rows.stop]
    some = some[some.any(axis=1)]
    return some.argmax(axis=1), some.shape[1] - some[:, ::-1].argmax(axis=1)


class _Sides(NamedTuple):
    """Left and right end of a plate: distance to the text, and deviation from a straight line, in pixels."""

    margins: tuple[float, float]
    bends: tuple[float, float]


def _sides(plate: Mask, text: NDArray[np.bool_], inner: range) -> _Sides | None:
    """Fit straight lines to both ends of a plate beside a text; they are oblique if it is seen from the side.

    A letter that is half hidden leaves a notch. Above and below the letters the plate's corners may be round, or cut
    off. None if a row of the text has no plate.
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


def _edges(view: LineView, plate: Mask, ends: tuple[int, int], contrast: float) -> tuple[bool, bool, bool]:
    """Compare the plate's surroundings: equal at both ends, equal on all sides, and whether the face's edge ends it.

    A frame, or the wall behind, is the same on all sides; a pipe in front of one end is not.
    """
    import cv2

    _, top, _, bottom = view.box
    ring = cv2.dilate(plate, np.ones((2 * _EDGE + 1, 2 * _EDGE + 1), np.uint8)) - plate
    if (ring.astype(bool) & (view.inside == 0)).any():
        return False, False, True
    rows = slice(top + TEXT_HEIGHT // 4, bottom - TEXT_HEIGHT // 4)
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
