"""Records: written whole, folded into a state, on a file system and on object storage alike."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path

import pytest

from capture360.capture_state import Stage
from capture360.errors import RecordsError, RequestError, StoreUnavailableError
from capture360.model import CaptureKey
from capture360.records import HELD, Records
from capture360.steps import lease
from capture360.store import DocumentStore

KEY = CaptureKey("hall-7", "2026-05-01")
FINGERPRINT = "ab" * 16


@pytest.fixture(params=["local", "memory"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Records]:
    if request.param == "local":
        yield Records(str(tmp_path / "records"))
        return
    import fsspec

    yield Records("memory://records")
    fsspec.filesystem("memory").store.clear()


def put(records: Records, step: str, *, batch: int | None = None, **body: object) -> None:
    records.put(KEY, FINGERPRINT, step, body, run="run 1", batch=batch)


@pytest.mark.parametrize("name", ["../a.json", "a/b.json", "", "x" * 101])
def test_a_report_is_stored_beside_its_delivery_alone(records: Records, name: str) -> None:
    with pytest.raises(ValueError, match="a report cannot be named"):
        records.put_report(CaptureKey("hall-7", "may"), "f" * 64, name, b"{}")


def test_a_record_of_several_deliveries_removes_their_marks_once(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliveries = [f"{number:032x}" for number in range(4)]
    removed: list[str] = []
    monkeypatch.setattr(records.store, "remove", removed.append)
    body = {"by": "Ada", "removed": {}}
    records.put(KEY, deliveries[0], "retract", body, run="run 1", also=deliveries[1:])
    assert all(records.has(KEY, each, "retract") for each in deliveries)
    assert len(removed) == len(set(removed)), "each mark once"
    assert {delivery for delivery in deliveries if any(delivery in path for path in removed)} == set(deliveries)


def test_a_capture_without_records_has_no_receipt(records: Records) -> None:
    put(records, "sense")
    assert records.load(CaptureKey("hall-7", "other")) is None
    assert records.load(KEY, "cd" * 16) is None


def test_the_receipt_follows_the_steps(records: Records) -> None:
    put(records, "sense")
    assert stage_of(records) is Stage.READY
    put(records, "validate", verdict="partial")
    assert stage_of(records) is Stage.PARTIAL
    put(records, "faces", batch=0, faces={"1": {}})
    put(records, "faces", batch=11, faces={"2": {}})
    assert stage_of(records) is Stage.PARTIAL
    put(records, "publish", images=2)
    put(records, "verify", images=2)
    state = records.load(KEY)
    assert state is not None
    assert state.stage is Stage.PUBLISHED
    assert state.body("publish") == {"images": 2}
    assert state.batches("faces") == {0: {"faces": {"1": {}}}, 11: {"faces": {"2": {}}}}
    assert {record.run for record in state.records} == {"run 1"}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([("validate", "a", 20), ("verify", "a", 5)], Stage.PUBLISHED),
        ([("validate", "a", 20), ("verify", "a", 5), ("annotate", "a", 1)], Stage.CONTEXTUALIZED),
        ([("validate", "b", 20), ("verify", "a", 5)], Stage.ACCEPTED),
    ],
    ids=["one run", "to the end", "two runs"],
)
def test_steps_of_one_run_are_in_order_whatever_the_workers_clocks_say(
    records: Records, told: list[tuple[str, str, int]], expected: Stage
) -> None:
    for step, run, second in told:
        at = datetime(2026, 5, 1, 8, 0, second, tzinfo=UTC).isoformat()
        document = json.dumps({"at": at, "run": run, "verdict": "accepted"}).encode()
        records.store.put(f"{KEY}/{FINGERPRINT}/{step}.json", document)
    assert stage_of(records) is expected


def test_a_rejection_in_the_same_run_came_after_what_was_published(records: Records) -> None:
    for step, verdict in (("verify", ""), ("validate", "rejected")):
        put(records, step, verdict=verdict)
    assert stage_of(records) is Stage.REJECTED


def test_the_newest_delivery_is_the_receipt(records: Records) -> None:
    put(records, "publish", images=2)
    records.put(KEY, "cd" * 16, "sense", {}, run="sense")
    state = records.load(KEY)
    assert state is not None
    assert (state.fingerprint, state.stage) == ("cd" * 16, Stage.READY)
    put(records, "verify", images=2)
    still = records.load(KEY)
    assert still is not None
    assert still.fingerprint == "cd" * 16, "the old run writes on, and is not the newest delivery for that"
    old = records.load(KEY, FINGERPRINT)
    assert old is not None
    assert old.stage is Stage.PUBLISHED


def test_records_are_in_the_order_in_which_they_were_written_whatever_the_clocks_say(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One worker's clock is a year ahead, and the others' are right."""
    later = "cd" * 16

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Ahead:
            return cls.fromtimestamp(time.time() + 365 * 24 * 3600, tz)

    with monkeypatch.context() as context:
        context.setattr("capture360.records.datetime", Ahead)
        for step in ("validate", "publish", "verify"):
            records.put(KEY, FINGERPRINT, step, {"verdict": "accepted"}, run="ahead")
    records.put(KEY, FINGERPRINT, "annotate", {}, run="right")
    assert stage_of(records) is Stage.CONTEXTUALIZED
    records.put(KEY, later, "sense", {}, run="sense")
    for step in ("validate", "publish", "match", "annotate"):
        state = records.load(KEY)
        assert state is not None
        assert state.fingerprint == later
        records.put(KEY, later, step, {"verdict": "accepted"}, run="right")
    assert records.newest_with(KEY, "publish") == later
    written = [record.at for step in ("publish", "match", "annotate") if (record := records.get(KEY, later, step))]
    assert written == sorted({*written})


def test_reports_notes_and_dates_are_kept_apart_from_records(records: Records) -> None:
    url = records.put_report(KEY, FINGERPRINT, "validation.html", "<p>ä</p>")
    records.put_note(KEY, "look", {"fingerprint": FINGERPRINT})
    records.by_date.put(KEY, date(2026, 5, 1))
    records.by_date.put(KEY, date(2026, 5, 1))
    assert url.endswith(f"{KEY}/{FINGERPRINT}/validation.html")
    assert records.report(KEY, FINGERPRINT, "validation.html") == "<p>ä</p>".encode()
    assert records.note(KEY, "look") == {"fingerprint": FINGERPRINT}
    assert records.note(KEY, "other") is None
    assert list(records.by_date.on(date(2026, 5, 1))) == [KEY]
    assert list(records.by_date.on(date(2026, 5, 2))) == []
    assert records.load(KEY) is None
    assert list(records.keys()) == [KEY]


@pytest.mark.parametrize("name", ["../validate.json", "a/b", ".hidden", "", "x" * 101])
def test_a_report_name_cannot_leave_its_folder(records: Records, name: str) -> None:
    put(records, "validate", verdict="accepted")
    assert records.report(KEY, FINGERPRINT, name) is None
    assert records.report(KEY, "..", "validate.json") is None


def test_the_folders_of_the_records_are_no_sites(records: Records) -> None:
    with pytest.raises(RequestError, match="kept for the records"):
        records.put(CaptureKey("by-date", "x"), FINGERPRINT, "sense", {}, run="sense")


def test_a_record_cut_off_while_it_is_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = Records(str(tmp_path))
    put(records, "publish", images=2)

    def no_space(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    full = r"publish\.json cannot be written \(No space left"
    with monkeypatch.context() as patch, pytest.raises(StoreUnavailableError, match=full):
        patch.setattr(os, "fsync", no_space)
        put(records, "publish", images=3)
    state = records.load(KEY)
    assert state is not None
    assert state.body("publish") == {"images": 2}
    assert [record.step for record in state.records] == ["publish"]
    names = {each.name for each in tmp_path.rglob("*.*")}
    assert names == {"publish.json", "last-record.json"}, "what was half written lies about"


def test_creation_is_exclusive(tmp_path: Path) -> None:
    store = DocumentStore(str(tmp_path))
    assert store.create("a/b.json", b"1")
    assert not store.create("a/b.json", b"2")
    assert store.read("a/b.json") == b"1"
    assert sorted(os.listdir(tmp_path / "a")) == ["b.json"]


def stage_of(records: Records) -> Stage:
    state = records.load(KEY)
    assert state is not None
    return state.stage


DAMAGES = (b"", b"{", b"7", b"[]", b"\xff", b"[" * 60_000)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda each: ascii(each[:4]))
def test_whatever_is_damaged_is_reported_in_one_sentence(records: Records, damage: bytes) -> None:
    put(records, "validate", verdict="accepted")
    broken = f"{KEY}/{FINGERPRINT}/validate.json"
    records.store.put(broken, damage)
    records.store.put(f"{KEY}/notes/published.json", damage)
    records.store.put(f"{KEY}/leases/000001.json", damage)
    readers = [
        lambda: records.get(KEY, FINGERPRINT, "validate"),
        lambda: records.load(KEY),
        lambda: records.note(KEY, "published"),
        lambda: lease.holder(records, KEY),
    ]
    for read in readers:
        with pytest.raises(RecordsError, match=r"\.json is broken \(.+\)\. Restore it from a backup\."):
            read()


def test_a_key_that_is_missing_is_reported_with_its_file(records: Records) -> None:
    records.put_note(KEY, "asked", {"match": "m"})
    note = records.note(KEY, "asked")
    assert note is not None
    with pytest.raises(RecordsError, match=r"asked\.json is broken \(fingerprint is missing\)"):
        _ = note["fingerprint"]


def test_a_value_of_another_type_is_reported_with_its_place(records: Records) -> None:
    records.put_note(KEY, "published", {"fingerprint": "f", "capture": {"revision": None}})
    with pytest.raises(RecordsError, match=r"published\.json is broken \(capture.revision is no whole number\)"):
        records.note(KEY, "published")
    records.put_note(KEY, "published", {"fingerprint": "f", "capture": {}})
    other = CaptureKey(KEY.site, "2026-05-02")
    records.put_note(other, "published", {"fingerprint": "f"})
    records.put_note(CaptureKey(KEY.site, "2026-05-03"), "published", {})
    whole, damaged = records.notes(KEY.site, "published", lambda _, note: note["fingerprint"])
    assert whole == {other: "f"}
    assert "published.json is broken (capture: camera_height is missing" in str(damaged[KEY])
    assert "fingerprint is missing" in str(damaged[CaptureKey(KEY.site, "2026-05-03")])


def test_foreign_files_beside_records_are_passed_over(records: Records) -> None:
    put(records, "sense")
    records.store.put(f"{KEY}/{FINGERPRINT}/notes.old.json", b"{")
    records.store.put(f"{KEY}/leases/copy of 000001.json", b"{")
    assert records.load(KEY) is not None
    assert lease.holder(records, KEY) is None


def test_a_name_that_is_no_delivery_is_refused_by_itself(records: Records) -> None:
    with pytest.raises(RequestError, match='"notes" is no delivery of hall-7/2026-05-01'):
        records.get(KEY, "notes", "sense")


def test_a_damaged_lease_keeps_no_other_from_being_given_back(records: Records) -> None:
    other = CaptureKey("hall-7", "walk")
    for key in (KEY, other):
        lease.take(records, key, "run 1", is_finished=lambda run: False)
    records.store.put(f"{KEY}/leases/000001.json", b"")
    records.store.put(f"{HELD}/anything", b"")
    assert lease.release_ended(records, is_finished=lambda run: True) == [other]


def test_what_lies_beside_the_dates_is_no_date_and_no_capture(records: Records) -> None:
    records.by_date.put(KEY, date(2026, 5, 1))
    for stray in ("by-date/desktop.ini", "by-date/2026-05-01/Thumbs db/x", f"by-date/2026-05-01/{KEY.site}/a copy"):
        records.store.put(stray, b"")
    assert records.by_date.dates() == [date(2026, 5, 1)]
    assert records.by_date.on(date(2026, 5, 1)) == [KEY]
