"""Random sequences of writes to one node against a dictionary that follows the documented rules."""

import json
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
from cdf_sandbox.services.data_modeling.models import UpsertRequest
from cdf_sandbox.services.data_modeling.schema_writes import SchemaWriter
from cdf_sandbox.services.data_modeling.store import DDL
from cdf_sandbox.services.data_modeling.writes import InstanceWriter

SANDBOX: Any = SimpleNamespace(options=Options(data=Path("unused")), clock=Clock())
CONTAINER = {"type": "container", "space": "s", "externalId": "C"}
DEFAULTS = {"size": 7}


@pytest.fixture(scope="module")
def db() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    connection.executescript(DDL)
    writer = SchemaWriter(connection, 1)
    writer.put_spaces([SpaceDefinition(space="s")])
    properties = {
        "text": {"type": {"type": "text"}}, "size": {"type": {"type": "int32"}, "defaultValue": 7},
        "to": {"type": {"type": "direct"}}, "code": {"type": {"type": "text"}},
    }  # fmt: skip
    unique = {"u": {"constraintType": "uniqueness", "properties": ["code"]}}
    writer.put_containers(
        [
            ContainerDefinition.model_validate(
                {"space": "s", "externalId": "C", "properties": properties, "constraints": unique}
            )
        ]
    )
    return connection


values = st.fixed_dictionaries(
    {},
    optional={
        "text": st.none() | st.sampled_from(["", "a"]), "size": st.none() | st.integers(6, 8),
        "to": st.none() | st.sampled_from("xy").map(lambda name: {"space": "s", "externalId": name}),
        "code": st.none() | st.sampled_from("12"),
    },
)  # fmt: skip

ACCESS = Access("tests", all_capabilities("p"))
steps = st.lists(st.tuples(st.sampled_from(["patch", "patch", "replace", "delete"]), values), max_size=8)


@settings(max_examples=200, deadline=None)
@given(steps=steps)
def test_writes_follow_the_rules(db: sqlite3.Connection, steps: list[tuple[str, dict[str, Any]]]) -> None:
    expected: dict[str, Any] | None = None
    version = 0
    db.execute("BEGIN")
    try:
        for kind, named in steps:
            if kind == "delete":
                reference = {"instanceType": "node", "space": "s", "externalId": "n"}
                answer = InstanceWriter(SANDBOX, db, ACCESS).upsert(
                    UpsertRequest.model_validate({"items": [], "delete": [reference]})
                )
                assert answer["deleted"] == ([reference] if expected is not None else [])
                expected, version = None, 0
                continue
            base = DEFAULTS if expected is None or kind == "replace" else expected
            merged = {name: value for name, value in {**base, **named}.items() if value is not None}
            modified = merged != expected
            version += modified
            node = {
                "instanceType": "node", "space": "s", "externalId": "n",
                "sources": [{"source": CONTAINER, "properties": named}],
            }  # fmt: skip
            before = db.total_changes
            answer = InstanceWriter(SANDBOX, db, ACCESS).upsert(
                UpsertRequest.model_validate({"items": [node], "replace": kind == "replace"})
            )
            item = answer["items"][0]
            assert (item["wasModified"], item["version"]) == (modified, version)
            assert modified or db.total_changes == before
            expected = merged
            assert_stored(db, merged)
    finally:
        db.execute("ROLLBACK")


def assert_stored(db: sqlite3.Connection, expected: dict[str, Any]) -> None:
    """The data, and what is derived from them."""
    row = db.execute(
        "SELECT d.doc, i.id FROM dms_instance i JOIN dms_data d ON d.instance = i.id"
        " WHERE i.external_id = 'n' AND i.deleted_time IS NULL"
    ).fetchone()
    assert json.loads(row["doc"]) == expected
    relations = db.execute("SELECT target_xid FROM dms_relation WHERE instance = ?", (row["id"],)).fetchall()
    assert [each[0] for each in relations] == ([expected["to"]["externalId"]] if "to" in expected else [])
    unique = db.execute("SELECT value FROM dms_unique").fetchall()
    assert [json.loads(each[0]) for each in unique] == ([[expected["code"]]] if "code" in expected else [])
