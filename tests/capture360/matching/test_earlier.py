"""What people decided about a plate holds for later captures of its place, and a plate that was moved is reported."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from capture360.matching.earlier import EarlierCapture, EarlierPlate, with_earlier
from capture360.matching.manual import BY_HAND
from capture360.matching.normalise import key
from capture360.matching.places import Place
from capture360.model import Asset, Detection, Match

SQUARE = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.15), (0.1, 0.15))
PUMP, OTHER = (Asset(tag, tag, (tag,)) for tag in ("21-PT-1019", "21-PT-1019A"))
Status = Literal["approved", "suggested", "dropped"]


def view(image: str, status: Status, asset: Asset | None = PUMP, text: str = "21-PT-1019", plate: str = "1") -> Match:
    return Match(Detection(image, "front", text, 0.97, SQUARE), asset, 0.97, status, "read exactly", (), plate)


def place(x: float, error_m: float | None = 0.02) -> Place:
    return Place((x, 1.0, 1.5), 0.1, error_m)


def plate(
    status: Literal["approved", "rejected", "linked"],
    x: float = 0.0,
    asset: Asset = PUMP,
    text: str = "21-PT-1019",
    at: str = "2026-04-17",
) -> EarlierPlate:
    return EarlierPlate(place(x), asset, frozenset({key(text)}), status, "Ada" if status != "linked" else "", at)


def april(*plates: EarlierPlate) -> list[EarlierCapture]:
    return [EarlierCapture("hall-7/april", plates)]


LINKED = [view("one", "approved"), view("two", "approved")]
ASKED = [view("one", "suggested"), view("two", "dropped", None)]


def becomes(matches: list[Match], *plates: EarlierPlate, at: float = 0.0, **others: Place) -> list[str]:
    found, _, _ = with_earlier(matches, {"1": place(at), **others}, april(*plates))
    return [match.status for match in found]


def test_a_rejected_link_stays_away_from_the_same_text_in_the_same_place() -> None:
    found, findings, _ = with_earlier(LINKED, {"1": place(0.1)}, april(plate("rejected")))
    assert [(match.asset, match.status) for match in found] == [(None, "dropped")] * 2
    assert {match.reason for match in found} == {"Ada rejected it in this place in hall-7/april"}
    assert findings == []


def test_a_rejected_link_is_a_question_where_another_text_is_read_or_another_plate_may_be_meant() -> None:
    assert becomes(LINKED, plate("rejected", text="PUMP ROOM 21-PT-1019")) == ["suggested", "dropped"]
    assert becomes(LINKED, plate("rejected"), at=0.1, other=place(0.2)) == ["suggested", "dropped"]
    beside = plate("linked", 0.2, OTHER)
    found, _, _ = with_earlier(LINKED, {"1": place(0.1)}, april(plate("rejected"), beside))
    assert [match.status for match in found] == ["suggested", "dropped"]
    assert found[0].reason.startswith("Ada rejected it in this place in hall-7/april; ")


def test_the_newest_decision_in_a_place_counts_and_one_elsewhere_does_not() -> None:
    assert becomes(LINKED, plate("rejected"), plate("approved", at="2026-05-01")) == ["approved"] * 2
    assert becomes(LINKED, plate("rejected", 0.5)) == ["approved"] * 2
    assert becomes(LINKED, plate("rejected", asset=OTHER)) == ["approved"] * 2
    by_hand = [replace(match, reason=BY_HAND) for match in LINKED]
    assert becomes(by_hand, plate("rejected")) == ["approved"] * 2


def test_what_was_approved_needs_no_new_question_for_the_same_tag_in_the_same_place() -> None:
    found, _, _ = with_earlier(ASKED, {"1": place(0.05)}, april(plate("approved")))
    assert [(match.asset, match.status) for match in found] == [(PUMP, "approved")] * 2
    assert found[0].reason == "Ada approved it in this place in hall-7/april"


def test_a_view_that_two_tags_were_possible_on_is_linked_once() -> None:
    other = Asset("JB-3708", "JB-3708", ("JB-3708",))
    views = [
        match
        for image in ("one", "two")
        for match in (view(image, "suggested", text="JB-370B"), view(image, "suggested", other, "JB-370B"))
    ]
    asset = Asset("JB-370B", "JB-370B", ("JB-370B",))
    views = [replace(match, asset=asset) if match.asset == PUMP else match for match in views]
    found, _, _ = with_earlier(views, {"1": place(0.0)}, april(plate("approved", asset=asset, text="JB-370B")))
    assert [(match.asset, match.status) for match in found] == [(asset, "approved"), (None, "dropped")] * 2


@pytest.mark.parametrize(("status", "matches"), [("rejected", LINKED), ("approved", ASKED), ("approved", LINKED)])
def test_what_was_applied_is_handed_on_with_the_place_here_and_the_capture_it_is_of(
    status: Literal["approved", "rejected"], matches: list[Match]
) -> None:
    before = plate(status)
    _, _, applied = with_earlier(matches, {"1": place(0.1)}, april(before))
    handed = replace(before, place=place(0.1), capture="hall-7/april")
    assert applied == {"1": [handed]}
    (june,) = [EarlierCapture("hall-7/june", [handed])]
    found, _, applied = with_earlier(matches, {"1": place(0.15)}, [june])
    assert applied == {"1": [replace(handed, place=place(0.15))]}
    assert found == matches or "in hall-7/april" in found[0].reason


def test_what_became_a_question_is_not_handed_on() -> None:
    _, _, applied = with_earlier(LINKED, {"1": place(0.1), "other": place(0.2)}, april(plate("rejected")))
    assert applied == {}


@pytest.mark.parametrize(
    ("matches", "earlier", "others"),
    [
        (ASKED, [plate("approved", 0.4)], {}),
        (ASKED, [plate("approved", text="21-PT-1O19")], {}),
        (ASKED, [plate("approved"), plate("linked", 0.2, OTHER)], {}),
        (ASKED, [plate("approved")], {"beside": place(0.2)}),
        (ASKED, [plate("linked")], {}),
        ([view("one", "suggested", OTHER)], [plate("approved", asset=OTHER)], {}),
        ([view("one", "suggested", OTHER)], [plate("approved")], {}),
    ],
    ids=[
        "elsewhere",
        "another text",
        "a neighbour",
        "a new neighbour",
        "a machine",
        "a part of the tag",
        "another tag",
    ],
)
def test_nothing_is_linked_by_memory_that_may_be_another_plate(
    matches: list[Match], earlier: list[EarlierPlate], others: dict[str, Place]
) -> None:
    assert becomes(matches, *earlier, **others) == [match.status for match in matches]


def test_a_plate_that_was_moved_is_reported_and_linked_by_what_is_read_alone() -> None:
    found, (finding,), _ = with_earlier(LINKED, {"1": place(6.0)}, april(plate("approved")))
    assert found == LINKED
    assert finding.rule == "L10"
    assert finding.message.startswith("The plate of 21-PT-1019 is 6.0 m away from where hall-7/april saw it.")
    assert with_earlier(ASKED, {"1": place(6.0)}, april(plate("approved"))) == (ASKED, [], {})
    assert with_earlier(LINKED, {"1": place(0.2)}, april(plate("linked")))[1] == []
    assert with_earlier(LINKED, {"1": place(6.0)}, april(plate("linked", 1.0), plate("linked", 6.1)))[1] == []
    assert with_earlier(LINKED, {"1": place(0.6, 0.3)}, april(plate("linked")))[1] == []
    (later,) = [EarlierCapture("hall-7/june", [plate("linked", 6.0)])]
    assert with_earlier(LINKED, {"1": place(6.0)}, [*april(plate("linked")), later])[1] == []


def test_a_capture_in_another_frame_is_reported_once_and_not_compared_with() -> None:
    assets = [Asset(tag, tag, (tag,)) for tag in (f"P-{number}" for number in range(8))]
    matches = [view("one", "approved", asset, asset.name, asset.name) for asset in assets]
    places = {asset.name: place(3.0 * number) for number, asset in enumerate(assets)}
    shifted = [plate("linked", 3.0 * number + 1, asset) for number, asset in enumerate(assets)]
    rejected = plate("rejected", 0.0, assets[0], "P-0")
    found, (finding,), _ = with_earlier(matches, places, april(*shifted, rejected))
    assert found == matches
    assert (finding.rule, finding.disposition) == ("L10", "warn")
    assert "usually 1.0 m away from where hall-7/april saw them" in finding.message
