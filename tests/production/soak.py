"""A long run of the composition: parts killed at random, samples of what must stay flat, and the table of both."""

from __future__ import annotations

import json
import os
import random
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil
import psycopg2

from production.plant import Plant
from production.recoveries import machine

FILE = Path(__file__).parents[2] / ".local" / "soak.json"
PARTS = (
    "worker-1", "worker-2", "scheduler", "triggerer", "dag-processor", "api-server", "redis", "postgres", "s3",
    "sandbox",
)  # fmt: skip
PARSES = "dag-processor"
"""Each of its children reads one file and ends."""
DOWN = {"s3": 30.0, "sandbox": 30.0}
"""Seconds for which a store is down; what is killed is started again at once."""
OPEN = "('scheduled', 'queued', 'running', 'restarting', 'deferred', 'up_for_retry', 'up_for_reschedule')"


class Kills:
    """Kills all parts in an order drawn at random, again and again."""

    def __init__(self, plant: Plant, every: tuple[float, float], seed: int) -> None:
        self.plant = plant
        self.every = every
        self.count: Counter[str] = Counter()
        self.down = ""
        self._random = random.Random(seed)
        self._next = self._random.uniform(*every)
        self._left: list[str] = []
        self._until = 0.0
        self._outage = ExitStack()

    def go_on(self, now: float) -> None:
        """Do what is due."""
        if self.down and now >= self._until:
            self.end_outage()
        if self.down or now < self._next:
            return
        self._next = now + self._random.uniform(*self.every)
        if not self._left:
            self._left = self._random.sample(PARTS, len(PARTS))
        part = self._left.pop()
        self.count[part] += 1
        production = self.plant.production
        if part not in DOWN:
            production.order("kill", part)
            return
        self.down, self._until = part, now + DOWN[part]
        if part == "s3":
            self._outage.enter_context(self.plant.s3.refusing())
        else:
            production.order("stop", part)
            self._outage.callback(production.order, "start", part)

    def end_outage(self) -> None:
        self._outage.close()
        self.down = ""


@dataclass(slots=True)
class Sample:
    """What the composition takes at a time; sizes in MB, and nothing of a database that is down."""

    at: float
    memory: dict[str, float]
    """Of the lasting processes of each service, without files and shared memory: each process of PostgreSQL counts what
    it has touched of the buffers that all of them share. Tasks of a worker come and go, as do parsers of DAG files."""
    pids: dict[str, int]
    all_memory: float
    """Of all processes of the product, tasks included, what they share counted once."""
    disk: dict[str, float]
    load: float
    """Of the machine, with all that runs beside the composition."""
    connections: int | None = None
    open_tasks: dict[str, int] = field(default_factory=dict)
    ended: int = 0


def sample(plant: Plant, at: float) -> Sample:
    memory: dict[str, float] = {}
    pids: dict[str, int] = {}
    shared_once = 0.0
    for service, each in plant.production.status()["services"].items():
        if not each["pid"] or service in {"s3", "sandbox"}:
            continue
        with suppress(psutil.Error):
            first = psutil.Process(each["pid"])
            lasting = [first] if service == PARSES else [first, *first.children()]
            memory[service] = sum(info.rss - info.shared for info in (each.memory_info() for each in lasting)) / 1e6
            pids[service] = each["pid"]
            shared_once += sum(process.memory_full_info().pss for process in [first, *first.children(recursive=True)])
    folder = plant.production.folder
    disk = {name: size(folder / name) for name in ("logs", "redis")}
    found = Sample(round(at, 1), memory, pids, shared_once / 1e6, disk, os.getloadavg()[0])
    with suppress(psycopg2.OperationalError):
        ask = plant.production.ask
        found.disk["database"] = ask("SELECT pg_database_size('airflow')")[0][0] / 1e6
        found.open_tasks = dict(ask(f"SELECT state, count(*) FROM task_instance WHERE state IN {OPEN} GROUP BY state"))
        ended = "SELECT count(*) FROM dag_run WHERE dag_id = 'captures_ingest' AND state IN ('success', 'failed')"
        found.ended = ask(ended)[0][0]
        found.connections = ask("SELECT count(*) FROM pg_stat_activity WHERE datname = 'airflow'")[0][0] - 1
    return found


def size(folder: Path) -> float:
    """MB of the files below a folder, some of which may vanish meanwhile."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.lstat(os.path.join(parent, name)).st_size
    return total / 1e6


@dataclass(slots=True)
class Row:
    """Something that must stay flat: its median early, after the warm-up, and late."""

    what: str
    unit: str
    early: float
    late: float
    most: float
    late_at_most: float


def rows(samples: Sequence[Sample], warm_up: float, until: float) -> Iterator[Row]:
    """Compare the first third after the warm-up with the last third, until no more captures were dropped."""
    steady = [each for each in samples if warm_up <= each.at <= until]
    third = (until - warm_up) / 3

    def compared(what: str, unit: str, values: Mapping[float, float], spare: float) -> Iterator[Row]:
        before = [value for at, value in values.items() if at <= warm_up + third]
        after = [value for at, value in values.items() if at > until - third]
        if before and after:
            early, late = statistics.median(before), statistics.median(after)
            yield Row(what, unit, early, late, max(values.values()), early * 1.15 + spare)

    for service in samples[0].memory:
        resident = {each.at: each.memory[service] for each in steady if service in each.memory}
        yield from compared(f"{service}, own memory", "MB", resident, 20)
    yield from compared("all processes, tasks included", "MB", {each.at: each.all_memory for each in steady}, 200)
    connections = {each.at: float(each.connections) for each in steady if each.connections is not None}
    yield from compared("connections to PostgreSQL", "", connections, 3)
    tasks = {each.at: float(sum(each.open_tasks.values())) for each in steady}
    yield from compared("tasks under way", "", tasks, 5)
    for name in samples[0].disk:
        ended = {each.at: each for each in steady if each.ended and name in each.disk}
        first = next(iter(ended.values()), None)
        grown = {
            at: (each.disk[name] - first.disk[name]) / (each.ended - first.ended)
            for at, each in ended.items()
            if first and each.ended > first.ended
        }
        yield from compared(f"{name} on disk, a capture", "MB", grown, 0.2)


@dataclass(slots=True)
class Report:
    """What a run is summed up in."""

    captures: int
    minutes: float
    kills: Mapping[str, int]
    notes: Mapping[str, float]
    rows: Sequence[Row]

    def keep(self, samples: Sequence[Sample]) -> None:
        FILE.parent.mkdir(exist_ok=True)
        document = {"machine": machine(), **asdict(self), "samples": [asdict(each) for each in samples]}
        FILE.write_text(json.dumps(document, indent=1))

    def lines(self) -> Iterator[str]:
        killed = ", ".join(f"{part} {count}" for part, count in sorted(self.kills.items()))
        yield f"{self.captures} captures in {self.minutes:.0f} minutes on {machine()}; kills: {killed}"
        for what, value in self.notes.items():
            yield f"{what}: {value:.0f}"
        yield "| what | early | late | most | late, at most |"
        yield "|---|---|---|---|---|"
        for row in self.rows:
            unit = f", {row.unit}" if row.unit else ""
            numbers = (f"{value:.2f}" if abs(row.most) < 10 else f"{value:.0f}" for value in (
                row.early, row.late, row.most, row.late_at_most
            ))  # fmt: skip
            yield f"| {row.what}{unit} | {' | '.join(numbers)} |"
