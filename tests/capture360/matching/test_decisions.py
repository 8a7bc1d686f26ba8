"""A decision on one view of a plate counts for all its views, on the picture that it is about."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import pytest

from capture360.geometry.boxes import Polygon
from capture360.matching.decisions import Decided, ShownImage, added, as_decided, by_plate
from capture360.matching.documents import match_document, match_from_document
from capture360.matching.manual import ManualMatches, ManualRow
from capture360.matching.normalise import key
from capture360.matching.policy import score_matches
from capture360.matching.set_aside import set_aside
from capture360.model import Asset, Detection, FaceRef, Match, Pose, PublishedImage

SQUARE = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.15), (0.1, 0.15))
PUMP, OTHER = (Asset(tag, tag, (tag,)) for tag in ("21-PT-1019", "21-PT-1018"))
Status = Literal["approved", "suggested", "dropped"]


def view(image: str, asset: Asset, status: Status) -> Match:
    return Match(Detection(image, "front", asset.name, 0.99, SQUARE), asset, 0.99, status, "read exactly", (), "1")


def shown(file: str = "first", x: float = 0.0) -> PublishedImage:
    return PublishedImage("", "", "", Pose((x, 0, 0), (1, 0, 0, 0)), {"front": FaceRef("front", file)})


FIRST = {name: shown() for name in ("one", "two", "three")}


def decided(
    image: str, asset: Asset, status: Literal["approved", "rejected"], seen: ShownImage = FIRST["one"]
) -> Decided:
    return Decided(view(image, asset, "suggested"), status, "Ada", "2026-01-02T03:04:05+00:00").on(seen)


def decide(
    matches: Sequence[Match],
    decisions: Sequence[Decided],
    images: Mapping[str, ShownImage] = FIRST,
    absent: Collection[str] = (),
) -> list[Match]:
    return as_decided(matches, decisions, images, absent)


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
    found = decide([view("one", PUMP, "suggested"), later], [decision])
    assert {match.status for match in found if match.detection.image == "two"} == {status}


def test_the_newest_decision_on_a_plate_counts() -> None:
    views = [view("one", PUMP, "suggested"), view("two", PUMP, "suggested"), view("three", PUMP, "approved")]
    decisions = [decided("one", PUMP, "approved"), decided("two", PUMP, "rejected")]
    assert [match.status for match in decide(views, decisions)] == ["approved", "dropped", "dropped"]


@pytest.mark.parametrize("decision", [decided("one", PUMP, "rejected"), decided("one", OTHER, "approved")])
def test_a_manual_match_stays_whatever_is_decided_on_another_view_of_its_plate(decision: Decided) -> None:
    read = view("two", PUMP, "approved")
    by_hand = ManualMatches({(key(PUMP.name), "", ""): ManualRow(PUMP.name, PUMP.ref)})
    (scored,) = score_matches([read.detection], [PUMP], manual=by_hand)
    manual = replace(scored.match, plate=read.plate)
    assert manual in decide([view("one", PUMP, "suggested"), manual], [decision])
    through_records = match_from_document(match_document(manual))
    assert manual in decide([view("one", PUMP, "suggested"), through_records], [decision])


def test_a_decision_on_the_view_of_a_manual_match_itself_counts() -> None:
    manual = replace(view("one", PUMP, "approved"), cause="by hand")
    assert [match.status for match in decide([manual], [decided("one", PUMP, "rejected")])] == ["dropped"]


def test_the_newest_decision_on_a_plate_counts_although_its_view_comes_first() -> None:
    views = [view("one", PUMP, "suggested"), view("two", PUMP, "suggested"), view("three", PUMP, "approved")]
    decisions = [decided("two", PUMP, "approved"), decided("one", PUMP, "rejected")]
    assert [match.status for match in decide(views, decisions)] == ["dropped", "approved", "dropped"]


def test_an_approved_link_that_is_not_read_any_more_stays_on_the_file_that_was_seen_and_on_no_other() -> None:
    approved = decided("one", PUMP, "approved")
    assert [(each.asset, each.status) for each in decide([], [approved])] == [(PUMP, "approved")]
    for now in ({"one": shown("second")}, {"one": shown("second", x=2)}, {}):
        assert decide([], [approved], now) == []
    (other,) = decide([view("one", OTHER, "approved")], [approved], {"one": shown("second")})
    assert (other.asset, other.status) == (OTHER, "approved")
    unknown = replace(approved, file="", pose=None)
    assert decide([], [unknown]) == []


@pytest.mark.parametrize("status", ["approved", "rejected"])
def test_on_another_picture_a_decision_holds_where_its_tag_is_read_in_its_place(
    status: Literal["approved", "rejected"],
) -> None:
    decision = decided("one", PUMP, status)
    machine: Status = "suggested" if status == "approved" else "approved"

    def becomes(image: PublishedImage, asset: Asset = PUMP) -> str:
        (match,) = decide([view("one", asset, machine)], [decision], {"one": image})
        return match.status

    assert becomes(shown("second")) == ("approved" if status == "approved" else "dropped")
    assert becomes(shown("second", x=2)) == machine
    assert becomes(shown("second"), OTHER) == machine


def test_decisions_on_pictures_that_were_replaced_are_reported() -> None:
    decision = decided("one", PUMP, "approved")
    now = {"one": shown("second")}
    (finding,) = set_aside([view("one", OTHER, "approved")], [decision], now, ())
    assert finding.rule == "L08"
    assert "1 decisions" in finding.message and "21-PT-1019 approved by Ada" in finding.message
    read = [view("one", PUMP, "suggested")]
    assert list(set_aside(read, [decision], now, ())) == []
    assert list(set_aside([], [decision], FIRST, ())) == []
    chosen = [decided("one", OTHER, "approved"), decided("one", PUMP, "rejected")]
    (finding,) = set_aside(read, chosen, now, ())
    assert "1 decisions" in finding.message and "21-PT-1018 approved by Ada" in finding.message
    anew = decided("one", OTHER, "rejected", now["one"])
    assert list(set_aside([], [decision, anew], now, ())) == []


def test_a_rejection_is_about_all_that_its_outline_holds() -> None:
    """A line was read with a label beside the tag, and another engine reads the tag alone."""
    tag = view("one", PUMP, "approved")
    line = ((0.0, 0.1), (0.22, 0.1), (0.22, 0.15), (0.0, 0.15))
    assert [match.status for match in decide([tag], [_at(decided("one", PUMP, "rejected"), line)])] == ["dropped"]
    approved = _at(decided("one", OTHER, "approved"), line)
    assert decide([tag], [approved])[0] == tag
    beside = ((0.3, 0.1), (0.4, 0.1), (0.4, 0.15), (0.3, 0.15))
    assert decide([tag], [_at(decided("one", PUMP, "rejected"), beside)]) == [tag]
    assert added([_at(decided("one", PUMP, "rejected"), line)], [later := decided("one", PUMP, "approved")]) == [later]


def _at(decision: Decided, polygon: tuple[tuple[float, float], ...]) -> Decided:
    seen = replace(decision.match.detection, polygon=polygon)
    return replace(decision, match=replace(decision.match, detection=seen))


@pytest.mark.parametrize("status", ["approved", "rejected"])
def test_a_decision_is_about_its_own_plate_where_another_overlaps_it(status: Literal["approved", "rejected"]) -> None:
    """On the second view nothing overlaps."""
    beside = tuple((x + 0.03, y) for x, y in SQUARE)

    def views(tag: Asset, plate: str, outline: Polygon) -> list[Match]:
        return [
            replace(each, plate=plate, detection=replace(each.detection, polygon=outline))
            for each in (view("one", tag, "approved"), view("two", tag, "approved"))
        ]

    matches = [*views(PUMP, "1", SQUARE), *views(OTHER, "2", beside)]
    assert list(by_plate(matches, [decided("one", PUMP, status)])) == ["1"]
    unread = [each for each in matches if each.plate == "2"]
    assert list(by_plate(unread, [decided("one", PUMP, status)])) == ["2"], "what is read there next"


def test_what_another_application_decided_is_about_its_own_view() -> None:
    views = [view("one", PUMP, "approved"), view("two", PUMP, "approved")]
    rejected = replace(decided("one", PUMP, "rejected"), of_view=True)
    assert [match.status for match in decide(views, [rejected])] == ["dropped", "approved"]
    linked = replace(decided("one", OTHER, "approved"), of_view=True)
    assert [match.status for match in decide(views, [linked])] == ["dropped", "approved", "approved"]
    assert Decided.from_document(json.loads(json.dumps(linked.document()))) == linked


def test_the_other_tag_of_a_tie_stays_a_question_when_one_is_rejected() -> None:
    tie = replace(view("one", PUMP, "suggested"), confidence=0.5, candidates=((PUMP, 0.5), (OTHER, 0.45)))
    (left,) = decide([tie], [decided("one", PUMP, "rejected")])
    assert (left.asset, left.status, left.confidence, left.candidates) == (OTHER, "suggested", 0.45, ((OTHER, 0.45),))
    assert "21-PT-1019 was rejected by Ada" in left.reason
    both = [decided("one", asset, "rejected") for asset in (PUMP, OTHER)]
    assert [match.status for match in decide([tie], both)] == ["dropped"]
    chosen = [decided("one", PUMP, "rejected"), decided("one", OTHER, "approved")]
    assert {(match.asset, match.status) for match in decide([tie], chosen) if match.status != "dropped"} == {
        (OTHER, "approved")
    }
    unlikely = replace(tie, candidates=((PUMP, 0.9), (OTHER, 0.1)), confidence=0.9)
    assert [match.status for match in decide([unlikely], [decided("one", PUMP, "rejected")])] == ["dropped"]


def test_a_row_of_the_manual_matches_takes_an_approval_back() -> None:
    approved = decided("one", OTHER, "approved")
    nothing = replace(view("one", PUMP, "dropped"), asset=None, cause="not by hand")
    assert decide([nothing], [approved]) == [nothing]
    another = replace(view("one", PUMP, "approved"), cause="by hand")
    assert decide([another], [approved]) == [another]


def test_a_decision_about_an_asset_that_is_no_more_neither_links_nor_hinders() -> None:
    anew = replace(PUMP, ref="created anew")
    read = view("one", anew, "approved")
    approved, rejected = decided("one", PUMP, "approved"), decided("one", PUMP, "rejected")
    assert decide([read], [approved], absent={PUMP.ref}) == [read]
    assert [match.status for match in decide([read], [rejected], absent={PUMP.ref})] == ["dropped"]
    (finding,) = set_aside([read], [approved], FIRST, {PUMP.ref})
    assert finding.rule == "L09"
    assert list(set_aside([read], [rejected], FIRST, {PUMP.ref})) == []
    assert decide([view("one", OTHER, "approved")], [approved], absent={PUMP.ref})[0].status == "approved"


def test_a_decision_is_the_same_after_it_was_recorded() -> None:
    for decision in (decided("one", PUMP, "approved"), replace(decided("one", PUMP, "rejected"), file="", pose=None)):
        assert Decided.from_document(json.loads(json.dumps(decision.document()))) == decision


def test_approvals_that_are_read_no_more_are_compared_with_manual_matches_of_their_faces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[int] = []
    real = Decided.is_at

    def counted(decided: Decided, match: Match) -> bool:
        compared.append(1)
        return real(decided, match)

    monkeypatch.setattr(Decided, "is_at", counted)
    counts = []
    for plates in (10, 20):
        by_hand = [replace(view(f"by hand {number}", PUMP, "approved"), cause="by hand") for number in range(plates)]
        approved = [decided(f"approved {number}", PUMP, "approved") for number in range(plates)]
        images = {each.match.detection.image: shown() for each in approved}
        assert len(decide(by_hand, approved, images)) == 2 * plates
        counts.append(len(compared))
        compared.clear()
    assert counts[1] <= 2 * counts[0]
