"""Run the demo: deliver captures, start the stack, ingest, contextualize, compare."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import timedelta

import httpx
from rich.box import SIMPLE
from rich.console import Console
from rich.live import Live
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from capture360 import dag_names
from capture360.cdf.client import CdfProject, Connection
from capture360.model import CaptureKey, Verdict
from capture360.records import Records
from capture360.steps.captures import newest_deliveries
from capture360_local.demo.deliveries import ORDERS, SITE, Order, deliver, expected
from capture360_local.demo.linking import bring_hall, compare_links, reviews_that_wait
from capture360_local.demo.next_steps import PAGES, next_steps
from capture360_local.demo.readback import Outcome, read_back
from capture360_local.demo.runs import IngestRun, asked_captures, ended_runs, newest_run, unpaused
from capture360_local.stack import Stack, StackStatus
from capture360_local.stack.airflow_api import AirflowApi

DEADLINE = timedelta(minutes=14)
"""Time limit of the runs, long enough for a busy machine."""
_POLL_SECONDS = 1.0
_BETWEEN_TASKS = (": running", ": queued")
Runs = Mapping[CaptureKey, IngestRun]


def run_demo(stack: Stack, console: Console, *, keep: bool = False) -> str | None:
    """Run the demo; the address of the captures if all checks pass, None otherwise.

    The stack is stopped at the end unless it is to be kept and all checks pass; its state is kept.
    """
    started = time.monotonic()
    console.print("1 of 3  The plant renders captures into a landing zone, and the stack starts.")
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console) as progress:
        fresh = _deliver_all(stack, progress)
        task = progress.add_task("starting Airflow and the sandbox")
        stack.up(lambda line: progress.update(task, description=f"stack: {line}"), attached=not keep)
        progress.update(task, description="stack: ready", total=1, completed=1)
    runs_on = False
    try:
        failures = _run_and_compare(stack, console, fresh)
        status = stack.status()
        runs_on = keep and not failures
    finally:
        if not runs_on:
            stack.down()
    stopped = f"The stack runs until `{stack.command('down')}`" if runs_on else "The stack is stopped"
    console.print(f"{time.monotonic() - started:.0f} s. {stopped}; its state is in {stack.home.root}.", soft_wrap=True)
    for failure in failures:
        console.print(f"FAILED: {failure}", style="red", markup=False)
    if failures:
        return None
    console.print("All checks passed. To look at the result:")
    _say_next(stack, status, console, runs_on=runs_on)
    return f"{status.url}{PAGES}/captures"


def _say_next(stack: Stack, status: StackStatus, console: Console, *, runs_on: bool) -> None:
    lines = [
        *([] if runs_on else [("start it again", stack.command("up"))]),
        ("sign in", f"{status.url}, user {stack.user}, password {stack.password}"),
        *(
            (step.what, f"{status.url}{step.path}")
            for step in next_steps(Records(str(stack.home.records)), [order.key for order in ORDERS])
        ),
        ("CDF sandbox", status.sandbox_url),
        ("landing zone", str(stack.home.landing)),
        ("reports", str(stack.home.records)),
    ]
    width = max(len(what) for what, _ in lines)
    for what, where in lines:
        console.print(f"  {what:<{width}}  {where}", markup=False, highlight=False, soft_wrap=True)


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


def _run_and_compare(stack: Stack, console: Console, fresh: frozenset[CaptureKey]) -> list[str]:
    register = stack.home.site_register()
    records = Records(str(stack.home.records))
    cdf = CdfProject(Connection.from_mapping({**stack.sandbox_connection(), "mode": stack.mode}, "the sandbox"))
    console.print("2 of 3  Airflow ingests each capture, reads its plates and asks about the rest.", soft_wrap=True)
    with (
        stack.api() as api,
        unpaused(api, {dag_names.SENSE, dag_names.INGEST, dag_names.CONTEXTUALIZE, dag_names.REVIEW}),
    ):
        bring_hall(stack, console, cdf)
        before = _mutating_requests(stack)
        passed_over = {dag: ended_runs(api, dag) for dag in (dag_names.INGEST, dag_names.CONTEXTUALIZE)}
        for order in ORDERS:
            if order.key not in fresh:
                api.trigger(dag_names.INGEST, {"capture": str(order.key)})
        runs, linking = _watch(stack, api, console, passed_over)
        failures = reviews_that_wait(lambda: asked_captures(api), _asked_about(records, fresh & linking.keys()))
    written = _mutating_requests(stack) - before
    console.print("3 of 3  What CDF holds is compared with what the plant knows to be true.")
    site = register.site(SITE)
    outcomes = {
        order.key: read_back(order.key, expected(order, stack.home.root / "samples"), site, cdf, records)
        for order in ORDERS
    }
    console.print(_table(runs, outcomes))
    for key, outcome in outcomes.items():
        if outcome.report:
            console.print(f"report of {key}: {stack.home.records / outcome.report}", soft_wrap=True, highlight=False)
    failures += [sentence for outcome in outcomes.values() for sentence in outcome.differences]
    failures += [sentence for order in ORDERS for sentence in _about_run(order, runs.get(order.key), outcomes)]
    failures += compare_links(stack, console, linking)
    if fresh:
        console.print(
            f"{len(fresh)} captures were announced by captures_sense; CDF got {written} mutating requests.",
            soft_wrap=True,
        )
    else:
        console.print(
            f"All captures were there before and were taken through once more; CDF got {written} mutating requests.",
            soft_wrap=True,
        )
        if written:
            failures.append(f"Taking the same captures through again sent {written} mutating requests to CDF.")
    return failures


def _asked_about(records: Records, keys: Iterable[CaptureKey]) -> list[CaptureKey]:
    """The captures about which people have not decided everything."""
    some = list(keys)
    found = zip(some, newest_deliveries(records, some), strict=True)
    return [key for key, each in found if each.delivery and each.delivery.asked]


def _watch(
    stack: Stack, api: AirflowApi, console: Console, passed_over: Mapping[str, frozenset[str]]
) -> tuple[Runs, Runs]:
    """Show the runs until those of all captures have ended or the deadline has passed: ingests, contextualizations."""
    runs: dict[CaptureKey, IngestRun] = {}
    linking: dict[CaptureKey, IngestRun] = {}
    said: dict[CaptureKey, str] = {}
    deadline = time.monotonic() + DEADLINE.total_seconds()
    with Live(_progress_table(runs, linking), console=console, refresh_per_second=4, transient=True) as live:
        while time.monotonic() < deadline:
            stack.check()
            for order in ORDERS:
                _look(api, order.key, dag_names.INGEST, runs, passed_over)
                if _publishes(runs.get(order.key)):
                    _look(api, order.key, dag_names.CONTEXTUALIZE, linking, passed_over)
            live.update(_progress_table(runs, linking))
            if not console.is_terminal:
                _say_changes(console, runs, linking, said)
            if _all_ended(runs, linking):
                break
            time.sleep(_POLL_SECONDS)  # runs are asked for, since Airflow announces no end of them
    return runs, linking


def _look(
    api: AirflowApi,
    key: CaptureKey,
    dag: str,
    found: dict[CaptureKey, IngestRun],
    passed_over: Mapping[str, frozenset[str]],
) -> None:
    """Bring what is known of a capture's run up to date."""
    if key in found and found[key].ended:
        return
    run = newest_run(api, key, passed_over[dag], dag)
    if run:
        found[key] = run


def _publishes(run: IngestRun | None) -> bool:
    return run is not None and run.state == "success"


def _all_ended(runs: Runs, linking: Runs) -> bool:
    ended = len(runs) == len(ORDERS) and all(run.ended for run in runs.values())
    wanted = {key for key, run in runs.items() if _publishes(run)}
    return ended and wanted == linking.keys() and all(run.ended for run in linking.values())


def _say_changes(console: Console, runs: Runs, linking: Runs, said: dict[CaptureKey, str]) -> None:
    """Print a line for each capture that is at another task than before: for output that is no terminal."""
    for order in ORDERS:
        now = _now(order.key, runs, linking)
        if said.get(order.key) != now and not now.endswith(_BETWEEN_TASKS):
            said[order.key] = now
            console.print(f"  {order.key}: {now}", highlight=False, soft_wrap=True)


def _now(key: CaptureKey, runs: Runs, linking: Runs) -> str:
    run, linked = runs.get(key), linking.get(key)
    if run is None:
        return "waiting to be sensed"
    if linked is not None:
        return f"contextualize: {linked.summary}"
    return f"ingest: {run.summary}"


def _about_run(order: Order, run: IngestRun | None, outcomes: Mapping[CaptureKey, Outcome]) -> list[str]:
    minutes = DEADLINE.total_seconds() / 60
    if run is None:
        return [f"{order.key}: no run started within {minutes:.0f} minutes. See the log of captures_sense."]
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


def _progress_table(runs: Runs, linking: Runs) -> Table:
    table = Table("capture", "what it is", "tasks", "now", title="Airflow at work")
    for order in ORDERS:
        tasks = [run for run in (runs.get(order.key), linking.get(order.key)) if run]
        done = f"{sum(run.done for run in tasks)}/{sum(len(run.tasks) for run in tasks)}" if tasks else "-"
        table.add_row(str(order.key), order.about, done, _now(order.key, runs, linking))
    return table


def _table(runs: Mapping[CaptureKey, IngestRun], outcomes: Mapping[CaptureKey, Outcome]) -> Table:
    columns = ("capture", "verdict", "stations", "quarantined", "files", "images", "seconds")
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
        )
    return table
