"""The order of views, which the viewer's search and `capture360 views` share."""

from __future__ import annotations

from dataclasses import replace

from capture360.matching.documents import match_document
from capture360.model import Asset, CaptureKey, Detection, Match
from capture360.records import Records
from capture360.steps.ranked_views import view_order

KEY = CaptureKey("hall-7", "walk-1")
PUMP = Asset("1", "21-P-1", ("21-P-1",))


def seen(on: str, width: float, *, whole: bool) -> Detection:
    outline = ((0.1, 0.1), (0.1 + width, 0.1), (0.1 + width, 0.2), (0.1, 0.2))
    return replace(Detection(on, "front", "21-P-1", 0.9, outline), whole=whole)


def test_a_large_view_whose_text_is_cut_comes_after_a_small_whole_one(records: Records) -> None:
    cut, small, middle = seen("a", 0.6, whole=False), seen("b", 0.1, whole=True), seen("c", 0.3, whole=True)
    matches = [Match(each, PUMP, 0.99, "approved", "the same text") for each in (cut, small, middle)]
    body = {"matches": [match_document(match) for match in matches], "images": {}}
    order = view_order(records, KEY, body)
    assert [each.image for each in sorted(order, key=lambda each: order[each])] == ["c", "b", "a"]
