"""Spaces, containers, views and data models through the SDK."""

import inspect
from typing import Any

import pytest
from cognite.client import CogniteClient
from cognite.client.data_classes import filters
from cognite.client.data_classes.data_modeling import (
    BTreeIndexApply,
    ContainerApply,
    ContainerId,
    ContainerPropertyApply,
    DataModelApply,
    Float64,
    InvolvedContainers,
    InvolvedViews,
    MappedProperty,
    MappedPropertyApply,
    NodeApply,
    NodeId,
    NodeOrEdgeData,
    SpaceApply,
    Text,
    UniquenessConstraintApply,
    View,
    ViewApply,
    ViewId,
)  # fmt: skip
from cognite.client.data_classes.data_modeling.cdm import v1 as cdm
from cognite.client.data_classes.data_modeling.data_types import DirectRelation
from cognite.client.data_classes.data_modeling.instances import PropertyOptions
from cognite.client.exceptions import CogniteAPIError


def test_spaces_live_and_die(client: CogniteClient) -> None:
    spaces = client.data_modeling.spaces
    first = spaces.apply(SpaceApply("plant", name="Plant"))
    again = spaces.apply(SpaceApply("plant", name="Plant"))
    assert again.last_updated_time == first.last_updated_time and not first.is_global
    assert spaces.apply(SpaceApply("plant", name="Plant 2")).created_time == first.created_time
    assert spaces.retrieve("plant").name == "Plant 2"
    assert spaces.retrieve("nowhere") is None
    assert {"plant", "scene"} <= set(spaces.list(limit=None).as_ids())
    everywhere = set(spaces.list(include_global=True, limit=None).as_ids())
    assert {"cdf_cdm", "cdf_cdm_3d", "cdf_360_image_schema"} <= everywhere
    assert spaces.delete("plant") == ["plant"]
    assert spaces.delete("plant") == []


@pytest.fixture
def pump(client: CogniteClient, space: str) -> ViewId:
    """A container, a view of it and a data model."""
    modeling = client.data_modeling
    modeling.containers.apply(
        ContainerApply(
            space, "Pump", name="Pump",
            properties={
                "tag": ContainerPropertyApply(Text(), nullable=False), "flow": ContainerPropertyApply(Float64()),
                "next": ContainerPropertyApply(DirectRelation()),
            },
            constraints={"uniqueTag": UniquenessConstraintApply(["tag"])},
            indexes={"byFlow": BTreeIndexApply(["flow"], cursorable=True)},
        )
    )  # fmt: skip
    container = ContainerId(space, "Pump")
    view = ViewId(space, "Pump", "v1")
    modeling.views.apply(
        ViewApply(
            space, "Pump", "v1",
            properties={
                "tag": MappedPropertyApply(container, "tag"),
                "flow": MappedPropertyApply(container, "flow", name="m3/h"),
                "next": MappedPropertyApply(container, "next", source=view),
            },
        )
    )  # fmt: skip
    modeling.data_models.apply(DataModelApply(space, "Plant", "v1", views=[view]))
    return view


def test_containers_and_views_read_back_as_written(client: CogniteClient, space: str, pump: ViewId) -> None:
    modeling = client.data_modeling
    container = modeling.containers.retrieve(ContainerId(space, "Pump"))
    assert container.used_for == "node" and container.as_apply().constraints["uniqueTag"].properties == ["tag"]
    assert modeling.containers.apply(container.as_apply()).last_updated_time == container.last_updated_time
    assert [each.external_id for each in modeling.containers.list(space=space)] == ["Pump"]
    view = modeling.views.retrieve(pump)[0]
    assert view.writable and view.used_for == "node" and view.properties["next"].source == pump
    assert not view.properties["tag"].nullable
    assert modeling.views.apply(view.as_apply()).last_updated_time == view.last_updated_time
    model = modeling.data_models.retrieve((space, "Plant", "v1"), inline_views=True)[0]
    assert isinstance(model.views[0], View) and model.views[0].as_id() == pump
    assert modeling.data_models.retrieve((space, "Plant"))[0].views == [pump]


def test_views_inherit_and_have_versions(client: CogniteClient, space: str, pump: ViewId) -> None:
    modeling = client.data_modeling
    strong = ViewApply(
        space, "Pump", "v2", implements=[pump],
        filter=filters.Range(pump.as_property_ref("flow"), gte=10.0),
    )  # fmt: skip
    modeling.views.apply(strong)
    v2 = ViewId(space, "Pump", "v2")
    assert set(modeling.views.retrieve(v2)[0].properties) == {"tag", "flow", "next"}
    assert not modeling.views.retrieve(v2, include_inherited_properties=False)[0].properties
    assert len(modeling.views.retrieve((space, "Pump"), all_versions=True)) == 2
    assert [view.version for view in modeling.views.list(space=space)] == ["v2"]
    assert len(modeling.views.list(space=space, all_versions=True)) == 2
    modeling.instances.apply(
        [NodeApply(space, f"p{n}", sources=[NodeOrEdgeData(v2, {"tag": f"P{n}", "flow": 6.0 * n})]) for n in range(4)]
    )
    assert [node.external_id for node in modeling.instances.list("node", sources=v2)] == ["p2", "p3"]
    assert len(modeling.instances.list("node", sources=pump)) == 4
    with pytest.raises(CogniteAPIError, match=r"the view .*Pump/v2' implements it"):
        modeling.views.delete(pump)
    assert modeling.views.delete(v2) == [v2]
    modeling.data_models.delete((space, "Plant", "v1"))
    assert modeling.views.delete(pump) == [pump]
    with pytest.raises(CogniteAPIError, match="One or more views do not exist"):
        modeling.instances.list("node", sources=pump)
    assert modeling.containers.delete(ContainerId(space, "Pump")) == [ContainerId(space, "Pump")]
    assert modeling.instances.retrieve(NodeId(space, "p1")).nodes, "a node outlives its data"


def test_constraints_and_indexes_can_be_deleted(client: CogniteClient, space: str, pump: ViewId) -> None:
    containers, instances = client.data_modeling.containers, client.data_modeling.instances
    doubled = [NodeApply(space, name, sources=[NodeOrEdgeData(pump, {"tag": "P"})]) for name in ("a", "b")]
    with pytest.raises(CogniteAPIError, match="uniqueness constraint 'uniqueTag'"):
        instances.apply(doubled)
    container = ContainerId(space, "Pump")
    assert containers.delete_constraints([(container, "uniqueTag")]) == [(container, "uniqueTag")]
    assert containers.delete_indexes([(container, "byFlow"), (container, "nothing")]) == [(container, "byFlow")]
    assert len(instances.apply(doubled).nodes) == 2


def test_instances_say_what_they_are_in(client: CogniteClient, space: str, pump: ViewId) -> None:
    node = NodeApply(space, "p", sources=[NodeOrEdgeData(pump, {"tag": "P"})])
    client.data_modeling.instances.apply(node)
    result = client.data_modeling.instances.inspect(
        NodeId(space, "p"), involved_views=InvolvedViews(), involved_containers=InvolvedContainers()
    )
    inspected = result.nodes[0].inspection_results
    assert inspected.involved_views == [pump]
    assert inspected.involved_containers == [ContainerId(space, "Pump")]


def test_a_space_must_be_empty_to_go(client: CogniteClient, space: str, pump: ViewId) -> None:
    modeling = client.data_modeling
    modeling.instances.apply(NodeApply(space, "p", sources=[NodeOrEdgeData(pump, {"tag": "P"})]))
    for clear in (
        lambda: modeling.data_models.delete((space, "Plant", "v1")),
        lambda: modeling.views.delete(pump),
        lambda: modeling.containers.delete(ContainerId(space, "Pump")),
        lambda: modeling.instances.delete(NodeId(space, "p")),
    ):
        with pytest.raises(CogniteAPIError, match="it is not empty"):
            modeling.spaces.delete(space)
        clear()
    assert modeling.spaces.delete(space) == [space]


@pytest.mark.parametrize(
    ("view", "typed"),
    [
        ("Cognite360Image", cdm.Cognite360ImageApply),
        ("Cognite360ImageCollection", cdm.Cognite360ImageCollectionApply),
        ("Cognite360ImageStation", cdm.Cognite360ImageStationApply),
        ("Cognite360ImageModel", cdm.Cognite360ImageModelApply),
        ("Cognite360ImageAnnotation", cdm.Cognite360ImageAnnotationApply),
        ("Cognite3DModel", cdm.Cognite3DModelApply),
        ("Cognite3DObject", cdm.Cognite3DObjectApply),
        ("Cognite3DRevision", cdm.Cognite3DRevisionApply),
        ("Cognite3DTransformation", cdm.Cognite3DTransformationNodeApply),
        ("CogniteAnnotation", cdm.CogniteAnnotationApply),
        ("CogniteAsset", cdm.CogniteAssetApply),
        ("CogniteAssetClass", cdm.CogniteAssetClassApply),
        ("CogniteAssetType", cdm.CogniteAssetTypeApply),
        ("CogniteCubeMap", cdm.CogniteCubeMapApply),
        ("CogniteDescribable", cdm.CogniteDescribableNodeApply),
        ("CogniteFile", cdm.CogniteFileApply),
        ("CogniteFileCategory", cdm.CogniteFileCategoryApply),
        ("CogniteSourceSystem", cdm.CogniteSourceSystemApply),
        ("CogniteSourceable", cdm.CogniteSourceableNodeApply),
        ("CogniteVisualizable", cdm.CogniteVisualizableApply),
    ],
)
def test_the_core_model_has_the_properties_that_the_sdk_knows(client: CogniteClient, view: str, typed: Any) -> None:
    """The SDK's classes were generated from the real core data model."""
    renamed = {
        attribute: option.name.lstrip("_")
        for parent in typed.__mro__
        for attribute, option in vars(parent).items()
        if isinstance(option, PropertyOptions)
    }
    parameters = set(inspect.signature(typed).parameters)
    parameters -= {"space", "external_id", "existing_version", "type", "start_node", "end_node"}
    known = {renamed.get(parameter, parameter) for parameter in parameters}
    found = client.data_modeling.views.retrieve(ViewId("cdf_cdm", view, "v1"))[0]
    mapped = {name for name, prop in found.properties.items() if isinstance(prop, MappedProperty)}
    read_only = {"isUploaded", "uploadedTime", "root", "path", "pathLastUpdatedTime"}
    assert known == mapped - read_only
