"""Captures come in bursts for an hour while parts are killed at random; `make soak`.

SOAK_MINUTES, SOAK_CAPTURES (at most so many), SOAK_BURST (dropped at once at the beginning) and SOAK_SEED say how;
SOAK_KILLS=0 kills nothing, as for the measurement of one large burst.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

import fsspec
import psycopg2
import pytest

from capture360 import dag_names
from capture360.model import CaptureKey
from capture360.steps import lease
from captures import write_cubemap
from production.plant import SITE, Held, Plant
from production.soak import OPEN, Kills, Report, Sample, rows, sample
from waiting import eventually

MINUTES = float(os.environ.get("SOAK_MINUTES", "60"))
CAPTURES = int(os.environ.get("SOAK_CAPTURES", "500"))
BURST = int(os.environ.get("SOAK_BURST", "20"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
KILLS = os.environ.get("SOAK_KILLS", "1") != "0"
STATIONS = 2
LINKED = "hall-8"
ONE_IN = 5
"""Of so many captures one goes to a site whose links are made as well."""
KILL_EVERY_S = (120.0, 240.0)
SAMPLE_EVERY_S = 15.0
DRAIN_S = 3600.0
DONE = {
    dag_names.INGEST: ("lease", "validate", "faces", "publish", "place", "verify", "release"),
    dag_names.CONTEXTUALIZE: ("detect", "match", "annotate"),
}
"""Tasks of which a run that did its work has no instance but green ones."""

pytestmark = [pytest.mark.soak, pytest.mark.timeout(60 * MINUTES + DRAIN_S + 1800)]


def deliver(plant: Plant, keys: Sequence[CaptureKey]) -> None:
    """Bring captures into the landing zone, all files first, then all markers."""
    store = fsspec.filesystem("s3")
    for key in keys:
        folder = write_cubemap(plant.folder / "delivered" / key.site, key, stations=STATIONS).folder
        (folder / "_READY").unlink()
        plant.put(folder, str(key))
    for key in keys:
        store.pipe_file(f"captures/landing/{key}/_READY", b"")


def runs(plant: Plant, dag: str) -> dict[str, list[tuple[str, str, datetime, datetime]]]:
    """Each capture's runs: id, state, when it was made, when it ended."""
    found = defaultdict(list)
    query = f"SELECT partition_key, run_id, state, queued_at, end_date FROM dag_run WHERE dag_id = '{dag}'"
    for key, *run in plant.production.ask(query):
        found[key].append(tuple(run))
    return found


def looks(plant: Plant, since: datetime) -> list[tuple[datetime, datetime]]:
    """When each look at the landing zones since then was due, and when it had announced what it found."""
    query = (
        "SELECT queued_at, task.end_date FROM dag_run JOIN task_instance AS task USING (dag_id, run_id) WHERE dag_id = "
        f"'captures_sense' AND task_id = 'sense' AND queued_at >= '{since.isoformat()}' AND task.end_date IS NOT NULL"
    )
    return sorted(plant.production.ask(query), key=lambda look: look[1])


def idle(plant: Plant, keys: Sequence[CaptureKey]) -> bool:
    """Whether every capture has an ended run in every DAG that it must go through."""
    try:
        of = {dag: runs(plant, dag) for dag in DONE}
    except psycopg2.OperationalError:
        return False
    return all(
        {run[1] for run in of[dag].get(str(key), ())} & {"success", "failed"}
        and not {run[1] for run in of[dag][str(key)]} & {"queued", "running"}
        for key in keys
        for dag in DONE
        if dag == dag_names.INGEST or key.site == LINKED
    )


def test_captures_in_bursts_while_parts_are_killed_at_random(plant: Plant) -> None:
    undisturbed = [CaptureKey(site, f"undisturbed-{site[-1]}") for site in (SITE, LINKED)]
    deliver(plant, undisturbed)
    plant.until(lambda: idle(plant, undisturbed), "the end of what is not disturbed", 1800)
    like = plant.held_of(undisturbed)[undisturbed[0]]
    assert (len(like.images), like.files) == (STATIONS, 6 * STATIONS)

    kills = Kills(plant, KILL_EVERY_S, SEED)
    sizes = random.Random(SEED)
    samples: list[Sample] = []
    keys: list[CaptureKey] = []
    dropped: dict[CaptureKey, datetime] = {}
    began = time.monotonic()
    dropping = True
    burst = BURST
    while True:
        plant.production.check()
        now = time.monotonic() - began
        if now >= len(samples) * SAMPLE_EVERY_S:
            samples.append(sample(plant, now))
        if dropping and (now > 60 * MINUTES or len(keys) >= CAPTURES):
            dropping, until = False, now
            kills.end_outage()
        if dropping:
            if KILLS:
                kills.go_on(now)
            if kills.down != "s3" and len(keys) - (samples[-1].ended - len(undisturbed)) <= burst // 2:
                number = len(keys)
                wanted = min(burst, CAPTURES - number)
                new = [CaptureKey((SITE, LINKED)[not n % ONE_IN], f"c-{n:04}") for n in range(number, number + wanted)]
                deliver(plant, new)
                dropped |= dict.fromkeys(new, datetime.now(UTC))
                keys += new
                burst = sizes.randint(max(1, BURST // 4), BURST)
        elif idle(plant, keys) or now > until + DRAIN_S:
            break
        time.sleep(1)  # the loop's clock: drops, kills and samples are due at times, not on conditions
    minutes = (time.monotonic() - began) / 60

    of = {dag: runs(plant, dag) for dag in DONE}
    ended = {key: of[dag_names.INGEST][str(key)][-1][3] for key in keys if of[dag_names.INGEST][str(key)]}
    took = {key: (at - dropped[key]).total_seconds() for key, at in ended.items() if at}
    noticed = [
        (of[dag_names.INGEST][str(key)][0][2] - dropped[key]).total_seconds() for key in keys[:BURST] if key in ended
    ]
    first = [took[key] for key in keys[:BURST] if key in took]
    looked = looks(plant, min(dropped.values()))
    report = Report(
        captures=len(keys),
        minutes=minutes,
        kills=dict(kills.count),
        notes={
            "load of the machine, median": statistics.median(each.load for each in samples),
            f"the first {BURST}, dropped at once: seconds until the last was announced": max(noticed, default=0),
            f"the first {BURST}, dropped at once: seconds until the last ended": max(first, default=0),
            "seconds from drop to end, median": statistics.median(took.values() or [0]),
            "seconds from drop to end, most": max(took.values(), default=0),
            "looks at the landing zones": len(looked),
            "seconds from a look being due to its end, most": max(
                ((end - due).total_seconds() for due, end in looked), default=0
            ),
            "seconds between the ends of two looks, most": max(
                ((after[1] - before[1]).total_seconds() for before, after in pairwise(looked)), default=0
            ),
        },
        rows=list(rows(samples, 60 * MINUTES / 6, until)),
    )
    report.keep(samples)
    for line in report.lines():
        print(line)
    assert idle(plant, keys), f"not all has ended {DRAIN_S:.0f} s after the last kill\n{plant.unfinished()}"
    assert_done(plant, keys, like)
    grown = [row for row in report.rows if row.late > row.late_at_most]
    assert not grown


def assert_done(plant: Plant, keys: Sequence[CaptureKey], like: Held) -> None:
    """Every capture is at its end by itself: one green run that did it all, CDF as undisturbed, no lease, no task."""
    for dag, tasks in DONE.items():
        of = runs(plant, dag)
        mine = [key for key in keys if dag == dag_names.INGEST or key.site == LINKED]
        assert {str(key): [run[1] for run in of[str(key)]] for key in mine} == {str(key): ["success"] for key in mine}
        others = {str(key) for key in keys} - {str(key) for key in mine}
        assert not others & of.keys(), "runs about captures of a site without links"
        found = plant.production.ask(f"SELECT run_id, task_id, state FROM task_instance WHERE dag_id = '{dag}'")
        states: dict[tuple[str, str], set[str]] = defaultdict(set)
        for run, task, state in found:
            states[run, task].add(state)
        wrong = {
            f"{key} {task}": states[of[str(key)][0][0], task]
            for key in mine
            for task in tasks
            if states[of[str(key)][0][0], task] != {"success"}
        }
        assert not wrong
    eventually(
        lambda: not any(lease.held_of(plant.records, site) for site in (SITE, LINKED)),
        "leases to be given back",
        300,
        2,
    )
    assert [str(key) for key in keys if lease.holder(plant.records, key)] == []
    dags = (dag_names.INGEST, dag_names.CONTEXTUALIZE)
    eventually(
        lambda: not plant.production.ask(f"SELECT 1 FROM task_instance WHERE dag_id IN {dags} AND state IN {OPEN}"),
        "no task to be under way",
        60,
        2,
    )
    held = plant.held_of(keys)
    assert {str(key): each for key, each in held.items() if each != like} == {}
