"""Run the demo: deliver captures, start the stack, ingest, compare, stop."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta

import httpx
from rich.box import SIMPLE
from rich.console import Console
from rich.live import Live
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from capture360.cdf.client import CdfProject, Connection
from capture360.cdf.project_mode import DEFAULT_MODE
from capture360.model import CaptureKey, Verdict
from capture360.records import Records
from capture360_local.demo.deliveries import LINKED, ORDERS, SITE, Order, deliver, expected
from capture360_local.demo.linking import link_and_compare
from capture360_local.demo.readback import Outcome, read_back
from capture360_local.demo.runs import INGEST, SENSE, IngestRun, ended_runs, newest_run, only
from capture360_local.stack import Stack
from capture360_local.stack.airflow_api import AirflowApi

DEADLINE = timedelta(minutes=8)
"""Time limit of the runs, long enough for a busy machine."""
_POLL_SECONDS = 1.0


def run_demo(stack: Stack, console: Console) -> bool:
    """Run the demo; True if all checks pass. The stack is stopped at the end, its state is kept."""
    started = time.monotonic()
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console) as progress:
        fresh = _deliver_all(stack, progress)
        task = progress.add_task("starting Airflow and the sandbox")
        stack.up(lambda line: progress.update(task, description=f"stack: {line}"))
        progress.update(task, description="stack: ready", total=1, completed=1)
    try:
        failures = _ingest_and_compare(stack, console, fresh)
        status, password = stack.status(), stack.password
    finally:
        stack.down()
    console.print(f"{time.monotonic() - started:.0f} s. The stack is stopped, its state is in {stack.home.root}.")
    for failure in failures:
        console.print(f"FAILED: {failure}", style="red", markup=False)
    if not failures:
        more = "" if stack.mode == DEFAULT_MODE else f" --mode {stack.mode}"
        console.print("All checks passed. To inspect the result:")
        console.print(
            f"  capture360 stack up{more}   then {status.url}, user {stack.user}, password {password}", markup=False
        )
        console.print(f"  CDF sandbox     {status.sandbox_url}", markup=False)
        console.print(f"  landing zone    {stack.home.landing}", markup=False)
        console.print(f"  reports         {stack.home.records}", markup=False)
    return not failures


def _deliver_all(stack: Stack, progress: Progress) -> frozenset[CaptureKey]:
    """Render the missing captures into the landing zone; returns their keys."""
    stack.home.prepare()
    task = progress.add_task("the plant renders captures", total=len(ORDERS))
    fresh = set()
    samples = stack.home.root / "samples"
    samples.mkdir(exist_ok=True)
    for order in ORDERS:
        progress.update(
            task, description=f"the plant renders {order.capture} ({order.kind}, {order.stations} stations)"
        )
        if deliver(order, stack.home.landing, samples):
            fresh.add(order.key)
        progress.advance(task)
    progress.update(task, description=f"landing zone: {len(ORDERS)} captures, {len(fresh)} of them new")
    return frozenset(fresh)


def _ingest_and_compare(stack: Stack, console: Console, fresh: frozenset[CaptureKey]) -> list[str]:
    register = stack.home.site_register()
    records = Records(str(stack.home.records))
    cdf = CdfProject(Connection.from_mapping({**stack.sandbox_connection(), "mode": stack.mode}, "the sandbox"))
    with stack.api() as api, only(api, {SENSE, INGEST}):
        passed_over = ended_runs(api)
        for order in ORDERS:
            if order.key not in fresh:
                api.trigger(INGEST, {"capture": str(order.key)})
        runs = _watch(stack, api, console, passed_over)
    written = _mutating_requests(stack)
    site = register.site(SITE)
    outcomes = {
        order.key: read_back(order.key, expected(order, stack.home.root / "samples"), site, cdf, records)
        for order in ORDERS
    }
    console.print(_table(runs, outcomes))
    for key, outcome in outcomes.items():
        if outcome.report:
            console.print(f"report of {key}: {stack.home.records / outcome.report}", soft_wrap=True, highlight=False)
    failures = [sentence for outcome in outcomes.values() for sentence in outcome.complaints]
    failures += [sentence for order in ORDERS for sentence in _about_run(order, runs.get(order.key), outcomes)]
    if fresh:
        console.print(
            f"{len(fresh)} captures were announced by {SENSE}; CDF got {written} mutating requests.", soft_wrap=True
        )
    else:
        console.print(
            f"All captures were there before and were ingested again; CDF got {written} mutating requests.",
            soft_wrap=True,
        )
        if written:
            failures.append(f"Ingesting the same captures again sent {written} mutating requests to CDF.")
    first = LINKED.key in fresh
    return failures + link_and_compare(stack, console, cdf, lambda: _mutating_requests(stack), first=first)


def _watch(
    stack: Stack, api: AirflowApi, console: Console, passed_over: frozenset[str]
) -> Mapping[CaptureKey, IngestRun]:
    """Show the runs until each capture's run has ended or the deadline has passed."""
    runs: dict[CaptureKey, IngestRun] = {}
    deadline = time.monotonic() + DEADLINE.total_seconds()
    with Live(_progress_table(runs), console=console, refresh_per_second=4, transient=True) as live:
        while time.monotonic() < deadline:
            stack.check()
            for order in ORDERS:
                run = newest_run(api, order.key, passed_over)
                if run:
                    runs[order.key] = run
            live.update(_progress_table(runs))
            if len(runs) == len(ORDERS) and all(run.ended for run in runs.values()):
                break
            time.sleep(_POLL_SECONDS)  # Airflow sends no event when a run ends
    return runs


def _about_run(order: Order, run: IngestRun | None, outcomes: Mapping[CaptureKey, Outcome]) -> list[str]:
    minutes = DEADLINE.total_seconds() / 60
    if run is None:
        return [f"{order.key}: no run started within {minutes:.0f} minutes. See the log of {SENSE}."]
    if not run.ended:
        return [f"{order.key}: run {run.id} did not end within {minutes:.0f} minutes ({run.summary})."]
    rejected = outcomes[order.key].verdict == Verdict.REJECTED
    wanted = "failed" if rejected else "success"
    if run.state != wanted:
        return [f"{order.key}: run {run.id} ended as {run.state} and should end as {wanted}."]
    if rejected and run.tries.get("validate") != 1:
        return [f"{order.key}: a rejected capture must fail at its first try, not at try {run.tries.get('validate')}."]
    return []


def _mutating_requests(stack: Stack) -> int:
    """Return the number of mutating requests since the sandbox started, so in this demo."""
    counters = httpx.get(f"{stack.status().sandbox_url}/sandbox/counters", trust_env=False).raise_for_status().json()
    return int(counters["mutating"])


def _progress_table(runs: Mapping[CaptureKey, IngestRun]) -> Table:
    table = Table("capture", "what it is", "tasks", "now", title="Airflow at work")
    for order in ORDERS:
        run = runs.get(order.key)
        now = run.summary if run else "waiting to be sensed"
        table.add_row(str(order.key), order.about, f"{run.done}/{len(run.tasks)}" if run else "-", now)
    return table


def _table(runs: Mapping[CaptureKey, IngestRun], outcomes: Mapping[CaptureKey, Outcome]) -> Table:
    columns = ("capture", "verdict", "stations", "quarantined", "files", "images", "seconds", "report")
    table = Table(*columns, title=f"Read back from CDF: site {SITE}", box=SIMPLE, padding=(0, 1, 0, 0))
    for order in ORDERS:
        outcome, run = outcomes[order.key], runs.get(order.key)
        table.add_row(
            order.capture,
            outcome.verdict,
            str(outcome.stations),
            str(outcome.quarantined),
            str(outcome.files),
            str(outcome.images),
            f"{run.seconds:.0f}" if run else "-",
            "below" if outcome.report else "none",
        )
    return table
