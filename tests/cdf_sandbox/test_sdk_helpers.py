"""Test the SDK's convenience methods, each of which sends several requests, against the sandbox."""

from pathlib import Path

import pytest
from cognite.client import CogniteClient
from cognite.client.data_classes import AssetHierarchy, AssetWrite, DataSetWrite, ExtractionPipelineWrite
from cognite.client.data_classes.data_modeling import EdgeApply, NodeApply, SpaceApply
from cognite.client.exceptions import CogniteNotFoundError


def test_files_go_up_and_come_down_by_paths(client: CogniteClient, tmp_path: Path) -> None:
    files, down = client.files, tmp_path / "down"
    down.mkdir()
    source = tmp_path / "plan.txt"
    source.write_bytes(b"draft")
    files.upload(str(source), external_id="plan", name="plan.txt")
    source.write_bytes(b"final")
    files.upload_content(source, external_id="plan")
    files.download(down, external_id=["plan"])
    files.download_to_path(down / "other.txt", external_id="plan")
    assert (down / "plan.txt").read_bytes() == (down / "other.txt").read_bytes() == b"final"
    assert set(files.retrieve_download_urls(external_id="plan")) == {"plan"}
    with pytest.raises(CogniteNotFoundError):
        files.download_to_path(down / "none.txt", external_id="none")


def test_content_goes_up_in_parts_to_a_file_that_is_there(client: CogniteClient) -> None:
    client.files.upload_bytes(b"draft", name="parts.bin", external_id="parts")
    first = bytes(5 * 1024 * 1024 + 1)
    with client.files.multipart_upload_content_session(2, external_id="parts") as session:
        session.upload_part(0, first)
        session.upload_part(1, b"end")
    assert client.files.download_bytes(external_id="parts") == first + b"end"


def test_assets_are_put_in_a_tree_changed_and_read_by_branches(client: CogniteClient) -> None:
    tree = [
        AssetWrite(name="leaf", external_id="leaf", parent_external_id="branch"),
        AssetWrite(name="branch", external_id="branch", parent_external_id="root"),
        AssetWrite(name="root", external_id="root"),
    ]
    assert AssetHierarchy(tree).is_valid()
    assert len(client.assets.create_hierarchy(tree)) == 3
    assert len(client.assets.create_hierarchy(tree, upsert=True)) == 3
    assert client.assets.retrieve_subtree(external_id="branch").as_external_ids() == ["branch", "leaf"]
    changed = client.assets.upsert(
        [AssetWrite(name="leaf", external_id="leaf", description="green"), AssetWrite(name="new", external_id="new")]
    )
    assert [(each.external_id, each.description) for each in changed] == [("leaf", "green"), ("new", None)]
    assert client.assets.retrieve(external_id="leaf").parent_external_id == "branch"


def test_pipelines_are_read_together(client: CogniteClient) -> None:
    data_set = client.data_sets.create(DataSetWrite(name="pipelines"))
    client.extraction_pipelines.create(
        [ExtractionPipelineWrite(external_id=name, name=name, data_set_id=data_set.id) for name in ("one", "two")]
    )
    found = client.extraction_pipelines.retrieve_multiple(external_ids=["two", "three", "one"], ignore_unknown_ids=True)
    assert sorted(each.external_id for each in found) == ["one", "two"]
    with pytest.raises(CogniteNotFoundError):
        client.extraction_pipelines.retrieve_multiple(external_ids=["three"])


def test_edges_are_read_by_themselves(client: CogniteClient) -> None:
    client.data_modeling.spaces.apply(SpaceApply("edges"))
    instances = client.data_modeling.instances
    instances.apply(
        [NodeApply("edges", "a"), NodeApply("edges", "b")],
        [EdgeApply("edges", "ab", ("edges", "is"), ("edges", "a"), ("edges", "b"))],
        auto_create_direct_relations=True,
    )
    assert [edge.end_node.external_id for edge in instances.retrieve_edges([("edges", "ab")])] == ["b"]
    assert instances.retrieve_edges(("edges", "ba")) is None
