"""An ingest against its own limits: uploads, making and uploading together, and memory of large pictures.

The sandbox serves in a process of its own and answers 50 ms late, as a project in another country does.

- Uploads of faces beside a raw HTTP client that sends the same two requests a face over as many connections, and
  beside the script of CDF's guide, which sends one face after the other; the ratio is the best of a few turns.
- Ingests of panoramas beside their work without a network (checks, projection, encoding) and their network without the
  work (faces that are ready, a verdict that is known). An ingest that never waits takes as long as the slower of both.
- Two PNG panoramas of 100 megapixels with an alpha channel, projected by two threads: the peak of the process.

    python benchmarks/ingest.py [--panoramas N] [--width PIXELS] [--faces N] [--turns N]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import cv2
import httpx
import numpy as np

from capture360.cdf.client import CdfProject, Connection
from capture360.cdf.images.files import ClassicFiles, side_by_side
from capture360.checks.check import check_capture
from capture360.checks.validation import Validation
from capture360.landing.folder import CaptureFolder
from capture360.model import Capture, CaptureKey, EncodedFace, FaceSource, Station
from capture360.records import Records
from capture360.settings.checks import CheckSettings
from capture360.settings.files import FileSettings
from capture360.settings.landing import Landing
from capture360.settings.site import Site
from capture360.sources import FaceOptions, open_source
from capture360.steps import faces as making
from capture360.steps.context import StepContext
from capture360.steps.ingest import ingest
from figures import Figure, report
from panorama import picture

LATENCY_S = 0.05
FACE_BYTES = 200_000
CONTENT_TYPE = {"content-type": "image/jpeg"}
MANIFEST = """schema: capture/1
site_id: bench
capture_id: {capture}
kind: panorama
frame: {{name: site, up: z, unit: m, handedness: right}}
rotation: {{kind: quaternion, quaternion_order: wxyz, direction: camera_to_world}}
time: {{base: utc}}
"""
SANDBOX = """
import sys
from pathlib import Path
from cdf_sandbox.core import limits
from cdf_sandbox.core.options import Options, ProjectMode
from cdf_sandbox.core.server import run
latency, allowed = float(sys.argv[2]), int(sys.argv[3])
limits.REQUESTS_PER_SECOND = allowed
options = Options(Path(sys.argv[1]), mode=ProjectMode.ASSET_CENTRIC, latency=latency, rate_limits=allowed > 0)
run(options, lambda connection: print("ready", flush=True))
"""
LARGE = """
import sys, threading
from capture360.pictures.faces import projected_faces

def faces():
    with open(sys.argv[1], "rb") as stream:
        for face in projected_faces(stream.read(), "p"):
            pass

threads = [threading.Thread(target=faces) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(next(int(line.split()[1]) / 1024 for line in open('/proc/self/status') if line.startswith('VmHWM')))
"""


@contextmanager
def sandbox(folder: Path, allowed: int = 0) -> Iterator[Path]:
    """The connection file of a sandbox in its own process that takes `allowed` requests a second; 0 for any number."""
    command = [sys.executable, "-c", SANDBOX, str(folder), str(LATENCY_S), str(allowed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline().strip() == "ready"
            known = json.loads((folder / "connection.json").read_text())
            httpx.get(f"{known['base_url']}/sandbox/counters", trust_env=False, timeout=120).raise_for_status()
            yield folder / "connection.json"
        finally:
            running.terminate()


def some_faces(count: int) -> list[tuple[str, EncodedFace]]:
    """Faces of noise under names of their own."""
    contents = [os.urandom(FACE_BYTES) for _ in range(count)]
    shas = [hashlib.sha256(content).hexdigest() for content in contents]
    return [(sha, EncodedFace("front", c, sha, "image/jpeg", 2048)) for sha, c in zip(shas, contents, strict=True)]


def seconds(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def uploads(connection: Connection, count: int, turns: int) -> Iterator[Figure]:
    """Ours, a raw client over as many connections, and one face after the other."""
    from cognite.client import global_config

    project = CdfProject(connection)
    files = ClassicFiles(project.client, FileSettings())
    project.client.files.list(limit=1)
    connections = global_config.concurrency_settings.files.upload
    header, token = project.client.config.credentials.authorization_header()
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    url = f"{connection.base_url}/api/v1/projects/{connection.project}/files"

    def ours(count: int) -> None:
        side_by_side(lambda each: files.put(each[0], "a.jpg", each[1], {"sha256": each[0]}), some_faces(count))

    def raw(count: int, connections: int = connections) -> None:
        with (
            httpx.Client(limits=limits, headers={header: token}, trust_env=False, timeout=60) as api,
            httpx.Client(limits=limits, trust_env=False, timeout=60) as store,
            ThreadPoolExecutor(connections) as pool,
        ):

            def send(each: tuple[str, EncodedFace]) -> None:
                body = {
                    "name": "a.jpg",
                    "externalId": each[0],
                    "mimeType": "image/jpeg",
                    "metadata": {"sha256": each[0]},
                }
                made = api.post(url, params={"overwrite": "true"}, json=body).raise_for_status().json()
                store.put(made["uploadUrl"], content=each[1].content, headers=CONTENT_TYPE).raise_for_status()

            list(pool.map(send, some_faces(count)))

    def requests() -> int:
        return int(httpx.get(f"{connection.base_url}/sandbox/counters", trust_env=False).json()["mutating"])

    ours(connections), raw(connections)
    before = requests()
    ours(count)
    yield Figure("requests a face, uploads", (requests() - before) / count, at_most=2.0)
    pairs = [(seconds(lambda: raw(count)), seconds(lambda: ours(count))) for _ in range(turns)]
    few = max(6, count // 10)
    script = seconds(lambda: raw(few, 1)) / few
    took = statistics.median(o for _, o in pairs)
    ratio = statistics.median(r / o for r, o in pairs)
    yield Figure("uploads / raw HTTP client of as many connections", ratio, at_least=0.85)
    yield Figure("uploads", count / took, "faces/s")
    yield Figure("uploads / one face after the other", script / (took / count), at_least=12)


class ReadyFaces(FaceSource):
    """Faces that were made before."""

    side_by_side = True

    def __init__(self, made: Mapping[str, Sequence[EncodedFace]]) -> None:
        self._made = made

    def faces(self, station: Station) -> Sequence[EncodedFace]:
        return self._made[station.id]

    def digest(self, station: Station) -> str:
        return ""

    def close(self) -> None: ...


class Ingests:
    """A site whose captures are the same panoramas under other names."""

    def __init__(self, root: Path, connection: Connection, pictures: Sequence[Path]) -> None:
        self._root = root
        self._pictures = pictures
        self.site = Site.model_validate(
            {
                "id": "bench",
                "name": "bench",
                "space": "bench",
                "landing": Landing(url=str(root / "landing")),
                "checks": CheckSettings(min_face_resolution=16),
            }
        )
        self._ctx = StepContext(
            self.site, Records(str(root / "records")), CdfProject(connection), "bench", lambda line: None
        )

    def deliver(self, capture: str) -> CaptureKey:
        folder = self._root / "landing" / capture
        folder.mkdir(parents=True)
        rows = ["station_id,pano_file,x,y,z,qw,qx,qy,qz,time_taken"]
        for number, path in enumerate(self._pictures):
            (folder / path.name).hardlink_to(path)
            rows.append(f"{number:03},{path.name},{4 * number}.25,2.5,1.6,1,0,0,0,2026-05-01T08:{number:02}:00Z")
        (folder / "stations.csv").write_text("\n".join(rows) + "\n")
        (folder / "capture.yaml").write_text(MANIFEST.format(capture=capture))
        (folder / "_READY").touch()
        return CaptureKey("bench", capture)

    def whole(self, capture: str) -> float:
        key = self.deliver(capture)
        return seconds(lambda: ingest(self._ctx, key))

    def work(self, capture: str) -> tuple[float, Validation, Mapping[str, Sequence[EncodedFace]]]:
        """Seconds of checks and faces alone, on as many threads as an ingest takes; the verdict and the faces."""
        started = time.monotonic()
        key = self.deliver(capture)
        folder = self._ctx.folder(key)
        verdict = check_capture(folder, site=self.site, key=key)
        assert verdict.capture is not None, verdict.headline
        made = self._made(verdict.capture, folder)
        return time.monotonic() - started, verdict, made

    def network(self, capture: str, verdict: Validation, made: Mapping[str, Sequence[EncodedFace]]) -> float:
        """Seconds of an ingest whose verdict is known and whose faces are made."""
        key = self.deliver(capture)
        assert verdict.capture is not None
        known = replace(verdict, capture=replace(verdict.capture, key=key, label=capture))
        with (
            patch("capture360.steps.validate.check_capture", lambda *_, **__: known),
            patch.object(making, "open_faces", lambda *_: ReadyFaces(made)),
        ):
            return seconds(lambda: ingest(self._ctx, key))

    def _made(self, capture: Capture, folder: CaptureFolder) -> Mapping[str, Sequence[EncodedFace]]:
        with closing(open_source(capture, folder, FaceOptions())) as source, ThreadPoolExecutor(threads()) as pool:
            made = pool.map(lambda station: (station.id, list(source.faces(station))), capture.stations)
            return dict(made)


def threads() -> int:
    """Threads that an ingest makes faces on."""
    try:
        from capture360.steps.face_pipeline import MAKERS
    except ImportError:
        return 1
    return MAKERS


def ingests(root: Path, connection: Connection, count: int, width: int, turns: int) -> Iterator[Figure]:
    pixels, pictures = picture(width), []
    for number in range(count):
        pixels = np.roll(pixels, 97, axis=1)
        pictures.append(root / f"{number:03}.jpg")
        pictures[-1].write_bytes(cv2.imencode(".jpg", pixels)[1].tobytes())
    site = Ingests(root, connection, pictures)
    site.whole("warm")
    whole, work, network = [], [], []
    for turn in range(turns):
        alone, verdict, made = site.work(f"work-{turn}")
        work.append(alone)
        network.append(site.network(f"network-{turn}", verdict, made))
        whole.append(site.whole(f"whole-{turn}"))
    yield Figure("work alone", statistics.median(work), "s")
    yield Figure("network alone", statistics.median(network), "s")
    yield Figure("whole ingest", statistics.median(whole), "s")
    ratios = [w / max(c, n) for w, c, n in zip(whole, work, network, strict=True)]
    yield Figure("whole ingest / the slower of both", statistics.median(ratios), at_most=1.15)


def large_pictures(folder: Path) -> Iterator[Figure]:
    width, height = 14142, 7071
    pixels = np.full((height, width, 4), 255, np.uint8)
    coarse = np.random.default_rng(1).integers(0, 255, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    pixels[..., :3] = cv2.resize(coarse, (width, height))
    path = folder / "large.png"
    path.write_bytes(cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes())
    del pixels
    done = subprocess.run([sys.executable, "-c", LARGE, str(path)], capture_output=True, text=True, check=True)
    yield Figure("peak memory, two PNG panoramas of 100 MP on two threads", float(done.stdout), "MB", at_most=1_250)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--panoramas", type=int, default=20, help="panoramas of an ingest")
    parser.add_argument("--width", type=int, default=4096, help="width of a panorama in pixels")
    parser.add_argument("--faces", type=int, default=150, help="faces of a turn of uploads")
    parser.add_argument("--turns", type=int, default=3, help="turns of each measurement")
    arguments = parser.parse_args()
    figures = []
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        with sandbox(root / "cdf") as path:
            connection = Connection.from_file(path)
            figures += uploads(connection, arguments.faces, arguments.turns)
            figures += ingests(root, connection, arguments.panoramas, arguments.width, arguments.turns)
        figures += large_pictures(root)
    return report(f"An ingest of {arguments.panoramas} panoramas {arguments.width} wide at 50 ms", figures)


if __name__ == "__main__":
    sys.exit(main())
