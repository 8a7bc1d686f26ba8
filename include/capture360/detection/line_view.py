"""A line of text with its surroundings, rotated and scaled to run from left to right, and the height of its letters."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

TEXT_HEIGHT = 32
"""Height in pixels that a line's box is scaled to."""
_REACH_ALONG = 4.0
"""Length shown beyond either end of a line, in heights of its box."""
_REACH_ACROSS = 3.5
_LEAST_LETTER = 0.2
"""Least height of a letter, in heights of the box."""
_MOST_LETTER = 0.5
"""Greatest height of a capital, in heights of the box: the engine draws boxes about twice as high. What is higher has
run together with its neighbours or with the frame, as small letters do."""

Pixels = NDArray[np.uint8]
Mask = NDArray[np.uint8]


class LineView(NamedTuple):
    """The surroundings of a line, rotated and scaled so that it runs from left to right."""

    pixels: Pixels
    inside: Mask
    """Mask of pixels within the face."""
    to_view: NDArray[np.float64]
    """(2, 3), from pixels of the face."""
    box: tuple[int, int, int, int]
    """Box of the line: (left, top, right, bottom)."""

    @property
    def scale(self) -> float:
        """Pixels of the view for each of the face."""
        return float(np.hypot(*self.to_view[0, :2]))


def line_view(pixels: Pixels, corners: NDArray[np.float64], *, turned: bool) -> LineView | None:
    """Return the view of a line with `corners` (4, 2) in pixels of the face; None if it is too small or too long.

    `turned` if the line runs up or down the face, from its last corner on.
    """
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
    scale = TEXT_HEIGHT / tall
    left, top = float((corners @ along).min()), float(across.min())
    margin_x, margin_y = int(_REACH_ALONG * TEXT_HEIGHT), int(_REACH_ACROSS * TEXT_HEIGHT)
    text_width = round(length * scale)
    width, height = text_width + 2 * margin_x, TEXT_HEIGHT + 2 * margin_y
    to_view = np.array([[*(along * scale), margin_x - left * scale], [*(down * scale), margin_y - top * scale]])
    if width > 60 * TEXT_HEIGHT:
        return None
    seen = cv2.warpAffine(pixels, to_view, (width, height), flags=cv2.INTER_LINEAR)
    ones = np.full(pixels.shape[:2], 255, np.uint8)
    inside = cv2.warpAffine(ones, to_view, (width, height), flags=cv2.INTER_NEAREST)
    box = (margin_x, margin_y, margin_x + text_width, margin_y + TEXT_HEIGHT)
    return LineView(np.asarray(seen, np.uint8), np.asarray(inside, np.uint8), to_view, box)


def in_view(view: LineView, corners: NDArray[np.float64]) -> NDArray[np.int32]:
    """Convert pixels (n, 2) of the face to pixels of the view."""
    return np.asarray((corners @ view.to_view[:, :2].T + view.to_view[:, 2]).round(), np.int32)


def paint_of(view: LineView) -> NDArray[np.bool_]:
    """Return a mask (height, width) of the line's box: True for the background, False for letters."""
    import cv2

    left, top, right, bottom = view.box
    grey = cv2.cvtColor(view.pixels[top:bottom, left:right], cv2.COLOR_RGB2GRAY)
    level, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    bright = np.asarray(grey > level)
    rim = np.concatenate([bright[:2].ravel(), bright[-2:].ravel()])
    return bright if rim.mean() > 0.5 else ~bright


def cap_height(view: LineView) -> float:
    """Return the height of the line's capitals in pixels of the face: the median of connected pieces of ink.

    Within a tenth on rendered plates from 9 pixels on; smaller letters measure up to 3 pixels more than they are.
    """
    import cv2

    _, _, stats, _ = cv2.connectedComponentsWithStats((~paint_of(view)).astype(np.uint8), connectivity=8)
    heights = stats[1:, cv2.CC_STAT_HEIGHT]
    letters = heights[heights > _LEAST_LETTER * TEXT_HEIGHT]
    most = _MOST_LETTER * TEXT_HEIGHT
    letter = min(float(np.median(letters)), most) if len(letters) else most
    return letter / view.scale
