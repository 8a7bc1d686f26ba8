"""What a second worker brings: one capture of tiny faces by one worker of the composition, and by two of the same size.

Each worker is pinned to a core and runs one task at a time. `--delay` is what CDF's storage takes to answer an upload;
beside it the sandbox, one process on the same cores, does not count. Landing zone and records are on the shared volume.
Also counts what both runs leave in Airflow's database. Needs PostgreSQL and Redis; state is kept below .local/bench.

    python benchmarks/workers.py [--stations 2000] [--delay 0.1]
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import httpx
import psutil

from capture360 import dag_names
from capture360.cdf.client import CdfProject, Connection
from capture360.model import CaptureKey
from capture360_local.production.handle import Production
from capture360_local.stack.airflow_api import AirflowApi
from capture360_local.stack.profile import PROJECT
from figures import Figure, report
from growth_capture import bring_assets, deliver

FOLDER = PROJECT / ".local/bench/workers"
SITE = "bench"
REGISTER = """
records: $CAPTURE360_HOME/records
defaults: {connection: cognite_cdf_default, space: captures360}
sites:
  bench:
    landing: {url: $CAPTURE360_HOME/landing/bench}
    checks: {min_face_resolution: 16, min_file_bytes: 100}
"""
PATIENCE_S = 3600.0
BETWEEN_LOOKS_S = 2.0


class Composition:
    """A running composition, and what is asked of it."""

    def __init__(self, production: Production, api: AirflowApi) -> None:
        self.production = production
        self.api = api
        self.landing = production.folder / "captures/landing" / SITE

    def drop(self, capture: str, stations: int, seed: int) -> CaptureKey:
        key = CaptureKey(SITE, capture)
        staged = self.production.folder / "staged"
        deliver(staged, stations, key, seed)
        self.landing.mkdir(parents=True, exist_ok=True)
        (staged / capture).rename(self.landing / capture)
        return key

    def states(self, dag: str) -> dict[str, str]:
        """State of the newest run about each capture among the last hundred; the api-server may be down."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            self.production.check()
            try:
                return {run["partition_key"]: run["state"] for run in reversed(self.api.runs(dag))}
            except httpx.HTTPError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(BETWEEN_LOOKS_S)  # the api-server is down and says nothing when it is back

    def wait_for(self, key: CaptureKey, dag: str) -> Iterator[None]:
        """Yield between looks until the run has ended; SystemExit unless it succeeded."""
        deadline = time.monotonic() + PATIENCE_S
        while (state := self.states(dag).get(str(key))) != "success":
            if state == "failed" or time.monotonic() > deadline:
                sys.exit(f"{dag} of {key}: {state}; see {self.production.folder / 'logs'}")
            yield
            time.sleep(BETWEEN_LOOKS_S)  # Airflow sends no event at the end of a run

    def rate(self, key: CaptureKey, dag: str, task: str, faces: int) -> float:
        """Faces a second of all batches of a mapped task together."""
        (run,) = (run for run in self.api.runs(dag) if run["partition_key"] == str(key))
        batches = [each for each in self.api.task_instances(dag, run["dag_run_id"]) if each["task_id"] == task]
        began = min(datetime.fromisoformat(each["start_date"]) for each in batches)
        ended = max(datetime.fromisoformat(each["end_date"]) for each in batches)
        return faces / (ended - began).total_seconds()

    def connections(self) -> int:
        return int(self.production.ask("SELECT count(*) FROM pg_stat_activity WHERE datname = 'airflow'")[0][0]) - 1

    def processes(self) -> Iterator[tuple[str, psutil.Process]]:
        """Every process with the name of its service."""
        home = str(self.production.folder / "tmp")
        for process in psutil.process_iter():
            try:
                environment = process.environ()
            except psutil.Error:
                continue
            if environment.get("HOME") == home and (name := environment.get("CAPTURE360_SERVICE")):
                yield name, process


@contextmanager
def running(name: str, **variables: str) -> Iterator[Composition]:
    """Start the composition in a folder of its own, which nothing earlier is in."""
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "sites.yaml").write_text(REGISTER)
    production = Production(folder)
    production.set(CAPTURE360_HOME="/opt/captures", CAPTURE360_CONFIG=str(folder / "sites.yaml"), **variables)
    try:
        with production.running(lambda _: None), production.api() as api:
            wanted = {file.stem for file in (PROJECT / "dags").glob("captures_*.py")}
            deadline = time.monotonic() + PATIENCE_S
            while absent := wanted - {str(dag["dag_id"]) for dag in api.dags()}:
                if time.monotonic() > deadline:
                    sys.exit(f"Airflow does not show {', '.join(sorted(absent))}; see {folder / 'logs'}")
                time.sleep(BETWEEN_LOOKS_S)  # the DAG processor sends no event
            for dag in wanted - {dag_names.SENSE, dag_names.INGEST, dag_names.CONTEXTUALIZE}:
                api.pause(dag, True)
            yield Composition(production, api)
    finally:
        production.remove()


def scale(stations: int, delay: float) -> int:
    rates: dict[int, dict[str, float]] = {}
    figures = []
    for workers in (1, 2):
        sizes = {"WORKERS": str(workers), "WORKER_CONCURRENCY": "1", "PARALLELISM": str(workers)}
        with running(str(workers), **sizes) as composition:
            for name, process in composition.processes():
                if name.startswith("worker"):
                    core = int(name.removeprefix("worker-") or 1) - 1 if workers > 1 else 0
                    os.sched_setaffinity(process.pid, {core % (os.cpu_count() or 1)})
            fault = {"effect": "delay", "method": "PUT", "path": "/links/upload/*", "seconds": delay, "times": 10**6}
            answer = httpx.post(f"{composition.production.sandbox_url}/sandbox/faults", json=fault, trust_env=False)
            answer.raise_for_status()
            project = CdfProject(Connection.from_file(composition.production.folder / "sandbox/connection.json"))
            bring_assets(project, "asset_centric", 100)
            size_before = composition.production.ask("SELECT pg_database_size('airflow')")[0][0]
            key = composition.drop("tiny", stations, seed=5)
            connections = 0
            for dag in (dag_names.INGEST, dag_names.CONTEXTUALIZE):
                for _ in composition.wait_for(key, dag):
                    connections = max(connections, composition.connections())
            rates[workers] = {
                "faces": composition.rate(key, dag_names.INGEST, "faces", 6 * stations),
                "detect": composition.rate(key, dag_names.CONTEXTUALIZE, "detect", 6 * stations),
            }
            for task, rate in rates[workers].items():
                figures.append(Figure(f"{task}, {workers} worker{'s'[: workers - 1]}", rate, "faces/s"))
            dags = f"dag_id IN ('{dag_names.INGEST}', '{dag_names.CONTEXTUALIZE}')"
            ((instances,),) = composition.production.ask(f"SELECT count(*) FROM task_instance WHERE {dags}")
            ((rows, size),) = composition.production.ask(
                f"SELECT count(*), coalesce(sum(octet_length(value::text)), 0) FROM xcom WHERE {dags}"
            )
            ((total,),) = composition.production.ask("SELECT sum(n_live_tup) FROM pg_stat_user_tables")
            size_after = composition.production.ask("SELECT pg_database_size('airflow')")[0][0]
    figures += [
        Figure(f"{task}, two workers / one", rates[2][task] / rates[1][task], at_least=1.8) for task in rates[1]
    ]
    figures += [
        Figure("task instances of both runs", instances),
        Figure("XComs of both runs", rows),
        Figure("XComs of both runs", float(size) / 1e3, "kB"),
        Figure("database connections, the most", connections),
        Figure("rows of the database, all", float(total)),
        Figure("growth of the database", (size_after - size_before) / 1e6, "MB"),
    ]
    return report(f"One capture of {stations:,} stations, {os.cpu_count()} cores, {delay} s an upload", figures)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--stations", type=int, default=2_000)
    parser.add_argument("--delay", type=float, default=0.1, help="seconds an upload")
    arguments = parser.parse_args()
    return scale(arguments.stations, arguments.delay)


if __name__ == "__main__":
    sys.exit(main())
