"""The syncer: it creates the classic file of each CogniteFile node after a delay, and marks nodes as uploaded."""

import json
from collections.abc import Callable, Sequence
from sqlite3 import Connection
from typing import Any

from cdf_sandbox.core.clock import iso_ms
from cdf_sandbox.core.sandbox import Sandbox
from cdf_sandbox.services.data_modeling.hooks import NodeChange, on_node_change
from cdf_sandbox.services.data_modeling.ids import ContainerId, InstanceId
from cdf_sandbox.services.data_modeling.models import UpsertRequest
from cdf_sandbox.services.data_modeling.store import find_instances, load_documents
from cdf_sandbox.services.data_modeling.writes import InstanceWriter
from cdf_sandbox.services.files import store
from cdf_sandbox.services.files.store import FILES

_FILE = ContainerId("cdf_cdm", "CogniteFile")
_DESCRIBABLE = ContainerId("cdf_cdm", "CogniteDescribable")
_OWNED = ("name", "directory", "mimeType")
"""Fields of a classic file that its node owns: what the node lacks, the file lacks."""


def install(sandbox: Sandbox) -> None:
    """Keep classic files in step with nodes, and nodes with uploads."""
    on_node_change(_FILE, _follow)

    def tell_node(db: Connection, space: str, external_id: str, media_type: str | None, uploaded_at: int) -> None:
        properties: dict[str, Any] = {"isUploaded": True, "uploadedTime": iso_ms(uploaded_at)}
        if media_type is not None:
            properties["mimeType"] = media_type
        source = {"source": _FILE.dump(), "properties": properties}
        node = {"instanceType": "node", "space": space, "externalId": external_id, "sources": [source]}
        InstanceWriter(sandbox, db, access=None).upsert(UpsertRequest.model_validate({"items": [node]}))

    sandbox.on_node_uploaded.append(tell_node)


def _follow(sandbox: Sandbox, db: Connection, changes: Sequence[NodeChange]) -> Callable[[], None] | None:
    superseded: list[str] = []
    for change in changes:
        row = db.execute("SELECT * FROM files WHERE space = ? AND instance_external_id = ?", change.node).fetchone()
        if change.change == "deleted":
            superseded.extend(store.delete(db, [row["id"]]) if row is not None else ())
        else:
            document = _classic_fields(db, change.node)
            now = sandbox.clock.now_ms()
            if row is not None:
                kept = {name: each for name, each in json.loads(row["doc"]).items() if name not in _OWNED}
                FILES.save(db, row, kept | document, now)
            else:
                _announce_file(sandbox, db, change.node, document, now)
    return (lambda: sandbox.blobs.remove(superseded)) if superseded else None


def _announce_file(sandbox: Sandbox, db: Connection, node: InstanceId, document: dict[str, Any], now: int) -> None:
    delay = sandbox.options.syncer_delay
    FILES.insert(
        db,
        document,
        now,
        space=node.space,
        instance_external_id=node.external_id,
        present_from=None if delay is None else now + int(delay * 1000),
    )


def _classic_fields(db: Connection, node: InstanceId) -> dict[str, Any]:
    stored = find_instances(db, [node])[node]
    by_container = {
        container: json.loads(doc)
        for _, container, doc in load_documents(db, [stored.id], [str(_FILE), str(_DESCRIBABLE)])
    }
    file = by_container.get(str(_FILE), {})
    name = by_container.get(str(_DESCRIBABLE), {}).get("name") or "untitled"
    return {"name": name[:256]} | {key: file[key] for key in _OWNED[1:] if file.get(key) is not None}
