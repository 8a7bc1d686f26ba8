"""What captures_watch finds by the records: once for each cause, and once when it is over."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from capture360.errors import BackfillError, CdfError, ConfigError
from capture360.model import CaptureKey
from capture360.records import EXTRACTIONS, Records
from capture360.reports.alerts import Message, plain
from capture360.settings.register import Register
from capture360.steps import lease
from capture360.steps.causes import cause_of, identity
from capture360.steps.health import health
from capture360.steps.incidents import Occurrence, finding, note, observe, settle
from capture360.steps.last_sensing import note_sensing
from capture360.steps.review_answers import Answer, give, note_written
from capture360.steps.review_due import note_end, note_review, waiting_reviews
from capture360.steps.sense import remember, sense
from capture360.steps.watch import kinds, look
from capture360.steps.watch_life import life, looked
from capture360.store import DocumentStore

NOW = datetime(2026, 5, 20, 8, tzinfo=UTC)
AHEAD = (NOW + timedelta(days=20)).isoformat()
LONG_AGO = (NOW - timedelta(days=15)).isoformat()
KEY = CaptureKey("hall-7", "may")
PRINT = "f" * 32


class Watched:
    """A site whose captures are looked at, and the messages that came of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.records = Records(str(root / "records"))
        self.running: set[str] = set()
        self.messages: list[Message] = []
        self.register("")
        (root / "hall-7" / "may").mkdir(parents=True)
        (root / "hall-7" / "may" / "stations.csv").write_text("a")
        self.scanned(NOW)

    def register(self, more: str) -> None:
        (self.root / "sites.yaml").write_text(
            f"records: {self.root}/records\n{more}\n"
            f"sites: {{hall-7: {{space: captures, landing: {{url: {self.root}/hall-7}}}}}}\n"
        )

    def say(self, message: Message) -> bool:
        self.messages.append(message)
        return True

    def scanned(self, at: datetime) -> None:
        note_sensing(self.records, at)

    def put(self, step: str, body: dict[str, object] | None = None, at: str = LONG_AGO) -> None:
        """A record as of a time."""
        document = {"at": at, "run": "a run", **(body or {})}
        self.records.store.put(f"{KEY}/{PRINT}/{step}.json", json.dumps(document).encode())

    def hold(self, run: str = "a run", at: str = LONG_AGO) -> None:
        lease.take(self.records, KEY, run, is_finished=lambda _: False)
        self.records.store.put(f"{KEY}/leases/000001.json", json.dumps({"run": run, "at": at}).encode())
        self.running.add(run)

    def look(
        self, since: datetime = NOW - timedelta(days=20), *, has_queue: bool = False, now: datetime = NOW
    ) -> list[Occurrence]:
        found, unseen = look(
            Register(str(self.root / "sites.yaml")),
            self.records,
            now=now,
            since=since,
            is_finished=lambda run: run not in self.running,
            has_queue=has_queue,
        )
        observe(self.records, found, unseen)
        settle(self.records, self.say, now=now)
        return found


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def announced(watched: Watched) -> None:
    """Announced again an hour ago, the first time long ago."""
    again = (NOW - timedelta(hours=1)).isoformat()
    watched.put("sense", {"announced": again, "first": LONG_AGO}, again)


def published(watched: Watched) -> None:
    watched.put("sense", {"announced": LONG_AGO}, (NOW - timedelta(days=16)).isoformat())
    watched.put("validate", {"verdict": "accepted"}, (NOW - timedelta(days=16)).isoformat())
    watched.put("verify")


def contextualized(watched: Watched) -> None:
    published(watched)
    watched.put("annotate", {"plates": {"asked": 2}, "match": "m"})


def asked(watched: Watched) -> None:
    note_review(watched.records, KEY, PRINT, "m", "a review")
    path = f"{KEY}/notes/asked.json"
    kept = dict(watched.records.store.document(path) or {})
    watched.records.store.put(path, json.dumps({**kept, "since": LONG_AGO}).encode())
    watched.running.add("a review")


def incomplete(watched: Watched) -> None:
    watched.records.put_note(KEY, "look", {"fingerprint": "other", "since": LONG_AGO})


def extracting(watched: Watched) -> None:
    announced(watched)
    watched.put("revision")
    watched.hold(at=NOW.isoformat())


def damaged(watched: Watched) -> None:
    watched.records.store.put(f"{KEY}/{PRINT}/verify.json", b"{")


def failed(watched: Watched, dag: str) -> None:
    """A task of the capture failed, and people were alerted."""
    note(watched.records, Occurrence(identity("x"), "c", str(KEY), "it", "503", "wait", "platform team", NOW, dag=dag))


def overwriting(watched: Watched) -> None:
    """The store creates a document that exists."""
    create = watched.records.store.create
    vars(watched.records.store)["create"] = lambda path, content: path == "sensing/exclusive" or create(path, content)


CAUSES: dict[str, tuple[Callable[[Watched], object], Callable[[Watched], object], str, str]] = {
    "sensing has stopped": (
        lambda world: world.scanned(NOW - timedelta(hours=2)),
        lambda world: world.scanned(NOW),
        "The last sensing began at 2026-05-20 06:00+00:00, which is more than 45 minutes ago (watch.sensed_within).",
        "platform team",
    ),
    "leases have more than one holder": (
        overwriting,
        lambda world: vars(world.records.store).pop("create"),
        "so two runs could write one capture at the same time",
        "platform team",
    ),
    "announced and not begun": (
        announced,
        lambda world: world.put("verify", at=NOW.isoformat()),
        "hall-7/may was announced at 2026-05-05 08:00+00:00, and after 3 hours (watch.begun_within) no run has",
        "platform team",
    ),
    "published and not contextualized": (
        published,
        lambda world: world.put("annotate", {"plates": {"asked": 0}, "match": "m"}),
        "hall-7/may was published at 2026-05-05 08:00+00:00, and after 24 hours (watch.contextualized_within) it is",
        "platform team",
    ),
    "suggestions that nobody was asked about": (
        contextualized,
        lambda world: note_review(world.records, KEY, PRINT, "m", "a review"),
        "after 24 hours (watch.asked_within) nobody was asked about its suggested links",
        "platform team",
    ),
    "a review waits for answers": (
        lambda world: (contextualized(world), asked(world)),
        lambda world: world.running.clear(),
        "after 7 days (watch.reviewed_within) its suggested links are not all decided on",
        "reviewers",
    ),
    "a delivery is not complete": (
        incomplete,
        lambda world: (world.root / "hall-7" / "may" / "stations.csv").unlink(),
        "after 3 days (watch.expected_within) it is still not complete",
        "surveyor",
    ),
    "a lease is held long": (
        lambda world: world.hold(),
        lambda world: lease.release(world.records, KEY, "a run"),
        "after 24 hours (watch.lease_within) a run still holds it",
        "platform team",
    ),
    "an E57 extraction takes long": (
        extracting,
        lambda world: world.put("publish"),
        "after 6 hours (watch.extracted_within) CDF has not extracted its panoramas",
        "CDF administrator",
    ),
    "records are damaged": (
        damaged,
        lambda world: world.records.store.remove(f"{KEY}/{PRINT}/verify.json"),
        "verify.json",
        "platform team",
    ),
}


@pytest.mark.parametrize("kind", CAUSES)
def test_each_is_one_message_and_one_when_it_is_over(watched: Watched, kind: str) -> None:
    assert watched.look() == []
    produce, end, sentence, who = CAUSES[kind]
    produce(watched)
    watched.look()
    (found,) = watched.look()
    assert found.where == kind
    assert sentence in found.what
    assert "clear the failed task" not in found.fix, "no task has failed, and looks are repeated"
    (message,) = watched.messages
    assert kind in message.title
    assert f"Who can fix it: {who}" in message.lines
    end(watched)
    assert watched.look() == []
    watched.look()
    assert [each.is_over for each in watched.messages] == [False, True]
    assert kind in watched.messages[1].title


@pytest.mark.parametrize("site", ["{space: captures, landing: {url: %s/moved}}", "{space: 7}"])
def test_a_scan_that_reaches_no_landing_zone_is_a_scan(watched: Watched, site: str) -> None:
    watched.scanned(NOW - timedelta(hours=2))
    path = watched.root / "sites.yaml"
    text = site % watched.root if "%" in site else site
    path.write_text(f"records: {watched.root}/records\nsites: {{hall-7: {text}}}\n")
    sensed = sense(Register(str(path)), watched.records, now=NOW)
    assert sensed.findings
    remember(watched.records, sensed)
    assert "sensing has stopped" not in {each.where for each in watched.look()}
    assert health(Register(str(path)), watched.records, NOW).sensed_at == NOW


def test_a_scan_of_a_clock_that_was_ahead_hides_none_that_is_missing(watched: Watched) -> None:
    watched.scanned(NOW + timedelta(hours=1))
    assert [each.where for each in watched.look()] == ["sensing has stopped"]
    watched.scanned(NOW + timedelta(minutes=1))
    assert watched.look() == []


def leased(watched: Watched) -> None:
    watched.hold(at=AHEAD)


def asked_ahead(watched: Watched) -> None:
    contextualized(watched)
    asked(watched)
    path = f"{KEY}/notes/asked.json"
    kept = dict(watched.records.store.document(path) or {})
    watched.records.store.put(path, json.dumps({**kept, "since": AHEAD}).encode())


def published_ahead(watched: Watched) -> None:
    published(watched)
    watched.put("verify", at=AHEAD)


@pytest.mark.parametrize("make", [leased, asked_ahead, published_ahead])
def test_a_time_in_the_future_counts_as_the_first_look_at_it(watched: Watched, make: Callable[[Watched], None]) -> None:
    """Its deadline runs from then, and not anew once the time has come."""
    make(watched)
    watched.scanned(NOW)
    assert watched.look() == []
    for days in (8, 30):
        later = NOW + timedelta(days=days)
        watched.scanned(later)
        assert len(watched.look(now=later)) == 1
    assert [each.is_over for each in watched.messages] == [False]


def test_a_capture_whose_run_may_be_queued_is_not_to_be_triggered_once_more(watched: Watched) -> None:
    announced(watched)
    (found,) = watched.look(has_queue=True)
    assert "while runs of captures_ingest wait in Airflow's queue, its own perhaps among them." in found.what
    assert "begins in its turn" in found.fix
    assert "trigger" not in found.fix


@pytest.mark.parametrize(
    ("run", "fix"),
    [
        ("a run", "mark it as failed in Airflow, and captures_sense frees the capture"),
        ("command line on 3f2a, process 71, 2026-05-05T08:00:00Z", "if it was killed, run it again with --take-over"),
    ],
)
def test_a_lease_is_freed_in_the_way_of_its_holder(watched: Watched, run: str, fix: str) -> None:
    watched.hold(run)
    (found,) = watched.look()
    assert fix in found.fix


def test_many_captures_are_one_message(watched: Watched) -> None:
    for number in range(7):
        key = CaptureKey("hall-7", f"walk-{number}")
        watched.records.store.put(f"{key}/{PRINT}/verify.json", json.dumps({"at": LONG_AGO, "run": "a run"}).encode())
    assert len(watched.look()) == 7
    (message,) = watched.messages
    assert message.title.startswith("7 captures: ")
    assert message.lines[-1].startswith("It concerns: hall-7/walk-0, ")


def test_deadlines_are_those_of_the_register(watched: Watched) -> None:
    published(watched)
    watched.scanned(NOW - timedelta(hours=2))
    watched.register("defaults: {watch: {contextualized_within: P30D, sensed_within: PT3H}}")
    assert watched.look() == []
    watched.register("defaults: {watch: {sensed_with: PT3H}}")
    with pytest.raises(ConfigError, match=r'"sensed_with" is no setting of watch\. Did you mean sensed_within'):
        watched.look()


def test_what_is_shown_is_watched_although_a_later_delivery_was_rejected(watched: Watched) -> None:
    published(watched)
    watched.put("publish")
    later = {"at": NOW.isoformat(), "run": "a run", "verdict": "rejected"}
    watched.records.store.put(f"{KEY}/{'e' * 32}/validate.json", json.dumps(later).encode())
    failed(watched, "captures_ingest")
    assert [each.where for each in watched.look()] == ["published and not contextualized"]


def test_links_that_are_wanted_later_are_waited_for(watched: Watched) -> None:
    published(watched)
    state = watched.records.load(KEY)
    assert state is not None
    watched.records.mark_done(state)
    assert [each.where for each in watched.look()] == ["published and not contextualized"]
    watched.register("defaults: {links: {enabled: false}}")
    assert watched.look() == []


def test_what_a_failed_task_was_alerted_about_is_passed_over(watched: Watched) -> None:
    announced(watched)
    failed(watched, "captures_ingest")
    assert watched.look() == []


@pytest.mark.parametrize(
    ("waits", "dag", "kind"),
    [
        (announced, "captures_retract", "announced and not begun"),
        (announced, "captures_review", "announced and not begun"),
        (incomplete, "captures_ingest", "a delivery is not complete"),
    ],
)
def test_a_failed_task_does_not_hide_what_it_does_not_explain(
    watched: Watched, waits: Callable[[Watched], object], dag: str, kind: str
) -> None:
    """A retraction may be given up for good, and a delivery that comes after a rejection may stall."""
    waits(watched)
    failed(watched, dag)
    assert [each.where for each in watched.look()] == [kind]


def test_a_run_that_writes_it_is_waited_for(watched: Watched) -> None:
    announced(watched)
    watched.hold(at=NOW.isoformat())
    assert watched.look() == []
    watched.running.clear()
    assert [each.where for each in watched.look()] == ["announced and not begun"]


def test_a_run_that_waits_for_its_turn_is_waited_for(watched: Watched) -> None:
    """Also if it was cleared after CDF had failed, long after the extraction began."""
    announced(watched)
    watched.put("revision", {"model": 1, "revisions": {}, "space": "scans", "began": LONG_AGO})
    watched.records.put_note(KEY, "waits_for_turn", {"run": "a run", "since": NOW.isoformat()})
    watched.running.add("a run")
    assert watched.look() == []
    watched.running.clear()
    assert [each.where for each in watched.look()] == ["announced and not begun"]


def test_a_run_that_waits_long_for_its_turn_is_named(watched: Watched) -> None:
    announced(watched)
    watched.records.put_note(KEY, "waits_for_turn", {"run": "a run", "since": LONG_AGO})
    watched.running.add("a run")
    assert [each.where for each in watched.look()] == ["a capture waits long for its turn"]


def test_a_space_that_a_run_holds_long_is_named(watched: Watched) -> None:
    space = CaptureKey(EXTRACTIONS, "c.p.scans")
    run = "command line on elsewhere, process 1, 2026-05-01T00:00:00Z"
    lease.take(watched.records, space, run, is_finished=lambda _: False, capture=KEY)
    document = watched.records.store.document(f"{space}/leases/000001.json") or {}
    watched.records.store.put(f"{space}/leases/000001.json", json.dumps({**document, "at": LONG_AGO}).encode())
    watched.running.add(run)
    [found] = watched.look()
    assert (found.subject, found.where) == (str(space), "a lease is held long")
    assert run in found.what
    assert f"for {KEY} with --take-over" in found.fix
    lease.release(watched.records, space, run)
    assert watched.look() == []
    assert [each.is_over for each in watched.messages] == [False, True]


def test_a_watch_that_has_just_begun_does_not_miss_a_scan(watched: Watched) -> None:
    watched.scanned(NOW - timedelta(hours=2))
    assert watched.look(since=NOW - timedelta(minutes=5)) == []


def test_a_look_leaves_its_time_and_begins_anew_after_a_gap(watched: Watched) -> None:
    assert life(watched.records, NOW) is None
    looked(watched.records, NOW, {"captures_ingest": NOW})
    looked(watched.records, NOW + timedelta(minutes=5))
    last = life(watched.records, NOW + timedelta(minutes=6))
    assert last is not None
    assert last.since == NOW
    assert life(watched.records, NOW + timedelta(hours=1)) is None
    looked(watched.records, NOW + timedelta(hours=1))
    anew = life(watched.records, NOW + timedelta(hours=1))
    assert anew is not None
    assert anew.since == NOW + timedelta(hours=1)


def test_damaged_documents_of_incidents_are_made_anew(watched: Watched) -> None:
    published(watched)
    watched.look()
    for folder in ("occurrences", "incidents"):
        for name in watched.records.store.names(f"sensing/{folder}"):
            watched.records.store.put(f"sensing/{folder}/{name}", b"{")
    watched.look()
    assert [each.is_over for each in watched.messages] == [False, False]


@pytest.mark.parametrize("folder", ["occurrences", "incidents"])
def test_a_document_of_another_form_stops_nothing(watched: Watched, folder: str) -> None:
    published(watched)
    watched.look()
    (name,) = watched.records.store.names(f"sensing/{folder}")
    whole = watched.records.store.document(f"sensing/{folder}/{name}") or {}
    for field in whole:
        for wrong in (7, "2026-05-20", [7], None, {"links": [7]}):
            document = json.dumps({**whole, field: wrong}).encode()
            watched.records.store.put(f"sensing/{folder}/{name}", document)
            watched.look()
    assert all(plain(message) for message in watched.messages)


def test_a_store_that_raises_anything_stops_nothing(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_credentials(*_: object) -> None:
        raise RuntimeError("NoCredentialsError")

    incomplete(watched)
    monkeypatch.setattr("capture360.steps.watch.capture_folder", no_credentials)
    assert watched.look() == []


def test_what_cannot_be_looked_at_is_not_over(watched: Watched) -> None:
    incomplete(watched)
    (found,) = watched.look()
    folder, away = watched.root / "hall-7", watched.root / "away"
    folder.rename(away)
    assert watched.look() == []
    away.rename(folder)
    sound = (watched.root / "sites.yaml").read_text()
    (watched.root / "sites.yaml").write_text(sound.replace("space:", "spaces:"))
    assert [each.where for each in watched.look()] == ["a site cannot be watched"]
    (watched.root / "sites.yaml").write_text(sound)
    assert [each.id for each in watched.look()] == [found.id]
    titles = [(each.is_over, "a site cannot be watched" in each.title) for each in watched.messages]
    assert titles == [(False, False), (False, True), (True, True)]


@pytest.mark.parametrize("first", [7, None, "yesterday"])
def test_a_damaged_time_is_a_finding(watched: Watched, first: object) -> None:
    watched.put("sense", {"announced": LONG_AGO, "first": first})
    assert [each.where for each in watched.look()] == ["records are damaged"]


def test_only_some_findings_are_listed() -> None:
    found = [finding("a kind", f"hall-7/walk-{number}", "It waits.", "Do it.", NOW) for number in range(30)]
    lines = kinds(found)
    assert len(lines) == 21
    assert lines[-1] == "10 more findings."


def test_a_text_without_end_has_its_cause_at_its_beginning() -> None:
    first, second = (cause_of(ValueError("a" * 20_000 + end), "captures_ingest.faces", "", "") for end in "bc")
    assert first == second


def test_requests_that_cdf_refused_for_one_reason_are_one_cause() -> None:
    ids = ("5d4f2720-5700-42f0-8ad7-0bf94267e737", "800d6601-69f6-49dd-9b7b-90ee76829ac8")
    sentences = [f"Writing instances: CDF answered 400: Invalid request, request {each}." for each in ids]
    first, second = (cause_of(CdfError(each), "captures_ingest.publish", "", "") for each in sentences)
    assert first == second


def test_dates_of_a_backfill_whose_runs_ended_alike_are_one_cause() -> None:
    runs = ("asset_triggered__2026-12-01T07:17:32.053156+00:00_MTJTbj2p", "manual__2026-12-01T07:17:36.634888+00:00")
    ends = [f"hall-7/day-{n}: Airflow run captures_ingest {run} ended." for n, run in enumerate(runs)]
    first, second = (cause_of(BackfillError(end), "captures_backfill.confirm", "2025-09-01", "") for end in ends)
    assert first == second


def test_a_message_that_a_kill_kept_from_being_made_is_made_later(watched: Watched) -> None:
    published(watched)

    def killed(_: Message) -> bool:
        raise KeyboardInterrupt

    observe(watched.records, look_of(watched))
    with pytest.raises(KeyboardInterrupt):
        settle(watched.records, killed, now=NOW)
    settle(watched.records, watched.say, now=NOW)
    assert watched.messages == []
    settle(watched.records, watched.say, now=NOW + timedelta(minutes=11))
    observe(watched.records, [])
    with pytest.raises(KeyboardInterrupt):
        settle(watched.records, killed, now=NOW + timedelta(minutes=12))
    settle(watched.records, watched.say, now=NOW + timedelta(minutes=13))
    settle(watched.records, watched.say, now=NOW + timedelta(minutes=30))
    assert [each.is_over for each in watched.messages] == [False, True]


def ended(watched: Watched, captures: int) -> None:
    """Captures that sensing is done with, each with the notes of a look and of a review that ended long ago."""
    for number in range(captures):
        key = CaptureKey("hall-7", f"ended-{number}")
        put_step(watched.records, key, "verify")
        put_step(watched.records, key, "annotate", {"plates": {"asked": 2}, "match": "m"})
        watched.records.put_note(key, "look", {"fingerprint": PRINT, "since": LONG_AGO})
        note_review(watched.records, key, PRINT, "m", "ended long ago")
        note_end(watched.records, key, "ended long ago")
        state = watched.records.load(key)
        assert state is not None
        watched.records.mark_done(state)


def put_step(records: Records, key: CaptureKey, step: str, body: dict[str, object] | None = None) -> None:
    document = {"at": LONG_AGO, "run": "a run", **(body or {})}
    records.store.put(f"{key}/{PRINT}/{step}.json", json.dumps(document).encode())


def test_a_look_is_no_more_work_for_twice_as_many_ended_captures(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease.refuse_overwriting_store(watched.records)  # the first look of all takes one request more
    calls: list[str] = []
    for name in ("read", "names", "changed", "exists", "put", "create", "remove"):
        real = getattr(DocumentStore, name)

        def counting(self: DocumentStore, *args: Any, _real: Any = real, **more: Any) -> Any:
            calls.append(str(args))
            return _real(self, *args, **more)

        monkeypatch.setattr(DocumentStore, name, counting)

    def work(captures: int) -> tuple[int, int]:
        ended(watched, captures)
        contextualized(watched)
        calls.clear()
        asked: list[str] = []
        register = Register(str(watched.root / "sites.yaml"))
        found, _ = look(register, watched.records, now=NOW, since=NOW, is_finished=lambda run: bool(asked.append(run)))
        assert [each.where for each in found] == ["suggestions that nobody was asked about"]
        return len(calls), len(asked)

    assert work(6) == work(12)


def test_a_review_whose_run_ended_without_a_word_is_not_looked_at_again(watched: Watched) -> None:
    contextualized(watched)
    asked(watched)
    watched.running.clear()
    assert waiting_reviews(watched.records, "hall-7") == [KEY]
    assert watched.look() == []
    assert waiting_reviews(watched.records, "hall-7") == []


def test_answers_that_no_run_wrote_are_found(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    contextualized(watched)
    asked(watched)
    given = Answer("reject", None, "Ada", NOW.isoformat())
    give(watched.records, KEY, "plate", 0, given)
    give(watched.records, KEY, "of-an-earlier-review", 0, given)
    page = SimpleNamespace(plates={"plate": None})
    monkeypatch.setattr("capture360.steps.watch.newest_review", lambda records, key: page)
    assert [each.where for each in watched.look()] == ["a review waits for answers"]
    watched.running.clear()
    (found,) = watched.look()
    assert found.where == "answers are not written"
    assert "Trigger captures_review with capture hall-7/may" in found.fix
    note_written(watched.records, KEY, {"plate": replace(given, version=1)}, "a later run")
    assert watched.look() == []


def test_a_review_of_a_retracted_capture_has_ended(watched: Watched) -> None:
    contextualized(watched)
    asked(watched)
    assert [each.where for each in watched.look()] == ["a review waits for answers"]
    watched.put("retract", at=NOW.isoformat())
    assert watched.look() == []
    assert waiting_reviews(watched.records, "hall-7") == []


def look_of(watched: Watched) -> list[Occurrence]:
    return look(
        Register(str(watched.root / "sites.yaml")),
        watched.records,
        now=NOW,
        since=NOW,
        is_finished=lambda _: True,
    )[0]
