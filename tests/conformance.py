"""What the tests of the conformance cases share: a name, how long to wait, and a connection in a mode."""

from __future__ import annotations

from capture360.cdf.client import Connection
from cdf_sandbox.core.options import ProjectMode
from local_cdf import RunningSandbox

NAME = "c360_conformance_0123456789ab"
TIMEOUT_S = 5.0
PROJECT = "secret-plant"


def connection_to(running: RunningSandbox, mode: ProjectMode) -> Connection:
    return Connection.from_mapping(running.connection | {"mode": mode.value}, "the sandbox")


def silent(case: str, number: int, total: int) -> None:
    """Tells nobody of progress."""
