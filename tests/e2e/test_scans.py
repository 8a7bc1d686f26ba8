"""An E57 capture by the route of the revision: the only task that waits in the triggerer."""

from __future__ import annotations

from capture360.model import CaptureKey
from capture360_local.demo.runs import INGEST
from running_stack import RunningStack
from scans import write_scans


def test_cdf_extracts_the_panoramas_of_a_scan(stack: RunningStack) -> None:
    write_scans(stack.local.home.landing / "scans", "walk")
    run = stack.ended(CaptureKey("scans", "walk"))
    tasks = dict(run.tasks)
    assert run.state == "success", tasks
    assert {tasks[task] for task in ("upload_scans", "start_revisions", "wait_for_revisions", "collect")} == {"success"}
    assert {tasks[task] for task in ("faces", "publish")} == {"skipped"}
    assert {tasks[task] for task in ("verify", "announce")} == {"success"}
    path = f"/dags/{INGEST}/dagRuns/{run.id}/taskInstances/collect"
    assert stack.api.request("GET", f"{path}/xcomEntries/return_value")["value"]["images"] == 3
    assert stack.api.request("GET", f"{path}/links")["extra_links"]["Open in CDF"]


def test_ingested_again_it_writes_nothing(stack: RunningStack) -> None:
    key = CaptureKey("scans", "walk")
    before = stack.mutating()
    run = stack.api.trigger(INGEST, {"capture": str(key)})
    assert stack.ended(key).id == run
    assert stack.api.run(INGEST, run)["state"] == "success"
    assert stack.mutating() == before
