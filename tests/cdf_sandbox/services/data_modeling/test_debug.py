"""`debug` of list, query and sync."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest
from cognite.client import CogniteClient
from cognite.client.data_classes import data_modeling as dm
from cognite.client.data_classes.data_modeling.debug import DebugParameters

from cdf_sandbox.testing import RunningSandbox

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


@pytest.mark.parametrize("emit_results", [True, False])
def test_the_sdk_reads_notices(
    client: CogniteClient, reads: dict[str, dict[str, Any]], space: str, emit_results: bool
) -> None:
    debug = DebugParameters(emit_results=emit_results)
    instances, wanted = client.data_modeling.instances, ["a"] if emit_results else []
    listed = instances.list("node", space=space, debug=debug)
    assert [node.external_id for node in listed] == wanted
    assert listed.debug is not None
    in_space = dm.filters.SpaceFilter(space, "node")
    nodes = dm.query.NodeResultSetExpression(filter=in_space)
    queried = instances.query(dm.query.Query({"n": nodes}, {"n": dm.query.Select()}), debug=debug)
    changed = dm.query.NodeResultSetExpressionSync(filter=in_space)
    synced = instances.sync(dm.query.QuerySync({"n": changed}, {"n": dm.query.SelectSync()}), debug=debug)
    for result in (queried, synced):
        assert [node.external_id for node in result.get_nodes("n")] == wanted
        assert result.debug is not None


@pytest.mark.parametrize("name", ["list", "query", "sync"])
@pytest.mark.parametrize("flag", ["includeTranslatedQuery", "includePlan", "includeLlmPrompt"])
def test_debug_of_the_alpha_version_is_refused_by_name(
    http: httpx.Client, reads: dict[str, dict[str, Any]], name: str, flag: str
) -> None:
    answer = http.post(f"/models/instances/{name}", json=reads[name] | {"debug": {flag: True}})
    assert answer.status_code == 400
    assert f"debug.{flag}: Value error, it is in alpha" in answer.json()["error"]["message"]


@pytest.mark.parametrize("name", ["list", "query", "sync"])
def test_debug_may_come_without_results(http: httpx.Client, reads: dict[str, dict[str, Any]], name: str) -> None:
    body = reads[name] | {"debug": {"emitResults": False, "profile": True, "timeout": 60_000}}
    answer = http.post(f"/models/instances/{name}", json=body).json()
    assert answer["items"] == ([] if name == "list" else {"n": []})
    assert answer["debug"] == {"notices": []}


def _unindexed_filter(name: str, space: str) -> dict[str, Any]:
    """A read whose filter names an indexed container, and one without an index."""
    view = {"type": "view", "space": "cdf_cdm", "externalId": "CogniteDiagramAnnotation", "version": "v1"}
    prop = ["cdf_cdm", "CogniteDiagramAnnotation/v1"]
    condition = {
        "and": [
            {"equals": {"property": [*prop, "status"], "value": "Approved"}},
            {"prefix": {"property": [*prop, "name"], "value": "a"}},
            {"equals": {"property": ["edge", "space"], "value": space}},
        ]
    }
    sources = [{"source": view}]
    if name == "list":
        return {"instanceType": "edge", "sources": sources, "filter": condition, "includeTyping": True}
    select = {"sources": [{"source": view, "properties": ["status"]}]}
    return {"with": {"e": {"edges": {"filter": condition}}}, "select": {"e": select}, "includeTyping": True}


def _without_index(name: str) -> dict[str, Any]:
    return {
        "code": "containersWithoutIndexesInvolved",
        "category": "indexing",
        "level": "warning",
        "hint": "The query is using one or more containers that doesn't have any indexes declared.",
        "grade": "C",
        "resultExpression": "result" if name == "list" else "e",
        "containers": [{"type": "container", "space": "cdf_cdm", "externalId": "CogniteAnnotation"}],
    }


@pytest.mark.parametrize("name", ["list", "query", "sync"])
def test_debug_names_filtered_containers_without_indexes(http: httpx.Client, space: str, name: str) -> None:
    body = _unindexed_filter(name, space) | {"debug": {"timeout": None, "emitResults": False, "profile": None}}
    answer = http.post(f"/models/instances/{name}", json=body).raise_for_status().json()
    assert answer.pop("debug") == {"notices": [_without_index(name)]}
    typing = answer.pop("typing")
    shown = (typing if name == "list" else typing["e"])["cdf_cdm"]["CogniteDiagramAnnotation/v1"]
    assert shown["status"]["type"]["type"] == "enum"
    assert answer == ({"items": []} if name == "list" else {"items": {"e": []}, "nextCursor": {}})


@pytest.mark.parametrize("name", ["list", "query", "sync"])
def test_debug_times_out_without_results(
    start_sandbox: Callable[..., AbstractContextManager[RunningSandbox]], name: str
) -> None:
    with start_sandbox(latency=0.01) as running, running.http() as http:
        body = _unindexed_filter(name, "anywhere") | {"debug": {"timeout": 1, "emitResults": False}}
        answer = http.post(f"/models/instances/{name}", json=body)
        assert answer.status_code == 408
        assert answer.json()["error"] == {
            "code": 408,
            "message": "Graph query timed out. Reduce load or contention, or optimise your query.",
            "notices": [_without_index(name)],
        }
