"""Queries against a plain evaluation in Python, on random graphs; and pages, which together are the whole."""

import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdf_sandbox.core.access import Access
from cdf_sandbox.core.capabilities import all_capabilities
from cdf_sandbox.core.clock import Clock
from cdf_sandbox.core.options import Options
from cdf_sandbox.services.data_modeling.definitions import ContainerDefinition, SpaceDefinition
from cdf_sandbox.services.data_modeling.models import ListRequest, UpsertRequest
from cdf_sandbox.services.data_modeling.query import run_query
from cdf_sandbox.services.data_modeling.query_models import QueryRequest
from cdf_sandbox.services.data_modeling.reads import list_instances
from cdf_sandbox.services.data_modeling.schema_writes import SchemaWriter
from cdf_sandbox.services.data_modeling.store import DDL
from cdf_sandbox.services.data_modeling.writes import InstanceWriter

NAMES = [f"n{number}" for number in range(7)]
CONTAINER = {"type": "container", "space": "s", "externalId": "C"}
SANDBOX: Any = SimpleNamespace(options=Options(data=Path("unused")), clock=Clock())
Graph = tuple[dict[str, tuple[str | None, list[str]]], list[tuple[str, str, str]]]

names = st.sampled_from(NAMES)
graphs: st.SearchStrategy[Graph] = st.tuples(
    st.fixed_dictionaries({name: st.tuples(st.none() | names, st.lists(names, max_size=3)) for name in NAMES}),
    st.lists(st.tuples(names, names, st.sampled_from("ab")), max_size=10),
)

ACCESS = Access("tests", all_capabilities("p"))


@pytest.fixture(scope="module")
def db() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    connection.executescript(DDL)
    writer = SchemaWriter(connection, 1)
    writer.put_spaces([SpaceDefinition(space="s")])
    properties = {
        "one": {"type": {"type": "direct"}}, "many": {"type": {"type": "direct", "list": True}},
        "rank": {"type": {"type": "int32"}}, "text": {"type": {"type": "text"}},
    }  # fmt: skip
    writer.put_containers(
        [ContainerDefinition.model_validate({"space": "s", "externalId": "C", "properties": properties})]
    )
    return connection


def reference(name: str) -> dict[str, str]:
    return {"space": "s", "externalId": name}


def upsert(db: sqlite3.Connection, items: list[dict[str, Any]]) -> None:
    InstanceWriter(SANDBOX, db, ACCESS).upsert(UpsertRequest.model_validate({"items": items}))


def node(name: str, **properties: Any) -> dict[str, Any]:
    return {"instanceType": "node", **reference(name), "sources": [{"source": CONTAINER, "properties": properties}]}


def write(db: sqlite3.Connection, graph: Graph) -> None:
    relations, edges = graph
    items = []
    for name, (one, many) in relations.items():
        values: dict[str, Any] = {"one": reference(one) if one else None}
        if many:
            values["many"] = [reference(each) for each in many]
        items.append(node(name, **values))
    for number, (start, end, type_) in enumerate(edges):
        items.append(
            {
                "instanceType": "edge", **reference(f"e{number}"), "type": reference(type_),
                "startNode": reference(start), "endNode": reference(end),
            }
        )  # fmt: skip
    upsert(db, items)


def walked(graph: Graph, start: set[str], direction: str, type_: str | None, distance: int | None) -> set[int]:
    """The edges that are met from `start`."""
    met: set[int] = set()
    frontier, seen = set(start), set(start)
    level = 0
    while frontier and (distance is None or level < distance):
        level += 1
        following: set[str] = set()
        for number, (first, second, each) in enumerate(graph[1]):
            near, far = (first, second) if direction == "outwards" else (second, first)
            if near in frontier and type_ in (None, each):
                met.add(number)
                following.add(far)
        frontier = following - seen
        seen |= following
    return met


@settings(max_examples=150, deadline=None)
@given(
    graph=graphs, begin=st.sets(names, min_size=1, max_size=3), direction=st.sampled_from(["outwards", "inwards"]),
    identifier=st.sampled_from(["one", "many"]), distance=st.none() | st.integers(1, 3), type_=st.none() | st.just("a"),
    chain=st.sampled_from(["source", "destination"]),
)  # fmt: skip
def test_traversal_agrees_with_python(
    db: sqlite3.Connection, graph: Graph, begin: set[str], direction: str, identifier: str, distance: int | None,
    type_: str | None, chain: str,
) -> None:  # fmt: skip
    edges: dict[str, Any] = {"from": "begin", "direction": direction}
    if distance is not None:
        edges["maxDistance"] = distance
    if type_ is not None:
        edges["filter"] = {"equals": {"property": ["edge", "type"], "value": reference(type_)}}
    through = {"source": CONTAINER, "identifier": identifier}
    request = {
        "with": {
            "begin": {"nodes": {"filter": {"instanceReferences": [reference(name) for name in sorted(begin)]}}},
            "related": {"nodes": {"from": "begin", "through": through, "direction": direction}},
            "edges": {"edges": edges},
            "ends": {"nodes": {"from": "edges", "chainTo": chain}},
            "both": {"intersection": ["related", "ends"]},
            "either": {"union": ["related", "ends"], "except": ["begin"]},
        },
        "select": {name: {} for name in ("related", "edges", "ends", "both", "either")},
    }
    db.execute("BEGIN")
    try:
        write(db, graph)
        answer = run_query(db, QueryRequest.model_validate(request), None)
    finally:
        db.execute("ROLLBACK")
    found = {name: [item["externalId"] for item in items] for name, items in answer["items"].items()}
    targets = {
        name: ({one} if one else set()) if identifier == "one" else set(many) for name, (one, many) in graph[0].items()
    }
    if direction == "outwards":
        related = set().union(*(targets[name] for name in begin))
    else:
        related = {name for name in NAMES if targets[name] & begin}
    met = walked(graph, begin, direction, type_, distance)
    side = 1 if (direction == "outwards") == (chain == "destination") else 0
    ends = {graph[1][number][side] for number in met}
    assert {name: sorted(each) for name, each in found.items()} == {
        "related": sorted(related), "edges": sorted(f"e{number}" for number in met), "ends": sorted(ends),
        "both": sorted(related & ends), "either": sorted((related | ends) - begin),
    }  # fmt: skip


keys = st.sampled_from(["rank", "text"])
sorts = st.lists(
    st.fixed_dictionaries(
        {
            "property": keys.map(lambda key: ["s", "C", key]),
            "direction": st.sampled_from(["ascending", "descending"]), "nullsFirst": st.booleans(),
        }
    ),
    max_size=2,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.tuples(st.none() | st.integers(-2, 2), st.none() | st.sampled_from(["", "a", "b"])), max_size=12),
    order=sorts, limit=st.integers(1, 5),
)  # fmt: skip
def test_pages_together_are_the_whole_in_order(
    db: sqlite3.Connection, rows: list[tuple[int | None, str | None]], order: list[dict[str, Any]], limit: int
) -> None:
    db.execute("BEGIN")
    try:
        upsert(db, [node(f"p{n}", rank=rank, text=text) for n, (rank, text) in enumerate(rows)])
        pages: list[str] = []
        cursor: str | None = None
        while True:
            body = {"sort": order, "limit": limit, **({"cursor": cursor} if cursor else {})}
            answer = list_instances(db, ListRequest.model_validate(body), None)
            pages.extend(item["externalId"] for item in answer["items"])
            cursor = answer.get("nextCursor")
            if cursor is None:
                break
    finally:
        db.execute("ROLLBACK")
    expected = list(range(len(rows)))
    for each in reversed(order):
        place = 0 if each["property"][2] == "rank" else 1
        known = [n for n in expected if rows[n][place] is not None]
        unknown = [n for n in expected if rows[n][place] is None]
        known.sort(key=lambda n, place=place: rows[n][place], reverse=each["direction"] == "descending")
        expected = unknown + known if each["nullsFirst"] else known + unknown
    assert pages == [f"p{n}" for n in expected]


def test_a_child_begins_anew_when_its_parent_moves_on(db: sqlite3.Connection) -> None:
    db.execute("BEGIN")
    try:
        upsert(db, [node(f"c{n}", one=reference(f"t{n}")) for n in range(4)])
        request: dict[str, Any] = {
            "with": {
                "parents": {"nodes": {"filter": {"hasData": [CONTAINER]}}, "limit": 2},
                "targets": {
                    "nodes": {
                        "from": "parents", "direction": "outwards",
                        "through": {"source": CONTAINER, "identifier": "one"},
                    },
                    "limit": 1,
                },
            },
            "select": {"parents": {}, "targets": {}},
        }  # fmt: skip

        def ask(**cursors: str) -> tuple[list[str], list[str], dict[str, str]]:
            answer = run_query(db, QueryRequest.model_validate({**request, "cursors": cursors}), None)
            listed = {name: [item["externalId"] for item in items] for name, items in answer["items"].items()}
            return listed["parents"], listed["targets"], answer["nextCursor"]

        parents, targets, first = ask()
        assert (parents, targets) == (["c0", "c1"], ["t0"])
        assert ask(targets=first["targets"])[:2] == (["c0", "c1"], ["t1"])
        assert ask(**first)[:2] == (["c2", "c3"], ["t2"])
    finally:
        db.execute("ROLLBACK")
