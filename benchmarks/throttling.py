"""Two processes that upload all they can into a project that allows few requests.

What they reach together, what was refused, and how evenly they share. The sandbox answers as in `ingest.py`.

    python benchmarks/throttling.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx

from figures import Figure, report
from ingest import sandbox

ALLOWED = 40
"""Requests a second that the project allows; few, so that the machine is not the limit."""
THROTTLED_S, WARM_UP_S = 20, 2
WORKER = """
import hashlib, itertools, json, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from capture360.cdf.client import CdfProject, Connection
from capture360.cdf.images.files import ClassicFiles
from capture360.model import EncodedFace
from capture360.settings.files import FileSettings

project = CdfProject(Connection.from_file(sys.argv[1]))
files, until = ClassicFiles(project.client, FileSettings()), float(sys.argv[3])
project.client.files.list(limit=1)
print("ready", flush=True)
sys.stdin.readline()
started, ended, numbers = time.monotonic(), [], itertools.count()

def send(_):
    while time.monotonic() - started < until:
        name = f"{sys.argv[2]}-{next(numbers)}"
        content = name.encode() * 20
        face = EncodedFace("front", content, hashlib.sha256(content).hexdigest(), "image/jpeg", 64)
        files.put(name, f"{name}.jpg", face, {"sha256": face.sha256})
        ended.append(time.monotonic() - started)

with ThreadPoolExecutor(12) as pool:
    list(pool.map(send, range(12)))
print(json.dumps(ended))
"""


def throttled(connection: Path) -> Iterator[Figure]:
    """Two processes as one identity, each with more to send than the project allows."""
    commands = [[sys.executable, "-c", WORKER, str(connection), name, str(THROTTLED_S)] for name in ("one", "two")]
    workers = [subprocess.Popen(each, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for each in commands]
    origin = json.loads(connection.read_text())["base_url"]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline().strip() == "ready"
    with httpx.Client(trust_env=False) as http:
        time.sleep(1)  # the requests of their start leave the limit's window
        http.post(f"{origin}/sandbox/counters/reset").raise_for_status()
        ended = [json.loads(worker.communicate("go\n")[0]) for worker in _started(workers)]
        sent = int(http.get(f"{origin}/sandbox/counters").json()["mutating"])
    shares = [sum(WARM_UP_S <= at < THROTTLED_S for at in each) for each in ended]
    done = sum(len(each) for each in ended)
    yield Figure("two workers / allowed rate", sum(shares) / (THROTTLED_S - WARM_UP_S) / ALLOWED, at_least=0.9)
    yield Figure("refused requests / those that were served", (sent - 2 * done) / done, at_most=0.1)
    yield Figure("share of the one that got less", min(shares) / sum(shares), at_least=0.3)


def _started(workers: Sequence[subprocess.Popen[str]]) -> Sequence[subprocess.Popen[str]]:
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    return workers


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch, sandbox(Path(scratch) / "cdf", ALLOWED) as connection:
        return report(f"Two processes where CDF allows {ALLOWED} requests a second", list(throttled(connection)))


if __name__ == "__main__":
    sys.exit(main())
