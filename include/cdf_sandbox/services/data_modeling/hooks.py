"""Hooks of other services in the transaction that changes nodes, as CDF's own services follow the data model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Literal

from cdf_sandbox.core.sandbox import Sandbox
from cdf_sandbox.services.data_modeling.ids import ContainerId, InstanceId


@dataclass(frozen=True)
class NodeChange:
    """A change of a node that has or gets data in the container of the hook."""

    change: Literal["created", "updated", "deleted"]
    node: InstanceId


AfterCommit = Callable[[], None]
NodeHook = Callable[[Sandbox, Connection, Sequence[NodeChange]], AfterCommit | None]
"""Called with all changes of one request, in its transaction, after the rows are written.

It may return an action to call once the transaction is committed.
"""

HOOKS: list[tuple[ContainerId, NodeHook]] = []
"""Registered hooks in the order of registration."""


def on_node_change(container: ContainerId, hook: NodeHook) -> None:
    """Call `hook` whenever nodes get, change or lose data while they have data in `container`."""
    if (container, hook) not in HOOKS:
        HOOKS.append((container, hook))


@dataclass(frozen=True)
class ChangedNode:
    """A node before and after one request, by the containers in which it has data."""

    node: InstanceId
    before: frozenset[str]
    after: frozenset[str]


def announce(sandbox: Sandbox, db: Connection, changed: Sequence[ChangedNode]) -> list[AfterCommit]:
    """Call every hook with the changes in its container; return the actions to call after the commit."""
    after = []
    for container, hook in HOOKS:
        key = str(container)
        changes = [
            NodeChange(
                "created" if key not in each.before else "updated" if key in each.after else "deleted", each.node
            )
            for each in changed
            if key in each.before or key in each.after
        ]
        action = hook(sandbox, db, changes) if changes else None
        if action is not None:
            after.append(action)
    return after
