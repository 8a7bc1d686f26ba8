"""Delete instances: rows are kept and marked as deleted, so that `sync` can report them."""
# ruff: noqa: S608 - only constant table and column names are assembled

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any

from cdf_sandbox.core.errors import DoNotExist, VersionConflict
from cdf_sandbox.services.data_modeling.columns import bind
from cdf_sandbox.services.data_modeling.hooks import ChangedNode
from cdf_sandbox.services.data_modeling.ids import InstanceRef, dump_instance
from cdf_sandbox.services.data_modeling.models import InstanceDelete
from cdf_sandbox.services.data_modeling.schema_store import Schema
from cdf_sandbox.services.data_modeling.store import find_instances, last_seq, load_documents


def delete_instances(
    db: Connection, schema: Schema, references: Sequence[InstanceRef], now_ms: int, *, skip_conflicts: bool = False
) -> tuple[list[dict[str, Any]], list[ChangedNode]]:
    """Delete what exists of `references`, and the edges at deleted nodes.

    One whose version is greater than the request expects is refused, or passed over with `skip_conflicts`.
    Returns CDF's answer, which names those that existed, and the nodes for the hooks. Spaces must exist.
    """
    if not references:
        return [], []
    unknown = sorted({each.space for each in references if not schema.has_space(each.space)})
    if unknown:
        raise DoNotExist("spaces", unknown)
    stored = find_instances(db, (each.id for each in references))
    named = []
    for each in references:
        row = stored.get(each.id)
        if row is None or row.kind != each.instance_type or row.deleted_time is not None:
            continue
        expected = each.existing_version if isinstance(each, InstanceDelete) else None
        if expected is None or row.version <= expected:
            named.append(row)
        elif not skip_conflicts:
            raise VersionConflict
    nodes = {row.id: row.instance for row in named if row.kind == "node"}
    containers: dict[int, set[str]] = {row_id: set() for row_id in nodes}
    for row_id, container, _ in load_documents(db, nodes):
        containers[row_id].add(container)
    ids = dict.fromkeys([*(row.id for row in named), *_attached_edges(db, nodes)])
    seq = last_seq(db)
    db.executemany(
        "UPDATE dms_instance SET deleted_time = ?, seq = ? WHERE id = ?",
        [(now_ms, seq + place, row_id) for place, row_id in enumerate(ids, start=1)],
    )
    db.execute("DELETE FROM dms_unique WHERE instance IN (SELECT value FROM json_each(?))", (bind(list(ids)),))
    changed = [ChangedNode(node, frozenset(containers[row_id]), frozenset()) for row_id, node in nodes.items()]
    return [dump_instance(row.kind, row.instance) for row in named], changed


def _attached_edges(db: Connection, nodes: dict[int, Any]) -> list[int]:
    found: list[int] = []
    for side in ("start", "end"):
        rows = db.execute(
            "SELECT e.id FROM json_each(?) k JOIN dms_instance e"
            f" ON e.{side}_space = json_extract(k.value, '$[0]') AND e.{side}_xid = json_extract(k.value, '$[1]')"
            " WHERE e.kind = 'edge' AND e.deleted_time IS NULL",
            (bind(list(nodes.values())),),
        )
        found.extend(row[0] for row in rows)
    return found
