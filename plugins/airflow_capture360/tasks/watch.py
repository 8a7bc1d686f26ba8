"""Tasks of captures_watch: find what no failing task reports, and alert once about each cause."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from airflow_capture360 import airflow_rest, alerts, metrics, run_state
from airflow_capture360.background import in_background
from airflow_capture360.context import dag_url, page_url, register_and_records

if TYPE_CHECKING:
    from airflow_capture360.airflow_rest import Reported
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
LONGEST_TRY_S = 45.0
"""Seconds after which a CDF connection counts as not answering; its client alone would go on for minutes."""
_AIRFLOW = "Airflow"
_IMPORT_ERROR, _MISSING, _WARNING = "a DAG cannot be imported", "a DAG is missing", "Airflow warns about a DAG"
_NO_POOL = "a pool is missing"
_SHOWN_BY: Mapping[str, tuple[str, ...]] = {
    "health": (_AIRFLOW,),
    "import errors": (_IMPORT_ERROR,),
    "DAGs": (_MISSING,),
    "warnings": (_NO_POOL, _WARNING),
}
"""Subjects and kinds of the findings that each part of Airflow's report shows."""


def look() -> int:
    """Keep findings, and drop those that are over; return their number."""
    from capture360.steps import watch
    from capture360.steps.incidents import observe
    from capture360.steps.watch_life import Found, life, looked

    now = datetime.now(UTC)
    register, records = register_and_records()
    tries = [_Try.of(conn_id) for conn_id in dict.fromkeys(_connection_ids(register))]
    reported = airflow_rest.ask(WATCHED)
    before = life(records, now)
    queued = _queued(before.queued if before else {}, now)
    since = before.since if before else now
    waiting, unseen = watch.look(register, records, now=now, since=since, is_finished=run_state.is_finished)
    found = [
        *_airflow(reported, now),
        *_dags(reported, register.watch, now),
        *_queues(register.watch, queued, now),
        *waiting,
        *_expiring(tries, register.watch, now),
        *_connections(tries, now),
    ]
    unread = [each for part in reported.unread for each in _SHOWN_BY[part]]
    observe(records, [_with_links(each) for each in found], unseen.union(unread))
    looked(records, now, queued, [Found(each.where, each.subject, each.what, each.fix, each.who) for each in found])
    metrics.FINDINGS.set(len(found))
    _count_captures(register, records)
    for line in watch.kinds(found):
        log.warning("%s", line)
    return len(found)


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


def _airflow(reported: Reported, now: datetime) -> Iterator[Occurrence]:
    from capture360.steps.incidents import finding

    for name, seen in reported.unhealthy.items():
        part = _COMPONENTS.get(name, name)
        fix = f"Start {part} again, and read its log."
        yield finding(f"{part} is not healthy", _AIRFLOW, f"{part[0].upper()}{part[1:]} {seen}.", fix, now)
    if reported.refused:
        name = airflow_rest.CONNECTION
        what = f"{reported.refused} Import errors, missing DAGs and warnings are not seen."
        fix = f"Correct host, login and password of {name}: those of a Viewer. Or remove it."
        yield finding("Airflow refuses the connection", name, what, fix, now)


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
            yield finding("a DAG is paused", dag, f"{dag} is paused: what it does is not done.", fix, now)
    others: dict[str, list[str]] = {}
    for each in reported.warnings:
        if each.type == "non-existent pool":
            fix = "Create the pools: `airflow pools import config/pools.json`."
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
                "runs are stuck in the queue",
                dag,
                f"Runs of {dag} wait in the queue since {since.isoformat(sep=' ', timespec='minutes')}, and none runs.",
                "See whether the scheduler and the workers are healthy, and whether pools and parallelism have room.",
                now,
            )


@dataclass(frozen=True, slots=True)
class _Try:
    """A try of a CDF connection, so that an expired secret is found before a capture fails.

    `expires` is the day that the connection names.
    """

    conn_id: str
    result: Future[str]
    expires: date | None = None

    @classmethod
    def of(cls, conn_id: str) -> _Try:
        from airflow_capture360.hooks import CogniteCdfHook
        from capture360.cdf.client import inspect

        try:
            connection = CogniteCdfHook(conn_id).connection()
        except Exception as error:  # noqa: BLE001 - secrets backends raise anything, and the rest must be looked at
            failed: Future[str] = Future()
            failed.set_exception(error)
            return cls(conn_id, failed)
        return cls(conn_id, in_background(lambda: inspect(connection)), connection.expires)


def _expiring(tries: Sequence[_Try], watch: WatchSettings, now: datetime) -> Iterator[Occurrence]:
    from capture360.steps.incidents import finding

    for each in tries:
        if each.expires is not None and each.expires - now.date() <= watch.expires_within:
            what = f"The client secret of {each.conn_id} expires on {each.expires}, as the connection says."
            fix = f"Make a new client secret, and put it into {each.conn_id} with the day on which that one expires."
            yield finding("a connection is about to expire", each.conn_id, what, fix, now, who="CDF administrator")


def _connections(tries: Sequence[_Try], now: datetime) -> Iterator[Occurrence]:
    """Find the connections that do not work, or did not answer until LONGEST_TRY_S from now."""
    from concurrent.futures import wait

    from capture360.errors import (
        AirflowUnavailableError,
        Capture360Error,
        CdfUnavailableError,
        ConfigError,
        UnavailableError,
    )
    from capture360.steps.incidents import cause_of, finding

    done, _ = wait([each.result for each in tries], LONGEST_TRY_S)
    for conn_id, tried in ((each.conn_id, each.result) for each in tries):
        error = tried.exception() if tried in done else CdfUnavailableError(f"{conn_id}: CDF does not answer.")
        if isinstance(error, Capture360Error):
            kind, fix, cause = "CDF does not answer", error.remedy, ""
            if isinstance(error, AirflowUnavailableError):
                kind = "Airflow does not find the connection"
            elif isinstance(error, UnavailableError):
                cause = cause_of(error, "", "", conn_id)
            elif isinstance(error, ConfigError):
                kind, fix = "the connection cannot be tried", f"Correct {conn_id} in Airflow as the message says."
            else:
                kind = "CDF refuses the connection"
                fix = f"Correct {conn_id}: its secret may have expired. Its Test button says why."
            yield finding(kind, conn_id, str(error), fix, now, who=error.fixed_by, cause=cause)
        elif error is not None:  # the SDK and secrets backends raise anything
            what = f"{conn_id} cannot be tried ({type(error).__name__})."
            fix = "Open it in Airflow and press its Test button, which says why."
            yield finding("the connection cannot be tried", conn_id, what, fix, now)


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
