"""Answers on the page of a review and numbers typed into its Required Action, about the same plates."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import pytest

from capture360.matching.answers import Answer as Numbers
from capture360.matching.answers import understood
from capture360.matching.decisions import as_decided
from capture360.model import Asset, CaptureKey, Detection, FaceRef, Match, Pose, PublishedImage
from capture360.records import Records
from capture360.steps.review_answers import FOLDER, Answer, Choice, answers, decisions, not_overruled, note_written
from capture360.steps.review_plates import Question, questions_about

FIRST, SECOND, SEARCHED = (Asset(tag, tag, (tag,)) for tag in ("JB-3708", "JB-370B", "JB-1"))
SQUARE = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.15), (0.1, 0.15))
MATCH = Match(
    Detection("image", "front", "JB-3708", 0.9, SQUARE), FIRST, 0.5, "suggested", "look-alikes",
    ((FIRST, 0.5), (SECOND, 0.5)), "1",
)  # fmt: skip
QUESTION = Question(MATCH, [MATCH])


def typed(approved: str = "", rejected: str = "") -> Numbers:
    places = {"a": 0, "b": 1}
    return Numbers(frozenset((1, places[each]) for each in approved), frozenset((1, places[each]) for each in rejected))


@pytest.mark.parametrize(
    ("choice", "numbers", "stands"),
    [
        ("approve", typed(), True),
        ("approve", typed(rejected="b"), True),
        ("approve", typed(rejected="a"), False),
        ("approve", typed(rejected="ab"), False),
        ("approve", typed(approved="b"), False),
        ("reject", typed(rejected="b"), True),
        ("reject", typed(approved="a"), False),
        ("leave", typed(rejected="b"), True),
    ],
)
def test_a_number_overrules_an_answer_that_contradicts_it_and_says_so(
    choice: Choice, numbers: Numbers, stands: bool
) -> None:
    answer = Answer(choice, FIRST if choice == "approve" else None, "Ann", "2026-01-02T03:04:05+00:00")
    kept, sentences = not_overruled([QUESTION], {QUESTION.id: answer}, numbers)
    assert (kept == {1: answer}, sentences == []) == (stands, stands)
    assert stands or sentences == ["Plate 1: the number that was typed counts, not the answer of Ann."]


@pytest.mark.parametrize(
    ("choice", "named"), [("Approve the rest", SECOND), ("Reject the rest", SECOND), ("Approve the rest", SEARCHED)]
)
def test_a_choice_about_the_rest_overrules_no_answer_though_another_tag_is_rejected(choice: str, named: Asset) -> None:
    numbers = understood(choice, "", "1a", [2], {1}, {1})
    answer = Answer("approve", named, "Ann", "2026-01-02T03:04:05+00:00")
    assert not_overruled([QUESTION], {QUESTION.id: answer}, numbers) == ({1: answer}, [])
    assert (numbers.approved, numbers.rejected) == (set(), {(1, 0)})


@pytest.mark.parametrize(("choice", "named"), [("approve", SECOND), ("reject", None)])
def test_an_answer_about_a_plate_leaves_the_manual_match_of_one_of_its_views(
    choice: Choice, named: Asset | None
) -> None:
    other, manual = (replace(MATCH, detection=replace(MATCH.detection, image=image)) for image in ("other", "manual"))
    manual = replace(manual, status="approved", cause="by hand")
    views = [MATCH, replace(other, status="dropped", asset=None), manual]
    (asked,) = questions_about([MATCH], views, {"image", "other", "manual"})
    answer = Answer(choice, named, "Ann", "2026-01-02T03:04:05+00:00", shown=(FIRST.ref, SECOND.ref))
    image = PublishedImage("", "", "", Pose((0, 0, 0), (1, 0, 0, 0)), {"front": FaceRef("front", "file")})
    decided = [each.on(image) for each in decisions(asked, answer)]
    assert {each.match.detection.image for each in decided} == {"image", "other"}
    assert [
        match for match in as_decided(views, decided, defaultdict(lambda: image)) if match.detection.image == "manual"
    ] == [manual]


def test_an_answer_that_does_not_say_what_was_shown_rejects_every_tag(records: Records) -> None:
    key = CaptureKey("hall-7", "may")
    document = {"choice": "reject", "asset": None, "by": "Ann", "at": "2026-01-02T03:04:05+00:00", "written": ""}
    records.create_note(key, "plate-000001", document, FOLDER)
    answer = answers(records, key, {"plate"})["plate"]
    assert {each.match.asset for each in decisions(QUESTION, answer)} == {FIRST, SECOND}
    note_written(records, key, {"plate": answer}, "run")
    assert answers(records, key, {"plate"})["plate"].shown is None


@pytest.mark.parametrize(("choice", "named"), [("approve", FIRST), ("reject", None)])
def test_an_answer_rejects_the_tags_that_were_shown_and_no_others(choice: Choice, named: Asset | None) -> None:
    """A later review asks about the same text in the same place, with a tag of a newer asset list."""
    answer = Answer(choice, named, "Ann", "2026-01-02T03:04:05+00:00", shown=(FIRST.ref,))
    assert {each.match.asset for each in decisions(QUESTION, answer)} == {FIRST}
