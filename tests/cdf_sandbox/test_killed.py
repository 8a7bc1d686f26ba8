"""Kill -9 in the middle of writes: what was acknowledged is there, what was not is whole or absent."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

SIZE = 200_000


def start(data: Path, port: int = 0) -> tuple[subprocess.Popen, dict]:
    connection = data / "connection.json"
    connection.unlink(missing_ok=True)
    code = (
        "from pathlib import Path; from cdf_sandbox.options import Options; from cdf_sandbox.server import run;"
        f"run(Options(data=Path({str(data)!r}), port={port}, list_lag=0, uploaded_lag=0, rate_limits=False), print)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not connection.exists():
        assert process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process, json.loads(connection.read_text())


def session(connection: dict) -> httpx.Client:
    form = {key: connection[key] for key in ("client_id", "client_secret")}
    token = httpx.post(
        connection["token_url"], data=form | {"grant_type": "client_credentials", "scope": "x"}, trust_env=False
    ).json()["access_token"]
    return httpx.Client(
        base_url=f"{connection['base_url']}/api/v1/projects/{connection['project']}",
        headers={"authorization": f"Bearer {token}"},
        trust_env=False,
        timeout=20,
    )


def content_of(name: str) -> bytes:
    return (name.encode() + b"|") * (SIZE // (len(name) + 1))


def upload_forever(connection: dict, worker: int, done: list[str], begun: list[str]) -> None:
    try:
        with session(connection) as http:
            for number in range(100_000):
                name = f"w{worker}_{number}"
                begun.append(name)
                link = http.post("/files", json={"name": name, "externalId": name}).json()["uploadUrl"]
                httpx.put(link, content=content_of(name), trust_env=False).raise_for_status()
                done.append(name)
    except httpx.TransportError:
        pass


@pytest.fixture
def killed(tmp_path):
    process, connection = start(tmp_path)
    done: list[str] = []
    begun: list[str] = []
    workers = [threading.Thread(target=upload_forever, args=(connection, number, done, begun)) for number in range(3)]
    for worker in workers:
        worker.start()
    while len(done) < 20:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stderr.close()
    for worker in workers:
        worker.join()
    return tmp_path, done, begun


def test_nothing_acknowledged_is_lost_and_nothing_is_half_there(killed):
    data, done, begun = killed
    process, connection = start(data)
    try:
        with session(connection) as http:
            found = http.post(
                "/files/byids", json={"items": [{"externalId": name} for name in begun], "ignoreUnknownIds": True}
            ).json()["items"]
            uploaded = {file["externalId"] for file in found if file["uploaded"]}
            assert set(done) <= uploaded
            for name in uploaded:
                links = http.post("/files/downloadlink", json={"items": [{"externalId": name}]}).json()
                content = httpx.get(links["items"][0]["downloadUrl"], trust_env=False).content
                assert content == content_of(name)
        blobs = data / "blobs"
        assert len(list(blobs.glob("??/*"))) == len(uploaded)
        assert not list((blobs / "incoming").iterdir())
    finally:
        process.terminate()
        process.wait(20)
        process.stderr.close()
    assert process.returncode == 0
