"""Tasks of captures_watch: find what no failing task reports, and alert once about each cause."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Set
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from airflow_capture360 import airflow_rest, alerts, metrics, run_state
from airflow_capture360.context import dag_url, page_url, register_and_records
from airflow_capture360.tasks.watch_connections import Tries
from capture360 import dag_names
from capture360.text import without_secrets

if TYPE_CHECKING:
    from airflow_capture360.airflow_rest import Part, Reported
    from capture360.records import Records
    from capture360.settings.register import Register
    from capture360.settings.watch import WatchSettings
    from capture360.steps.incidents import Occurrence
    from capture360.steps.watcher import Mark

log = logging.getLogger(__name__)

WATCHED = (
    dag_names.SENSE,
    dag_names.INGEST,
    dag_names.CONTEXTUALIZE,
    dag_names.REVIEW,
    dag_names.RECONCILE,
    dag_names.BACKFILL,
    dag_names.RETRACT,
)
_COMPONENTS = {"scheduler": "the scheduler", "dag_processor": "the DAG processor", "triggerer": "the triggerer"}
VIEWER_KEPT = timedelta(hours=1)
"""How long what only a Viewer may see counts as unknown after the connection has vanished, as if for an outage."""
_AIRFLOW = "Airflow"
_UNHEALTHY = " is not healthy"
_IMPORT_ERROR, _MISSING, _PAUSED = "a DAG cannot be imported", "a DAG is missing", "a DAG is paused"
_NO_POOL, _WARNING = "a pool is missing", "Airflow warns about a DAG"
_LOGIN_REFUSED, _NO_ANSWER = "Airflow refuses the connection", "Airflow's REST API does not answer"
_STUCK = "runs are stuck in the queue"
_UNWATCHED = "nothing watches the landing zones"
_WATCHER = "the watcher"
_SHOWN_BY: Mapping[str, Part] = {
    _IMPORT_ERROR: "import errors",
    _MISSING: "missing DAGs",
    _NO_POOL: "warnings",
    _WARNING: "warnings",
}
"""The part of Airflow's report that shows each kind of finding."""


def look() -> int:
    """Keep findings, and drop those that are over; return the number of those that stand."""
    from capture360.steps import watch
    from capture360.steps.incidents import observe
    from capture360.steps.watch_life import Found, last_look, life, looked
    from capture360.steps.watcher import last_mark

    now = datetime.now(UTC)
    register, records = register_and_records()
    tries = Tries(register)
    last, before = last_look(records, now), life(records, now)
    reported = airflow_rest.ask(WATCHED)
    viewer_at = now if reported.is_viewer else last.viewer_at if last else None
    unread: dict[str, datetime] = {
        part: before.unread.get(part, now) if before else now
        for part, why in reported.unread.items()
        if not why.refused
    }
    is_sensing = run_state.is_there(dag_names.SENSE) and not run_state.is_paused(dag_names.SENSE)
    mark = last_mark(records)
    if is_sensing and not (mark and mark.is_well(now)):
        unread[_WATCHER] = before.unread.get(_WATCHER, now) if before else now
    queued = _queued(before.queued if before else {}, now)
    since = before.since if before else now
    has_queue = run_state.are_queued(dag_names.INGEST)
    waiting, is_decided = watch.look(
        register, records, now=now, since=since, is_finished=run_state.is_finished, has_queue=has_queue
    )
    found = [
        *_airflow(reported, now),
        *_silent(reported, register.watch, unread, now),
        *_dags(reported, register.watch, now),
        *_queues(register.watch, queued, now),
        *_watcher(register.watch, mark, unread.get(_WATCHER), now),
        *alerts.undelivered(records, register.watch.delivered_within, now),
        *waiting,
        *tries.findings(register.watch, now),
    ]
    unknown = set(reported.unread)
    if viewer_at is not None and (now - viewer_at < VIEWER_KEPT or tries.not_found):
        unknown.update(() if reported.is_viewer else airflow_rest.OF_A_VIEWER)
    decided: list[Callable[[Occurrence], bool]] = [
        is_decided,
        tries.is_decided,
        partial(_is_decided, unknown, queued.keys()),
        lambda each: each.where == _UNWATCHED and is_sensing,
    ]
    standing = observe(records, [with_links(each) for each in found], lambda each: any(by(each) for by in decided))
    kept = [Found(each.where, each.subject, each.what, each.fix, each.who) for each in standing]
    looked(records, now, queued, kept, unread, viewer_at)
    metrics.FINDINGS.set(len(standing))
    _count_captures(register, records)
    for line in watch.kinds(standing):
        log.warning("%s", line)
    return len(standing)


def test_alert() -> None:
    """Send a test alert; skip the task unless the run was triggered with `test_alert`."""
    if not get_current_context()["params"].get("test_alert"):
        raise AirflowSkipException("No test alert was requested.")
    alerts.send_test()


def _count_captures(register: Register, records: Records) -> None:
    from collections import Counter

    for site in register.site_ids:
        ends = records.ends(site).values()
        metrics.of_captures(site, Counter("waiting" if stage is None else stage.value for stage in ends))


def _is_decided(unknown: Set[Part], queued: Set[str], earlier: Occurrence) -> bool:
    """Return whether Airflow has said if an earlier finding is over: not in parts that are `unknown`."""
    match earlier.where:
        case kind if kind in _SHOWN_BY:
            return _SHOWN_BY[kind] not in unknown
        case kind if earlier.subject == _AIRFLOW and kind.endswith(_UNHEALTHY):
            return "health" not in unknown
        case kind if kind == _LOGIN_REFUSED:
            return unknown.isdisjoint(airflow_rest.OF_A_VIEWER)
        case kind if kind == _NO_ANSWER:
            return not unknown
        case kind if kind == _STUCK:
            return earlier.subject not in queued
        case kind:
            return kind in {_PAUSED, alerts.UNDELIVERED}


def _airflow(reported: Reported, now: datetime) -> Iterator[Occurrence]:
    from capture360.steps.incidents import finding

    for name, seen in reported.unhealthy.items():
        part = _COMPONENTS.get(name, name)
        fix = f"Start {part} again, and read its log."
        yield finding(f"{part}{_UNHEALTHY}", _AIRFLOW, f"{part[0].upper()}{part[1:]} {seen}.", fix, now)
    refused = {part: why.why for part, why in reported.unread.items() if why.refused}
    if refused:
        name = airflow_rest.CONNECTION
        what = f"{next(iter(refused.values()))} Not seen: {', '.join(refused)}."
        fix = f"Correct host, login and password of {name}: those of a Viewer. Or remove it."
        yield finding(_LOGIN_REFUSED, name, what, fix, now)


def _silent(
    reported: Reported, watch: WatchSettings, unread: Mapping[str, datetime], now: datetime
) -> Iterator[Occurrence]:
    """Find that parts of what Airflow reports could not be read for so long that it is no restart."""
    from capture360.steps.incidents import finding

    silent = [part for part in reported.unread if now - unread.get(part, now) > watch.queued_within]
    if silent:
        seen = min(unread[part] for part in silent).isoformat(sep=" ", timespec="minutes")
        what = f"{reported.unread[silent[0]].why} Not seen since {seen}: {', '.join(silent)}."
        fix = (
            f"See whether workers reach {reported.url or 'it'}: the host of connection {airflow_rest.CONNECTION}, "
            "with https:// or http://, or else base_url in section [api] of Airflow's configuration."
        )
        yield finding(_NO_ANSWER, _AIRFLOW, what, without_secrets(fix), now)


def _dags(reported: Reported, watch: WatchSettings, now: datetime) -> Iterator[Occurrence]:
    from capture360.steps.incidents import finding

    for dag in WATCHED:
        problem = reported.import_errors.get(dag)
        if problem is not None:
            fix = "Open the import errors at the head of Airflow's DAG list, and correct the installation."
            yield finding(_IMPORT_ERROR, dag, f"{dag}.py has an import error: {problem}", fix, now)
        elif dag in reported.stale or not run_state.is_there(dag):
            fix = "See whether its file is in the DAGs folder (`capture360 dags` copies it) and the DAG processor runs."
            yield finding(_MISSING, dag, f"Airflow does not read a DAG {dag}.", fix, now)
        elif dag not in watch.may_be_paused and run_state.is_paused(dag):
            fix = f"Unpause {dag}, or name it under watch.may_be_paused in the defaults of the register."
            yield finding(_PAUSED, dag, f"{dag} is paused: what it does is not done.", fix, now)
    others: dict[str, list[str]] = {}
    for each in reported.warnings:
        if each.type == "non-existent pool":
            fix = (
                "Create the named pool in Airflow (Admin, Pools) with the slots that `capture360 pools` prints. In the "
                "composition `docker compose up -d init` does it."
            )
            yield finding(_NO_POOL, each.dag, each.message, fix, now)
        else:
            others.setdefault(each.dag, []).append(f"{each.type}: {each.message}")
    for dag, messages in others.items():
        fix = "See what was changed in the DAG's file or in the installation, and undo it."
        yield finding(_WARNING, dag, " ".join(messages), fix, now)


def _queued(before: Mapping[str, datetime], now: datetime) -> dict[str, datetime]:
    """Return since when runs of each DAG are queued while none is running; those of a paused DAG may wait."""
    count = run_state.number_of_runs
    return {
        dag: before.get(dag, now)
        for dag in WATCHED
        if count(dag, "queued") and not count(dag, "running") and not run_state.is_paused(dag)
    }


def _queues(watch: WatchSettings, queued: Mapping[str, datetime], now: datetime) -> Iterator[Occurrence]:
    from capture360.steps.incidents import finding

    for dag, since in queued.items():
        if now - since > watch.queued_within:
            yield finding(
                _STUCK,
                dag,
                f"Runs of {dag} wait in the queue since {since.isoformat(sep=' ', timespec='minutes')}, and none runs.",
                "See whether the scheduler and the workers are healthy, and whether pools and parallelism have room.",
                now,
            )


def _watcher(watch: WatchSettings, mark: Mark | None, since: datetime | None, now: datetime) -> Iterator[Occurrence]:
    """Find that the watcher is silent or in trouble `since` longer than it may be."""
    from capture360.steps.incidents import finding

    if since is None or now - since <= watch.watcher_within:
        return
    if mark and mark.trouble:
        what = f"The watcher of the landing zones cannot list them: {mark.trouble}."
        fix = "Correct what it says, or see whether the host of the triggerer reaches the landing zones."
    else:
        last = f"since {mark.at.isoformat(sep=' ', timespec='minutes')}" if mark else "at all"
        what = f"The watcher of the landing zones gives no sign of life {last}: it hangs, or nothing runs it."
        fix = "Restart the triggerer, and read its log. Does its host reach the landing zones and the records?"
    yield finding(
        _UNWATCHED, dag_names.SENSE, f"{what} Deliveries are noticed by captures_sense's schedule alone.", fix, now
    )


def with_links(found: Occurrence) -> Occurrence:
    """Return a finding with the addresses of what it is about."""
    from dataclasses import replace

    from capture360.records import EXTRACTIONS
    from capture360.steps.watch import DAMAGED

    if found.subject in WATCHED:
        return replace(found, links={"DAG": dag_url(found.subject)})
    has_page = "/" in found.subject and not found.subject.startswith(f"{EXTRACTIONS}/")
    if has_page and found.where != DAMAGED:  # a page is made of the records
        return replace(found, links={"Capture": page_url(f"captures/{found.subject}")})
    return found
