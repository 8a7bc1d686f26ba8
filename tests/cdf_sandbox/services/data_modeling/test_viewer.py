"""The viewer's queries, of both generations (Reveal 4.29 and 4.35), answered in the shape it reads."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cognite.client import CogniteClient
from cognite.client.data_classes.data_modeling import EdgeApply, NodeApply, NodeOrEdgeData, SpaceApply, ViewId

from local_cdf import RunningSandbox

SCHEMA = "cdf_360_image_schema"
LEGACY_FACES = ("Front", "Back", "Left", "Right", "Top", "Bottom")
FACES = ("front", "back", "left", "right", "top", "bottom")
TRANSFORM = [f"{part}{axis}" for part in ("translation", "eulerRotation", "scale") for axis in "XYZ"]
POSE = {name: float(place) for place, name in enumerate(TRANSFORM)}


def view(space: str, name: str) -> dict[str, str]:
    return {"type": "view", "space": space, "externalId": name, "version": "v1"}


def container(space: str, name: str) -> dict[str, str]:
    return {"type": "container", "space": space, "externalId": name}


def data(view_space: str, view_name: str, /, **properties: Any) -> list[NodeOrEdgeData]:
    return [NodeOrEdgeData(ViewId(view_space, view_name, "v1"), properties)]


def reference(space: str, name: str) -> dict[str, str]:
    return {"space": space, "externalId": name}


@pytest.fixture(scope="module")
def filled(running: RunningSandbox) -> RunningSandbox:
    """A legacy and a core collection with two images, stations and annotations each."""
    client = running.client()
    client.data_modeling.spaces.apply(SpaceApply("sp"))
    legacy = [NodeApply("sp", "col0", sources=data(SCHEMA, "Image360Collection", label="Col"))]
    core = [
        NodeApply("sp", "core", sources=[
            *data("cdf_cdm", "Cognite3DRevision", type="Image360", status="Done", published=True),
            *data("cdf_cdm", "CogniteDescribable", name="Core"),
        ]),
    ]  # fmt: skip
    edges = []
    for n in range(2):
        legacy.append(NodeApply("sp", f"st{n}", sources=data(SCHEMA, "Station360", label=f"Station {n}")))
        faces = {f"cubeMap{face}": f"col0_{n}_{face}" for face in LEGACY_FACES}
        legacy.append(
            NodeApply("sp", f"col0_{n}", sources=data(
                SCHEMA, "Image360", label=f"Image {n}", collection360=reference("sp", "col0"),
                station=reference("sp", f"st{n}"), timeTaken="2026-01-01T00:00:00Z", **POSE, **faces,
            ))
        )  # fmt: skip
        core.extend(
            NodeApply("sp", f"core_{n}_{face}", sources=data("cdf_cdm", "CogniteFile", name=face)) for face in FACES
        )
        core.append(
            NodeApply("sp", f"core_st{n}", sources=data(
                "cdf_cdm", "Cognite360ImageStation", name=f"Station {n}", groupType="Station360",
            ))
        )  # fmt: skip
        core.append(
            NodeApply("sp", f"core_{n}", sources=data(
                "cdf_cdm", "Cognite360Image", collection360=reference("sp", "core"),
                station360=reference("sp", f"core_st{n}"), takenAt="2026-01-01T00:00:00Z", **POSE,
                **{face: reference("sp", f"core_{n}_{face}") for face in FACES},
            ))
        )  # fmt: skip
        core.append(NodeApply("sp", f"obj{n}", sources=data("cdf_cdm", "Cognite3DObject", name=f"o{n}")))
        core.append(
            NodeApply("sp", f"asset{n}", sources=data(
                "cdf_cdm", "CogniteAsset", name=f"PUMP-{n}", object3D=reference("sp", f"obj{n}"),
            ))
        )  # fmt: skip
        edges.append(
            EdgeApply("sp", f"ann{n}", ("cdf_cdm", "image-360-annotation"), ("sp", f"obj{n}"), ("sp", f"core_{n}"),
                      sources=data("cdf_cdm", "Cognite360ImageAnnotation", polygon=[3.0, 1.0], formatVersion="2.0.0"))
        )  # fmt: skip
    client.data_modeling.instances.apply([*legacy, *core], edges)
    return running


@pytest.fixture
def query(filled: RunningSandbox) -> Iterator[Any]:
    """Ask a query and take the answer."""
    with filled.http() as http:

        def ask(body: dict[str, Any]) -> dict[str, Any]:
            answer = http.post("/models/instances/query", json=body)
            assert answer.status_code == 200, answer.text
            assert set(answer.json()["items"]) == set(body["select"]) == set(answer.json()["nextCursor"])
            return answer.json()

        yield ask


def recorded(shared: Path, name: str) -> dict[str, Any]:
    return json.loads((shared / "reference" / "reveal-requests" / f"{name}.json").read_text())


def shape(value: Any) -> Any:
    """What kind of JSON a value is, down to its keys."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, int | float) else type(value).__name__


def assert_covers(answer: Any, expected: Any, place: str = "$") -> None:
    """Every key of the recorded shape is there, with the same kind of value."""
    if isinstance(expected, dict):
        for key, each in expected.items():
            assert key in answer, f"{place}.{key} is missing"
            assert_covers(answer[key], each, f"{place}.{key}")
    elif isinstance(expected, list) and expected:
        assert_covers(answer[0], expected[0], f"{place}[0]")
    else:
        assert answer == expected, place


def test_recorded_legacy_query(shared: Path, query: Any) -> None:
    sample = recorded(shared, "legacy_query")
    answer = query(sample["request"])
    images = [node["externalId"] for node in answer["items"]["images"]]
    assert images == ["col0_0", "col0_1"]
    assert [node["externalId"] for node in answer["items"]["stations"]] == ["st0", "st1"]
    assert_covers(shape(answer["items"]), shape(sample["response"]["items"]))


def test_recorded_core_query(shared: Path, query: Any) -> None:
    sample = recorded(shared, "core_query")
    request = sample["request"]
    request["with"]["image_collections"]["nodes"]["filter"] = {"instanceReferences": [reference("sp", "core")]}
    answer = query(request)
    assert [node["externalId"] for node in answer["items"]["images"]] == ["core_0", "core_1"]
    assert_covers(shape(answer["items"]), shape(sample["response"]["items"]))


@pytest.mark.parametrize("name", ["core_annotations_for_image", "core_annotations_for_collection"])
def test_recorded_core_annotations(shared: Path, query: Any, name: str) -> None:
    sample = recorded(shared, name)
    request = json.loads(json.dumps(sample["request"]).replace('"col0_0"', '"core_0"').replace('"col0"', '"core"'))
    answer = query(request)["items"]
    count = 1 if name.endswith("image") else 2
    assert [node["externalId"] for node in answer["assets"]] == [f"asset{n}" for n in range(count)]
    assert [edge["endNode"]["externalId"] for edge in answer["annotations"]] == [f"core_{n}" for n in range(count)]
    assert all(node["properties"] == {} for node in answer["object3d"])
    expected = shape(sample["response"]["items"])
    for asset in expected["assets"]:
        asset["properties"]["cdf_cdm"]["CogniteAsset/v1"].pop("description")
    assert_covers(shape(answer), expected)


def newer_core_query(collection: str) -> dict[str, Any]:
    """The collection query of Reveal 4.35: filters on containers, and on the type of the revision."""
    image = view("cdf_cdm", "Cognite360Image")
    return {
        "with": {
            "collections": {
                "nodes": {"filter": {"and": [
                    {"instanceReferences": [reference("sp", collection)]},
                    {"hasData": [container("cdf_cdm_3d", "Cognite3DRevision")]},
                    {"equals": {"property": ["cdf_cdm_3d", "Cognite3DRevision", "type"], "value": "Image360"}},
                ]}},
                "limit": 50,
            },
            "images": {
                "nodes": {
                    "from": "collections", "through": {"view": image, "identifier": "collection360"},
                    "filter": {"hasData": [container("cdf_cdm_3d", "Cognite360Image")]},
                },
                "limit": 10000,
            },
            "stations": {
                "nodes": {
                    "from": "images", "through": {"view": image, "identifier": "station360"}, "direction": "outwards",
                    "filter": {"hasData": [container("cdf_cdm_3d", "Cognite3DGroup")]},
                },
                "limit": 10000,
            },
        },
        "select": {
            "collections": {"sources": [
                {"source": view("cdf_cdm", "Cognite360ImageCollection"), "properties": ["name"]},
            ]},
            "images": {"sources": [
                {"source": image, "properties": [*TRANSFORM, *FACES, "collection360", "station360"]},
            ]},
            "stations": {"sources": [{"source": view("cdf_cdm", "Cognite360ImageStation"), "properties": ["name"]}]},
        },
    }  # fmt: skip


def test_newer_core_query(query: Any) -> None:
    items = query(newer_core_query("core"))["items"]
    assert items["collections"][0]["properties"] == {"cdf_cdm": {"Cognite360ImageCollection/v1": {"name": "Core"}}}
    assert [node["externalId"] for node in items["images"]] == ["core_0", "core_1"]
    names = [node["properties"]["cdf_cdm"]["Cognite360ImageStation/v1"]["name"] for node in items["stations"]]
    assert names == ["Station 0", "Station 1"]


def test_a_collection_without_type_vanishes_in_newer_viewers(filled: RunningSandbox, query: Any) -> None:
    untyped = NodeApply("sp", "untyped", sources=data("cdf_cdm", "Cognite3DRevision", published=True))
    filled.client().data_modeling.instances.apply(untyped)
    assert query(newer_core_query("untyped"))["items"] == {"collections": [], "images": [], "stations": []}


def test_from_an_asset_to_its_images(query: Any) -> None:
    body = {
        "with": {
            "asset": {"nodes": {"filter": {"instanceReferences": [reference("sp", "asset1")]}}},
            "object3d": {
                "nodes": {
                    "from": "asset", "direction": "outwards",
                    "through": {"view": view("cdf_cdm", "CogniteVisualizable"), "identifier": "object3D"},
                },
            },
            "annotations": {
                "edges": {
                    "from": "object3d", "direction": "outwards",
                    "filter": {"hasData": [container("cdf_cdm_3d", "Cognite360ImageAnnotation")]},
                },
                "limit": 10000,
            },
            "images": {"nodes": {"from": "annotations", "chainTo": "destination"}, "limit": 10000},
        },
        "select": {"annotations": {}, "images": {}},
    }  # fmt: skip
    items = query(body)["items"]
    assert [node["externalId"] for node in items["images"]] == ["core_1"]


def test_exactly_one_page_and_one_image_more(running: RunningSandbox, http: httpx.Client) -> None:
    """As the viewer pages: it asks again while exactly 10,000 images came, and passes on every cursor."""
    client: CogniteClient = running.client()
    client.data_modeling.spaces.apply(SpaceApply("pages"))
    nodes = [
        NodeApply("pages", f"i{n}", sources=data(
            SCHEMA, "Image360", label=f"i{n}", collection360=reference("pages", "c"),
            station=reference("pages", f"s{n}"),
        ))
        for n in range(10_001)
    ]  # fmt: skip
    collection = NodeApply("pages", "c", sources=data(SCHEMA, "Image360Collection", label="c"))
    client.data_modeling.instances.apply([collection, *nodes[:10_000]])
    assert pages_of(http) == ([f"i{n}" for n in range(10_000)], {f"s{n}" for n in range(10_000)}, 2)
    client.data_modeling.instances.apply(nodes[10_000])
    assert pages_of(http) == ([f"i{n}" for n in range(10_001)], {f"s{n}" for n in range(10_001)}, 2)


def pages_of(http: httpx.Client) -> tuple[list[str], set[str], int]:
    """Images, stations and the number of requests that it took."""
    image = view(SCHEMA, "Image360")
    body: dict[str, Any] = {
        "with": {
            "image_collection": {"nodes": {"filter": {"instanceReferences": [reference("pages", "c")]}}, "limit": 1},
            "images": {
                "nodes": {"from": "image_collection", "through": {"view": image, "identifier": "collection360"}},
                "limit": 10000,
            },
            "stations": {
                "nodes": {
                    "from": "images", "through": {"view": image, "identifier": "station"}, "direction": "outwards",
                },
                "limit": 10000,
            },
        },
        "select": {"images": {"sources": [{"source": image, "properties": ["label"]}]}, "stations": {}},
    }  # fmt: skip
    images: list[str] = []
    stations: set[str] = set()
    pages = 0
    while True:
        answer = http.post("/models/instances/query", json=body).json()
        page = [node["externalId"] for node in answer["items"]["images"]]
        images.extend(page)
        stations.update(node["externalId"] for node in answer["items"]["stations"])
        pages += 1
        if len(page) < 10_000:
            return images, stations, pages
        body["cursors"] = {name: answer["nextCursor"][name] for name in ("images", "stations")}
