"""The table of classic assets: hierarchies, each asset one JSON document."""

import json
from collections.abc import Iterable, Sequence
from sqlite3 import Connection, Row
from typing import Any

from cdf_sandbox.core.documents import Documents, document_json, documents_ddl
from cdf_sandbox.core.errors import BadRequest, UnknownIds
from cdf_sandbox.core.identifiers import ClassicId, check_each_named_once, new_id
from cdf_sandbox.core.patches import new_document
from cdf_sandbox.services.assets.models import AssetWrite

# Deferred: what is deleted together may come in any order.
_PARENT = "parent_id INTEGER REFERENCES assets DEFERRABLE INITIALLY DEFERRED"
DDL = f"""
{documents_ddl("assets", _PARENT, "root_id INTEGER NOT NULL")}
CREATE INDEX IF NOT EXISTS assets_parent ON assets (parent_id);
"""
ASSETS = Documents(
    "assets", "Asset", ids_noun="Asset id", external_ids_noun="External id", unknown_are_listed=False,
    unknown_come_first=True,
)  # fmt: skip

# The ids of all assets below roots; two values: JSON arrays of internal and of external ids.
OF_ROOTS = """
SELECT id FROM assets WHERE root_id IN (
    SELECT id FROM assets WHERE parent_id IS NULL
    AND (id IN (SELECT value FROM json_each(?)) OR external_id IN (SELECT value FROM json_each(?)))
)
"""

# The ids of assets and all that lies below them; two values: JSON arrays of internal and of external ids.
SUBTREE_IDS = """
WITH RECURSIVE subtree (id) AS (
    SELECT id FROM assets
    WHERE id IN (SELECT value FROM json_each(?)) OR external_id IN (SELECT value FROM json_each(?))
    UNION SELECT assets.id FROM assets JOIN subtree ON assets.parent_id = subtree.id
) SELECT id FROM subtree
"""


def insert_forest(db: Connection, writes: Sequence[AssetWrite], now: int) -> list[int]:
    """Insert assets parents first; returns their ids in the order of `writes`."""
    ids = [new_id() for _ in writes]
    within = {write.external_id: index for index, write in enumerate(writes) if write.external_id is not None}
    roots: dict[int, int] = {}
    for index in _parents_first(writes, within):
        write = writes[index]
        parent_id, root_id = None, ids[index]
        if write.parent_external_id in within:
            parent = within[write.parent_external_id]
            parent_id, root_id = ids[parent], roots[parent]
        elif write.parent_id is not None or write.parent_external_id is not None:
            parent_row = _parent(db, write.parent_id, write.parent_external_id)
            parent_id, root_id = parent_row["id"], parent_row["root_id"]
        roots[index] = root_id
        document = new_document(write, exclude={"parent_id", "parent_external_id"})
        ASSETS.insert(db, document, now, id=ids[index], parent_id=parent_id, root_id=root_id)
    return ids


def _parents_first(writes: Sequence[AssetWrite], within: dict[str, int]) -> list[int]:
    order: dict[int, None] = {}
    for start in range(len(writes)):
        chain: dict[int, None] = {}
        index: int | None = start
        while index is not None and index not in order:
            if index in chain:
                raise BadRequest(f"The asset {writes[index].external_id!r} is its own ancestor")
            chain[index] = None
            parent = writes[index].parent_external_id
            index = within.get(parent) if parent is not None else None
        order.update(dict.fromkeys(reversed(chain)))
    return list(order)


def _parent(db: Connection, internal: int | None, external: str | None) -> Row:
    wanted = {"id": internal} if internal is not None else {"externalId": external}
    row = ASSETS.find(db, ClassicId.model_validate(wanted))
    if row is None:
        raise UnknownIds([wanted], "Parent assets")
    return row


def move(db: Connection, row: Row, parent_id: int | None, parent_external_id: str | None, now: int) -> None:
    """Move an asset below another parent of the same root; below its own it stays as it is."""
    parent = _parent(db, parent_id, parent_external_id)
    if parent["root_id"] != row["root_id"] or row["parent_id"] is None:
        raise BadRequest(f"Asset {row['id']} cannot be moved to another root")
    if parent["id"] in subtree(db, [row["id"]]):
        raise BadRequest(f"Asset {row['id']} cannot be moved below itself")
    db.execute(
        "UPDATE assets SET parent_id = ?, last_updated_time = ? WHERE id = ? AND parent_id != ?",
        (parent["id"], now, row["id"], parent["id"]),
    )


def find_to_change(db: Connection, identifiers: Sequence[ClassicId], *, ignore_unknown: bool = False) -> list[Row]:
    """Assets to change or delete; refused are first unknown external ids, then assets named twice, then unknown ids."""
    pairs = [(identifier, ASSETS.find(db, identifier)) for identifier in identifiers]
    unknown = [each.wire() for each, row in pairs if row is None and each.external_id is not None]
    if unknown and not ignore_unknown:
        raise ASSETS.unknown(unknown)
    ids = (each.id if row is None else row["id"] for each, row in pairs)
    check_each_named_once((each for each in ids if each is not None), ASSETS.noun)
    return ASSETS.find_all(db, identifiers, ignore_unknown=ignore_unknown)


def subtree(db: Connection, ids: Iterable[int]) -> list[int]:
    """The ids of assets and of all that lies below them, parents before children."""
    return [row["id"] for row in db.execute(SUBTREE_IDS, (json.dumps(list(ids)), "[]"))]


def delete_assets(db: Connection, ids: Sequence[int], *, recursive: bool) -> None:
    """Delete assets; without `recursive` none may have children that stay."""
    below = subtree(db, ids)
    if not recursive and set(below) - set(ids):
        kept = sorted(set(below) - set(ids))[:5]
        raise BadRequest(f"Assets with children cannot be deleted unless recursive is true; children: {kept}")
    ASSETS.delete(db, below)


def asset_json(db: Connection, row: Row, aggregates: Sequence[str] = ()) -> dict[str, Any]:
    """An asset as the API shows it, with the asked `aggregates` computed."""
    shown = {"metadata": {}} | document_json(row) | {"rootId": row["root_id"]}
    if row["parent_id"] is not None:
        shown["parentId"] = row["parent_id"]
        parent = db.execute("SELECT external_id FROM assets WHERE id = ?", (row["parent_id"],)).fetchone()
        if parent["external_id"] is not None:
            shown["parentExternalId"] = parent["external_id"]
    if aggregates:
        path = _path(db, row["id"])
        children = db.execute("SELECT count(*) FROM assets WHERE parent_id = ?", (row["id"],)).fetchone()[0]
        values = {"childCount": children, "depth": len(path) - 1, "path": [{"id": i} for i in path]}
        shown["aggregates"] = {name: values[name] for name in aggregates}
    return shown


def _path(db: Connection, asset_id: int) -> list[int]:
    rows = db.execute(
        "WITH RECURSIVE up (id, parent_id, height) AS (SELECT id, parent_id, 0 FROM assets WHERE id = ?"
        " UNION ALL SELECT assets.id, assets.parent_id, height + 1 FROM assets JOIN up ON assets.id = up.parent_id)"
        " SELECT id FROM up ORDER BY height DESC",
        (asset_id,),
    )
    return [row["id"] for row in rows]
