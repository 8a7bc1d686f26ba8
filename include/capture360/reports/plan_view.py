"""Floor plan of stations: marks and labels of an SVG drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from capture360.model import FARTHEST_M

if TYPE_CHECKING:
    from capture360.checks.validation import PlanPoint

_WIDTH, _MOST_HEIGHT, _MARGIN = 520.0, 460.0, 28.0
_MOST_POINTS = 4000
_MOST_LABELS = 40
_LETTER, _LINE = 8.5, 15.0
"""Approximate width of a letter and height of a line, in pixels."""
_GAP = 10.0
_LEAST_M = 20.0
"""Least metres across a drawing: stations closer than that, or a single one, are not drawn larger."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


@dataclass(frozen=True, slots=True)
class Label:
    """The name of a station beside its mark; its text starts at `x`, `y`, or ends there if `ends`."""

    x: float
    y: float
    ends: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """A station in pixels, y down. `label` is None where the name would cover something else."""

    x: float
    y: float
    station: str
    name: str
    held_back: bool
    label: Label | None


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
    """Draw the stations; None if none has a position. Of very many, all faulty ones and a sample are drawn."""
    everyone = len(points)
    points = [point for point in points if abs(point.x) <= FARTHEST_M and abs(point.y) <= FARTHEST_M]
    if not points:
        return None
    bad = [point for point in points if point.held_back][:_MOST_POINTS]
    good = [point for point in points if not point.held_back]
    step = max(1, math.ceil(len(good) / _MOST_POINTS))
    shown = good[::step] + bad
    low_x, high_x = min(point.x for point in shown), max(point.x for point in shown)
    low_y, high_y = min(point.y for point in shown), max(point.y for point in shown)
    wide, high = max(high_x - low_x, 1e-9), max(high_y - low_y, 1e-9)
    inner_width, inner_height = _WIDTH - 2 * _MARGIN, _MOST_HEIGHT - 2 * _MARGIN
    scale = min(inner_width / max(wide, _LEAST_M), inner_height / high)
    height = max(120.0, high * scale + 2 * _MARGIN)
    off_x, off_y = (_WIDTH - wide * scale) / 2, (height - high * scale) / 2
    places = [
        (round(off_x + (point.x - low_x) * scale, 1), round(height - off_y - (point.y - low_y) * scale, 1))
        for point in shown
    ]
    labels = _labels(shown, places, height)
    metres = _nice(inner_width / 4 / scale)
    return PlanView(
        _WIDTH,
        round(height, 1),
        tuple(
            Mark(x, y, point.station, point.called, point.held_back, labels.get(at))
            for at, (point, (x, y)) in enumerate(zip(shown, places, strict=True))
        ),
        round(metres * scale, 1),
        f"{metres:g} m",
        everyone - len(shown),
    )


def _labels(shown: Sequence[PlanPoint], places: Sequence[tuple[float, float]], height: float) -> dict[int, Label]:
    """Place labels without overlap, those of faulty stations first; by number of the station."""
    everyone = len(shown) <= _MOST_LABELS
    bad_ones = sum(point.held_back for point in shown) <= _MOST_LABELS
    wanted = [at for at, point in enumerate(shown) if everyone or (point.held_back and bad_ones)]
    taken: list[Box] = [(x - 6, y - 6, x + 6, y + 6) for x, y in places] if everyone else []
    taken += [(_WIDTH - 40, 0, _WIDTH, 60), (0, height - 30, _WIDTH / 2, height)]
    labels: dict[int, Label] = {}
    for at in sorted(wanted, key=lambda at: not shown[at].held_back):
        x, y = places[at]
        wide = _LETTER * len(shown[at].called)
        for ends, low in ((False, y - 7), (True, y - 7), (False, y + 18), (True, y + 18)):
            start = x - _GAP - wide if ends else x + _GAP
            box = (start, low - _LINE, start + wide, low)
            if box[0] >= 0 and box[1] >= 0 and box[2] <= _WIDTH and box[3] <= height and not _covers(box, taken):
                taken.append(box)
                labels[at] = Label(round(x - _GAP if ends else x + _GAP, 1), round(low - 3, 1), ends)
                break
    return labels


def _covers(box: Box, others: Sequence[Box]) -> bool:
    return any(box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3] for other in others)


def _nice(length: float) -> float:
    """Largest length of the form 1, 2 or 5 times a power of ten that is not above `length`."""
    power = 10.0 ** math.floor(math.log10(length))
    return next(factor * power for factor in (5, 2, 1) if factor * power <= length * (1 + 1e-9))
