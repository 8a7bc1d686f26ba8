"""Refusal of retracted captures until they are delivered with a higher revision."""

from __future__ import annotations

from capture360.capture_state import STAGE_STEPS, VALIDATE, CaptureState, Stage
from capture360.errors import BadInputError
from capture360.landing.folder import CaptureFolder
from capture360.model import Capture, CaptureKey, Verdict
from capture360.readers.manifest import MANIFEST
from capture360.readers.manifest_file import load_document
from capture360.readers.problem import Unreadable
from capture360.records import Records
from capture360.steps.republish_guard import published_revision

RETRACTED = "retracted"
"""Note of the revision that was retracted last."""
PLAN = "retraction"
"""Note of the items that are being removed; deleted at the end."""


def refuse_retracted(records: Records, capture: Capture) -> None:
    """Raise BadInputError unless the delivery has a higher revision than the retracted one."""
    if reason := why_out(records, capture.key, capture.revision):
        raise BadInputError(f"{capture.key}: {reason}")


def stays_out(records: Records, key: CaptureKey, folder: CaptureFolder) -> str | None:
    """Return why a delivery is not announced; None if it may be. An unreadable manifest is left to the checks."""
    if records.note(key, RETRACTED) is None:
        return None
    try:
        revision = str(load_document(folder).get("revision", 1)) if folder.exists(MANIFEST) else "1"
    except (OSError, Unreadable):
        return None
    return why_out(records, key, int(revision)) if revision.isdecimal() and len(revision) < 10 else None


def comes_back(records: Records, state: CaptureState, folder: CaptureFolder) -> bool:
    """Return whether a retracted delivery is announced again: no run has read it, and its revision is higher.

    A retraction covers every delivery that is known, whatever lies in the folder.
    """
    is_unread = state.stage is Stage.RETRACTED and state.body(VALIDATE) is None
    return is_unread and stays_out(records, state.key, folder) is None


def newest_begun(records: Records, key: CaptureKey) -> CaptureState | None:
    """Return the newest delivery that a run has read; None if there is none."""
    states = [records.load(key, each, only=STAGE_STEPS) for each in records.fingerprints(key)]
    begun = [state for state in states if state is not None and state.body(VALIDATE) is not None]
    return max(begun, key=lambda state: state.seen_at, default=None)


def has_begun(records: Records, key: CaptureKey) -> bool:
    """Return whether a retraction has begun to remove, and has not ended."""
    return records.note(key, PLAN) is not None


def is_unfinished(records: Records, key: CaptureKey) -> bool:
    """Return whether a retraction has begun to remove what was delivered last, and has not ended."""
    return has_begun(records, key) and records.note(key, RETRACTED) is not None and not delivered_anew(records, key)


def is_broken_off(records: Records, key: CaptureKey) -> bool:
    """Return whether a retraction has begun to remove, has not ended, and nothing is published with a higher revision.

    Until then files of what it left may be in CDF, also where a higher revision is delivered already.
    """
    note = records.note(key, RETRACTED)
    return has_begun(records, key) and (note is None or published_revision(records, key) <= int(note["revision"]))


def delivered_anew(records: Records, key: CaptureKey) -> bool:
    """Return whether a higher revision was accepted since a retraction began to remove what was there before.

    Some of it may be in CDF although it is not published to its end.
    """
    note = records.note(key, RETRACTED)
    if note is None:
        return False
    revisions = [published_revision(records, key)]
    for delivery in records.fingerprints(key):
        capture, verdict = records.get(key, delivery, "capture"), records.get(key, delivery, "validate")
        if capture is not None and verdict is not None and verdict.body["verdict"] != Verdict.REJECTED.value:
            revisions.append(int(capture.body["revision"]))
    return max(revisions) > int(note["revision"])


def why_out(records: Records, key: CaptureKey, revision: int) -> str | None:
    """Return why a delivery of that revision does not come back; None if it may."""
    note = records.note(key, RETRACTED)
    if note is None or revision > int(note["revision"]):
        return None
    unfinished = ", and that has not ended: run captures_retract for it again" if is_unfinished(records, key) else ""
    return (
        f"it was retracted as revision {note['revision']}{unfinished}. To have it published again, write "
        f"revision: {int(note['revision']) + 1} in {MANIFEST} and deliver it."
    )
