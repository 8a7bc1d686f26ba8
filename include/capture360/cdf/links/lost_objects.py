"""Links of a data modeling project that went with their Cognite3DObject, and what their assets need to be linked again.

CDF deletes the edges of a node with it. No person judged these links one by one, so they are written again. An asset
that still names a deleted object takes no link: CDF makes an object only for an asset without.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from capture360.batches import batched
from capture360.cdf.client import cdf_errors
from capture360.cdf.core_views import ASSET
from capture360.cdf.instances import WRITE_ITEMS, Instances, existing_nodes, parsed_ref
from capture360.cdf.link_ports import LeftLinks
from capture360.cdf.links.image360_plan import expected_links
from capture360.cdf.links.provenance import LinkKey
from capture360.cdf.links.snapshot import LinkSnapshot

if TYPE_CHECKING:
    from cognite.client import CogniteClient


def gone_with_objects(client: CogniteClient, before: LeftLinks, there: LinkSnapshot) -> set[LinkKey]:
    """Return the links that the last run left and whose Cognite3DObject was deleted.

    The spaces of these objects are among those that credentials must read before anything is made of this.
    """
    started = {
        pair: thing
        for pair in expected_links(before, there)
        if not there.links.get(pair) and (thing := before[pair.image].objects.get(pair.asset))
    }
    there_still = _existing(client, started.values())
    return {pair for pair, thing in started.items() if thing not in there_still}


def free_assets(client: CogniteClient, assets: Iterable[str], spaces: Collection[str]) -> None:
    """Take deleted Cognite3DObjects from the assets, unless somebody changed these since they were read.

    Only those in `spaces`, which the credentials may read: others may be hidden.
    """
    from cognite.client.data_classes.data_modeling import NodeApply, NodeOrEdgeData

    for some in batched(sorted(set(assets)), WRITE_ITEMS):
        nodes = Instances(client).nodes([parsed_ref(ref) for ref in some], ASSET)
        named = {(node.space, node.external_id): _object_of(node) for node in nodes}
        in_spaces = {thing for thing in named.values() if thing and thing.partition("/")[0] in spaces}
        deleted = in_spaces - _existing(client, in_spaces)
        freed = [
            NodeApply(
                node.space, node.external_id, existing_version=node.version,
                sources=[NodeOrEdgeData(ASSET.id, {"object3D": None})],
            )
            for node in nodes
            if named[node.space, node.external_id] in deleted
        ]  # fmt: skip
        if freed:
            with cdf_errors("Taking deleted 3D objects from assets"):
                client.data_modeling.instances.apply(nodes=freed, skip_on_version_conflict=True)


def _existing(client: CogniteClient, objects: Iterable[str]) -> set[str]:
    """Return those that exist, also without data, which a view would leave out: relations create such targets."""
    with cdf_errors("Looking for 3D objects"):
        return existing_nodes(client, objects)


def _object_of(asset: Any) -> str:
    thing = ASSET.properties_of(asset).get("object3D")
    return f"{thing['space']}/{thing['externalId']}" if thing else ""
