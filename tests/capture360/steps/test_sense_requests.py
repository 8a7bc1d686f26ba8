"""What a look and a poll of a landing zone on S3 cost in requests: a few, however many captures are done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from capture360.landing.fingerprint import fingerprint
from capture360.landing.folder import CaptureFolder
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.settings.register import CONFIG_VARIABLE, Register
from capture360.steps.landing_changes import LandingChanges
from capture360.steps.listing_state import ENDED_AT_ONCE
from capture360.steps.sense import remember, sense

s3fs = pytest.importorskip("s3fs", reason="the extra s3 is not installed")
moto_server = pytest.importorskip("moto.server", reason="moto is not installed")

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)
REGISTER = """
records: s3://captures/records
sites:
  hall-7: {landing: {url: "s3://captures/landing/hall-7"}, space: c, links: {enabled: %s}}
"""
A_FEW = 10
"""Requests of a look that do not depend on the number of captures."""


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The requests to S3 so far, by name."""
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    httpx.post(f"http://{host}:{port}/moto-api/reset", trust_env=False, timeout=60).raise_for_status()
    for name, value in (("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("NO_PROXY", "127.0.0.1")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://{host}:{port}")
    s3fs.S3FileSystem.clear_instance_cache()
    made: list[str] = []
    call = s3fs.S3FileSystem._call_s3

    async def counted(self: Any, method: str, *arguments: Any, **options: Any) -> Any:
        made.append(method)
        return await call(self, method, *arguments, **options)

    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", counted)
    s3fs.S3FileSystem().mkdir("captures")
    try:
        yield made
    finally:
        s3fs.S3FileSystem.clear_instance_cache()
        server.stop()


def look(tmp_path: Path, hours: int, *, links: bool = False) -> Any:
    config = tmp_path / "sites.yaml"
    config.write_text(REGISTER % str(links).lower())
    records = Records("s3://captures/records")
    sensed = sense(Register(str(config)), records, now=NOW + timedelta(hours=hours), run=f"look {hours}")
    remember(records, sensed)
    assert sensed.findings == ()
    return sensed


def ended(numbers: range, step: str, body: dict[str, Any]) -> None:
    """Captures whose newest record is of that step."""
    store = s3fs.S3FileSystem()
    for number in numbers:
        key = CaptureKey("hall-7", f"capture-{number}")
        store.pipe_file(f"captures/landing/{key}/stations.csv", f"{number}".encode())
        store.pipe_file(f"captures/landing/{key}/_READY", b"")
    record(numbers, step, body)


def record(numbers: range, step: str, body: dict[str, Any]) -> None:
    records = Records("s3://captures/records")
    for number in numbers:
        key = CaptureKey("hall-7", f"capture-{number}")
        seen = fingerprint(CaptureFolder(f"s3://captures/landing/{key}"), ("_READY",))
        records.put(key, seen, step, body, run="a run")


@pytest.mark.parametrize(
    ("step", "body"), [("verify", {}), ("validate", {"verdict": "rejected"}), ("annotate", {"plates": {"asked": 0}})]
)
def test_twice_the_captures_that_are_done_cost_no_more(
    requests: list[str], tmp_path: Path, step: str, body: dict[str, Any]
) -> None:
    made = {}
    for number in (ENDED_AT_ONCE, 2 * ENDED_AT_ONCE):
        ended(range(number - ENDED_AT_ONCE, number), step, body)
        look(tmp_path, number)
        requests.clear()
        assert look(tmp_path, number + 1).ready == ()
        made[number] = len(requests)
    assert made[2 * ENDED_AT_ONCE] == made[ENDED_AT_ONCE] <= ENDED_AT_ONCE + A_FEW, requests


def test_a_poll_of_the_watcher_costs_no_more_either(
    requests: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "sites.yaml"))
    made = {}
    for number in (ENDED_AT_ONCE, 2 * ENDED_AT_ONCE):
        ended(range(number - ENDED_AT_ONCE, number), "verify", {})
        look(tmp_path, number)
        changes = LandingChanges()
        changes.poll()
        requests.clear()
        assert not changes.poll()[0]
        made[number] = len(requests)
    assert made[2 * ENDED_AT_ONCE] == made[ENDED_AT_ONCE] <= ENDED_AT_ONCE + A_FEW, requests


def test_what_the_watcher_sees_is_in_the_next_look(
    requests: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only when its turn comes there. The watcher may be another one than before the change."""
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "sites.yaml"))
    ended(range(2 * ENDED_AT_ONCE), "verify", {})
    look(tmp_path, 0)
    key = CaptureKey("hall-7", "capture-9")
    s3fs.S3FileSystem().pipe_file(f"captures/landing/{key}/stations.csv", b"another delivery")
    changes = LandingChanges()
    for _ in range(2):
        changes.poll()
    requests.clear()
    assert look(tmp_path, 1).ready == (key,)
    assert len([name for name in requests if "list" in name]) <= ENDED_AT_ONCE + A_FEW


def test_the_turn_comes_to_every_capture_that_is_done(requests: list[str], tmp_path: Path) -> None:
    number = 2 * ENDED_AT_ONCE + 3
    ended(range(number), "verify", {})
    look(tmp_path, 0)
    keys = [CaptureKey("hall-7", f"capture-{each}") for each in range(number)]
    for key in keys:
        s3fs.S3FileSystem().pipe_file(f"captures/landing/{key}/stations.csv", b"another delivery")
    seen = [look(tmp_path, hour).ready for hour in range(1, 4)]
    assert [len(each) for each in seen] == [ENDED_AT_ONCE, 2 * ENDED_AT_ONCE, number], (
        "announced again until it is done"
    )
    assert set(seen[-1]) == set(keys)


def test_a_changed_capture_is_listed_until_it_is_done_again(requests: list[str], tmp_path: Path) -> None:
    """Not only when its turn comes: without its marker, the next look sees that its files stopped changing."""
    ended(range(2 * ENDED_AT_ONCE), "verify", {})
    look(tmp_path, 0)
    key = CaptureKey("hall-7", "capture-0")
    s3fs.S3FileSystem().rm(f"captures/landing/{key}/_READY")
    s3fs.S3FileSystem().pipe_file(f"captures/landing/{key}/stations.csv", b"another delivery")
    assert [each for each, _ in look(tmp_path, 1).waiting] == [key]
    assert [look(tmp_path, hour).ready for hour in (24, 25)] == [(key,), (key,)]


def test_what_changes_after_that_is_noticed(requests: list[str], tmp_path: Path) -> None:
    ended(range(2), "verify", {})
    look(tmp_path, 0)
    assert look(tmp_path, 1) == look(tmp_path, 2)
    key = CaptureKey("hall-7", "capture-1")
    s3fs.S3FileSystem().pipe_file(f"captures/landing/{key}/stations.csv", b"another delivery")
    assert look(tmp_path, 3).ready == (key,)


def test_links_that_a_site_wants_later_are_handed_on(requests: list[str], tmp_path: Path) -> None:
    ended(range(1), "verify", {})
    look(tmp_path, 0)
    years = 24 * 365 * 10
    assert look(tmp_path, years).published == ()
    assert look(tmp_path, years, links=True).published == (CaptureKey("hall-7", "capture-0"),)


def test_records_that_were_removed_are_missed(requests: list[str], tmp_path: Path) -> None:
    ended(range(1), "verify", {})
    look(tmp_path, 0)
    assert look(tmp_path, 1).ready == ()
    s3fs.S3FileSystem().rm("captures/records/hall-7/capture-0", recursive=True)
    assert look(tmp_path, 2).ready == (CaptureKey("hall-7", "capture-0"),)


def test_a_step_that_records_anew_how_far_it_got_is_noticed(requests: list[str], tmp_path: Path) -> None:
    ended(range(1), "annotate", {"plates": {"asked": 0}})
    look(tmp_path, 0, links=True)
    record(range(1), "annotate", {"plates": {"asked": 2}, "match": "m"})
    years = 24 * 365 * 10
    assert look(tmp_path, years, links=True).suggested == (CaptureKey("hall-7", "capture-0"),)
