"""Whether batches of faces hold each other up: two batches of one capture in one process, and in two at the same time.

No Airflow and no pinning: beside `workers.py` it tells what our steps do from what the cores and Airflow do. CDF's
storage answers an upload after `--delay`; the longer that is, the less the cores count, and two processes that share
nothing come to twice the faces. CPU seconds of steps and sandbox are those of the processes, whatever else runs.

    python benchmarks/batches.py [--delay 1.0]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import psutil

from capture360.cdf.client import CdfProject, Connection
from capture360.model import FACES, CaptureKey
from capture360.records import Records
from capture360.settings.checks import CheckSettings
from capture360.settings.landing import Landing
from capture360.settings.site import Site
from capture360.steps.context import StepContext
from capture360.steps.faces import faces
from capture360.steps.validate import validate
from figures import Figure, report
from growth import sandbox
from growth_capture import deliver

STATIONS = 100
"""In two batches."""
SITE = "bench"


def context(root: Path, connection: Path) -> StepContext:
    checks = CheckSettings(min_face_resolution=16, min_file_bytes=100)
    site = Site(id=SITE, name="Bench", landing=Landing(url=str(root / "landing")), space="bench", checks=checks)
    project = CdfProject(Connection.from_mapping({**json.loads(connection.read_text()), "mode": "asset_centric"}, "it"))
    return StepContext(site, Records(str(root / "records")), project, "bench", lambda line: None)


def upload(root: Path, connection: Path, capture: str, fingerprint: str, batches: list[str]) -> None:
    """Upload batches after a line on the standard input; print the CPU seconds."""
    ctx = context(root, connection)
    ctx.cdf.client.files.list(limit=1)
    print("ready", flush=True)
    sys.stdin.readline()
    cpu = time.process_time()
    for batch in batches:
        faces(ctx, CaptureKey(SITE, capture), fingerprint, int(batch))
    print(time.process_time() - cpu, flush=True)


def measured(root: Path, connection: Path, server: psutil.Process, processes: int) -> tuple[float, float, float]:
    """Faces a second, and milliseconds of CPU a face of steps and sandbox."""
    key = CaptureKey(SITE, f"by-{processes}")
    deliver(root / "landing", STATIONS, key, seed=processes)
    validated = validate(context(root, connection), key)
    assert validated.batches == 2, validated
    fixed = [sys.executable, __file__, "--upload", str(root), str(connection), key.capture, validated.fingerprint]
    children = [
        subprocess.Popen([*fixed, *batches], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        for batches in ([["0", "1"]] if processes == 1 else [["0"], ["1"]])
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == "ready"
    before, began = server.cpu_times(), time.perf_counter()
    outputs = []
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
    for child in children:
        outputs.append(child.communicate()[0])
        assert child.returncode == 0
    took, after = time.perf_counter() - began, server.cpu_times()
    count = len(FACES) * STATIONS
    served = after.user + after.system - before.user - before.system
    return count / took, 1e3 * sum(map(float, outputs)) / count, 1e3 * served / count


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--delay", type=float, default=1.0, help="seconds an upload")
    parser.add_argument("--upload", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.upload:
        root, connection, capture, fingerprint, *batches = arguments.upload
        upload(Path(root), Path(connection), capture, fingerprint, batches)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with sandbox(root / "sandbox", "asset_centric") as connection:
            base_url = json.loads(connection.read_text())["base_url"]
            (server,) = (
                each for each in psutil.Process().children() if str(root / "sandbox") in " ".join(each.cmdline())
            )
            fault = {"effect": "delay", "method": "PUT", "path": "/links/upload/*", "seconds": arguments.delay}
            answer = httpx.post(f"{base_url}/sandbox/faults", json={**fault, "times": 10**6}, trust_env=False)
            answer.raise_for_status()
            one, two = (measured(root, connection, server, processes) for processes in (1, 2))
    figures = [
        Figure("one process", one[0], "faces/s"),
        Figure("two processes", two[0], "faces/s"),
        Figure("two processes / one", two[0] / one[0], at_least=1.8),
        Figure("CPU of the steps a face", two[1], "ms"),
        Figure("CPU of the sandbox a face", two[2], "ms"),
    ]
    return report(f"Two batches of {STATIONS // 2} stations, {arguments.delay} s an upload", figures)


if __name__ == "__main__":
    sys.exit(main())
