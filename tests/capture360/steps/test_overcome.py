"""Which later records show that the work of a failed task was done."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from capture360.model import CaptureKey
from capture360.records import Records
from capture360.settings.register import Register
from capture360.steps.causes import identity
from capture360.steps.incidents import Occurrence
from capture360.steps.overcome import is_overcome
from capture360.steps.review_due import ASKED, note_review

KEY = CaptureKey("hall-7", "may")
FAILED = datetime.now(UTC) - timedelta(hours=2)
AHEAD = timedelta(days=400)


class World:
    """A capture whose run failed two hours ago."""

    def __init__(self, root: Path) -> None:
        config = root / "sites.yaml"
        config.write_text(
            f"records: {root}/records\nsites: {{hall-7: {{space: c, landing: {{url: {root}/hall-7}}}}}}\n"
        )
        self.root, self.register = root, Register(str(config))
        self.records = Records(self.register.records_url)
        self.records.put(KEY, "f", "validate", {"verdict": "accepted"}, run="run 1")

    def verified(self, said: datetime, stored: datetime) -> None:
        """Record that the capture was ingested, at the time that the worker says and that of the store."""
        path = self.root / "records" / str(KEY) / "f" / "verify.json"
        path.write_text(json.dumps({"at": said.isoformat(), "run": "run 2"}))
        os.utime(path, (stored.timestamp(), stored.timestamp()))

    def is_overcome(self, dag: str = "captures_ingest") -> bool:
        subject, now = str(KEY), datetime.now(UTC)
        what = identity(subject, dag), "cause", subject, "where", "what", "fix", "who"
        return is_overcome(self.register, self.records, Occurrence(*what, FAILED, dag=dag, run="run 1"), now)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize(("hours", "over"), [(-1, False), (1, True)])
def test_a_capture_that_was_ingested_since_is_well(world: World, hours: int, over: bool) -> None:
    assert not world.is_overcome()
    at = FAILED + timedelta(hours=hours)
    world.verified(at, at)
    assert world.is_overcome() is over
    assert not world.is_overcome("captures_contextualize")


@pytest.mark.parametrize(("hours", "over"), [(-1, False), (1, True)])
def test_where_the_clock_of_a_worker_was_ahead_that_of_the_store_counts(world: World, hours: int, over: bool) -> None:
    world.verified(FAILED + AHEAD, FAILED + timedelta(hours=hours))
    assert world.is_overcome() is over


def test_where_both_were_ahead_nothing_shows_that_it_is_over(world: World) -> None:
    world.verified(FAILED + AHEAD, FAILED + AHEAD)
    assert not world.is_overcome()
    world.records.put(KEY, "f", "verify", {}, run="run 3")
    assert world.is_overcome()


def test_a_capture_that_was_retracted_is_well(world: World) -> None:
    world.records.put(KEY, "f", "retract", {"by": "Ada", "removed": {}}, run="run 2")
    assert world.is_overcome()


@pytest.mark.parametrize(("after", "over"), [(timedelta(hours=1), True), (AHEAD, False)])
def test_a_review_that_asked_since_is_well_unless_in_the_future(world: World, after: timedelta, over: bool) -> None:
    note_review(world.records, KEY, "f", "m", "run 2")
    asked = {**(world.records.note(KEY, ASKED) or {}), "since": (FAILED + after).isoformat()}
    world.records.put_note(KEY, ASKED, asked)
    assert world.is_overcome("captures_review") is over
