"""The parts that every API of one sandbox shares."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from sqlite3 import Connection
from typing import Annotated

from fastapi import Depends, Request

from cdf_sandbox.core.blobs import Blobs
from cdf_sandbox.core.clock import Clock
from cdf_sandbox.core.counters import Counters
from cdf_sandbox.core.faults import Faults
from cdf_sandbox.core.limits import Limits
from cdf_sandbox.core.links import Links
from cdf_sandbox.core.options import Options
from cdf_sandbox.core.storage import Storage

# Called in the transaction that gives a CogniteFile its content: space, external id, media type, epoch in ms.
NodeUploaded = Callable[[Connection, str, str, str | None, int], None]


@dataclass
class Sandbox:
    """One project and what its APIs share. ``link_port`` is known once that socket listens.

    While a server runs, ``extract`` takes the id of a revision whose photospheres are wanted, ``detect_texts`` the
    number of a 3D job and ``see`` the id of a Vision job.
    """

    options: Options
    clock: Clock
    storage: Storage
    blobs: Blobs
    links: Links
    counters: Counters = field(default_factory=Counters)
    limits: Limits = field(default_factory=Limits)
    faults: Faults = field(default_factory=Faults)
    link_port: int = 0
    extract: Callable[[int], None] | None = None
    detect_texts: Callable[[int], None] | None = None
    see: Callable[[int], None] | None = None
    on_node_uploaded: list[NodeUploaded] = field(default_factory=list)

    def read(self) -> AbstractContextManager[Connection]:
        """A consistent state to read from."""
        return self.storage.read()

    def write(self) -> AbstractContextManager[Connection]:
        """One transaction whose changed rows are counted."""
        return self.storage.write(self.counters.rows_changed)


def current_sandbox(request: Request) -> Sandbox:
    """The sandbox that ``request`` is spoken to."""
    sandbox: Sandbox = request.app.state.sandbox
    return sandbox


SandboxDep = Annotated[Sandbox, Depends(current_sandbox)]
