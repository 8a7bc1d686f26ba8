"""A date backfilled, contextualized anew after a new asset, and its capture retracted with a person's approval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cognite.client.data_classes import AnnotationFilter, AssetWrite

from capture360 import dag_names
from capture360_local.demo.deliveries import LEGIBLE_FACE_SIZE, Order
from capture360_local.demo.runs import newest_run
from running_stack import PATIENCE, RunningStack

BACKFILL, RETRACT = "captures_backfill", "captures_retract"
DATED = Order("walk", "cubemap", 2, "not published, then backfilled", site="dated", face_size=LEGIBLE_FACE_SIZE)
ROOT, FIRST, SECOND = "dated-hall", "XV-205", "JB-602"


def test_a_date_reaches_its_end_and_changes_only_what_is_due(stack: RunningStack) -> None:
    bring_asset(stack, ROOT)
    bring_asset(stack, FIRST, parent=ROOT)
    before = held(stack)
    stack.fault({"effect": "status", "status": 400, "method": "POST", "path": "*/models/instances"})
    key = stack.drop(DATED)
    stack.until(lambda: newest_run(stack.api, key, frozenset()), "a run about it")
    assert stack.ended(key).state == "failed"
    stack.api.pause(BACKFILL, False)

    refused = backfilled(stack, "none")
    assert refused["state"] == "failed"
    assert "captures_contextualize is paused" in stack.api.log(BACKFILL, refused["dag_run_id"], "look", 1)

    stack.api.pause(dag_names.CONTEXTUALIZE, False)
    done = backfilled(stack, "failed")
    assert done["state"] == "success", stack.api.task_instances(BACKFILL, done["dag_run_id"])
    assert stack.ended(DATED.key).state == "success"
    first = links(stack)
    assert first
    assert {link["asset"] for link in first.values()} == {FIRST}

    bring_asset(stack, SECOND, parent=ROOT)
    again = backfilled(stack, "completed")
    assert again["state"] == "success", stack.api.task_instances(BACKFILL, again["dag_run_id"])
    assert again["dag_run_id"] != done["dag_run_id"]
    second = links(stack)
    assert {key: second[key] for key in first} == first
    assert {link["asset"] for key, link in second.items() if key not in first} == {SECOND}
    stack.until(
        lambda: all(run["end_date"] for run in stack.api.runs(dag_names.CONTEXTUALIZE)), "the capture to be released"
    )
    stack.api.pause(dag_names.CONTEXTUALIZE, True)

    stack.api.pause(RETRACT, False)
    run = stack.api.trigger(RETRACT, {"capture": str(DATED.key)})
    assert str(DATED.key) in stack.waiting(RETRACT, run)["subject"]
    stack.answer(RETRACT, run, "approve", "Remove all of it")
    stack.until(lambda: stack.api.run(RETRACT, run)["state"] in {"success", "failed"}, "the end of the retraction")
    assert stack.api.run(RETRACT, run)["state"] == "success", stack.api.task_instances(RETRACT, run)
    assert held(stack) == before
    stack.cdf.client.assets.delete(external_id=ROOT, recursive=True)  # other tests bring assets of the same names


def bring_asset(stack: RunningStack, name: str, parent: str | None = None) -> None:
    stack.cdf.client.assets.create([AssetWrite(name=name, external_id=name, parent_external_id=parent)])
    stack.until(
        lambda: name in {each.external_id for each in stack.cdf.client.assets(asset_subtree_external_ids=[ROOT])},
        "CDF to list the asset",
    )


def backfilled(stack: RunningStack, reprocess: str) -> Mapping[str, Any]:
    """The run of the capture's date once it has ended, started by the REST API."""
    state = stack.records.load(DATED.key)
    assert state is not None
    day = (state.body("validate") or {})["captured_on"]
    passed = {run["dag_run_id"] for run in stack.api.runs(BACKFILL)}
    body = {
        "dag_id": BACKFILL,
        "from_date": f"{day}T00:00:00Z",
        "to_date": f"{day}T00:00:00Z",
        "reprocess_behavior": reprocess,
        "dag_run_conf": {"what": "both", "site": DATED.site},
    }
    stack.api.request("POST", "/backfills", json=body)

    def ended() -> Mapping[str, Any] | None:
        found = [run for run in stack.api.runs(BACKFILL) if run["dag_run_id"] not in passed]
        return next((run for run in found if run["state"] in {"success", "failed"}), None)

    run = stack.until(ended, f"the end of the backfill of {day}", 2.5 * PATIENCE)
    assert run["partition_key"] == day
    stack.until(lambda: not active(stack), "the backfill to be completed")
    return run


def active(stack: RunningStack) -> bool:
    found = stack.api.request("GET", "/backfills", params={"dag_id": BACKFILL})["backfills"]
    return any(each["completed_at"] is None for each in found)


def links(stack: RunningStack) -> dict[int, Mapping[str, Any]]:
    """Asset and time of the last change of each link of the capture's faces, by its id."""
    names = {file.id for file in stack.cdf.client.files.list(limit=None) if "walk" in str(file.external_id)}
    chosen = AnnotationFilter("file", [{"id": name} for name in sorted(names)])
    found = stack.cdf.client.annotations.list(chosen, limit=None)
    assets = {asset.id: asset.external_id for asset in stack.cdf.client.assets.list(limit=None)}
    return {
        int(each.id): {"asset": assets[each.data["assetRef"]["id"]], "at": each.last_updated_time} for each in found
    }


def held(stack: RunningStack) -> Mapping[str, Any]:
    """What CDF holds of captures."""
    client = stack.cdf.client
    return {
        "files": sorted(str(file.external_id) for file in client.files.list(limit=None)),
        "nodes": sorted((node.space, node.external_id) for node in client.data_modeling.instances.list(limit=None)),
        "edges": sorted(
            (edge.space, edge.external_id) for edge in client.data_modeling.instances.list("edge", limit=None)
        ),
    }
