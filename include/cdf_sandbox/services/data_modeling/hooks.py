"""Lets other APIs take part in the transaction that changes nodes, as CDF's own services follow the data model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Literal

from cdf_sandbox.core.sandbox import Sandbox
from cdf_sandbox.services.data_modeling.ids import ContainerId, InstanceId


@dataclass(frozen=True)
class NodeChange:
    """What happened to a node that has, or got, data in the container of the hook."""

    change: Literal["created", "updated", "deleted"]
    node: InstanceId


AfterCommit = Callable[[], None]
NodeHook = Callable[[Sandbox, Connection, Sequence[NodeChange]], AfterCommit | None]
"""Told of all changes of one request, in its transaction, after the rows are written.

It may return something to be called once the transaction is committed.
"""

_hooks: list[tuple[ContainerId, NodeHook]] = []


def on_node_change(container: ContainerId, hook: NodeHook) -> None:
    """Call `hook` whenever nodes get, change or lose data while they have data in `container`."""
    if (container, hook) not in _hooks:
        _hooks.append((container, hook))


@dataclass(frozen=True)
class ChangedNode:
    """A node before and after one request, by the containers in which it has data."""

    node: InstanceId
    before: frozenset[str]
    after: frozenset[str]


def announce(sandbox: Sandbox, db: Connection, changed: Sequence[ChangedNode]) -> list[AfterCommit]:
    """Tell every hook of the changes that concern its container; returns what is to be called after the commit."""
    after = []
    for container, hook in _hooks:
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
