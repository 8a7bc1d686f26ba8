"""Values and identifiers that occur twice in one request."""

import pytest

import core_project as core
from cdf_sandbox.core.app import SERVICES
from cdf_sandbox.core.options import ProjectMode
from cdf_sandbox_calls import items

N = {"name": "n"}


VALUES_TWICE = [
    ("/files/list", {"filter": {"assetIds": [1, 1]}}),
    ("/files/list", {"filter": {"assetExternalIds": ["a", "a"]}}),
    ("/files/list", {"filter": {"rootAssetIds": [{"externalId": "a"}] * 2}}),
    ("/files/list", {"filter": {"dataSetIds": [{"id": 1}, {"id": 1}]}}),
    ("/files", N | {"labels": [{"externalId": "l"}] * 2}),
    ("/files/update", items({"id": 5, "update": {"assetIds": {"set": [1, 1]}}})),
    ("/files/update", items({"id": 5, "update": {"metadata": {"remove": ["a", "a"]}}})),
    ("/assets", items(N | {"labels": [{"externalId": "l"}] * 2})),
]


@pytest.mark.parametrize(("path", "body"), VALUES_TWICE, ids=lambda part: part if isinstance(part, str) else "")
def test_no_value_occurs_twice(http, path, body):
    answer = http.post(path, json=body)
    assert answer.status_code == 400, answer.text
    assert "more than once" in answer.json()["error"]["message"]


NO_CHANGE = {"update": {"metadata": {"add": {"a": "b"}}}}
BY_EXTERNAL_ID = [
    ("file", "/files/byids", {}),
    ("file", "/files/update", NO_CHANGE),
    ("file", "/files/delete", {}),
    ("asset", "/assets/byids", {}),
    ("asset", "/assets/update", NO_CHANGE),
    ("asset", "/assets/delete", {}),
    ("data set", "/datasets/byids", {}),
    ("data set", "/datasets/update", NO_CHANGE),
    ("pipeline", "/extpipes/byids", {}),
    ("pipeline", "/extpipes/update", NO_CHANGE),
    ("pipeline", "/extpipes/delete", {}),
]
BY_ID = [
    ("model", "/3d/models/update", NO_CHANGE),
    ("model", "/3d/models/delete", {}),
    ("revision", "/3d/models/{model}/revisions/update", NO_CHANGE),
    ("revision", "/3d/models/{model}/revisions/delete", {}),
    ("annotation", "/annotations/byids", {}),
    ("annotation", "/annotations/update", {"update": {"status": {"set": "approved"}}}),
    ("annotation", "/annotations/delete", {}),
    ("session", "/sessions/byids", {}),
    ("session", "/sessions/revoke", {}),
]


@pytest.fixture(scope="module")
def ids(running):
    """The internal id of one resource of each kind, whose external id is `x` if it has one."""

    def created(answer):
        body = answer.raise_for_status().json()
        return body["items"][0]["id"] if "items" in body else body["id"]

    with running.http() as http:
        data_set = created(http.post("/datasets", json=items({"externalId": "x"})))
        file = created(http.post("/files", json=N | {"externalId": "x"}))
        pipeline = {"externalId": "x", "name": "n", "dataSetId": data_set}
        annotation = {
            "annotatedResourceType": "file", "annotatedResourceId": file, "annotationType": "images.Classification",
            "data": {"label": "hall"}, "creatingApp": "a", "creatingAppVersion": "1.0.0", "creatingUser": None,
            "status": "suggested",
        }  # fmt: skip
        model = created(http.post("/3d/models", json=items(N)))
        return {
            "file": file,
            "asset": created(http.post("/assets", json=items(N | {"externalId": "x"}))),
            "data set": data_set,
            "pipeline": created(http.post("/extpipes", json=items(pipeline))),
            "annotation": created(http.post("/annotations", json=items(annotation))),
            "model": model,
            "revision": created(http.post(f"/3d/models/{model}/revisions", json=items({"fileId": file}))),
            "session": created(http.post("/sessions", json=items({"tokenExchange": True}))),
        }


CHANGES_OF_ASSETS = ("/assets/update", "/assets/delete")


@pytest.mark.parametrize(("kind", "path", "change"), BY_EXTERNAL_ID + BY_ID)
def test_one_identifier_twice(running, http, ids, kind, path, change):
    before = running.sandbox.counters.snapshot()["rowsChanged"]
    answer = http.post(path.format_map(ids), json=items(*[{"id": ids[kind], **change}] * 2))
    assert answer.status_code == 409, answer.text
    assert answer.json()["error"]["duplicated"] == [{"id": ids[kind]}]
    words = "Asset id duplicated" if path in CHANGES_OF_ASSETS else f"Duplicate ids: {ids[kind]}"
    assert answer.json()["error"]["message"] == words
    assert running.sandbox.counters.snapshot()["rowsChanged"] == before


@pytest.mark.parametrize(("kind", "path", "change"), BY_EXTERNAL_ID)
def test_one_external_id_twice(http, ids, kind, path, change):
    answer = http.post(path, json=items(*[{"externalId": "x", **change}] * 2))
    assert answer.status_code == 409, answer.text
    by_id = path in CHANGES_OF_ASSETS
    assert answer.json()["error"]["duplicated"] == [{"id": ids[kind]} if by_id else {"externalId": "x"}]
    assert answer.json()["error"]["message"] == ("Asset id duplicated" if by_id else "Duplicate external ids: x")


@pytest.mark.parametrize(("kind", "path", "change"), BY_EXTERNAL_ID)
@pytest.mark.parametrize("ignored", [False, True])
def test_one_resource_by_two_identifiers(running, http, ids, kind, path, change, ignored):
    if ignored and path.endswith("/update"):
        return
    before = running.sandbox.counters.snapshot()["rowsChanged"]
    body = items({"externalId": "x", **change}, {"id": ids[kind], **change})
    answer = http.post(path, json=body | ({"ignoreUnknownIds": True} if ignored else {}))
    assert answer.status_code == 409, answer.text
    assert answer.json()["error"]["message"] == f"{kind.capitalize().replace('Pipe', 'Extraction pipe')} id duplicated"
    assert answer.json()["error"]["duplicated"] == [{"id": ids[kind]}]
    assert running.sandbox.counters.snapshot()["rowsChanged"] == before


@pytest.mark.parametrize("identifier", [{"id": 999991}, {"externalId": "nowhere"}])
@pytest.mark.parametrize(("kind", "path", "change"), [*BY_EXTERNAL_ID, ("file", "/files/downloadlink", {})])
def test_an_unknown_identifier_twice(http, kind, path, change, identifier):
    answer = http.post(path, json=items(*[identifier | change] * 2))
    if kind != "asset":
        kind_of_ids = "ids" if "id" in identifier else "external ids"
        error = {"message": f"Duplicate {kind_of_ids}: {next(iter(identifier.values()))}", "duplicated": [identifier]}
    elif path in CHANGES_OF_ASSETS and "id" in identifier:
        error = {"message": "Asset id duplicated", "duplicated": [identifier]}
    else:
        error = {"message": f"{'Asset' if 'id' in identifier else 'External'} id not found", "missing": [identifier]}
    assert answer.json()["error"] == error | {"code": 400 if "missing" in error else 409}
    assert answer.status_code == answer.json()["error"]["code"]


@pytest.mark.parametrize("path", ["/annotations/byids", "/sessions/byids", "/3d/models/delete"])
def test_an_unknown_id_twice_where_there_are_no_external_ids(http, path):
    answer = http.post(path, json=items({"id": 999991}, {"id": 999991}))
    assert answer.json()["error"] == {"code": 409, "message": "Duplicate ids: 999991", "duplicated": [{"id": 999991}]}


NODE = {"instanceType": "node", "space": "s", "externalId": "x"}
KEY = {"space": "s", "externalId": "X"}
PAIR = {"asset": core.ref("pump"), "image360": core.ref("one")}
CONFIG = {"object3DSpace": "hall", "contextualizationSpace": "hall", "revision": core.ref("collection")}
OF_LINKS = {"dmsContextualizationConfig": CONFIG}
TWICE = {
    "/annotations/byids": {"id": 5}, "/annotations/delete": {"id": 5},
    "/annotations/update": {"id": 5, "update": {"status": {"set": "approved"}}},
    "/assets/byids": {"id": 5}, "/assets/delete": {"id": 5}, "/assets/update": {"id": 5, **NO_CHANGE},
    "/datasets/byids": {"id": 5}, "/datasets/update": {"id": 5, **NO_CHANGE},
    "/extpipes/byids": {"id": 5}, "/extpipes/delete": {"id": 5}, "/extpipes/update": {"id": 5, **NO_CHANGE},
    "/files/byids": {"id": 5}, "/files/delete": {"id": 5}, "/files/downloadlink": {"id": 5},
    "/files/update": {"id": 5, **NO_CHANGE},
    "/groups/delete": 5, "/securitycategories/delete": 5,
    "/labels/byids": {"externalId": "x"}, "/labels/delete": {"externalId": "x"},
    "/labels/update": {"externalId": "x", "update": {}},
    "/sessions/byids": {"id": 5}, "/sessions/revoke": {"id": 5},
    "/3d/models/delete": {"id": 5}, "/3d/models/update": {"id": 5, **NO_CHANGE},
    "/3d/models/{model_id}/revisions/delete": {"id": 5},
    "/3d/models/{model_id}/revisions/update": {"id": 5, **NO_CHANGE},
    "/3d/jobs/delete": {"space": "s", "externalId": "x"},
    "/3d/contextualization/image360/delete": PAIR,
    "/context/vision/extract": {"fileId": 5},
    "/models/instances/byids": NODE, "/models/instances/delete": NODE, "/models/instances/inspect": NODE,
    "/models/spaces/byids": {"space": "s"}, "/models/spaces/delete": {"space": "s"},
    "/models/statistics/spaces/byids": {"space": "s"},
    "/models/containers/byids": KEY, "/models/containers/delete": KEY,
    "/models/containers/{entries}/delete": {"space": "s", "containerExternalId": "X", "identifier": "i"},
    "/models/views/byids": KEY | {"version": "1"}, "/models/views/delete": KEY | {"version": "1"},
    "/models/datamodels/byids": KEY | {"version": "1"}, "/models/datamodels/delete": KEY | {"version": "1"},
}  # fmt: skip
MORE = {
    "/3d/contextualization/image360/delete": OF_LINKS,
    "/context/vision/extract": {"features": ["TextDetection"]},
    "/models/instances/inspect": {"inspectionOperations": {"involvedContainers": {}}},
}


@pytest.mark.parametrize("path", TWICE)
def test_nothing_is_named_twice(running, http, ids, path):
    """409 with `duplicated` but in data modeling, which answers 400 as it does to upserts."""
    if path.startswith("/3d/contextualization"):
        core.make_collection(running.client())
    url = path.replace("{entries}", "indexes").replace("{model_id}", str(ids["model"]))
    mode = running.sandbox.options.mode
    alone = ProjectMode.DATA_MODELING if "/3d/job" in path or "360" in path else mode
    object.__setattr__(running.sandbox.options, "mode", alone)
    item = {"id": ids["asset"]} if path == "/assets/byids" else TWICE[path]
    answer = http.post(url, json=items(*[item] * 2) | MORE.get(path, {}), headers=core.BETA)
    object.__setattr__(running.sandbox.options, "mode", mode)
    error = answer.json()["error"]
    if path.startswith("/models/"):
        assert (error["code"], "more than once" in error["message"]) == (400, True), answer.text
    else:
        assert (error["code"], len(error["duplicated"])) == (409, 1), answer.text


def test_one_instance_of_both_kinds_is_named_twice(http):
    answer = http.post("/models/instances/byids", json=items(NODE, NODE | {"instanceType": "edge"}))
    assert (answer.status_code, "more than once" in answer.text) == (400, True)


def test_every_route_that_names_resources_is_tried():
    ends = ("/byids", "/delete", "/revoke", "/inspect", "/update", "/downloadlink", "/extract")
    named = {route.path for service in SERVICES for route in service.router.routes if route.path.endswith(ends)}
    assert named == TWICE.keys()


def test_identifiers_of_nodes_are_named_in_words(http):
    named = {"instanceId": {"space": "s", "externalId": "x"}}
    answer = http.post("/files/byids", json=items(named))
    assert answer.json()["error"] == {"code": 400, "message": "File ids not found: s:x", "missing": [named]}
