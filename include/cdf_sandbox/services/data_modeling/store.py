"""The tables of instances.

`dms_instance` has one row a node or edge, deleted ones included until their id is used again, since `sync` reports
them; `seq` grows with every change. `dms_data` keeps the values of one container as JSON in normal form, nulls left
out. `dms_relation` repeats the direct relations, so that they can be followed backwards, those of deleted instances
included, and `dms_unique` the values under uniqueness constraints of instances that are not deleted.
"""
# ruff: noqa: S608 - SQL is assembled from constants; values of requests are bound as parameters

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from sqlite3 import Connection, Row
from typing import Any

from cdf_sandbox.services.data_modeling.columns import bind
from cdf_sandbox.services.data_modeling.ids import InstanceId, InstanceKind
from cdf_sandbox.services.data_modeling.schema_store import DDL as SCHEMA_DDL

DDL = (
    SCHEMA_DDL
    + """
CREATE TABLE IF NOT EXISTS dms_instance (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL, space TEXT NOT NULL, external_id TEXT NOT NULL,
    version INTEGER NOT NULL, created_time INTEGER NOT NULL, last_updated_time INTEGER NOT NULL, deleted_time INTEGER,
    type_space TEXT, type_xid TEXT, start_space TEXT, start_xid TEXT, end_space TEXT, end_xid TEXT,
    seq INTEGER NOT NULL,
    UNIQUE (space, external_id)
);
CREATE UNIQUE INDEX IF NOT EXISTS dms_instance_seq ON dms_instance (seq);
CREATE INDEX IF NOT EXISTS dms_instance_live ON dms_instance (kind) WHERE deleted_time IS NULL;
CREATE INDEX IF NOT EXISTS dms_instance_deleted ON dms_instance (deleted_time) WHERE deleted_time IS NOT NULL;
CREATE INDEX IF NOT EXISTS dms_instance_start ON dms_instance (start_space, start_xid) WHERE kind = 'edge';
CREATE INDEX IF NOT EXISTS dms_instance_end ON dms_instance (end_space, end_xid) WHERE kind = 'edge';
CREATE TABLE IF NOT EXISTS dms_data (
    instance INTEGER NOT NULL REFERENCES dms_instance ON DELETE CASCADE, container TEXT NOT NULL, doc TEXT NOT NULL,
    PRIMARY KEY (instance, container)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS dms_data_container ON dms_data (container);
CREATE TABLE IF NOT EXISTS dms_relation (
    instance INTEGER NOT NULL REFERENCES dms_instance ON DELETE CASCADE, container TEXT NOT NULL,
    property TEXT NOT NULL, position INTEGER NOT NULL, target_space TEXT NOT NULL, target_xid TEXT NOT NULL,
    PRIMARY KEY (instance, container, property, position)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS dms_relation_target ON dms_relation (target_space, target_xid, container, property);
CREATE TABLE IF NOT EXISTS dms_unique (
    container TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
    instance INTEGER NOT NULL REFERENCES dms_instance ON DELETE CASCADE,
    PRIMARY KEY (container, name, value, instance)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS dms_unique_instance ON dms_unique (instance);
"""
)

_CHUNK = 2000
SOFT_DELETED_FOR_MS = 3 * 86400 * 1000
"""How long a deleted instance counts towards the limit of instances, and a sync reports it (schema `SyncRequest`)."""


@dataclass(frozen=True)
class StoredInstance:
    """One row of the instance table."""

    id: int
    kind: InstanceKind
    instance: InstanceId
    version: int
    created_time: int
    last_updated_time: int
    deleted_time: int | None
    type: InstanceId | None
    start: InstanceId | None
    end: InstanceId | None


def _pair(space: str | None, external_id: str | None) -> InstanceId | None:
    return None if space is None or external_id is None else InstanceId(space, external_id)


def _stored(row: Row) -> StoredInstance:
    return StoredInstance(
        row["id"],
        row["kind"],
        InstanceId(row["space"], row["external_id"]),
        row["version"],
        row["created_time"],
        row["last_updated_time"],
        row["deleted_time"],
        _pair(row["type_space"], row["type_xid"]),
        _pair(row["start_space"], row["start_xid"]),
        _pair(row["end_space"], row["end_xid"]),
    )


def chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    """`values` in lists of a length that one statement takes easily."""
    pending: list[Any] = []
    for value in values:
        pending.append(value)
        if len(pending) == _CHUNK:
            yield pending
            pending = []
    if pending:
        yield pending


def find_instances(db: Connection, instances: Iterable[InstanceId]) -> dict[InstanceId, StoredInstance]:
    """The rows of those instances that exist, deleted ones included."""
    found: dict[InstanceId, StoredInstance] = {}
    for part in chunks(dict.fromkeys(instances)):
        rows = db.execute(
            "SELECT i.* FROM json_each(?) k JOIN dms_instance i"
            " ON i.space = json_extract(k.value, '$[0]') AND i.external_id = json_extract(k.value, '$[1]')",
            (bind(part),),
        )
        for row in rows:
            stored = _stored(row)
            found[stored.instance] = stored
    return found


def load_instances(db: Connection, ids: Iterable[int]) -> Iterator[StoredInstance]:
    """The rows with these ids, in their order."""
    for part in chunks(ids):
        rows = db.execute(
            "SELECT i.* FROM json_each(?) k JOIN dms_instance i ON i.id = k.value ORDER BY k.key", (bind(part),)
        )
        yield from map(_stored, rows)


def load_documents(
    db: Connection, ids: Iterable[int], containers: Iterable[str] | None = None
) -> Iterator[tuple[int, str, str]]:
    """Instance id, container and JSON text of the data of these instances, in `containers` if given."""
    only = "" if containers is None else " AND d.container IN (SELECT value FROM json_each(?))"
    wanted = () if containers is None else (bind(list(containers)),)
    for part in chunks(ids):
        yield from db.execute(
            "SELECT d.instance, d.container, d.doc FROM json_each(?) k JOIN dms_data d ON d.instance = k.value" + only,
            (bind(part), *wanted),
        )


def last_seq(db: Connection) -> int:
    """The number of the last change."""
    row = db.execute("SELECT max(seq) FROM dms_instance").fetchone()
    return row[0] or 0


def count_live(db: Connection, kind: InstanceKind) -> int:
    """Count the instances of a kind."""
    statement = "SELECT count(*) FROM dms_instance WHERE kind = ? AND deleted_time IS NULL"
    return int(db.execute(statement, (kind,)).fetchone()[0])


def count_deleted(db: Connection, now: int, kind: InstanceKind | None = None) -> int:
    """Count the instances, of a kind if it is given, that were deleted so recently that they still count."""
    statement = "SELECT count(*) FROM dms_instance WHERE deleted_time > ? AND (? IS NULL OR kind = ?)"
    return int(db.execute(statement, (now - SOFT_DELETED_FOR_MS, kind, kind)).fetchone()[0])


def count_by_space(db: Connection, kind: InstanceKind, deleted_at: int | None = None) -> Counter[str]:
    """Count the instances of a kind in each space; with the present as `deleted_at` the soft-deleted ones instead."""
    wanted = "deleted_time IS NULL" if deleted_at is None else "deleted_time > ?"
    values = (kind,) if deleted_at is None else (kind, deleted_at - SOFT_DELETED_FOR_MS)
    rows = db.execute(f"SELECT space, count(*) FROM dms_instance WHERE kind = ? AND {wanted} GROUP BY space", values)
    return Counter({row[0]: row[1] for row in rows})
