"""Reading and writing of instances through the SDK."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from cognite.client import AsyncCogniteClient, ClientConfig, CogniteClient
from cognite.client.credentials import OAuthClientCredentials
from cognite.client.data_classes import aggregations, filters
from cognite.client.data_classes.data_modeling import (
    ContainerApply,
    ContainerId,
    ContainerProperty,
    ContainerPropertyApply,
    EdgeApply,
    InstanceSort,
    MappedPropertyApply,
    NodeApply,
    NodeId,
    NodeOrEdgeData,
    SpaceApply,
    Text,
    ViewApply,
    ViewId,
)  # fmt: skip
from cognite.client.data_classes.data_modeling.cdm.v1 import (
    CogniteAssetApply,
)  # fmt: skip
from cognite.client.data_classes.data_modeling.data_types import Float32, Int64, Json
from cognite.client.data_classes.data_modeling.instances import EdgeId
from cognite.client.data_classes.data_modeling.query import (
    EdgeResultSetExpression,
    NodeResultSetExpression,
    NodeResultSetExpressionSync,
    Query,
    QuerySync,
    Select,
    SelectSync,
    SourceSelector,
)  # fmt: skip
from cognite.client.exceptions import CogniteAPIError

from local_cdf import RunningSandbox

IMAGE = ViewId("cdf_360_image_schema", "Image360", "v1")
COLLECTION = ViewId("cdf_360_image_schema", "Image360Collection", "v1")
ASSET = ViewId("cdf_cdm", "CogniteAsset", "v1")


def image(space: str, name: str, **properties: Any) -> NodeApply:
    """A legacy image."""
    return NodeApply(space, name, sources=[NodeOrEdgeData(IMAGE, {"label": name, **properties})])


def test_a_node_is_created_patched_replaced_and_deleted(client: CogniteClient, space: str) -> None:
    instances = client.data_modeling.instances
    first = instances.apply(image(space, "a", translationX=1.5, timeTaken="2026-01-02T03:04:05.678+01:00")).nodes[0]
    assert (first.version, first.was_modified) == (1, True)
    again = instances.apply(image(space, "a", translationX=1.5, timeTaken="2026-01-02T02:04:05.678Z")).nodes[0]
    assert (again.version, again.was_modified, again.last_updated_time) == (1, False, first.last_updated_time)
    patched = instances.apply(image(space, "a", translationY=2.0)).nodes[0]
    assert (patched.version, patched.was_modified, patched.created_time) == (2, True, first.created_time)
    read = instances.retrieve(NodeId(space, "a"), sources=IMAGE).nodes[0]
    assert read.properties[IMAGE] == {
        "label": "a", "translationX": 1.5, "translationY": 2.0, "timeTaken": "2026-01-02T02:04:05.678+00:00",
    }  # fmt: skip
    instances.apply(image(space, "a", translationX=None))
    assert "translationX" not in instances.retrieve(NodeId(space, "a"), sources=IMAGE).nodes[0].properties[IMAGE]
    instances.apply(image(space, "a", translationZ=3.0), replace=True)
    read = instances.retrieve(NodeId(space, "a"), sources=IMAGE).nodes[0]
    assert read.properties[IMAGE] == {"label": "a", "translationZ": 3.0} and read.version == 4
    assert instances.delete(NodeId(space, "a")).nodes == [NodeId(space, "a")]
    assert instances.delete(NodeId(space, "a")).nodes == []
    assert not instances.retrieve(NodeId(space, "a")).nodes
    assert instances.apply(image(space, "a")).nodes[0].version == 1


def test_versions_guard_against_lost_updates(client: CogniteClient, space: str) -> None:
    instances = client.data_modeling.instances
    instances.apply(image(space, "a"))
    instances.apply(image(space, "a", translationX=1.0))
    stale = NodeApply(space, "a", existing_version=1, sources=[NodeOrEdgeData(IMAGE, {"translationX": 9.0})])
    with pytest.raises(CogniteAPIError, match=r"A version conflict caused the ingest to fail\.") as refused:
        instances.apply([image(space, "b"), stale])
    assert refused.value.code == 409
    assert not instances.retrieve(NodeId(space, "b")).nodes
    skipped = instances.apply([image(space, "b"), stale], skip_on_version_conflict=True).nodes
    told = [(each.external_id, each.was_modified, each.version) for each in skipped]
    assert told == [("b", True, 1), ("a", False, 2)]
    assert instances.retrieve(NodeId(space, "a"), sources=IMAGE).nodes[0].properties[IMAGE]["translationX"] == 1.0
    current = NodeApply(space, "a", existing_version=2, sources=stale.sources)
    assert instances.apply(current).nodes[0].version == 3


def test_targets_of_relations_are_created_unless_disabled(client: CogniteClient, space: str) -> None:
    instances = client.data_modeling.instances
    pointing = image(space, "a", collection360={"space": space, "externalId": "c"})
    with pytest.raises(CogniteAPIError, match=r"Node with external id 'c' was referenced as .* it does not exist."):
        instances.apply(pointing, auto_create_direct_relations=False)
    instances.apply(pointing)
    assert instances.retrieve(NodeId(space, "c")).nodes[0].version == 1
    assert not instances.retrieve(NodeId(space, "c"), sources=COLLECTION).nodes


def test_edges_need_their_nodes_and_go_with_them(client: CogniteClient, space: str) -> None:
    instances = client.data_modeling.instances
    edge = EdgeApply(space, "e", type=(space, "knows"), start_node=(space, "a"), end_node=(space, "b"))
    with pytest.raises(CogniteAPIError, match=r"referenced as the start node of the edge .* does not exist"):
        instances.apply(edges=edge)
    with pytest.raises(CogniteAPIError, match=r"referenced as the end node of the edge .* does not exist"):
        instances.apply(edges=edge, auto_create_start_nodes=True)
    instances.apply(edges=edge, auto_create_start_nodes=True, auto_create_end_nodes=True)
    read = instances.retrieve(edges=EdgeId(space, "e")).edges[0]
    assert (read.start_node.external_id, read.end_node.external_id, read.type.external_id) == ("a", "b", "knows")
    with pytest.raises(CogniteAPIError, match="exists already and is a edge"):
        instances.apply(NodeApply(space, "e"))
    instances.delete(NodeId(space, "b"))
    assert not instances.retrieve(edges=EdgeId(space, "e")).edges
    assert instances.retrieve(NodeId(space, "a")).nodes


def test_a_request_is_all_or_nothing(client: CogniteClient, space: str) -> None:
    bad = NodeApply(space, "b", sources=[NodeOrEdgeData(IMAGE, {"translationX": "far"})])
    with pytest.raises(CogniteAPIError, match=r"property 'translationX' in view .* expected float64, got \"far\""):
        client.data_modeling.instances.apply([image(space, "a"), bad])
    assert not client.data_modeling.instances.retrieve([NodeId(space, "a"), NodeId(space, "b")]).nodes


def test_lists_page_filter_and_sort(client: CogniteClient, space: str) -> None:
    instances = client.data_modeling.instances
    instances.apply([image(space, f"i{n:04}", translationX=float(n % 7), translationY=None) for n in range(1500)])
    listed = instances.list("node", sources=IMAGE, space=space, limit=None)
    assert [node.external_id for node in listed] == [f"i{n:04}" for n in range(1500)]
    near = filters.Range(IMAGE.as_property_ref("translationX"), gte=2.0, lt=4.0)
    order = [
        InstanceSort(IMAGE.as_property_ref("translationX"), "descending"), InstanceSort(("node", "externalId"))
    ]  # fmt: skip
    found = [
        node for page in instances(chunk_size=100, sources=IMAGE, space=space, filter=near, sort=order) for node in page
    ]
    expected = sorted((n for n in range(1500) if n % 7 in (2, 3)), key=lambda n: (-(n % 7), n))
    assert [node.external_id for node in found] == [f"i{n:04}" for n in expected]


def test_nulls_sort_first_or_last_as_requested(client: CogniteClient, space: str) -> None:
    values = {"a": 1.0, "b": None, "c": 0.0, "d": None, "e": 2.0}
    client.data_modeling.instances.apply([image(space, name, translationX=value) for name, value in values.items()])
    for direction, nulls_first, expected in (
        ("ascending", False, "caebd"), ("ascending", True, "bdcae"),
        ("descending", False, "eacbd"), ("descending", True, "bdeac"),
    ):  # fmt: skip
        sort = InstanceSort(IMAGE.as_property_ref("translationX"), direction, nulls_first)
        pages = client.data_modeling.instances(chunk_size=1, sources=IMAGE, space=space, sort=sort)
        assert "".join(node.external_id for page in pages for node in page) == expected, (direction, nulls_first)


def test_search_and_aggregate(client: CogniteClient, space: str) -> None:
    instances = client.data_modeling.instances
    names = ["Feed pump 21-PA-001", "Feed pump 21-PA-002", "Heater 21-HE-001", "Tank"]
    instances.apply(
        [
            CogniteAssetApply(space, f"a{n}", name=name, description="Main feed" if n == 3 else None)
            for n, name in enumerate(names)
        ]
    )
    here = filters.Equals(["node", "space"], space)
    for query, operator, expected in (
        ("pump", "AND", ["a0", "a1"]), ("feed 002", "AND", ["a1"]), ("feed 002", "OR", ["a1", "a0", "a3"]),
        ("nothing", "AND", []),
    ):  # fmt: skip
        found = instances.search(ASSET, query, filter=here, operator=operator)
        assert [node.external_id for node in found] == expected, query
    described = instances.search(ASSET, "feed", properties=["description"], filter=here)
    assert [node.external_id for node in described] == ["a3"]
    assert instances.aggregate(ASSET, aggregations.Count("name"), filter=here).value == 4
    instances.apply([image(space, f"i{n}", translationX=float(n), label=f"set {n % 2}") for n in range(10)])
    groups = instances.aggregate(
        IMAGE,
        [aggregations.Sum("translationX"), aggregations.Min("translationX"), aggregations.Count("label")],
        group_by="label",
        filter=here,
    )
    assert [(group.group["label"], [each.value for each in group.aggregates]) for group in groups] == [
        ("set 0", [20.0, 0.0, 5]), ("set 1", [25.0, 1.0, 5]),
    ]  # fmt: skip
    histogram = instances.histogram(IMAGE, aggregations.Histogram("translationX", 4.0), filter=here)
    assert [(bucket.start, bucket.count) for bucket in histogram.buckets] == [(0.0, 4), (4.0, 4), (8.0, 2)]


def test_sync_returns_changes_and_deletions(client: CogniteClient, space: str) -> None:
    instances = client.data_modeling.instances
    instances.apply([image(space, f"i{n}") for n in range(5)])
    instances.delete(NodeId(space, "i0"))
    here = filters.And(filters.HasData(views=[IMAGE]), filters.Equals(["node", "space"], space))
    query = QuerySync(
        with_={"images": NodeResultSetExpressionSync(filter=here, limit=3)},
        select={"images": SelectSync([SourceSelector(IMAGE, ["label"])])},
    )
    seen: list[str] = []
    for _ in range(3):
        result = instances.sync(query)
        seen.extend(node.external_id for node in result["images"])
        query.cursors = result.cursors
    assert seen == ["i1", "i2", "i3", "i4"]
    assert instances.sync(query)["images"].data == []
    instances.apply(image(space, "i2", translationX=1.0))
    instances.apply([image(space, "i5"), image(space, "i3")])
    instances.delete(NodeId(space, "i4"))
    changed = {node.external_id: node.deleted_time is not None for node in instances.sync(query)["images"]}
    assert changed == {"i2": False, "i5": False, "i4": True}


def test_values_are_kept_as_their_type_has_it(client: CogniteClient, space: str) -> None:
    client.data_modeling.containers.apply(
        ContainerApply(
            space, "Things", used_for="all",
            properties={
                "single": ContainerProperty(Float32()), "raw": ContainerProperty(Json()),
                "named": ContainerProperty(Text(), nullable=False),
            },
        )
    )  # fmt: skip
    things = ContainerId(space, "Things")
    instances = client.data_modeling.instances
    with pytest.raises(CogniteAPIError, match=r"Property 'named' in container .* is required"):
        instances.apply(NodeApply(space, "t", sources=[NodeOrEdgeData(things, {"single": 0.1})]))
    with pytest.raises(CogniteAPIError, match="out of the range of float32"):
        instances.apply(NodeApply(space, "t", sources=[NodeOrEdgeData(things, {"named": "x", "single": 1e39})]))
    raw = {"b": [1, 2.5, None, {"c": True}], "a": "æ"}
    instances.apply(NodeApply(space, "t", sources=[NodeOrEdgeData(things, {"named": "x", "single": 0.1, "raw": raw})]))
    same = {"raw": raw | {"b": [1, 2.5, None, {"c": 1}]}}
    assert instances.apply(NodeApply(space, "t", sources=[NodeOrEdgeData(things, same)])).nodes[0].was_modified
    found = instances.list("node", filter=filters.Equals((space, "Things", "single"), 0.1))
    assert [node.external_id for node in found] == ["t"]


def test_a_full_project_refuses(start_sandbox: Callable[..., AbstractContextManager[RunningSandbox]]) -> None:
    with start_sandbox(instance_limit=3) as running:
        client = running.client()
        client.data_modeling.spaces.apply(SpaceApply("s"))
        client.data_modeling.instances.apply([NodeApply("s", "a"), NodeApply("s", "b")])
        with pytest.raises(CogniteAPIError, match="would exceed its limit of 3 instances"):
            client.data_modeling.instances.apply([NodeApply("s", "c"), NodeApply("s", "d")])
        client.data_modeling.instances.apply(NodeApply("s", "c"))
        statistics = client.data_modeling.statistics.project()
        assert (statistics.instances.nodes, statistics.instances.instances_limit) == (3, 3)
        assert statistics.concurrent_write_limit == 4


def test_what_is_new_is_found_late_but_listed_and_read_at_once(
    start_sandbox: Callable[..., AbstractContextManager[RunningSandbox]],
) -> None:
    with start_sandbox(list_lag=60) as running:
        client = running.client()
        client.data_modeling.spaces.apply(SpaceApply("s"))
        client.data_modeling.instances.apply(CogniteAssetApply("s", "a", name="pump"))
        assert client.data_modeling.instances.retrieve(NodeId("s", "a"), sources=ASSET).nodes
        counted = aggregations.Count("externalId")
        assert client.data_modeling.instances.list("node", space="s")
        assert not client.data_modeling.instances.search(ASSET, "pump")
        assert client.data_modeling.instances.aggregate(ASSET, counted).value == 0
        running.advance(61)
        assert client.data_modeling.instances.search(ASSET, "pump")
        assert client.data_modeling.instances.aggregate(ASSET, counted).value == 1


def test_the_async_client_works_too(running: RunningSandbox) -> None:
    async def life() -> list[str]:
        credentials = OAuthClientCredentials(
            running.connection["token_url"], running.connection["client_id"], running.connection["client_secret"], ["x"]
        )
        config = ClientConfig("tests", running.connection["project"], credentials, base_url=running.base_url)
        client = AsyncCogniteClient(config)
        await client.data_modeling.spaces.apply(SpaceApply("asynchronous"))
        await client.data_modeling.instances.apply([image("asynchronous", f"i{n}") for n in range(3)])
        listed = await client.data_modeling.instances.list("node", sources=IMAGE, space="asynchronous")
        return [node.external_id for node in listed]

    assert asyncio.run(life()) == ["i0", "i1", "i2"]


def test_the_two_worked_examples_of_the_sdk(client: CogniteClient) -> None:
    """Actors in movies, as in the SDK's reference of `instances.apply` and `instances.query`."""
    modeling = client.data_modeling
    modeling.spaces.apply([SpaceApply("movies"), SpaceApply("actors"), SpaceApply("types")])
    modeling.containers.apply(
        [
            ContainerApply("movies", "Movie", {
                "title": ContainerPropertyApply(Text()), "releaseYear": ContainerPropertyApply(Int64()),
            }),
            ContainerApply("movies", "Person", {
                "name": ContainerPropertyApply(Text()), "birthYear": ContainerPropertyApply(Int64()),
            }),
        ]
    )  # fmt: skip
    movie, person = ViewId("movies", "MovieView", "v1"), ViewId("movies", "PersonView", "v1")
    modeling.views.apply(
        [
            ViewApply("movies", "MovieView", "v1", properties={
                name: MappedPropertyApply(ContainerId("movies", "Movie"), name) for name in ("title", "releaseYear")
            }),
            ViewApply("movies", "PersonView", "v1", properties={
                name: MappedPropertyApply(ContainerId("movies", "Person"), name) for name in ("name", "birthYear")
            }),
        ]
    )  # fmt: skip
    modeling.instances.apply(
        [
            NodeApply("actors", "arnold_schwarzenegger", sources=[
                NodeOrEdgeData(person, {"name": "Arnold Schwarzenegger", "birthYear": 1947}),
            ]),
            NodeApply("movies", "Terminator", sources=[
                NodeOrEdgeData(movie, {"title": "Terminator", "releaseYear": 1984}),
            ]),
        ],
        EdgeApply("actors", "relation:arnold_schwarzenegger:terminator", ("types", "acts-in"),
                  ("actors", "arnold_schwarzenegger"), ("movies", "Terminator")),
    )  # fmt: skip
    query = Query(
        with_={
            "movies": NodeResultSetExpression(filter=filters.Range(movie.as_property_ref("releaseYear"), lt=2000)),
            "actors_in_movie": EdgeResultSetExpression(
                from_="movies", direction="inwards",
                filter=filters.Equals(["edge", "type"], {"space": "types", "externalId": "acts-in"}),
            ),
            "actors": NodeResultSetExpression(from_="actors_in_movie"),
        },
        select={
            "actors": Select([SourceSelector(person, ["name"])], sort=[InstanceSort(person.as_property_ref("name"))]),
        },
    )  # fmt: skip
    assert [node.properties[person]["name"] for node in modeling.instances.query(query)["actors"]] == [
        "Arnold Schwarzenegger"
    ]
