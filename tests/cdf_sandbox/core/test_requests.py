"""Forms of requests that real clients send, held for every route and field: nulls, trailing slashes, HTTP Basic."""

import base64

import httpx
import pytest
from fastapi.routing import APIRoute
from pydantic import ValidationError

from cdf_sandbox.core.app import SERVICES
from cdf_sandbox.core.http import StrictModel
from local_cdf import PLAIN


def _all_models(base=StrictModel):
    for model in base.__subclasses__():
        yield model
        yield from _all_models(model)


MODELS = sorted(set(_all_models()), key=lambda model: (model.__module__, model.__qualname__))
ROUTES = sorted(
    {(method, route.path) for service in SERVICES for route in service.router.routes for method in route.methods}
)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.__module__}.{model.__qualname__}")
def test_null_counts_as_left_out_in_every_optional_field(model):
    optional = {field.alias or name for name, field in model.model_fields.items() if not field.is_required()}
    nulls = dict.fromkeys([*optional - model.nulls_with_meaning, "unknownToTheSandbox"])
    assert _outcome(model, nulls) == _outcome(model, {})


def _outcome(model, body):
    try:
        return model.model_validate(body).model_fields_set
    except ValidationError as error:
        return [(problem["type"], problem["loc"], problem["msg"]) for problem in error.errors()]


def test_null_in_a_required_field_is_refused(http):
    answer = http.post("/files", json={"name": None})
    assert answer.status_code == 400
    assert "name" in answer.json()["error"]["message"]


def test_nulls_that_sdks_send(http):
    http.post("/models/spaces", json={"items": [{"space": "nulls", "name": None}]}).raise_for_status()
    node = {"instanceType": "node", "space": "nulls", "externalId": "x", "type": None, "existingVersion": None}
    source = {"source": {"type": "container", "space": "cdf_cdm", "externalId": "CogniteDescribable"}}
    body = {
        "items": [node | {"sources": [source | {"properties": None}]}],
        "autoCreateStartNodes": None, "autoCreateEndNodes": None, "autoCreateDirectRelations": None,
        "skipOnVersionConflict": None, "replace": None, "delete": None,
    }  # fmt: skip
    http.post("/models/instances", json=body).raise_for_status()
    query = {
        "with": {"n": {"nodes": {"from": None, "through": None, "filter": None}, "sort": None, "limit": None}},
        "select": {"n": {"sources": None}}, "cursors": None, "parameters": None,
    }  # fmt: skip
    found = http.post("/models/instances/query", json=query).raise_for_status().json()["items"]["n"]
    assert "x" in {each["externalId"] for each in found}


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_slash_at_the_end_changes_nothing(http, method, path):
    url = path
    while "{" in url:
        url = url[: url.index("{")] + "5" + url[url.index("}") + 1 :]
    body = None if method == "GET" else {"items": []}
    plain, with_slash = (http.request(method, end, json=body) for end in (url, f"{url}/"))
    assert plain.status_code not in (404, 405) or "Not Found" not in plain.text
    assert (with_slash.status_code, _told(with_slash)) == (plain.status_code, _told(plain))


def _told(answer):
    return answer.json().get("error", answer.json()) if "json" in answer.headers["content-type"] else answer.content


def test_every_route_is_tried():
    assert all(isinstance(route, APIRoute) for service in SERVICES for route in service.router.routes)
    assert len(ROUTES) > 90


@pytest.mark.parametrize("encoded", [True, False])
def test_a_client_may_log_in_by_http_basic(running, encoded):
    client_id, secret = running.make_client("me:you & all" if encoded else "plain", [])
    pair = (httpx.QueryParams({"a": client_id}), httpx.QueryParams({"a": secret}))
    text = ":".join(str(part).removeprefix("a=") for part in pair) if encoded else f"{client_id}:{secret}"
    headers = {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}
    form = {"grant_type": "client_credentials", "scope": "s"}
    url = running.connection["token_url"]
    answer = PLAIN.post(url, data=form, headers=headers)
    assert answer.status_code == 200, answer.text
    wrong = "Basic " + base64.b64encode(f"{client_id}:x".encode()).decode()
    for header in (wrong, "Basic ?", "Basic"):
        refused = PLAIN.post(url, data=form, headers={"authorization": header})
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
