"""Duplicates in one request are refused in every endpoint."""

import pytest

N = {"name": "n"}


def items(*values):
    return {"items": list(values)}


TWICE = items({"id": 5}, {"id": 5})
CHANGED_TWICE = items({"id": 5, "update": {}}, {"id": 5, "update": {"metadata": {"set": {}}}})
NAMED_TWICE = [
    ("/files/byids", TWICE | {"ignoreUnknownIds": True}),
    ("/files/byids", items(*[{"instanceId": {"space": "s", "externalId": "x"}}] * 2)),
    ("/files/delete", TWICE),
    ("/files/downloadlink", TWICE),
    ("/files/update", CHANGED_TWICE),
    ("/files/list", {"filter": {"assetIds": [1, 1]}}),
    ("/files/list", {"filter": {"assetExternalIds": ["a", "a"]}}),
    ("/files/list", {"filter": {"rootAssetIds": [{"externalId": "a"}] * 2}}),
    ("/files/list", {"filter": {"dataSetIds": [{"id": 1}, {"id": 1}]}}),
    ("/files", N | {"labels": [{"externalId": "l"}] * 2}),
    ("/files/update", items({"id": 5, "update": {"assetIds": {"set": [1, 1]}}})),
    ("/files/update", items({"id": 5, "update": {"metadata": {"remove": ["a", "a"]}}})),
    ("/assets", items(N | {"labels": [{"externalId": "l"}] * 2})),
    ("/assets/byids", TWICE | {"ignoreUnknownIds": True}),
    ("/assets/update", CHANGED_TWICE),
    ("/assets/delete", TWICE),
    ("/datasets/byids", TWICE | {"ignoreUnknownIds": True}),
    ("/datasets/byids", items({"externalId": "set"}, {"externalId": "set"})),
    ("/datasets/update", CHANGED_TWICE),
    ("/extpipes/byids", TWICE),
    ("/extpipes/update", CHANGED_TWICE),
    ("/extpipes/delete", TWICE),
    ("/3d/models/update", CHANGED_TWICE),
    ("/3d/models/delete", TWICE),
    ("/3d/models/5/revisions/update", CHANGED_TWICE),
    ("/3d/models/5/revisions/delete", TWICE),
    ("/annotations/byids", TWICE),
    ("/annotations/update", items(*[{"id": 5, "update": {}}] * 2)),
    ("/annotations/delete", TWICE),
]


@pytest.mark.parametrize(("path", "body"), NAMED_TWICE, ids=lambda part: part if isinstance(part, str) else "")
def test_nothing_is_named_twice(http, path, body):
    answer = http.post(path, json=body)
    assert answer.status_code == 400, answer.text
    assert "more than once" in answer.json()["error"]["message"]


def test_one_resource_may_be_named_in_two_ways(http):
    http.post("/files", json=N | {"externalId": "taken"}).raise_for_status()
    known = http.post("/files/byids", json=items({"externalId": "taken"})).json()["items"][0]["id"]
    answer = http.post("/files/byids", json=items({"id": known}, {"externalId": "taken"}))
    assert [file["id"] for file in answer.json()["items"]] == [known, known]
