"""What is lost on the way is repeated: a lease whose run has ended, a review that was never asked, an alert."""

from __future__ import annotations

import json
from typing import Any

from cognite.client.data_classes import AssetWrite

from capture360 import dag_names
from capture360.model import CaptureKey, Detection
from capture360.steps import lease
from capture360_local.demo.deliveries import Order
from capture360_local.stack.profile import connection_document
from reviews import REVIEW, Reviewed
from running_stack import RunningStack

CLEARED = Order("cleared", "cubemap", 1, "fails, and its failed tasks are cleared")
UNASKED = Order("unasked", "cubemap", 1, "suggested while the review was paused", site="impatient")
TAG = "33-LT-2901"
PLACE = ((0.2, 0.2), (0.4, 0.2), (0.4, 0.3), (0.2, 0.3))


def test_a_failed_run_that_is_cleared_gives_its_lease_back_however_it_ends(stack: RunningStack) -> None:
    refusal = {"effect": "status", "status": 400, "method": "POST", "path": "*/models/instances"}
    stack.fault(refusal)
    key = stack.drop(CLEARED)
    run = stack.ended(key).id
    assert stack.task(run, "publish")["state"] == "failed"
    stack.api.pause(dag_names.SENSE, True)  # its net would do the same later
    try:
        stack.fault(refusal)
        stack.api.clear(dag_names.INGEST, run, None, only_failed=True)
        stack.until(lambda: stack.task(run, "publish")["try_number"] == 2, "publish to run again")
        assert stack.ended(key).state == "failed"
        stack.until(lambda: lease.holder(stack.records, key) is None, "the lease to be given back after a failure")
        stack.api.clear(dag_names.INGEST, run, None, only_failed=True)
        stack.until(lambda: stack.api.run(dag_names.INGEST, run)["state"] == "success", "the run to succeed")
        assert stack.task(run, "release")["try_number"] == 1
        stack.until(lambda: lease.holder(stack.records, key) is None, "the lease to be given back after a success")
    finally:
        stack.api.pause(dag_names.SENSE, False)


def test_what_a_run_held_when_it_ended_is_taken_over_and_given_back(stack: RunningStack) -> None:
    """After the test before, as if its run had been lost."""
    key = CLEARED.key
    lost = f"Airflow run {dag_names.INGEST} {stack.ended(key).id}"
    lease.take(stack.records, key, lost, is_finished=lambda run: False)
    run = stack.api.trigger(dag_names.INGEST, {"capture": str(key)})
    stack.until(lambda: stack.api.run(dag_names.INGEST, run)["state"] in {"success", "failed"}, "the next run to end")
    assert (stack.task(run, "lease")["state"], stack.task(run, "verify")["state"]) == ("success", "success")
    for holder in (lost, f"Airflow run {dag_names.INGEST} deleted__1"):
        lease.take(stack.records, key, holder, is_finished=lambda run: False)
        stack.api.trigger(dag_names.SENSE, {})
        stack.until(lambda: lease.holder(stack.records, key) is None, "sensing to give the lease back")


def test_a_review_whose_event_was_lost_is_asked_once(stack: RunningStack) -> None:
    stack.cdf.client.assets.create([AssetWrite(name=TAG, external_id=TAG)])
    stack.until(lambda: TAG in {asset.name for asset in stack.cdf.client.assets.list(limit=None)}, "CDF to list it")
    stack.api.pause(REVIEW, True)
    key = stack.drop(UNASKED)
    assert stack.ended(key).state == "success"
    review = Reviewed(stack, key)
    review.suggest([Detection(review.images[0].external_id, "front", TAG, 0.7, PLACE)])
    assert review.statuses() == ["suggested"]
    stack.api.pause(REVIEW, False)

    def look() -> None:
        run = stack.api.trigger(dag_names.SENSE, {})
        stack.until(lambda: stack.api.run(dag_names.SENSE, run)["state"] in {"success", "failed"}, "a look")

    def asking() -> list[str]:
        return [str(run["dag_run_id"]) for run in stack.api.runs(REVIEW) if run["partition_key"] == str(key)]

    look()
    (run,) = stack.until(asking, "the review to begin")
    review.waiting(run)
    look()
    assert asking() == [run]
    review.answer(run, "Approve the rest")
    review.ended(run)
    assert review.statuses() == ["approved"]


def test_a_connection_that_does_not_show_is_asked_for_again_and_its_alert_is_kept(
    stack: RunningStack, unseen: CaptureKey
) -> None:
    """What Airflow answers while its database or secrets backend is down: that there is no such connection."""
    first = stack.ended(unseen)
    run = first.id
    assert first.state == "failed"
    assert first.tries["lease"] == stack.task(run, "lease")["max_tries"] + 1 > 1, "the connection is asked for again"
    alert = stack.log(run, "lease", first.tries["lease"])
    assert 'does not find the connection "cdf_out_of_sight". It says so while its database' in alert
    kept = [name for folder in ("alerts", "occurrences") for name in stack.records.store.names(f"sensing/{folder}")]
    assert kept  # nobody has said where alerts go

    document = connection_document(stack.local.sandbox_connection(), stack.local.mode)
    add_connection(stack, "cdf_out_of_sight", document)
    stack.api.clear(dag_names.INGEST, run, None, only_failed=True)
    stack.until(lambda: stack.api.run(dag_names.INGEST, run)["state"] == "success", "the run to succeed")


def add_connection(stack: RunningStack, conn_id: str, document: dict[str, Any]) -> None:
    body = {**document, "connection_id": conn_id, "extra": json.dumps(document["extra"])}
    stack.api.request("POST", "/connections", json=body)
