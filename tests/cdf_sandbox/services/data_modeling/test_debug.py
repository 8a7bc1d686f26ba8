"""`debug` of list, query and sync."""

from typing import Any

import httpx
import pytest

ALL = {"with": {"n": {"nodes": {}}}, "select": {"n": {}}}


@pytest.fixture
def reads(http: httpx.Client, space: str) -> dict[str, dict[str, Any]]:
    node = {"instanceType": "node", "space": space, "externalId": "a"}
    http.post("/models/instances", json={"items": [node]}).raise_for_status()
    return {"list": {"instanceType": "node"}, "query": ALL, "sync": ALL}


@pytest.mark.parametrize("name", ["list", "query", "sync"])
def test_debug_adds_notices(http: httpx.Client, reads: dict[str, dict[str, Any]], name: str) -> None:
    path, body = f"/models/instances/{name}", reads[name]
    plain = http.post(path, json=body).json()
    assert "debug" not in plain
    answer = http.post(path, json=body | {"debug": {}}).json()
    assert answer.pop("debug") == {"notices": []}
    assert answer["items"] == plain["items"]
    answer = http.post(path, json=body | {"debug": {"timeout": 5}}).json()
    assert [notice["code"] for notice in answer["debug"]["notices"]] == ["noTimeoutWithResults"]


@pytest.mark.parametrize("name", ["list", "query", "sync"])
def test_debug_may_come_without_results(http: httpx.Client, reads: dict[str, dict[str, Any]], name: str) -> None:
    body = reads[name] | {"debug": {"emitResults": False, "profile": True, "timeout": 5}}
    answer = http.post(f"/models/instances/{name}", json=body).json()
    assert answer["items"] == ([] if name == "list" else {"n": []})
    assert answer["debug"] == {"notices": []}
