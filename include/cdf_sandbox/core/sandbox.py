"""The parts that all services of one sandbox share."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from sqlite3 import Connection
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request

from cdf_sandbox.core.blobs import Blobs
from cdf_sandbox.core.clock import Clock
from cdf_sandbox.core.counters import Counters
from cdf_sandbox.core.faults import Faults
from cdf_sandbox.core.limits import Conflicts, Limits
from cdf_sandbox.core.links import Links
from cdf_sandbox.core.options import Options
from cdf_sandbox.core.storage import Storage

# Called in the transaction that gives a CogniteFile its content: space, external id, media type, epoch in ms.
NodeUploaded = Callable[[Connection, str, str, str | None, int], None]


class Chore(Protocol):
    """Work that is due before some request, whichever that is."""

    @property
    def is_due(self) -> bool:
        """Whether the next request has to wait for it."""

    def do(self) -> None:
        """Do it."""


@dataclass
class Sandbox:
    """One project and what its services share. `link_port` is known once that socket listens.

    While a server runs, `queue_extraction` takes the id of a revision whose photospheres are requested,
    `queue_3d_job` the number of a 3D job and `queue_vision_job` the id of a Vision job.
    """

    options: Options
    clock: Clock
    storage: Storage
    blobs: Blobs
    links: Links
    counters: Counters = field(default_factory=Counters)
    limits: Limits = field(default_factory=Limits)
    conflicts: Conflicts = field(default_factory=Conflicts)
    faults: Faults = field(default_factory=Faults)
    link_port: int = 0
    queue_extraction: Callable[[int], None] | None = None
    queue_3d_job: Callable[[int], None] | None = None
    queue_vision_job: Callable[[int], None] | None = None
    on_node_uploaded: list[NodeUploaded] = field(default_factory=list)
    chores: list[Chore] = field(default_factory=list)

    def read(self) -> AbstractContextManager[Connection]:
        """Open a transaction to read from."""
        return self.storage.read()

    def write(self) -> AbstractContextManager[Connection]:
        """Open a transaction to write in; its changed rows are counted."""
        return self.storage.write(self.counters.rows_changed)

    @contextmanager
    def change(self, kind: str, identifiers: Iterable[Any]) -> Iterator[Connection]:
        """`write`, for changes to resources of a `kind`; 429 while another request changes one of them."""
        with self.conflicts.changing(kind, identifiers), self.write() as db:
            yield db


def current_sandbox(request: Request) -> Sandbox:
    """Return the sandbox that serves `request`."""
    sandbox: Sandbox = request.app.state.sandbox
    return sandbox


SandboxDep = Annotated[Sandbox, Depends(current_sandbox)]
