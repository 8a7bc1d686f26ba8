"""Tasks of captures_watch: find what no failing task reports, and alert once about each cause."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from airflow_capture360 import airflow_rest, alerts, metrics, run_state
from airflow_capture360.context import dag_url, page_url, register_and_records

if TYPE_CHECKING:
    from capture360.records import Records
    from capture360.settings.register import Register
    from capture360.settings.watch import WatchSettings
    from capture360.steps.incidents import Occurrence

log = logging.getLogger(__name__)

WATCHED = (
    "captures_sense",
    "captures_ingest",
    "captures_contextualize",
    "captures_review",
    "captures_reconcile",
    "captures_backfill",
    "captures_retract",
)
_COMPONENTS = {"scheduler": "the scheduler", "dag_processor": "the DAG processor", "triggerer": "the triggerer"}


def look() -> list[str]:
    """Keep findings, and drop those that are over; return lines about the first ones."""
    from capture360.steps import watch
    from capture360.steps.incidents import observe
    from capture360.steps.watch_life import Found, life, looked

    now = datetime.now(UTC)
    register, records = register_and_records()
    before = life(records, now)
    queued = _queued(before.queued if before else {}, now)
    since = before.since if before else now
    waiting, unseen = watch.look(register, records, now=now, since=since, is_finished=run_state.is_finished)
    found = [
        *_dags(register.watch, now),
        *_queues(register.watch, queued, now),
        *_connections(register, now),
        *waiting,
    ]
    observe(records, [_with_links(each) for each in found], unseen)
    looked(records, now, queued, [Found(each.where, each.subject, each.what, each.fix, each.who) for each in found])
    metrics.FINDINGS.set(len(found))
    _count_captures(register, records)
    lines = watch.kinds(found)
    for line in lines:
        log.warning("%s", line)
    return lines


def test_alert() -> None:
    """Send a test alert; skip the task unless the run was triggered with `test_alert`."""
    if not get_current_context()["params"].get("test_alert"):
        raise AirflowSkipException("No test alert was requested.")
    alerts.send_test()


def _count_captures(register: Register, records: Records) -> None:
    from collections import Counter

    for site in register.site_ids:
        ended = {capture: stage for (capture, _), stage in records.done(site).items()}
        waiting = len({key.capture for key in records.keys_of(site)} - ended.keys())
        metrics.of_captures(site, {**Counter(stage.value for stage in ended.values()), "waiting": waiting})


def _dags(watch: WatchSettings, now: datetime) -> Iterator[Occurrence]:
    from capture360.steps.incidents import finding_of_its_own as finding

    reported = airflow_rest.ask(WATCHED)
    for name, seen in reported.unhealthy.items():
        part = _COMPONENTS.get(name, name)
        fix = f"Start {part} again, and read its log."
        yield finding(f"{part} is not healthy", "Airflow", f"{part[0].upper()}{part[1:]} {seen}.", fix, now)
    for dag in WATCHED:
        problem = reported.import_errors.get(dag)
        if problem is not None:
            fix = "Open the import errors at the head of Airflow's DAG list, and correct the installation."
            yield finding("a DAG cannot be imported", dag, f"{dag}.py has an import error: {problem}", fix, now)
        elif dag in reported.stale or not run_state.is_there(dag):
            fix = "See whether its file is in the DAGs folder (`capture360 dags` copies it) and the DAG processor runs."
            yield finding("a DAG is missing", dag, f"Airflow does not read a DAG {dag}.", fix, now)
        elif dag not in watch.may_be_paused and run_state.is_paused(dag):
            fix = f"Unpause {dag}, or name it under watch.may_be_paused in the defaults of the register."
            yield finding("a DAG is paused", dag, f"{dag} is paused: what it does is not done.", fix, now)
        if warning := (reported.warnings or {}).get(dag):
            fix = "Create the pools: `airflow pools import config/pools.json`."
            yield finding("Airflow warns about a DAG", dag, warning, fix, now)


def _queued(before: Mapping[str, datetime], now: datetime) -> dict[str, datetime]:
    """Return since when runs of each DAG are queued while none is running."""
    count = run_state.number_of_runs
    return {dag: before.get(dag, now) for dag in WATCHED if count(dag, "queued") and not count(dag, "running")}


def _queues(watch: WatchSettings, queued: Mapping[str, datetime], now: datetime) -> Iterator[Occurrence]:
    from capture360.steps.incidents import finding_of_its_own as finding

    for dag, since in queued.items():
        if now - since > watch.queued_within and not run_state.is_paused(dag):
            yield finding(
                "runs are stuck in the queue",
                dag,
                f"Runs of {dag} wait in the queue since {since.isoformat(sep=' ', timespec='minutes')}, and none runs.",
                "See whether the scheduler and the workers are healthy, and whether pools and parallelism have room.",
                now,
            )


def _connections(register: Register, now: datetime) -> Iterator[Occurrence]:
    """Try each CDF connection, so that an expired secret is found before a capture fails."""
    from airflow_capture360.hooks import CogniteCdfHook
    from capture360.cdf.client import inspect
    from capture360.errors import AirflowUnavailableError, Capture360Error, UnavailableError
    from capture360.steps.incidents import cause_of, finding_of_its_own

    for conn_id in dict.fromkeys(_connection_ids(register)):
        try:
            inspect(CogniteCdfHook(conn_id).connection())
        except Capture360Error as error:
            kind, fix, cause = "CDF does not answer", error.remedy, ""
            if isinstance(error, AirflowUnavailableError):
                kind = "Airflow does not find the connection"
            elif isinstance(error, UnavailableError):
                cause = cause_of(error, "", "", conn_id)
            else:
                kind = "CDF refuses the connection"
                fix = f"Correct {conn_id}: its secret may have expired. Its Test button says why."
            yield finding_of_its_own(kind, conn_id, str(error), fix, now, who=error.fixed_by, cause=cause)
        except Exception as error:  # noqa: BLE001 - the SDK raises anything, and the rest must be looked at
            what = f"{conn_id} cannot be tried ({type(error).__name__})."
            fix = "Open it in Airflow and press its Test button, which says why."
            yield finding_of_its_own("the connection cannot be tried", conn_id, what, fix, now)


def _connection_ids(register: Register) -> Iterator[str]:
    from capture360.errors import ConfigError

    for site in register.site_ids:
        try:
            yield register.site(site).connection
        except ConfigError:
            continue  # captures_sense reports it


def _with_links(found: Occurrence) -> Occurrence:
    from dataclasses import replace

    if found.subject in WATCHED:
        return replace(found, links={"DAG": dag_url(found.subject)})
    if "/" in found.subject:
        return replace(found, links={"Capture": page_url(f"captures/{found.subject}")})
    return found
