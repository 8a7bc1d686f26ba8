"""Captures of 20 to 10,001 panoramas with tiny faces into each kind of project: what grows, and how fast.

Requests, seconds and the peak memory of the writing process, faces to read-back; then the same capture again, which
must send nothing that writes. The sandbox runs in a process of its own, without limits and delays. What matters is the
figure for each panorama beside that of the smallest capture: 1.0 is in proportion.

    python benchmarks/publish.py [--sizes 20 200] [--modes MODE]      all of it takes a while; prints as it goes
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from rich.console import Console
from rich.table import Table

from capture360.cdf.client import CdfProject, Connection
from capture360.cdf.project_mode import ModeName
from capture360.cdf.registry import MODES
from capture360.checks.validation import capture_document
from capture360.landing.fingerprint import fingerprint
from capture360.model import FACES, Capture, CaptureKey, CaptureKind, Pose, Station, StationMedia
from capture360.records import Records
from capture360.settings.landing import Landing
from capture360.settings.site import Site
from capture360.steps.context import StepContext
from capture360.steps.faces import faces
from capture360.steps.publish import publish
from capture360.steps.validate import CAPTURE, STEP, batch_count
from capture360.steps.verify import verify

SIZES = (20, 200, 2_000, 10_001)
"""The last is one more than viewers, and our own reading, take in one page."""
KEY = CaptureKey("bench", "tiny")
DISTINCT: tuple[ModeName, ...] = ("asset_centric", "data_modeling")
"""The modes that write images differently."""
SANDBOX = """
import sys
from pathlib import Path
from cdf_sandbox.core.options import Options, ProjectMode
from cdf_sandbox.core.server import run
options = Options(
    Path(sys.argv[1]), mode=ProjectMode(sys.argv[2]), list_lag=0, uploaded_lag=0, syncer_delay=0, rate_limits=False
)
run(options, lambda connection: print("ready", flush=True))
"""


@dataclass(frozen=True)
class Run:
    """What one way through the steps took."""

    seconds: float
    peak_mb: float
    reads: int
    writes: int


def deliver(landing: Path, count: int) -> Capture:
    """A cubemap folder whose face files are one picture under many names."""
    picture = landing / "face.jpg"
    Image.new("RGB", (16, 16), (90, 120, 60)).save(picture, "JPEG")
    folder = landing / KEY.capture
    stations, media = [], {}
    for number in range(count):
        name = f"{number:05}"
        pose = Pose((number % 100, number // 100, 1.6), (1.0, 0.0, 0.0, 0.0))
        stations.append(Station(name, name, pose, datetime(2026, 5, 1, tzinfo=UTC) + timedelta(seconds=number)))
        media[name] = StationMedia(faces={face: f"images/{name}/{face}.jpg" for face in FACES})
        (folder / "images" / name).mkdir(parents=True)
        for path in media[name].faces.values():
            os.link(picture, folder / path)
    return Capture(KEY, CaptureKind.CUBEMAP, "Bench", KEY.capture, tuple(stations), media)


def go_the_way(root: Path, connection: Path, mode: ModeName) -> None:
    """All steps that write, in this process; prints seconds and peak megabytes."""
    site = Site(id=KEY.site, name="Bench", landing=Landing(url=str(root / "landing")), space="bench")
    project = CdfProject(Connection.from_mapping({**json.loads(connection.read_text()), "mode": mode}, "benchmark"))
    ctx = StepContext(site, Records(str(root / "records")), project, "bench", lambda line: None)
    seen = fingerprint(ctx.folder(KEY), site.landing.ready_markers)
    record = ctx.records.get(KEY, seen, STEP)
    assert record is not None
    started = time.perf_counter()
    for batch in range(record.body["batches"]):
        faces(ctx, KEY, seen, batch)
    publish(ctx, KEY, seen)
    verify(ctx, KEY, seen)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": time.perf_counter() - started, "peak_mb": peak}))


@contextmanager
def sandbox(data: Path, mode: ModeName) -> Iterator[tuple[Path, str]]:
    """Its connection file and base URL."""
    command = [sys.executable, "-c", SANDBOX, str(data), mode]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == "ready"
            connection = data / "connection.json"
            yield connection, json.loads(connection.read_text())["base_url"]
        finally:
            process.terminate()


def measure(root: Path, connection: Path, base_url: str, mode: ModeName) -> Run:
    before = counters(base_url)
    command = [sys.executable, __file__, "--way", str(root), str(connection), mode]
    measured: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    after = counters(base_url)
    return Run(
        measured["seconds"], measured["peak_mb"], after["read"] - before["read"], after["mutating"] - before["mutating"]
    )


def counters(base_url: str) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.get(f"{base_url}/sandbox/counters", trust_env=False).raise_for_status().json()
    return answer


def one_size(count: int, mode: ModeName) -> tuple[Run, Run]:
    """A first way and a second one of the same capture."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "landing").mkdir()
        capture = deliver(root / "landing", count)
        records = Records(str(root / "records"))
        site = Site(id=KEY.site, name="Bench", landing=Landing(url=str(root / "landing")), space="bench")
        ctx = StepContext(site, records, CdfProject(Connection("http://x", "p", "http://x", "i", "s")), "bench", print)
        seen = fingerprint(ctx.folder(KEY), site.landing.ready_markers)
        records.put(KEY, seen, CAPTURE, capture_document(capture), run="bench")
        records.put(KEY, seen, STEP, {"verdict": "accepted", "batches": batch_count(count)}, run="bench")
        with sandbox(root / "sandbox", mode) as (connection, base_url):
            return measure(root, connection, base_url, mode), measure(root, connection, base_url, mode)


def table(mode: ModeName, sizes: Sequence[int]) -> Table:
    shown = Table(title=f"Publishing, {mode}")
    columns = ("panoramas", "seconds", "ms each", "x", "reads each", "x", "writes each", "x", "peak MB", "again s")
    for column in columns:
        shown.add_column(column, justify="right")
    smallest: list[float] = []
    for count in sizes:
        first, second = one_size(count, mode)
        print(f"{mode}: {count:,} panoramas: {first}, again: {second}", file=sys.stderr)
        assert second.writes == 0, f"a second way sent {second.writes} requests that write"
        each = [first.seconds / count, first.reads / count, first.writes / count]
        smallest = smallest or each
        ratios = [f"{now / then:.2f}" for now, then in zip(each, smallest, strict=True)]
        shown.add_row(
            f"{count:,}", f"{first.seconds:.1f}", f"{1000 * each[0]:.1f}", ratios[0], f"{each[1]:.2f}", ratios[1],
            f"{each[2]:.2f}", ratios[2], f"{first.peak_mb:.0f}", f"{second.seconds:.1f}",
        )  # fmt: skip
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--way", nargs=3, metavar=("ROOT", "CONNECTION", "MODE"), help=argparse.SUPPRESS)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of panoramas")
    parser.add_argument("--modes", nargs="+", choices=list(MODES), default=DISTINCT, help="kinds of project")
    arguments = parser.parse_args()
    if arguments.way:
        root, connection, mode = arguments.way
        go_the_way(Path(root), Path(connection), mode)
        return
    for mode in arguments.modes:
        Console(width=140).print(table(mode, arguments.sizes))


if __name__ == "__main__":
    main()
