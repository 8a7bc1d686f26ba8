"""The running composition as its tests see it: captures delivered to S3, runs watched, CDF and records read."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import fsspec
import httpx
import psutil
import pytest
from redis import Redis

from capture360 import dag_names
from capture360.cdf.client import CdfProject, Connection
from capture360.cdf.registry import mode_of
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.settings.register import Register
from capture360.steps import lease
from capture360_local.demo.deliveries import LEGIBLE_FACE_SIZE, Order, deliver, truth_of
from capture360_local.demo.plates import bring_assets, plates
from capture360_local.production.handle import Production
from capture360_local.stack.airflow_api import AirflowApi
from captures import Drop, write_cubemap
from production.recoveries import GOAL_S, Recovery, keep
from production.relay import Relay
from statsd_receiver import StatsdReceiver
from waiting import eventually

REGISTER = """
records: $CAPTURE360_HOME/records
defaults: {connection: cognite_cdf_default, space: captures360}
sites:
  hall-7:
    landing: {url: $CAPTURE360_HOME/landing/hall-7}
    checks: {min_face_resolution: 16, min_file_bytes: 100}
    links: {enabled: false}
  hall-8:
    landing: {url: $CAPTURE360_HOME/landing/hall-8}
    checks: {min_face_resolution: 16, min_file_bytes: 100}
  linked:
    landing: {url: $CAPTURE360_HOME/landing/linked}
  scans:
    landing: {url: $CAPTURE360_HOME/landing/scans}
    checks: {min_file_bytes: 100, min_panorama_width: 64, min_face_resolution: 16}
    links: {enabled: false}
"""
SITE = "hall-7"
STATIONS = 12
"""More of them would have pictures of the same colours, which validation refuses."""
PATIENCE = 300.0
"""More than the two minutes in which all has to go on, for slow machines; with Airflow's own limits it is too short."""
_BETWEEN_LOOKS_S = 0.5
"""Looks by the api-server without a pause would take half a core from what is measured."""
T = TypeVar("T")


@dataclass(frozen=True)
class Held:
    """What CDF holds of a capture, without what tells it from another capture of the same pictures."""

    images: Sequence[tuple[Any, ...]]
    files: int
    nodes: Mapping[str, int]


class Plant:
    """The composition, with what a test asks of it."""

    def __init__(
        self, production: Production, api: AirflowApi, s3: Relay, statsd: StatsdReceiver, folder: Path
    ) -> None:
        self.production = production
        self.s3 = s3
        self.statsd = statsd
        self.folder = folder
        self.api = api
        self.register = Register(str(folder / "sites.yaml"), {**os.environ, "CAPTURE360_HOME": "s3://captures"})
        self.records = Records("s3://captures/records")
        connection = Connection.from_file(production.folder / "sandbox/connection.json")
        self.cdf = CdfProject(connection)
        self.undisturbed = CaptureKey(SITE, "undisturbed")

    def until(self, look: Callable[[], T | None], what: str, patience: float = PATIENCE) -> T:
        """What `look` finds as soon as it finds something; parts of the composition may be down meanwhile."""

        def checked() -> T | None:
            self.production.check()
            try:
                return look()
            except httpx.HTTPError:
                return None

        return eventually(checked, lambda: f"{what}; {self.unfinished()}", patience, _BETWEEN_LOOKS_S)

    def unfinished(self) -> str:
        try:
            found = self.api.request("GET", "/dags/~/dagRuns/~/taskInstances", params={"limit": 200})["task_instances"]
        except httpx.HTTPError as error:
            return f"Airflow does not answer: {error}"
        return "\n".join(
            f"{each['dag_run_id']} {each['task_id']}[{each['map_index']}] try {each['try_number']}: {each['state']}"
            for each in found
            if each["state"] not in {"success", "skipped"}
        )

    def drop(self, capture: str) -> Drop:
        """Deliver a capture of the same pictures as all others."""
        drop = write_cubemap(self.folder / "delivered" / SITE, CaptureKey(SITE, capture), stations=STATIONS)
        self.put(drop.folder, f"{SITE}/{capture}")
        return drop

    def put(self, folder: Path, where: str) -> None:
        """Bring a folder into the landing zone, its marker last."""
        store = fsspec.filesystem("s3")
        for file in sorted(folder.rglob("*"), key=lambda path: path.name == "_READY"):
            if file.is_file():
                store.put_file(str(file), f"captures/landing/{where}/{file.relative_to(folder)}")

    def runs(self, key: CaptureKey, dag: str = dag_names.INGEST) -> Sequence[Mapping[str, Any]]:
        return [run for run in self.api.runs(dag) if run["partition_key"] == str(key)]

    def instances(self, key: CaptureKey, task: str, dag: str = dag_names.INGEST) -> Sequence[Mapping[str, Any]]:
        return [
            each
            for run in self.runs(key, dag)
            for each in self.api.task_instances(dag, run["dag_run_id"])
            if each["task_id"] == task
        ]

    def running(self, key: CaptureKey, task: str, dag: str = dag_names.INGEST) -> Mapping[str, Any]:
        """An instance of the task that runs, with its process alive."""

        def look() -> Mapping[str, Any] | None:
            for each in self.instances(key, task, dag):
                if each["state"] == "running" and each["pid"] and psutil.pid_exists(each["pid"]):
                    return each
            return None

        return self.until(look, f"{task} of {key} to run")

    def in_state(self, key: CaptureKey, task: str, state: str) -> bool:
        return any(each["state"] == state for each in self.instances(key, task))

    def uploads(self, least: int) -> Callable[[], bool]:
        """Whether CDF has taken so many more mutating requests than now."""
        before = self.mutating()
        return lambda: self.mutating() >= before + least

    def mutating(self) -> int:
        answer = httpx.get(f"{self.production.sandbox_url}/sandbox/counters", trust_env=False, timeout=60)
        return int(answer.raise_for_status().json()["mutating"])

    def worker_of(self, instance: Mapping[str, Any]) -> str:
        """The service in which a running task instance has its process."""
        return str(psutil.Process(instance["pid"]).environ()["CAPTURE360_SERVICE"])

    def starts(self, service: str) -> int:
        return int(self.production.status()["services"][service]["starts"])

    def lives(self, service: str) -> bool:
        return self.production.status()["services"][service]["pid"] is not None

    def waits_in_redis(self, key: CaptureKey) -> bool:
        """Whether a task of the capture is queued, and the messages of all queued tasks have been sent."""
        parameters = {"state": "queued", "limit": 100}
        queued = self.api.request("GET", "/dags/~/dagRuns/~/taskInstances", params=parameters)["task_instances"]
        runs = {run["dag_run_id"] for run in self.runs(key)}
        port, password = self.production.ports["redis"], self.production.variables["REDIS_PASSWORD"]
        with Redis(port=port, password=password) as redis:
            sent = int(redis.llen("default"))
        return any(each["dag_run_id"] in runs for each in queued) and sent >= len(queued)

    def wait(self, seconds: float) -> None:
        """The length of an outage, which is what the test is about."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.production.check()
            time.sleep(0.5)  # an outage is a length of time, and no condition

    @contextmanager
    def recovery(self, what: str, key: CaptureKey, dag: str = dag_names.INGEST) -> Iterator[Recovery]:
        """Measure from here, where the block kills something, until the run about the capture ends."""
        recovery = Recovery(what)
        yield recovery
        if recovery.moves is None:
            self.moves(recovery, key, dag)
        recovery.ended = _time(self.ended(key, 600, dag)["end_date"])
        keep(recovery)
        assert recovery.moves_s <= GOAL_S, f"{what}: the capture stood still for {recovery.moves_s:.0f} s"

    def moves(self, recovery: Recovery, key: CaptureKey, dag: str = dag_names.INGEST) -> None:
        """Wait until a task of the capture has started since the kill."""

        def look() -> datetime | None:
            started = (
                _time(each["start_date"])
                for run in self.runs(key, dag)
                for each in self.api.task_instances(dag, run["dag_run_id"])
                if each["start_date"]
            )
            return min((time for time in started if time > recovery.began), default=None)

        recovery.moves = self.until(look, f"a task of {key} to start after the kill: {recovery.what}", 600)

    def ended(self, key: CaptureKey, patience: float = PATIENCE, dag: str = dag_names.INGEST) -> Mapping[str, Any]:
        """The one run about the capture, once it has ended."""

        def look() -> Mapping[str, Any] | None:
            return next((run for run in self.runs(key, dag) if run["state"] in {"success", "failed"}), None)

        return self.until(look, f"the end of the run about {key}", patience)

    def held(self, key: CaptureKey) -> Held:
        """What CDF holds of the capture."""
        return self.held_of([key])[key]

    def held_of(self, keys: Sequence[CaptureKey]) -> Mapping[CaptureKey, Held]:
        """What CDF holds of each capture. The ids of faces end with a digest of their bytes."""
        instances = self.cdf.client.data_modeling.instances
        nodes = {
            view: [
                node.external_id
                for node in instances.list("node", sources=("cdf_360_image_schema", view, "v1"), limit=None)
            ]
            for view in ("Image360", "Image360Collection", "Station360")
        }
        files = [file.external_id or "" for file in self.cdf.client.files.list(limit=None)]
        held = {}
        for key in keys:
            mine = f"{key.capture.replace('-', '_')}_"
            images = mode_of(self.cdf).images(self.cdf, self.register.site(key.site)).images(key)
            held[key] = Held(
                images=sorted(
                    (
                        (image.pose, *((face, ref.external_id[-16:]) for face, ref in sorted(image.faces.items())))
                        for image in images
                    ),
                    key=lambda image: image[0].position,
                ),
                files=sum(mine in name for name in files),
                nodes={view: sum(mine in name for name in names) for view, names in nodes.items()},
            )
        return held

    def linked(self, capture: str, disturb: Callable[[CaptureKey, Callable[[str], str]], None]) -> tuple[int, int, int]:
        """Deliver a capture with plates and wait until it is linked: plates found, links approved and suggested.

        `disturb` is called while that is under way, with a way to wait for a task that returns the worker that runs it.
        """
        order = Order(capture, "cubemap", 3, "plates to read", site="linked", face_size=LEGIBLE_FACE_SIZE)
        landing = self.folder / "delivered"
        (self.folder / "samples").mkdir(exist_ok=True)
        if not deliver(order, landing, self.folder / "samples"):
            pytest.fail(f"{capture} was delivered already")
        truth = truth_of(order, self.folder / "samples")
        bring_assets(self.cdf, truth, classic=True)
        self.put(landing / "linked" / capture, f"linked/{capture}")

        def worker(task: str) -> str:
            return self.worker_of(self.running(order.key, task, dag_names.CONTEXTUALIZE))

        self.ended(order.key, 600)
        disturb(order.key, worker)
        assert self.ended(order.key, 600, dag_names.CONTEXTUALIZE)["state"] == "success", self.unfinished()
        assert lease.holder(self.records, order.key) is None
        found = plates(order.key, truth, self.records)
        assert not found.differences, found.differences
        return found.found, found.approved, found.suggested

    def free(self, key: CaptureKey) -> None:
        """Wait until nobody holds the capture's lease: the run that links it comes after the one that brought it in."""
        self.until(lambda: lease.holder(self.records, key) is None, f"the lease of {key} to be given back")

    def assert_done(self, key: CaptureKey, like: Held) -> None:
        """The capture is at its end by itself: one green run that did it all, CDF as without the kill, no lease."""
        run = self.ended(key)
        assert run["state"] == "success", self.unfinished()
        assert len(self.runs(key)) == 1
        for task in ("lease", "validate", "faces", "publish", "verify", "release"):
            assert {each["state"] for each in self.instances(key, task)} == {"success"}, task
        assert not self.runs(key, dag_names.CONTEXTUALIZE), f"{key.site} wants no links"
        self.until(lambda: self.held(key) == like, f"CDF to list all of {key} and nothing else", 30)
        self.free(key)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
