"""Incidents: what is one message, and what is said of an incident that goes on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from capture360.records import Records
from capture360.reports.alerts import Message, plain
from capture360.steps import incidents
from capture360.steps.claims import claim
from capture360.steps.incidents import Occurrence, finding, note, observe, occurrences, settle

NOW = datetime(2026, 5, 20, 8, tzinfo=UTC)
DAY = timedelta(days=1)
LATE = "a review waits for answers"


class Told:
    """The messages about what is found by look after look."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.messages: list[Message] = []
        self.takes = True

    def look(self, at: datetime, *subjects: str) -> None:
        observe(self.records, [finding(LATE, each, f"{each} waits.", "Answer.", at) for each in subjects])
        settle(self.records, self.say, now=at)

    def say(self, message: Message) -> bool:
        if self.takes:
            self.messages.append(message)
        return self.takes

    @property
    def titles(self) -> Sequence[str]:
        return [each.title.removesuffix(f": {LATE}") for each in self.messages]


@pytest.fixture
def told(records: Records) -> Told:
    return Told(records)


def test_what_lasts_at_one_site_hides_nothing_of_another(told: Told) -> None:
    told.look(NOW, "hall-7/old")
    told.look(NOW + timedelta(minutes=5), "hall-7/old", "rig-2/new", "rig-2/newer")
    assert told.titles == ["hall-7/old", "2 captures"]


def test_what_joins_an_incident_is_said_once_a_day(told: Told) -> None:
    told.look(NOW, "hall-7/old")
    told.look(NOW + timedelta(hours=1), "hall-7/old", "hall-7/b")
    told.look(NOW + timedelta(hours=2), "hall-7/old", "hall-7/b", "hall-7/c", "hall-7/over-soon")
    assert told.titles == ["hall-7/old"]
    for hours in (0, 1, 25, 49):
        told.look(NOW + DAY + timedelta(hours=hours), "hall-7/old", "hall-7/b", "hall-7/c")
    assert told.titles == ["hall-7/old", "2 captures more"]
    text = plain(told.messages[-1])
    assert "It concerns: hall-7/b, hall-7/c" in text
    assert "The incident began at 2026-05-20 08:00 UTC" in text
    assert "What broke: hall-7/b waits." in text
    told.look(NOW + 4 * DAY)
    assert plain(told.messages[-1]).endswith("hall-7/old, hall-7/b, hall-7/c, hall-7/over-soon")


def test_what_comes_back_while_another_lasts_is_said_again(told: Told) -> None:
    told.look(NOW, "hall-7/old", "hall-7/b")
    told.look(NOW + timedelta(hours=1), "hall-7/old")
    told.look(NOW + 30 * DAY, "hall-7/old", "hall-7/b")
    assert told.titles == ["2 captures", "hall-7/b as well"]


def test_of_two_that_settle_one_says_what_joined(told: Told) -> None:
    told.look(NOW, "hall-7/old")
    told.look(NOW + timedelta(hours=1), "hall-7/old", "hall-7/b")
    told.messages.clear()

    def say(message: Message) -> bool:
        settle(told.records, told.say, now=NOW + DAY)
        return told.say(message)

    settle(told.records, say, now=NOW + DAY)
    assert len(told.messages) == 1


@pytest.mark.parametrize("is_over", [False, True])
def test_of_two_that_settle_one_says_what_begins_or_ends(
    told: Told, monkeypatch: pytest.MonkeyPatch, is_over: bool
) -> None:
    """The other one does it between the first look and the claim."""
    told.takes = is_over
    told.look(NOW, "hall-7/old")
    told.takes = True
    told.messages.clear()
    others = [lambda: settle(told.records, told.say, now=NOW + DAY)]

    def late(records: Records, path: str, now: datetime) -> bool:
        if others:
            others.pop()()
        return claim(records, path, now)

    monkeypatch.setattr(incidents, "claim", late)
    told.look(NOW + DAY, *([] if is_over else ["hall-7/old"]))
    assert [each.is_over for each in told.messages] == [is_over]


def test_a_message_that_nobody_takes_is_made_again_and_one_never_made_is_not_over(told: Told) -> None:
    told.takes = False
    told.look(NOW, "hall-7/old")
    told.look(NOW + timedelta(hours=1))
    told.look(NOW + timedelta(hours=2), "hall-7/old")
    told.takes = True
    told.look(NOW + timedelta(hours=3), "hall-7/old")
    assert told.titles == ["hall-7/old"]
    told.takes = False
    told.look(NOW + 2 * DAY, "hall-7/old", "hall-7/b")
    told.takes = True
    told.look(NOW + 3 * DAY, "hall-7/old", "hall-7/b")
    assert told.titles == ["hall-7/old", "hall-7/b as well"]
    told.takes = False
    told.look(NOW + 4 * DAY)
    told.takes = True
    told.look(NOW + 5 * DAY)
    assert [each.is_over for each in told.messages] == [False, False, True]


def failure(cause: str, at: datetime, run: str = "run-1", task: str = "validate") -> Occurrence:
    return Occurrence(
        f"{run}-{task}-{cause}", cause, "hall-7/may", f"{task} failed", cause, "Fix it.", "platform team", at,
        dag="captures_ingest", run=run, task=task,
    )  # fmt: skip


def test_a_failure_in_the_future_happened_when_it_was_seen_first(told: Told) -> None:
    """What is asked about its age gets one."""
    note(told.records, failure("c", NOW + timedelta(days=400)))
    for _ in range(2):
        settle(told.records, told.say, now=NOW)
    assert [each.at for each in occurrences(told.records)] == [NOW]


def test_an_incident_in_the_future_is_said_to_whoever_joins_it(told: Told) -> None:
    """Its last message was started by a clock that was ahead."""
    note(told.records, failure("c", NOW))
    settle(told.records, told.say, now=NOW + timedelta(days=400))
    note(told.records, replace(failure("c", NOW), id="another", subject="hall-7/another"))
    for days in (1, 3):
        settle(told.records, told.say, now=NOW + timedelta(days=days))
    assert len(told.messages) == 2


def test_a_task_that_was_cleared_and_fails_otherwise_is_told_again(told: Told) -> None:
    note(told.records, failure("A", NOW))
    settle(told.records, told.say, now=NOW)
    for task in ("validate", "faces"):
        note(told.records, failure("C", NOW, task=task))
    cleared = NOW + timedelta(hours=1)
    note(told.records, failure("B", cleared + timedelta(minutes=5)), cleared_since=cleared)
    settle(told.records, told.say, now=cleared + timedelta(minutes=6))
    assert [each.lines[0] for each in told.messages] == [
        "What broke: A", "What broke: C", "What broke: B", "It was: A",
    ]  # fmt: skip
    assert {(each.task, each.cause) for each in occurrences(told.records)} == {("validate", "B"), ("faces", "C")}


def test_a_batch_that_fails_otherwise_leaves_what_another_batch_failed_with(records: Records) -> None:
    for batch in range(2):
        note(records, replace(failure("A", NOW), id=f"A-{batch}", batch=batch))
    cleared = NOW + timedelta(hours=1)
    later = replace(failure("B", cleared + timedelta(minutes=5)), batch=1)
    note(records, later, cleared_since=cleared)
    assert [(each.batch, each.cause) for each in occurrences(records)] == [(0, "A"), (1, "B")]


def test_an_incident_without_what_it_concerned_last_is_said_once(told: Told) -> None:
    told.look(NOW, "hall-7/old")
    (name,) = told.records.store.names("sensing/incidents")
    path = f"sensing/incidents/{name}"
    values = told.records.store.document(path) or {}
    told.records.store.put(path, json.dumps({**values, "present": []}).encode())
    told.look(NOW + 2 * DAY, "hall-7/old")
    told.records.store.put(path, json.dumps({k: v for k, v in values.items() if k != "present"}).encode())
    told.look(NOW + 2 * DAY, "hall-7/old")
    told.look(NOW + 2 * DAY)
    assert [each.is_over for each in told.messages] == [False, True]


def test_an_incident_whose_cause_has_no_name_goes_on(told: Told) -> None:
    """The name of its file is that of its cause."""
    told.look(NOW, "hall-7/old")
    (name,) = told.records.store.names("sensing/incidents")
    path = f"sensing/incidents/{name}"
    values = told.records.store.document(path) or {}
    del values["cause"]["id"]
    told.records.store.put(path, json.dumps(values).encode())
    told.look(NOW + timedelta(hours=1), "hall-7/old")
    told.look(NOW + 2 * DAY)
    assert [each.is_over for each in told.messages] == [False, True]
    assert {each.cause for each in told.messages} == {name.removesuffix(".json")}


def test_batches_of_one_try_that_fail_in_two_ways_stand_side_by_side(records: Records) -> None:
    note(records, failure("A", NOW))
    note(records, failure("B", NOW + timedelta(minutes=1)))
    began = NOW - timedelta(minutes=1)
    note(records, replace(failure("C", NOW + timedelta(minutes=2)), id="c"), cleared_since=began)
    assert [each.cause for each in occurrences(records)] == ["A", "B", "C"]


def many(records: Records, captures: int, batches: int = 1) -> None:
    for number in range(captures):
        for batch in range(batches):
            one = failure("CDF is down", NOW + timedelta(seconds=batch), run=f"run-{number}", task="upload_faces")
            note(records, replace(one, id=f"{number}-{batch}", subject=f"hall-7/{number:03}", batch=batch))


def test_batches_of_one_task_are_asked_about_once_by_the_last(told: Told) -> None:
    many(told.records, captures=2, batches=20)
    asked: list[Occurrence] = []

    def is_over(each: Occurrence) -> bool:
        asked.append(each)
        return each.run == "run-0"

    settle(told.records, told.say, now=NOW, is_over=is_over)
    assert [(each.run, each.batch) for each in asked] == [("run-0", 19), ("run-1", 19)]
    assert {each.run for each in occurrences(told.records)} == {"run-1"}


def test_what_is_over_is_forgotten_though_the_process_ends_before_all_are_asked_about(told: Told) -> None:
    note(told.records, replace(failure("CDF is down", NOW), subject="hall-7/last"))
    settle(told.records, told.say, now=NOW)
    many(told.records, captures=4)

    def is_over(each: Occurrence) -> bool:
        if each.run == "run-3":
            raise KeyboardInterrupt
        return True

    with pytest.raises(KeyboardInterrupt):
        settle(told.records, told.say, now=NOW, is_over=is_over)
    assert [each.subject for each in occurrences(told.records)] == ["hall-7/003", "hall-7/last"]


def test_a_new_cause_is_reported_before_known_ones_are_asked_about(told: Told) -> None:
    note(told.records, failure("old", NOW, run="old"))
    settle(told.records, told.say, now=NOW)
    many(told.records, captures=200)
    asked: list[str] = []

    def is_over(each: Occurrence) -> bool:
        asked.append(each.run)
        return each.run == "run-0"

    settle(told.records, told.say, now=NOW, is_over=is_over)
    assert len(asked) == 50 + 1
    assert asked[-1] == "old"
    assert len(told.messages) == 2
    assert "run-0" not in {each.run for each in occurrences(told.records)}


def test_a_cause_of_many_captures_that_are_all_over_is_not_reported(told: Told) -> None:
    many(told.records, captures=60)
    settle(told.records, told.say, now=NOW, is_over=lambda _: True)
    assert not told.messages
    assert not occurrences(told.records)
