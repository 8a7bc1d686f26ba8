"""Collections, annotations and scenes of the core data model, through the SDK."""

from datetime import UTC, datetime
from typing import Any

import pytest
from cognite.client import CogniteClient
from cognite.client.data_classes import filters
from cognite.client.data_classes.data_modeling import (
    ContainerId,
    EdgeApply,
    NodeApply,
    NodeId,
    NodeOrEdgeData,
    ViewId,
)  # fmt: skip
from cognite.client.data_classes.data_modeling.cdm.v1 import (
    Cognite3DObjectApply,
    Cognite360ImageAnnotationApply,
    Cognite360ImageApply,
    Cognite360ImageCollectionApply,
    Cognite360ImageModelApply,
    Cognite360ImageStation,
    Cognite360ImageStationApply,
    CogniteAssetApply,
    CogniteFile,
    CogniteFileApply,
)  # fmt: skip
from cognite.client.data_classes.data_modeling.query import (
    EdgeResultSetExpression,
    NodeResultSetExpression,
    Query,
    Select,
    SourceSelector,
)  # fmt: skip
from cognite.client.exceptions import CogniteAPIError

from local_cdf import RunningSandbox

ASSET = ViewId("cdf_cdm", "CogniteAsset", "v1")
FACES = ("front", "back", "left", "right", "top", "bottom")


def core_collection(space: str, images: int) -> list[Any]:
    """The nodes of a collection in the core data model, in the order in which they can be written."""
    files = [
        CogniteFileApply(space, f"f{n}_{face}", name=f"{n}_{face}.jpg", mime_type="image/jpeg")
        for n in range(images)
        for face in FACES
    ]
    return [
        *files,
        Cognite360ImageModelApply(space, "model", name="Hall", model_type="Image360"),
        Cognite360ImageCollectionApply(
            space, "collection", name="Hall", status="Done", published=True, revision_type="Image360",
            model_3d=(space, "model"),
        ),
        *(
            Cognite360ImageStationApply(space, f"station{n}", name=f"S{n}", group_type="Station360")
            for n in range(images)
        ),
        *(
            Cognite360ImageApply(
                space, f"image{n}", translation_x=float(n), translation_y=0.0, translation_z=0.0, euler_rotation_x=0.0,
                euler_rotation_y=0.0, euler_rotation_z=0.0, scale_x=1.0, scale_y=1.0, scale_z=1.0,
                collection_360=(space, "collection"), station_360=(space, f"station{n}"),
                taken_at=datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC),
                **{face: (space, f"f{n}_{face}") for face in FACES},
            )
            for n in range(images)
        ),
    ]  # fmt: skip


def test_a_core_collection_is_written_in_one_request_or_in_order(client: CogniteClient, space: str) -> None:
    instances = client.data_modeling.instances
    nodes = core_collection(space, 2)
    with pytest.raises(CogniteAPIError, match="Cannot auto-create a direct relation target in node"):
        instances.apply(nodes[-1])
    instances.apply(list(reversed(nodes)))
    assert len(instances.list("node", sources=ViewId("cdf_cdm", "Cognite360Image", "v1"), space=space)) == 2
    station = instances.retrieve_nodes(NodeId(space, "station1"), node_cls=Cognite360ImageStation)
    assert station is not None and station.name == "S1"
    file = instances.retrieve_nodes(NodeId(space, "f0_top"), node_cls=CogniteFile)
    assert file is not None and file.is_uploaded is False
    collections = ViewId("cdf_cdm", "Cognite360ImageCollection", "v1")
    assert not instances.list("node", sources=collections, space=space), "its filter asks for a model's type"
    revisions = filters.And(
        filters.HasData(containers=[ContainerId("cdf_cdm_3d", "Cognite3DRevision")]),
        filters.Equals(("cdf_cdm_3d", "Cognite3DRevision", "type"), "Image360"),
    )
    assert [node.external_id for node in instances.list("node", space=space, filter=revisions)] == ["collection"]


def test_an_object_belongs_to_one_asset(client: CogniteClient, space: str) -> None:
    instances = client.data_modeling.instances
    instances.apply(
        [Cognite3DObjectApply(space, "o", name="o"), CogniteAssetApply(space, "a", name="a", object_3d=(space, "o"))]
    )
    with pytest.raises(CogniteAPIError, match="uniqueness constraint 'uniqueObject3D'") as refused:
        instances.apply(CogniteAssetApply(space, "b", name="b", object_3d=(space, "o")))
    assert refused.value.code == 409
    swap = [
        NodeApply(space, "a", sources=[NodeOrEdgeData(ASSET, {"object3D": None})]),
        CogniteAssetApply(space, "b", name="b", object_3d=(space, "o")),
    ]
    assert len(instances.apply(list(reversed(swap))).nodes) == 2
    instances.delete(NodeId(space, "b"))
    instances.apply(CogniteAssetApply(space, "a", name="a", object_3d=(space, "o")))


def test_annotations_are_found_from_the_asset(client: CogniteClient, space: str) -> None:
    instances = client.data_modeling.instances
    instances.apply([*core_collection(space, 1), Cognite3DObjectApply(space, "o", name="o")])
    instances.apply(
        CogniteAssetApply(space, "a", name="21-PA-001", object_3d=(space, "o")),
        Cognite360ImageAnnotationApply(
            space, "n", type=("cdf_cdm", "image-360-annotation"), start_node=(space, "o"), end_node=(space, "image0"),
            polygon=[3.0, 1.0, 1.0, 1.1, 1.0, 1.0, 1.1], format_version="2.0.0", status="Approved", confidence=0.99,
        ),
    )  # fmt: skip
    annotation = ViewId("cdf_cdm", "Cognite360ImageAnnotation", "v1")
    result = instances.query(
        Query(
            with_={
                "asset": NodeResultSetExpression(filter=filters.InstanceReferences([(space, "a")])),
                "object": NodeResultSetExpression(
                    from_="asset", through=ViewId("cdf_cdm", "CogniteVisualizable", "v1").as_property_ref("object3D"),
                    direction="outwards",
                ),
                "annotations": EdgeResultSetExpression(from_="object", filter=filters.HasData(views=[annotation])),
                "images": NodeResultSetExpression(from_="annotations"),
            },
            select={"annotations": Select([SourceSelector(annotation, ["*"])]), "images": Select()},
        )
    )  # fmt: skip
    assert [node.external_id for node in result["images"]] == ["image0"]
    assert result["annotations"][0].properties[annotation]["confidence"] == 0.99
    with pytest.raises(CogniteAPIError, match="it is not for edges"):
        instances.apply(
            edges=EdgeApply(
                space, "x", type=(space, "t"), start_node=(space, "o"), end_node=(space, "image0"),
                sources=[NodeOrEdgeData(ASSET, {"name": "no"})],
            )
        )  # fmt: skip


def test_unchanged_writes_change_no_row(running: RunningSandbox, client: CogniteClient, space: str) -> None:
    nodes = core_collection(space, 2)
    client.data_modeling.instances.apply(nodes)
    before = running.sandbox.counters.snapshot()["rowsChanged"]
    assert not any(node.was_modified for node in client.data_modeling.instances.apply(nodes).nodes)
    assert running.sandbox.counters.snapshot()["rowsChanged"] == before


def test_a_scene_places_a_collection(client: CogniteClient, space: str) -> None:
    instances = client.data_modeling.instances
    scene_view = ViewId("scene", "SceneConfiguration", "v1")
    placement_view = ViewId("scene", "Image360CollectionProperties", "v1")
    camera = {f"camera{part}{axis}": 0.0 for part in ("Translation", "EulerRotation") for axis in "XYZ"}
    scene = NodeApply(space, "scene", sources=[NodeOrEdgeData(scene_view, {"name": "Hall", **camera})])
    nowhere = NodeApply(space, "scene", sources=[NodeOrEdgeData(scene_view, {"name": "Hall"})])
    with pytest.raises(CogniteAPIError, match=r"Property 'camera.*' in container .* is required"):
        instances.apply(nowhere)
    numbers = {f"{part}{axis}": 1.0 for part in ("translation", "eulerRotation", "scale") for axis in "XYZ"}
    placement = {"image360CollectionExternalId": "c", "image360CollectionSpace": space, **numbers}
    edge = EdgeApply(
        space, "placed", ("scene", "SceneConfiguration.images360Collections"), (space, "scene"), (space, "c"),
        sources=[NodeOrEdgeData(placement_view, placement)],
    )  # fmt: skip
    instances.apply([scene, NodeApply(space, "c")], edge)
    result = instances.query(
        Query(
            with_={
                "scene": NodeResultSetExpression(filter=filters.InstanceReferences([(space, "scene")])),
                "collections": EdgeResultSetExpression(
                    from_="scene",
                    filter=filters.Equals(
                        ("edge", "type"), {"space": "scene", "externalId": "SceneConfiguration.images360Collections"}
                    ),
                ),
            },
            select={
                "scene": Select([SourceSelector(scene_view, ["*"])]),
                "collections": Select([SourceSelector(placement_view, ["*"])]),
            },
        )
    )
    assert result["scene"][0].properties[scene_view] == {"name": "Hall", **camera}
    assert result["collections"][0].properties[placement_view] == placement
