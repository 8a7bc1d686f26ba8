"""One writer a capture, however many start at once and however they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from capture360.errors import AirflowUnavailableError, LeaseHeldError
from capture360.model import CaptureKey
from capture360.records import EXTRACTIONS, HELD, Records
from capture360.steps import lease

KEY = CaptureKey("hall-7", "2026-05-01")


def never(run: str) -> bool:
    return False


def always(run: str) -> bool:
    return True


def test_the_second_run_is_told_who_holds_the_lease(records: Records) -> None:
    lease.take(records, KEY, "run 1", is_finished=never)
    lease.take(records, KEY, "run 1", is_finished=never)
    with pytest.raises(LeaseHeldError, match="hall-7/2026-05-01 is being written by run 1"):
        lease.take(records, KEY, "run 2", is_finished=never)
    assert lease.holder(records, KEY) == "run 1"


def test_a_released_lease_is_free_and_others_cannot_release_it(records: Records) -> None:
    lease.take(records, KEY, "run 1", is_finished=never)
    lease.release(records, KEY, "run 2")
    assert lease.holder(records, KEY) == "run 1"
    lease.release(records, KEY, "run 1")
    assert lease.holder(records, KEY) is None
    lease.take(records, KEY, "run 2", is_finished=never)
    assert lease.holder(records, KEY) == "run 2"


def test_a_finished_run_is_taken_over_and_cannot_come_back(records: Records) -> None:
    lease.take(records, KEY, "run 1", is_finished=never)
    lease.take(records, KEY, "run 2", is_finished=always)
    assert lease.holder(records, KEY) == "run 2"
    lease.release(records, KEY, "run 1")
    assert lease.holder(records, KEY) == "run 2"


def test_many_at_once_one_wins(records: Records) -> None:
    lease.take(records, KEY, "an old run", is_finished=never)

    def try_it(number: int) -> str | None:
        try:
            lease.take(records, KEY, f"run {number}", is_finished=lambda run: run == "an old run")
        except LeaseHeldError:
            return None
        return f"run {number}"

    with ThreadPoolExecutor(16) as pool:
        winners = [name for name in pool.map(try_it, range(64)) if name]
    assert winners == [lease.holder(records, KEY)]


def test_tasks_of_one_run_take_it_together(records: Records) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: lease.take(records, KEY, "run 1", is_finished=never), range(64)))
    assert lease.holder(records, KEY) == "run 1"


def test_a_look_from_long_ago_wins_nothing(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that looked, slept while others came and went, and then creates its number."""
    lease.take(records, KEY, "run 1", is_finished=never)
    real = lease.position
    looks = []

    def current(records: Records, key: CaptureKey) -> tuple[int, str | None]:
        seen = real(records, key)
        if not looks:
            looks.append(seen)
            for run in ("run 2", "run 3"):
                lease.take(records, key, run, is_finished=always)
        return seen

    monkeypatch.setattr(lease, "position", current)
    with pytest.raises(LeaseHeldError, match="run 3"):
        lease.take(records, KEY, "the sleeper", is_finished=always)
    assert lease.holder(records, KEY) == "run 3"


def test_an_error_gives_the_lease_back(records: Records) -> None:
    with pytest.raises(ValueError, match="broken"), lease.held(records, KEY, "run 1", is_finished=never):
        raise ValueError("broken")
    assert lease.holder(records, KEY) is None


def test_a_killed_command_line_is_taken_over(records: Records, tmp_path: Path) -> None:
    script = """
import sys
from capture360.model import CaptureKey
from capture360.records import EXTRACTIONS, HELD, Records
from capture360.steps import lease
name = lease.name_of_this_process()
lease.take(Records(sys.argv[1]), CaptureKey("hall-7", "2026-05-01"), name, is_finished=lambda run: False)
print(name, flush=True)
sys.stdin.read()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script, records.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert lease.holder(records, KEY) == name
        assert not lease.process_is_finished(name)
        with pytest.raises(LeaseHeldError, match=f"process {process.pid}"):
            lease.take(records, KEY, "run 2", is_finished=lease.process_is_finished)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.communicate()
    lease.take(records, KEY, "run 2", is_finished=lease.process_is_finished)
    assert lease.holder(records, KEY) == "run 2"


@pytest.mark.parametrize("run", ["scheduled__2026", "command line on elsewhere, process 1, 2026", "a, process x, b"])
def test_other_runs_are_not_taken_for_dead_processes(run: str) -> None:
    assert not lease.process_is_finished(run)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc when a process began")
def test_a_process_that_took_over_a_number_is_not_the_run_that_had_it() -> None:
    words = lease.name_of_this_process().split(", ")
    assert lease.process_is_finished(", ".join([*words[:3], "another"]))
    set_clock = [*words[:2], "2020-01-01T00:00:00Z", *words[3:]]
    assert not lease.process_is_finished(", ".join(set_clock))
    assert not lease.process_is_finished(", ".join(words[:3]))


def test_this_process_is_running() -> None:
    assert not lease.process_is_finished(lease.name_of_this_process())
    assert str(os.getpid()) in lease.name_of_this_process()


def test_the_lease_is_one_small_document(records: Records) -> None:
    for number in range(3):
        with lease.held(records, KEY, f"run {number}", is_finished=never):
            pass
    names = records.store.names(f"{KEY}/leases")
    assert names == ["000003.json", "000003.released"]
    content = records.store.read(f"{KEY}/leases/000003.json")
    assert content is not None
    assert json.loads(content)["run"] == "run 2"


def test_what_an_ended_run_still_holds_is_given_back(records: Records) -> None:
    others = [CaptureKey("hall-7", f"walk_{number}.a-b") for number in range(3)]
    for number, key in enumerate(others):
        lease.take(records, key, f"run {number}", is_finished=never)
    lease.release(records, others[1], "run 1")
    lease.take(records, KEY, "an old run", is_finished=never)
    lease.take(records, KEY, "run 3", is_finished=always)

    def is_finished(run: str) -> bool:
        if run == "run 2":
            raise AirflowUnavailableError("no answer")
        return run in {"run 0", "an old run"}

    assert lease.release_ended(records, is_finished=is_finished) == [others[0]]
    assert [lease.holder(records, key) for key in (*others, KEY)] == [None, None, "run 2", "run 3"]
    assert lease.release_ended(records, is_finished=always) == [KEY, others[2]]
    assert records.store.names(HELD) == []


def test_leases_that_were_given_back_cost_no_look(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(8):
        with lease.held(records, CaptureKey("hall-7", f"walk-{number}"), "run 1", is_finished=never):
            pass
    asked: list[str] = []
    names = records.store.names
    monkeypatch.setattr(records.store, "names", lambda folder="": (asked.append(folder), names(folder))[1])
    assert lease.release_ended(records, is_finished=always) == []
    assert asked == [HELD]


def test_who_takes_a_capture_over_frees_the_spaces_that_its_run_holds(records: Records) -> None:
    spaces = [CaptureKey(EXTRACTIONS, f"c.p.{name}") for name in ("of-the-killed", "of-another")]
    for key, run in ((KEY, "killed"), (spaces[0], "killed"), (spaces[1], "another")):
        lease.take(records, key, run, is_finished=never)
    lease.take(records, KEY, "run 2", is_finished=lambda run: True)
    assert [lease.holder(records, key) for key in (KEY, *spaces)] == ["run 2", None, "another"]
