"""What an end-to-end test asks of a stack of real processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx

from airflow_runs import AirflowRuns
from capture360 import dag_names
from capture360.cdf.assets import ClassicAssets
from capture360.cdf.client import CdfProject, Connection
from capture360.cdf.registry import mode_of
from capture360.model import CaptureKey
from capture360.records import Records
from capture360_local.demo.deliveries import Order, deliver, expected, truth_of
from capture360_local.demo.plates import Plates, bring_assets, plates
from capture360_local.demo.readback import Outcome, read_back
from capture360_local.demo.runs import IngestRun, newest_run
from capture360_local.stack import Stack
from waiting import eventually

PATIENCE = 240.0
_BETWEEN_LOOKS_S = 0.5
"""Looks without a pause keep the api-server busy, and half a core from what is waited for."""
T = TypeVar("T")


class RunningStack:
    """A running stack, with what a test asks of it."""

    def __init__(self, local: Stack, api: AirflowRuns) -> None:
        self.local = local
        self.api = api
        self.samples = local.home.root / "samples"
        self.samples.mkdir(exist_ok=True)
        self.sandbox = httpx.Client(base_url=local.status().sandbox_url, trust_env=False, timeout=30)
        self.records = Records(str(local.home.records))
        connection = {**local.sandbox_connection(), "mode": local.mode}
        self.cdf = CdfProject(Connection.from_mapping(connection, "the sandbox"))

    def until(self, look: Callable[[], T | None], what: str, patience: float = PATIENCE) -> T:
        """What `look` finds as soon as it finds something, while the stack lives."""

        def checked() -> T | None:
            self.local.check()
            return look()

        return eventually(
            checked,
            lambda: f"{what}; tasks that did not succeed:\n{self._tasks_without_success()}",
            patience,
            _BETWEEN_LOOKS_S,
        )

    def _tasks_without_success(self) -> str:
        states = ["failed", "up_for_retry", "upstream_failed", "awaiting_input", "deferred", "queued", "running"]
        found = self.api.request("GET", "/dags/~/dagRuns/~/taskInstances", params={"state": states, "limit": 100})
        return "\n".join(
            f"{each['dag_run_id']} {each['dag_id']}.{each['task_id']}[{each['map_index']}] "
            f"try {each['try_number']}: {each['state']}"
            for each in found["task_instances"]
        )

    def drop(self, order: Order) -> CaptureKey:
        """Deliver a capture; its key."""
        assert deliver(order, self.local.home.landing, self.samples)
        return order.key

    def ended(self, key: CaptureKey, passed_over: frozenset[str] = frozenset()) -> IngestRun:
        """The newest run about the capture, once it has ended."""

        def look() -> IngestRun | None:
            run = newest_run(self.api, key, passed_over)
            return run if run and run.ended else None

        return self.until(look, f"the end of a run about {key}")

    def contextualized(self, order: Order) -> tuple[str, Plates]:
        """The run that contextualized a published capture, once it has ended, and how its plates came out."""
        truth = truth_of(order, self.samples)
        site = self.local.home.site_register().site(order.site)
        source = mode_of(self.cdf).assets(self.cdf, site.links)
        bring_assets(self.cdf, truth, classic=isinstance(source, ClassicAssets))
        self.until(lambda: list(source.assets()), "CDF to list the assets")
        self.api.pause(dag_names.CONTEXTUALIZE, False)
        run = self.api.trigger(dag_names.CONTEXTUALIZE, {"capture": str(order.key)})
        self.until(
            lambda: self.api.run(dag_names.CONTEXTUALIZE, run)["state"] in {"success", "failed"}, f"the end of {run}"
        )
        self.api.pause(dag_names.CONTEXTUALIZE, True)
        return run, plates(order.key, truth, self.records)

    def asked(self, dag: str, run: str) -> list[Mapping[str, Any]]:
        """The Required Actions of a run that nobody has answered."""
        path = f"/dags/{dag}/dagRuns/{run}/hitlDetails"
        found: list[Mapping[str, Any]] = self.api.request("GET", path, params={"response_received": False})[
            "hitl_details"
        ]
        return found

    def waiting(self, dag: str, run: str) -> Mapping[str, Any]:
        """The only Required Action of a run, once its task waits for the answer.

        The form is there before the task waits; on SQLite, which locks no rows, an answer in between wakes nothing.
        """

        def parked() -> list[Mapping[str, Any]]:
            return [each for each in self.asked(dag, run) if each["task_instance"]["state"] == "awaiting_input"]

        (found,) = self.until(parked, f"{run} to wait for an answer")
        return found

    def answer(self, dag: str, run: str, task: str, choice: str, **fields: str) -> None:
        """A person's answer by the REST API."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}/-1/hitlDetails"
        self.api.request("PATCH", path, json={"chosen_options": [choice], "params_input": fields})

    def outcome(self, order: Order) -> Outcome:
        """What records and CDF hold of the capture, compared with its truth."""
        site = self.local.home.site_register().site(order.site)
        return read_back(order.key, expected(order, self.samples), site, self.cdf, self.records)

    def mutating(self) -> int:
        """Mutating requests so far, but for tokens and sessions."""
        return int(self.sandbox.get("/sandbox/counters").raise_for_status().json()["mutating"])

    def fault(self, order: Mapping[str, Any]) -> None:
        """Order a fault of CDF; it is forgotten when the sandbox stops."""
        self.sandbox.post("/sandbox/faults", json=order).raise_for_status()

    def files(self) -> int:
        """How many files CDF holds."""
        return len(self.cdf.client.files.list(limit=None))

    def image_count(self, order: Order) -> int:
        site = self.local.home.site_register().site(order.site)
        return len(list(mode_of(self.cdf).images(self.cdf, site).images(order.key)))

    def task(self, run: str, task: str) -> Mapping[str, Any]:
        """The first instance of a task in a run."""
        return next(each for each in self.api.task_instances(dag_names.INGEST, run) if each["task_id"] == task)

    def log(self, run: str, task: str, attempt: int = 1) -> str:
        """The log of a task's try, once it is whole."""
        index = self.task(run, task)["map_index"]
        return self.api.log(dag_names.INGEST, run, task, attempt, index)
