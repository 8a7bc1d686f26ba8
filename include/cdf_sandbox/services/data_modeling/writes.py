"""Write instances: one request, one transaction, all or none."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from sqlite3 import Connection
from typing import Any

from cdf_sandbox.core.access import Access
from cdf_sandbox.core.errors import BadRequest, VersionConflict
from cdf_sandbox.core.sandbox import Sandbox
from cdf_sandbox.services.data_modeling.access import INSTANCE_ACL
from cdf_sandbox.services.data_modeling.assumptions import SYSTEM_MANAGED
from cdf_sandbox.services.data_modeling.columns import bind
from cdf_sandbox.services.data_modeling.constraints import Constraints, Relation
from cdf_sandbox.services.data_modeling.deletes import delete_instances
from cdf_sandbox.services.data_modeling.hooks import AfterCommit, ChangedNode, announce
from cdf_sandbox.services.data_modeling.ids import ContainerId, InstanceId, InstanceKind, ViewId, ViewRef, dump_instance
from cdf_sandbox.services.data_modeling.models import EdgeWrite, NodeWrite, SourceData, UpsertRequest
from cdf_sandbox.services.data_modeling.property_types import ValueMismatch
from cdf_sandbox.services.data_modeling.schema import ContainerProperty
from cdf_sandbox.services.data_modeling.schema_store import SYSTEM_SPACES, Schema
from cdf_sandbox.services.data_modeling.store import (
    StoredInstance,
    count_deleted,
    count_live,
    find_instances,
    last_seq,
    load_documents,
)

Documents = dict[str, dict[str, Any]]
"""The data of one instance: container -> property -> value in normal form."""


@dataclass(frozen=True)
class _Source:
    """A view or container as a target of writes: property -> where it is kept."""

    name: str
    containers: tuple[ContainerId, ...]
    properties: Mapping[str, tuple[ContainerId, str, ContainerProperty]]
    connections: frozenset[str]


@dataclass
class _Row:
    """One instance of the request on its way into the tables."""

    kind: InstanceKind
    instance: InstanceId
    type: InstanceId | None
    start: InstanceId | None
    end: InstanceId | None
    stored: StoredInstance | None = None
    before: Documents = field(default_factory=dict)
    after: Documents = field(default_factory=dict)
    relations: list[Relation] = field(default_factory=list)
    skipped: bool = False
    id: int = 0

    @property
    def changed_containers(self) -> list[str]:
        """Containers in which the data differ from the stored ones."""
        return [key for key, doc in self.after.items() if not _same(self.before.get(key), doc)]

    @property
    def is_modified(self) -> bool:
        """Whether anything differs from the stored row."""
        old = self.stored
        if self.skipped:
            return False
        if old is None or (old.type, old.start, old.end) != (self.type, self.start, self.end):
            return True
        return bool(self.changed_containers)


def _same(before: dict[str, Any] | None, after: dict[str, Any]) -> bool:
    # Python holds 1, 1.0 and True for equal, which JSON properties must not.
    return before == after and json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)


class InstanceWriter:
    """Write within one transaction with `access`; without it as CDF's own services, which may write everything.

    `after_commit` are the actions to call once the transaction is committed.
    """

    def __init__(self, sandbox: Sandbox, db: Connection, access: Access | None) -> None:
        self._sandbox = sandbox
        self._db = db
        self._schema = Schema(db)
        self._now = sandbox.clock.now_ms()
        self._access = access
        self._internal = access is None
        self._sources: dict[ViewId | ContainerId, _Source] = {}
        self.after_commit: list[AfterCommit] = []

    def upsert(self, request: UpsertRequest) -> dict[str, Any]:
        """Carry out a request; the answer is CDF's."""
        self._check_spaces(request)
        rows = [self._row(item) for item in request.items]
        self._check_targets(rows, request)
        deleted, changed = delete_instances(
            self._db, self._schema, request.delete, self._now, skip_conflicts=request.skip_on_version_conflict
        )
        self._compare(rows, request)
        active = [row for row in rows if not row.skipped]
        new_nodes = self._new_nodes(active, request)
        self._check_quota(sum(row.stored is None for row in active) + len(new_nodes))
        modified = [row for row in active if row.is_modified]
        constraints = Constraints(self._db, self._schema, self._sandbox.options.uniqueness_violation_status)
        self._store(modified, new_nodes, constraints)
        constraints.check_relations(relation for row in active for relation in row.relations)
        for row in modified:
            if row.kind == "node":
                changed.append(ChangedNode(row.instance, frozenset(row.before), frozenset(row.after)))
        self.after_commit.extend(announce(self._sandbox, self._db, changed))
        return {"items": [self._answer(row) for row in rows], "deleted": deleted}

    def _check_spaces(self, request: UpsertRequest) -> None:
        spaces = {each.space for each in (*request.items, *request.delete)}
        if not self._internal and spaces & SYSTEM_SPACES:
            raise BadRequest(f"Instances cannot be written to the system space '{min(spaces & SYSTEM_SPACES)}'")
        for item in request.items:
            if item.type is not None:
                spaces.add(item.type.space)
            if isinstance(item, EdgeWrite):
                spaces.update((item.start_node.space, item.end_node.space))
        self._schema.require_spaces(spaces)

    def _source(self, source: SourceData) -> _Source:
        key = source.source.id
        if key not in self._sources:
            self._sources[key] = self._resolve(source)
        return self._sources[key]

    def _resolve(self, source: SourceData) -> _Source:
        if isinstance(source.source, ViewRef):
            view = self._schema.view(source.source.id)
            if not view.writable and not self._internal:
                raise BadRequest(f"The view '{view.id}' cannot be written to: it does not map all required properties")
            places = {name: (each.container, each.identifier, each.property) for name, each in view.properties.items()}
            return _Source(f"view '{view.id}'", view.containers, places, frozenset(view.connections))
        container = self._schema.container(source.source.id)
        places = {name: (container.id, name, each) for name, each in container.properties.items()}
        return _Source(f"container '{container.id}'", (container.id,), places, frozenset())

    def _row(self, item: NodeWrite | EdgeWrite) -> _Row:
        """The row with its values checked; `after` holds only what the request names, nulls included."""
        type_ = item.type.id if item.type else None
        ends = (item.start_node.id, item.end_node.id) if isinstance(item, EdgeWrite) else (None, None)
        row = _Row(item.instance_type, item.id, type_, *ends)
        for data in item.sources or ():
            source = self._source(data)
            for container in source.containers:
                if not self._schema.container(container).holds(row.kind):
                    raise BadRequest(
                        f"The {row.kind} '{row.instance}' cannot have data in {source.name}: it is not for {row.kind}s",
                    )
                row.after.setdefault(str(container), {})
            for name, value in (data.properties or {}).items():
                self._assign(row, source, name, value)
        return row

    def _assign(self, row: _Row, source: _Source, name: str, value: Any) -> None:
        place = source.properties.get(name)
        if place is None:
            reason = "is a connection, which is not written to" if name in source.connections else "does not exist"
            raise BadRequest(
                f"Unknown property '{name}' in {source.name} of the {row.kind} '{row.instance}': it {reason}"
            )
        container, identifier, prop = place
        if not self._internal and identifier in SYSTEM_MANAGED.get(str(container), ()):
            raise BadRequest(f"Property '{name}' in {source.name} is set by CDF and cannot be written")
        if value is not None:
            try:
                value = prop.type.check(value)
            except ValueMismatch as error:
                raise BadRequest(
                    f"Invalid value for property '{name}' in {source.name} of the {row.kind} '{row.instance}': {error}",
                ) from None
        row.after[str(container)][identifier] = value
        if value is not None and prop.type.kind == "direct":
            for position, target in enumerate(value if prop.type.is_list else [value]):
                row.relations.append(
                    Relation(
                        row.kind, row.instance, str(container), identifier, position,
                        InstanceId(target["space"], target["externalId"]), prop.type.container,
                    )
                )  # fmt: skip

    def _check_targets(self, rows: list[_Row], request: UpsertRequest) -> None:
        """Require access to the targets: write access where a missing target would be created, else read access."""
        if self._access is None:
            return
        pointed = (
            (request.auto_create_direct_relations, {each.target.space for row in rows for each in row.relations}),
            (request.auto_create_start_nodes, {row.start.space for row in rows if row.start is not None}),
            (request.auto_create_end_nodes, {row.end.space for row in rows if row.end is not None}),
        )
        for creates, spaces in pointed:
            self._access.require_spaces(INSTANCE_ACL, "WRITE" if creates else "READ", spaces - SYSTEM_SPACES)

    def _compare(self, rows: list[_Row], request: UpsertRequest) -> None:
        """Compare every row with the stored one: versions, and the whole data after the request."""
        stored = find_instances(self._db, (row.instance for row in rows))
        live = {each.id: each.instance for each in stored.values() if each.deleted_time is None}
        documents: dict[InstanceId, Documents] = {}
        for instance_id, container, doc in load_documents(self._db, live):
            documents.setdefault(live[instance_id], {})[container] = json.loads(doc)
        for row, item in zip(rows, request.items, strict=True):
            old = stored.get(row.instance)
            if old is not None and old.deleted_time is None:
                row.stored, row.id, row.before = old, old.id, documents.get(row.instance, {})
                if old.kind != row.kind:
                    raise BadRequest(f"'{row.instance}' exists already and is a {old.kind}, not a {row.kind}")
                if item.existing_version is not None and old.version > item.existing_version:
                    if not request.skip_on_version_conflict:
                        raise VersionConflict
                    row.skipped = True
                if "type" not in item.model_fields_set:
                    row.type = old.type
            row.after = {**row.before, **{key: self._merged(row, key, request.replace) for key in row.after}}
            self._check_requires(row)

    def _merged(self, row: _Row, key: str, replace: bool) -> dict[str, Any]:
        container = self._schema.container(ContainerId(*key.split(":", 1)))
        old, named = row.before.get(key), row.after[key]
        merged: dict[str, Any] = {}
        for name, prop in container.properties.items():
            kept = replace and not self._internal and name in SYSTEM_MANAGED.get(key, ())
            if name in named:
                value = named[name]
            elif old is not None and (not replace or kept):
                value = old.get(name)
            else:
                value = prop.default
            if value is None and not prop.nullable:
                if name in named:
                    raise BadRequest(f"Invalid value for non-nullable property '{name}'. Value cannot be null.")
                raise BadRequest(
                    f"Property '{name}' in container '{key}' of the {row.kind} '{row.instance}' is required"
                )
            if prop.immutable and old is not None and old.get(name) not in (None, value):
                raise BadRequest(
                    f"Property '{name}' in container '{key}' of the {row.kind} '{row.instance}' is immutable"
                )
            if value is not None:
                merged[name] = value
        return merged

    def _check_requires(self, row: _Row) -> None:
        for key in row.after.keys() - row.before.keys():
            for name, required in self._schema.container(ContainerId(*key.split(":", 1))).requires.items():
                if str(required) not in row.after:
                    raise BadRequest(
                        f"The {row.kind} '{row.instance}' has data in container '{key}' but none in '{required}',"
                        f" which the constraint '{name}' requires",
                    )

    def _new_nodes(self, rows: Iterable[_Row], request: UpsertRequest) -> list[InstanceId]:
        """The nodes to create because rows point at them; refused where the request does not allow it."""
        rows = list(rows)
        ends = [end for row in rows for end in (row.start, row.end) if end is not None]
        free = [relation for row in rows for relation in row.relations if relation.required_container is None]
        written = {row.instance: row.kind for row in rows}
        stored = find_instances(self._db, (*ends, *(relation.target for relation in free)))
        kinds = {key: each.kind for key, each in stored.items() if each.deleted_time is None} | written
        created: dict[InstanceId, None] = {}

        def point_at(target: InstanceId, allowed: bool, what: str) -> None:
            kind = kinds.get(target)
            if kind == "edge":
                raise BadRequest(f"'{target}' was referenced as {what}, but it is an edge, not a node.")
            if kind is None and not allowed:
                raise BadRequest(
                    f"Node with external id '{target.external_id}' was referenced as {what}, but it does not exist."
                )
            if kind is None:
                created[target] = None

        for row in rows:
            if row.start is not None and row.end is not None:
                point_at(row.start, request.auto_create_start_nodes, f"the start node of the edge '{row.instance}'")
                point_at(row.end, request.auto_create_end_nodes, f"the end node of the edge '{row.instance}'")
        for relation in free:
            point_at(relation.target, request.auto_create_direct_relations, "the target of a direct relation")
        self._schema.require_spaces(node.space for node in created)
        if not self._internal and any(node.space in SYSTEM_SPACES for node in created):
            raise BadRequest("Nodes cannot be auto-created in a system space")
        return list(created)

    def _check_quota(self, added: int) -> None:
        if added:
            limit = self._sandbox.options.instance_limit
            live = count_live(self._db, "node") + count_live(self._db, "edge")
            counts = self._sandbox.options.deleted_instances_count
            count = live + (count_deleted(self._db, self._now) if counts else 0)
            if count + added > limit:
                raise BadRequest(
                    f"The project has {count} instances, {count - live} of them deleted lately;"
                    f" {added} more would exceed its limit of {limit} instances"
                )

    def _store(self, modified: list[_Row], new_nodes: list[InstanceId], constraints: Constraints) -> None:
        bare = [_Row("node", node, None, None, None) for node in new_nodes]
        created = [row for row in modified if row.stored is None]
        seq = last_seq(self._db)
        ids = bind([row.instance for row in (*created, *bare)])
        self._db.execute(
            "DELETE FROM dms_instance WHERE id IN (SELECT i.id FROM json_each(?) k JOIN dms_instance i"
            " ON i.space = json_extract(k.value, '$[0]') AND i.external_id = json_extract(k.value, '$[1]'))",
            (ids,),
        )
        inserts, updates = [], []
        for row in (*modified, *bare):
            seq += 1
            pairs = [part for pair in (row.type, row.start, row.end) for part in (pair or (None, None))]
            if row.stored is None:
                row.id = seq
                inserts.append((seq, row.kind, *row.instance, 1, self._now, self._now, *pairs, seq))
            else:
                updates.append((self._now, *pairs, seq, row.id))
        self._db.executemany(
            "INSERT INTO dms_instance VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?, ?, ?, ?)", inserts
        )
        self._db.executemany(
            "UPDATE dms_instance SET version = version + 1, last_updated_time = ?, type_space = ?, type_xid = ?,"
            " start_space = ?, start_xid = ?, end_space = ?, end_xid = ?, seq = ? WHERE id = ?",
            updates,
        )
        changes = [(row, key) for row in modified for key in row.changed_containers]
        self._db.executemany(
            "INSERT INTO dms_data VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET doc = excluded.doc",
            ((row.id, key, bind(row.after[key])) for row, key in changes),
        )
        constraints.index([(row.id, row.instance, key, row.after[key], key not in row.before) for row, key in changes])

    def _answer(self, row: _Row) -> dict[str, Any]:
        old = row.stored
        modified = row.is_modified
        return {
            **dump_instance(row.kind, row.instance),
            "version": 1 if old is None else old.version + modified,
            "wasModified": modified,
            "createdTime": self._now if old is None else old.created_time,
            "lastUpdatedTime": self._now if old is None or modified else old.last_updated_time,
        }
