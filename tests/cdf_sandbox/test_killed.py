"""Kill -9 in the middle of writes: what was acknowledged is there, what was not is whole or absent.

Files, files in parts, batches of instances and batches of annotations are written at the same time, each by workers of
its own, so that the kill strikes in the midst of all of them.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from cdf_sandbox.services.files.store import referenced_blobs
from local_cdf import PLAIN
from waiting import eventually

SIZE = 200_000
BATCH = 40
SPACE = "killed"
ANNOTATED = {"items": [{"externalId": "annotated"}]}


def start(data: Path, port: int = 0) -> tuple[subprocess.Popen, dict]:
    connection = data / "connection.json"
    connection.unlink(missing_ok=True)
    code = (
        "from pathlib import Path; from cdf_sandbox.core.options import Options;"
        " from cdf_sandbox.core.server import run;"
        f"run(Options(data=Path({str(data)!r}), port={port}, list_lag=0, uploaded_lag=0, rate_limits=False), print)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def serves() -> bool:
        assert process.poll() is None, process.stderr.read().decode()
        return connection.exists()

    eventually(serves, "the sandbox to start", 60)
    return process, json.loads(connection.read_text())


def session(connection: dict) -> httpx.Client:
    form = {key: connection[key] for key in ("client_id", "client_secret")}
    token = PLAIN.post(connection["token_url"], data=form | {"grant_type": "client_credentials", "scope": "x"}).json()[
        "access_token"
    ]
    return httpx.Client(
        base_url=f"{connection['base_url']}/api/v1/projects/{connection['project']}",
        headers={"authorization": f"Bearer {token}"},
        trust_env=False,
        timeout=20,
    )


@contextmanager
def again(data: Path) -> Iterator[httpx.Client]:
    """The sandbox that is started after the kill; it must stop in peace."""
    process, connection = start(data)
    try:
        with session(connection) as http:
            yield http
    finally:
        process.terminate()
        process.wait(20)
        process.stderr.close()
    assert process.returncode == 0


def content_of(name: str) -> bytes:
    return (name.encode() + b"|") * (SIZE // (len(name) + 1))


def write_file(http: httpx.Client, name: str) -> None:
    link = http.post("/files", json={"name": name, "externalId": name}).raise_for_status().json()["uploadUrl"]
    PLAIN.put(link, content=content_of(name)).raise_for_status()


def parts_of(name: str) -> tuple[bytes, bytes]:
    return name.encode().ljust(5 * 1024 * 1024 + 1, b"."), content_of(name)


def write_file_in_parts(http: httpx.Client, name: str) -> None:
    body = {"name": name, "externalId": name}
    begun = http.post("/files/initmultipartupload", params={"parts": 2}, json=body).raise_for_status().json()
    for url, part in zip(begun["uploadUrls"], parts_of(name), strict=True):
        PLAIN.put(url, content=part).raise_for_status()
    ended = {"id": begun["id"], "uploadId": begun["uploadId"]}
    http.post("/files/completemultipartupload", json=ended).raise_for_status()


def nodes_of(name: str) -> list[dict[str, str]]:
    return [{"instanceType": "node", "space": SPACE, "externalId": f"{name}_{n}"} for n in range(BATCH)]


def write_nodes(http: httpx.Client, name: str) -> None:
    source = {"type": "container", "space": "cdf_cdm", "externalId": "CogniteDescribable"}
    properties = [{"source": source, "properties": {"name": name}}]
    items = [node | {"sources": properties} for node in nodes_of(name)]
    http.post("/models/instances", json={"items": items}).raise_for_status()


def write_annotations(http: httpx.Client, name: str) -> None:
    annotation = {
        "annotatedResourceType": "file",
        "annotatedResourceId": http.post("/files/byids", json=ANNOTATED).json()["items"][0]["id"],
        "annotationType": "images.Classification",
        "data": {"label": name},
        "status": "approved",
        "creatingApp": "a",
        "creatingAppVersion": "1.0.0",
        "creatingUser": None,
    }
    http.post("/annotations", json={"items": [annotation] * BATCH}).raise_for_status()


WRITERS = {"file": write_file, "parts": write_file_in_parts, "nodes": write_nodes, "annotations": write_annotations}


@dataclass
class Written:
    """What of one kind was begun, and what of it was acknowledged."""

    begun: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)


def write_forever(connection: dict, kind: str, worker: int, written: Written) -> None:
    try:
        with session(connection) as http:
            for number in range(100_000):
                name = f"{kind}{worker}_{number}"
                written.begun.append(name)
                WRITERS[kind](http, name)
                written.done.append(name)
    except httpx.TransportError:
        pass


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    data = tmp_path_factory.mktemp("killed")
    process, connection = start(data)
    with session(connection) as http:
        write_file(http, "annotated")
        http.post("/models/spaces", json={"items": [{"space": SPACE}]}).raise_for_status()
    written = {kind: Written() for kind in WRITERS}
    workers = [
        threading.Thread(target=write_forever, args=(connection, kind, number, written[kind]))
        for kind in WRITERS
        for number in range(2)
    ]
    for worker in workers:
        worker.start()

    def each_has_written() -> bool:
        assert any(worker.is_alive() for worker in workers)
        return all(len(each.done) >= 4 for each in written.values())

    eventually(each_has_written, "four writes of each kind", 60)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stderr.close()
    for worker in workers:
        worker.join()
    return data, written


def test_nothing_acknowledged_is_lost_and_nothing_is_half_there(killed):
    data, written = killed
    with again(data) as http:
        check_files(http, written["file"], content_of)
        check_files(http, written["parts"], lambda name: b"".join(parts_of(name)))
        check_nodes(http, written["nodes"])
        check_annotations(http, written["annotations"])
    check_blobs(data)


def check_files(http, written, content_of_file):
    items = [{"externalId": name} for name in written.begun]
    found = http.post("/files/byids", json={"items": items, "ignoreUnknownIds": True}).json()["items"]
    uploaded = {file["externalId"] for file in found if file["uploaded"]}
    assert set(written.done) <= uploaded
    for name in uploaded:
        links = http.post("/files/downloadlink", json={"items": [{"externalId": name}]}).json()
        assert PLAIN.get(links["items"][0]["downloadUrl"]).content == content_of_file(name)


def check_nodes(http, written):
    for name in written.begun:
        found = http.post("/models/instances/byids", json={"items": nodes_of(name)}).json()["items"]
        assert len(found) == BATCH or (not found and name not in written.done), "a batch is in whole or not at all"
    nodes = {"instanceType": "node", "filter": {"equals": {"property": ["node", "space"], "value": SPACE}}}
    sources = [{"source": {"type": "view", "space": "cdf_cdm", "externalId": "CogniteDescribable", "version": "v1"}}]
    listed = http.post("/models/instances/list", json=nodes | {"limit": 1000}).json()["items"]
    described = http.post("/models/instances/list", json=nodes | {"sources": sources, "limit": 1000}).json()["items"]
    assert len(listed) == len(described), "a node is never there without the data that came with it"


def check_annotations(http, written):
    condition = {"annotatedResourceType": "file", "annotatedResourceIds": ANNOTATED["items"]}
    found, cursor = [], {}
    while cursor is not None:
        answer = http.post("/annotations/list", json={"filter": condition, "limit": 1000} | cursor)
        page = answer.raise_for_status().json()
        found += [annotation["data"]["label"] for annotation in page["items"]]
        cursor = {"cursor": page["nextCursor"]} if page["nextCursor"] else None
    counted = Counter(found)
    assert set(written.done) <= set(counted) <= set(written.begun)
    assert set(counted.values()) == {BATCH}


def check_blobs(data):
    """No content lies about that nothing refers to."""
    with closing(sqlite3.connect(data / "sandbox.db")) as db:
        db.row_factory = sqlite3.Row
        referenced = referenced_blobs(db)
    assert {path.name for path in (data / "blobs").glob("??/*")} == referenced
    assert not list((data / "blobs/incoming").iterdir())
