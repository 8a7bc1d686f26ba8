"""Leases: one writer for each capture. A lease is a document beside the records that names the run that holds it.

    <site>/<capture>/leases/000001.json       {"run": ..., "at": ...}; the highest number is the lease. Of a shared
                                              space it also names the capture
    <site>/<capture>/leases/000001.released   the holder released it
    sensing/held/<site>~<capture>~000001      marks a lease that was taken, so that one listing finds all of them

A run takes the lease by creating the next number exclusively. It counts only if no higher number exists afterwards, so
that a run which listed the numbers long ago cannot win with an old one.
"""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from capture360.errors import LeaseHeldError, RecordsError, StoreUnavailableError, UnavailableError
from capture360.markers import BETWEEN
from capture360.model import CaptureKey
from capture360.records import EXTRACTIONS, HELD, LEASES, Records

_RELEASED = ".released"
_LEASE = re.compile(r"\d+\.json")
_COMMAND_LINE = "command line"
_CLOCK_STEP = timedelta(minutes=1)
"""Tolerance for clock changes when start times of processes are compared."""


def take(
    records: Records,
    key: CaptureKey,
    run: str,
    *,
    is_finished: Callable[[str], bool],
    capture: CaptureKey | None = None,
) -> None:
    """Take the lease for `run`; LeaseHeldError names another holder. Idempotent for one run.

    `is_finished` is called with the run that holds it; the lease of a finished run is taken over, and what it holds of
    spaces that captures share is released. The lease of such a space names the `capture` it is taken for.
    """
    number, holder = position(records, key)
    if holder == run:
        return
    if holder is not None and not is_finished(holder):
        raise LeaseHeldError(key, holder)
    if holder is not None:
        _release_spaces(records, holder)
    mine = number + 1
    body = {"run": run, "at": datetime.now(UTC).isoformat(), **({"capture": str(capture)} if capture else {})}
    document = json.dumps(body).encode()
    records.store.put(_held(key, mine), b"")
    created = records.store.create(_path(key, mine), document)
    number, holder = position(records, key)
    if holder != run:
        if created:
            records.store.remove(_path(key, mine))
        raise LeaseHeldError(key, holder or "another run")
    for older in _numbers(records, key):
        if older < number:
            records.store.remove(_path(key, older))
            records.store.remove(_path(key, older, _RELEASED))
            records.store.remove(_held(key, older))


def release(records: Records, key: CaptureKey, run: str) -> None:
    """Release the lease, unless another run holds it."""
    number, holder = position(records, key)
    if holder == run:
        records.store.put(_path(key, number, _RELEASED), b"")
        records.store.remove(_held(key, number))


def _release_spaces(records: Records, run: str) -> None:
    for space in held_of(records, EXTRACTIONS):
        try:
            release(records, space, run)
        except RecordsError:
            continue  # captures_watch reports it


def release_ended(records: Records, *, is_finished: Callable[[str], bool]) -> Sequence[CaptureKey]:
    """Release the leases of runs that ended without doing so; return the freed captures.

    That happens if a run is lost, is marked as ended, or has a task cleared after the releasing one. Takes one listing,
    and two requests for each held lease. A run whose state is unknown keeps its lease.
    """
    freed = []
    for name in records.store.names(HELD):
        site, capture, number = name.split(BETWEEN) if name.count(BETWEEN) == 2 else ("", "", "")
        if not number.isdecimal():
            continue
        key = CaptureKey(site, capture)
        try:
            newest, run = position(records, key)
        except (RecordsError, StoreUnavailableError):
            continue  # whoever takes or asks about that one lease is given the sentence
        if newest > int(number) or (newest == int(number) and run is None):
            records.store.remove(f"{HELD}/{name}")
        elif newest == int(number) and run is not None and _has_ended(run, is_finished):
            release(records, key, run)
            freed.append(key)
    return freed


def _has_ended(run: str, is_finished: Callable[[str], bool]) -> bool:
    try:
        return is_finished(run)
    except UnavailableError:
        return False


def holder(records: Records, key: CaptureKey) -> str | None:
    """Return the run that holds the lease; None if none does."""
    return position(records, key)[1]


def held_of(records: Records, site: str) -> Sequence[CaptureKey]:
    """Return the captures of a site whose lease may be held. Takes one listing."""
    names = (name.split(BETWEEN) for name in records.store.names(HELD))
    return sorted({CaptureKey(site, parts[1]) for parts in names if len(parts) == 3 and parts[0] == site}, key=str)


def held_since(records: Records, key: CaptureKey) -> tuple[str, datetime] | None:
    """Return the run that holds the lease, and when it took it; None if none does."""
    number, run = position(records, key)
    document = records.store.document(_path(key, number)) if run is not None else None
    if run is None or document is None:
        return None
    try:
        return run, datetime.fromisoformat(str(document["at"])).astimezone(UTC)
    except (ValueError, OverflowError):
        raise records.store.broken(_path(key, number), "its time is none") from None


def held_for(records: Records, space: CaptureKey) -> str | None:
    """Return the capture that the lease of a space was taken for; None if it names none, or nobody holds it."""
    number, run = position(records, space)
    document = records.store.document(_path(space, number)) if run is not None else None
    capture = None if document is None else document.get("capture")
    return None if capture is None else str(capture)


def last_run(records: Records, key: CaptureKey) -> tuple[int, str | None]:
    """Return the number of the newest lease and the run that took it, also when it was released; 0 and None if none."""
    number = max(_numbers(records, key), default=0)
    return number, records.holder_of(_path(key, number)) if number else None


@contextmanager
def held(records: Records, key: CaptureKey, run: str, *, is_finished: Callable[[str], bool]) -> Iterator[None]:
    """Hold the lease in the context. An error releases it; after a kill it can be taken over."""
    take(records, key, run, is_finished=is_finished)
    try:
        yield
    finally:
        release(records, key, run)


def name_of_this_process() -> str:
    """Return the run name of this process: host, process id and start, by which others can detect its end."""
    return f"{_COMMAND_LINE} on {socket.gethostname()}, process {os.getpid()}, {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def is_command(run: str) -> bool:
    """Return whether `run` names a command of `capture360`, and no run of Airflow."""
    return run.startswith(f"{_COMMAND_LINE} on ")


def process_is_finished(run: str) -> bool:
    """Return whether `run` names a process of this host that has ended; False for any other kind of run.

    A process that started after the run got its name is a different one with the same id.
    """
    words = run.split(", ")
    if len(words) != 3 or words[0] != f"{_COMMAND_LINE} on {socket.gethostname()}":
        return False
    try:
        process, named = int(words[1].removeprefix("process ")), datetime.fromisoformat(words[2]).astimezone(UTC)
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    except ValueError:
        return False
    began = _began(process)
    return began is not None and began > named + _CLOCK_STEP


def _began(process: int) -> datetime | None:
    """Return when a running process started, from `/proc` (proc(5): field 22 of `stat`, in ticks since the boot)."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
        boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
    except (OSError, StopIteration):
        return None
    return datetime.fromtimestamp(int(boot.split()[1]) + int(fields[19]) / os.sysconf("SC_CLK_TCK"), UTC)


def position(records: Records, key: CaptureKey) -> tuple[int, str | None]:
    """Return the highest lease number (0 if none) and the run that holds it (None if it was released).

    Two equal answers mean that no run took or released the lease in between.
    """
    names = set(records.store.names(f"{key}/{LEASES}"))
    number = max(_numbers(records, key, names), default=0)
    if number == 0 or f"{number:06}{_RELEASED}" in names:
        return number, None
    return number, records.holder_of(_path(key, number))


def _numbers(records: Records, key: CaptureKey, names: set[str] | None = None) -> list[int]:
    found = records.store.names(f"{key}/{LEASES}") if names is None else names
    return [int(name.removesuffix(".json")) for name in found if _LEASE.fullmatch(name)]


def _held(key: CaptureKey, number: int) -> str:
    return f"{HELD}/{key.site}{BETWEEN}{key.capture}{BETWEEN}{number:06}"


def _path(key: CaptureKey, number: int, suffix: str = ".json") -> str:
    return f"{key}/{LEASES}/{number:06}{suffix}"
