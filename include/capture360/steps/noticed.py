"""When decisions were noticed first that CDF gives no time, as it gives none to a deletion."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from capture360.capture_state import ANNOTATE
from capture360.matching.decisions import Decided
from capture360.model import CaptureKey, Match
from capture360.records import NOTES, Records
from capture360.text import digest_of

NOTICED = f"{NOTES}/noticed"
"""Folder of the notes of when a decision was noticed first."""


def with_times(
    records: Records, key: CaptureKey, decisions: Iterable[Decided], *, reads_only: bool = False
) -> list[Decided]:
    """Return decisions in CDF, those that it gives no time as of the moment when any run first noticed them.

    That is noted once for each link, unless it `reads_only`, since whoever noticed it need not hold the capture's
    lease, and asks again. A link that was written anew since is another one.
    """
    found = list(decisions)
    if all(each.at for each in found):
        return found
    newest = records.newest_with(key, ANNOTATE)
    linked = records.get(key, newest, ANNOTATE) if newest else None
    written = linked.at.isoformat() if linked else ""
    names = {each: _name(each.match, written) for each in found if not each.at}
    noted = sorted({*names.values()}.intersection(records.note_names(key, NOTICED)))
    notes = zip(noted, records.read_notes(key, noted, NOTICED), strict=True)
    times = {name: str(note["at"]) for name, note in notes if note is not None}
    for name in dict.fromkeys(name for name in names.values() if name not in times):
        times[name] = datetime.now(UTC).isoformat()
        if not reads_only and not records.create_note(key, name, {"at": times[name]}, NOTICED):
            times[name] = str((records.note(key, name, NOTICED) or {"at": times[name]})["at"])
    return [each if each.at else replace(each, at=times[names[each]]) for each in found]


def _name(match: Match, written: str) -> str:
    return digest_of([match.detection.image, match.asset.ref if match.asset else "", written])
