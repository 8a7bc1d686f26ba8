"""A decision on one view of a plate counts for all its views, whatever the machine makes of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from capture360.matching.decisions import Decided, as_decided
from capture360.matching.documents import match_document, match_from_document
from capture360.matching.manual import BY_HAND, ManualMatches
from capture360.matching.normalise import key
from capture360.matching.policy import score_matches
from capture360.model import Asset, Detection, Match

SQUARE = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.15), (0.1, 0.15))
PUMP, OTHER = (Asset(tag, tag, (tag,)) for tag in ("21-PT-1019", "21-PT-1018"))
Status = Literal["approved", "suggested", "dropped"]


def view(image: str, asset: Asset, status: Status) -> Match:
    return Match(Detection(image, "front", asset.name, 0.99, SQUARE), asset, 0.99, status, "read exactly", (), "1")


def decided(image: str, asset: Asset, status: Literal["approved", "rejected"]) -> Decided:
    return Decided(view(image, asset, "suggested"), status, "Ada", "2026-01-02T03:04:05+00:00")


@pytest.mark.parametrize(
    ("decision", "status"),
    [
        (decided("one", PUMP, "rejected"), "dropped"),
        (decided("one", OTHER, "approved"), "dropped"),
        (decided("one", PUMP, "approved"), "approved"),
        (decided("one", OTHER, "rejected"), "approved"),
    ],
)
def test_a_later_view_that_the_machine_is_sure_of_obeys(decision: Decided, status: str) -> None:
    later = view("two", PUMP, "approved")
    found = as_decided([view("one", PUMP, "suggested"), later], [decision])
    assert {match.status for match in found if match.detection.image == "two"} == {status}


def test_the_newest_decision_on_a_plate_counts() -> None:
    views = [view("one", PUMP, "suggested"), view("two", PUMP, "suggested"), view("three", PUMP, "approved")]
    decisions = [decided("one", PUMP, "approved"), decided("two", PUMP, "rejected")]
    assert [match.status for match in as_decided(views, decisions)] == ["approved", "dropped", "dropped"]


@pytest.mark.parametrize("decision", [decided("one", PUMP, "rejected"), decided("one", OTHER, "approved")])
def test_a_manual_match_stays_whatever_is_decided_on_another_view_of_its_plate(decision: Decided) -> None:
    read = view("two", PUMP, "approved")
    (scored,) = score_matches([read.detection], [PUMP], manual=ManualMatches({(key(PUMP.name), "", ""): PUMP.ref}))
    manual = replace(scored.match, plate=read.plate)
    assert manual in as_decided([view("one", PUMP, "suggested"), manual], [decision])
    through_records = match_from_document(match_document(manual))
    assert manual in as_decided([view("one", PUMP, "suggested"), through_records], [decision])


def test_a_decision_on_the_view_of_a_manual_match_itself_counts() -> None:
    manual = replace(view("one", PUMP, "approved"), reason=BY_HAND)
    assert [match.status for match in as_decided([manual], [decided("one", PUMP, "rejected")])] == ["dropped"]
