"""Second half of the demo: link the plates of one capture to the hall's assets with the real scheduler."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from rich.box import SIMPLE
from rich.console import Console
from rich.status import Status
from rich.table import Table

from capture360.cdf.assets import ClassicAssets
from capture360.cdf.client import CdfProject
from capture360.cdf.registry import mode_of
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.settings.links import LinkSettings
from capture360_local.demo.deliveries import LINKED, truth_of
from capture360_local.demo.plates import Plates, bring_assets, plates
from capture360_local.demo.runs import CONTEXTUALIZE, IngestRun, newest_run, only
from capture360_local.stack import Stack

_DEADLINE = timedelta(minutes=6)
_POLL_SECONDS = 1.0


def link_and_compare(
    stack: Stack, console: Console, cdf: CdfProject, mutating_requests: Callable[[], int], *, first: bool
) -> list[str]:
    """Create the assets, contextualize and print the table of plates; returns the failed checks."""
    key = LINKED.key
    truth = truth_of(LINKED, stack.home.root / "samples")
    records = Records(str(stack.home.records))
    classic = isinstance(mode_of(cdf).assets(cdf, LinkSettings()), ClassicAssets)
    brought = bring_assets(cdf, truth, classic=classic)
    console.print(
        f"{brought} assets of the hall were brought into CDF." if brought else "The hall's assets are in CDF."
    )
    before = mutating_requests()
    run = _contextualized(stack, console, key)
    written = mutating_requests() - before
    if run is None or run.state != "success":
        ended = "did not end in time" if run is None else f"ended as {run.state} ({run.summary})"
        return [f"{key}: the run of {CONTEXTUALIZE} {ended}."]
    found = plates(key, truth, records)
    console.print(_table(found, run))
    if found.report:
        console.print(f"match report: {stack.home.records / found.report}", soft_wrap=True, highlight=False)
    complaints = list(found.complaints)
    if not first and written:
        complaints.append(f"{key}: contextualizing it again sent {written} mutating requests to CDF.")
    return complaints


def _contextualized(stack: Stack, console: Console, key: CaptureKey) -> IngestRun | None:
    """Return the ended run; None if the deadline passed first."""
    with stack.api() as api, only(api, {CONTEXTUALIZE}), Status("contextualizing", console=console) as status:
        passed_over = frozenset(str(run["dag_run_id"]) for run in api.runs(CONTEXTUALIZE))
        api.trigger(CONTEXTUALIZE, {"capture": str(key)})
        deadline = time.monotonic() + _DEADLINE.total_seconds()
        while time.monotonic() < deadline:
            stack.check()
            run = newest_run(api, key, passed_over, CONTEXTUALIZE)
            if run:
                status.update(f"contextualizing {key}: {run.done}/{len(run.tasks)} tasks, {run.summary}")
                if run.ended:
                    return run
            time.sleep(_POLL_SECONDS)  # Airflow sends no event when a run ends
    return None


def _table(found: Plates, run: IngestRun) -> Table:
    columns = ("capture", "plates in view", "found", "texts", "approved", "suggested", "wrong", "seconds")
    table = Table(*columns, title="Plates linked to assets", box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_row(
        LINKED.capture,
        str(found.legible),
        str(found.found),
        str(found.texts),
        str(found.approved),
        str(found.suggested),
        str(len(found.wrong)),
        f"{run.seconds:.0f}",
    )
    return table
