"""Outlines: clipping, borders, directions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture360.geometry.boxes import bounds, touches_border
from capture360.geometry.polygons import around, clipped, is_upright, reading_direction

LEVEL = ((0.2, 0.2), (0.4, 0.2), (0.4, 0.25), (0.2, 0.25))
UPRIGHT = ((0.2, 0.2), (0.25, 0.2), (0.25, 0.4), (0.2, 0.4))
number = st.floats(-2, 3)


def test_what_sticks_out_is_clipped() -> None:
    assert clipped([(-0.1, 0.5), (0.5, 0.5), (0.5, 1.2), (-0.1, 1.2)]) == ((0, 0.5), (0.5, 0.5), (0.5, 1), (0, 1))


@pytest.mark.parametrize(
    "corners",
    [
        [(0.1, 0.1), (0.2, 0.1)],
        [(1.1, 0.1), (1.2, 0.1), (1.2, 0.2), (1.1, 0.2)],
        [(0.1, 0.3), (0.2, 0.3), (0.3, 0.3)],
        [(float("nan"), 0.3), (0.2, 0.4), (0.3, 0.3)],
    ],
)
def test_what_has_no_area_on_the_face_is_none(corners: list[tuple[float, float]]) -> None:
    assert clipped(corners) is None


@given(st.lists(st.tuples(number, number), min_size=3, max_size=6))
def test_a_clipped_outline_has_a_box_that_cdf_takes(corners: list[tuple[float, float]]) -> None:
    polygon = clipped(corners)
    if polygon is not None:
        x_min, y_min, x_max, y_max = bounds(polygon)
        assert 0 <= x_min < x_max <= 1
        assert 0 <= y_min < y_max <= 1


def test_borders() -> None:
    assert not touches_border(LEVEL)
    assert touches_border(tuple((x - 0.199, y) for x, y in LEVEL))
    assert touches_border(tuple((x, y + 0.749) for x, y in LEVEL))


def test_reading_directions() -> None:
    assert reading_direction(LEVEL).tolist() == pytest.approx([1, 0])
    assert not is_upright(LEVEL)
    assert reading_direction(UPRIGHT).tolist() == pytest.approx([0, 1])
    assert is_upright(UPRIGHT)


def test_around_two_lines() -> None:
    below = tuple((x, y + 0.06) for x, y in LEVEL)
    assert around([LEVEL, below], reading_direction(LEVEL)) == ((0.2, 0.2), (0.4, 0.2), (0.4, 0.31), (0.2, 0.31))
