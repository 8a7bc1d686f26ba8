"""Parts of the composition are killed while a capture is on its way; it comes to its end by itself."""

from __future__ import annotations

import pytest

from capture360.steps import lease
from production.plant import Held, Plant

pytestmark = pytest.mark.production


def test_a_capture_goes_from_the_store_to_its_end(plant: Plant, undisturbed: Held) -> None:
    key = undisturbed.key
    assert len(plant.runs(key)) == 1
    assert lease.holder(plant.records, key) is None
    states = plant.production.status()["services"]
    assert {"worker-1", "worker-2"} <= set(states)
    assert all(each["starts"] == 1 for each in states.values())


def test_a_worker_is_killed_while_it_uploads(plant: Plant, undisturbed: Held) -> None:
    drop = plant.drop("worker-killed")
    uploaded = plant.uploads(30)
    task = plant.running(drop.key, "faces")
    plant.until(uploaded, "uploads")
    plant.production.kill(plant.worker_of(task))
    plant.assert_done(drop.key, undisturbed)
    assert max(each["try_number"] for each in plant.instances(drop.key, "faces")) > task["try_number"]
