"""A capture through all steps, from validation to retraction, at growing sizes: what grows faster than the work.

Faces are tiny and texts are given, so that neither pictures nor reading count. Each image shows a plate of its own,
every tenth of them misread, so that a person is asked. For each step: CPU seconds of the process, requests, bytes of
records written, and the exponent with which each grew from the second largest size to the largest; 1.0 is in
proportion. Every step that writes runs twice, and the second time must not write. The sandbox runs in a process of its
own, without limits and delays.

    python benchmarks/growth.py [--sizes 50 200 800] [--modes MODE ...] [--full]      --full goes to 10,000 stations
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import simplejpeg
from cognite.client.data_classes import AssetWrite
from cognite.client.data_classes.data_modeling import SpaceApply
from cognite.client.data_classes.data_modeling.cdm.v1 import CogniteAssetApply

from capture360.batches import batched
from capture360.cdf.client import CdfProject, Connection
from capture360.cdf.project_mode import ModeName
from capture360.cdf.registry import MODES
from capture360.model import FACES, CaptureKey, Detection, PublishedImage
from capture360.records import Records
from capture360.rules.finding import Finding
from capture360.settings.checks import CheckSettings
from capture360.settings.landing import Landing
from capture360.settings.site import Site
from capture360.steps import detect as detecting
from capture360.steps.annotate import annotate
from capture360.steps.context import StepContext
from capture360.steps.detect import detect, detection_batches
from capture360.steps.faces import faces
from capture360.steps.match import match
from capture360.steps.publish import publish
from capture360.steps.reconcile import reconcile_site
from capture360.steps.retract import plan_retraction, retract
from capture360.steps.review import Response, apply, begin
from capture360.steps.validate import validate
from capture360.steps.verify import verify
from capture360.store import DocumentStore
from figures import Figure, report

SIZES, FULL = (50, 200, 800), (20, 200, 2_000, 10_000)
KEY = CaptureKey("bench", "tiny")
FACE_SIZE = 32
MISREAD = 10
"""Every plate of so many is misread."""
AT_MOST = {"requests": 1.1, "record bytes": 1.1, "CPU": 1.35}
"""Exponents; CPU seconds of small captures are noisy."""
STEADY = {"requests": 50.0, "record bytes": 20_000.0, "CPU": 1.0}
"""Less work than this at the largest size has no exponent worth a name."""
MANIFEST = """schema: capture/1
site_id: {key.site}
capture_id: {key.capture}
kind: cubemap
frame: {{name: site, up: z, unit: m, handedness: right}}
rotation: {{kind: quaternion, quaternion_order: wxyz, direction: camera_to_world}}
time: {{base: utc}}
"""
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


def deliver(landing: Path, count: int, key: CaptureKey = KEY, seed: int = 5) -> None:
    """Write a cubemap capture of `count` stations in rows of 100, a metre apart."""
    folder = landing / key.capture
    folder.mkdir(parents=True)
    (folder / "capture.yaml").write_text(MANIFEST.format(key=key))
    rows = ["station_id,x,y,z,qw,qx,qy,qz,time_taken"]
    noise = np.random.default_rng(seed)
    for number in range(count):
        minute, second = divmod(number, 60)
        time_taken = f"2026-05-01T{8 + minute // 60:02}:{minute % 60:02}:{second:02}Z"
        rows.append(f"{number:05},{number % 100}.25,{number // 100}.75,1.6,1.0,0.0,0.0,0.0,{time_taken}")
        (folder / "images" / f"{number:05}").mkdir(parents=True)
        for face in FACES:
            pixels = noise.integers(0, 256, (FACE_SIZE, FACE_SIZE, 3), np.uint8)
            (folder / "images" / f"{number:05}" / f"{face}.jpg").write_bytes(simplejpeg.encode_jpeg(pixels))
    (folder / "stations.csv").write_text("\n".join(rows) + "\n")
    (folder / "_READY").touch()


def tag_of(number: int) -> str:
    return f"{10 + number // 1000}-PT-{1000 + number % 1000}"


@dataclass
class GivenTexts:
    """A detector that finds a plate of its own in front of each station, all of one size."""

    engine: str = "given"
    images_at_once: int = 50
    findings: Sequence[Finding] = ()

    def detect(self, images: Sequence[PublishedImage]) -> Iterator[Detection]:
        for image in images:
            east, north, _ = image.pose.position
            number = int(east) + 100 * int(north)
            tag = tag_of(number)
            text = tag.replace("1", "I", 1) if number % MISREAD == 0 else tag
            score = 0.7 if number % MISREAD == 0 else 0.99
            yield Detection(image.external_id, "front", text, score, ((0.4, 0.5), (0.6, 0.5), (0.6, 0.54), (0.4, 0.54)))


def bring_assets(project: CdfProject, mode: ModeName, count: int) -> None:
    tags = [tag_of(number) for number in range(count)]
    if mode != "data_modeling":
        for some in batched(tags, 1_000):
            project.client.assets.create([AssetWrite(name=tag, external_id=tag) for tag in some])
        return
    project.client.data_modeling.spaces.apply(SpaceApply("tags"))
    for some in batched(tags, 1_000):
        project.client.data_modeling.instances.apply([CogniteAssetApply("tags", tag, name=tag) for tag in some])


@dataclass
class Watch:
    """What each step took."""

    base_url: str
    took: dict[str, dict[str, float]] = field(default_factory=dict)
    written: int = 0

    def __post_init__(self) -> None:
        for name in ("put", "create"):
            setattr(DocumentStore, name, self._counted(getattr(DocumentStore, name)))

    def _counted(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def write(store: DocumentStore, path: str, content: bytes) -> Any:
            self.written += len(content)
            return real(store, path, content)

        return write

    def requests(self) -> tuple[int, int]:
        counted = httpx.get(f"{self.base_url}/sandbox/counters", trust_env=False).raise_for_status().json()
        return counted["read"], counted["mutating"]

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        (reads, writes), written = self.requests(), self.written
        cpu, started = time.process_time(), time.perf_counter()
        yield
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        now_reads, now_writes = self.requests()
        self.took[name] = {
            "CPU": cpu,
            "seconds": seconds,
            "requests": now_reads - reads + now_writes - writes,
            "writes": now_writes - writes,
            "record bytes": self.written - written,
        }


def go_the_way(root: Path, connection: Path, mode: ModeName, count: int) -> None:
    """All steps in this process; prints what each took, and the peak memory in megabytes."""
    checks = CheckSettings(min_face_resolution=16, min_file_bytes=100)
    site = Site(id=KEY.site, name="Bench", landing=Landing(url=str(root / "landing")), space="bench", checks=checks)
    settings = json.loads(connection.read_text())
    project = CdfProject(Connection.from_mapping({**settings, "mode": mode}, "benchmark"))
    bring_assets(project, mode, count)
    ctx = StepContext(site, Records(str(root / "records")), project, "bench", lambda line: None)
    watch = Watch(settings["base_url"])
    vars(detecting)["detector_of"] = lambda *arguments: GivenTexts()

    with watch.step("validate"):
        validated = validate(ctx, KEY)
    seen, batches = validated.fingerprint, validated.batches
    assert batches, validated
    for turn in ("", " again"):
        with watch.step("faces" + turn):
            for batch in range(batches):
                faces(ctx, KEY, seen, batch)
        with watch.step("publish" + turn):
            publish(ctx, KEY, seen)
        with watch.step("verify" + turn):
            verify(ctx, KEY, seen)
    with watch.step("detect"):
        for batch in range(detection_batches(ctx, KEY, seen)):
            detect(ctx, KEY, seen, batch)
    with watch.step("match"):
        match(ctx, KEY, seen)
    for turn in ("", " again"):
        with watch.step("annotate" + turn):
            annotate(ctx, KEY, seen)
    with watch.step("review"):
        review = begin(ctx, KEY, seen)
        apply(ctx, KEY, review, Response("Approve the rest", "", "", "Ada", "2026-05-02T08:00:00+00:00"))
    with watch.step("reconcile"):
        reconcile_site(ctx)
    for turn in ("", " again"):
        with watch.step("retract" + turn):
            retract(ctx, KEY, approved=plan_retraction(ctx, KEY).digest, by="Ada")
    again = {name: took["writes"] for name, took in watch.took.items() if name.endswith("again") and took["writes"]}
    assert not again, f"steps that wrote when they ran again: {again}"
    assert review.suggestions, "nobody was asked"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"took": watch.took, "peak_mb": peak}))


@contextmanager
def sandbox(data: Path, mode: ModeName) -> Iterator[Path]:
    """Start one; its connection file."""
    command = [sys.executable, "-c", SANDBOX, str(data), mode]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == "ready"
            yield data / "connection.json"
        finally:
            process.terminate()


def measured(mode: ModeName, count: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        deliver(root / "landing", count)
        with sandbox(root / "sandbox", mode) as connection:
            command = [sys.executable, __file__, "--way", str(root), str(connection), mode, str(count)]
            found: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


def curve(mode: ModeName, sizes: Sequence[int]) -> int:
    """Measure a mode at every size; the exit code."""
    at = {}
    for count in sizes:
        at[count] = measured(mode, count)
        for name, took in at[count]["took"].items():
            print(
                f"{mode} {count:>6,} {name:<16} {took['CPU']:8.2f} s CPU {took['seconds']:8.2f} s "
                f"{took['requests']:>7,.0f} requests {took['record bytes'] / 1e3:>10,.1f} kB of records",
                flush=True,
            )
    before, last = sizes[-2:]
    figures = []
    for quantity, limit in AT_MOST.items():
        exponents = {
            name: math.log(took[quantity] / at[before]["took"][name][quantity]) / math.log(last / before)
            for name, took in at[last]["took"].items()
            if took[quantity] >= STEADY[quantity] and at[before]["took"][name][quantity]
        }
        worst = max(exponents, key=lambda name: exponents[name])
        figures.append(Figure(f"worst exponent of {quantity}: {worst}", exponents[worst], at_most=limit))
    total = sum(took["CPU"] for name, took in at[last]["took"].items() if not name.endswith("again"))
    figures += [
        Figure(f"CPU a station, all steps, at {last:,}", 1e3 * total / last, "ms"),
        Figure(f"peak memory, {last:,} / {before:,} stations", at[last]["peak_mb"] / at[before]["peak_mb"]),
        Figure(f"peak memory, {last:,} stations", at[last]["peak_mb"], "MB"),
    ]
    return report(f"Growth in {mode}, {before:,} to {last:,} stations", figures)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--way", nargs=4, metavar=("ROOT", "CONNECTION", "MODE", "COUNT"), help=argparse.SUPPRESS)
    parser.add_argument("--sizes", type=int, nargs="+", help="numbers of stations, two or more")
    parser.add_argument("--modes", nargs="+", choices=list(MODES), default=list(MODES), help="kinds of project")
    parser.add_argument("--full", action="store_true", help="up to 10,000 stations")
    arguments = parser.parse_args()
    if arguments.way:
        root, connection, mode, count = arguments.way
        go_the_way(Path(root), Path(connection), mode, int(count))
        return 0
    sizes = arguments.sizes or (FULL if arguments.full else SIZES)
    return max(curve(mode, sizes) for mode in arguments.modes)


if __name__ == "__main__":
    sys.exit(main())
