"""The stations seen from above, as the shapes of a drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from capture360.checks.validation import PlanPoint

_WIDTH, _MOST_HEIGHT, _MARGIN = 640.0, 560.0, 28.0
_MOST_POINTS = 4000
_MOST_LABELS = 40


@dataclass(frozen=True, slots=True)
class Mark:
    """A station in pixels of the drawing, y down."""

    x: float
    y: float
    station: str
    accepted: bool
    label: bool


@dataclass(frozen=True, slots=True)
class PlanView:
    """A drawing of `width` x `height` pixels, Y of the site frame up. `bar` is a scale bar of `bar_metres`."""

    width: float
    height: float
    marks: tuple[Mark, ...]
    bar: float
    bar_metres: str
    left_out: int


def plan_view(points: Sequence[PlanPoint]) -> PlanView | None:
    """The drawing; None if no station has a place. Of very many stations all bad ones and a sample are drawn."""
    if not points:
        return None
    bad = [point for point in points if not point.accepted][:_MOST_POINTS]
    good = [point for point in points if point.accepted]
    step = max(1, math.ceil(len(good) / _MOST_POINTS))
    shown = good[::step] + bad
    low_x, high_x = min(point.x for point in shown), max(point.x for point in shown)
    low_y, high_y = min(point.y for point in shown), max(point.y for point in shown)
    wide, high = max(high_x - low_x, 1e-9), max(high_y - low_y, 1e-9)
    inner_width, inner_height = _WIDTH - 2 * _MARGIN, _MOST_HEIGHT - 2 * _MARGIN
    scale = min(inner_width / wide, inner_height / high) if max(wide, high) > 1e-6 else 1.0
    height = max(120.0, high * scale + 2 * _MARGIN)
    off_x, off_y = (_WIDTH - wide * scale) / 2, (height - high * scale) / 2
    labels = len(shown) <= _MOST_LABELS
    marks = tuple(
        Mark(
            round(off_x + (point.x - low_x) * scale, 1),
            round(height - off_y - (point.y - low_y) * scale, 1),
            point.station,
            point.accepted,
            labels or (not point.accepted and len(bad) <= _MOST_LABELS),
        )
        for point in shown
    )
    metres = _nice(inner_width / 4 / scale)
    return PlanView(
        _WIDTH, round(height, 1), marks, round(metres * scale, 1), f"{metres:g} m", len(points) - len(shown)
    )


def _nice(length: float) -> float:
    """The largest 1, 2 or 5 times a power of ten that is not longer."""
    power = 10.0 ** math.floor(math.log10(length))
    return next(factor * power for factor in (5, 2, 1) if factor * power <= length * (1 + 1e-9))
