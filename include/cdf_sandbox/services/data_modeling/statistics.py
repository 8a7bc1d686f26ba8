"""`/models/statistics`: counts of the project and its limits, and counts of single spaces."""

from collections import Counter
from collections.abc import Sequence
from sqlite3 import Connection
from typing import Annotated, Any

from pydantic import Field

from cdf_sandbox.core.http import StrictModel
from cdf_sandbox.core.identifiers import Space, each_once
from cdf_sandbox.core.limits import INSTANCES_AT_ONCE
from cdf_sandbox.services.data_modeling.assumptions import SCHEMA_LIMITS, SOFT_DELETED_LIMIT
from cdf_sandbox.services.data_modeling.schema_store import Schema
from cdf_sandbox.services.data_modeling.store import count_by_space, count_deleted, count_live


def read_statistics(db: Connection, instance_limit: int, now: int) -> dict[str, Any]:
    """Return counts, without CDF's own schemas, and limits."""
    schema = Schema(db)
    containers = schema.all("container", preloaded=False)
    counts = {
        "spaces": len(schema.all("space", preloaded=False)),
        "containers": len(containers),
        "views": len(schema.all("view", preloaded=False)),
        "dataModels": len(schema.all("datamodel", preloaded=False)),
        "containerProperties": sum(len(wire["properties"]) for wire in containers),
    }
    nodes, deleted_nodes = count_live(db, "node"), count_deleted(db, now, "node")
    edges, deleted_edges = count_live(db, "edge"), count_deleted(db, now, "edge")
    return {
        **{name: {"count": count, "limit": SCHEMA_LIMITS[name]} for name, count in counts.items()},
        "instances": {
            "nodes": nodes,
            "softDeletedNodes": deleted_nodes,
            "edges": edges,
            "softDeletedEdges": deleted_edges,
            "instances": nodes + edges,
            "instancesLimit": instance_limit,
            "softDeletedInstances": deleted_nodes + deleted_edges,
            "softDeletedInstancesLimit": SOFT_DELETED_LIMIT,
        },
        "concurrentReadLimit": INSTANCES_AT_ONCE["read"],
        "concurrentWriteLimit": INSTANCES_AT_ONCE["write"],
        "concurrentDeleteLimit": INSTANCES_AT_ONCE["delete"],
    }


class SpaceStatisticsIds(StrictModel):
    """Spaces to count the content of."""

    class Name(StrictModel):
        """A space."""

        space: Space

    items: Annotated[list[Name], Field(min_length=1, max_length=100), each_once]


def spaces_with_statistics(db: Connection, now: int, names: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Return the counts of those spaces of `names` that exist, or of all spaces that are not CDF's own."""
    schema = Schema(db)
    if names is None:
        names = sorted(str(wire["space"]) for wire in schema.all("space", preloaded=False))
    known = [name for name in dict.fromkeys(names) if schema.has_space(name)]
    counted = {
        "containers": Counter(wire["space"] for wire in schema.all("container")),
        "views": Counter(wire["space"] for wire in schema.all("view")),
        "dataModels": Counter(wire["space"] for wire in schema.all("datamodel")),
        "nodes": count_by_space(db, "node"),
        "edges": count_by_space(db, "edge"),
        "softDeletedNodes": count_by_space(db, "node", now),
        "softDeletedEdges": count_by_space(db, "edge", now),
    }
    return [{"space": name} | {what: counts[name] for what, counts in counted.items()} for name in known]
