"""Requests that change the same resource at the same time: one of them is refused with 429."""

import pytest

NODE = {"instanceType": "node", "space": "s", "externalId": "x"}
BY_ID = {"id": 5, "update": {}}
CHANGES = [
    ("instances", ("s", "x"), "/models/instances", [NODE]),
    ("instances", ("s", "x"), "/models/instances/delete", [NODE]),
    ("assets", {"externalId": "x"}, "/assets/update", [{"externalId": "x", "update": {}}]),
    ("assets", {"id": 5}, "/assets/delete", [{"id": 5}]),
    ("files", {"id": 5}, "/files/update", [BY_ID]),
    ("files", {"id": 5}, "/files/delete", [{"id": 5}]),
    ("data sets", {"id": 5}, "/datasets/update", [BY_ID]),
    ("extraction pipelines", {"id": 5}, "/extpipes/update", [BY_ID]),
    ("extraction pipelines", {"id": 5}, "/extpipes/delete", [{"id": 5}]),
    ("annotations", 5, "/annotations/update", [BY_ID]),
    ("annotations", 5, "/annotations/delete", [{"id": 5}]),
    ("labels", "x", "/labels/update", [{"externalId": "x", "update": {}}]),
    ("labels", "x", "/labels/delete", [{"externalId": "x"}]),
    ("3D models", 5, "/3d/models/update", [BY_ID]),
    ("3D revisions", 5, "/3d/models/1/revisions/update", [BY_ID]),
    ("3D revisions", 5, "/3d/models/1/revisions/delete", [{"id": 5}]),
]


@pytest.fixture(scope="module")
def sandbox_options():
    return {"rate_limits": True}


@pytest.mark.parametrize(("kind", "identifier", "path", "items"), CHANGES, ids=lambda part: str(part)[:40])
def test_a_resource_that_another_request_changes_is_refused(running, http, kind, identifier, path, items):
    with running.sandbox.conflicts.changing(kind, [identifier]):
        refused = http.post(path, json={"items": items})
    assert refused.status_code == 429
    assert refused.json()["error"]["message"].startswith(f"Conflicting requests: the same {kind} are being modified")
    assert "retry-after" not in refused.headers
    assert http.post(path, json={"items": items}).status_code != 429


def test_other_resources_are_no_conflict(running, http):
    with running.sandbox.conflicts.changing("assets", [{"id": 4}]):
        assert http.post("/assets/delete", json={"items": [{"id": 5}]}).status_code == 400


def test_a_refused_request_leaves_the_resource_to_the_first(running, http):
    with running.sandbox.conflicts.changing("assets", [{"id": 5}]):
        for _ in range(2):
            assert http.post("/assets/delete", json={"items": [{"id": 5}, {"id": 6}]}).status_code == 429


@pytest.mark.parametrize("options", [{"rate_limits": False}, {"conflicting_requests_are_refused": False}])
def test_conflicts_can_be_switched_off(start_sandbox, options):
    with start_sandbox(**{"rate_limits": True} | options) as running:
        held = running.sandbox.conflicts.changing("assets", [{"id": 5}])
        with held, running.http() as http:
            assert http.post("/assets/delete", json={"items": [{"id": 5}]}).status_code == 400
