"""What the demo says to try next, from the records alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from capture360.model import Asset, CaptureKey, Detection, Match
from capture360.records import Records
from capture360.steps.review_plates import Question
from capture360_local.demo.linking import reviews_that_wait
from capture360_local.demo.next_steps import next_steps

KEYS = [CaptureKey("hall-7", name) for name in ("cubemap", "navvis", "rejected", "never")]
PLACE = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.2), (0.1, 0.2))


@pytest.fixture
def records(tmp_path: Path) -> Records:
    found = Records(str(tmp_path / "records"))
    for key, verdict, linked in zip(KEYS, ("accepted", "accepted", "rejected"), (3, 7, None), strict=False):
        body = {"verdict": verdict, "headline": "", "accepted": 1, "quarantined": {}, "findings": []}
        found.put(key, "f1", "validate", body, run="test")
        if linked is not None:
            found.put(key, "f1", "publish", {"link": "http://cdf", "collections": []}, run="test")
            plates = {"linked": linked, "asked": 1, "missed": 0}
            found.put(key, "f1", "annotate", {"plates": plates}, run="test")
    pump = Asset("17", "21-PT-1001", ("21-PT-1001",))
    match = Match(Detection("i", "front", "21-PT-1OO1", 0.7, PLACE), pump, 0.7, "suggested", "near", ((pump, 0.7),))
    for key in KEYS[:2]:
        questions = [Question(match, (match,)).document()] * 3
        found.put(key, "f1", "review", {"match": "m", "questions": questions, "views": {}, "pictures": []}, run="test")
    answer = {"by": "Ada", "plates": {"linked": 7, "asked": 0, "missed": 0}}
    found.put(KEYS[1], "f1", "reviewed", answer, run="test")
    return found


def test_the_best_capture_open_reviews_and_rejections_are_named(records: Records) -> None:
    assert [(step.what, step.path.removeprefix("/capture360/")) for step in next_steps(records, KEYS)] == [
        ("all captures", "captures"),
        ("panoramas of hall-7/navvis, 7 plates linked", "view/hall-7/navvis"),
        ("open review of hall-7/cubemap (1)", "review/hall-7/cubemap"),
        ("why hall-7/rejected was rejected", "reports/hall-7/rejected/f1/validation.html"),
    ]


def test_a_review_that_nobody_is_asked_about_is_a_failure() -> None:
    looks = iter([frozenset[str](), frozenset({"hall-7/cubemap"})])
    assert reviews_that_wait(lambda: next(looks), KEYS[:1]) == []
    assert reviews_that_wait(frozenset, KEYS[:1], timedelta(0)) == ["hall-7/cubemap: nobody is asked about its plates."]
