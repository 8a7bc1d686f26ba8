"""People answer about plates one by one; the review's run writes that to CDF, in every project mode."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from capture360.matching.answers import LEAVE
from capture360.matching.questions import tags_of
from capture360.steps.annotate import annotate
from capture360.steps.link_state import LinkMemory
from capture360.steps.review import Response, Review, Reviewed, apply
from capture360.steps.review_answers import Answer, Choice, answers, give
from capture360.steps.review_page import asked_plates, newest_review
from suggested_links import TAGS, Hall

AT = "2026-01-02T03:04:05+00:00"


def plates(hall: Hall) -> Mapping[str, str]:
    """The ids of the plates under review, by the text on them."""
    review = newest_review(hall.world.records, hall.key)
    assert review is not None
    return {question.match.detection.text: plate for plate, question in review.plates.items()}


def say(hall: Hall, text: str, choice: Choice, tag: str = "", by: str = "Ada") -> None:
    """Answer about the plate with this text; `tag` is the one of an approved asset."""
    found = newest_review(hall.world.records, hall.key)
    assert found is not None
    assets = {
        question.match.asset.name: question.match.asset for question in found.plates.values() if question.match.asset
    }
    before = answers(hall.world.records, hall.key, {plates(hall)[text]})
    seen = before[plates(hall)[text]].version if before else 0
    shown = tuple(asset.ref for asset, _ in tags_of(found.plates[plates(hall)[text]].match))
    answer = Answer(choice, assets[tag] if tag else None, by, AT, shown=shown)
    assert give(hall.world.records, hall.key, plates(hall)[text], seen, answer)[1]


def choices_of(hall: Hall) -> Mapping[str, str]:
    """The recorded decisions, each tag of a plate once."""
    known = [(each.match.asset, each.status) for each in LinkMemory(hall.world.records, hall.key).decisions()]
    assert len(set(known)) == len(known)
    return {asset.name: status for asset, status in known if asset}


def write(hall: Hall, review: Review, choice: str = LEAVE, reject: str = "") -> Reviewed:
    return hall.answer(review, choice, reject=reject)


def with_another_view(hall: Hall, text: str) -> None:
    """Read the plate with this text on a second face too: the views of an undecided plate but one have no link."""
    record = hall.world.records.get(hall.key, hall.fingerprint, "match")
    assert record is not None
    body = dict(record.body)
    (shown,) = [each for each in body["matches"] if each["detection"]["text"] == text]
    assert shown["plate"]
    view = {**shown, "status": "dropped", "asset": None, "detection": {**shown["detection"], "face": "right"}}
    hall.world.records.put(
        hall.key, hall.fingerprint, "match", {**body, "matches": [*body["matches"], view]}, run="by hand"
    )
    annotate(hall.ctx, hall.key, hall.fingerprint)


@pytest.mark.parametrize("way", ["on the page of plates", "by number"])
def test_an_answer_is_written_to_all_views_of_a_plate(hall: Hall, way: str) -> None:
    one, other, *_ = hall.waiting()
    with_another_view(hall, one)
    with_another_view(hall, other)
    review = hall.begin()
    one, other, *_ = hall.waiting()
    if way == "by number":
        hall.answer(review, "Leave the rest", "1", "2")
    else:
        say(hall, one, "approve", one)
        say(hall, other, "reject")
        write(hall, review)
    assert hall.linked() == {one}
    known = LinkMemory(hall.world.records, hall.key).decisions()
    assert {(each.match.detection.text, each.match.detection.face, each.status) for each in known} == {
        (one, "front", "approved"),
        (one, "right", "approved"),
        (other, "front", "rejected"),
        (other, "right", "rejected"),
    }
    assert not {one, other} & set(hall.waiting())


def test_what_is_answered_plate_by_plate_is_written_with_who_said_so(hall: Hall) -> None:
    review = hall.begin()
    one, other, left, undone, *_ = hall.waiting()
    say(hall, one, "approve", one)
    say(hall, other, "reject", by="Bo")
    say(hall, left, "leave")
    say(hall, undone, "approve", undone)
    say(hall, undone, "open")
    assert hall.linked() == set()
    done = write(hall, review)
    assert (done.approved, done.rejected) == (1, 1)
    assert hall.linked() == {one}
    assert not {one, other} & set(hall.waiting())
    assert {left, undone} <= set(hall.waiting())
    record = hall.world.records.get(hall.key, hall.fingerprint, "reviewed")
    assert record is not None
    assert record.body["people"] == ["Ada", "Bo"]
    assert (record.body["plates"]["asked"], record.body["plates"]["linked"]) == (len(TAGS) - 2, 1)
    assert write(hall, review) == done
    hall.read()
    assert hall.linked() == {one}


def test_another_asset_than_was_suggested_is_linked_at_the_plate(core: Hall) -> None:
    review = core.begin()
    plate, *_, elsewhere = core.waiting()
    say(core, plate, "approve", elsewhere)
    say(core, elsewhere, "reject")
    done = write(core, review)
    assert (done.approved, done.rejected) == (1, 1)
    core.read()
    assert core.linked() == {elsewhere}
    assert not {plate, elsewhere} & set(core.waiting())


def test_the_rest_is_what_neither_numbers_nor_the_page_decide(classic: Hall) -> None:
    review = classic.begin()
    first, second, third, named, *others = classic.waiting()
    say(classic, first, "reject")
    say(classic, second, "approve", second)
    say(classic, third, "leave")
    say(classic, named, "approve", named)
    done = write(classic, review, "Approve the rest", reject="4")
    assert (done.approved, done.rejected, done.left) == (1 + len(others), 2, 1)
    assert classic.linked() == {second, *others}
    assert classic.waiting() == [third]


@pytest.mark.parametrize("choice", ["reject", "approve"])
def test_a_tag_that_is_rejected_by_number_and_on_the_page_is_rejected_once(classic: Hall, choice: Choice) -> None:
    review = classic.begin()
    first, *_, elsewhere = classic.waiting()
    say(classic, first, choice, elsewhere if choice == "approve" else "")
    done = write(classic, review, reject="1")
    assert (done.approved, done.rejected) == ((1, 0) if choice == "approve" else (0, 1))
    assert choices_of(classic)[first] == "rejected"
    assert choices_of(classic).get(elsewhere, "rejected") == ("approved" if choice == "approve" else "rejected")
    assert first not in classic.waiting()


def test_nobody_s_answer_is_lost_when_the_time_is_over_or_a_newer_review_asks(classic: Hall) -> None:
    review = classic.begin()
    first, second, *_ = classic.waiting()
    say(classic, first, "approve", first)
    assert write(classic, review, "Leave the rest").approved == 1
    say(classic, second, "approve", second)
    newer = classic.begin()
    found = newest_review(classic.world.records, classic.key)
    assert found is not None
    shown = {each.match.detection.text: each.said for each in asked_plates(classic.world.records, found)}
    assert (said := shown[second]) is not None
    assert (said.choice, said.by) == ("approve", "Ada")
    nobody = Response("Leave the rest", "", "", None, AT)
    done = apply(classic.ctx, classic.key, newer, nobody)
    assert done.approved == 1
    assert classic.linked() == {first, second}


def test_what_was_written_is_asked_anew_by_a_later_review(classic: Hall) -> None:
    review = classic.begin()
    first, *_ = classic.waiting()
    say(classic, first, "leave")
    write(classic, review)
    classic.begin()
    found = newest_review(classic.world.records, classic.key)
    assert found is not None
    asked = next(each for each in asked_plates(classic.world.records, found) if each.id == plates(classic)[first])
    assert asked.said is not None
    assert (asked.said.choice, asked.said.version) == ("open", 2)
    say(classic, first, "approve", first)
