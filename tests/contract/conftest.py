"""Fixtures: a sandbox in place of the project, and its contents."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from capture360.cdf.client import Connection
from cdf_sandbox.core.options import ProjectMode
from conformance import PROJECT, connection_to
from local_cdf import RunningSandbox


@pytest.fixture(scope="module")
def sandbox_options() -> dict[str, Any]:
    return {"project": PROJECT}


@pytest.fixture
def connection(running: RunningSandbox) -> Iterator[Connection]:
    """The project, as one that is hybrid."""
    yield connection_to(running, ProjectMode.HYBRID)
    running.sandbox.faults.clear()


@pytest.fixture
def file(connection: Connection, running: RunningSandbox, tmp_path: Path) -> Path:
    """The connection as a file, for the command line."""
    path = tmp_path / "connection.json"
    path.write_text(json.dumps(running.connection | {"mode": connection.mode}))
    return path


@pytest.fixture
def holdings(running: RunningSandbox) -> Iterator[Callable[[], dict[str, Any]]]:
    """Ask what the project holds: everything that a run could leave in it."""
    with running.http() as http:

        def look() -> dict[str, Any]:
            held = http.get("/models/statistics").json()
            return {
                "spaces": [each["space"] for each in http.get("/models/spaces?limit=1000").json()["items"]],
                "files": http.post("/files/list", json={}).json()["items"],
                "assets": http.post("/assets/list", json={}).json()["items"],
                "3D models": http.get("/3d/models").json()["items"],
                "instances": held["instances"]["instances"],
                "schemas": [held[kind]["count"] for kind in ("containers", "views", "dataModels")],
            }

        yield look
