"""Leases: one writer for each capture. A lease is a document beside the records that names the run that holds it.

    <site>/<capture>/leases/000001.json       {"run": ..., "at": ...}; the highest number is the lease. Of a shared
                                              space it also names the capture
    <site>/<capture>/leases/000001.released   the holder released it
    sensing/held/<site>~<capture>~000001      marks a lease that was taken, so that one listing finds all of them
    sensing/exclusive                         empty document by which the store is tried

A run takes the lease by creating the next number exclusively. It counts only if no higher number exists afterwards, so
that a run which listed the numbers long ago cannot win with an old one. All of it depends on a store that creates a
document once, which `refuse_overwriting_store` tries.
"""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from capture360.errors import ConfigError, LeaseHeldError, RecordsError, StoreUnavailableError, UnavailableError
from capture360.markers import BETWEEN
from capture360.model import CaptureKey
from capture360.records import EXTRACTIONS, HELD, LEASES, SENSING, Records
from capture360.text import digest_of

_RELEASED = ".released"
_LEASE = re.compile(r"\d+\.json")
_COMMAND_LINE = "command line"
_EXCLUSIVE = f"{SENSING}/exclusive"


def refuse_overwriting_store(records: Records) -> None:
    """Raise ConfigError if the records' store creates a document that exists, so that two runs would hold one lease.

    Takes one request, and a second one the first time.
    """
    if records.store.create(_EXCLUSIVE, b"") and records.store.create(_EXCLUSIVE, b""):
        raise ConfigError(
            f"{records.url} lies in a store that overwrites a document which exists when it is asked to create it, so "
            "two runs could write one capture at the same time.",
            remedy="Keep the records in a store with conditional writes (If-None-Match of S3 and Azure, "
            "if-generation-match of Google Cloud), and install s3fs, gcsfs or adlfs of 2024.12 or later.",
        )


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
    """Return the run name of this process: host, process id, time and start, by which others can detect its end."""
    process, now = os.getpid(), datetime.now(UTC)
    name = f"{_COMMAND_LINE} on {socket.gethostname()}, process {process}, {now:%Y-%m-%dT%H:%M:%SZ}"
    start = _start(process)
    return f"{name}, {start}" if start else name


def is_command(run: str) -> bool:
    """Return whether `run` names a command of `capture360`, and no run of Airflow."""
    return run.startswith(f"{_COMMAND_LINE} on ")


def if_it_hangs(run: str, what: str, capture: str | None = None) -> str:
    """Return what to do about a run that holds a lease and does not end, as the end of a sentence.

    `what` is freed by that. Of a space that captures share, `capture` is the one that the lease was taken for: taking
    over the lease of another capture frees no space.
    """
    of = f" for {capture}" if capture else ""
    if is_command(run):
        return f"if it was killed, run it again{of} with --take-over."
    lost = f" Where its Airflow no longer exists, run `capture360 ingest`{of} with --take-over." if capture else ""
    return f"if it hangs, mark it as failed in Airflow, and captures_sense frees the {what}.{lost}"


def process_is_finished(run: str) -> bool:
    """Return whether `run` names a process of this host that has ended; False for any other kind of run.

    A process that started at another time than the name says is a different one with the same id. Times of day do not
    count, since the clock may be set while a process runs.
    """
    words = run.split(", ")
    if not 3 <= len(words) <= 4 or words[0] != f"{_COMMAND_LINE} on {socket.gethostname()}":
        return False
    try:
        process = int(words[1].removeprefix("process "))
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    except (ValueError, OverflowError):
        return False
    start = _start(process)
    return len(words) == 4 and start is not None and start != words[3]


def _start(process: int) -> str | None:
    """Return a digest of the boot and the tick at which a process started (proc(5)); None where `/proc` is missing."""
    try:
        ticks = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()[19]  # field 22
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (OSError, IndexError):
        return None
    return digest_of([boot, ticks])[:8]


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
