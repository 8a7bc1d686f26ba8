"""`inspect`: the views through which an instance is visible, and the containers in which it has data."""
# ruff: noqa: S608 - SQL is assembled from constants; values of requests are bound as parameters

from sqlite3 import Connection
from typing import Annotated, Any

from pydantic import Field, model_validator

from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.services.data_modeling.columns import bind
from cdf_sandbox.services.data_modeling.filters import FilterCompiler
from cdf_sandbox.services.data_modeling.ids import ContainerId, InstanceRef, ViewId, dump_instance
from cdf_sandbox.services.data_modeling.models import once
from cdf_sandbox.services.data_modeling.reads import Spaces
from cdf_sandbox.services.data_modeling.schema_store import Schema, key_of, newest_versions
from cdf_sandbox.services.data_modeling.store import StoredInstance, find_instances, load_documents


class InvolvedViews(StrictModel):
    """Request the views; of each only the newest version by default."""

    all_versions: bool = False


class InvolvedContainers(StrictModel):
    """Ask for containers."""


class Operations(StrictModel):
    """Requested operations: at least one of the two."""

    involved_views: InvolvedViews | None = None
    involved_containers: InvolvedContainers | None = None

    @model_validator(mode="after")
    def _something(self) -> "Operations":
        if self.involved_views is None and self.involved_containers is None:
            raise ValueError("inspectionOperations needs involvedViews or involvedContainers")
        return self


class InspectRequest(StrictModel):
    """Instances to inspect."""

    items: Annotated[list[InstanceRef], Field(min_length=1, max_length=1000), once]
    inspection_operations: Operations


def inspect_instances(db: Connection, request: InspectRequest, spaces: Spaces) -> dict[str, Any]:
    """Inspect those instances that exist."""
    schema = Schema(db)
    stored = find_instances(db, (each.id for each in request.items))
    found = [
        row
        for each in request.items
        if (row := stored.get(each.id)) is not None and row.kind == each.instance_type and row.deleted_time is None
        if spaces is None or row.instance.space in spaces
    ]
    results: dict[int, dict[str, Any]] = {row.id: {} for row in found}
    operations = request.inspection_operations
    if operations.involved_containers is not None:
        for result in results.values():
            result["involvedContainers"] = []
        for row_id, container, _ in load_documents(db, results):
            space, external_id = container.split(":", 1)
            results[row_id]["involvedContainers"].append(ContainerId(space, external_id).dump())
    if operations.involved_views is not None:
        _add_views(db, schema, found, results, operations.involved_views.all_versions)
    return {"items": [{**dump_instance(row.kind, row.instance), "inspectionResults": results[row.id]} for row in found]}


def _add_views(
    db: Connection, schema: Schema, found: list[StoredInstance], results: dict[int, dict[str, Any]], all_versions: bool
) -> None:
    for result in results.values():
        result["involvedViews"] = []
    ids = bind([row.id for row in found])
    wires = schema.all("view")
    for wire in wires if all_versions else newest_versions(wires):
        view = schema.view(ViewId(*key_of(wire)))
        condition = FilterCompiler(schema).has_data(view, "i")
        rows = db.execute(
            f"SELECT i.id FROM dms_instance i WHERE i.id IN (SELECT value FROM json_each(?)) AND {condition.text}",
            (ids, *condition.params),
        )
        for row in rows:
            results[row["id"]]["involvedViews"].append(view.id.dump())
