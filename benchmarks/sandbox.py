"""The sandbox beside the least that could answer the same requests, over the SDK: what its rules cost.

The least is one table of SQLite behind a bare socket: it gives pages back as bytes that it was given before, and puts
what is written into the table without a look at it. Both run in processes of their own and take turns, so that other
work on the machine hits both. Ratios are the sandbox's figure over the other's; memory is what a process held at most.

    python benchmarks/sandbox.py [--files 60000] [--instances 10000] [--passes 3]              about a minute
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from cognite.client import ClientConfig, CogniteClient, global_config
from cognite.client.credentials import Token
from cognite.client.data_classes.data_modeling import SpaceApply, ViewId, filters
from cognite.client.data_classes.data_modeling.cdm.v1 import CogniteAssetApply
from cognite.client.data_classes.data_modeling.query import NodeResultSetExpression, Query, Select, SourceSelector

from cdf_sandbox.core.app import create_sandbox
from cdf_sandbox.core.options import Options
from cdf_sandbox.services.files.store import FILES
from figures import Figure, report

global_config.disable_pypi_version_check = True
ASSET = ViewId("cdf_cdm", "CogniteAsset", "v1")
SPACE = "bench"
SANDBOX = """
import sys
from pathlib import Path
from cdf_sandbox.core.options import Options
from cdf_sandbox.core.server import run
options = Options(Path(sys.argv[1]), list_lag=0, uploaded_lag=0, syncer_delay=0, rate_limits=False)
run(options, lambda connection: print("ready", flush=True))
"""
Work = Callable[[CogniteClient, int], int]


@dataclass
class Server:
    """One of the two, how to speak to it, and what it took for each piece of work: seconds, and seconds of its CPU."""

    pid: int
    client: CogniteClient
    idle_mb: float
    wall: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)

    def measure(self, name: str, work: Work, turn: int, expected: int) -> None:
        cpu, started = cpu_seconds(self.pid), time.perf_counter()
        found = work(self.client, turn)
        self.wall.setdefault(name, []).append(time.perf_counter() - started)
        self.cpu.setdefault(name, []).append(cpu_seconds(self.pid) - cpu)
        assert found == expected, f"{name}: {found} instead of {expected}"


def cpu_seconds(pid: int) -> float:
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(ticks[11]) + int(ticks[12])) / 100


def peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def list_files(client: CogniteClient, turn: int) -> int:
    return len(client.files.list(limit=None))


def upsert_instances(count: int) -> Work:
    def upsert(client: CogniteClient, turn: int) -> int:
        nodes = [
            CogniteAssetApply(SPACE, f"asset_{turn}_{number}", name=f"21-P-{number}", tags=[f"turn {turn}"])
            for number in range(count)
        ]
        return len(client.data_modeling.instances.apply(nodes).nodes)

    return upsert


def query_instances(count: int) -> Work:
    first = {"assets": NodeResultSetExpression(filter=filters.Prefix(["node", "externalId"], "asset_0_"), limit=count)}
    query = Query(first, {"assets": Select([SourceSelector(ASSET, ["*"])])})

    def ask(client: CogniteClient, turn: int) -> int:
        return len(client.data_modeling.instances.query(query).get_nodes("assets"))

    return ask


def list_instances(client: CogniteClient, turn: int) -> int:
    first = filters.Prefix(["node", "externalId"], "asset_0_")
    return len(client.data_modeling.instances.list("node", sources=ASSET, filter=first, limit=None))


def serve_the_least(table: Path, origin: str) -> None:
    """Answer from a table; what is read for the first time is asked of ``origin`` and remembered."""
    import socket
    import threading

    db = sqlite3.connect(table, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE written (space TEXT, external_id TEXT, doc TEXT, PRIMARY KEY (space, external_id))")
    known: dict[tuple[str, bytes], bytes] = {}
    lock = threading.Lock()

    def answer(head: dict[str, str], path: str, body: bytes) -> bytes:
        if path.endswith("/models/instances"):
            items = json.loads(body)["items"]
            rows = [(item["space"], item["externalId"], json.dumps(item)) for item in items]
            with lock:
                db.execute("BEGIN IMMEDIATE")
                db.executemany("INSERT OR REPLACE INTO written VALUES (?, ?, ?)", rows)
                db.execute("COMMIT")
            written = {
                "version": 1,
                "wasModified": True,
                "createdTime": 1,
                "lastUpdatedTime": 1,
                "instanceType": "node",
            }
            return json.dumps({"items": [written | {"space": row[0], "externalId": row[1]} for row in rows]}).encode()
        if (path, body) not in known:
            headers = {"authorization": head["authorization"], "content-type": "application/json"}
            reply = httpx.post(origin + path, content=body, headers=headers, trust_env=False, timeout=60)
            known[path, body] = reply.raise_for_status().content
        return known[path, body]

    def converse(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as stream:
            while line := stream.readline():
                path = line.split()[1].decode()
                lines = iter(lambda: stream.readline().decode().strip(), "")
                head = {name.lower(): value for name, _, value in (each.partition(": ") for each in lines)}
                body = stream.read(int(head.get("content-length", 0)))
                if head.get("content-encoding") == "gzip":
                    body = zlib.decompress(body, wbits=31)
                said = answer(head, path, body)
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(said)
                    + said
                )

    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            threading.Thread(target=converse, args=(listener.accept()[0],), daemon=True).start()


def fill(data: Path, count: int) -> None:
    """Files with the metadata of faces, put where the sandbox keeps them."""
    sandbox = create_sandbox(Options(data))
    now = sandbox.clock.now_ms() - 60_000
    with sandbox.storage.write() as db:
        for number in range(count):
            face = {"face": "front", "station": f"{number:05}", "capture": "hall-3", "image_resolution": "2048"}
            file = {"name": f"{number}.jpg", "externalId": f"f_{number}", "mimeType": "image/jpeg", "metadata": face}
            FILES.insert(db, file, now, present_from=now)
    sandbox.storage.close()


@contextmanager
def process(*command: str) -> Iterator[tuple[int, str]]:
    """A process and the first line that it says."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        try:
            assert running.stdout is not None
            yield running.pid, running.stdout.readline().strip()
        finally:
            running.terminate()


def client_of(base_url: str, project: str, token: str) -> CogniteClient:
    return CogniteClient(ClientConfig("benchmark", project, Token(token), base_url=base_url, timeout=120))


def token_of(known: dict[str, str]) -> str:
    form = {"client_id": known["client_id"], "client_secret": known["client_secret"], "scope": "bench"}
    answer = httpx.post(known["token_url"], data=form | {"grant_type": "client_credentials"}, trust_env=False)
    return str(answer.raise_for_status().json()["access_token"])


@contextmanager
def both(folder: Path, files: int) -> Iterator[tuple[Server, Server]]:
    """The sandbox with its files, and the least."""
    data = folder / "sandbox"
    fill(data, files)
    with process(sys.executable, "-c", SANDBOX, str(data)) as (pid, said):
        assert said == "ready"
        known: dict[str, Any] = json.loads((data / "connection.json").read_text())
        token = token_of(known)
        least = [sys.executable, __file__, "--least", str(folder / "least.db"), known["base_url"]]
        with process(*least) as (least_pid, port):
            urls = {pid: known["base_url"], least_pid: f"http://127.0.0.1:{port}"}
            sandbox, plain = (
                Server(each, client_of(url, known["project"], token), peak_mb(each)) for each, url in urls.items()
            )
            sandbox.client.data_modeling.spaces.apply(SpaceApply(SPACE))
            yield sandbox, plain


def compare(files: int, instances: int, passes: int) -> Iterator[Figure]:
    """Ratios of the medians, and the sandbox's memory."""
    works: dict[str, tuple[Work, int]] = {
        "list files": (list_files, files),
        "upsert instances": (upsert_instances(instances), instances),
        "list instances": (list_instances, instances),
        "query instances": (query_instances(instances), instances),
    }
    with tempfile.TemporaryDirectory() as folder, both(Path(folder), files) as (sandbox, least):
        for name, (work, expected) in works.items():
            if name != "upsert instances":
                work(least.client, 0)  # What it is to give back it must have been given once.
            for turn in range(passes):
                for server in (sandbox, least) if turn % 2 else (least, sandbox):
                    server.measure(name, work, turn, expected)
            wall = [statistics.median(server.wall[name]) for server in (sandbox, least)]
            yield Figure(f"{name}: sandbox / least", wall[0] / wall[1], at_most=5.0)
            yield Figure(f"{name}: CPU of the sandbox", statistics.median(sandbox.cpu[name]), "s")
        yield Figure("peak memory of the sandbox / at its start", peak_mb(sandbox.pid) / sandbox.idle_mb, at_most=2.0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--least", nargs=2, metavar=("TABLE", "ORIGIN"), help=argparse.SUPPRESS)
    parser.add_argument("--files", type=int, default=60_000, help="number of files")
    parser.add_argument("--instances", type=int, default=10_000, help="number of instances, at most 10,000 to a query")
    parser.add_argument("--passes", type=int, default=3, help="turns of each of the two")
    arguments = parser.parse_args()
    if arguments.least:
        serve_the_least(Path(arguments.least[0]), arguments.least[1])
        return 0
    title = f"The sandbox with {arguments.files:,} files, {arguments.instances:,} instances"
    return report(title, compare(arguments.files, arguments.instances, arguments.passes))


if __name__ == "__main__":
    sys.exit(main())
