"""What people decided about a plate holds for later captures of its place, and a plate that was moved is reported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from capture360.matching import nearby
from capture360.matching.earlier import EarlierCapture, EarlierPlate, EarlierSight, with_earlier
from capture360.matching.normalise import key
from capture360.matching.places import Place
from capture360.matching.plates import one_place_m
from capture360.matching.sights import Sight
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
    in_utc, in_summer_time = "2026-05-01T09:30:00+00:00", "2026-05-01T10:00:00+02:00"
    assert becomes(LINKED, plate("rejected", at=in_utc), plate("approved", at=in_summer_time)) == ["dropped"] * 2
    assert becomes(LINKED, plate("rejected", 0.5)) == ["approved"] * 2
    assert becomes(LINKED, plate("rejected", asset=OTHER)) == ["approved"] * 2
    by_hand = [replace(match, cause="by hand") for match in LINKED]
    assert becomes(by_hand, plate("rejected")) == ["approved"] * 2


def test_what_was_approved_needs_no_new_question_for_the_same_tag_in_the_same_place() -> None:
    found, _, _ = with_earlier(ASKED, {"1": place(0.05)}, april(plate("approved")))
    assert [(match.asset, match.status) for match in found] == [(PUMP, "approved")] * 2
    assert found[0].reason == "Ada approved it in this place in hall-7/april"


def test_an_asset_is_known_by_the_tags_that_it_has_now() -> None:
    renamed = Asset(PUMP.ref, "21-PT-1019B", ("21-PT-1019B",))
    asked = [view("one", "suggested", renamed)]
    assert [match.status for match in with_earlier(asked, {"1": place(0.0)}, april(plate("approved")))[0]] == [
        "suggested"
    ]
    both = replace(renamed, tags=("21-PT-1019B", "21-PT-1019"))
    found, _, _ = with_earlier([view("one", "suggested", both)], {"1": place(0.0)}, april(plate("approved")))
    assert [(match.asset, match.status) for match in found] == [(both, "approved")]


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


def sight(x: float, towards: float) -> Sight:
    """The line from a station that stands 3 m before a place to another one."""
    line = np.array([towards - x, 3.0, 0.0]) / np.hypot(towards - x, 3.0)
    return Sight((x, -2.0, 1.5), tuple(map(float, line)), 8.0)


@pytest.mark.parametrize(
    ("here", "before", "is_asked"),
    [
        (sight(0.0, 0.0), place(0.0), True),
        (sight(0.0, 0.0), place(1.0), False),
        (place(0.0), sight(2.0, 0.0), True),
        (place(0.0), sight(2.0, 1.0), False),
        (sight(0.0, 0.0), sight(2.0, 0.0), True),
        (sight(0.0, 0.0), sight(0.05, 0.05), True),
        (sight(0.0, 0.0), sight(2.0, 2.0), False),
        (sight(0.0, 0.0), sight(0.0, 3.0), False),
        (sight(0.0, 0.0), sight(2.0, 3.0), False),
    ],
)
def test_a_tag_that_was_rejected_on_a_line_of_sight_is_asked_about_where_the_plate_may_be_the_same(
    here: Sight | Place, before: Sight | Place, *, is_asked: bool
) -> None:
    places, sights = ({}, {"1": [here]}) if isinstance(here, Sight) else ({"1": here}, {})

    def becomes(status: Literal["approved", "rejected"], matches: list[Match]) -> list[Match]:
        if isinstance(before, Sight):
            capture = EarlierCapture("hall-7/april", [], [EarlierSight(before, PUMP, status, "Ada", "2026-04-17")])
        else:
            capture = EarlierCapture("hall-7/april", [replace(plate(status), place=before)])
        found, _, applied = with_earlier(matches, places, [capture], sights)
        assert applied == {}
        return found

    found = becomes("rejected", LINKED)
    assert [match.status for match in found] == (["suggested", "dropped"] if is_asked else ["approved"] * 2)
    where = "line of sight" if isinstance(before, Sight) else "place"
    assert found[0].reason.startswith(f"Ada rejected it in this {where} in hall-7/april") == is_asked
    assert becomes("approved", LINKED) == LINKED
    assert becomes("rejected", ASKED) == becomes("approved", ASKED) == ASKED, "nothing is linked by a line"


@pytest.mark.parametrize("before", [place(0.0), sight(2.0, 0.0)])
def test_a_plate_that_a_manual_match_decides_keeps_all_its_links(before: Place | Sight) -> None:
    """That of one view is what people write after they rejected the tag."""
    manual = [replace(LINKED[0], cause="by hand"), LINKED[1]]
    rejected = replace(plate("rejected"), place=before) if isinstance(before, Place) else None
    sights = [] if isinstance(before, Place) else [EarlierSight(before, PUMP, "rejected", "Ada", "2026-04-17")]
    capture = EarlierCapture("hall-7/april", [rejected] if rejected else [], sights)
    assert with_earlier(manual, {"1": place(0.0)}, [capture])[0] == manual


def test_of_a_place_and_a_line_of_sight_the_newest_decision_counts_and_a_line_only_doubts() -> None:
    def becomes(*, line: Literal["approved", "rejected"], at: str) -> list[str]:
        in_line = EarlierSight(sight(2.0, 0.0), PUMP, line, "Ada", at)
        in_place = plate("rejected" if line == "approved" else "approved", at="2026-05-01")
        capture = EarlierCapture("hall-7/april", [in_place], [in_line])
        return [match.status for match in with_earlier(LINKED, {"1": place(0.0)}, [capture])[0]]

    assert becomes(line="rejected", at="2026-04-17") == ["approved"] * 2
    assert becomes(line="rejected", at="2026-06-01") == ["suggested", "dropped"]
    assert becomes(line="approved", at="2026-04-17") == ["dropped"] * 2
    assert becomes(line="approved", at="2026-06-01") == ["suggested", "dropped"]


def test_what_is_asked_because_of_a_line_of_sight_is_not_handed_on() -> None:
    in_line = EarlierSight(sight(2.0, 0.0), PUMP, "rejected", "Ada", "2026-06-01")
    capture = EarlierCapture("hall-7/april", [plate("approved", at="2026-05-01")], [in_line])
    for matches in (ASKED, LINKED):
        found, _, applied = with_earlier(matches, {"1": place(0.0)}, [capture])
        assert ([match.status for match in found], applied) == (["suggested", "dropped"], {})


@pytest.mark.parametrize(("newest", "before"), [("rejected", "approved"), ("approved", "rejected")])
def test_a_decision_that_a_later_capture_had_otherwise_is_a_question(
    newest: Literal["approved", "rejected"], before: Literal["approved", "rejected"]
) -> None:
    """The later capture shows what hangs there since."""
    in_april = plate(newest, at="2026-08-01")
    june = EarlierCapture("hall-7/june", [plate(before, at="2026-07-01")])
    found, _, applied = with_earlier(LINKED, {"1": place(0.0)}, [*april(in_april), june])
    assert ([match.status for match in found], applied) == (["suggested", "dropped"], {})
    answered = EarlierCapture("hall-7/july", [plate(before, at="2026-09-01")])
    found, _, _ = with_earlier(LINKED, {"1": place(0.0)}, [*april(in_april), june, answered])
    assert {match.status for match in found} == {"dropped" if before == "rejected" else "approved"}
    handed = EarlierCapture("hall-7/june", [replace(plate(before, at="2026-07-01"), capture="hall-7/april")])
    found, _, _ = with_earlier(LINKED, {"1": place(0.0)}, [*april(in_april), handed])
    assert {match.status for match in found} == {"dropped" if newest == "rejected" else "approved"}


def test_plates_are_compared_with_those_around_them(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []

    def counted(*errors_m: float) -> float:
        compared.append(1)
        return one_place_m(*errors_m)

    class Plates(tuple[EarlierPlate, ...]):
        def __iter__(self) -> Iterator[EarlierPlate]:
            for each in super().__iter__():
                compared.append(1)
                yield each

    monkeypatch.setattr(nearby, "one_place_m", counted)
    counts = []
    for count in (50, 100):
        assets = [Asset(tag, tag, (tag,)) for tag in (f"P-{number}" for number in range(count))]
        matches = [view("one", "approved", asset, asset.name, asset.name) for asset in assets]
        places = {asset.name: place(3.0 * number) for number, asset in enumerate(assets)}
        rejected = (plate("rejected", 3.0 * number, asset, asset.name) for number, asset in enumerate(assets))
        seen = Plates([*rejected, *(plate("linked", -3.0 * number, asset) for number, asset in enumerate(assets[:5]))])
        found, _, applied = with_earlier(matches, places, [EarlierCapture("hall-7/april", seen)])
        assert ({match.status for match in found}, len(applied)) == ({"dropped"}, count)
        counts.append(len(compared))
        compared.clear()
    assert counts[1] <= 2.2 * counts[0]
