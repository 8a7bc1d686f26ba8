"""Fixtures: a sandbox on free ports, used through the SDK."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from cognite.client import CogniteClient

from local_cdf import RunningSandbox, fast_options, run_sandbox
from specification import Specification


@pytest.fixture
def start_sandbox(tmp_path: Path) -> Callable[..., "contextmanager[RunningSandbox]"]:
    """Start further sandboxes with options of their own: `with start_sandbox(list_lag=2) as running`."""

    def start(**changes: Any) -> "contextmanager[RunningSandbox]":
        return run_sandbox(fast_options(tmp_path / "sandbox", **changes))

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


@pytest.fixture(scope="module")
def specification(shared: Path) -> Specification:
    """What CDF publishes about its API."""
    return Specification(shared / "reference" / "cdf-openapi-subset.json")


def connection_of(data: Path) -> dict[str, str]:
    """Read `connection.json` of a data directory."""
    return json.loads((data / "connection.json").read_text())
