"""The pages of captures in Airflow's own web server: who may read them, what they show, and what they cost."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from airflow_server import login
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.reports.captures import LastRun
from capture360.steps.folder_snapshot import EMPTY
from capture360.steps.review_due import note_end, note_review
from capture360.store import DocumentStore

PAGE = "/capture360/captures"
HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'


def shown(client: TestClient, path: str = PAGE, **asked: Any) -> str:
    answer = client.get(path, headers=login(client), params=asked)
    assert answer.status_code == 200, answer.text
    return answer.text


def captures_in(text: str) -> list[str]:
    return re.findall(r'<td class="key"><a href="captures/([^"]+)"', text)


def deliver(records: Records, name: str, fingerprint: str = "f1", verdict: str = "accepted", **more: Any) -> CaptureKey:
    """The records of a delivery that was validated and published."""
    key = CaptureKey("hall-7", name)
    body = {"verdict": verdict, "headline": f"{key} {verdict}.", "accepted": 7, "quarantined": {"s-9": ["P03"]},
            "captured_on": "2026-03-04", "findings": [], **more}  # fmt: skip
    records.put(key, fingerprint, "validate", body, run="test")
    if verdict != "rejected":
        link = "https://fusion.cognite.com/plant/3d-models"
        records.put(key, fingerprint, "publish", {"link": link, "collections": []}, run="test")
        records.put(key, fingerprint, "verify", {}, run="test")
    return key


def finding(message: str, disposition: str) -> dict[str, Any]:
    return {"rule": "T01", "disposition": disposition, "where": "poses.csv", "value": "1", "message": message,
            "station": None, "row": 1, "column": "x", "path": "poses.csv"}  # fmt: skip


def ran(
    dag: str, key: CaptureKey, run: str, state: str, ended: datetime | None = None, *, by_hand: bool = False
) -> None:
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunType

    with create_session() as session:
        row = DagRun(
            dag_id=dag,
            run_id=run,
            run_type=DagRunType.ASSET_TRIGGERED,
            run_after=datetime.now(UTC),
            state=state,
            partition_key=None if by_hand else str(key),
            conf={"capture": str(key)} if by_hand else None,
        )
        row.end_date = ended
        session.add(row)


@pytest.fixture(autouse=True)
def no_runs_are_left(client: TestClient) -> Iterator[None]:
    yield
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    with create_session() as session:
        session.query(DagRun).delete()


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}/hall-7/walk-1"])
def test_only_readers_of_the_ingest_get_in(client: TestClient, records: Records, path: str) -> None:
    deliver(records, "walk-1")
    for headers, status in (({}, 401), (login(client, None), 403), (login(client), 200)):
        answer = client.get(path, headers=headers)
        assert answer.status_code == status
        assert ("walk-1" in answer.text) == (status == 200)


def test_the_navigation_of_airflow_and_its_runs_lead_to_the_pages(client: TestClient) -> None:
    plugins = client.get("/api/v2/plugins", headers=login(client, "ADMIN")).json()["plugins"]
    views = next(each for each in plugins if each["name"] == "capture360")["external_views"]
    assert [(view["href"], view["destination"], view["url_route"]) for view in views] == [
        (PAGE, "nav", "captures"),
        ("/capture360/runs?dag={DAG_ID}&run={RUN_ID}", "dag_run", "capture"),
    ]


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_run_leads_to_its_capture(client: TestClient, records: Records, by_hand: bool) -> None:
    key = deliver(records, "walk-1")
    ran("captures_retract", key, "manual__1+00:00", "success", by_hand=by_hand)
    asked = {"dag": "captures_retract", "run": "manual__1+00:00"}
    for headers, status in (({}, 401), (login(client, None), 403), (login(client), 303)):
        answer = client.get("/capture360/runs", params=asked, headers=headers, follow_redirects=False)
        assert answer.status_code == status
    assert answer.headers["location"] == f"{PAGE}/{key}"


@pytest.mark.parametrize("dag", ["captures_sense", "foreign", "captures_ingest"])
def test_a_run_that_is_not_about_one_capture_says_so(client: TestClient, records: Records, dag: str) -> None:
    ran(dag, CaptureKey("hall-7", "walk-1"), "run", "success")
    run = "none" if dag == "captures_ingest" else "run"
    answer = client.get("/capture360/runs", params={"dag": dag, "run": run}, headers=login(client))
    assert (answer.status_code, answer.json()) == (404, {"detail": "This run is not about one capture."})


def test_a_row_says_where_a_capture_stands(client: TestClient, records: Records) -> None:
    key = deliver(records, "walk-1")
    plates = {"linked": 31, "asked": 12, "missed": 5}
    records.put(key, "f1", "annotate", {"plates": plates}, run="test")
    answer = {"by": "Ada", "plates": {"linked": 42, "asked": 1, "missed": 5}}
    records.put(key, "f1", "reviewed", answer, run="test")
    ran("captures_ingest", key, "asset_triggered__1", "success")
    ran("captures_contextualize", key, "asset_triggered__2+", "failed")
    assert "Review 1 plate<" in shown(client, f"{PAGE}/{key}")
    text = shown(client).replace("<wbr>", "")
    cells = dict(re.findall(r'data-name="([^"]+)"[^>]*>(?:<[^>]+>)*([^<]*)<', text))
    assert cells == {
        "Captured": "2026-03-04", "State": "failed", "Verdict": "accepted", "Stations in": "7", "Held back": "1",
        "Linked": "42", "Asked": "1", "Missed": "5", "Last run": "captures_contextualize", "Age": "0 min",
    }  # fmt: skip
    assert 'href="../dags/captures_contextualize/runs/asset_triggered__2%2B"' in text
    for address in (
        "reports/hall-7/walk-1/f1/validation.html",
        "view/hall-7/walk-1",
        "https://fusion.cognite.com/plant",
    ):
        assert f'href="{address}' in text


@pytest.mark.parametrize(("quarantined", "shows"), [({}, "–"), ({"s-9": ["P03"]}, "1")])
def test_of_a_capture_rejected_as_a_whole_no_number_of_stations_is_held_back(
    client: TestClient, records: Records, quarantined: dict[str, list[str]], shows: str
) -> None:
    deliver(records, "walk-1", verdict="rejected", accepted=0, quarantined=quarantined)
    assert re.findall(r'data-name="Held back"[^>]*>([^<]*)<', shown(client)) == [shows]


def test_a_row_shows_a_picture_once_there_is_one(client: TestClient, records: Records) -> None:
    key = deliver(records, "walk-1")
    assert "<img" not in shown(client)
    records.put_report(key, "f1", "thumbnail.jpg", b"\xff\xd8 a picture")
    records.put(key, "f1", "publish", {"link": "", "collections": [], "thumbnail": "thumbnail.jpg"}, run="test")
    (picture,) = re.findall(r"<img [^>]*>", shown(client))
    assert 'loading="lazy"' in picture
    assert 'alt="First station of hall-7/walk-1"' in picture
    (address,) = re.findall(r'src="([^"]+)"', picture)
    answer = client.get(f"/capture360/{address}", headers=login(client))
    assert (answer.status_code, answer.content) == (200, b"\xff\xd8 a picture")
    assert client.get(f"/capture360/{address}").status_code == 401


def test_captures_are_found_by_state_name_and_site(client: TestClient, records: Records) -> None:
    for name in ("east-1", "east-2", "west-1"):
        deliver(records, name, verdict="rejected" if name == "east-2" else "accepted")
        state = records.load(CaptureKey("hall-7", name))
        assert state is not None
        records.mark_done(state)
    deliver(records, "west-2")
    ran("captures_ingest", CaptureKey("hall-7", "west-2"), "run", "running")
    assert captures_in(shown(client)) == [f"hall-7/{name}" for name in ("west-2", "west-1", "east-2", "east-1")]
    assert captures_in(shown(client, like="EAST")) == ["hall-7/east-2", "hall-7/east-1"]
    assert captures_in(shown(client, state="published", like="east")) == ["hall-7/east-1"]
    assert captures_in(shown(client, state="running", site="hall-7")) == ["hall-7/west-2"]
    assert captures_in(shown(client, site="elsewhere")) == []
    counts = {name: int(count) for count, name in re.findall(r"<b>(\d+)</b>([\w ]+)", shown(client))}
    assert {name: count for name, count in counts.items() if count} == {
        "all": 4,
        "running": 1,
        "rejected": 1,
        "published": 2,
    }
    assert len(counts) == 9


def test_a_review_that_waits_for_people_is_no_work_under_way(client: TestClient, records: Records) -> None:
    key = deliver(records, "walk-1")
    ran("captures_review", key, "run", "running")
    assert captures_in(shown(client, state="running")) == []
    assert captures_in(shown(client, state="contextualized")) == [str(key)]
    state = records.load(key)
    assert state is not None
    records.mark_done(state)
    assert captures_in(shown(client, state="published")) == [str(key)]


@pytest.mark.parametrize(
    ("dag", "state", "shows"),
    [
        ("captures_ingest", "success", "published"),
        ("captures_ingest", "failed", "failed"),
        ("captures_contextualize", "success", "contextualized"),
        ("captures_review", "failed", "failed"),
    ],
)
def test_a_run_counts_before_sensing_has_marked_its_end(
    client: TestClient, records: Records, dag: str, state: str, shows: str
) -> None:
    key = deliver(records, "walk-1")
    assert captures_in(shown(client, state="incoming")) == [str(key)]
    ran(dag, key, "run", state)
    assert captures_in(shown(client, state=shows)) == [str(key)]


def test_a_run_that_rejected_a_capture_is_no_failure(client: TestClient, records: Records) -> None:
    key = deliver(records, "walk-1", "f1", "rejected")
    ran("captures_ingest", key, "run", "failed")
    assert (captures_in(shown(client, state="rejected")), captures_in(shown(client, state="failed"))) == (
        [str(key)],
        [],
    )
    text = shown(client, f"{PAGE}/{key}")
    assert '<span class="state rejected">rejected</span>' in text
    assert "The last run failed" not in text
    records.put(key, "f2", "sense", {"files": 6}, run="test")  # a newer delivery, whose run fails before it is checked
    assert captures_in(shown(client, state="failed")) == [str(key)]
    assert "The last run failed" in shown(client, f"{PAGE}/{key}")


def test_a_run_of_long_ago_says_nothing_of_a_new_delivery(client: TestClient, records: Records) -> None:
    key = deliver(records, "walk-1")
    for dag in ("captures_ingest", "captures_contextualize"):
        ran(dag, key, dag, "success", datetime.now(UTC) - timedelta(days=1))
        assert captures_in(shown(client, state="incoming")) == [str(key)]


def test_a_fixed_delivery_counts_and_the_one_before_it_no_longer(client: TestClient, records: Records) -> None:
    for fingerprint, verdict in (("f1", "rejected"), ("f2", "accepted")):
        key = deliver(records, "walk-1", fingerprint, verdict)
        state = records.load(key, fingerprint)
        assert state is not None
        records.mark_done(state)
    assert captures_in(shown(client, state="published")) == ["hall-7/walk-1"]
    assert captures_in(shown(client, state="rejected")) == []


def test_what_the_headline_says_is_not_said_again(client: TestClient, records: Records) -> None:
    said, found = "hall-7/walk-1 rejected: The unit is missing.", [finding("The unit is missing.", "stop")]
    key = deliver(records, "walk-1", "f1", "rejected", findings=found, headline=said, accepted=0)
    text = shown(client, f"{PAGE}/{key}")
    assert text.count("The unit is missing.") == 1
    assert '<b class="good">' not in text, "nothing of it is good"


def test_the_page_of_a_capture_names_the_one_thing_to_fix(client: TestClient, records: Records) -> None:
    findings = [finding("A file is unused.", "note"), finding("Row 3 has no time.", "quarantine"),
                finding("The unit is missing.", "stop")]  # fmt: skip
    key = deliver(records, "walk-1", "f1", "rejected", findings=findings)
    points = [{"station": f"s-{n}", "x": 1.0 * n, "y": 2.0, "held_back": n == 2} for n in range(3)]
    records.put(key, "f1", "floor_plan", {"points": points}, run="test")
    ran("captures_ingest", key, "run+1", "failed")
    text = shown(client, f"{PAGE}/{key}")
    assert re.search(r"<h2>Fix this first</h2>\s*<p>The unit is missing.</p>", text)
    assert "Row 3" not in text
    assert text.count("<circle") == 3
    assert 'href="../../../dags/captures_ingest/runs/run%2B1"' in text
    assert "Panorama viewer" not in text
    deliver(records, "walk-1", "f2")
    text = shown(client, f"{PAGE}/{key}")
    assert "Fix this first" not in text
    assert re.findall(r'class="id hide-narrow">(\w+)<', text) == ["f2", "f1"]
    assert 'href="../../view/hall-7/walk-1"' in text


def test_the_page_of_a_capture_lists_runs_by_hand(client: TestClient, records: Records) -> None:
    key, other = deliver(records, "walk-1"), deliver(records, "walk-2")
    ran("captures_ingest", key, "run-1", "success")
    ran("captures_retract", key, "manual__1", "failed", by_hand=True)
    ran("captures_contextualize", other, "manual__2", "failed", by_hand=True)
    text = shown(client, f"{PAGE}/{key}")
    assert re.findall(r"/runs/([a-z]+[-_]+\d)\"", text) == ["manual__1", "run-1"]
    assert "The last run failed" not in text


def test_the_page_of_a_capture_says_where_it_stands_as_the_list_does(client: TestClient, records: Records) -> None:
    key = deliver(records, "walk-1")
    ran("captures_ingest", key, "run-1", "failed")
    text = shown(client, f"{PAGE}/{key}")
    assert '<span class="state failed">failed</span>' in text
    said = 'The last run failed: <a href="../../../dags/captures_ingest/runs'
    assert f'{said}/run-1"' in text
    ran("captures_retract", key, "manual__1", "running", by_hand=True)
    assert f'{said}/run-1"' in shown(client, f"{PAGE}/{key}")
    ran("captures_ingest", key, "run-2", "running")
    text = shown(client, f"{PAGE}/{key}")
    assert '<span class="state running">running</span>' in text
    assert "The last run failed" not in text


@pytest.mark.parametrize("path", [f"{PAGE}/hall-7/never", f"{PAGE}/nowhere/walk-1", f"{PAGE}/by-date/walk-1"])
def test_what_is_not_there_is_said_in_a_sentence(client: TestClient, records: Records, path: str) -> None:
    deliver(records, "walk-1")
    answer = client.get(path, headers=login(client))
    assert answer.status_code == 404
    assert answer.json()["detail"].endswith(".")


def test_what_a_capture_waits_for_is_said_with_its_time(client: TestClient, records: Records) -> None:
    seen = {"fingerprint": "f2", "since": "2026-05-05T08:00:00+00:00", "waiting": "files: 3 of the 17 are there"}
    may, walk, asked = CaptureKey("hall-7", "may"), deliver(records, "walk-1"), deliver(records, "walk-2")
    for key in (may, walk):
        records.put_note(key, "look", seen)
    records.put(asked, "f1", "annotate", {"plates": {"linked": 1, "asked": 2, "missed": 0}}, run="test")
    note_review(records, asked, "f1", "m", "a review")
    listed = shown(client)
    for key, sentence in (
        (may, "waits for files: 3 of the 17 are there, since <time>2026-05-05 08:00 UTC</time>"),
        (walk, "waits for the rest of a newer delivery: files: 3 of the 17 are there, since <time>2026-05-05 08:00"),
        (asked, f"waits for answers about 2 plates, since <time>{datetime.now(UTC):%Y-%m-%d}"),
    ):
        assert f">{sentence}" in listed
        assert f'<p class="problem note">It {sentence}' in shown(client, f"{PAGE}/{key}")


def test_captures_whose_review_waits_are_counted_and_found(client: TestClient, records: Records) -> None:
    keys = [deliver(records, f"walk-{number}") for number in range(3)]
    for key in keys[:2]:
        records.put(key, "f1", "annotate", {"plates": {"linked": 1, "asked": 2, "missed": 0}}, run="test")
        note_review(records, key, "f1", "m", "a review")
    assert "<b>2</b>to review" in shown(client)
    assert captures_in(shown(client, state="review")) == ["hall-7/walk-1", "hall-7/walk-0"]
    assert captures_in(shown(client, state="review", like="walk-0")) == ["hall-7/walk-0"]
    note_end(records, keys[0], "a review")
    listed = shown(client)
    assert "<b>1</b>to review" in listed
    assert listed.count("waits for answers") == 1, "nobody is asked any more about what was left open"


def test_a_folder_that_was_emptied_after_publishing_waits_for_nothing(client: TestClient, records: Records) -> None:
    key = deliver(records, "walk-1")
    empty = {"fingerprint": "f2", "since": "2026-05-05T08:00:00+00:00", "waiting": EMPTY}
    records.put_note(key, "look", empty)
    assert "waits for" not in shown(client)


def test_texts_from_outside_are_text(client: TestClient, records: Records) -> None:
    key = deliver(records, "walk-1", findings=[finding(HOSTILE, "stop")], headline=HOSTILE)
    records.put(key, "f1", "capture", {"label": HOSTILE}, run="test")
    seen = {"fingerprint": "f2", "since": "2026-05-05T08:00:00+00:00", "waiting": HOSTILE}
    records.put_note(key, "look", seen)
    point = {"station": HOSTILE, "x": 0.0, "y": 0.0, "held_back": False}
    records.put(key, "f1", "floor_plan", {"points": [point]}, run="test")
    records.put(key, "f1", "publish", {"link": "javascript:alert(1)", "collections": []}, run="test")
    for text in (
        shown(client, f"{PAGE}/{key}"),
        shown(client, like=HOSTILE),
        shown(client, site=HOSTILE[:60]),
        shown(client),
    ):
        assert "<img" not in text
        assert text.count("<script") == 1
        assert "javascript:" not in text
    assert "&lt;script&gt;" in shown(client, f"{PAGE}/{key}")


def test_only_its_own_script_and_style_run(client: TestClient, records: Records) -> None:
    deliver(records, "walk-1")
    for path in (PAGE, f"{PAGE}/hall-7/walk-1"):
        policy = client.get(path, headers=login(client)).headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        assert "*" not in policy


def test_damaged_records_of_one_capture_hide_no_other(client: TestClient, records: Records, landing: Path) -> None:
    deliver(records, "walk-1")
    deliver(records, "walk-2")
    (landing.parents[1] / "records/hall-7/walk-2/f1/validate.json").write_text("{")
    text = shown(client)
    assert captures_in(text) == ["hall-7/walk-2", "hall-7/walk-1"]
    assert "Its records cannot be read" in text
    assert str(landing.parents[1]) not in text


def test_a_page_costs_the_same_reads_and_rows_however_many_captures_there_are(
    client: TestClient, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_capture360.web import captures

    long_ago = datetime.now(UTC) - timedelta(days=1)
    asked: list[str] = []
    rows: list[str] = []

    def counted_run(dag: str, *row: Any) -> LastRun:
        rows.append(dag)
        return LastRun(dag, *row)

    read, names = DocumentStore.read, DocumentStore.names

    def counted_read(store: DocumentStore, path: str) -> bytes | None:
        asked.append(path)
        return read(store, path)

    def counted_names(store: DocumentStore, folder: str = "") -> list[str]:
        asked.append(folder)
        return names(store, folder)

    def cost(**wanted: str) -> tuple[int, int]:
        asked.clear()
        rows.clear()
        assert len(captures_in(shown(client, **wanted))) == 50
        return len(asked), len(rows)

    def deliver_and_run(first: int, last: int) -> None:
        for number in range(first, last):
            ran("captures_ingest", deliver(records, f"walk-{number:03}"), f"run-{number}", "success", long_ago)

    deliver_and_run(0, 60)
    ran("captures_ingest", CaptureKey("hall-7", "walk-007"), "run", "failed")
    monkeypatch.setattr(captures, "MOST_NAMED", 10)
    monkeypatch.setattr("capture360.reports.captures.LastRun", counted_run)
    monkeypatch.setattr(DocumentStore, "read", counted_read)
    monkeypatch.setattr(DocumentStore, "names", counted_names)
    reads, rows_read = cost()
    assert rows_read <= 52
    deliver_and_run(60, 120)
    for wanted in ({}, {"state": "incoming"}):
        assert cost(**wanted)[0] == reads
        assert cost(**wanted)[1] <= 52
    assert len(captures_in(shown(client, page=3))) == 20
    assert captures_in(shown(client, state="failed")) == ["hall-7/walk-007"]


def test_captures_without_a_run_come_last(client: TestClient, records: Records) -> None:
    for name in ("walk-1", "walk-2", "walk-3"):
        key = deliver(records, name)
        if name == "walk-1":
            ran("captures_ingest", key, "run", "success")
    assert captures_in(shown(client)) == ["hall-7/walk-1", "hall-7/walk-3", "hall-7/walk-2"]


def test_the_page_of_a_capture_that_was_dropped_often_reads_its_last_deliveries(
    client: TestClient, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(25):
        key = deliver(records, "walk-1", f"f{number:02}")
    reads, five = itertools.count(), threading.Barrier(5)
    read = DocumentStore.read

    def counted(store: DocumentStore, path: str) -> bytes | None:
        if threading.current_thread().name.startswith("ThreadPoolExecutor") and next(reads) < 5:
            five.wait(30)
        return read(store, path)

    monkeypatch.setattr(DocumentStore, "read", counted)
    text = shown(client, f"{PAGE}/{key}")
    assert re.findall(r'class="id hide-narrow">(\w+)<', text) == [f"f{number:02}" for number in reversed(range(5, 25))]
    assert "5 earlier deliveries not listed" in text
    assert next(reads) >= 5


def test_a_retracted_capture_is_shown_as_such(client: TestClient, records: Records) -> None:
    key = deliver(records, "walk-1")
    state = records.load(key)
    assert state is not None
    records.mark_done(state)
    records.put(key, "f1", "retract", {"by": "somebody", "removed": {}}, run="test")
    state = records.load(key)
    assert state is not None
    assert records.done("hall-7") == {}
    records.mark_done(state)
    assert 'class="state retracted"' in shown(client)
    listed = shown(client, state="retracted")
    assert captures_in(listed) == ["hall-7/walk-1"]
    page = shown(client, f"{PAGE}/{key}")
    assert re.search(r"It was retracted by somebody, 20\d\d-\d\d-\d\d \d\d:\d\d UTC: CDF holds nothing", page)
    assert "<td>retracted</td>" in page
    assert not [text for text in (listed, page) if "fusion.cognite.com" in text or "view/hall-7/walk-1" in text]


def test_the_digest_of_a_site_is_a_page_for_readers(client: TestClient, records: Records) -> None:
    deliver(records, "walk-1", verdict="partial")
    path = "/capture360/digest/hall-7"
    assert 'href="digest/hall-7"' in shown(client)
    for headers, status in (({}, 401), (login(client, None), 403), (login(client), 200)):
        answer = client.get(path, headers=headers)
        assert answer.status_code == status
        assert ("walk-1" in answer.text) == (status == 200)
    assert "sha256-" in answer.headers["content-security-policy"]
    text = shown(client, path, days=1)
    assert re.search(r"<b>1</b>came in", text)
    assert re.search(r'<td class="id">P03</td>.*<td class="count">1</td>', text)
    assert re.search(r"<b>0</b>came in", shown(client, path, days=1, last="2020-02-29"))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("nowhere", 404),
        ("hall-7?days=0", 422),
        ("hall-7?days=91", 422),
        ("hall-7?last=x", 422),
        ("hall-7?last=0001-01-01", 200),
        ("hall-7?last=9999-12-31", 200),
    ],
)
def test_an_address_of_no_digest_is_refused(client: TestClient, records: Records, path: str, status: int) -> None:
    assert client.get(f"/capture360/digest/{path}", headers=login(client)).status_code == status
