"""The table of groups, from which the capabilities of every token come.

A client is a member of the groups whose `sourceId` is its id, as if the identity provider had a group of that name,
and of those that list it. `client_id` marks the group that was made with a client and is renewed with it.
"""

import json
from collections.abc import Iterable, Sequence
from sqlite3 import Connection, Row
from typing import Any

from cdf_sandbox.core.documents import rows_by_id
from cdf_sandbox.core.identifiers import new_id

DDL = """
CREATE TABLE IF NOT EXISTS access_groups (
    id INTEGER PRIMARY KEY, doc TEXT NOT NULL, client_id TEXT UNIQUE,
    source_id TEXT GENERATED ALWAYS AS (json_extract(doc, '$.sourceId')) VIRTUAL
);
CREATE INDEX IF NOT EXISTS access_groups_source ON access_groups (source_id);
"""

_OF_CLIENT = (
    "source_id = ? OR id IN (SELECT g.id FROM access_groups g, json_each(g.doc, '$.members') m WHERE m.value = ?)"
)


def group_json(row: Row) -> dict[str, Any]:
    """A group as the API shows it."""
    shown: dict[str, Any] = json.loads(row["doc"])
    return {"capabilities": []} | shown | {"id": row["id"], "isDeleted": False}


def groups_of(db: Connection, client_id: str) -> list[Row]:
    """The groups that a client is a member of."""
    return db.execute(
        f"SELECT id, doc FROM access_groups WHERE {_OF_CLIENT} ORDER BY id",  # noqa: S608 - the inserted name is a constant
        (client_id, client_id),
    ).fetchall()


def all_groups(db: Connection) -> list[Row]:
    """Every group of the project."""
    return db.execute("SELECT id, doc FROM access_groups ORDER BY id").fetchall()


def insert_groups(db: Connection, documents: Iterable[dict[str, Any]], client_id: str | None = None) -> list[int]:
    """Insert groups; return their ids."""
    ids = []
    for document in documents:
        ids.append(new_id())
        db.execute(
            "INSERT INTO access_groups (id, doc, client_id) VALUES (?, ?, ?)",
            (ids[-1], json.dumps(document, ensure_ascii=False), client_id),
        )
    return ids


def renew_group_of(db: Connection, client_id: str, capabilities: Sequence[dict[str, Any]]) -> None:
    """Give a client its own group with `capabilities`, in place of an earlier one."""
    granted = [{name: grant for name, grant in each.items() if name != "projectScope"} for each in capabilities]
    document = {"name": client_id, "sourceId": client_id, "capabilities": granted}
    changed = db.execute(
        "UPDATE access_groups SET doc = ? WHERE client_id = ?", (json.dumps(document, ensure_ascii=False), client_id)
    )
    if not changed.rowcount:
        insert_groups(db, [document], client_id)


def find_groups(db: Connection, ids: Sequence[int]) -> list[Row]:
    """The groups with these ids; 409 for one that occurs twice, 400 naming those that are missing."""
    return rows_by_id(db, "SELECT id, doc FROM access_groups WHERE id = ?", ids, "Group ids")


def delete_groups(db: Connection, ids: Sequence[int]) -> None:
    """Delete groups; their members lose what they granted at once."""
    db.executemany("DELETE FROM access_groups WHERE id = ?", [(group_id,) for group_id in ids])
