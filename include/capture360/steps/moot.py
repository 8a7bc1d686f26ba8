"""Whether the work of a failed task has become impossible, so that its alert would never end.

That is a mistyped key in a run by hand, a site that left the register, a date without captures, a delivery that was
removed before anything of it was published, and a retraction that removed nothing. Each is shown for a while first, for
the person who caused it.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from capture360 import dag_names
from capture360.capture_state import STAGE_STEPS, VALIDATE, Stage
from capture360.errors import RequestError
from capture360.landing.listing import capture_folder, captures
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.settings.register import Register
from capture360.settings.site import Site
from capture360.steps.backfill import captures_on
from capture360.steps.incidents import Occurrence
from capture360.steps.publish import STEP as PUBLISH
from capture360.steps.retracted import is_broken_off

SHOWN_FOR = timedelta(hours=1)
_OF_CAPTURES = frozenset({dag_names.INGEST, dag_names.CONTEXTUALIZE, dag_names.REVIEW, dag_names.RETRACT})


def is_moot(register: Register, records: Records, occurrence: Occurrence, now: datetime) -> bool:
    """Return whether a task that failed at least an hour ago has become pointless.

    Raises what stores raise: a landing zone that cannot be listed proves nothing.
    """
    if now - occurrence.at < SHOWN_FOR:
        return False
    if occurrence.dag == dag_names.BACKFILL:
        return _is_no_date(records, occurrence.subject)
    if occurrence.dag == dag_names.RECONCILE:
        return occurrence.subject not in {*register.site_ids, occurrence.dag}
    return occurrence.dag in _OF_CAPTURES and _capture_is_moot(register, records, occurrence)


def _is_no_date(records: Records, subject: str) -> bool:
    try:
        return not captures_on(records, date.fromisoformat(subject))
    except ValueError:
        return True


def _capture_is_moot(register: Register, records: Records, occurrence: Occurrence) -> bool:
    try:
        key = CaptureKey.parse(occurrence.subject)
    except RequestError:
        return True
    if key.site not in register.site_ids:
        return True
    if occurrence.dag == dag_names.RETRACT:
        return not is_broken_off(records, key)
    state = records.load(key, only=STAGE_STEPS)
    if state is not None and occurrence.dag != dag_names.INGEST:
        return False
    if state is not None and _was_rejected_since(records, key, state.fingerprint, occurrence):
        return True
    if state is not None and state.stage is not Stage.REJECTED and records.newest_with(key, PUBLISH) is not None:
        return False  # part of it may be in CDF: deliver it again, or retract it
    return _is_taken_away(register.site(key.site), key)


def _is_taken_away(site: Site, key: CaptureKey) -> bool:
    """Return whether the landing zone exists and has no files of the capture."""
    return key not in captures(site).keys or not capture_folder(site, key).files


def _was_rejected_since(records: Records, key: CaptureKey, fingerprint: str, occurrence: Occurrence) -> bool:
    """Return whether a later run rejected the capture: that one has an alert of its own."""
    record = records.get(key, fingerprint, VALIDATE)
    if record is None or record.body["verdict"] != Stage.REJECTED.value:
        return False
    return record.at > occurrence.at and not record.run.endswith(f" {occurrence.run}")
