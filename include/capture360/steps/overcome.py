"""Whether the records show that the work of a failed task was done later."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from capture360 import dag_names
from capture360.capture_state import STAGE_STEPS, Stage
from capture360.errors import ConfigError, RequestError
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.settings.register import Register
from capture360.steps.annotate import STEP as ANNOTATE
from capture360.steps.backfill import What, captures_on, lacks_end
from capture360.steps.digest import due, last_drift
from capture360.steps.incidents import Occurrence
from capture360.steps.last_sensing import last_sensing
from capture360.steps.review_due import asked_since
from capture360.steps.sense_findings import MORE, standing_findings
from capture360.steps.times_ahead import CLOCKS_APART
from capture360.steps.verify import STEP as VERIFY
from capture360.steps.watch_life import last_look
from capture360.text import without_secrets

SURE_AFTER = timedelta(minutes=15)
"""A look that began so long after a failure shows that it is over: one between them would have failed as well."""


def is_overcome(register: Register, records: Records, occurrence: Occurrence, now: datetime) -> bool:
    """Return whether a later run did the work of the failed one, or it is no longer wanted.

    A capture that is retracted is well in every respect, one that was ingested or contextualized after the failure in
    that one, and so is one that another review began to ask about since. A backfilled date is well when each of its
    captures is published, and one of them was ingested or contextualized since; sensing when none of the findings that
    it failed with is left; a site that was compared since, without a difference if it had drifted. Whatever else failed
    in DAGs without captures is well when they did their work again. Times in the future, of clocks ahead, show nothing.
    """
    if occurrence.dag == dag_names.SENSE:
        if occurrence.task == "complain":
            return not _still_found(records, occurrence.what)
        scanned = last_sensing(records, now)
        return scanned is not None and scanned > occurrence.at + SURE_AFTER
    if occurrence.dag == dag_names.WATCH:
        last = last_look(records, now)
        return last is not None and last.at > occurrence.at + SURE_AFTER
    if occurrence.dag == dag_names.BACKFILL:
        return _date_is_done(records, occurrence, now)
    if occurrence.dag == dag_names.RECONCILE:
        if occurrence.task == "send_digests":
            return not any(_lacks_digest(register, records, site, now) for site in register.site_ids)
        sites = register.site_ids if occurrence.subject == occurrence.dag else [occurrence.subject]
        drifts = [each for site in sites if (each := last_drift(records, site))]
        since = [each for each in drifts if occurrence.at < each.at <= now + CLOCKS_APART]
        return any(not (each.differences and occurrence.drifted) for each in since)
    try:
        key = CaptureKey.parse(occurrence.subject)
    except RequestError:
        return False
    state = records.load(key, only=STAGE_STEPS)
    if state is None:
        return False
    if state.stage is Stage.RETRACTED:
        return True
    if occurrence.dag == dag_names.REVIEW:
        asked = asked_since(records, key)
        if asked is None or asked[0].endswith(f" {occurrence.run}"):
            return False
        return occurrence.at < asked[1] <= now + CLOCKS_APART
    step = {dag_names.INGEST: VERIFY, dag_names.CONTEXTUALIZE: ANNOTATE}.get(occurrence.dag)
    return step is not None and _is_newer(records, key, step, occurrence.at, now)


def _lacks_digest(register: Register, records: Records, site: str, now: datetime) -> bool:
    try:
        return bool(due(records, register.site(site), now))
    except ConfigError:
        return False  # captures_sense reports it, and no digest is sent


def _still_found(records: Records, said: str) -> bool:
    """Return whether sensing still finds any of what it said; any finding counts where that left some out."""
    standing = [without_secrets(sentence) for sentence in standing_findings(records)]
    left_some_out = said.endswith("…") or MORE in said
    return bool(standing) if left_some_out else any(sentence in said for sentence in standing)


def _is_newer(records: Records, key: CaptureKey, step: str, than: datetime, now: datetime) -> bool:
    """Return whether the step was done since. A time in the future, of a clock ahead, says nothing: the store's does.

    All later records of the capture have such times as well.
    """
    newest = records.newest_with(key, step)
    record = records.get(key, newest, step) if newest else None
    if newest is None or record is None:
        return False
    at = record.at if record.at <= now + CLOCKS_APART else records.written_at(key, newest, step)
    return at is not None and than < at <= now + CLOCKS_APART


def _date_is_done(records: Records, occurrence: Occurrence, now: datetime) -> bool:
    try:
        day = date.fromisoformat(occurrence.subject)
    except ValueError:
        return False
    keys = captures_on(records, day)
    since = any(_is_newer(records, key, step, occurrence.at, now) for key in keys for step in (VERIFY, ANNOTATE))
    return since and not any(lacks_end(records, key, What.INGEST) for key in keys)
