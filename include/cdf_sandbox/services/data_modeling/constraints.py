"""Constraints across instances: targets of relations and unique values."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from typing_extensions import override

from cdf_sandbox.core.errors import BadRequest, UniquenessViolation
from cdf_sandbox.services.data_modeling.columns import bind
from cdf_sandbox.services.data_modeling.ids import ContainerId, InstanceId, InstanceKind
from cdf_sandbox.services.data_modeling.schema import Container, Uniqueness
from cdf_sandbox.services.data_modeling.schema_store import Schema
from cdf_sandbox.services.data_modeling.store import chunks


@dataclass(frozen=True)
class Relation:
    """A direct relation that a request writes; its target must have data in `required_container` if there is one."""

    kind: InstanceKind
    instance: InstanceId
    container: str
    property: str
    position: int
    target: InstanceId
    required_container: ContainerId | None

    @override
    def __str__(self) -> str:
        return f"the direct relation '{self.property}' of the {self.kind} '{self.instance}'"


Change = tuple[int, InstanceId, str, Mapping[str, Any], bool]
"""Row id, instance, container, its data, and whether the instance had none there before."""


def unique_value(constraint: Uniqueness, space: str, doc: Mapping[str, Any]) -> str | None:
    """What must differ from that of every other instance; `None` if a part of it has no value."""
    values = [doc.get(name) for name in constraint.properties]
    return None if None in values else bind([space, *values] if constraint.by_space else values)


def collect_unique_values(db: Connection, container: Container) -> None:
    """Bring the values under uniqueness constraints up to date with changed constraints; two may be the same."""
    key = str(container.id)
    db.execute("DELETE FROM dms_unique WHERE container = ?", (key,))
    rows = db.execute(
        "SELECT i.id, i.space, d.doc FROM dms_data d JOIN dms_instance i ON i.id = d.instance"
        " WHERE d.container = ? AND i.deleted_time IS NULL",
        (key,),
    ).fetchall()
    for constraint in container.uniqueness:
        values = ((unique_value(constraint, row["space"], json.loads(row["doc"])), row["id"]) for row in rows)
        db.executemany(
            "INSERT INTO dms_unique VALUES (?, ?, ?, ?)",
            ((key, constraint.name, value, row_id) for value, row_id in values if value is not None),
        )


class Constraints:
    """Maintain the tables of relations and unique values, and refuse violations of constraints."""

    def __init__(self, db: Connection, schema: Schema, uniqueness_violation_status: int) -> None:
        self._db = db
        self._uniqueness_violation_status = uniqueness_violation_status
        self._schema = schema

    def index(self, changes: Sequence[Change]) -> None:
        """Bring both tables up to date with changed data."""
        stale = [(row_id, key) for row_id, _, key, _, is_new in changes if not is_new]
        self._db.executemany("DELETE FROM dms_relation WHERE instance = ? AND container = ?", stale)
        self._db.executemany("DELETE FROM dms_unique WHERE instance = ? AND container = ?", stale)
        self._db.executemany("INSERT INTO dms_relation VALUES (?, ?, ?, ?, ?, ?)", self._relations(changes))
        for row_id, instance, key, doc, _ in changes:
            for constraint in self._schema.container(ContainerId(*key.split(":", 1))).uniqueness:
                value = unique_value(constraint, instance.space, doc)
                if value is None:
                    continue
                place = key, constraint.name, value
                taken = "SELECT 1 FROM dms_unique WHERE container = ? AND name = ? AND value = ?"
                if self._db.execute(taken, place).fetchone() is not None:
                    raise UniquenessViolation(
                        str(instance), key, constraint.name, constraint.properties, self._uniqueness_violation_status
                    )
                self._db.execute("INSERT INTO dms_unique VALUES (?, ?, ?, ?)", (*place, row_id))

    def _relations(self, changes: Sequence[Change]) -> Iterable[tuple[int, str, str, int, str, str]]:
        for row_id, _, key, doc, _ in changes:
            for name, prop in self._schema.container(ContainerId(*key.split(":", 1))).properties.items():
                if prop.type.kind == "direct" and name in doc:
                    targets = doc[name] if prop.type.is_list else [doc[name]]
                    for position, target in enumerate(targets):
                        yield row_id, key, name, position, target["space"], target["externalId"]

    def check_relations(self, relations: Iterable[Relation]) -> None:
        """Refuse relations whose target lacks data in the container that their property demands."""
        wanted: dict[tuple[InstanceId, ContainerId], Relation] = {}
        for relation in relations:
            if relation.required_container is not None:
                wanted.setdefault((relation.target, relation.required_container), relation)
        for part in chunks(wanted):
            row = self._db.execute(
                "SELECT k.key FROM json_each(?) k WHERE NOT EXISTS (SELECT 1 FROM dms_instance i JOIN dms_data d"
                " ON d.instance = i.id WHERE i.space = json_extract(k.value, '$[0]')"
                " AND i.external_id = json_extract(k.value, '$[1]') AND i.kind = 'node' AND i.deleted_time IS NULL"
                " AND d.container = json_extract(k.value, '$[2]')) LIMIT 1",
                (bind([(*target, str(container)) for target, container in part]),),
            ).fetchone()
            if row is not None:
                relation = wanted[part[row[0]]]
                raise BadRequest(
                    f"Cannot auto-create a direct relation target in {relation.kind} '{relation.instance}', property"
                    f" '{relation.property}': '{relation.target}' must exist with data in container"
                    f" '{relation.required_container}' or be in the same request",
                )
