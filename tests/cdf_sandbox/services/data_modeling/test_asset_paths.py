"""Root and path of assets, which CDF maintains."""

from cognite.client import CogniteClient
from cognite.client.data_classes import filters
from cognite.client.data_classes.data_modeling import NodeId, ViewId
from cognite.client.data_classes.data_modeling.cdm.v1 import CogniteAsset, CogniteAssetApply

ASSET = ViewId("cdf_cdm", "CogniteAsset", "v1")


def asset(space: str, name: str, parent: str | None = None) -> CogniteAssetApply:
    return CogniteAssetApply(space, name, name=name, parent=(space, parent) if parent else None)


def paths(client: CogniteClient, space: str) -> dict[str, str | None]:
    """The path of every asset, as one word; its root must be where the path begins."""
    found: dict[str, str | None] = {}
    for each in client.data_modeling.instances.list(CogniteAsset, space=space, limit=None):
        names = [step.external_id for step in each.path or ()]
        assert (each.root.external_id if each.root else None) == (names[0] if names else None)
        found[each.external_id] = "/".join(names) or None
    return found


def test_paths_follow_their_parents(client: CogniteClient, space: str) -> None:
    instances = client.data_modeling.instances
    instances.apply([asset(space, "c", "b"), asset(space, "b", "a"), asset(space, "a"), asset(space, "x")])
    assert paths(client, space) == {"a": "a", "b": "a/b", "c": "a/b/c", "x": "x"}
    below = filters.Prefix(ASSET.as_property_ref("path"), [{"space": space, "externalId": "a"}])
    assert {node.external_id for node in instances.list("node", filter=below)} == {"a", "b", "c"}
    instances.apply(asset(space, "b", "x"))
    assert paths(client, space) == {"a": "a", "b": "x/b", "c": "x/b/c", "x": "x"}
    instances.delete(NodeId(space, "x"))
    assert paths(client, space) == {"a": "a", "b": "b", "c": "b/c"}


def test_a_circle_has_no_path(client: CogniteClient, space: str) -> None:
    client.data_modeling.instances.apply([asset(space, "a", "b"), asset(space, "b", "a"), asset(space, "c", "b")])
    assert paths(client, space) == {"a": None, "b": None, "c": None}
    client.data_modeling.instances.apply(asset(space, "a", "a2"))
    assert paths(client, space) == {"a": "a2/a", "b": "a2/a/b", "c": "a2/a/b/c"}


def test_an_unchanged_hierarchy_is_left_alone(client: CogniteClient, space: str) -> None:
    hierarchy = [asset(space, "a"), asset(space, "b", "a")]
    client.data_modeling.instances.apply(hierarchy)
    before = client.data_modeling.instances.retrieve([NodeId(space, "a"), NodeId(space, "b")]).nodes
    again = client.data_modeling.instances.apply(hierarchy).nodes
    assert not any(node.was_modified for node in again)
    assert [node.version for node in again] == [node.version for node in before]
