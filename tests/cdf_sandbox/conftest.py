"""A real sandbox on free ports, spoken to by the real SDK."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from cognite.client import CogniteClient

from cdf_sandbox.options import Options
from local_cdf import RunningSandbox, run_sandbox


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """One sandbox a test module, without lags and limits so that tests wait for nothing."""
    options = Options(
        data=tmp_path_factory.mktemp("sandbox"), list_lag=0, uploaded_lag=0, syncer_delay=0, rate_limits=False
    )
    with run_sandbox(options) as sandbox:
        yield sandbox


@pytest.fixture
def start_sandbox(tmp_path: Path) -> Callable[..., "contextmanager[RunningSandbox]"]:
    """Start further sandboxes with options of their own: ``with start_sandbox(list_lag=2) as running``."""

    def start(**changes: object) -> "contextmanager[RunningSandbox]":
        settings: dict[str, object] = {
            "data": tmp_path / "sandbox", "list_lag": 0, "uploaded_lag": 0, "syncer_delay": 0, "rate_limits": False,
        }  # fmt: skip
        return run_sandbox(Options(**(settings | changes)))

    return start


@pytest.fixture
def client(running: RunningSandbox) -> CogniteClient:
    """An SDK client of the module's sandbox."""
    return running.client()


@pytest.fixture
def http(running: RunningSandbox) -> Iterator[httpx.Client]:
    """Plain HTTP against the module's sandbox."""
    with running.http() as session:
        yield session


def connection_of(data: Path) -> dict[str, str]:
    """What ``connection.json`` of a data directory says."""
    return json.loads((data / "connection.json").read_text())
