"""Values and identifiers that occur twice in one request."""

import pytest

N = {"name": "n"}


def items(*values):
    return {"items": list(values)}


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


@pytest.mark.parametrize(("kind", "path", "change"), BY_EXTERNAL_ID + BY_ID)
def test_one_identifier_twice(running, http, ids, kind, path, change):
    before = running.sandbox.counters.snapshot()["rowsChanged"]
    answer = http.post(path.format_map(ids), json=items(*[{"id": ids[kind], **change}] * 2))
    assert answer.status_code == 409, answer.text
    assert answer.json()["error"]["duplicated"] == [{"id": ids[kind]}]
    assert answer.json()["error"]["message"] == f"Duplicate ids: {ids[kind]}"
    assert running.sandbox.counters.snapshot()["rowsChanged"] == before


@pytest.mark.parametrize(("kind", "path", "change"), BY_EXTERNAL_ID)
def test_one_resource_by_two_identifiers(running, http, ids, kind, path, change):
    before = running.sandbox.counters.snapshot()["rowsChanged"]
    answer = http.post(path, json=items({"id": ids[kind], **change}, {"externalId": "x", **change}))
    assert answer.status_code == 409, answer.text
    assert answer.json()["error"]["message"] == f"{kind.capitalize().replace('Pipe', 'Extraction pipe')} id duplicated"
    assert running.sandbox.counters.snapshot()["rowsChanged"] == before


@pytest.mark.parametrize(("kind", "path", "change"), BY_EXTERNAL_ID)
def test_an_unknown_identifier_twice_is_missing(http, kind, path, change):
    answer = http.post(path, json=items(*[{"externalId": "nowhere", **change}] * 2))
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["missing"] == [{"externalId": "nowhere"}] * 2
    assert ("duplicated" in answer.json()["error"]) is False
