"""An E57 capture by the route of the revision: the only task that waits in the triggerer."""

from __future__ import annotations

from capture360 import dag_names
from capture360.model import CaptureKey
from capture360_local.demo.runs import newest_run
from running_stack import RunningStack
from scans import scan, write_scans


def test_cdf_extracts_the_panoramas_of_a_scan(stack: RunningStack) -> None:
    write_scans(stack.local.home.landing / "scans", "walk")
    run = stack.ended(CaptureKey("scans", "walk"))
    tasks = dict(run.tasks)
    assert run.state == "success", tasks
    assert {tasks[task] for task in ("upload_scans", "start_revisions", "wait_for_revisions", "collect")} == {"success"}
    assert {tasks[task] for task in ("faces", "publish")} == {"skipped"}
    assert {tasks[task] for task in ("verify", "announce")} == {"success"}
    path = f"/dags/{dag_names.INGEST}/dagRuns/{run.id}/taskInstances/collect"
    assert stack.api.request("GET", f"{path}/xcomEntries/return_value")["value"]["images"] == 3
    assert stack.api.request("GET", f"{path}/links")["extra_links"]["Open in CDF"]


def test_ingested_again_it_writes_nothing(stack: RunningStack) -> None:
    key = CaptureKey("scans", "walk")
    before = stack.mutating()
    run = stack.api.trigger(dag_names.INGEST, {"capture": str(key)})
    assert stack.ended(key).id == run
    assert stack.api.run(dag_names.INGEST, run)["state"] == "success"
    assert stack.mutating() == before


def test_a_stack_that_is_restarted_while_cdf_extracts_comes_to_the_same_end(stack: RunningStack) -> None:
    """Scheduler, triggerer and a worker in the midst of its task die; what the run waits for is known to CDF alone."""
    write_scans(stack.local.home.landing / "scans", "restarted", {"scan.e57": scan(shade=90)})
    capture = CaptureKey("scans", "restarted")
    stack.fault({"effect": "delay", "method": "GET", "path": "*/3d/models/*/revisions/*", "seconds": 600})
    run = stack.until(lambda: newest_run(stack.api, capture, frozenset()), "the run")
    stack.until(lambda: stack.task(run.id, "wait_for_revisions")["state"] == "running", "the run to look at CDF")
    stack.local.down()
    stack.local.up(lambda _: None)
    ended = stack.ended(capture)
    assert (ended.id, ended.state) == (run.id, "success"), ended.tasks
    path = f"/dags/{dag_names.INGEST}/dagRuns/{run.id}/taskInstances/start_revisions/xcomEntries/return_value"
    started = stack.api.request("GET", path)["value"]
    made = stack.cdf.client.three_d.revisions.list(started["model"], limit=None)
    assert [each.id for each in made if each.id in started["revisions"]] == started["revisions"]
    assert len({each.file_id for each in made}) == len(made)
