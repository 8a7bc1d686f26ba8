"""Classic assets and data sets through the SDK."""

import pytest
from cognite.client.data_classes import (
    AssetFilter,
    AssetUpdate,
    AssetWrite,
    DataSetFilter,
    DataSetUpdate,
    DataSetWrite,
)
from cognite.client.exceptions import CogniteAPIError, CogniteDuplicatedError, CogniteNotFoundError


@pytest.fixture(scope="module")
def plant(running):
    client = running.client()
    client.assets.create(
        [
            AssetWrite(name="P-101A", external_id="P-101A", parent_external_id="unit", metadata={"kind": "pump"}),
            AssetWrite(name="unit", external_id="unit", parent_external_id="site", description="Crude unit"),
            AssetWrite(name="site", external_id="site", source="sap"),
            AssetWrite(name="P-101B", external_id="P-101B", parent_external_id="unit", description="spare pump"),
            AssetWrite(name="other", external_id="other"),
        ]
    )
    return client


def names(assets):
    return sorted(asset.name for asset in assets)


def test_children_may_come_before_their_parents(plant):
    pump, unit, site = plant.assets.retrieve_multiple(external_ids=["P-101A", "unit", "site"])
    assert (pump.parent_id, pump.parent_external_id, pump.root_id) == (unit.id, "unit", site.id)
    assert site.root_id == site.id
    assert site.parent_id is None


def test_list_by_filter_and_subtree(plant):
    assert names(plant.assets.list(asset_subtree_external_ids=["unit"])) == ["P-101A", "P-101B", "unit"]
    assert names(plant.assets.list(parent_external_ids=["site"])) == ["unit"]
    assert names(plant.assets.list(root=True)) == ["other", "site"]
    assert names(plant.assets.list(metadata={"kind": "pump"})) == ["P-101A"]
    assert names(plant.assets.list(external_id_prefix="P-", limit=None, partitions=3)) == ["P-101A", "P-101B"]
    assert len(list(plant.assets(chunk_size=2))) == 3
    assert plant.assets.aggregate_count(filter=AssetFilter(root=False)) == 3


def test_aggregated_properties(plant):
    unit = plant.assets.list(name="unit", aggregated_properties=["child_count", "depth", "path"])[0]
    assert (unit.aggregates.child_count, unit.aggregates.depth) == (2, 1)
    assert [step["id"] for step in unit.aggregates.path][-1] == unit.id


def test_search(plant):
    assert plant.assets.search(query="spare pump")[0].name == "P-101B"
    assert names(plant.assets.search(name="P-101")) == ["P-101A", "P-101B"]


def test_update_and_move(plant):
    changed = plant.assets.update(
        AssetUpdate(external_id="P-101B").description.set(None).metadata.add({"a": "1"}).parent_external_id.set("site")
    )
    assert (changed.description, changed.metadata, changed.parent_external_id) == (None, {"a": "1"}, "site")
    with pytest.raises(CogniteAPIError, match="another root"):
        plant.assets.update(AssetUpdate(external_id="P-101B").parent_external_id.set("other"))
    with pytest.raises(CogniteAPIError, match="below itself"):
        plant.assets.update(AssetUpdate(external_id="unit").parent_external_id.set("P-101A"))
    plant.assets.update(AssetUpdate(external_id="P-101B").parent_external_id.set("unit"))


def test_a_move_changes_the_time_of_the_last_update(running, plant, http):
    before = plant.assets.retrieve(external_id="P-101B")
    running.advance(5)
    same = plant.assets.update(AssetUpdate(external_id="P-101B").parent_external_id.set("unit"))
    assert same.last_updated_time == before.last_updated_time
    moved = plant.assets.update(AssetUpdate(external_id="P-101B").parent_external_id.set("site"))
    assert moved.last_updated_time >= before.last_updated_time + 5000
    plant.assets.update(AssetUpdate(external_id="P-101B").parent_external_id.set("unit"))
    both = {"parentId": {"set": moved.parent_id}, "parentExternalId": {"set": "nowhere"}}
    refused = http.post("/assets/update", json={"items": [{"externalId": "P-101B", "update": both}]})
    assert (refused.status_code, "at most one" in refused.text) == (400, True)


def test_a_file_keeps_the_ids_of_assets_that_were_deleted(plant, http):
    ids = [plant.assets.create(AssetWrite(name=name)).id for name in ("short-lived", "kept")]
    file = plant.files.upload_bytes(b".", name="n", external_id="of_two", asset_ids=ids)
    plant.assets.delete(id=ids[0])
    for update, status in (
        ({"source": {"set": "s"}}, 200), ({"assetIds": {"remove": ids[1:]}}, 200), ({"assetIds": {"add": [5]}}, 400),
    ):  # fmt: skip
        answer = http.post("/files/update", json={"items": [{"id": file.id, "update": update}]})
        assert answer.status_code == status, answer.text
    again = {"name": "n", "externalId": "of_two", "assetIds": ids[:1]}
    assert http.post("/files?overwrite=true", json=again).status_code == 201


def test_refusals(plant):
    with pytest.raises(CogniteDuplicatedError) as refused:
        plant.assets.create(AssetWrite(name="again", external_id="unit"))
    assert refused.value.duplicated == [{"externalId": "unit"}]
    with pytest.raises(CogniteNotFoundError) as missing:
        plant.assets.create(AssetWrite(name="x", parent_external_id="nowhere"))
    assert missing.value.not_found == [{"externalId": "nowhere"}]
    with pytest.raises(CogniteAPIError, match="Data set"):
        plant.assets.create(AssetWrite(name="x", data_set_id=5))
    with pytest.raises(CogniteAPIError, match="ancestor"):
        plant.assets.create(
            [
                AssetWrite(name="a", external_id="a", parent_external_id="b"),
                AssetWrite(name="b", external_id="b", parent_external_id="a"),
            ]
        )
    assert plant.assets.retrieve(external_id="a") is None


def test_delete(plant):
    plant.assets.create([AssetWrite(name="r", external_id="r"), AssetWrite(name="c", parent_external_id="r")])
    with pytest.raises(CogniteAPIError, match="recursive"):
        plant.assets.delete(external_id="r")
    plant.assets.delete(external_id="r", recursive=True)
    assert plant.assets.retrieve(external_id="r") is None
    assert not plant.assets.list(name="c")


@pytest.mark.parametrize("recursive", [True, False])
def test_parents_and_children_are_deleted_together_in_any_order(plant, recursive):
    pairs = [(f"parent{n}", f"child{n}") for n in range(20)]
    for parent, child in pairs:
        plant.assets.create(
            [
                AssetWrite(name=parent, external_id=parent),
                AssetWrite(name=child, external_id=child, parent_external_id=parent),
            ]
        )
    plant.assets.delete(external_id=[name for pair in pairs for name in pair], recursive=recursive)
    assert not plant.assets.retrieve_multiple(
        external_ids=[name for pair in pairs for name in pair], ignore_unknown_ids=True
    )


def test_files_of_a_subtree(plant):
    pump = plant.assets.retrieve(external_id="P-101A")
    plant.files.upload_bytes(b".", name="of pump", external_id="of_pump", asset_ids=[pump.id])
    assert names(plant.files.list(asset_subtree_external_ids=["site"])) == ["of pump"]
    assert not plant.files.list(asset_subtree_external_ids=["other"])
    with pytest.raises(CogniteAPIError, match="Asset ids not found"):
        plant.files.upload_bytes(b".", name="x", asset_ids=[1])


def test_data_sets(client):
    made = client.data_sets.create(DataSetWrite(external_id="images", name="Images", metadata={"a": "b"}))
    assert client.data_sets.retrieve(external_id="images") == made
    assert made.write_protected is False
    with pytest.raises(CogniteDuplicatedError):
        client.data_sets.create(DataSetWrite(external_id="images"))
    changed = client.data_sets.update(DataSetUpdate(external_id="images").description.set("d").metadata.add({"c": "d"}))
    assert (changed.description, changed.metadata) == ("d", {"a": "b", "c": "d"})
    assert len(client.data_sets.list(external_id_prefix="ima")) == 1
    assert client.data_sets.aggregate_count(DataSetFilter(metadata={"c": "d"})) == 1
    file = client.files.upload_bytes(b".", name="in set", data_set_id=made.id)
    assert [f.id for f in client.files.list(data_set_external_ids=["images"])] == [file.id]
