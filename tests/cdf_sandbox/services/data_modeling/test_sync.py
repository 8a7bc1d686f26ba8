"""Sync reports every deletion after its cursor, wherever the way to what was deleted leads."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest

from cdf_sandbox.services.data_modeling.traversal import Traversal
from local_cdf import RunningSandbox

Start = Callable[..., AbstractContextManager[RunningSandbox]]
SYNC = "/models/instances/sync"
C360 = {"type": "view", "space": "cdf_360_image_schema", "version": "v1"}
IMAGE, COLLECTION = C360 | {"externalId": "Image360"}, C360 | {"externalId": "Image360Collection"}
THROUGH = {"source": IMAGE, "identifier": "collection360"}


@pytest.fixture(scope="module")
def http(running: RunningSandbox) -> Iterator[httpx.Client]:
    with running.http() as session:
        yield session


@pytest.fixture
def filled(http: httpx.Client, space: str) -> str:
    """A space with a collection, three images, and an edge from each image to the collection."""

    def node(external_id: str, source: dict[str, str], **properties: Any) -> dict[str, Any]:
        sources = [{"source": source, "properties": properties}]
        return {"instanceType": "node", "space": space, "externalId": external_id, "sources": sources}

    ref = {"space": space, "externalId": "c"}
    images = [node(f"i{n}", IMAGE, collection360=ref) for n in range(3)]
    edges = [
        {
            "instanceType": "edge", "space": space, "externalId": f"e{n}", "type": ref, "endNode": ref,
            "startNode": {"space": space, "externalId": f"i{n}"},
        }
        for n in range(3)
    ]  # fmt: skip
    items = [node("c", COLLECTION, label="c"), *images, *edges]
    http.post("/models/instances", json={"items": items}).raise_for_status()
    return space


def delete(http: httpx.Client, space: str, *names: str) -> None:
    items = [
        {"instanceType": "edge" if name.startswith("e") else "node", "space": space, "externalId": name}
        for name in names
    ]
    http.post("/models/instances/delete", json={"items": items}).raise_for_status()


def sets_of(space: str) -> dict[str, Any]:
    """Sets by name, each of which holds what is behind the collection in another way."""
    key = {"equals": {"property": ["node", "externalId"], "value": "c"}}
    here = {"equals": {"property": ["node", "space"], "value": space}}
    relation = {
        "equals": {
            "property": ["cdf_360_image_schema", "Image360/v1", "collection360"],
            "value": {"space": space, "externalId": "c"},
        }
    }
    return {
        "root": {"nodes": {"filter": {"and": [key, here]}}},
        "inwards": {"nodes": {"from": "root", "through": THROUGH, "direction": "inwards"}},
        "outwards": {"nodes": {"from": "inwards", "through": THROUGH, "direction": "outwards"}},
        "edges": {"edges": {"from": "root", "direction": "inwards"}},
        "ends": {"nodes": {"from": "edges"}},
        "filtered": {"nodes": {"filter": relation}},
    }


class Follower:
    """A client that follows sets."""

    def __init__(self, http: httpx.Client, space: str, wanted: Sequence[str]) -> None:
        self._http = http
        self._body: dict[str, Any] = {"with": sets_of(space), "select": {name: {} for name in wanted}}

    def look(self) -> dict[str, set[str]]:
        """What is new in each set; deleted instances have a minus."""
        answer = self._http.post(SYNC, json=self._body).raise_for_status().json()
        self._body["cursors"] = answer["nextCursor"]
        return {
            name: {("-" if "deletedTime" in each else "") + each["externalId"] for each in found}
            for name, found in answer["items"].items()
        }


IMAGES, EDGES = {"i0", "i1", "i2"}, {"e0", "e1", "e2"}
ALL = ("inwards", "outwards", "edges", "ends", "filtered")


def test_deletions_behind_relations_and_edges_are_reported(http: httpx.Client, filled: str) -> None:
    follower = Follower(http, filled, ALL)
    assert follower.look() == {
        "inwards": IMAGES, "outwards": {"c"}, "edges": EDGES, "ends": IMAGES, "filtered": IMAGES
    }  # fmt: skip
    delete(http, filled, "i0")
    gone = {"inwards": {"-i0"}, "outwards": set(), "edges": {"-e0"}, "ends": {"-i0"}, "filtered": {"-i0"}}
    assert follower.look() == gone
    assert follower.look() == {name: set() for name in ALL}
    assert Follower(http, filled, ["inwards"]).look() == {"inwards": {"i1", "i2"}}, "deleted before the sync began"


def test_what_is_deleted_together_with_the_way_to_it_is_reported(http: httpx.Client, filled: str) -> None:
    follower = Follower(http, filled, ALL)
    follower.look()
    delete(http, filled, "c", "i1")
    assert follower.look() == {
        "inwards": {"-i1"}, "outwards": {"-c"}, "edges": {"-e0", "-e1", "-e2"}, "ends": {"-i1"}, "filtered": {"-i1"}
    }  # fmt: skip


def test_what_is_left_behind_a_deleted_node_is_not_in_the_set(http: httpx.Client, filled: str) -> None:
    delete(http, filled, "c")
    found = Follower(http, filled, ALL).look()
    assert found == {"inwards": set(), "outwards": set(), "edges": set(), "ends": set(), "filtered": IMAGES}


def test_queries_do_not_see_what_was_deleted(http: httpx.Client, filled: str) -> None:
    delete(http, filled, "i0")
    body = {"with": sets_of(filled), "select": {name: {} for name in ALL}}
    items = http.post("/models/instances/query", json=body).raise_for_status().json()["items"]
    assert {name: {each["externalId"] for each in found} for name, found in items.items()} == {
        "inwards": {"i1", "i2"}, "outwards": {"c"}, "edges": {"e1", "e2"}, "ends": {"i1", "i2"},
        "filtered": {"i1", "i2"},
    }  # fmt: skip


def test_a_cursor_expires_after_three_days(start_sandbox: Start) -> None:
    with start_sandbox() as running, running.http() as http:
        running.hold_clock()
        body: dict[str, Any] = {"with": {"all": {"nodes": {}}}, "select": {"all": {}}}
        body["cursors"] = http.post(SYNC, json=body).raise_for_status().json()["nextCursor"]
        running.advance(3 * 86400 + 1)
        with running.http() as later:
            refused = later.post(SYNC, json=body)
            assert (refused.status_code, "has expired" in refused.text) == (400, True)
            body["allowExpiredCursorsAndAcceptMissedDeletes"] = True
            assert later.post(SYNC, json=body).status_code == 200


def test_deletions_are_forgotten_after_three_days(start_sandbox: Start) -> None:
    with start_sandbox() as running, running.http() as http:
        running.hold_clock()
        http.post("/models/spaces", json={"items": [{"space": "s"}]}).raise_for_status()
        nodes = [{"instanceType": "node", "space": "s", "externalId": name} for name in ("early", "late")]
        http.post("/models/instances", json={"items": nodes}).raise_for_status()
        here = {"equals": {"property": ["node", "space"], "value": "s"}}
        body: dict[str, Any] = {"with": {"all": {"nodes": {"filter": here}}}, "select": {"all": {}}}
        cursors = http.post(SYNC, json=body).raise_for_status().json()["nextCursor"]
        http.post("/models/instances/delete", json={"items": nodes[:1]}).raise_for_status()
        running.advance(2 * 86400)
        with running.http() as later:
            later.post("/models/instances/delete", json={"items": nodes[1:]}).raise_for_status()
        running.advance(86400 + 1)
        with running.http() as later:
            whole = {"with": {"all": {"nodes": {"filter": here}, "skipAlreadyDeleted": False}}, "select": {"all": {}}}
            from_before = body | {"cursors": cursors, "allowExpiredCursorsAndAcceptMissedDeletes": True}
            for asked in (whole, from_before):
                found = later.post(SYNC, json=asked).raise_for_status().json()["items"]["all"]
                assert [each["externalId"] for each in found] == ["late"]


def test_a_set_is_evaluated_once_whatever_builds_on_it(
    running: RunningSandbox, http: httpx.Client, filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    plain = Traversal.__init__

    def counted(self: Traversal, *args: Any, **more: Any) -> None:
        made.append(self)
        plain(self, *args, **more)

    monkeypatch.setattr(Traversal, "__init__", counted)

    def evaluations(length: int) -> int:
        chain: dict[str, Any] = {"0": {"nodes": {}}}
        for n in range(1, length):
            turn = "inwards" if n % 2 else "outwards"
            chain[str(n)] = {"nodes": {"from": str(n - 1), "through": THROUGH, "direction": turn}}
        made.clear()
        http.post(SYNC, json={"with": chain, "select": {name: {} for name in chain}}).raise_for_status()
        return len(made)

    assert evaluations(20) <= 2.1 * evaluations(10)
