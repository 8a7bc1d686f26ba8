"""A capture date through the Backfill endpoint and the real scheduler: refused in words, done, and done again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capture360.cdf.assets import ClassicAssets
from capture360.cdf.registry import mode_of
from capture360.records import Stage
from capture360_local.demo.deliveries import Order, truth_of
from capture360_local.demo.plates import bring_assets
from capture360_local.demo.runs import CONTEXTUALIZE
from running_stack import RunningStack

BACKFILL = "captures_backfill"
SITE = "by-date"
ORDERS = [Order(f"day-{number}", "cubemap", 1, "found by its date", site=SITE) for number in (1, 2)]


def backfilled(stack: RunningStack, day: str, reprocess: str) -> Mapping[str, Any]:
    """The run that a new backfill of one date made, once it and the backfill have ended."""
    before = {run["dag_run_id"] for run in stack.api.runs(BACKFILL)}
    body = {
        "dag_id": BACKFILL,
        "from_date": f"{day}T00:00:00Z",
        "to_date": f"{day}T00:00:00Z",
        "reprocess_behavior": reprocess,
        "dag_run_conf": {"what": "both", "site": SITE},
    }
    made = stack.api.request("POST", "/backfills", json=body)["id"]

    def look() -> Mapping[str, Any] | None:
        runs = [run for run in stack.api.runs(BACKFILL) if run["dag_run_id"] not in before]
        over = stack.api.request("GET", f"/backfills/{made}")["completed_at"]
        return runs[0] if over and runs and runs[0]["state"] in {"success", "failed"} else None

    return stack.until(look, f"the backfill of {day} to end")


def test_a_date_is_refused_while_paused_then_done_and_then_left_as_it_is(stack: RunningStack) -> None:
    keys = [stack.drop(order) for order in ORDERS]
    assert {stack.ended(key).state for key in keys} == {"success"}
    site = stack.local.home.site_register().site(SITE)
    source = mode_of(stack.cdf).assets(stack.cdf, site.links)
    bring_assets(stack.cdf, truth_of(ORDERS[0], stack.samples), classic=isinstance(source, ClassicAssets))
    stack.until(lambda: list(source.assets()), "CDF to list the assets")
    state = stack.records.load(keys[0])
    assert state is not None
    day = (state.body("validate") or {})["capture_date"]
    stack.api.pause(BACKFILL, False)

    refused = backfilled(stack, day, "none")
    assert (refused["state"], refused["partition_key"]) == ("failed", day)
    assert f"{CONTEXTUALIZE} is paused" in stack.api.log(BACKFILL, refused["dag_run_id"], "look", 1)

    stack.api.pause(CONTEXTUALIZE, False)
    try:
        done = backfilled(stack, day, "failed")
        assert done["state"] == "success", stack.api.task_instances(BACKFILL, done["dag_run_id"])
        states = [stack.records.load(key) for key in keys]
        assert [each and each.stage for each in states] == [Stage.CONTEXTUALIZED] * 2
        before = stack.mutating()
        again = backfilled(stack, day, "completed")
    finally:
        stack.api.pause(CONTEXTUALIZE, True)
    assert again["state"] == "success"
    log = stack.api.log(BACKFILL, again["dag_run_id"], "look", 1)
    assert [f"{key}: nothing to do" in log for key in keys] == [True, True]
    assert stack.mutating() == before
    assert stack.api.runs(BACKFILL)[0]["run_type"] == "backfill"
