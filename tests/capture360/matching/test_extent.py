"""Extents of captures meet where two of their plates may be one."""

from __future__ import annotations

import pytest

from capture360.matching.extent import Extent
from capture360.matching.places import Place
from capture360.matching.sights import Sight


def place(x: float, error_m: float | None = 0.01) -> Place:
    return Place((x, 2.0, 3.0), 0.1, error_m)


EAST = Sight((0.0, 2.0, 3.0), (1.0, 0.0, 0.0), 8.0)


@pytest.mark.parametrize(("x", "error_m", "is_met"), [(1.18, 0.01, True), (1.2, 0.01, False), (1.2, 0.02, True)])
def test_places_meet_as_far_apart_as_one_plate_may_be(x: float, error_m: float, is_met: bool) -> None:
    one, other = Extent.of([place(0.0), place(1.0)], ()), Extent.of([place(x, error_m), place(5.0)], ())
    assert (one.shares_places(other), other.shares_places(one)) == (is_met, is_met)


def test_a_line_of_sight_may_share_what_it_reaches() -> None:
    lines = Extent.of((), [EAST])
    assert lines.may_share(Extent.of([place(8.0)], ()))
    assert lines.may_share(lines)
    assert not lines.shares_places(lines)
    assert not lines.may_share(Extent.of([place(9.0)], ()))
    assert not lines.may_share(Extent.of([place(-1.0)], ()))


def test_what_holds_no_plate_meets_nothing() -> None:
    assert not Extent().may_share(Extent.of([place(0.0)], [EAST]))


@pytest.mark.parametrize("extent", [Extent(), Extent.of([place(1.0)], [EAST]), Extent.of((), [EAST])])
def test_a_document_holds_all_of_it(extent: Extent) -> None:
    assert Extent.from_document(extent.document()) == extent
