"""Boxes around outlines on a face, in 0..1 of the face, x right, y down, by plain arithmetic."""

from __future__ import annotations

Polygon = tuple[tuple[float, float], ...]
"""Corners of an outline, in the order of reading from top left."""
Box = tuple[float, float, float, float]
"""(x_min, y_min, x_max, y_max)."""

BORDER = 0.004
"""Distance to the edge of the face within which a text may be cut off: 8 pixels of 2048."""
_SAME_PLACE = 0.5


def bounds(polygon: Polygon) -> Box:
    """Return the smallest box around an outline."""
    xs, ys = zip(*polygon, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def is_same_place(one: Box, other: Box) -> bool:
    """Return whether two boxes are the same plate: their intersection is more than half of their union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return False
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return width * height > _SAME_PLACE * (areas - width * height)


def is_centred_in(one: Box, other: Box) -> bool:
    """Return whether the middle of one of two boxes lies in the other."""
    return any(
        contains(box, ((inner[0] + inner[2]) / 2, (inner[1] + inner[3]) / 2))
        for box, inner in ((one, other), (other, one))
    )


def contains(box: Box, point: tuple[float, float]) -> bool:
    """Return whether a point lies in a box."""
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def touches_border(polygon: Polygon) -> bool:
    """Return whether the edge of the face may have cut the text off."""
    x_min, y_min, x_max, y_max = bounds(polygon)
    return min(x_min, y_min) < BORDER or max(x_max, y_max) > 1 - BORDER
