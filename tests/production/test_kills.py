"""Parts of the composition are killed while a capture is on its way; it comes to its end by itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from production.plant import Held, Plant

KILLS = {
    "worker in validate": ("validate", lambda plant, task: plant.worker_of(task)),
    "worker in faces": ("faces", lambda plant, task: plant.worker_of(task)),
    "scheduler": ("faces", lambda plant, task: "scheduler"),
    "redis": ("validate", lambda plant, task: "redis"),
    "postgres": ("faces", lambda plant, task: "postgres"),
    "api-server": ("faces", lambda plant, task: "api-server"),
    "dag-processor": ("validate", lambda plant, task: "dag-processor"),
}
"""The task that runs when something is killed, and which service that is."""


@pytest.mark.production
def test_a_capture_goes_from_the_store_to_its_end(plant: Plant, undisturbed: Held) -> None:
    assert len(plant.runs(plant.undisturbed)) == 1
    plant.free(plant.undisturbed)
    services = plant.production.status()["services"]
    assert {"worker-1", "worker-2"} <= set(services)
    assert all(each["starts"] == 1 for each in services.values()), services


@pytest.mark.recovery
@pytest.mark.parametrize("what", KILLS)
def test_a_part_is_killed_while_a_capture_is_on_its_way(plant: Plant, undisturbed: Held, what: str) -> None:
    at, which = KILLS[what]
    drop = plant.drop(what.replace(" ", "-"))
    uploaded = plant.uploads(20)
    task = plant.running(drop.key, at)
    if at == "faces":
        plant.until(uploaded, "uploads")
    service: str = which(plant, task)
    starts = plant.starts(service)
    with plant.timed(what, drop.key):
        plant.production.kill(service)
        plant.until(lambda: plant.starts(service) > starts, f"another start of {service}")
        plant.assert_done(drop.key, undisturbed)


@pytest.mark.recovery
def test_a_message_that_redis_loses_counts_as_lost(plant: Plant, undisturbed: Held) -> None:
    """Its disk is lost as well, with whatever waits there."""
    for worker in ("worker-1", "worker-2"):
        plant.production.stop(worker)
    drop = plant.drop("disk-lost")
    plant.until(lambda: plant.queued(), "a task to wait in Redis")
    with plant.timed("redis and its disk", drop.key):
        plant.production.stop("redis")
        plant.until(lambda: not plant.lives("redis"), "the end of Redis")
        shutil.rmtree(plant.production.folder / "redis/appendonlydir")
        for service in ("redis", "worker-1", "worker-2"):
            plant.production.start(service)
        plant.assert_done(drop.key, undisturbed)


@pytest.mark.recovery
def test_the_triggerer_is_killed_and_captures_are_still_noticed(plant: Plant, undisturbed: Held) -> None:
    plant.production.kill("triggerer")
    drop = plant.drop("triggerer")
    with plant.timed("triggerer", drop.key):
        plant.until(lambda: plant.runs(drop.key), "the run about a capture")
    plant.assert_done(drop.key, undisturbed)


@pytest.mark.recovery
@pytest.mark.parametrize("outage", ["s3 refuses for 60 s", "cdf is down for 180 s"])
def test_a_store_is_down_for_a_while(plant: Plant, undisturbed: Held, outage: str) -> None:
    drop = plant.drop(outage.partition(" ")[0])
    uploaded = plant.uploads(20)
    plant.running(drop.key, "faces")
    plant.until(uploaded, "uploads")
    with plant.timed(outage, drop.key):
        if outage.startswith("s3"):
            with plant.s3.refusing():
                plant.wait(60)
        else:
            plant.production.stop("sandbox")
            plant.wait(180)
            plant.production.start("sandbox")
        plant.assert_done(drop.key, undisturbed)


@pytest.fixture(scope="module")
def linked_undisturbed(plant: Plant) -> tuple[int, int, int]:
    return plant.linked("links-undisturbed", lambda _: None)


@pytest.mark.recovery
@pytest.mark.parametrize("task", ["detect", "annotate"])
def test_a_worker_is_killed_while_plates_are_read_or_linked(
    plant: Plant, linked_undisturbed: tuple[int, int, int], task: str
) -> None:
    def kill(worker_of: Callable[[str], str]) -> None:
        plant.production.kill(worker_of(task))

    assert plant.linked(f"links-{task}", kill) == linked_undisturbed
