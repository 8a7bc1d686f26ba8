"""Parts of the composition are killed while a capture is on its way; it comes to its end by itself."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable

import httpx
import pytest

from airflow_capture360.metrics import METRICS
from capture360 import dag_names
from capture360.model import CaptureKey
from production.plant import SITE, Held, Plant
from scans import write_scans

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
    prefix = f"airflow.capture360.step_duration.{SITE}.{dag_names.INGEST}."
    timed = {line.removeprefix(prefix).partition(":")[0] for line in plant.statsd.ours if line.startswith(prefix)}
    assert {"lease", "validate", "faces", "publish", "place", "verify"} <= timed


@pytest.mark.production
def test_a_monitor_reads_the_health_by_its_token(plant: Plant, undisturbed: Held) -> None:
    bearer = {"authorization": f"Bearer {plant.production.variables['CAPTURE360_HEALTH_TOKEN']}"}

    def health() -> httpx.Response:
        return httpx.get(f"{plant.production.url}/capture360/health", headers=bearer, trust_env=False, timeout=30)

    plant.until(lambda: health().json().get("sensed_at"), "a look at the landing zones")
    assert health().status_code in {200, 503}
    assert httpx.get(f"{plant.production.url}/capture360/health", trust_env=False, timeout=60).status_code == 401
    assert (
        httpx.get(
            f"{plant.production.url}/capture360/captures", headers=bearer, trust_env=False, timeout=60
        ).status_code
        == 403
    )


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
    with plant.recovery(f"{service.rstrip('-12')} killed in `{at}`", drop.key):
        plant.production.order("kill", service)
    assert plant.starts(service) == starts + 1
    plant.assert_done(drop.key, undisturbed)


@pytest.mark.recovery
def test_a_message_that_redis_loses_counts_as_lost(plant: Plant, undisturbed: Held) -> None:
    """Its disk is lost as well, with whatever waits there."""
    drop = plant.drop("disk-lost")
    plant.until(lambda: plant.runs(drop.key), "the run about a capture")
    for worker in ("worker-1", "worker-2"):
        plant.production.order("stop", worker)
    plant.until(lambda: plant.waits_in_redis(drop.key), "a task of the capture to wait in Redis")
    with plant.recovery("redis killed, its disk and queued messages lost", drop.key):
        plant.production.order("stop", "redis")
        plant.until(lambda: not plant.lives("redis"), "the end of Redis")
        shutil.rmtree(plant.production.folder / "redis/appendonlydir")
        for service in ("redis", "worker-1", "worker-2"):
            plant.production.order("start", service)
    plant.assert_done(drop.key, undisturbed)


@pytest.mark.recovery
def test_the_triggerer_is_killed_and_captures_are_still_noticed(plant: Plant, undisturbed: Held) -> None:
    with plant.recovery("triggerer killed, then a capture dropped", CaptureKey(SITE, "triggerer")) as recovery:
        plant.production.order("kill", "triggerer")
        drop = plant.drop("triggerer")
        plant.moves(recovery, drop.key)
    plant.assert_done(drop.key, undisturbed)


@pytest.mark.recovery
def test_the_triggerer_is_killed_while_cdf_extracts(plant: Plant) -> None:
    """The wait is in the triggerer alone; the new one takes it up."""
    key = CaptureKey("scans", "deferred")
    write_scans(plant.folder / "delivered/scans", key.capture)
    plant.put(plant.folder / "delivered/scans" / key.capture, str(key))
    plant.until(lambda: plant.in_state(key, "wait_for_revisions", "deferred"), "CDF to be waited for")
    with plant.recovery("triggerer killed in `wait_for_revisions`", key):
        plant.production.order("kill", "triggerer")
    assert {each["state"] for each in plant.instances(key, "collect")} == {"success"}
    plant.free(key)


@pytest.mark.recovery
@pytest.mark.parametrize("outage", ["s3 refuses for 60 s", "cdf is down for 180 s"])
def test_a_store_is_down_for_a_while(plant: Plant, undisturbed: Held, outage: str) -> None:
    """Measured from its return."""
    drop = plant.drop(outage.partition(" ")[0])
    uploaded = plant.uploads(20)
    plant.running(drop.key, "faces")
    plant.until(uploaded, "uploads")
    if outage.startswith("s3"):
        with plant.s3.refusing():
            plant.wait(60)
    else:
        plant.production.order("stop", "sandbox")
        plant.wait(180)
        plant.production.order("start", "sandbox")
    with plant.recovery(f"{outage}, from its return", drop.key):
        pass
    plant.assert_done(drop.key, undisturbed)


@pytest.fixture(scope="module")
def linked_undisturbed(plant: Plant) -> tuple[int, int, int]:
    return plant.linked("links-undisturbed", lambda *_: None)


@pytest.mark.recovery
@pytest.mark.parametrize("task", ["detect", "annotate"])
def test_a_worker_is_killed_while_plates_are_read_or_linked(
    plant: Plant, linked_undisturbed: tuple[int, int, int], task: str
) -> None:
    def kill(key: CaptureKey, worker_of: Callable[[str], str]) -> None:
        service = worker_of(task)
        starts = plant.starts(service)
        with plant.recovery(f"worker killed in `{task}`", key, dag_names.CONTEXTUALIZE):
            plant.production.order("kill", service)
        assert plant.starts(service) == starts + 1

    assert plant.linked(f"links-{task}", kill) == linked_undisturbed


@pytest.mark.recovery
def test_every_metric_arrives(plant: Plant, linked_undisturbed: tuple[int, int, int]) -> None:
    assert linked_undisturbed[2], "a suggestion, about which people are asked"
    plant.api.trigger("captures_watch", {})

    def missing() -> set[str]:
        return {
            metric.name
            for metric in METRICS
            if not any(re.match(rf"airflow\.{re.escape(metric.name)}[.:]", line) for line in plant.statsd.ours)
        }

    plant.until(lambda: not missing(), "every metric of the table")
