"""A sandbox in the process of a test, on free ports, and the fixture that starts one.

With `pytest_plugins = ["cdf_sandbox.testing"]` in the `conftest.py` at the root of its tests, a project has it in a
line:

    def test_upload(cdf_sandbox):
        client = cdf_sandbox.client()

A module or folder overrides the fixture `cdf_sandbox_options` to choose `Options`, such as `{"mode": "data_modeling"}`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from cdf_sandbox.core.options import FAST, Options, ProjectMode
from cdf_sandbox.core.sandbox import Sandbox
from cdf_sandbox.core.server import serving_in_thread

if TYPE_CHECKING:
    from cognite.client import CogniteClient


PLAIN = httpx.Client(trust_env=False, timeout=60, limits=httpx.Limits(max_keepalive_connections=0))
"""HTTP without a token, for links and the sandbox's pages; patient, since the sandbox runs in the test's process."""


class RunningSandbox:
    """A sandbox that serves in a thread of this process."""

    def __init__(self, sandbox: Sandbox, connection: dict[str, str]) -> None:
        self.sandbox = sandbox
        self.connection = connection
        self.base_url = connection["base_url"]
        self.project_url = f"{self.base_url}/api/v1/projects/{connection['project']}"

    def client(self, client_id: str | None = None, secret: str | None = None) -> CogniteClient:
        """An SDK client, by default with every capability."""
        from cognite.client import ClientConfig, CogniteClient
        from cognite.client.credentials import OAuthClientCredentials

        credentials = OAuthClientCredentials(
            token_url=self.connection["token_url"],
            client_id=client_id or self.connection["client_id"],
            client_secret=secret or self.connection["client_secret"],
            scopes=[f"{self.base_url}/.default"],
        )
        return CogniteClient(
            ClientConfig("tests", self.connection["project"], credentials, base_url=self.base_url, timeout=20)
        )

    def http(self, client_id: str | None = None, secret: str | None = None) -> httpx.Client:
        """Plain HTTP with a token of its own, relative to the project; by default with every capability."""
        answer = PLAIN.post(
            self.connection["token_url"],
            data={
                "grant_type": "client_credentials",
                "client_id": client_id or self.connection["client_id"],
                "client_secret": secret or self.connection["client_secret"],
                "scope": "test",
            },
        )
        token = answer.raise_for_status().json()["access_token"]
        return httpx.Client(
            base_url=self.project_url, headers={"authorization": f"Bearer {token}"}, trust_env=False, timeout=20
        )

    def make_client(self, client_id: str, capabilities: list[dict[str, object]]) -> tuple[str, str]:
        """A further client with `capabilities` only: its id and its secret."""
        order = {"clientId": client_id, "capabilities": capabilities}
        answer = PLAIN.post(f"{self.base_url}/sandbox/clients", json=order).raise_for_status().json()
        return answer["clientId"], answer["clientSecret"]

    def mutating(self) -> int:
        """How many mutating requests came in so far, but for tokens and sessions."""
        return int(PLAIN.get(f"{self.base_url}/sandbox/counters").raise_for_status().json()["mutating"])

    def hold_clock(self) -> None:
        """Stop the sandbox's clock, so that `advance` alone moves it."""
        self.sandbox.clock.hold()

    def advance(self, seconds: float) -> None:
        """Move the sandbox's clock."""
        self.sandbox.clock.advance(seconds)


def fast_options(data: Path, mode: str = ProjectMode.HYBRID, **changes: Any) -> Options:
    """Options without lags and rate limits, so that tests wait for nothing, but for `changes`."""
    return Options(data=data, mode=ProjectMode(mode), **{**FAST, **changes})


@contextmanager
def run_sandbox(options: Options) -> Iterator[RunningSandbox]:
    """Serve `options` in a thread for the length of the block."""
    with serving_in_thread(options) as (sandbox, connection):
        yield RunningSandbox(sandbox, connection)


@pytest.fixture
def cdf_sandbox_options() -> dict[str, Any]:
    """Options of the sandboxes of `cdf_sandbox`; without a change they have no lags and no rate limits."""
    return {}


@pytest.fixture
def cdf_sandbox(tmp_path: Path, cdf_sandbox_options: dict[str, Any]) -> Iterator[RunningSandbox]:
    """An empty sandbox for one test."""
    with run_sandbox(fast_options(tmp_path / "cdf_sandbox", **cdf_sandbox_options)) as running:
        yield running
