"""Accepted requests and all answers have the shapes of CDF's published specification."""

import pytest
from jsonschema import Draft202012Validator

from cdf_sandbox_calls import send_all

# The specification at hand lacks the beta reverse lookup, of which cognite-sdk-python reads `items` with an id each,
# and labels, of which it reads these fields.
NOT_IN_THE_SPECIFICATION = {
    ("POST", "/labels"): {
        "required": ["items"],
        "properties": {"items": {"type": "array", "items": {"required": ["externalId", "name", "createdTime"]}}},
    },
    ("POST", "/annotations/reverselookup"): {
        "required": ["items", "annotatedResourceType"],
        "properties": {"items": {"type": "array", "items": {"required": ["id"]}}},
    },
}
OF_OTHERS = ("/models/", "/3d/job", "/context/", "/token/")

# What clients rely on in each answer: always checked, also where the specification is not at hand.
FILE = {"id": int, "name": str, "uploaded": bool, "createdTime": int, "lastUpdatedTime": int}
ASSET = {"id": int, "name": str, "rootId": int, "createdTime": int, "lastUpdatedTime": int}
DATA_SET = {"id": int, "writeProtected": bool, "createdTime": int, "lastUpdatedTime": int}
ANNOTATION = {
    "id": int, "annotatedResourceType": str, "annotatedResourceId": int, "annotationType": str, "creatingApp": str,
    "creatingAppVersion": str, "creatingUser": type(None), "data": dict, "status": str, "createdTime": int,
    "lastUpdatedTime": int,
}  # fmt: skip
MODEL = {"id": int, "name": str, "createdTime": int}
REVISION = {
    "id": int, "fileId": int, "published": bool, "status": str, "assetMappingCount": int, "createdTime": int
}  # fmt: skip
PIPELINE = {"id": int, "externalId": str, "name": str, "dataSetId": int, "createdTime": int, "lastUpdatedTime": int}
RUN = {"id": int, "status": str, "createdTime": int}
SESSION = {"id": int, "type": str, "status": str}
FIELDS_OF_ITEMS = {
    "/datasets": DATA_SET, "/datasets/list": DATA_SET, "/datasets/byids": DATA_SET, "/datasets/update": DATA_SET,
    "/assets": ASSET, "/assets/list": ASSET, "/assets/byids": ASSET, "/assets/search": ASSET,
    "/files/list": FILE, "/files/search": FILE, "/files/byids": FILE, "/files/update": FILE,
    "/files/aggregate": {"count": int}, "/files/uploadlink": FILE | {"uploadUrl": str},
    "/files/multiuploadlink": FILE | {"uploadId": str, "uploadUrls": list},
    "/files/downloadlink": {"externalId": str, "downloadUrl": str},
    "/annotations": ANNOTATION, "/annotations/suggest": ANNOTATION, "/annotations/list": ANNOTATION,
    "/annotations/byids": ANNOTATION, "/annotations/update": ANNOTATION, "/annotations/reverselookup": {"id": int},
    "/3d/models": MODEL, "/3d/models/update": MODEL,
    "/3d/models/{modelId}/revisions": REVISION, "/3d/models/{modelId}/revisions/update": REVISION,
    "/extpipes": PIPELINE, "/extpipes/list": PIPELINE, "/extpipes/byids": PIPELINE, "/extpipes/update": PIPELINE,
    "/extpipes/runs": RUN, "/extpipes/runs/list": RUN,
    "/sessions": SESSION, "/sessions/byids": SESSION, "/sessions/revoke": SESSION,
}  # fmt: skip


@pytest.fixture(scope="module")
def answers(running):
    with running.http() as http:
        yield send_all(http)


def test_answers_have_the_fields_that_clients_rely_on(answers):
    checked = set()
    for call, answer in answers:
        fields = FIELDS_OF_ITEMS.get(call.endpoint)
        if fields is None or call.method != "POST":
            continue
        checked.add(call.endpoint)
        items = answer.json()["items"]
        assert items, call.endpoint
        for name, kind in fields.items():
            assert type(items[0][name]) is kind, f"{call.endpoint}: {name}"
    assert checked == set(FIELDS_OF_ITEMS)


def test_requests_and_answers_fit_the_specification(answers, specification):
    found = []
    for call, answer in answers:
        key = (call.method, call.endpoint)
        if key in NOT_IN_THE_SPECIFICATION:
            validator = Draft202012Validator(NOT_IN_THE_SPECIFICATION[key])
            found += [(key, error.message) for error in validator.iter_errors(answer.json())]
            continue
        body = answer.json() if answer.headers.get("content-type") == "application/json" else None
        found += [(key, problem) for problem in specification.request_problems(*key, call.body)]
        found += [(key, problem) for problem in specification.answer_problems(*key, answer.status_code, body)]
    assert not found


def test_every_endpoint_of_the_specification_is_called(answers, specification):
    called = {(call.method, call.endpoint) for call, _ in answers}
    described = {key for key in specification.endpoints() if not key[1].startswith(OF_OTHERS)}
    assert described - called == set()
