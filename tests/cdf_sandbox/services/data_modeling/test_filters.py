"""The filter engine against a plain evaluation of the same filters in Python, on random data and random filters."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdf_sandbox.core.access import Access
from cdf_sandbox.core.capabilities import all_capabilities
from cdf_sandbox.core.clock import Clock
from cdf_sandbox.core.errors import ApiError
from cdf_sandbox.core.options import Options
from cdf_sandbox.services.data_modeling.definitions import ContainerDefinition, SpaceDefinition, ViewDefinition
from cdf_sandbox.services.data_modeling.filters import FilterCompiler
from cdf_sandbox.services.data_modeling.models import UpsertRequest
from cdf_sandbox.services.data_modeling.schema_store import Schema
from cdf_sandbox.services.data_modeling.schema_writes import SchemaWriter
from cdf_sandbox.services.data_modeling.store import DDL
from cdf_sandbox.services.data_modeling.writes import InstanceWriter

ACCESS = Access("tests", all_capabilities("p"))

NAMES = [f"n{number}" for number in range(6)]
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": st.sampled_from(["", "a", "ab", "B", "æ", "quo'te\"", "a%_", "\\"]),
    "number": st.sampled_from([0.0, 0.1, -2.5, 1e300, 3.0, 0.30000000000000004]),
    "whole": st.sampled_from([0, 1, -(2**63), 2**63 - 1, 9007199254740993]),
    "flag": st.booleans(),
    "at": st.sampled_from(["2026-01-01T00:00:00.000+00:00", "1999-12-31T23:59:59.999+00:00"]),
    "to": st.sampled_from(NAMES).map(lambda name: {"space": "s", "externalId": name}),
    "texts": st.lists(st.sampled_from(["a", "b", "æ"]), min_size=1, max_size=3),
    "tos": st.lists(
        st.sampled_from(NAMES).map(lambda name: {"space": "s", "externalId": name}), min_size=1, max_size=3
    ),
}
TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "text"}, "number": {"type": "float64"}, "whole": {"type": "int64"}, "flag": {"type": "boolean"},
    "at": {"type": "timestamp"}, "to": {"type": "direct"}, "texts": {"type": "text", "list": True},
    "tos": {"type": "direct", "list": True},
}  # fmt: skip
ORDERED = ("text", "number", "whole", "at")
VIEW = ["s", "V/v1"]
Document = Mapping[str, Any]


@dataclass
class World:
    """Nodes with data in one container, or none (`None`)."""

    nodes: dict[str, Document | None]
    links: dict[str, str] = field(default_factory=dict)


documents = st.fixed_dictionaries({}, optional=VALUES)
worlds = st.dictionaries(st.sampled_from(NAMES), st.none() | documents, min_size=1).map(World)


def paths(name: str) -> st.SearchStrategy[list[str]]:
    """The ways to name a property."""
    return st.sampled_from([["s", "C", name], [*VIEW, name]])


def comparisons(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Filters on one property."""
    value = VALUES[name]
    found = [st.builds(lambda path: {"exists": {"property": path}}, paths(name))]
    many = name in ("texts", "tos")
    element = VALUES[name].map(lambda values: values[0]) if many else value
    values = st.lists(element, min_size=1, max_size=3)
    pair = {"property": paths(name)}
    if many:
        for kind in ("containsAny", "containsAll"):
            found.append(st.fixed_dictionaries({kind: st.fixed_dictionaries({**pair, "values": values})}))
        found.append(st.fixed_dictionaries({"prefix": st.fixed_dictionaries({**pair, "value": value})}))
    else:
        found.append(st.fixed_dictionaries({"in": st.fixed_dictionaries({**pair, "values": values})}))
        found.append(st.fixed_dictionaries({"equals": st.fixed_dictionaries({**pair, "value": value})}))
    if name == "text":
        found.append(st.fixed_dictionaries({"prefix": st.fixed_dictionaries({**pair, "value": value})}))
    if name in ORDERED:
        for low, high in (("gt", "lte"), ("gte", "lt")):
            bounds = st.fixed_dictionaries({**pair, low: value}, optional={high: value})
            found.append(st.fixed_dictionaries({"range": bounds}))
    return st.one_of(found)


leaves = st.one_of(
    *(comparisons(name) for name in VALUES),
    st.sampled_from(NAMES).map(lambda name: {"equals": {"property": ["node", "externalId"], "value": name}}),
    st.sampled_from(NAMES).map(lambda name: {"prefix": {"property": ["node", "externalId"], "value": name[:1]}}),
    st.just({"hasData": [{"type": "view", "space": "s", "externalId": "V", "version": "v1"}]}),
    st.just({"hasData": [{"type": "container", "space": "s", "externalId": "C"}]}),
    st.lists(st.sampled_from(NAMES), max_size=3).map(
        lambda names: {"instanceReferences": [{"space": "s", "externalId": name} for name in names]}
    ),
    st.just({"matchAll": {}}),
)
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"and": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"or": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries(
            {"nested": st.fixed_dictionaries({"scope": st.sampled_from(["to", "tos"]).flatmap(paths), "filter": inner})}
        ),
    ),
    max_leaves=8,
)


def evaluate(expression: dict[str, Any], name: str, world: World) -> bool | None:
    """Whether node `name` matches; `None` for unknown, as in SQL."""
    ((kind, body),) = expression.items()
    if kind in ("and", "or"):
        parts = [evaluate(part, name, world) for part in body]
        decisive = kind == "or"
        if decisive in parts:
            return decisive
        return None if None in parts else not decisive
    if kind == "not":
        inner = evaluate(body, name, world)
        return None if inner is None else not inner
    document = world.nodes[name]
    if kind == "matchAll":
        return True
    if kind == "hasData":
        return document is not None
    if kind == "instanceReferences":
        return {"space": "s", "externalId": name} in body
    if kind == "nested":
        target = value_of(body["scope"], name, document)
        targets = target if isinstance(target, list) else [target] if target else []
        return any(
            evaluate(body["filter"], each["externalId"], world) is True
            for each in targets
            if each["externalId"] in world.nodes
        )
    return compare(kind, body, value_of(body["property"], name, document))


def value_of(path: list[str], name: str, document: Document | None) -> Any:
    if path == ["node", "externalId"]:
        return name
    return None if document is None else document.get(path[-1])


def compare(kind: str, body: dict[str, Any], value: Any) -> bool | None:
    if kind == "exists":
        return value is not None
    if value is None:
        return None
    if kind == "equals":
        return bool(value == body["value"])
    if kind == "in":
        return value in body["values"]
    if kind == "containsAny":
        return any(each in value for each in body["values"])
    if kind == "containsAll":
        return all(each in value for each in body["values"])
    if kind == "prefix":
        if not isinstance(value, list):
            return bool(value.startswith(body["value"]))
        return bool(value[: len(body["value"])] == body["value"])
    checks = {
        "gt": lambda a, b: a > b,
        "gte": lambda a, b: a >= b,
        "lt": lambda a, b: a < b,
        "lte": lambda a, b: a <= b,
    }
    order = (lambda text: text.encode()) if isinstance(value, str) else (lambda number: number)
    return all(check(order(value), order(body[bound])) for bound, check in checks.items() if bound in body)


class _Parts:
    """What a writer needs of a sandbox."""

    def __init__(self, data: Any) -> None:
        self.options = Options(data=data)
        self.clock = Clock()


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    connection.executescript(DDL)
    writer = SchemaWriter(connection, 1)
    writer.put_spaces([SpaceDefinition(space="s")])
    properties = {name: {"type": type_} for name, type_ in TYPES.items()}
    writer.put_containers(
        [ContainerDefinition.model_validate({"space": "s", "externalId": "C", "properties": properties})]
    )
    container = {"type": "container", "space": "s", "externalId": "C"}
    mapped = {name: {"container": container, "containerPropertyIdentifier": name} for name in TYPES}
    view = {"space": "s", "externalId": "V", "version": "v1", "properties": mapped}
    writer.put_views([ViewDefinition.model_validate(view)])
    return connection


def write(db: sqlite3.Connection, world: World, tmp_path: Any) -> None:
    source = {"type": "view", "space": "s", "externalId": "V", "version": "v1"}
    items = [
        {
            "instanceType": "node", "space": "s", "externalId": name,
            **({} if document is None else {"sources": [{"source": source, "properties": dict(document)}]}),
        }
        for name, document in world.nodes.items()
    ]  # fmt: skip
    InstanceWriter(_Parts(tmp_path), db, ACCESS).upsert(UpsertRequest.model_validate({"items": items}))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds, expression=expressions)
def test_sql_and_python_agree(db: sqlite3.Connection, tmp_path: Any, world: World, expression: dict[str, Any]) -> None:
    pointed = {
        each["externalId"]
        for document in world.nodes.values()
        for each in [*((document or {}).get("tos", ())), *filter(None, [(document or {}).get("to")])]
    }
    everything = World({**dict.fromkeys(sorted(pointed)), **world.nodes})
    db.execute("BEGIN")
    try:
        write(db, world, tmp_path)
        where = FilterCompiler(Schema(db)).compile(expression, "i", "node")
        rows = db.execute(f"SELECT external_id FROM dms_instance i WHERE {where.text}", where.params)
        found = sorted(row[0] for row in rows)
    finally:
        db.execute("ROLLBACK")
    assert found == sorted(name for name in everything.nodes if evaluate(expression, name, everything) is True)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ({}, "exactly one key"),
        ({"and": []}, "at least one filter"),
        ({"like": {"property": ["s", "C", "text"], "value": "a"}}, "Unknown filter 'like'"),
        ({"equals": {"property": ["s", "C", "nix"], "value": "a"}}, "Unknown property 'nix' in container 's:C'"),
        ({"equals": {"property": ["s", "V/v1", "nix"], "value": "a"}}, "Unknown property 'nix' in view 's:V/v1'"),
        ({"equals": {"property": ["s", "V/v2", "text"], "value": "a"}}, "One or more views do not exist: 's:V/v2'"),
        ({"equals": {"property": ["s", "D", "text"], "value": "a"}}, "One or more containers do not exist: 's:D'"),
        ({"equals": {"property": ["node", "name"], "value": "a"}}, "Unknown property"),
        ({"equals": {"property": ["node", "startNode"], "value": "a"}}, "Unknown property"),
        ({"equals": {"property": ["edge", "space"], "value": "a"}}, 'name it [node, "space"]'),
        ({"equals": {"property": ["text"], "value": "a"}}, "Invalid property reference"),
        ({"equals": {"property": "text", "value": "a"}}, "must be a list of texts"),
        ({"equals": {"property": ["s", "C", "text"]}}, "must be an object with property, value"),
        ({"equals": {"property": ["s", "C", "text"], "value": 1}}, "expected text, got 1"),
        ({"equals": {"property": ["s", "C", "number"], "value": True}}, "expected float64, got true"),
        ({"equals": {"property": ["s", "C", "text"], "value": None}}, "with property, value, got"),
        ({"equals": {"property": ["s", "C", "texts"], "value": "a"}}, "is a list: use containsAny"),
        ({"equals": {"property": ["s", "C", "text"], "value": {"parameter": "p"}}}, "only available in query and sync"),
        ({"equals": {"property": ["s", "C", "text"], "value": {"property": ["s", "C", "at"]}}}, "differ in type"),
        ({"in": {"property": ["s", "C", "text"], "values": []}}, "list of values"),
        ({"in": {"property": ["s", "C", "text"], "values": ["a"] * 1001}}, "At most 1000 values"),
        ({"prefix": {"property": ["s", "C", "number"], "value": "1"}}, "needs a text property"),
        ({"range": {"property": ["s", "C", "number"]}}, "needs bounds"),
        ({"range": {"property": ["s", "C", "number"], "gt": 1, "gte": 1}}, "needs bounds"),
        ({"range": {"property": ["s", "C", "flag"], "gt": True}}, "has no order"),
        ({"containsAny": {"property": ["s", "C", "text"], "values": ["a"]}}, "needs a list property"),
        ({"nested": {"scope": ["s", "C", "text"], "filter": {"matchAll": {}}}}, "must be a direct relation"),
        ({"hasData": [{"space": "s", "externalId": "C"}]}, "expects views and containers"),
        ({"hasData": [{"type": "container", "space": "s", "externalId": "C", "x": 1}]}, "expects views and containers"),
        ({"instanceReferences": [{"space": "s"}]}, "expected a direct relation"),
        ({"matchAll": {"a": 1}}, "must be an empty object"),
    ],
)
def test_refusals_say_why(db: sqlite3.Connection, expression: dict[str, Any], words: str) -> None:
    with pytest.raises(ApiError) as refused:
        FilterCompiler(Schema(db)).compile(expression, "i", "node")
    assert refused.value.status_code == 400 and words in refused.value.message, refused.value.message


def test_depth_and_size_are_limited(db: sqlite3.Connection) -> None:
    deep: dict[str, Any] = {"matchAll": {}}
    for _ in range(40):
        deep = {"not": deep}
    for expression in (deep, {"or": [{"matchAll": {}}] * 1001}):
        with pytest.raises(ApiError, match="levels deep"):
            FilterCompiler(Schema(db)).compile(expression, "i", "node")
