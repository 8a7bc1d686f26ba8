"""CDF's Vision service reads the plates of a site that chose it."""

from __future__ import annotations

from capture360 import dag_names
from capture360_local.demo.deliveries import LEGIBLE_FACE_SIZE, Order
from running_stack import RunningStack

READ = Order("plates", "cubemap", 1, "plates for Vision", site="read-by-vision", face_size=LEGIBLE_FACE_SIZE)


def test_vision_reads_the_plates_and_no_worker_waits_for_it(stack: RunningStack) -> None:
    assert stack.ended(stack.drop(READ)).state == "success"
    run, found = stack.contextualized(READ)
    assert stack.api.run(dag_names.CONTEXTUALIZE, run)["state"] == "success"
    log = stack.api.log(dag_names.CONTEXTUALIZE, run, "detect", 1, 0)
    assert "CDF reads the faces; asking again" in log
    assert "deprecated" in log
    assert found.found == found.legible > 0
    assert not found.wrong
