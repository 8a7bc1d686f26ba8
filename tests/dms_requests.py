"""A valid request for each endpoint of data modeling, in a project that :func:`prepare` made."""

from typing import Any

from cognite.client import CogniteClient
from cognite.client.data_classes.data_modeling import (
    ContainerApply,
    ContainerId,
    ContainerPropertyApply,
    DataModelApply,
    Float64,
    Int32,
    Json,
    MappedPropertyApply,
    NodeApply,
    NodeOrEdgeData,
    SpaceApply,
    Text,
    UniquenessConstraintApply,
    ViewApply,
    ViewId,
)  # fmt: skip
from cognite.client.data_classes.data_modeling.data_types import DirectRelation, Timestamp
from cognite.client.data_classes.filters import MatchAll

SPACE = "table"
VIEW = {"type": "view", "space": SPACE, "externalId": "Thing", "version": "v1"}
CONTAINER = {"type": "container", "space": SPACE, "externalId": "Thing"}
PROPERTIES = {
    "name": ContainerPropertyApply(Text(), nullable=False), "size": ContainerPropertyApply(Float64()),
    "rank": ContainerPropertyApply(Int32()), "notes": ContainerPropertyApply(Json()),
    "at": ContainerPropertyApply(Timestamp()), "tags": ContainerPropertyApply(Text(is_list=True)),
    "parent": ContainerPropertyApply(DirectRelation()), "code": ContainerPropertyApply(Text(), immutable=True),
}  # fmt: skip


def prepare(client: CogniteClient) -> None:
    """A space with a container, a view, a data model and two things, and spare ones that may be deleted."""
    modeling = client.data_modeling
    modeling.spaces.apply([SpaceApply(SPACE), SpaceApply("spare")])
    modeling.containers.apply(ContainerApply(SPACE, "Spare", properties={"name": ContainerPropertyApply(Text())}))
    modeling.views.apply(ViewApply(SPACE, "Spare", "v1", filter=MatchAll()))
    modeling.data_models.apply(DataModelApply(SPACE, "Spare", "v1"))
    modeling.instances.apply([NodeApply(SPACE, "gone"), NodeApply(SPACE, "dropped")])
    unique = {"uniqueCode": UniquenessConstraintApply(["code"])}
    modeling.containers.apply(ContainerApply(SPACE, "Thing", properties=PROPERTIES, used_for="all", constraints=unique))
    mapped = {name: MappedPropertyApply(ContainerId(SPACE, "Thing"), name) for name in PROPERTIES}
    modeling.views.apply(ViewApply(SPACE, "Thing", "v1", properties=mapped))
    modeling.data_models.apply(DataModelApply(SPACE, "Things", "v1", views=[ViewId(SPACE, "Thing", "v1")]))
    source = ViewId(SPACE, "Thing", "v1")
    modeling.instances.apply(
        [
            NodeApply(SPACE, "a", sources=[NodeOrEdgeData(source, {"name": "a", "size": 1.0, "code": "1"})]),
            NodeApply(
                SPACE, "b",
                sources=[NodeOrEdgeData(source, {"name": "b", "parent": {"space": SPACE, "externalId": "a"}})],
            ),
        ]
    )  # fmt: skip


def node(name: str = "n", **properties: Any) -> dict[str, Any]:
    """A thing to write."""
    values = {"name": name, **properties}
    return {
        "instanceType": "node", "space": SPACE, "externalId": name, "sources": [{"source": VIEW, "properties": values}],
    }  # fmt: skip


def edge(name: str = "e", **fields: Any) -> dict[str, Any]:
    """An edge between the two things that are there."""
    return {
        "instanceType": "edge", "space": SPACE, "externalId": name, "type": {"space": SPACE, "externalId": "t"},
        "startNode": {"space": SPACE, "externalId": "a"}, "endNode": {"space": SPACE, "externalId": "b"}, **fields,
    }  # fmt: skip


SIZE = [SPACE, "Thing/v1", "size"]
REFERENCE = {"instanceType": "node", "space": SPACE, "externalId": "a"}
WITH = {
    "things": {
        "nodes": {"filter": {"and": [
            {"hasData": [VIEW]}, {"equals": {"property": ["node", "externalId"], "value": {"parameter": "id"}}},
        ]}},
        "sort": [{"property": ["node", "externalId"], "direction": "descending"}], "limit": 10,
    },
    "children": {
        "nodes": {"from": "things", "through": {"source": VIEW, "identifier": "parent"}, "direction": "inwards"},
    },
    "edges": {"edges": {"from": "things", "maxDistance": 2, "direction": "outwards", "nodeFilter": {"matchAll": {}}}},
    "all": {"unionAll": ["things", "children"], "except": ["children"], "limit": 5},
}  # fmt: skip
SELECT = {
    "things": {"sources": [{"source": VIEW, "properties": ["*"]}], "sort": [{"property": SIZE}], "limit": 3},
    "children": {}, "edges": {}, "all": {},
}  # fmt: skip

POSTS: dict[str, dict[str, Any]] = {
    "/models/spaces": {"items": [{"space": "other", "name": "Other", "description": "x"}]},
    "/models/spaces/byids": {"items": [{"space": SPACE}]},
    "/models/spaces/delete": {"items": [{"space": "spare"}]},
    "/models/containers": {"items": [{
        "space": SPACE, "externalId": "More", "usedFor": "node",
        "properties": {
            "a": {"type": {"type": "text", "list": True, "maxListSize": 3}, "nullable": True},
            "b": {"type": {"type": "float32"}, "nullable": False, "defaultValue": 1.5, "immutable": True},
            "c": {"type": {"type": "enum", "values": {"x": {"name": "X"}}}},
            "d": {"type": {"type": "direct", "container": CONTAINER}},
        },
        "constraints": {
            "r": {"constraintType": "requires", "require": CONTAINER},
            "u": {"constraintType": "uniqueness", "properties": ["b"], "bySpace": True},
        },
        "indexes": {"i": {"indexType": "btree", "properties": ["b"], "cursorable": True}},
    }]},
    "/models/containers/byids": {"items": [{"space": SPACE, "externalId": "Thing"}]},
    "/models/containers/delete": {"items": [{"space": SPACE, "externalId": "Spare"}]},
    "/models/views": {"items": [{
        "space": SPACE, "externalId": "Special", "version": "v1", "implements": [VIEW],
        "filter": {"range": {"property": SIZE, "gte": 0.5}},
        "properties": {
            "label": {"container": CONTAINER, "containerPropertyIdentifier": "name", "name": "Label"},
            "next": {
                "connectionType": "multi_edge_connection", "type": {"space": SPACE, "externalId": "t"}, "source": VIEW,
                "direction": "outwards",
            },
            "children": {
                "connectionType": "multi_reverse_direct_relation", "source": VIEW,
                "through": {"source": VIEW, "identifier": "parent"},
            },
        },
    }]},
    "/models/views/byids": {"items": [{"space": SPACE, "externalId": "Thing", "version": "v1"}]},
    "/models/views/delete": {"items": [{"space": SPACE, "externalId": "Spare", "version": "v1"}]},
    "/models/datamodels": {"items": [{"space": SPACE, "externalId": "Things", "version": "v2", "views": [VIEW]}]},
    "/models/datamodels/byids": {"items": [{"space": SPACE, "externalId": "Things"}]},
    "/models/datamodels/delete": {"items": [{"space": SPACE, "externalId": "Spare", "version": "v1"}]},
    "/models/instances": {
        "items": [
            node("x", size=2.5, rank=3, notes={"k": [1]}, at="2026-01-01T00:00:00Z", tags=["t"], code="9",
                 parent={"space": SPACE, "externalId": "a"}),
            edge("y", existingVersion=7),
        ],
        "delete": [{"instanceType": "node", "space": SPACE, "externalId": "dropped"}],
        "autoCreateDirectRelations": True, "autoCreateStartNodes": True, "autoCreateEndNodes": True,
        "skipOnVersionConflict": True, "replace": True,
    },
    "/models/instances/byids": {"items": [REFERENCE], "sources": [{"source": VIEW}], "includeTyping": True},
    "/models/instances/list": {
        "instanceType": "node", "sources": [{"source": VIEW}], "limit": 10, "includeTyping": True,
        "filter": {"or": [
            {"in": {"property": [SPACE, "Thing", "name"], "values": ["a", "b"]}},
            {"not": {"exists": {"property": SIZE}}},
            {"containsAny": {"property": [SPACE, "Thing", "tags"], "values": ["t"]}},
            {"nested": {
                "scope": [SPACE, "Thing", "parent"],
                "filter": {"prefix": {"property": ["node", "space"], "value": "t"}},
            }},
            {"overlaps": {"startProperty": SIZE, "endProperty": SIZE, "gte": 0.0, "lt": 3}},
        ]},
        "sort": [{"property": SIZE, "direction": "descending", "nullsFirst": True}],
    },
    "/models/instances/query": {"with": WITH, "select": SELECT, "parameters": {"id": "a"}, "includeTyping": True},
    "/models/instances/search": {
        "view": VIEW, "query": "a", "properties": ["name"], "operator": "AND", "limit": 5,
        "filter": {"hasData": [CONTAINER]}, "sort": [{"property": SIZE}],
    },
    "/models/instances/aggregate": {
        "view": VIEW, "groupBy": ["name"], "limit": 10, "filter": {"hasData": [CONTAINER]},
        "aggregates": [
            {"count": {}}, {"avg": {"property": "size"}}, {"sum": {"property": "rank"}},
            {"histogram": {"property": "size", "interval": 2}},
        ],
    },
    "/models/instances/sync": {
        "with": {"things": {"nodes": {"filter": {"hasData": [VIEW]}}, "limit": 10, "mode": "twoPhase"}},
        "select": {"things": {"sources": [{"source": VIEW, "properties": ["name"]}]}},
    },
    "/models/instances/delete": {"items": [{"instanceType": "node", "space": SPACE, "externalId": "gone"}]},
}  # fmt: skip
GETS = (
    "/models/spaces?includeGlobal=true&limit=2", "/models/containers?space=table&usedFor=all",
    "/models/views?includeGlobal=true&limit=1000&allVersions=true", "/models/datamodels?inlineViews=true",
    "/models/statistics",
)  # fmt: skip
