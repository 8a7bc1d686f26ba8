"""The digest of a site: what it counts, what it reads for that, and that it is sent once."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from capture360.errors import StoreUnavailableError
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.reports.alerts import chat
from capture360.reports.digest import Digest, lines, message, render_digest, text
from capture360.settings.site import Site
from capture360.steps import digest as steps
from capture360.steps.digest import Period, digest, last_drift, note_drift, send_due, today
from capture360.steps.incidents import finding, note
from capture360.steps.open_plates import note_open

MONDAY = date(2026, 5, 18)
NOON = datetime(2026, 5, 18, 12, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script> @channel [x](https://evil.example)"


def a_site(**more: Any) -> Site:
    values = {"id": "hall-7", "name": "Hall 7", "space": "captures", "landing": {"url": "/landing"}}
    return Site.model_validate({**values, **more})


def put(records: Records, name: str, step: str, at: datetime, body: dict[str, Any] | None = None) -> CaptureKey:
    document = {"at": at.isoformat(), "run": "a run", **(body or {})}
    records.store.put(f"hall-7/{name}/f1/{step}.json", json.dumps(document).encode())
    return CaptureKey("hall-7", name)


def validated(records: Records, name: str, at: datetime, verdict: str = "accepted", **more: Any) -> CaptureKey:
    body = {"verdict": verdict, "headline": "", "accepted": 10, "quarantined": {}, "findings": [], **more}
    return put(records, name, "validate", at, body)


def contextualized(records: Records, name: str, at: datetime, asked: int = 0) -> CaptureKey:
    put(records, name, "verify", at)
    body = {"match": "m1", "plates": {"linked": 30, "asked": asked, "missed": 1}}
    return put(records, name, "annotate", at, body)


def done(records: Records, key: CaptureKey, at: datetime) -> None:
    """What sensing leaves behind when it is done with a capture, as of a time."""
    state = records.load(key)
    assert state is not None
    records.mark_done(state)
    marker = Path(records.url) / f"sensing/done/hall-7/{key.capture}~f1~{state.stage}"
    os.utime(marker, (at.timestamp(), at.timestamp()))


def of_day(records: Records, **more: Any) -> Digest:
    return digest(a_site(**more), records, Period(MONDAY, MONDAY))


def names(keys: Any) -> list[str]:
    return [key.capture for key in keys]


def test_captures_are_counted_by_what_happened_to_them(records: Records) -> None:
    validated(records, "in", NOON)
    validated(records, "bad", NOON, "rejected", accepted=0)
    validated(records, "out", NOON, "partial", quarantined={"s-1": ["P03", "T01"], "s-2": ["P03"]})
    contextualized(records, "out", NOON, asked=4)
    validated(records, "older", NOON - timedelta(days=9))
    contextualized(records, "older", NOON)
    contextualized(records, "gone", NOON - timedelta(days=9))
    put(records, "gone", "retract", NOON)
    put(records, "seen", "sense", NOON, {"announced": NOON.isoformat()})
    found = of_day(records)
    assert names(found.came) == ["bad", "in", "out", "seen"]
    assert names(found.published) == names(found.contextualized) == ["older", "out"]
    assert (names(found.rejected), names(found.retracted)) == (["bad"], ["gone"])
    assert {key.capture: stage for key, stage in found.waiting.items()} == {"in": "accepted", "seen": "ready"}
    assert (found.stations, found.held_back) == (20, 2)
    assert {rule: count for rule, (_, count) in found.reasons.items()} == {"P03": 2, "T01": 1}
    assert (found.linked, found.asked, found.open) == (60, 4, 4)


def test_a_capture_that_is_done_again_came_in_when_it_was_first_seen(records: Records) -> None:
    before = (NOON - timedelta(days=9)).isoformat()
    put(records, "again", "sense", NOON, {"announced": NOON.isoformat(), "first": before})
    validated(records, "again", NOON)
    found = of_day(records)
    assert (names(found.came), found.stations) == ([], 10)


def test_a_published_capture_waits_where_links_are_wanted(records: Records) -> None:
    validated(records, "may", NOON)
    put(records, "may", "verify", NOON)
    assert names(of_day(records).waiting) == ["may"]
    assert names(of_day(records, links={"enabled": False}).waiting) == []


def test_a_delivery_that_is_not_complete_waits_with_its_reason(records: Records) -> None:
    seen = {"fingerprint": "f2", "since": NOON.isoformat(), "waiting": "files: 3 of the 17 are there"}
    records.put_note(CaptureKey("hall-7", "may"), "look", seen)
    found = of_day(records)
    assert dict(found.waiting) == {
        CaptureKey("hall-7", "may"): "waits for files: 3 of the 17 are there, since 2026-05-18 12:00 UTC"
    }
    assert "hall-7/may (waits for files: 3 of the 17" in text(found)


def test_a_day_is_one_of_the_site(records: Records) -> None:
    validated(records, "late", datetime(2026, 5, 18, 23, 30, tzinfo=UTC))
    assert names(of_day(records).came) == ["late"]
    assert names(of_day(records, time_zone="Europe/Oslo").came) == []
    assert today(a_site(time_zone="Europe/Oslo"), datetime(2026, 5, 18, 23, 30, tzinfo=UTC)) == date(2026, 5, 19)


def test_what_people_answered_is_no_longer_open(records: Records) -> None:
    contextualized(records, "may", NOON, asked=5)
    answer = {"by": "Ada", "plates": {"linked": 33, "asked": 2, "missed": 1}}
    put(records, "may", "reviewed", NOON + timedelta(hours=1), answer)
    found = of_day(records)
    assert (found.linked, found.asked, found.open) == (33, 5, 2)
    contextualized(records, "may", NOON + timedelta(hours=2), asked=3)
    assert of_day(records).open == 3
    put(records, "may", "reviewed", NOON, {**answer, "plates": {"asked": "none"}})
    assert [key.capture for key in of_day(records).damaged] == ["may"]


def test_captures_that_ended_before_the_period_are_not_read(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, at in (("old", NOON - timedelta(days=30)), ("new", NOON)):
        key = contextualized(records, name, at)
        done(records, key, at)
    validated(records, "waits", NOON - timedelta(days=30))
    read: list[str] = []
    real = Records.load

    def load(self: Records, key: CaptureKey, *args: Any, **more: Any) -> Any:
        read.append(key.capture)
        return real(self, key, *args, **more)

    monkeypatch.setattr(Records, "load", load)
    found = of_day(records)
    assert sorted(set(read)) == ["new", "waits"]
    assert (names(found.published), names(found.waiting)) == (["new"], ["waits"])


def test_reading_is_bounded_and_what_is_left_out_is_said(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "MOST", 2)
    for hour, name in enumerate("abc"):
        done(records, contextualized(records, name, NOON), NOON + timedelta(hours=hour))
    found = of_day(records)
    assert names(found.published) == ["b", "c"]
    assert "1 more capture changed in this time, not counted here." in text(found)


def test_damaged_records_hide_no_other_capture(records: Records) -> None:
    validated(records, "well", NOON)
    records.store.put("hall-7/broken/f1/validate.json", b"{")
    found = of_day(records)
    assert (names(found.came), names(found.damaged)) == (["well"], ["broken"])
    assert "Records that cannot be read: 1 (broken)." in text(found)


def test_differences_from_cdf_and_alerts_that_stand_are_in_it(records: Records) -> None:
    assert lines(of_day(records))[-1] == "Records and CDF have not been compared yet."
    note_drift(records, "hall-7", NOON, 12, [])
    assert lines(of_day(records))[-1] == "Records and CDF agreed at 2026-05-18 12:00 UTC (12 captures)."
    note_drift(records, "hall-7", NOON, 12, [f"{number} is gone." for number in range(7)])
    for subject in ("hall-7/may", "hall-70/may", "captures_sense"):
        note(records, finding("a review waits for answers", subject, "It waits.", "Answer it.", NOON))
    found = of_day(records)
    assert [each.line for each in found.alerts] == ["hall-7/may: a review waits for answers. It waits."]
    assert lines(found)[-3:-1] == ["Alerts that stand: 1.", "hall-7/may: a review waits for answers. It waits."]
    assert lines(found)[-1].endswith("7. 0 is gone. 1 is gone. 2 is gone. 3 is gone. 4 is gone. And 2 more.")
    records.store.put("sensing/reconciled/hall-7.json", b"[]")
    assert last_drift(records, "hall-7") is None


def test_the_page_says_what_broke_and_leads_to_it(records: Records) -> None:
    links = {"Run": "https://airflow/dags/d/runs/r", "Report": "https://airflow/report", "Log": "javascript:alert(1)"}
    failed = replace(finding("validate failed", "hall-7/may", f"No unit. {HOSTILE}", "", NOON), links=links)
    for batch in range(3):
        note(records, replace(failed, id=f"{batch}"))
    found = of_day(records)
    assert [dict(each.links) for each in found.alerts] == [links]
    page, _ = render_digest(found, ["hall-7"], 1)
    (said,) = re.findall(r"<li>(hall-7/may: validate failed\. No unit\..*)</li>", page)
    assert re.findall(r'<a href="([^"]+)" target="([^"]+)" rel="noopener">(\w+)</a>', said) == [
        ("https://airflow/dags/d/runs/r", "_top", "Run"),
        ("https://airflow/report", "_blank", "Report"),
    ]
    assert "<script>alert" not in page


def test_texts_are_escaped_for_each_target(records: Records) -> None:
    note_drift(records, "hall-7", NOON, 1, [HOSTILE])
    found = of_day(records, name=HOSTILE)
    page, policy = render_digest(found, ["hall-7"], 1)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "default-src 'none'" in policy
    said = chat(message(found, {}))
    assert "<script>" not in said
    assert "@channel" not in said
    assert "](https" not in said
    assert "\x1b" not in text(of_day(records, name="a\x1b[31m"))


def test_many_captures_are_named_in_part(records: Records) -> None:
    for number in range(12):
        validated(records, f"walk-{number:02}", NOON)
    (came, waiting, *_) = lines(of_day(records))
    assert came.startswith("Came in: 12 (walk-00, walk-01")
    assert came.endswith("walk-09 and 2 more).")
    assert waiting.endswith(" and 2 more).")
    assert len(of_day(records).document()["came_in"]) == 12


@pytest.mark.parametrize(
    ("kind", "now", "expected"),
    [
        ("daily", date(2026, 5, 19), Period(MONDAY, MONDAY)),
        ("weekly", date(2026, 5, 18), Period(date(2026, 5, 11), date(2026, 5, 17))),
        ("weekly", date(2026, 5, 24), Period(date(2026, 5, 11), date(2026, 5, 17))),
        ("weekly", date(2026, 5, 25), Period(MONDAY, date(2026, 5, 24))),
    ],
)
def test_the_newest_period_is_one_that_has_ended(kind: str, now: date, expected: Period) -> None:
    assert Period.newest(kind, now) == expected


def test_it_is_told_once_a_period(records: Records) -> None:
    sent: list[Digest] = []
    site = a_site(digest="daily")
    for hours in (0, 1, 11, 12, 36):
        send_due(records, site, NOON + timedelta(hours=hours), sent.append)
    assert [each.period for each in sent] == ["2026-05-17", "2026-05-18", "2026-05-19"]
    assert records.store.names("sensing/digests/hall-7") == ["daily-2026-05-19"]
    assert not send_due(records, a_site(), NOON, sent.append)
    assert send_due(records, a_site(digest="weekly"), NOON, sent.append)
    assert sent[-1].period == "2026-05-11 to 2026-05-17"


def test_of_two_processes_one_tells_it(records: Records) -> None:
    sent: list[Digest] = []
    site = a_site(digest="daily")

    def send(found: Digest) -> None:
        sent.append(found)
        assert not send_due(records, site, NOON, sent.append)

    assert send_due(records, site, NOON, send)
    assert len(sent) == 1


def test_what_another_process_notes_of_a_later_period_stays(records: Records) -> None:
    site, folder = a_site(digest="daily"), "sensing/digests/hall-7"
    before = ["daily-2026-05-01", "daily-2026-05-02.sending", "weekly-2026-05-10"]
    later = ["daily-2026-05-18", "daily-2026-05-19.sending"]
    for name in before[1:]:
        records.store.put(f"{folder}/{name}", b"")

    def send(found: Digest) -> None:
        for name in (before[0], *later):
            records.store.put(f"{folder}/{name}", b"")

    assert send_due(records, site, NOON, send) == 1
    assert sorted(records.store.names(folder)) == ["daily-2026-05-17", *later]


def test_what_could_not_be_told_is_told_later(records: Records) -> None:
    def broken(found: Digest) -> None:
        raise OSError("the store is full")

    site = a_site(digest="daily")
    with pytest.raises(OSError, match="full"):
        send_due(records, site, NOON, broken)
    sent: list[Digest] = []
    assert send_due(records, site, NOON, sent.append)
    assert len(sent) == 1


def test_missed_days_are_sent_once_it_goes_on(records: Records) -> None:
    sent: list[Digest] = []
    site = a_site(digest="daily")
    assert send_due(records, site, NOON, sent.append) == 1
    assert send_due(records, site, NOON + timedelta(days=4), sent.append) == 4
    assert [each.period for each in sent[1:]] == ["2026-05-18", "2026-05-19", "2026-05-20", "2026-05-21"]
    assert send_due(records, site, NOON + timedelta(days=400), sent.append) == 8
    weekly = a_site(digest="weekly")
    assert send_due(records, weekly, NOON, sent.append) == 1
    assert send_due(records, weekly, NOON + timedelta(days=14), sent.append) == 2
    assert [each.period for each in sent[-2:]] == ["2026-05-18 to 2026-05-24", "2026-05-25 to 2026-05-31"]


def test_open_plates_of_captures_that_ended_before_the_period_are_counted(records: Records) -> None:
    key = contextualized(records, "old", NOON - timedelta(days=14), asked=7)
    note_open(records, key, 7)
    done(records, key, NOON - timedelta(days=13))
    note_open(records, contextualized(records, "new", NOON, asked=2), 2)
    note_open(records, CaptureKey("hall-7", "records-were-removed"), 9)
    assert of_day(records).open == 9
    note_open(records, key, 0)
    assert of_day(records).open == 2


def test_a_store_that_does_not_answer_makes_no_capture_a_damaged_one(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    validated(records, "may", NOON)

    def throttled(*_: Any, **__: Any) -> None:
        raise StoreUnavailableError("s3://b cannot be read (SlowDown).")

    monkeypatch.setattr(Records, "load", throttled)
    with pytest.raises(StoreUnavailableError):
        of_day(records)
