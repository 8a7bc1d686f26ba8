"""Whatever was secret on the wire in a whole run is in nothing that the run leaves: output, logs, records, reports."""

from __future__ import annotations

import json
import logging
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from typer.testing import CliRunner

from capture360.model import CaptureKey
from capture360_cli.main import app
from captures import write_cubemap
from local_cdf import PLAIN, RunningSandbox
from scans import write_scans

SHORTEST = 16
"""Characters of a secret: shorter texts occur by chance."""
SITE = "space: captures360\nlanding: {url: unused}\nchecks: {min_face_resolution: 16, min_file_bytes: 100}\n"


@pytest.fixture(scope="module")
def sandbox_options() -> dict[str, Any]:
    return {"revision_queue": 0.1, "revision_processing": 0.1}


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Secrets that requests and answers held, each with its kind; filled while the test runs."""
    found: dict[str, str] = {}

    def keep(kind: str, value: object) -> None:
        if isinstance(value, str) and len(value) >= SHORTEST:
            found[value] = kind

    def watch(request: Any, answer: Any) -> None:
        keep("token", request.headers.get("authorization", "").rpartition(" ")[2])
        if "/links/" in request.url.path:
            keep("link", request.url.path.rpartition("/")[2])
        for nonce in re.findall(
            rb'"nonce":\s*"([^"]+)"', request.content if not hasattr(request.stream, "file") else b""
        ):
            keep("nonce", nonce.decode())
        for link in re.findall(r"/links/\w+/([\w.~-]+)", answer.text if answer.is_closed else ""):
            keep("link", link)

    send, send_at_once = httpx2.AsyncClient.send, httpx.Client.send

    async def watched(client: Any, request: Any, **how: Any) -> Any:
        answer = await send(client, request, **how)
        try:
            watch(request, answer)
        except (httpx2.StreamError, UnicodeDecodeError):
            keep("link", request.url.path.rpartition("/")[2])
        return answer

    def watched_at_once(client: Any, request: Any, **how: Any) -> Any:
        answer = send_at_once(client, request, **how)
        try:
            watch(request, answer)
        except (httpx.StreamError, UnicodeDecodeError):
            keep("link", request.url.path.rpartition("/")[2])
        return answer

    monkeypatch.setattr(httpx2.AsyncClient, "send", watched)
    monkeypatch.setattr(httpx.Client, "send", watched_at_once)
    yield found


@pytest.mark.parametrize("kind", ["cubemap", "scans"])
@pytest.mark.parametrize("breaks", [False, True], ids=["well", "links break"])
def test_a_run_leaves_no_secret(
    running: RunningSandbox,
    secrets: dict[str, str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    breaks: bool,
) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "connection.json").write_text(json.dumps({**running.connection, "mode": "hybrid"}))
    (tmp_path / "site.yaml").write_text(SITE)
    name = f"secrets-{kind}-{breaks}"
    drop = (
        write_scans(tmp_path / "hall-7", name)
        if kind == "scans"
        else write_cubemap(tmp_path / "hall-7", CaptureKey("hall-7", name))
    )
    fault = {"effect": "status", "status": 403, "path": "/links/*", "times": 500}
    if breaks:
        PLAIN.post(f"{running.base_url}/sandbox/faults", json=fault).raise_for_status()
    try:
        with caplog.at_level(logging.INFO):
            done = CliRunner().invoke(
                app,
                ["ingest", str(drop.folder), "--connection", str(tmp_path / "connection.json"),
                 "--site", str(tmp_path / "site.yaml"), "--records", str(tmp_path / "records"), "--json"],
            )  # fmt: skip
    finally:
        PLAIN.delete(f"{running.base_url}/sandbox/faults").raise_for_status()
    assert (done.exit_code == 0) is not breaks, done.output
    wanted = {"token", "link"} | ({"nonce"} if kind == "scans" and not breaks else set())
    assert wanted <= set(secrets.values())
    secrets[str(running.connection["client_secret"])] = "client secret"
    left = {"output": done.output, "error": repr(done.exception), "log": caplog.text}
    left |= {
        str(path): path.read_bytes().decode("utf-8", "replace")
        for root in ("records", "scratch")
        for path in (tmp_path / root).rglob("*")
        if path.is_file()
    }
    assert [(place, kind) for place, text in left.items() for secret, kind in secrets.items() if secret in text] == []
