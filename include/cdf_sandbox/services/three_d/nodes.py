"""Nodes of models and revisions that live in data modeling, which follow the 3D API."""

import json
from collections.abc import Iterable, Mapping
from sqlite3 import Connection, Row
from typing import Any, Literal

from cdf_sandbox.core.errors import BadRequest, UnknownIds
from cdf_sandbox.core.sandbox import Sandbox
from cdf_sandbox.services.data_modeling.deletes import delete_instances
from cdf_sandbox.services.data_modeling.ids import ContainerId, InstanceRef, ViewId
from cdf_sandbox.services.data_modeling.nodes import Properties, create_node, get_node
from cdf_sandbox.services.data_modeling.schema_store import Schema
from cdf_sandbox.services.three_d.models import ById
from cdf_sandbox.services.three_d.store import is_migrated, revision_status

Kind = Literal["model", "revision"]
Action = Literal["UPDATE", "DELETE"]
_MODEL = ContainerId("cdf_cdm_3d", "Cognite3DModel")
_REVISION = ContainerId("cdf_cdm_3d", "Cognite3DRevision")
_VIEWS: Mapping[Kind, ViewId] = {
    "model": ViewId("cdf_cdm", "Cognite3DModel", "v1"),
    "revision": ViewId("cdf_cdm", "Cognite3DRevision", "v1"),
}
_DESCRIBABLE = ContainerId("cdf_cdm", "CogniteDescribable")
_LOOKS_EVERY_MS = 1000
_LONGEST_COMMIT_MS = 60_000
"""How long after the end of a revision its row may be committed."""


def node_of(kind: Kind, number: int) -> str:
    """The external id of the node of a model or revision."""
    return f"cog_3d_{kind}_{number}"


def number_of(kind: Kind, external_id: str) -> int | None:
    """The id in the external id of such a node."""
    number = external_id.removeprefix(node_of(kind, 0)[:-1])
    is_one = number != external_id and number.isascii() and number.isdecimal() and len(number) <= 16
    return int(number) if is_one else None


def named(db: Connection, kind: Kind, item: ById) -> int:
    """The id of a model or revision that `item` names; 400 for an instance that is the node of none."""
    if item.id is not None:
        return item.id
    assert item.instance_id is not None
    node = item.instance_id
    number = number_of(kind, node.external_id)
    if number is None or get_node(db, node.space, node.external_id, _VIEWS[kind]) is None:
        raise UnknownIds([item.wire()], "3D models" if kind == "model" else "Revisions")
    return number


def check_named(
    sandbox: Sandbox, db: Connection, kind: Kind, model: Row, items: Iterable[ById], action: Action
) -> None:
    """Refuse the `id` of a model that lives in data modeling, or of its revisions, unless an option allows it.

    What was migrated is deleted by its id.
    """
    by_id = next((item.id for item in items if item.id is not None), None)
    if model["space"] is None or by_id is None or sandbox.options.nodes_of_3d_are_taken_by_id:
        return
    if action == "UPDATE" or not is_migrated(db, model):
        raise BadRequest(f"3D {kind} {by_id} lives in data modeling: name it by its instanceId")


def write_model_node(sandbox: Sandbox, db: Connection, model: Row, properties: dict[str, Any]) -> None:
    """Write the node of a model, with its name and further properties."""
    name = json.loads(model["doc"])["name"]
    values: Properties = {_MODEL: properties | {"type": model["type"]}, _DESCRIBABLE: {"name": name}}
    create_node(sandbox, db, model["space"], node_of("model", model["id"]), values)


def write_revision_nodes(sandbox: Sandbox, db: Connection, model: Row, revisions: Iterable[Row]) -> None:
    """Write the nodes of revisions, if their model lives in data modeling; without `model3D` if its node is gone."""
    if model["space"] is None:
        return
    name = node_of("model", model["id"])
    is_there = get_node(db, model["space"], name, _VIEWS["model"]) is not None
    of_model = {"model3D": {"space": model["space"], "externalId": name}} if is_there else {}
    for revision in revisions:
        properties = {
            "type": model["type"],
            "published": bool(revision["published"]),
            "status": revision_status(revision, sandbox.clock.now_ms()),
            **of_model,
        }
        create_node(sandbox, db, model["space"], node_of("revision", revision["id"]), {_REVISION: properties})


def remove_nodes(sandbox: Sandbox, db: Connection, model: Row, external_ids: Iterable[str]) -> None:
    """Delete nodes of a model that lives in data modeling, and of its revisions, if they go with them."""
    if not sandbox.options.nodes_go_with_3d_models:
        return
    schema = Schema(db)
    if model["space"] is not None and schema.has_space(model["space"]):
        nodes = [{"instanceType": "node", "space": model["space"], "externalId": each} for each in external_ids]
        delete_instances(db, schema, [InstanceRef.model_validate(each) for each in nodes], sandbox.clock.now_ms())


class RevisionStatuses:
    """Bring the status of nodes to that of their revisions, at most once a second."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._looked = 0

    @property
    def is_due(self) -> bool:
        """Whether the last look was a second ago."""
        return self._sandbox.clock.now_ms() >= self._looked + _LOOKS_EVERY_MS

    def do(self) -> None:
        """Follow the revisions that went on since the last look; this is not counted as a change by a client."""
        since, self._looked = self._looked, self._sandbox.clock.now_ms()
        with self._sandbox.read() as db:
            waiting = bool(self._behind(db, since))
        if waiting:
            with self._sandbox.storage.write() as db:
                for space, external_id, status in self._behind(db, since):
                    create_node(self._sandbox, db, space, external_id, {_REVISION: {"status": status}})

    def _behind(self, db: Connection, since: int) -> list[tuple[str, str, str]]:
        """Nodes whose revision went on, by space and external id, and the status of the revision."""
        now = self._sandbox.clock.now_ms()  # not before the end of any revision that was committed with its node
        rows = db.execute(
            "SELECT r.*, m.space FROM three_d_revisions r JOIN three_d_models m ON m.id = r.model_id"
            " WHERE m.space IS NOT NULL"
            " AND (r.started_time BETWEEN :since AND :now OR r.ended_time BETWEEN :since AND :now)",
            {"since": since - _LONGEST_COMMIT_MS, "now": now},
        ).fetchall()
        found = []
        for row in rows:
            external_id, status = node_of("revision", row["id"]), revision_status(row, now)
            node = get_node(db, row["space"], external_id, _VIEWS["revision"])
            if node is not None and node.get("status") != status:
                found.append((row["space"], external_id, status))
        return found
