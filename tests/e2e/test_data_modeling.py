"""The same DAGs in a data modeling project."""

from __future__ import annotations

from capture360 import dag_names
from capture360_local.demo.deliveries import LEGIBLE_FACE_SIZE, Order
from running_stack import RunningStack

READ = Order("plates", "cubemap", 1, "plates for a 3D job", site="read-by-job", face_size=LEGIBLE_FACE_SIZE)
DROPPED = Order("core", "navvis", 1, "panoramas of a tilted scanner")


def test_a_dropped_capture_becomes_core_model_instances(core_stack: RunningStack) -> None:
    run = core_stack.ended(core_stack.drop(DROPPED))
    assert run.state == "success", core_stack.api.task_instances(dag_names.INGEST, run.id)
    outcome = core_stack.outcome(DROPPED)
    assert not outcome.differences
    assert (outcome.verdict, outcome.images, outcome.files) == ("accepted", 1, 6)


def test_ingested_again_it_writes_nothing(core_stack: RunningStack) -> None:
    before = core_stack.mutating()
    run = core_stack.api.trigger(dag_names.INGEST, {"capture": str(DROPPED.key)})
    assert core_stack.ended(DROPPED.key).id == run
    assert core_stack.api.run(dag_names.INGEST, run)["state"] == "success"
    assert core_stack.mutating() == before


def test_a_3d_job_reads_the_plates_and_no_worker_waits_for_it(core_stack: RunningStack) -> None:
    assert core_stack.ended(core_stack.drop(READ)).state == "success"
    run, found = core_stack.contextualized(READ)
    assert core_stack.api.run(dag_names.CONTEXTUALIZE, run)["state"] == "success"
    assert "CDF reads the faces; asking again" in core_stack.api.log(dag_names.CONTEXTUALIZE, run, "detect", 1, 0)
    assert found.found == found.legible > 0
    assert not found.wrong
