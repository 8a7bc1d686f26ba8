"""`GET /models/statistics`: counts of the project and its limits."""

from sqlite3 import Connection
from typing import Any

from cdf_sandbox.services.data_modeling.assumptions import (
    CONCURRENT_DELETES,
    CONCURRENT_READS,
    CONCURRENT_WRITES,
    SCHEMA_LIMITS,
    SOFT_DELETED_LIMIT,
)  # fmt: skip
from cdf_sandbox.services.data_modeling.schema_store import Schema
from cdf_sandbox.services.data_modeling.store import count_deleted, count_live


def read_statistics(db: Connection, instance_limit: int) -> dict[str, Any]:
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
    nodes, deleted_nodes = count_live(db, "node"), count_deleted(db, "node")
    edges, deleted_edges = count_live(db, "edge"), count_deleted(db, "edge")
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
        "concurrentReadLimit": CONCURRENT_READS,
        "concurrentWriteLimit": CONCURRENT_WRITES,
        "concurrentDeleteLimit": CONCURRENT_DELETES,
    }
