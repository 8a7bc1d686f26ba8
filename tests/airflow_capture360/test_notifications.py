"""What an alert of a failed task says, where it goes, and how many messages a cause makes."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from airflow_capture360 import alerts, over
from airflow_capture360.alerts import send_kept, send_test, settle_and_send
from airflow_capture360.context import register_and_records
from airflow_capture360.notifications import CaptureAlert, occurrence_of
from alert_receiver import Receiver, context, receiving
from capture360.errors import (
    AirflowUnavailableError,
    BackfillError,
    BadInputError,
    CaptureRejected,
    CdfError,
    CdfUnavailableError,
    ConfigError,
    DriftError,
    RecordsError,
    RequestError,
    RetractionError,
    StoreUnavailableError,
)
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.reports.alerts import about, log_text
from capture360.steps.digest import note_drift, send_due
from capture360.steps.incidents import forget, occurrences
from capture360.steps.last_sensing import note_sensing
from capture360.steps.review_due import note_review
from capture360.steps.watch_life import looked
from record_files import document_paths

CONNECTION = "AIRFLOW_CONN_CAPTURE360_ALERTS"


def fail(error: BaseException | None, partition_key: str | None = "hall-7/walk-1", **where: Any) -> None:
    CaptureAlert().notify(context(error, partition_key, **where))


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiving() as server:
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        connect(monkeypatch, f"http://127.0.0.1:{server.server_port}/secret-path")
        yield server


def connect(monkeypatch: pytest.MonkeyPatch, addresses: str) -> None:
    monkeypatch.setenv(CONNECTION, json.dumps({"conn_type": "generic", "password": addresses}))


@pytest.fixture
def watched(records: Records) -> Records:
    """Records that captures_watch looks after."""
    looked(records, datetime.now(UTC))
    return records


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets which runs Airflow says have succeeded."""

    def set_to(*runs: str) -> None:
        monkeypatch.setattr(over, "has_succeeded", lambda dag, run: run in runs)

    set_to()
    return set_to


def settle() -> int:
    try:
        return settle_and_send()
    except AirflowSkipException:
        return 0


def kept(records: Records) -> list[str]:
    return [path for path in document_paths(records.store, "sensing") if "/alerts/" in path]


def test_it_says_what_broke_how_to_fix_it_and_who_can() -> None:
    occurrence = occurrence_of(context(CaptureRejected("stations.csv has no column y.")))
    assert log_text(about(occurrence.shown(), [occurrence.subject])).splitlines() == [
        "hall-7/walk-1: validate failed in captures_ingest, try 1",
        "What broke: stations.csv has no column y.",
        "How to fix it: Fix the delivery as the validation report says and drop it again.",
        "Who can fix it: surveyor",
        f"Run: {occurrence.links['Run']}",
        "Log: http://127.0.0.1:8080/log",
        f"Capture: {occurrence.links['Capture']}",
    ]
    assert occurrence.links["Run"].endswith("/dags/captures_ingest/runs/manual__1")
    assert occurrence.links["Capture"].endswith("/capture360/captures/hall-7/walk-1")


def test_a_rejected_capture_leads_to_its_report() -> None:
    error = CaptureRejected("stations.csv has no column y.", report="hall-7/walk-1/f1/validation.html")
    links = occurrence_of(context(error)).links
    assert list(links) == ["Run", "Log", "Report", "Capture"]
    assert links["Report"].endswith("/capture360/reports/hall-7/walk-1/f1/validation.html")


def test_a_published_capture_leads_to_its_reports_and_into_cdf(receiver: Receiver, records: Records) -> None:
    key = CaptureKey("hall-7", "walk-1")
    validated = {"verdict": "accepted", "headline": "", "accepted": 7, "quarantined": {}, "findings": []}
    records.put(key, "f1", "validate", validated, run="test")
    records.put(key, "f1", "publish", {"link": "https://fusion.example.com/3d", "collections": []}, run="test")
    records.put(key, "f1", "match", {}, run="test")
    fail(CdfError("400"), dag="captures_contextualize", task="annotate")
    lines = dict(line.split(": ", 1) for line in receiver.texts[0].splitlines())
    assert lines["CDF"] == "https://fusion.example.com/3d"
    assert lines["Report"].endswith("/capture360/reports/hall-7/walk-1/f1/validation.html")
    assert lines["Match report"].endswith("/capture360/reports/hall-7/walk-1/f1/matches.html")
    records.put(key, "f1", "retract", {"by": "somebody", "removed": {}}, run="test")
    fail(CdfError("409"), dag="captures_retract", task="undo")
    assert "CDF: " not in receiver.texts[1]


def test_a_run_by_hand_is_named_by_its_capture_or_date() -> None:
    assert occurrence_of(context(CdfUnavailableError("503"), None)).subject == "hall-7/by-hand"
    single = {**context(BackfillError("1 of 2"), None, dag="captures_backfill"), "params": {"date": "2026-05-01"}}
    assert occurrence_of(single).subject == "2026-05-01"


@pytest.mark.parametrize(("error", "said"), [(None, "killed"), (KeyError(), "KeyError")])
def test_an_error_without_words_is_described(error: BaseException | None, said: str) -> None:
    assert said in occurrence_of(context(error)).what


def test_links_that_are_secrets_stand_in_no_alert() -> None:
    for said in (
        "PUT https://a.example/f?sig=s3cret&se=9 failed",
        "url: /f?X-Sig=s3cret (refused)",
        "http://u:s3cret@h/x",
    ):
        assert "s3cret" not in occurrence_of(context(OSError(said))).what
    kept = "stations.csv, row 3: is it x=1? Then a?b stays."
    assert occurrence_of(context(CaptureRejected(kept))).what == kept


CAUSES: Mapping[str, tuple[BaseException | None, str, str, str]] = {
    "killed": (None, "captures_ingest", "faces", "platform team"),
    "a bug": (ZeroDivisionError("division by zero"), "captures_ingest", "publish", "platform team"),
    "CDF down": (CdfUnavailableError("CDF did not answer: 503"), "captures_ingest", "faces", "platform team"),
    "Airflow down": (AirflowUnavailableError("no connection"), "captures_ingest", "lease", "platform team"),
    "CDF refuses": (CdfError("CDF refused file 7: 403"), "captures_ingest", "faces", "CDF administrator"),
    "settings": (ConfigError("sites.yaml: hall-7.space is missing"), "captures_ingest", "lease", "platform team"),
    "damaged records": (RecordsError("a.json is damaged"), "captures_contextualize", "match", "platform team"),
    "rejected": (CaptureRejected("no column y"), "captures_ingest", "validate", "surveyor"),
    "bad file": (BadInputError("scan.e57 is cut off"), "captures_ingest", "upload_scans", "surveyor"),
    "drift": (DriftError(["2 images are missing"]), "captures_reconcile", "compare", "CDF administrator"),
    "request": (RequestError("no such capture"), "captures_ingest", "lease", "whoever started the run"),
    "retraction": (RetractionError("others hold on"), "captures_retract", "plan", "platform team"),
    "backfill": (BackfillError("1 of 2 lacks"), "captures_backfill", "confirm", "platform team"),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_each_cause_is_one_message_and_one_when_it_is_over(
    receiver: Receiver, watched: Records, airflow: Callable[..., None], cause: str
) -> None:
    error, dag, task, who = CAUSES[cause]
    for batch in range(8):
        fail(error, dag=dag, task=task, map_index=batch)
    assert receiver.received == []
    assert settle() == 1
    assert settle() == 0
    (text,) = receiver.texts
    assert f"hall-7/walk-1: {task} failed in {dag}" in text
    assert f"Who can fix it: {who}" in text
    if error is not None:
        assert str(error) in text
    airflow("manual__1")
    assert settle() == 1
    assert settle() == 0
    assert receiver.texts[1].startswith(f"Over: hall-7/walk-1: {task} failed in {dag}")
    assert len(receiver.received) == 2


def test_batches_that_fail_with_different_words_are_one_message(
    receiver: Receiver, watched: Records, airflow: Callable[..., None]
) -> None:
    for batch in range(8):
        fail(CdfError(f"CDF refused faces/{batch}/front.jpg"), task="faces", map_index=batch, label=f"stations {batch}")
    assert settle() == 1
    assert len(receiver.received) == 1


def test_each_site_that_drifts_is_a_message_however_long_another_one_drifts(
    receiver: Receiver, watched: Records, airflow: Callable[..., None]
) -> None:
    def drift(night: str, *sites: str) -> None:
        for index, site in enumerate(sites):
            error = DriftError([f"{site}/may: Images that CDF does not show: {index + 1}."])
            fail(error, None, dag="captures_reconcile", task="compare", run=night, map_index=index, label=site)

    def agree(site: str) -> None:
        note_drift(watched, site, datetime.now(UTC), 3, [])

    drift("night-1", "hall-1")
    assert settle() == 1
    drift("night-2", "hall-1", "hall-2")
    assert settle() == 1
    assert [text.partition(":")[0] for text in receiver.texts] == ["hall-1", "hall-2"]
    assert "hall-2/may" in receiver.texts[1]
    agree("hall-2")
    assert settle() == 1
    assert receiver.texts[-1].startswith("Over: hall-2: compare failed in captures_reconcile")
    drift("night-3", "hall-1", "hall-2")
    assert settle() == 1
    assert receiver.texts[-1].startswith("hall-2: ")


def test_what_differs_at_a_site_may_change_from_night_to_night(
    receiver: Receiver, watched: Records, airflow: Callable[..., None]
) -> None:
    for night, captures in enumerate([("may",), ("may", "june"), ("june",)]):
        error = DriftError([f"hall-7/{capture}: Images that CDF does not show: 2." for capture in captures], ["R06"])
        fail(error, None, dag="captures_reconcile", task="compare", run=f"night-{night}", label="hall-7")
    assert settle() == 1


def test_another_kind_of_difference_at_a_site_is_another_message(
    receiver: Receiver, watched: Records, airflow: Callable[..., None]
) -> None:
    for night, rules in enumerate([["R04"], ["R04", "R02"]]):
        error = DriftError([f"hall-7/may: {rule}." for rule in rules], rules)
        fail(error, None, dag="captures_reconcile", task="compare", run=f"night-{night}", label="hall-7")
    assert settle() == 2


def test_a_site_that_could_not_be_compared_is_over_once_it_was(
    receiver: Receiver, watched: Records, airflow: Callable[..., None]
) -> None:
    fail(CdfError("CDF refused: 403"), None, dag="captures_reconcile", task="compare", label="hall-7")
    assert settle() == 1
    note_drift(watched, "hall-7", datetime.now(UTC), 3, ["2 images are missing"])
    assert settle() == 1
    assert receiver.texts[-1].startswith("Over: hall-7: compare failed in captures_reconcile")


def test_a_site_that_left_the_register_ends_while_another_drifts(
    receiver: Receiver, watched: Records, airflow: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for site in ("hall-6", "hall-7"):
        fail(DriftError(["2 images are missing"]), None, dag="captures_reconcile", task="compare", label=site)
    assert settle() == 2
    monkeypatch.setattr("capture360.steps.moot.SHOWN_FOR", timedelta(0))
    assert settle() == 1
    assert receiver.texts[-1].startswith("Over: hall-6: compare failed in captures_reconcile")


def test_the_same_refusal_of_many_sites_is_one_message_that_names_them(
    receiver: Receiver, watched: Records, airflow: Callable[..., None]
) -> None:
    for index, site in enumerate(("hall-1", "hall-2")):
        where: dict[str, Any] = {"dag": "captures_reconcile", "task": "compare", "map_index": index, "label": site}
        fail(CdfError(f"{site}: CDF refused: 403"), None, **where)
    assert settle() == 1
    assert "It concerns: hall-1, hall-2" in receiver.texts[0]


def test_the_same_cause_in_many_captures_is_one_message_with_their_number(
    receiver: Receiver, watched: Records, airflow: Callable[..., None]
) -> None:
    captures = [f"hall-7/walk-{number}" for number in range(12)]
    for number, capture in enumerate(captures):
        task = "faces" if number % 2 else "publish"
        error = CdfUnavailableError(f"CDF did not answer about {capture}")
        fail(error, capture, task=task, run=f"run-{number}", map_index=number)
    assert settle() == 1
    (text,) = receiver.texts
    assert text.startswith("12 captures: ")
    assert "It concerns: hall-7/walk-0, hall-7/walk-1," in text
    assert "and 7 more\n" in text
    fail(CdfUnavailableError("again"), "hall-7/late", run="late")
    assert settle() == 0
    airflow(*(f"run-{number}" for number in range(12)))
    assert settle() == 0
    airflow("late", *(f"run-{number}" for number in range(12)))
    assert settle() == 1
    assert receiver.texts[-1].startswith("Over: 13 captures: ")


def test_each_store_that_is_down_is_one_message_whichever_sites_use_it(
    receiver: Receiver, watched: Records, airflow: Callable[..., None]
) -> None:
    def down(url: str) -> StoreUnavailableError:
        return StoreUnavailableError(f"{url} cannot be listed (timeout).", url=url)

    fail(down("sftp://u:secret@nas/hall-7/walk-1"), "hall-7/walk-1", run="1")
    fail(down("sftp://nas/hall-7/walk-2/a.jpg"), "hall-7/walk-2", run="2", task="faces")
    fail(down("s3://records/hall-7/walk-1/f/validate.json"), "hall-7/walk-1", run="3")
    fail(down("s3://records/rig-2/walk-1/f/validate.json"), "rig-2/walk-1", run="4", task="publish")
    fail(down("/mnt/nas/hall-7/walk-1"), "hall-7/walk-1", run="5")
    fail(down("file:///mnt/nas/rig-2"), "rig-2/walk-1", run="6")
    assert settle() == 3
    airflow("1", "2")
    assert settle() == 1
    assert receiver.texts[-1].startswith("Over: 2 captures: ")


def test_different_causes_are_different_messages(
    receiver: Receiver, watched: Records, airflow: Callable[..., None]
) -> None:
    fail(CaptureRejected("hall-7/a rejected: no column x"), "hall-7/a", run="a")
    fail(CaptureRejected("hall-7/b rejected: no column y"), "hall-7/b", run="b")
    fail(CaptureRejected("hall-7/c rejected: no column y"), "hall-7/c", run="c")
    assert settle() == 2
    assert sorted(text.partition(":")[0] for text in receiver.texts) == ["2 captures", "hall-7/a"]


def test_a_cause_is_over_when_the_records_show_it(
    receiver: Receiver, watched: Records, airflow: Callable[..., None]
) -> None:
    fail(CdfUnavailableError("503"), task="publish")
    assert settle() == 1
    key = CaptureKey("hall-7", "walk-1")
    watched.put(key, "f" * 64, "verify", {}, run="another run")
    assert settle() == 1
    assert "Over: hall-7/walk-1" in receiver.texts[-1]


def test_a_mistyped_key_is_one_message_and_one_when_an_hour_has_passed(
    receiver: Receiver, watched: Records, airflow: Callable[..., None], landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing.mkdir(parents=True)
    fail(RequestError("There is no capture hall-7/nix."), None, task="lease")
    assert settle() == 1
    assert settle() == 0
    monkeypatch.setattr("capture360.steps.moot.SHOWN_FOR", timedelta(0))
    assert settle() == 1
    assert receiver.texts[-1].startswith("Over: hall-7/by-hand: lease failed in captures_ingest")


def test_a_landing_zone_that_is_away_ends_no_alert(
    receiver: Receiver, watched: Records, airflow: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capture360.steps.moot.SHOWN_FOR", timedelta(0))
    fail(CaptureRejected("no column x"))
    assert settle() == 1
    assert settle() == 0


def test_a_review_that_fails_is_not_over_by_an_earlier_one(
    receiver: Receiver, watched: Records, airflow: Callable[..., None]
) -> None:
    key = CaptureKey("hall-7", "walk-1")
    watched.put(key, "f" * 64, "verify", {}, run="another run")
    note_review(watched, key, "f" * 64, "m", "Airflow run captures_review earlier")
    fail(RecordsError("what was decided is lost"), dag="captures_review", task="lay_out")
    assert settle() == 1
    assert settle() == 0
    note_review(watched, key, "f" * 64, "m", "Airflow run captures_review later")
    assert settle() == 1


def test_a_backfill_that_fails_is_not_over_by_what_was_done_before(
    receiver: Receiver, watched: Records, airflow: Callable[..., None]
) -> None:
    key, day = CaptureKey("hall-7", "walk-1"), "2026-05-20"
    watched.put(key, "f" * 64, "validate", {"verdict": "accepted", "captured_on": day}, run="another run")
    watched.put(key, "f" * 64, "verify", {}, run="another run")
    watched.by_date.put(key, date.fromisoformat(day))
    fail(ConfigError("captures_contextualize is paused"), day, dag="captures_backfill", task="look")
    fail(ConfigError("site hall-8 is not there"), "2026-01-01", dag="captures_backfill", task="confirm")
    assert settle() == 2
    assert settle() == 0
    watched.put(key, "f" * 64, "annotate", {"plates": {"asked": 0}, "match": "m"}, run="another run")
    assert settle() == 1


def test_whoever_cannot_say_whether_one_is_over_stops_no_other(
    receiver: Receiver, watched: Records, airflow: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(dag: str, run: str) -> bool:
        if run == "odd":
            raise ValueError("no Airflow error")
        return False

    monkeypatch.setattr(over, "has_succeeded", broken)
    fail(CaptureRejected("no column x"), run="odd")
    fail(CaptureRejected("no column y"), "hall-7/walk-2", run="even")
    assert settle() == 2


def test_two_that_send_at_once_send_an_alert_once(
    receiver: Receiver, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.status = 500
    fail(CaptureRejected("no column y"))
    receiver.status = 200
    before = len(receiver.received)
    real = alerts.send

    def meanwhile(*args: Any) -> None:
        monkeypatch.setattr(alerts, "send", real)
        assert send_kept(records) == 0
        real(*args)

    monkeypatch.setattr(alerts, "send", meanwhile)
    assert send_kept(records) == 1
    assert len(receiver.received) == before + 1
    assert document_paths(records.store, "sensing/sending") == []


def test_a_sender_that_was_killed_keeps_no_alert_back(
    receiver: Receiver, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.status = 500
    fail(CaptureRejected("no column y"))
    receiver.status = 200

    def killed(*args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(alerts, "send", killed)
        with pytest.raises(KeyboardInterrupt):
            send_kept(records)
    assert send_kept(records) == 0
    monkeypatch.setattr("capture360.steps.claims.ABANDONED", timedelta(0))
    assert send_kept(records) == 1


def test_a_name_that_is_no_capture_is_no_address(receiver: Receiver, records: Records) -> None:
    occurrence = occurrence_of(context(OSError("x"), "hall-7/a) [b](http://evil\nLog: http://evil"))
    assert "Capture" not in occurrence.links


def test_a_mistyped_capture_has_no_page_to_link_to(receiver: Receiver, records: Records) -> None:
    mistyped = occurrence_of(context(RequestError("There is no capture hall-7/dai-3."), None))
    assert list(mistyped.links) == ["Run", "Log"]


@pytest.mark.parametrize(
    ("dag", "task", "leaves"),
    [
        ("captures_sense", "hand_on", lambda records, at: note_sensing(records, at)),
        ("captures_watch", "send_alerts", looked),
        ("captures_reconcile", "sites", lambda records, at: note_drift(records, "hall-7", at, 3, ["It differs."])),
    ],
)
def test_a_dag_that_did_its_work_later_ends_the_cause(
    receiver: Receiver,
    watched: Records,
    airflow: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    dag: str,
    task: str,
    leaves: Callable[[Records, datetime], None],
) -> None:
    leaves(watched, datetime.now(UTC))
    fail(RecordsError("a.json is damaged"), dag, dag=dag, task=task)
    assert settle() == 1
    if dag != "captures_reconcile":
        leaves(watched, datetime.now(UTC))
        assert settle() == 0, "this look may be the one that failed"
    leaves(watched, datetime.now(UTC))
    monkeypatch.setattr("capture360.steps.overcome.SURE_AFTER", timedelta(0))
    assert settle() == 1
    assert receiver.texts[-1].startswith(f"Over: {task} failed in {dag}")


def test_digests_that_failed_are_over_when_all_are_sent(
    receiver: Receiver, watched: Records, airflow: Callable[..., None]
) -> None:
    sites = Path(watched.url).parent / "sites.yaml"
    sites.write_text(sites.read_text().replace("space:", "digest: daily, space:"))
    fail(RecordsError("x"), "captures_reconcile", dag="captures_reconcile", task="send_digests")
    note_drift(watched, "hall-7", datetime.now(UTC), 3, [])
    assert settle() == 1
    assert settle() == 0
    site = register_and_records()[0].site("hall-7")
    assert send_due(watched, site, datetime.now(UTC), lambda digest: None) == 1
    assert settle() == 1


def test_a_task_that_is_cleared_and_fails_in_another_way_is_another_message(
    receiver: Receiver, watched: Records, airflow: Callable[..., None]
) -> None:
    fail(ConfigError("sites.yaml: hall-7.space is missing"))
    assert settle() == 1
    fail(ConfigError("sites.yaml: hall-7.links is no setting"), cleared_since=datetime.now(UTC))
    assert settle() == 2
    assert "links is no setting" in receiver.texts[1]
    assert receiver.texts[2].startswith("Over: ")


def test_what_sensing_complains_about_is_over_when_no_scan_finds_it(
    receiver: Receiver, watched: Records, airflow: Callable[..., None]
) -> None:
    watched.store.put("sensing/findings.json", b'["hall-7: It cannot be looked at."]')
    fail(ConfigError("hall-7: It cannot be looked at."), None, dag="captures_sense", task="complain")
    airflow("manual__1")
    assert settle() == 1
    assert settle() == 0
    watched.store.put("sensing/findings.json", b"[]")
    assert settle() == 1


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("hall-7: a. There are 2 more findings of sensing; fix these first.", "hall-9: not listed"),
        ("hall-7: " + "a" * 5000, "hall-9: cut off"),
        ("https://a.example/x?sig=1 is wrong", "https://a.example/x?sig=1 is wrong"),
    ],
)
def test_what_a_complaint_left_out_is_not_over_before_it_is_fixed(
    receiver: Receiver, watched: Records, airflow: Callable[..., None], said: str, found: str
) -> None:
    watched.store.put("sensing/findings.json", json.dumps([found]).encode())
    fail(ConfigError(said), None, dag="captures_sense", task="complain")
    assert settle() == 1
    assert settle() == 0
    watched.store.put("sensing/findings.json", b"[]")
    assert settle() == 1


def test_while_nothing_watches_it_is_sent_at_once_and_once(receiver: Receiver, records: Records) -> None:
    for batch in range(8):
        fail(CaptureRejected("no column y"), task="faces", map_index=batch)
    (text,) = receiver.texts
    assert "no column y" in text
    assert kept(records) == []


def test_a_watch_of_long_ago_or_of_the_future_is_none(receiver: Receiver, records: Records) -> None:
    for number, away in enumerate((-timedelta(hours=1), timedelta(hours=1))):
        looked(records, datetime.now(UTC) + away)
        fail(CaptureRejected(f"no column {'xy'[number]}"), run=f"run-{number}")
    assert len(receiver.received) == 2


def test_a_receiver_that_fails_is_named_without_its_address_and_asked_again(
    receiver: Receiver, records: Records, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.status = 500
    with caplog.at_level(logging.DEBUG):
        fail(CaptureRejected("no column y"))
        assert send_kept(records) == 0
    assert "connection capture360_alerts does not take it (address 1: HTTPStatusError)" in caplog.text
    assert "secret-path" not in caplog.text
    assert "secret-path" not in "".join(str(records.store.read(path)) for path in kept(records))
    receiver.status = 200
    assert send_kept(records) == 1
    assert receiver.texts[-1].startswith("(Late, of ")
    assert "no column y" in receiver.texts[-1]
    assert send_kept(records) == 0


@pytest.mark.parametrize(
    ("address", "read", "path"),
    [
        ("json://127.0.0.1:{port}/secret-path", lambda sent: sent["message"], "/secret-path"),
        ("mmost://127.0.0.1:{port}/" + "a" * 26, lambda sent: sent["text"], "/hooks/" + "a" * 26),
        ("http://127.0.0.1:{port}/secret-path", lambda sent: sent["text"], "/secret-path"),
    ],
)
def test_texts_from_outside_are_no_markup_at_any_target(
    receiver: Receiver,
    records: Records,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    address: str,
    read: Callable[[Any], str],
    path: str,
) -> None:
    connect(monkeypatch, address.format(port=receiver.server_port))
    with caplog.at_level(logging.DEBUG):
        fail(CaptureRejected("see [this](http://evil) <!channel> @all ![p](http://evil/p.png) `x`"))
    ((sent_to, document),) = receiver.received
    text = read(document)
    assert sent_to.startswith(path)
    assert "What broke: see " in text
    assert not any(markup in text for markup in ("](http://evil", "<!", "@all", "`x`"))
    assert "http://127.0.0.1:8080/log" in text
    assert "secret-path" not in caplog.text


def test_one_address_that_fails_is_asked_again_alone(
    receiver: Receiver, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = f"http://127.0.0.1:{receiver.server_port}/good"
    with receiving() as other:
        other.status = 500
        connect(monkeypatch, f"{good}\nhttp://127.0.0.1:{other.server_port}/bad")
        fail(CaptureRejected("no column y"))
        other.status = 200
        assert send_kept(records) == 1
        assert (len(receiver.received), len(other.received)) == (1, 2)


def test_an_alert_survives_a_database_that_is_down(
    receiver: Receiver, records: Records, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    address = os.environ.pop(CONNECTION)
    for letter in "abc":
        fail(CaptureRejected(f"no column {letter}"), run=letter)
    assert "no column a" in caplog.text
    assert len(kept(records)) == 3
    assert send_kept(records) == 0
    monkeypatch.setenv(CONNECTION, address)
    assert send_kept(records) == 3
    assert [f"no column {letter}" in sent for letter, sent in zip("abc", receiver.texts, strict=True)] == [True] * 3
    assert all(sent.startswith("(Late, of ") for sent in receiver.texts)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"at": 1, "connection": "c", "message": {}}', b'{"at": "2026-01-01"}']
)
def test_a_damaged_kept_alert_stops_no_other(
    receiver: Receiver, records: Records, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.status = 500
    fail(CaptureRejected("no column y"))
    records.store.put("sensing/alerts/00000101T000000.000000-damaged.json", content)
    receiver.status = 200
    assert send_kept(records) == 1
    assert "no column y" in receiver.texts[-1]
    assert kept(records) == []
    assert "00000101T000000.000000-damaged.json" in caplog.text


def test_nothing_grows_where_nobody_wants_alerts(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "MOST", 4)
    for letter in "abcdefgh":
        fail(CaptureRejected(f"no column {letter}"), run=letter)
    assert len(kept(records)) == 4
    monkeypatch.setattr(alerts, "LONGEST", timedelta(0))
    assert send_kept(records) == 0
    assert len(kept(records)) == 4, "their causes stand"
    for each in occurrences(records):
        forget(records, each)
    assert send_kept(records) == 0
    assert kept(records) == []


def test_an_alert_that_cannot_be_kept_is_sent_at_once(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CAPTURE360_CONFIG", "/nowhere/sites.yaml")
    fail(CaptureRejected("no column y"))
    assert len(receiver.received) == 1
    receiver.status = 500
    fail(CaptureRejected("no column y"))
    assert "neither sent nor kept" in caplog.text


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://airflow.example.com/", "begin with https://airflow.example.com."),
        ("http://localhost:8080", "lead to http://localhost:8080, which browsers of other machines do not find. Set "),
        ("", "have no host. Set base_url in section [api] of Airflow's configuration (in the composition: AIRFLOW_URL"),
    ],
)
def test_the_test_alert_says_where_links_lead(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, url: str, says: str
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", url)
    send_test()
    assert f"\nLinks in alerts and digests {says}" in receiver.texts[0]


def test_the_test_alert_arrives_or_says_why(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    send_test()
    (text,) = receiver.texts
    assert text.startswith("capture360: test alert\nNothing is wrong. Somebody asked for this message.\nLinks in ")
    receiver.status = 404
    with pytest.raises(ConfigError, match="address 1: HTTPStatusError"):
        send_test()
    connect(monkeypatch, "nothing-known://secret-path")
    with pytest.raises(ConfigError, match="no address that Apprise knows") as refused:
        send_test()
    assert "secret-path" not in str(refused.value)
    connect(monkeypatch, "")
    with pytest.raises(ConfigError, match="has no address"):
        send_test()
