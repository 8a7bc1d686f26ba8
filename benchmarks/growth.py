"""A capture through all steps, from validation to retraction, at growing sizes: what grows faster than the work.

Faces are tiny and texts are given, so that neither pictures nor reading count. Each image shows a plate of its own,
every tenth of them misread, so that a person is asked. For each step: CPU seconds of the process, requests, bytes of
records written, and the exponent with which each grew from the second largest size to the largest; 1.0 is in
proportion. Every step that writes runs twice, and the second time must not write. The sandbox runs in a process of its
own, without limits and delays. From 2,000 stations on, the faces of an asset-centric project lie in CDF already: each
upload is a request of its own, and 60,000 of them are half an hour of the SDK and the sandbox.

    python benchmarks/growth.py [--sizes 50 200 800] [--modes MODE ...] [--full]      --full goes to 10,000 stations
    python benchmarks/growth.py --keep growth.json ... --plot docs/pictures/growth.svg

With `--keep` what was measured is added to a file, and what that file holds is not measured again; `--plot` draws it.
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from capture360.cdf.client import CdfProject, Connection
from capture360.cdf.project_mode import ModeName
from capture360.cdf.registry import MODES
from capture360.records import Records
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
from growth_capture import KEY, GivenTexts, bring_assets, deliver, store_faces
from growth_plot import Measured, drawn

SIZES, FULL = (50, 200, 800), (20, 200, 2_000, 10_000)
AT_MOST = {"requests": 1.1, "record bytes": 1.1, "CPU": 1.35}
"""Exponents; CPU seconds of small captures are noisy."""
STEADY = {"requests": 50.0, "record bytes": 20_000.0, "CPU": 1.0}
"""Less work than this at the largest size has no exponent worth a name."""
STORED_FROM = 2_000
"""Stations from which on faces are stored beforehand, where face files are no nodes."""


@dataclass
class Watch:
    """What each step took."""

    about: str
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
        print(f"{self.about} {name:<16} {described(self.took[name])}", file=sys.stderr, flush=True)


def described(took: Mapping[str, float]) -> str:
    return (
        f"{took['CPU']:8.2f} s CPU {took['seconds']:8.2f} s {took['requests']:>7,.0f} requests "
        f"{took['record bytes'] / 1e3:>10,.1f} kB of records"
    )


def go_the_way(root: Path, connection: Path, mode: ModeName, count: int) -> None:
    """All steps in this process; prints what each took, and the peak memory in megabytes."""
    checks = CheckSettings(min_face_resolution=16, min_file_bytes=100)
    site = Site(id=KEY.site, name="Bench", landing=Landing(url=str(root / "landing")), space="bench", checks=checks)
    settings = json.loads(connection.read_text())
    project = CdfProject(Connection.from_mapping({**settings, "mode": mode}, "benchmark"))
    bring_assets(project, mode, count)
    ctx = StepContext(site, Records(str(root / "records")), project, "bench", lambda line: None)
    watch = Watch(f"{mode} {count:>6,}", settings["base_url"])
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


def serve(data: Path, mode: ModeName, landing: Path | None) -> None:
    """Run a sandbox in this process, with the faces in `landing` if it is given. Others do without its imports."""
    from cdf_sandbox.core.options import Options, ProjectMode
    from cdf_sandbox.core.server import run

    options = Options(data, mode=ProjectMode(mode), list_lag=0, uploaded_lag=0, syncer_delay=0, rate_limits=False)
    if landing is not None:
        store_faces(options, landing)
    run(options, lambda connection: print("ready", flush=True))


@contextmanager
def sandbox(data: Path, mode: ModeName, landing: Path | None = None) -> Iterator[Path]:
    """Start one; its connection file."""
    command = [sys.executable, __file__, "--serve", str(data), mode, *([str(landing)] if landing else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == "ready"
            yield data / "connection.json"
        finally:
            process.terminate()


def measured(mode: ModeName, count: int) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        deliver(root / "landing", count)
        stored = root / "landing" if count >= STORED_FROM and mode != "data_modeling" else None
        with sandbox(root / "sandbox", mode, stored) as connection:
            command = [sys.executable, __file__, "--way", str(root), str(connection), mode, str(count)]
            found: Measured = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


def exponents(at: Mapping[int, Measured], quantity: str) -> dict[str, float]:
    """The exponent of each step from the second largest size to the largest, of those that take long enough there."""
    before, last = sorted(at)[-2:]
    return {
        name: math.log(took[quantity] / at[before]["took"][name][quantity]) / math.log(last / before)
        for name, took in at[last]["took"].items()
        if took[quantity] >= STEADY[quantity] and at[before]["took"][name][quantity]
    }


def curve(mode: ModeName, sizes: Sequence[int], kept: Kept) -> int:
    """Measure a mode at every size; the exit code."""
    for count in sizes:
        kept.measured(mode, count)
    if len(sizes) == 1:
        return 0
    found = {count: kept.measured(mode, count) for count in sizes}
    before, last = sizes[-2:]
    figures = []
    for quantity, limit in AT_MOST.items():
        by_step = exponents(found, quantity)
        worst = max(by_step, key=lambda name: by_step[name])
        figures.append(Figure(f"worst exponent of {quantity}: {worst}", by_step[worst], at_most=limit))
    total = sum(took["CPU"] for name, took in found[last]["took"].items() if not name.endswith("again"))
    figures += [
        Figure(f"CPU a station, all steps, at {last:,}", 1e3 * total / last, "ms"),
        Figure(f"peak memory, {last:,} / {before:,} stations", found[last]["peak_mb"] / found[before]["peak_mb"]),
        Figure(f"peak memory, {last:,} stations", found[last]["peak_mb"], "MB"),
    ]
    return report(f"Growth in {mode}, {before:,} to {last:,} stations", figures)


class Kept:
    """What was measured, by mode and stations; in a file as well, if one is given."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.found: dict[ModeName, dict[int, Measured]] = {}
        if path is not None and path.exists():
            read = json.loads(path.read_text())
            self.found = {mode: {int(count): each for count, each in at.items()} for mode, at in read.items()}

    def measured(self, mode: ModeName, count: int) -> Measured:
        """Return what was kept of this size, or measure and keep it."""
        at = self.found.setdefault(mode, {})
        if count not in at:
            at[count] = measured(mode, count)
            if self._path is not None:
                self._path.write_text(json.dumps(self.found, indent=1) + "\n")
        return at[count]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--way", nargs=4, metavar=("ROOT", "CONNECTION", "MODE", "COUNT"), help=argparse.SUPPRESS)
    parser.add_argument("--serve", nargs="+", metavar="DATA MODE LANDING", help=argparse.SUPPRESS)
    parser.add_argument("--sizes", type=int, nargs="+", help="numbers of stations")
    parser.add_argument("--modes", nargs="+", choices=list(MODES), default=list(MODES), help="kinds of project")
    parser.add_argument("--full", action="store_true", help="up to 10,000 stations")
    parser.add_argument("--keep", type=Path, help="JSON file with what was measured before, which is added to")
    parser.add_argument("--plot", type=Path, help="SVG file to draw the curves in")
    arguments = parser.parse_args()
    if arguments.serve:
        data, mode, *landing = arguments.serve
        serve(Path(data), mode, Path(landing[0]) if landing else None)
        return 0
    if arguments.way:
        root, connection, mode, count = arguments.way
        go_the_way(Path(root), Path(connection), mode, int(count))
        return 0
    sizes = arguments.sizes or (FULL if arguments.full else SIZES)
    kept = Kept(arguments.keep)
    code = max(curve(mode, sizes, kept) for mode in arguments.modes)
    if arguments.plot is not None:
        arguments.plot.write_text(drawn(kept.found))
    return code


if __name__ == "__main__":
    sys.exit(main())
