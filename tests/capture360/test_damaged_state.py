"""Whatever stands in a file of our own state: it is read, or one sentence names the file; never another exception.

Documents of records get a RecordsError, what is only a cache counts as absent.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, astuple, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture360.capture_document import capture_document
from capture360.capture_state import STAGE_STEPS
from capture360.cdf.fusion import ProjectPages
from capture360.cdf.link_ports import ImageLinks
from capture360.cdf.three_d import journals
from capture360.detection.cache import OcrCache
from capture360.detection.job_results import UnknownResultError, parse
from capture360.detection.protocol import Line
from capture360.errors import BadInputError, ConfigError, RecordsError
from capture360.matching.decisions import Decided
from capture360.matching.documents import asset_document, match_document
from capture360.matching.manual import read_manual_matches
from capture360.model import Asset, Capture, CaptureKey, CaptureKind, Detection, Match
from capture360.records import Records
from capture360.rules.sensing import W01
from capture360.settings.register import Register
from capture360.steps import lease
from capture360.steps.asset_list import asset_list
from capture360.steps.backfill import What, captures_on, mark
from capture360.steps.captures import detail, newest_deliveries
from capture360.steps.detect import recorded_detections, recorded_findings
from capture360.steps.digest import last_drift, note_drift
from capture360.steps.e57_extraction import recorded_revisions
from capture360.steps.folder_snapshot import FolderSnapshot, last_snapshot
from capture360.steps.last_sensing import last_sensing, note_sensing
from capture360.steps.left_links import left_links, note_left
from capture360.steps.link_state import ANSWERS, LinkMemory
from capture360.steps.links_to_write import images_to_write, note_to_write
from capture360.steps.listing_state import ListingState, keep_listing_state
from capture360.steps.made import Made
from capture360.steps.match import recorded_matches
from capture360.steps.published import earlier_captures, note_published, published_stations
from capture360.steps.republish_guard import published_revision
from capture360.steps.retracted import refuse_retracted
from capture360.steps.review import picture_name
from capture360.steps.review_answers import Answer, give, given_to
from capture360.steps.review_due import (
    asked_since,
    asking_run,
    asks_about_all,
    never_asked,
    note_questions,
    note_review,
    replaced_runs,
    review_due,
)
from capture360.steps.review_page import asked_plates, newest_review
from capture360.steps.review_plates import Question
from capture360.steps.validation_record import recorded_capture
from capture360.steps.watch_life import Found, last_look, looked
from capture360.store import DocumentStore
from capture360_local.stack.lifecycle import Stack, StackError
from captures import write_cubemap
from damage import damaged_bytes, damaged_json, fuzzing

KEY = CaptureKey("hall-7", "walk-1")
DELIVERY = "ab" * 16
PLACE = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.2), (0.1, 0.2))
SEEN = Detection("image 1", "front", "21-PT-1001", 0.7, PLACE, PLACE, True, 20.0)
PAGES = ProjectPages("https://cluster", "project")
PUMP = Asset("17", "21-PT-1001", ("21-PT-1001",))
MATCH = Match(SEEN, PUMP, 0.7, "suggested", "near", ((PUMP, 0.7),))
FINDING = W01.finding(where="hall-7", sentence="x").document()
NOW = datetime(2026, 5, 1, 9, tzinfo=UTC).isoformat()
QUESTION = Question(MATCH, (MATCH,))
EXAMPLES = fuzzing(60)


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Every kind of document that steps leave beside a capture, by path."""
    capture = write_cubemap(tmp_path_factory.mktemp("landing"), KEY).capture
    capture = replace(capture, kind=CaptureKind.CUBEMAP, scans={"a.e57": "00"})
    records = Records("memory://damaged-state-made")
    steps: dict[str, dict[str, Any]] = {
        "sense": {"announced": NOW, "by": "run 1", "files": 3, "bytes": 9},
        "capture": capture_document(capture),
        "floor_plan": {"points": [{"station": "001", "x": 1.0, "y": 2.0, "held_back": False}]},
        "validate": {
            "captured_on": "2026-05-01", "verdict": "accepted", "headline": "Good.", "route": "faces", "stations": 2,
            "accepted": 2, "quarantined": {"003": ["P01"]}, "batches": 1, "findings": [FINDING], "inputs": {"a": "b"},
        },
        "upload": {"files": {"a.e57": 1}, "bytes": 9},
        "revision": {"model": 1, "revisions": {"a.e57": [2, NOW]}, "space": "s", "began": NOW, "earlier": [[1, "t"]]},
        "extracted": {"images": ["Stop-1"]},
        "publish": {
            "collections": [["captures360", "c"]], "images": 2, "revision": 1, "removed_images": [], "held_back": [],
            "link": "http://cdf", "thumbnail": "thumbnail.jpg",
        },
        "great_expectations": {"results": [{
            "suite_name": "stations", "success": True, "statistics": {"evaluated_expectations": 0}, "results": [],
            "meta": {},
        }]},
        "verify": {"mode": "sample", "images": 2, "compared_faces": 3},
        "match": {"matches": [match_document(MATCH)], "findings": [FINDING], "inputs": {"a": "b"}},
        "review": {
            "match": "m", "questions": [QUESTION.document()], "pictures": ["plate-1.jpg"],
            "views": {picture_name(MATCH.detection): {"station": "001", "heading": 10.0, "pitch": 0.0}},
        },
        "reviewed": {
            "by": "Ada", "answered_at": NOW, "approved": [1], "rejected": ["1b"], "people": ["Ada"], "sentences": [],
            "plates": {"linked": 2, "asked": 0, "missed": 0},
        },
        "annotate": {"approved": 0, "match": "m", "plates": {"linked": 1, "asked": 1, "missed": 0}},
    }  # fmt: skip
    for step, body in steps.items():
        records.put(KEY, DELIVERY, step, body, run="run 1")
    detected = {"engine": "x", "detections": [match_document(MATCH)["detection"]], "findings": [FINDING]}
    records.put(KEY, DELIVERY, "detect", detected, run="run 1", batch=0)
    note_published(records, capture, DELIVERY)
    LinkMemory(records, KEY).decide([Decided(MATCH, "rejected", "Ada", NOW)])
    note_review(records, KEY, DELIVERY, "m", "run 0")
    note_review(records, KEY, DELIVERY, "m", "run 1", whole=True)
    note_questions(records, KEY, [MATCH], "run 1")
    give(records, KEY, QUESTION.id, 0, Answer("approve", MATCH.asset, "Ada", NOW))
    note_left(records, KEY, {"s/i": ImageLinks(1, ("s/a",))})
    note_to_write(records, KEY, ["i"])
    records.put_note(KEY, "retracted", {"revision": 1})
    records.put_note(KEY, "retraction", {"by": "Ada", "made": Made(images=frozenset({("s", "i")})).document()})
    records.bindings.bind("hall-7", "cluster", "project")
    records.bindings.bind_mode("hall-7", "hybrid")
    listed = {"digest": "d", "pages": list(astuple(PAGES)), "assets": [asset_document(PUMP)]}
    records.put_asset_list("hall-7", listed)
    lease.take(records, KEY, "run 1", is_finished=bool)
    looked(records, datetime.fromisoformat(NOW), found=[Found("stuck", str(KEY), "x", "y", "z")])
    note_drift(records, "hall-7", datetime.fromisoformat(NOW), 1, ["x"])
    keep_listing_state(records, "hall-7", ListingState(datetime.fromisoformat(NOW), "walk-2"))
    note_sensing(records, datetime.fromisoformat(NOW))
    records.put_note(KEY, "look", FolderSnapshot(DELIVERY, datetime.fromisoformat(NOW)).document())
    store = fsspec.filesystem("memory").store
    found = {path: json.loads(file.getvalue()) for path, file in store.items() if path.endswith(".json")}
    fsspec.filesystem("memory").store.clear()
    return {path.removeprefix("/damaged-state-made/"): document for path, document in found.items()}


def plates_shown(records: Records) -> object:
    """What the review page shows."""
    review = newest_review(records, KEY)
    if review is None:
        return None
    places = [review.place(view) for each in asked_plates(records, review) for view in each.views]
    return places, given_to(records, KEY, [QUESTION.id], "run 1")


def revision_read(records: Records) -> object:
    """What is read of the revisions that CDF extracts scans with."""
    body = recorded_revisions(records, KEY, DELIVERY)
    return (
        body["model"],
        body["space"],
        body["began"],
        [datetime.fromisoformat(at) for _, at in body["revisions"].values()],
    )


def readers(records: Records, capture: Capture) -> dict[str, Callable[[], object]]:
    """Everything that reads state without asking CDF."""
    state = records.load(KEY, only=STAGE_STEPS)
    memory = LinkMemory(records, KEY)
    return {
        "load": lambda: records.load(KEY),
        "captures page": lambda: detail(records, KEY),
        "captures list": lambda: newest_deliveries(records, [KEY]),
        "capture": lambda: recorded_capture(records, KEY, DELIVERY),
        "detections": lambda: recorded_detections(records, KEY, DELIVERY, 1),
        "findings": lambda: recorded_findings(records, KEY, DELIVERY, 1),
        "revisions": lambda: revision_read(records),
        "matches": lambda: recorded_matches(records, KEY, DELIVERY),
        "published": lambda: published_stations(records, KEY),
        "earlier": lambda: earlier_captures(records, "hall-7"),
        "revision": lambda: published_revision(records, KEY),
        "retracted": lambda: refuse_retracted(records, replace(capture, revision=2)),
        "retraction": lambda: Made.from_document((records.note(KEY, "retraction") or {})["made"]),
        "left": lambda: left_links(records, KEY),
        "to write": lambda: images_to_write(records, KEY),
        "decisions": memory.decisions,
        "lost": memory.lost,
        "recovered": memory.recover,
        "due": lambda: review_due(records, state) if state else None,
        "review": lambda: plates_shown(records),
        "asking": lambda: asking_run(records, KEY, DELIVERY, "run 2", bool),
        "never asked": lambda: never_asked(records, KEY, "run 2", [MATCH]),
        "all": lambda: asks_about_all(records, KEY, DELIVERY, "run 2", bool),
        "all again": lambda: asks_about_all(records, KEY, DELIVERY, "run 1", bool),
        "replaced": lambda: replaced_runs(records, KEY, "run 1", bool),
        "holder": lambda: lease.holder(records, KEY),
        "ended": lambda: lease.release_ended(records, is_finished=bool),
        "last run": lambda: lease.last_run(records, KEY),
        "assets": lambda: asset_list(records, "hall-7"),
        "project": lambda: records.bindings.refuse_other("hall-7", "cluster", "project"),
        "mark": lambda: mark(records, KEY, What.INGEST),
        "watch": lambda: last_look(records, datetime.fromisoformat(NOW)),
        "drift": lambda: last_drift(records, "hall-7"),
        "scan": lambda: last_sensing(records, datetime.fromisoformat(NOW)),
        "snapshot": lambda: last_snapshot(records, KEY),
        "held": lambda: lease.held_since(records, KEY),
        "asked": lambda: asked_since(records, KEY),
        "dates": lambda: captures_on(records, datetime(2026, 5, 1).date()),
    }


@fuzzing(120)
@given(data=st.data())
def test_a_damaged_document_of_the_records(documents: dict[str, dict[str, Any]], data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(documents)))
    content = data.draw(damaged_json(documents[path]))
    store = fsspec.filesystem("memory")
    store.store.clear()
    records = Records("memory://damaged-state")
    for name, document in documents.items():
        records.store.put(name, content if name == path else json.dumps(document).encode())
    capture = Capture(KEY, CaptureKind.CUBEMAP, "Hall 7", "walk-1", (), {}, 2)
    try:
        every = readers(records, capture)
    except RecordsError as error:
        assert path in str(error)
        return
    for read in every.values():
        try:
            read()
        except RecordsError as error:
            assert "is broken (" in str(error) or "Missing from the records" in str(error)
            assert str(error).count("Restore") == 1
        except ConfigError as error:
            assert path.startswith("projects/"), error
        except BadInputError as error:  # another number is a whole note: it asks for a higher revision
            assert path.endswith("/notes/retracted.json"), error
    store.store.clear()


@pytest.mark.parametrize("absent", ["model", "revisions", "space", "began"])
def test_a_record_of_revisions_that_lacks_a_value(documents: dict[str, dict[str, Any]], absent: str) -> None:
    records = Records("memory://damaged-state")
    path = f"{KEY}/{DELIVERY}/revision.json"
    whole = documents[path]
    records.store.put(path, json.dumps({name: value for name, value in whole.items() if name != absent}).encode())
    with pytest.raises(RecordsError, match=rf"revision\.json is broken \({absent} is missing\)"):
        revision_read(records)
    records.store.remove(path)


def test_a_copy_beside_the_kept_answers_is_passed_over() -> None:
    records = Records("memory://damaged-state-copied")
    memory = LinkMemory(records, KEY)
    memory.decide([Decided(MATCH, "rejected", "Ada", NOW)])
    records.put_note(KEY, "copy of 000001", {"decisions": []}, ANSWERS)
    memory.decide([Decided(MATCH, "approved", "Ada", NOW)])
    assert sorted(name[:6] for name in records.note_names(KEY, ANSWERS)) == ["000001", "000002", "copy o"]
    fsspec.filesystem("memory").store.clear()


def test_counts_of_plates_that_are_no_counts(documents: dict[str, dict[str, Any]]) -> None:
    records = Records("memory://damaged-state")
    path = f"{KEY}/{DELIVERY}/annotate.json"
    records.store.put(path, json.dumps({**documents[path], "plates": [1]}).encode())
    with pytest.raises(RecordsError, match=r"annotate\.json is broken \(plates is no group of keys\)"):
        detail(records, KEY)
    records.store.remove(path)


def test_a_candidate_that_is_no_asset(documents: dict[str, dict[str, Any]]) -> None:
    records = Records("memory://damaged-state")
    path = f"{KEY}/{DELIVERY}/match.json"
    match = {**match_document(MATCH), "candidates": [[1, 0.7]]}
    records.store.put(path, json.dumps({**documents[path], "matches": [match]}).encode())
    with pytest.raises(RecordsError, match="a candidate is an asset and its share"):
        recorded_matches(records, KEY, DELIVERY)
    records.store.remove(path)


CACHED = {"engine": "x", "lines": [["P-1", 0.5, PLACE, PLACE, True, 20.0], ["P-2", 0.5, PLACE, None, None, None]]}


@EXAMPLES
@given(damaged_json(CACHED))
def test_a_damaged_entry_of_the_ocr_cache_counts_as_missing(content: bytes) -> None:
    store = DocumentStore("memory://ocr")
    store.put("a.json", content)
    found = OcrCache(store).get("a.json")
    assert found is None or len(found) == len(CACHED["lines"])
    for line in found or ():
        assert isinstance(line, Line)
        assert np.isfinite(line.polygon).all()


RESULT = {
    "version": "1.0",
    "items": [
        {
            "key": "k",
            "image360": {"instanceId": {"space": "s", "externalId": "i"}},
            "text": "P-1",
            "confidence": 0.5,
            "polygon": {"version": "2.0.0", "data": [3, 1.5, 0.1, 1.6, 0.1, 1.6, 0.2]},
        }
    ],
}


@EXAMPLES
@given(damaged_json(RESULT))
def test_a_damaged_result_of_a_job(content: bytes) -> None:
    try:
        found = parse(content)
    except UnknownResultError as error:
        assert error.structure
    else:
        assert all(np.isfinite(text.outline).all() for text in found)


LARGE = journals.LargeFile("scan-1", "scan.e57", "model/e57", 3 * journals.MIN_PART, "aa")
SESSION = journals.UploadSession(
    "aa", journals.MIN_PART, "u", ("http://a", "http://b", "http://c"), time.time(), ((0, 7), (1, 8))
)


@EXAMPLES
@given(damaged_json(json.loads(json.dumps(asdict(SESSION)))))
def test_a_damaged_journal_of_an_upload_starts_anew(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("journals")
    folder.chmod(0o700)
    kept = journals.UploadJournals(folder)
    kept.save(LARGE, SESSION)
    next(folder.glob("*.json")).write_bytes(content)
    session = kept.load(LARGE)
    if session is not None:
        assert (session.part_size, len(session.links)) == (journals.MIN_PART, 3)
        assert all(part in range(3) for part, _ in session.done)


def test_a_whole_journal_is_taken_up(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    kept = journals.UploadJournals(tmp_path)
    kept.save(LARGE, SESSION)
    assert kept.load(LARGE) == SESSION


def test_the_journal_of_an_upload_to_another_project_is_not_taken_up(tmp_path: Path) -> None:
    """Its links lead there."""
    tmp_path.chmod(0o700)
    journals.UploadJournals(tmp_path, "westeurope", "test", "scans").save(LARGE, SESSION)
    assert journals.UploadJournals(tmp_path, "westeurope", "production", "scans").load(LARGE) is None
    assert journals.UploadJournals(tmp_path, "westeurope", "test", "other").load(LARGE) is None
    assert journals.UploadJournals(tmp_path, "westeurope", "test", "scans").load(LARGE) == SESSION


STATUS = {
    "phase": "running",
    "reason": None,
    "session": {"leader": 2**22 + 1, "started": 1.5},
    "ports": {"api": 1, "sandbox": 2},
    "children": {"scheduler": 3},
}


@fuzzing(30)
@given(damaged_json(STATUS))
def test_a_damaged_status_of_a_stack(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    root = tmp_path_factory.mktemp("stack")
    stack = Stack(root)
    stack.home.status_file.write_bytes(content)
    try:
        status = stack.status()
    except StackError as error:
        assert str(stack.home.status_file) in str(error)
    else:
        assert status.url.startswith("http://127.0.0.1:")


MANUAL = b"text,asset,image,face\n21-PT-1001,pump,,front\nP-2,,,\n"


@EXAMPLES
@given(damaged_bytes(MANUAL) | st.binary(max_size=200))
def test_damaged_manual_matches(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("manual") / "manual.csv"
    path.write_bytes(content)
    try:
        read_manual_matches(str(path))
    except ConfigError as error:
        assert str(path) in str(error)


@pytest.mark.parametrize("url", ["nope://x/manual.csv", "/", "memory://", "\x00", "http://[::1"])
def test_manual_matches_that_lie_nowhere(url: str) -> None:
    with pytest.raises(ConfigError, match=r"manual matches|is not there"):
        read_manual_matches(url)


def test_a_field_longer_than_csv_takes(tmp_path: Path) -> None:
    path = tmp_path / "manual.csv"
    path.write_text("text,asset\n" + "x" * 200_000 + ",a\n")
    with pytest.raises(ConfigError, match="no CSV table"):
        read_manual_matches(str(path))


REGISTER = b"records: /tmp/r\nsites:\n  hall-7: {landing: {url: /tmp/l}, space: captures}\n"


@EXAMPLES
@given(damaged_bytes(REGISTER) | st.sampled_from([b"", b"[" * 5_000, b"a: " * 3_000, b"sites: {1: {}}", b"? [a]\n"]))
def test_a_damaged_register(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("register") / "sites.yaml"
    path.write_bytes(content)
    register = Register(str(path), {})
    try:
        assert register.records_url
        for site in register.site_ids:
            register.site(site)
    except ConfigError as error:
        assert str(path) in str(error)
