"""How geometries of GeoJSON lie to each other, on the plane of their coordinates."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Point = tuple[float, float]
Segment = tuple[Point, Point]
Ring = Sequence[Point]


@dataclass(frozen=True)
class Parts:
    """A geometry taken apart: points, lines, and polygons, each an outline and its holes."""

    points: Sequence[Point] = ()
    lines: Sequence[Sequence[Point]] = ()
    polygons: Sequence[Sequence[Ring]] = ()

    def segments(self) -> Iterator[Segment]:
        """All lines and outlines; a single point is a segment without length."""
        yield from ((point, point) for point in self.points)
        for line in self.lines:
            yield from pairwise(line)
        for rings in self.polygons:
            for ring in rings:
                yield from pairwise(ring)

    def corners(self) -> Iterator[Point]:
        """Every point, end and corner."""
        for start, end in self.segments():
            yield start
            yield end

    def covers(self, point: Point) -> bool:
        """Whether `point` lies on a point or line, or in or on a polygon."""
        if any(_on(point, segment) for segment in self.segments()):
            return True
        return any(
            _inside(point, rings[0]) and not any(_inside(point, r) for r in rings[1:]) for rings in self.polygons
        )


def related(relation: str, shape: str, geometry: str | None) -> bool:
    """Whether the `geometry` of a resource is INTERSECTS, DISJOINT or WITHIN of `shape`; both are GeoJSON texts.

    A resource without a geometry is none of them.
    """
    if geometry is None:
        return False
    resource, wanted = parts_of(json.loads(geometry)), parts_of(json.loads(shape))
    if relation == "WITHIN":
        return _within(resource, wanted)
    return _intersect(resource, wanted) == (relation == "INTERSECTS")


def parts_of(geometry: dict[str, Any]) -> Parts:
    """Take a valid geometry apart."""
    kind, given = geometry["type"], geometry["coordinates"]
    if kind in ("Point", "MultiPoint"):
        return Parts(points=_points([given] if kind == "Point" else given))
    if kind in ("LineString", "MultiLineString"):
        return Parts(lines=[_points(line) for line in ([given] if kind == "LineString" else given)])
    polygons = [given] if kind == "Polygon" else given
    return Parts(polygons=[[_closed(_points(ring)) for ring in rings] for rings in polygons])


def _points(positions: Sequence[Sequence[float]]) -> Sequence[Point]:
    return [(position[0], position[1]) for position in positions]


def _closed(ring: Sequence[Point]) -> Ring:
    return ring if ring[0] == ring[-1] else [*ring, ring[0]]


def _intersect(first: Parts, second: Parts) -> bool:
    if any(second.covers(point) for point in first.corners()) or any(first.covers(p) for p in second.corners()):
        return True
    others = list(second.segments())
    return any(_crossings(segment, other) for segment in first.segments() for other in others)


def _within(inner: Parts, outer: Parts) -> bool:
    edges = list(outer.segments())
    for start, end in inner.segments():
        # Between two neighbours of these, the segment is wholly in the outer geometry or wholly out of it.
        cuts = {0.0, 1.0}
        for edge in edges:
            cuts.update(_crossings((start, end), edge))
        middles = [_at((start, end), (before + after) / 2) for before, after in pairwise(sorted(cuts))]
        if not all(outer.covers(point) for point in (start, end, *middles)):
            return False
    if inner.polygons and not outer.polygons:
        return False
    # What is left is a hole within the inner geometry.
    area = Parts(polygons=inner.polygons)
    holes = (hole for rings in outer.polygons for hole in rings[1:])
    return not any(
        area.covers(point) and not any(_on(point, edge) for edge in area.segments()) for hole in holes for point in hole
    )


def _cross(origin: Point, first: Point, second: Point) -> float:
    return (first[0] - origin[0]) * (second[1] - origin[1]) - (first[1] - origin[1]) * (second[0] - origin[0])


def _at(segment: Segment, share: float) -> Point:
    (x, y), (to_x, to_y) = segment
    return (x + share * (to_x - x), y + share * (to_y - y))


def _share(point: Point, segment: Segment) -> float:
    """Where on the line of a segment a point of that line is: 0 at its start, 1 at its end."""
    (x, y), (to_x, to_y) = segment
    along_x = abs(to_x - x) >= abs(to_y - y)
    length = to_x - x if along_x else to_y - y
    return 0.0 if length == 0 else (point[0] - x if along_x else point[1] - y) / length


def _on(point: Point, segment: Segment) -> bool:
    start, end = segment
    length = abs(end[0] - start[0]) + abs(end[1] - start[1])
    if abs(_cross(start, end, point)) > 1e-12 * max(1.0, length * length):
        return False
    return all(min(a, b) - 1e-12 <= value <= max(a, b) + 1e-12 for a, b, value in zip(start, end, point, strict=True))


def _crossings(segment: Segment, other: Segment) -> list[float]:
    """Shares of `segment` at which `other` meets it; of a common stretch, its ends."""
    shares = [_share(end, segment) for end in other if _on(end, segment)]
    shares += [share for share, end in ((0.0, segment[0]), (1.0, segment[1])) if _on(end, other)]
    if shares:
        return shares
    (start, end), (first, last) = segment, other
    sides = _cross(start, end, first), _cross(start, end, last), _cross(first, last, start), _cross(first, last, end)
    if sides[0] * sides[1] < 0 and sides[2] * sides[3] < 0:
        return [sides[2] / (sides[2] - sides[3])]
    return []


def _inside(point: Point, ring: Ring) -> bool:
    """Whether a ray to the right crosses the ring an odd number of times."""
    x, y = point
    inside = False
    for (from_x, from_y), (to_x, to_y) in pairwise(ring):
        if (from_y > y) != (to_y > y) and x < from_x + (y - from_y) * (to_x - from_x) / (to_y - from_y):
            inside = not inside
    return inside
