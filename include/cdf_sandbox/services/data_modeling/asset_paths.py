"""Update `root` and `path` of assets after changes of their `parent`, as CDF does.

In CDF that happens a while after the write; here in the same transaction. An asset whose parent was deleted is its own
root; a circle of parents, or more than 100 levels, leaves both without a value.
"""

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any

from cdf_sandbox.core.clock import iso_ms
from cdf_sandbox.core.sandbox import Sandbox
from cdf_sandbox.services.data_modeling.columns import bind
from cdf_sandbox.services.data_modeling.hooks import AfterCommit, NodeChange, on_node_change
from cdf_sandbox.services.data_modeling.ids import ContainerId, InstanceId
from cdf_sandbox.services.data_modeling.nodes import write_items

_ASSET = ContainerId("cdf_cdm", "CogniteAsset")
_MAX_DEPTH = 100

_PATHS = """
WITH RECURSIVE
affected (id) AS (
    SELECT i.id FROM json_each(?) k JOIN dms_instance i
        ON i.space = json_extract(k.value, '$[0]') AND i.external_id = json_extract(k.value, '$[1]')
    UNION
    SELECT r.instance FROM affected JOIN dms_instance p ON p.id = affected.id JOIN dms_relation r
        ON r.target_space = p.space AND r.target_xid = p.external_id
        AND r.container = 'cdf_cdm:CogniteAsset' AND r.property = 'assetHierarchy_parent'
),
up (asset, id, depth) AS (
    SELECT id, id, 0 FROM affected
    UNION ALL
    SELECT up.asset, p.id, up.depth + 1 FROM up JOIN dms_relation r ON r.instance = up.id
        AND r.container = 'cdf_cdm:CogniteAsset' AND r.property = 'assetHierarchy_parent'
        JOIN dms_instance p ON p.space = r.target_space AND p.external_id = r.target_xid AND p.deleted_time IS NULL
    WHERE up.depth < ?
)
SELECT a.space, a.external_id, up.depth, i.space AS up_space, i.external_id AS up_xid,
    json_extract(d.doc, '$.assetHierarchy_path') AS path
FROM up JOIN dms_instance a ON a.id = up.asset JOIN dms_instance i ON i.id = up.id
JOIN dms_data d ON d.instance = a.id AND d.container = 'cdf_cdm:CogniteAsset'
WHERE a.deleted_time IS NULL
ORDER BY up.asset, up.depth DESC
"""


def install() -> None:
    """Register the hook."""
    on_node_change(_ASSET, _follow)


def _follow(sandbox: Sandbox, db: Connection, changes: Sequence[NodeChange]) -> AfterCommit | None:
    nodes = [change.node for change in changes]
    paths: dict[InstanceId, list[dict[str, str]]] = {}
    known: dict[InstanceId, str | None] = {}
    for row in db.execute(_PATHS, (bind(nodes), _MAX_DEPTH)):
        asset = InstanceId(row["space"], row["external_id"])
        paths.setdefault(asset, []).append(InstanceId(row["up_space"], row["up_xid"]).dump())
        known[asset] = row["path"]
    items = [
        _item(sandbox, asset, path) for asset, path in paths.items() if bind(_sound(path)) != (known[asset] or "null")
    ]
    after = [
        action for start in range(0, len(items), 1000) for action in write_items(sandbox, db, items[start:][:1000])
    ]

    def call_all() -> None:
        for action in after:
            action()

    return call_all if after else None


def _sound(path: list[dict[str, str]]) -> list[dict[str, str]] | None:
    return path if len(path) <= _MAX_DEPTH else None


def _item(sandbox: Sandbox, asset: InstanceId, path: list[dict[str, str]]) -> dict[str, Any]:
    sound = _sound(path)
    properties = {
        "assetHierarchy_path": sound,
        "assetHierarchy_root": sound[0] if sound else None,
        "assetHierarchy_path_last_updated_time": iso_ms(sandbox.clock.now_ms()),
    }
    return {"instanceType": "node", **asset.dump(), "sources": [{"source": _ASSET.dump(), "properties": properties}]}
