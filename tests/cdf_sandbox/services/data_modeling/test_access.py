"""Access to instances: capabilities in spaces, and those that relations need in other spaces."""

from dataclasses import replace

import httpx
import pytest

from cdf_sandbox_calls import items
from dms_requests import CONTAINER, POSTS, VIEW, node
from local_cdf import RunningSandbox

SPACES, UPSERT, LIST = "/models/spaces", "/models/instances", "/models/instances/list"
BYIDS, QUERY = "/models/instances/byids", "/models/instances/query"


def test_a_stranger_and_a_narrow_token_are_refused(prepared: RunningSandbox) -> None:
    scoped = [
        {"dataModelInstancesAcl": {"actions": ["READ", "WRITE"], "scope": {"spaceIdScope": {"spaceIds": ["mine"]}}}},
        {"dataModelsAcl": {"actions": ["READ"], "scope": {"all": {}}}},
    ]
    with prepared.http(*prepared.make_client("narrow", scoped)) as narrow:
        assert narrow.post(UPSERT, json=items(node())).status_code == 403
        assert narrow.post(SPACES, json=items({"space": "mine"})).status_code == 403
        assert narrow.post(LIST, json={}).json()["items"] == []
        assert narrow.post(QUERY, json={"with": {"a": {"nodes": {}}}, "select": {"a": {}}}).json()["items"]["a"] == []
        assert narrow.post(BYIDS, json=POSTS[BYIDS]).json()["items"] == []
        assert narrow.get("/models/spaces").status_code == 200
    with httpx.Client(base_url=prepared.project_url, trust_env=False) as stranger:
        assert stranger.post(LIST, json={}).status_code == 401


@pytest.mark.parametrize("path", [path for path in POSTS if path.startswith("/models/instances")])
def test_instances_need_read_access_to_data_models_too(prepared: RunningSandbox, path: str) -> None:
    only_instances = {"dataModelInstancesAcl": {"actions": ["READ", "WRITE"], "scope": {"all": {}}}}
    with prepared.http(*prepared.make_client("without_models", [only_instances])) as http:
        answer = http.post(path, json=POSTS[path])
    assert answer.status_code == 403
    assert "dataModelsAcl:READ" in answer.json()["error"]["message"]


def test_a_data_model_shows_no_view_of_a_space_that_may_not_be_read(
    prepared: RunningSandbox, session: httpx.Client
) -> None:
    session.post(SPACES, json=items({"space": "models"})).raise_for_status()
    model = {"space": "models", "externalId": "Across", "version": "v1"}
    session.post("/models/datamodels", json=items({**model, "views": [VIEW]})).raise_for_status()
    one_space = {"dataModelsAcl": {"actions": ["READ"], "scope": {"spaceIdScope": {"spaceIds": ["models"]}}}}
    with prepared.http(*prepared.make_client("reads_models", [one_space])) as http:
        for answer in (
            http.post("/models/datamodels/byids?inlineViews=true", json=items(model)),
            http.get("/models/datamodels?inlineViews=true"),
        ):
            assert answer.json()["items"][0]["views"] == [VIEW]
    full = session.post("/models/datamodels/byids?inlineViews=true", json=items(model)).json()["items"][0]["views"]
    assert full[0]["properties"]


@pytest.mark.parametrize(
    ("may", "statuses"), [((), (403, 403)), (("READ",), (403, 200)), (("READ", "WRITE"), (200, 200))]
)
def test_a_relation_needs_rights_where_it_points(
    prepared: RunningSandbox, session: httpx.Client, may: tuple[str, ...], statuses: tuple[int, int]
) -> None:
    spaces = [f"from_{len(may)}", f"to_{len(may)}"]
    session.post(SPACES, json=items(*({"space": space} for space in spaces))).raise_for_status()
    session.post(UPSERT, json=items({"instanceType": "node", "space": spaces[1], "externalId": "x"})).raise_for_status()
    scopes = [(("READ", "WRITE"), spaces[0]), (may, spaces[1])]
    rights = [
        {"dataModelInstancesAcl": {"actions": list(actions), "scope": {"spaceIdScope": {"spaceIds": [space]}}}}
        for actions, space in scopes
        if actions
    ] + [{"dataModelsAcl": {"actions": ["READ"], "scope": {"all": {}}}}]
    target = {"space": spaces[1], "externalId": "x"}
    source = [{"source": CONTAINER, "properties": {"name": "n", "parent": target}}]
    own = {"space": spaces[0], "externalId": "y"}
    pointing = [
        ({"instanceType": "node", **own, "sources": source}, "autoCreateDirectRelations"),
        ({"instanceType": "edge", **own, "externalId": "e", "type": own, "startNode": target, "endNode": own},
         "autoCreateStartNodes"),
        ({"instanceType": "edge", **own, "externalId": "f", "type": own, "startNode": own, "endNode": target},
         "autoCreateEndNodes"),
    ]  # fmt: skip
    with prepared.http(*prepared.make_client(f"points_{len(may)}", rights)) as http:
        for item, option in pointing:
            found = tuple(
                http.post(UPSERT, json=items(item) | {option: creates}).status_code for creates in (True, False)
            )
            assert found == statuses, option


OBJECT = {"type": "view", "space": "cdf_cdm", "externalId": "Cognite3DObject", "version": "v1"}
"""A view whose containers are in two spaces."""
DESCRIBED = {"type": "container", "space": "cdf_cdm", "externalId": "CogniteDescribable"}
NAME = ["cdf_cdm", "Cognite3DObject/v1", "name"]
OWN = {"space": "own_models", "externalId": "Own"}
NAMING = [
    (UPSERT, items({"instanceType": "node", "space": "own_models", "externalId": "a",
                    "sources": [{"source": OBJECT, "properties": {"name": "n"}}]})),
    (BYIDS, {**items({"instanceType": "node", "space": "own_models", "externalId": "a"}),
             "sources": [{"source": OBJECT}]}),
    (LIST, {"sources": [{"source": OBJECT}]}),
    (LIST, {"filter": {"not": {"exists": {"property": NAME}}}}),
    (LIST, {"filter": {"hasData": [OBJECT]}}),
    (LIST, {"filter": {"nested": {"scope": ["cdf_cdm", "Cognite360Image/v1", "station360"],
                                  "filter": {"equals": {"property": ["node", "space"], "value": "x"}}}}}),
    (LIST, {"sort": [{"property": NAME}]}),
    ("/models/instances/search", {"view": OBJECT, "query": "n"}),
    ("/models/instances/aggregate", {"view": OBJECT, "aggregates": [{"count": {}}]}),
    (QUERY, {"with": {"a": {"nodes": {"filter": {"hasData": [OBJECT]}}}}, "select": {"a": {}}}),
    (QUERY, {"with": {"a": {"nodes": {}}}, "select": {"a": {"sources": [{"source": OBJECT, "properties": ["*"]}]}}}),
    ("/models/instances/sync", {"with": {"a": {"nodes": {"filter": {"hasData": [OBJECT]}}}}, "select": {"a": {}}}),
    ("/models/views", items({**OWN, "version": "v1", "implements": [OBJECT]})),
    ("/models/datamodels", items({**OWN, "version": "v1", "views": [OBJECT]})),
]  # fmt: skip


@pytest.mark.parametrize("spaces", [(), ("cdf_cdm",), ("cdf_cdm", "cdf_cdm_3d")])
def test_what_a_request_names_must_be_readable(
    prepared: RunningSandbox, session: httpx.Client, spaces: tuple[str, ...]
) -> None:
    session.post(SPACES, json=items({"space": "own_models"})).raise_for_status()
    rights = [
        {"dataModelInstancesAcl": {"actions": ["READ", "WRITE"], "scope": {"all": {}}}},
        {"dataModelsAcl": {"actions": ["READ"], "scope": {"spaceIdScope": {"spaceIds": ["own_models", *spaces]}}}},
        {"dataModelsAcl": {"actions": ["WRITE"], "scope": {"spaceIdScope": {"spaceIds": ["own_models"]}}}},
    ]
    with prepared.http(*prepared.make_client("names", rights)) as http:
        for path, body in NAMING:
            answer = http.post(path, json=body)
            assert (path, answer.status_code) == (path, 200 if len(spaces) == 2 else 403), answer.text
            assert answer.is_success or "dataModelsAcl:READ" in answer.text
        value = {"type": "view", "space": "elsewhere", "externalId": "x", "version": "v1"}
        written = {
            "instanceType": "node",
            "space": "own_models",
            "externalId": "a",
            "type": {"space": "own_models", "externalId": "view"},
        }
        assert http.post(UPSERT, json=items(written)).status_code == 200
        source = {"source": DESCRIBED, "properties": {"name": "n", "tags": [value]}}
        answer = http.post(UPSERT, json=items(written | {"sources": [source]}))
        assert answer.status_code == (400 if spaces else 403), "a value names no view"


VALUE = {"type": "view", "space": "elsewhere", "externalId": "x", "version": "v1"}
"""A value of an instance that looks like a reference to a view."""
NOTES = ["own_models", "Own", "notes"]
OWN_NODE = ["own_models", "Own", "name"]
WITH_VALUES = [
    (LIST, {"filter": {"equals": {"property": NOTES, "value": VALUE}}}, 400),
    (LIST, {"filter": {"in": {"property": NOTES, "values": [VALUE]}}}, 400),
    (LIST, {"filter": {"not": {"range": {"property": NOTES, "gte": VALUE}}}}, 400),
    (QUERY, {"with": {"a": {"nodes": {"filter": {"equals": {"property": OWN_NODE, "value": {"parameter": "p"}}}}}},
             "select": {"a": {}}, "parameters": {"p": "n", "unused": VALUE}}, 200),
    (UPSERT, items({"instanceType": "node", "space": "own_models", "externalId": "v",
                    "sources": [{"source": OWN | {"type": "container"}, "properties": {"notes": VALUE}}]}), 200),
    ("/models/containers", items({**OWN, "externalId": "Defaults",
                                  "properties": {"notes": {"type": {"type": "json"}, "defaultValue": VALUE}}}), 200),
]  # fmt: skip
OTHER_PROPERTY = {"property": NAME, "unknown": None}
NAMED_AS_VALUES = [
    (LIST, {"filter": {"equals": {"property": ["node", "externalId"], "value": OTHER_PROPERTY}}}),
    (LIST, {"filter": {"range": {"property": ["node", "externalId"], "lt": OTHER_PROPERTY}}}),
    (LIST, {"filter": {"overlaps": {"startProperty": NAME, "endProperty": NAME, "gt": "a"}}}),
    (QUERY, {"with": {"value": {"nodes": {"filter": {"hasData": [OBJECT]}}}}, "select": {"value": {}}}),
    (QUERY, {"with": {"a": {"nodes": {"filter": {"equals": {"property": OWN_NODE, "value": {"parameter": "p"}}}}}},
             "select": {"a": {}}, "parameters": {"p": OTHER_PROPERTY}}),
]  # fmt: skip


def test_values_name_no_schema_and_other_properties_do(prepared: RunningSandbox, session: httpx.Client) -> None:
    session.post(SPACES, json=items({"space": "own_models"})).raise_for_status()
    properties = {"notes": {"type": {"type": "json"}}, "name": {"type": {"type": "text"}}}
    session.post("/models/containers", json=items({**OWN, "properties": properties})).raise_for_status()
    own = {"spaceIdScope": {"spaceIds": ["own_models"]}}
    rights = [
        {"dataModelInstancesAcl": {"actions": ["READ", "WRITE"], "scope": {"all": {}}}},
        {"dataModelsAcl": {"actions": ["READ", "WRITE"], "scope": own}},
    ]
    with prepared.http(*prepared.make_client("values", rights)) as http:
        for path, body, status in WITH_VALUES:
            answer = http.post(path, json=body)
            assert (path, answer.status_code) == (path, status), answer.text
        for path, body in NAMED_AS_VALUES:
            answer = http.post(path, json=body)
            assert (path, answer.status_code) == (path, 403), answer.text


def test_an_option_drops_what_is_named(
    prepared: RunningSandbox, session: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.post(SPACES, json=items({"space": "own_models"})).raise_for_status()
    monkeypatch.setattr(
        prepared.sandbox, "options", replace(prepared.sandbox.options, named_schemas_must_be_readable=False)
    )
    rights = [
        {"dataModelInstancesAcl": {"actions": ["READ"], "scope": {"all": {}}}},
        {"dataModelsAcl": {"actions": ["READ"], "scope": {"spaceIdScope": {"spaceIds": ["own_models"]}}}},
    ]
    with prepared.http(*prepared.make_client("names", rights)) as http:
        assert http.post(LIST, json={"filter": {"hasData": [OBJECT]}}).status_code == 200
