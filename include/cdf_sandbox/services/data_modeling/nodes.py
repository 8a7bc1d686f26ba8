"""Read and write nodes from other services, within their transaction, as CDF's own services do."""

import json
from collections.abc import Mapping, Sequence
from sqlite3 import Connection
from typing import Any

from cdf_sandbox.core.sandbox import Sandbox
from cdf_sandbox.services.data_modeling.hooks import AfterCommit
from cdf_sandbox.services.data_modeling.ids import ContainerId, InstanceId, ViewId
from cdf_sandbox.services.data_modeling.models import UpsertRequest
from cdf_sandbox.services.data_modeling.schema_store import Schema
from cdf_sandbox.services.data_modeling.store import find_instances, load_documents
from cdf_sandbox.services.data_modeling.writes import InstanceWriter

Properties = Mapping[ViewId | ContainerId, Mapping[str, Any]]
"""Values to write, by the view or container through which they are written."""


def write_items(
    sandbox: Sandbox, db: Connection, items: Sequence[Mapping[str, Any]], **options: bool
) -> Sequence[AfterCommit]:
    """Upsert nodes and edges given in the form of the API; `options` are those of the request, in its spelling.

    Returns what is to be called once the caller's transaction is committed. Refusals are those of the API.
    """
    writer = InstanceWriter(sandbox, db, access=None)
    writer.upsert(UpsertRequest.model_validate({"items": list(items), **options}))
    return writer.after_commit


def create_node(
    sandbox: Sandbox, db: Connection, space: str, external_id: str, properties: Properties
) -> Sequence[AfterCommit]:
    """Create a node or change what is named of it; returns what is to be called after the commit."""
    sources = [{"source": source.dump(), "properties": dict(values)} for source, values in properties.items()]
    item: dict[str, Any] = {"instanceType": "node", "space": space, "externalId": external_id}
    if sources:
        item["sources"] = sources
    return write_items(sandbox, db, [item])


def get_node(db: Connection, space: str, external_id: str, view: ViewId) -> dict[str, Any] | None:
    """The properties of a node through a view, nulls left out; `None` unless it has data in all of the view."""
    instance = InstanceId(space, external_id)
    stored = find_instances(db, [instance]).get(instance)
    if stored is None or stored.kind != "node" or stored.deleted_time is not None:
        return None
    resolved = Schema(db).view(view)
    documents = {container: json.loads(doc) for _, container, doc in load_documents(db, [stored.id])}
    if any(str(container) not in documents for container in resolved.containers):
        return None
    return {
        name: documents[str(prop.container)][prop.identifier]
        for name, prop in resolved.properties.items()
        if prop.identifier in documents[str(prop.container)]
    }
