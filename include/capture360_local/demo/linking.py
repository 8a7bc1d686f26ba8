"""Second half of the demo: what became of the plates of the published captures, and which reviews wait for people."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from capture360.cdf.assets import ClassicAssets
from capture360.cdf.client import CdfProject, cdf_errors
from capture360.cdf.registry import mode_of
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.reports.captures import Delivery
from capture360.settings.links import LinkSettings
from capture360.steps.captures import newest_deliveries
from capture360_local.demo.container import deploy_container
from capture360_local.demo.deliveries import LINKED, truth_of
from capture360_local.demo.plates import Plates, bring_assets, plates
from capture360_local.demo.runs import IngestRun
from capture360_local.stack import Stack

ASKED_WITHIN = timedelta(minutes=2)
"""Time limit for the reviews to ask once all captures are contextualized."""
_POLL_SECONDS = 1.0


def bring_hall(stack: Stack, console: Console, cdf: CdfProject) -> None:
    """Create the assets of the hall, which all captures show, and what the project needs to keep decisions."""
    truth = truth_of(LINKED, stack.home.root / "samples")
    if mode_of(cdf).decisions is not None:
        with cdf_errors("Deploying the container of decisions"):
            deploy_container(cdf.client)
    classic = isinstance(mode_of(cdf).assets(cdf, LinkSettings()), ClassicAssets)
    brought = bring_assets(cdf, truth, classic=classic)
    console.print(
        f"{brought} assets of the hall were brought into CDF." if brought else "The hall's assets are in CDF."
    )


def compare_links(stack: Stack, console: Console, runs: Mapping[CaptureKey, IngestRun]) -> list[str]:
    """Print what became of the plates of each contextualized capture; returns the failed checks."""
    records = Records(str(stack.home.records))
    failures = [
        f"{key}: its contextualization {run.summary if run.ended else 'did not end in time'}."
        for key, run in runs.items()
        if run.state != "success"
    ]
    found = plates(LINKED.key, truth_of(LINKED, stack.home.root / "samples"), records)
    keys = list(runs)
    deliveries = zip(keys, newest_deliveries(records, keys), strict=True)
    console.print(_table(found, runs, {key: each.delivery for key, each in deliveries if each.delivery}))
    if found.report:
        console.print(f"match report: {stack.home.records / found.report}", soft_wrap=True, highlight=False)
    return [*failures, *found.differences]


def reviews_that_wait(
    asked: Callable[[], frozenset[str]], wanted: Sequence[CaptureKey], within: timedelta = ASKED_WITHIN
) -> list[str]:
    """Wait until each capture's review asks; returns a sentence for each that does not in time."""
    deadline = time.monotonic() + within.total_seconds()
    missing = {str(key) for key in wanted} - asked()
    while missing and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)  # Airflow tells nobody that a person is asked
        missing -= asked()
    return [f"{key}: nobody is asked about its plates." for key in sorted(missing)]


def _table(found: Plates, runs: Mapping[CaptureKey, IngestRun], deliveries: Mapping[CaptureKey, Delivery]) -> Table:
    columns = ("capture", "linked", "asked", "missed", "plates in view", "found", "wrong links", "seconds")
    table = Table(*columns, title="Plates and the assets they name", box=SIMPLE, padding=(0, 1, 0, 0))
    for key, run in runs.items():
        delivery = deliveries.get(key)
        counts = delivery.plates if delivery and delivery.plates else {}
        known = (found.legible, found.found, len(found.wrong)) if key == LINKED.key else ("-", "-", "-")
        table.add_row(
            key.capture,
            *(str(counts.get(name, "-")) for name in ("linked", "asked", "missed")),
            *map(str, known),
            f"{run.seconds:.0f}",
        )
    return table
