"""What captures wait for, and since when, by the records alone."""

from __future__ import annotations

from collections.abc import Iterator

from capture360.capture_state import Stage
from capture360.errors import RecordsError
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.reports.captures import Wait
from capture360.steps import lease
from capture360.steps.folder_snapshot import EMPTY, last_snapshot
from capture360.steps.review_due import asked_since, review_waits
from capture360.steps.turn_note import waiting_since
from capture360.text import counted, printable


def waits(records: Records, key: CaptureKey, stage: Stage | None, asked: int = 0) -> Iterator[Wait]:
    """Yield what a capture waits for.

    `stage` is that of its newest delivery, None without records, and `asked` the number of plates that nobody has
    decided. Damaged notes are left out: captures_watch names those of turns and leases, and sensing replaces its own.
    """
    if stage is Stage.RETRACTED:
        return
    seen = last_snapshot(records, key)
    if seen is not None and seen.waiting and seen.fingerprint not in records.fingerprints(key):
        if stage is None:
            yield Wait(printable(seen.waiting), seen.since)
        elif seen.waiting != EMPTY:  # whoever removes what was published waits for nothing
            yield Wait(f"the rest of a newer delivery: {printable(seen.waiting)}", seen.since)
    if stage is Stage.CONTEXTUALIZED:
        review = asked_since(records, key) if asked and review_waits(records, key) else None
        if review is not None:
            yield Wait(f"answers about {counted(asked, 'plate')}", review[1])
        return
    try:
        if since := waiting_since(records, key):
            yield Wait("its turn to be extracted", since)
        if stage is not None and not stage.is_end and (held := lease.held_since(records, key)):
            yield Wait(f"{held[0]}, which works on it", held[1])
    except RecordsError:
        return
