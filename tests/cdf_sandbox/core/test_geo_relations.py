"""Relations of geometries, on cases small enough to see what is right."""

import json

import pytest

from cdf_sandbox.core.geo_relations import related

SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]]}
RING = {"type": "Polygon", "coordinates": [[*SQUARE["coordinates"][0]], [[1, 1], [3, 1], [3, 3], [1, 3], [1, 1]]]}
TWO = {"type": "MultiPolygon", "coordinates": [SQUARE["coordinates"], [[[9, 0], [9, 4], [13, 4], [13, 0], [9, 0]]]]}
LINE = {"type": "LineString", "coordinates": [[-1, 2], [2, 2], [9, 2]]}


def point(x, y):
    return {"type": "Point", "coordinates": [x, y]}


def line(*positions):
    return {"type": "LineString", "coordinates": [list(each) for each in positions]}


@pytest.mark.parametrize(
    ("geometry", "shape", "intersects", "within"),
    [
        (point(2, 2), SQUARE, True, True), (point(4, 2), SQUARE, True, True), (point(5, 2), SQUARE, False, False),
        (point(2, 2), RING, False, False), (point(1, 2), RING, True, True), (point(0.5, 2), RING, True, True),
        (point(10, 1), TWO, True, True), (point(6, 1), TWO, False, False), (point(1, 2), point(1, 2), True, True),
        (point(1, 2), point(1, 2.1), False, False), (point(5.5, 2), LINE, True, True),
        (point(5.5, 2.1), LINE, False, False),
        (SQUARE, point(2, 2), True, False), (line((1, 1), (3, 3)), SQUARE, True, True),
        (line((1, 1), (5, 5)), SQUARE, True, False), (line((-1, 2), (5, 2)), SQUARE, True, False),
        (line((0.5, 2), (3.5, 2)), RING, True, False), (line((0, 0), (4, 0)), SQUARE, True, True),
        (line((5, 0), (5, 4)), SQUARE, False, False), (line((0, 2), (8, 2)), LINE, True, True),
        (line((2, 1), (2, 3)), LINE, True, False), (line((3, 3), (10, 1)), TWO, True, False),
        (SQUARE, SQUARE, True, True), (SQUARE, RING, True, False), (RING, SQUARE, True, True),
        (SQUARE, TWO, True, True),
        (TWO, SQUARE, True, False), (SQUARE, line((-1, 2), (5, 2)), True, False),
        ({"type": "MultiPoint", "coordinates": [[1, 1], [9, 9]]}, SQUARE, True, False),
        ({"type": "MultiLineString", "coordinates": [[[1, 1], [2, 2]], [[3, 3], [3, 1]]]}, SQUARE, True, True),
    ],
)  # fmt: skip
def test_relations(geometry, shape, intersects, within):
    texts = json.dumps(shape), json.dumps(geometry)
    assert related("INTERSECTS", *texts) is intersects
    assert related("DISJOINT", *texts) is not intersects
    assert related("WITHIN", *texts) is within


@pytest.mark.parametrize("relation", ["INTERSECTS", "DISJOINT", "WITHIN"])
def test_what_lies_nowhere_has_no_relation(relation):
    assert related(relation, json.dumps(SQUARE), None) is False
