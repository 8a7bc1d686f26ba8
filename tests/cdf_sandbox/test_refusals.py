"""Refusals: endpoint, body, status, and what the message names.

A row's status is 400 unless it says otherwise. Every refusal has CDF's envelope; none of them changes a row.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest
from cognite.client.data_classes import AssetWrite, DataSetWrite

from cdf_sandbox_calls import items

BIG = 2**53


@dataclass(frozen=True)
class Refusal:
    """One row of the table."""

    endpoint: str
    body: Any
    said: str
    status: int = 400
    query: dict[str, Any] = field(default_factory=dict)
    missing: list[dict[str, Any]] | None = None
    method: str = "POST"


N = {"name": "n"}
FILES = [
    Refusal("/files", {}, "name"),
    Refusal("/files", {"name": ""}, "name"),
    Refusal("/files", {"name": "n" * 257}, "256"),
    Refusal("/files", {"name": 5}, "name"),
    Refusal("/files", {"name": "nul\x00"}, "name"),
    Refusal("/files", N | {"externalId": "x" * 256}, "255"),
    Refusal("/files", N | {"externalId": ""}, "externalId"),
    Refusal("/files", N | {"directory": "relative/path"}, "absolute"),
    Refusal("/files", N | {"directory": "/" + "d" * 512}, "512"),
    Refusal("/files", N | {"source": "s" * 129}, "128"),
    Refusal("/files", N | {"mimeType": "m" * 257}, "256"),
    Refusal("/files", N | {"mimeType": "text/plain\r\nx: y"}, "mimeType"),
    Refusal("/files", N | {"metadata": {"resolution": 2048}}, "metadata.resolution"),
    Refusal("/files", N | {"metadata": {"k" * 129: "v"}}, "128"),
    Refusal("/files", N | {"metadata": {"é" * 65: "v"}}, "130 bytes"),
    Refusal("/files", N | {"metadata": {"k": "v" * 10241}}, "10240"),
    Refusal("/files", N | {"metadata": {str(i): "v" for i in range(257)}}, "257 pairs"),
    Refusal("/files", N | {"metadata": {"a": "v" * 6000, "b": "v" * 6000}}, "12002 bytes"),
    Refusal("/files", N | {"assetIds": []}, "assetIds"),
    Refusal("/files", N | {"assetIds": [BIG]}, "assetIds"),
    Refusal("/files", N | {"assetIds": [7]}, "Asset ids not found", missing=[{"id": 7}]),
    Refusal("/files", N | {"dataSetId": 7}, "Data set ids not found", missing=[{"id": 7}]),
    Refusal("/files", N | {"labels": [{"externalId": str(i)} for i in range(11)]}, "labels"),
    Refusal("/files", N | {"sourceCreatedTime": -1}, "sourceCreatedTime"),
    Refusal("/files", N | {"sourceCreatedTime": "2026"}, "sourceCreatedTime"),
    Refusal("/files", N | {"geoLocation": {"type": "Point"}}, "geoLocation"),
    Refusal("/files", N | {"uploaded": True}, "Unexpected field - uploaded"),
    Refusal("/files", N | {"instanceId": {"space": "s", "externalId": "x"}}, "Unexpected field - instanceId"),
    Refusal("/files", N | {"externalId": "taken"}, "Duplicate", 409),
    Refusal("/files", N, "overwrite", query={"overwrite": "maybe"}),
    Refusal("/files", [N], "dictionary"),
    Refusal("/files/initmultipartupload", N, "parts"),
    Refusal("/files/initmultipartupload", N, "parts", query={"parts": 0}),
    Refusal("/files/initmultipartupload", N, "250", query={"parts": 251}),
    Refusal("/files/initmultipartupload", N | {"externalId": "taken"}, "Duplicate", 409, query={"parts": 1}),
    Refusal("/files/completemultipartupload", {"externalId": "taken"}, "uploadId"),
    Refusal("/files/completemultipartupload", {"externalId": "taken", "uploadId": "x"}, "not an open upload"),
    Refusal("/files/completemultipartupload", {"id": 3, "externalId": "taken", "uploadId": "x"}, "exactly one"),
    Refusal("/files/uploadlink", items(), "items"),
    Refusal("/files/uploadlink", items({"id": 3}), "id"),
    Refusal("/files/uploadlink", items({"externalId": "a"}, {"externalId": "b"}), "at most 1"),
    Refusal("/files/uploadlink", items({"externalId": "no"}), "no", missing=[{"externalId": "no"}]),
    Refusal("/files/multiuploadlink", items({"externalId": "taken"}), "parts"),
    Refusal("/files/downloadlink", items(), "items"),
    Refusal("/files/downloadlink", items(*({"id": i + 1} for i in range(101))), "at most 100"),
    Refusal("/files/downloadlink", items({"externalId": "taken"}), "not uploaded"),
    Refusal("/files/byids", items(), "items"),
    Refusal("/files/byids", items({}), "exactly one"),
    Refusal("/files/byids", items({"id": 1, "externalId": "taken"}), "exactly one"),
    Refusal("/files/byids", items({"id": None}), "exactly one"),
    Refusal("/files", {"name": None}, "name"),
    Refusal("/files/byids", items({"id": 0}), "id"),
    Refusal("/files/byids", items({"id": "1"}), "id"),
    Refusal("/files/byids", items({"id": True}), "id"),
    Refusal("/files/byids", items({"id": 1.5}), "id"),
    Refusal("/files/byids", items(*({"id": i + 1} for i in range(1001))), "at most 1000"),
    Refusal(
        "/files/byids",
        items({"externalId": "taken"}, {"id": 9}, {"externalId": "no"}),
        "no",
        missing=[{"id": 9}, {"externalId": "no"}],
    ),
    Refusal(
        "/files/byids",
        items({"instanceId": {"space": "s", "externalId": "x"}}),
        "x",
        missing=[{"instanceId": {"space": "s", "externalId": "x"}}],
    ),
    Refusal("/files/list", {"limit": 0}, "limit"),
    Refusal("/files/list", {"filter": {"labels": {}}}, "containsAny"),
    Refusal("/files/list", {"limit": 1001}, "1000"),
    Refusal("/files/list", {"limit": "5"}, "limit"),
    Refusal("/files/list", {"cursor": "nonsense"}, "cursor"),
    Refusal("/files/list", {"cursor": "djE6eA=="}, "cursor"),
    Refusal("/files/list", {"partition": "0/3"}, "partition"),
    Refusal("/files/list", {"partition": "1/11"}, "partition"),
    Refusal("/files/list", {"filter": {"nme": "x"}}, "filter.nme"),
    Refusal("/files/list", {"filter": {"createdTime": {"from": 1}}}, "createdTime"),
    Refusal("/files/list", {"filter": {"assetIds": [1] * 101}}, "at most 100"),
    Refusal("/files/search", {"search": {"text": "x"}}, "search.text"),
    Refusal("/files/update", items({"externalId": "taken"}), "update"),
    Refusal("/files/update", items({"externalId": "taken", "update": {"name": {"set": "x"}}}), "name"),
    Refusal("/files/update", items({"externalId": "taken", "update": {"source": {}}}), "set or setNull"),
    Refusal("/files/update", items({"externalId": "taken", "update": {"source": {"setNull": False}}}), "setNull"),
    Refusal(
        "/files/update", items({"externalId": "taken", "update": {"metadata": {"set": {}, "add": {"a": "b"}}}}), "add"
    ),
    Refusal("/files/update", items({"externalId": "taken", "update": {"metadata": {"add": {"a": 1}}}}), "metadata"),
    Refusal("/files/update", items({"externalId": "taken", "update": {"externalId": {"set": "other"}}}), "other", 409),
    Refusal("/files/delete", items({"instanceId": {"space": "s", "externalId": "x"}}), "instanceId"),
    Refusal("/files/delete", items({"externalId": "no"}), "no", missing=[{"externalId": "no"}]),
    Refusal("/files/icon", None, "exactly one", method="GET"),
    Refusal("/files/icon", None, "no content", method="GET", query={"externalId": "taken"}),
    Refusal("/files/5", None, "File ids not found: 5", 404, method="GET"),
    Refusal("/files/x", None, "file_id", method="GET"),
]
NODE = {"instanceType": "node", "space": "s", "externalId": "x"}
OTHERS = [
    Refusal("/sessions", items(), "items"),
    Refusal("/sessions", items({}), "clientId"),
    Refusal("/sessions", items({"tokenExchange": False}), "tokenExchange"),
    Refusal("/sessions", items({"clientId": "a"}), "clientSecret"),
    Refusal("/sessions", items({"tokenExchange": True}, {"tokenExchange": True}), "at most 1"),
    Refusal("/datasets", items({"name": "n" * 51}), "50"),
    Refusal("/datasets", items(*[{}] * 11), "at most 10"),
    Refusal("/datasets", items({"externalId": "set"}), "Duplicate", 409),
    Refusal("/datasets", items({"externalId": "a"}, {"externalId": "a"}), "Duplicate", 409),
    Refusal("/datasets/byids", items({"id": 5}), "5", missing=[{"id": 5}]),
    Refusal("/assets", items({}), "name"),
    Refusal("/assets", items({"name": "n" * 141}), "140"),
    Refusal("/assets", items({"name": "n", "parentId": 1, "parentExternalId": "x"}), "at most one"),
    Refusal("/assets", items({"name": "n", "parentExternalId": "no"}), "no", missing=[{"externalId": "no"}]),
    Refusal("/assets", items({"name": "n", "externalId": "asset"}), "Duplicate", 409),
    Refusal("/assets", items({"name": "n", "metadata": {"a": None}}), "metadata"),
    Refusal("/assets", items(*[{"name": "n"}] * 1001), "at most 1000"),
    Refusal("/assets/list", {"filter": {"assetSubtreeIds": [{"id": 1, "externalId": "a"}]}}, "exactly one"),
    Refusal("/assets/list", {"aggregatedProperties": ["weight"]}, "aggregatedProperties"),
    Refusal("/assets/search", {"search": {"query": ""}}, "query"),
    Refusal("/datasets/update", items({"externalId": "set", "update": {"metadata": {"add": None}}}), "add"),
    Refusal("/extpipes/list", {"filter": {"source": ""}}, "source"),
    Refusal("/assets/list", {"filter": {"metadata": {"k" * 129: "v"}}}, "128"),
    Refusal("/datasets/list", {"filter": {"metadata": {"k": "v" * 10241}}}, "10240"),
    Refusal("/assets", None, "parentIds", method="GET", query={"parentIds": "[5"}),
    Refusal("/assets", None, "parentIds", method="GET", query={"parentIds": "x"}),
    Refusal("/files", None, "parameter directoryPrefix", method="GET", query={"directoryPrefix": "/"}),
    Refusal("/3d/models", None, "parameter includeRevisionInfo, did you mean includerevisioninfo?", method="GET",
            query={"includeRevisionInfo": "true"}),
    Refusal("/3d/migrate/models", items(), "Migration endpoint not enabled"),
    Refusal("/files/byids", items({"externalId": "taken"}), "Unrecognized", query={"ignoreUnknownIds": "true"}),
    Refusal("/assets/delete", items({"externalId": "no"}), "no", missing=[{"externalId": "no"}]),
    Refusal("/annotations/list", {}, "filter"),
    Refusal("/annotations/list", {"filter": {"annotatedResourceType": "file"}}, "annotatedResourceIds"),
    Refusal(
        "/annotations/list", {"filter": {"annotatedResourceType": "file", "annotatedResourceIds": []}}, "at least 1"
    ),
    Refusal(
        "/annotations/list", {"filter": {"annotatedResourceType": "file", "annotatedResourceIds": [{"id": 5}]}}, "5",
        missing=[{"id": 5}],
    ),
    Refusal("/annotations/byids", items({"id": 5}), "5", 404, missing=[{"id": 5}]),
    Refusal("/annotations/delete", items({"externalId": "x"}), "id"),
    Refusal("/annotations/update", items({"id": 5, "update": {}}), "5", 404, missing=[{"id": 5}]),
    Refusal("/annotations/delete", items({"id": 5}), "5", 404, missing=[{"id": 5}]),
    Refusal("/annotations/5", None, "5", 404, method="GET"),
    Refusal("/3d/models/5", None, "5", 404, method="GET"),
    Refusal("/3d/models", None, "limit", method="GET", query={"limit": 1001}),
    Refusal("/extpipes", items({"externalId": "p", "name": "n", "dataSetId": 5}), "5", missing=[{"id": 5}]),
    Refusal("/extpipes", items({"externalId": "p", "name": "n"}), "dataSetId"),
    Refusal("/extpipes/runs", items({"externalId": "no", "status": "seen"}), "no", missing=[{"externalId": "no"}]),
    Refusal("/extpipes/runs", items({"externalId": "no", "status": "fine"}), "status"),
    Refusal("/extpipes/runs/list", {"filter": {}}, "externalId"),
    Refusal("/nothing", {}, "Not Found", 404),
    Refusal("/files/byids", None, "Method Not Allowed", 405, method="PUT"),
]  # fmt: skip

ONE = items({"id": 5})
NAMED = items({"externalId": "no"})
CHANGED = items({"id": 5, "update": {}})
PIPELINE = {"externalId": "p", "name": "n", "dataSetId": 5}
ANNOTATION = {
    "annotatedResourceType": "file", "annotatedResourceId": 5, "annotationType": "images.Classification",
    "data": {"label": "hall"}, "creatingApp": "a", "creatingAppVersion": "1.0.0", "creatingUser": None,
}  # fmt: skip
# What does not exist: who may do nothing must not learn that.
FORBIDDEN = [
    ("POST", "/files", N | {"dataSetId": 5}),
    ("POST", "/files/initmultipartupload?parts=1", N | {"assetIds": [5]}),
    ("POST", "/files/completemultipartupload", {"id": 5, "uploadId": "x"}),
    ("POST", "/files/uploadlink", NAMED),
    ("POST", "/files/multiuploadlink?parts=1", NAMED),
    ("POST", "/files/downloadlink", ONE),
    ("POST", "/files/byids", ONE),
    ("POST", "/files/list", {"cursor": "nonsense"}),
    ("POST", "/files/search", {}),
    ("POST", "/files/aggregate", {}),
    ("POST", "/files/update", CHANGED),
    ("POST", "/files/delete", ONE),
    ("POST", "/files/delete", ONE | {"ignoreUnknownIds": True}),
    ("GET", "/files/icon?id=5", None),
    ("GET", "/files/5", None),
    ("POST", "/assets", items({"name": "n", "parentId": 5})),
    ("POST", "/assets/byids", ONE),
    ("POST", "/assets/byids", ONE | {"ignoreUnknownIds": True}),
    ("POST", "/assets/update", CHANGED),
    ("POST", "/assets/delete", ONE),
    ("GET", "/assets/5", None),
    ("POST", "/datasets/byids", ONE),
    ("POST", "/datasets/update", CHANGED),
    ("POST", "/extpipes", items(PIPELINE)),
    ("POST", "/extpipes/byids", ONE),
    ("POST", "/extpipes/update", CHANGED),
    ("POST", "/extpipes/delete", ONE),
    ("GET", "/extpipes/5", None),
    ("POST", "/extpipes/runs", items({"externalId": "no", "status": "seen"})),
    ("GET", "/extpipes/runs?externalId=no", None),
    ("GET", "/3d/models/5", None),
    ("POST", "/3d/models/update", CHANGED),
    ("POST", "/3d/models/delete", ONE),
    ("POST", "/3d/models/delete", items({"instanceId": {"space": "s", "externalId": "no"}})),
    ("GET", "/3d/models/5/revisions", None),
    ("POST", "/3d/models/5/revisions", items({"fileId": 5})),
    ("POST", "/3d/models/5/revisions", items({"fileId": 5, "pipelineConfiguration": {"indexingOptions": {}}})),
    ("POST", "/3d/models/5/revisions/update", CHANGED),
    ("POST", "/3d/models/5/revisions/delete", ONE),
    ("GET", "/3d/models/5/revisions/5", None),
    ("GET", "/3d/models/5/revisions/5/logs", None),
    ("GET", "/3d/models/5/revisions/5/outputs", None),
    ("POST", "/3d/models/5/revisions/5/thumbnail", {"fileId": 5}),
    ("POST", "/annotations", items(ANNOTATION | {"status": "approved"})),
    ("POST", "/annotations/suggest", items(ANNOTATION)),
    ("POST", "/annotations/byids", ONE),
    ("POST", "/annotations/update", CHANGED),
    ("POST", "/annotations/delete", ONE),
    ("GET", "/annotations/5", None),
    ("POST", "/context/vision/extract", {"items": [{"fileId": 5}], "features": ["TextDetection"]}),
    ("GET", "/context/vision/extract/5", None),
]


@pytest.fixture(scope="module")
def nobody(running):
    with running.http(*running.make_client("nobody", [])) as http:
        yield http


@pytest.mark.parametrize(("method", "path", "body"), FORBIDDEN, ids=lambda part: part if isinstance(part, str) else "")
def test_capabilities_come_before_every_look(nobody, method, path, body):
    answer = nobody.request(method, path, json=body)
    assert answer.status_code == 403, answer.text
    assert "insufficient access rights" in answer.json()["error"]["message"]


def test_files_are_asked_for_before_those_of_annotations_are_looked_up(running):
    may = [{"annotationsAcl": {"actions": ["READ", "WRITE"], "scope": {"all": {}}}}]
    with running.http(*running.make_client("annotator", may)) as http:
        answers = [
            http.post("/annotations", json=items(ANNOTATION | {"status": "approved"})),
            http.post(
                "/annotations/list",
                json={"filter": {"annotatedResourceType": "file", "annotatedResourceIds": [{"id": 5}]}},
            ),
        ]
    assert [answer.status_code for answer in answers] == [403, 403]


@pytest.fixture(scope="module")
def prepared(running):
    client = running.client()
    with running.http() as http:
        for external_id in ("taken", "other"):
            assert http.post("/files", json=N | {"externalId": external_id}).status_code == 201
        client.data_sets.create(DataSetWrite(external_id="set"))
        client.assets.create(AssetWrite(name="asset", external_id="asset"))
        yield http


def test_the_table_is_long_enough():
    assert len(FILES + OTHERS) >= 60


@pytest.mark.parametrize("row", FILES + OTHERS, ids=lambda row: f"{row.endpoint} {row.said}")
def test_refused(running, prepared, row):
    before = running.sandbox.counters.snapshot()["rowsChanged"]
    answer = prepared.request(row.method, row.endpoint, json=row.body, params=row.query)
    assert answer.status_code == row.status, answer.text
    error = answer.json()["error"]
    assert error["code"] == row.status
    assert row.said in error["message"]
    assert answer.headers["x-request-id"]
    if row.missing is not None:
        assert error["missing"] == row.missing
    if row.status == 409:
        assert error["duplicated"]
    assert running.sandbox.counters.snapshot()["rowsChanged"] == before
