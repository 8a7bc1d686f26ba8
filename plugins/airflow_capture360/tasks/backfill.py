"""Tasks of captures_backfill: find the captures due on a date, announce them to the DAGs, and wait for their end."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from airflow_capture360.context import emit, register_and_records, site_context
from airflow_capture360.run_state import is_finished, is_paused, is_run_of, number_of_runs
from capture360 import dag_names
from capture360.errors import BackfillError, Capture360Error, ConfigError, RecordsError, RequestError
from capture360.model import CaptureKey
from capture360.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capture360.records import Records
    from capture360.settings.register import Register

log = logging.getLogger(__name__)

_DAG_OF = {"ingest": dag_names.INGEST, "contextualize": dag_names.CONTEXTUALIZE}
_LONGEST_IDLE_S = 300.0
"""Seconds without an active run of the DAG after which its captures count as not started."""


@dataclass(frozen=True, slots=True)
class Looked:
    """Result of a poll: running captures by key, sentences about failed ones, and whether any run is active.

    `held` are those of the running captures that a run has taken; any other one may be that of a run that is `queued`.
    """

    waiting: Mapping[str, Any]
    failed: Mapping[str, str]
    active: bool
    held: Collection[str] = ()
    queued: bool = False


def look() -> dict[str, Any]:
    """Find the due captures of the run's date; ConfigError if the DAG that processes them is paused.

    Returns by stage the captures with their recorded state, and sentences about captures that a backfill cannot
    complete, including those of a site in error.
    """
    from itertools import groupby

    from capture360.steps.backfill import Due, What, due_captures, mark

    what, keys = _request()
    records = register_and_records()[1]
    found: dict[str, Any] = {"captures": [str(key) for key in keys], "ingest": {}, "contextualize": {}, "failed": {}}
    for site, some in groupby(keys, key=lambda key: key.site):
        of_site = list(some)
        try:
            due = due_captures(site_context(site), of_site, what)
        except Capture360Error as error:
            if error.retryable:
                raise
            due = [Due(key, lacking=f"{key}: {error}") for key in of_site]
        for each in due:
            reasons = [*each.ingest, *each.contextualize]
            log.info("%s: %s", each.key, each.lacking or "; ".join(reasons) or "nothing to do")
            if each.lacking:
                found["failed"][str(each.key)] = each.lacking
            wanted = {What.INGEST: each.ingest, What.CONTEXTUALIZE: each.contextualize}
            try:
                marks = {part: asdict(mark(records, each.key, part)) for part, why in wanted.items() if why}
            except RecordsError as error:
                found["failed"][str(each.key)] = f"{each.key}: {error}"
                continue
            for part, before in marks.items():
                found[part.value][str(each.key)] = before
    for stage, dag in _DAG_OF.items():
        if found[stage]:
            _refuse_paused(dag)
    log.info("%d captures: %d to ingest, %d to contextualize", *map(len, list(found.values())[:3]))
    return found


def announce_to_ingest(found: Mapping[str, Any]) -> None:
    """Announce the captures due for ingest; skip the task if there is none."""
    _announce(list(found["ingest"]), "Nothing is to be ingested.")


def announce_to_contextualize(found: Mapping[str, Any]) -> None:
    """Announce the captures due for contextualization; captures_ingest announces those that it has ingested."""
    keys = [key for key in found["contextualize"] if key not in found["ingest"]]
    _announce(keys, "Nothing is to be contextualized that is not ingested again.")


def still_to_contextualize(found: Mapping[str, Any], failed: Mapping[str, str] | None) -> dict[str, Any]:
    """Return the captures whose contextualization to wait for: those whose ingest did not fail."""
    return {key: before for key, before in found["contextualize"].items() if key not in (failed or {})}


def look_again(
    what: str, waiting: Mapping[str, Any], failed: Mapping[str, str], idle: float, free: Mapping[str, float]
) -> Looked:
    """Return the captures that are still running; ConfigError if the DAG was paused meanwhile.

    A capture counts as not started once no run of the DAG has been active for `idle` seconds that are too many, or once
    no run has held it for so many seconds (`free`) as its site's `watch` allows: its run may have been skipped, or have
    failed before it took the capture, while others keep the DAG busy. Looks at which a run is queued, which may be its
    own, do not count.
    """
    from capture360.steps.backfill import Mark, What, held_by, is_held, outcome

    if not waiting:
        return Looked({}, failed, True)
    dag = _DAG_OF[what]
    register, records = register_and_records()
    # Asked before the records are read: a run that ends in between is seen there.
    queued = number_of_runs(dag, "queued") > 0
    active = queued or number_of_runs(dag, "running") > 0
    left, over, held = dict(waiting), dict(failed), set()

    def has_ended(run: str) -> bool:
        return is_run_of(run, dag) and is_finished(run)

    for key, before in waiting.items():
        said = outcome(records, CaptureKey.parse(key), What(what), Mark(**before), has_ended)
        none_comes = not active and idle >= _LONGEST_IDLE_S
        if said is None and not none_comes and is_held(records, CaptureKey.parse(key), is_finished):
            held.add(key)
        elif said is None and (none_comes or (not queued and free.get(key, 0.0) >= _limit_s(register, key, what))):
            holder = held_by(records, CaptureKey.parse(key), Mark(**before))
            said = (
                f"{key}: no run of {dag} has taken it. See whether one is queued, and whether the scheduler is healthy."
            )
            if holder:
                again = "Once that run has ended, backfill the date again."
                said = f"{key}: no run of {dag} could take it, since {holder} held it. {again}"
        if said is not None:
            del left[key]
            log.info("%s", said or f"{key}: {what} has ended")
        if said:
            over[key] = said
    if left:
        _refuse_paused(dag)
    return Looked(left, over, active, held, queued)


def _limit_s(register: Register, key: str, what: str) -> float:
    try:
        watch = register.site(CaptureKey.parse(key).site).watch
    except ConfigError:
        watch = register.watch  # the run of the capture says what is wrong with its site
    return (watch.begun_within if what == "ingest" else watch.contextualized_within).total_seconds()


def confirm(found: Mapping[str, Any], *waits: Mapping[str, str] | None) -> int:
    """Return the number of completed captures of the date; BackfillError names every other one."""
    from capture360.steps.backfill import lacks_end

    what, _ = _request()
    register, records = register_and_records()
    failed: dict[str, str] = dict(found["failed"])
    for wait in waits:
        failed |= wait or {}
    for text in found["captures"]:
        if text in failed:
            continue
        key = CaptureKey.parse(text)
        if lacking := lacks_end(records, key, what, links=register.site(key.site).links.enabled):
            failed[text] = lacking
    for sentence in failed.values():
        log.error("%s", sentence)
    if failed:
        raise BackfillError(_listed(list(failed.values()), len(found["captures"])))
    return len(found["captures"])


def _request() -> tuple[Any, Sequence[CaptureKey]]:
    """Return the stages of the run, and the captures of its date, sorted."""
    from capture360.steps.backfill import What, captures_on, parse_date

    context = get_current_context()
    params = context["params"]
    day = context["dag_run"].partition_key or params.get("date")
    if not day:
        raise RequestError(
            "This run names no capture date.",
            remedy="Choose Trigger, Backfill and a range of dates; or Single Run, and give the capture's date in date.",
        )
    records: Records
    register, records = register_and_records()
    site = params.get("site") or None
    if site is not None:
        register.site(str(site))
    return What.parse(params.get("what")), captures_on(records, parse_date(day), site)


def _announce(keys: Sequence[str], nothing: str) -> None:
    if not keys:
        raise AirflowSkipException(nothing)
    log.info("Announced: %s", ", ".join(keys))
    emit(keys)


def _refuse_paused(dag: str) -> None:
    if is_paused(dag):
        raise ConfigError(
            f"{dag} is paused, so no capture would reach its end.",
            remedy=f"Unpause {dag}, then clear the failed run with all its tasks, or backfill the date again.",
        )


def _listed(sentences: Sequence[str], captures: int, most: int = 20) -> str:
    more = f" And {len(sentences) - most} more in the log." if len(sentences) > most else ""
    end = "its end" if len(sentences) == 1 else "their end"
    return f"{len(sentences)} of {counted(captures, 'capture')} did not reach {end}. {' '.join(sentences[:most])}{more}"
