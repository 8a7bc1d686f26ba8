"""Outlines on the sphere: the vectors that others publish, plates over edges of the cube, the limits of the format."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import viewer
from capture360.geometry.spherical_polygons import on_one_face, polygon_data, polygons
from capture360.model import FACES

HALF = math.pi / 2
# Test vectors of cognitedata/toolkit; at the centres of front and back the azimuth means nothing.
VECTORS = [
    ("left", 0.5, 0.5, HALF, HALF),
    ("right", 0.5, 0.5, HALF, 3 * HALF),
    ("front", 0.5, 0.5, math.pi, None),
    ("back", 0.5, 0.5, 0.0, None),
    ("top", 0.5, 0.5, HALF, 0.0),
    ("bottom", 0.5, 0.5, HALF, math.pi),
    ("front", 0.1, 0.2, 2.3562, 0.9273),
]


@pytest.mark.parametrize(("face", "u", "v", "phi", "theta"), VECTORS)
def test_published_vectors(face: str, u: float, v: float, phi: float, theta: float | None) -> None:
    data, _ = polygon_data([(face, ((u, v), (0.9, 0.8), (0.7, 0.9)))])
    assert data[0] == 3
    assert data[1] == pytest.approx(phi, abs=1e-4)
    if theta is not None:
        assert data[2] == pytest.approx(theta, abs=1e-4)


@settings(max_examples=60, deadline=None)
@given(
    face=st.sampled_from(FACES),
    corners=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=6),
    angles=st.tuples(*[st.floats(-3, 3)] * 3),
)
def test_any_outline_is_drawn_where_it_was_seen(face, corners, angles) -> None:
    """By the viewer's mathematics, whatever the rotation; and every angle in its range."""
    image = dict(zip(("eulerRotationX", "eulerRotationY", "eulerRotationZ"), angles, strict=True))
    data, _ = polygon_data([(face, tuple(corners))])
    assert all(0 <= phi <= math.pi for phi in data[1::2])
    assert all(0 <= theta < 2 * math.pi for theta in data[2::2])
    for (u, v), phi, theta in zip(corners, data[1::2], data[2::2], strict=True):
        ray = viewer.rotation(image).T @ viewer.to_viewer(viewer.look_at_link(image, phi, theta))
        forward, up = (np.array(axis, dtype=float) for axis in viewer.FACES[face])
        depth = ray @ forward
        seen = 0.5 + 0.5 * (ray @ np.cross(forward, up)) / depth, 0.5 - 0.5 * (ray @ up) / depth
        assert seen == pytest.approx((u, v), abs=1e-5)


def test_what_is_written_reads_back() -> None:
    outline = ((0.2, 0.3), (0.4, 0.3), (0.4, 0.35), (0.2, 0.35))
    data, _ = polygon_data([("right", outline)])
    (directions,) = polygons(data)
    face, corners = on_one_face(directions)
    assert face == "right"
    assert corners == [pytest.approx(corner, abs=1e-9) for corner in outline]


@pytest.mark.parametrize(
    "data", [[2, 1, 1, 1, 1], [3, 1, 1, 1, 1, 1], [3.5, 1, 1, 1, 1, 1, 1], [3, 1, 1, 1, 1, 1, 1, 9]]
)
def test_what_is_not_in_the_format_is_refused(data: list[float]) -> None:
    with pytest.raises(ValueError, match="vertex count"):
        list(polygons(data))


def halves() -> list[tuple[str, tuple[tuple[float, float], ...]]]:
    """A plate over the edge between front and its right neighbour, each part in the outline of its own face."""
    on_front = ((0.95, 0.4), (1.0, 0.4), (1.0, 0.46), (0.95, 0.46))
    on_right = ((0.0, 0.4), (0.04, 0.4), (0.04, 0.46), (0.0, 0.46))
    return [("front", on_front), ("right", on_right)]


def test_a_plate_over_an_edge_is_one_polygon() -> None:
    parts = halves()
    joined, left_out = polygon_data(parts)
    assert left_out == 0
    (directions,) = polygons(joined)
    for face, outline in parts:
        (part,) = polygons(polygon_data([(face, outline)])[0])
        outer = [corner for corner, (u, _) in zip(part, outline, strict=True) if 0 < u < 1]
        for corner in outer:
            assert np.linalg.norm(directions - corner, axis=1).min() < 1e-9


def test_plates_apart_stay_apart() -> None:
    (one, on_front), (other, on_right) = halves()
    apart = tuple((u + 0.3, v) for u, v in on_right)
    assert len(list(polygons(polygon_data([(one, on_front), (other, apart)])[0]))) == 2
    twice = [(one, on_front), (one, tuple((u - 0.02, v) for u, v in on_front))]
    assert len(list(polygons(polygon_data(twice)[0]))) == 2


def test_more_than_the_format_holds_is_counted() -> None:
    outlines = [("front", ((0, y), (0.001, y), (0.001, y + 0.001), (0, y + 0.001))) for y in np.linspace(0, 0.9, 120)]
    data, left_out = polygon_data(outlines)
    assert len(data) <= 1000
    assert (len(list(polygons(data))), left_out) == (111, 9)


def rectangle(left: float, right: float, top: float = 0.4) -> tuple[tuple[float, float], ...]:
    return (left, top), (right, top), (right, top + 0.05), (left, top + 0.05)


def test_a_plate_over_an_edge_is_joined_beside_others_of_its_face() -> None:
    outlines = [("front", rectangle(0.9, 1.0)), ("front", rectangle(0.2, 0.3)), ("right", rectangle(0.0, 0.1))]
    data, left_out = polygon_data(outlines)
    assert (len(list(polygons(data))), left_out) == (2, 0)
    alone, _ = polygon_data([outlines[0], outlines[2]])
    assert sorted(data[: len(alone)]) == pytest.approx(sorted(alone))


def test_many_outlines_of_one_asset_take_bounded_work() -> None:
    at = np.random.default_rng(1).uniform(0, 0.95, (20_000, 2))
    outlines = [(FACES[number % 6], rectangle(x, x + 0.04, y)) for number, (x, y) in enumerate(at.tolist())]
    began = time.process_time()
    data, left_out = polygon_data(outlines)
    assert time.process_time() - began < 10
    assert len(data) <= 1000
    assert left_out > 19_000
