"""Whether people were asked about the links that are only suggested, by the records alone.

Linking records which matches it linked, and a review notes which matches it asks about: small documents, since sensing
looks at them for every capture.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from capture360.model import CaptureKey
from capture360.records import CaptureState, Records

_ASKED = "asked"
_MATCH = "match"


def digest_of(document: object) -> str:
    """Sixteen digits that tell a JSON document from others."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:16]


def match_digest(records: Records, key: CaptureKey, fingerprint: str) -> str:
    """Tells what a delivery's texts were matched to from other matches."""
    record = records.get(key, fingerprint, _MATCH)
    return digest_of(record.body["matches"] if record else None)


def note_review(records: Records, key: CaptureKey, fingerprint: str, match: str, run: str) -> None:
    """Note that `run` asks about the matches with this digest."""
    records.put_note(key, _ASKED, {"fingerprint": fingerprint, "match": match, "run": run})


def review_due(records: Records, state: CaptureState) -> str | None:
    """Digest of the matches that a review has to ask about; None if there is none to ask, or a review has asked.

    A review that nobody answered in time has asked.
    """
    linked = state.body("annotate")
    if linked is None or not linked.get("undecided"):
        return None
    note = records.note(state.key, _ASKED) or {}
    asked = (note.get("fingerprint"), note.get("match")) == (state.fingerprint, linked["match"])
    return None if asked else str(linked["match"])


def asking_run(
    records: Records, key: CaptureKey, fingerprint: str, run: str, is_finished: Callable[[str], bool]
) -> str | None:
    """The unfinished run, other than `run`, that asks about the same matches; None if there is none."""
    note = records.note(key, _ASKED)
    if note is None or note["run"] == run or note["fingerprint"] != fingerprint:
        return None
    if note["match"] != match_digest(records, key, fingerprint) or is_finished(note["run"]):
        return None
    return str(note["run"])
