"""Requests that change the same resource at the same time: one of them is refused with 429, at every route."""

from contextlib import contextmanager

import pytest

import core_project as core
from cdf_sandbox.core.app import SERVICES
from cdf_sandbox.core.options import ProjectMode

NODE = {"instanceType": "node", "space": "s", "externalId": "x"}
KEY = {"space": "s", "externalId": "X"}
VERSION = KEY | {"version": "1"}
SOURCE = {"type": "container", **KEY}
CONTAINER = KEY | {"properties": {"p": {"type": {"type": "text"}}}}
VIEW = VERSION | {"properties": {"p": {"container": SOURCE, "containerPropertyIdentifier": "p"}}}
MODEL = VERSION | {"views": []}
ENTRY = {"space": "s", "containerExternalId": "X", "identifier": "i"}
BY_ID = {"id": 5, "update": {}}
JOB = {"space": "s", "externalId": "x"}
LINKS = {
    "items": [{"asset": core.ref("pump"), "image360": core.ref("one")}],
    "dmsContextualizationConfig": {
        "object3DSpace": "s", "contextualizationSpace": "s", "revision": core.ref("collection")
    },
}  # fmt: skip
POLYGON = {"polygon": {"version": "2.0.0", "data": [3, 1.5, 0.1, 1.5, 0.2, 1.6, 0.2]}}
FILE = {"name": "n", "externalId": "x"}
REJECTIONS = {"job": JOB, "result": {"instanceId": JOB}, "add": ["a"]}


def of(*items):
    return {"items": list(items)}


CHANGES = [
    ("instances", ("s", "x"), "/models/instances", of(NODE)),
    ("instances", ("s", "x"), "/models/instances/delete", of(NODE)),
    ("instances", ("hall", "pump"), "/3d/contextualization/image360",
     {**LINKS, "items": [LINKS["items"][0] | POLYGON]}),
    ("instances", ("hall", "pump"), "/3d/contextualization/image360/delete", LINKS),
    ("spaces", ("s", "", ""), "/models/spaces", of({"space": "s"})),
    ("spaces", ("s", "", ""), "/models/spaces/delete", of({"space": "s"})),
    ("containers", ("s", "X", ""), "/models/containers", of(CONTAINER)),
    ("containers", ("s", "X", ""), "/models/containers/delete", of(KEY)),
    ("containers", ("s", "X", ""), "/models/containers/{entries}/delete", of(ENTRY)),
    ("views", ("s", "X", "1"), "/models/views", of(VIEW)),
    ("views", ("s", "X", "1"), "/models/views/delete", of(VERSION)),
    ("data models", ("s", "X", "1"), "/models/datamodels", of(MODEL)),
    ("data models", ("s", "X", "1"), "/models/datamodels/delete", of(VERSION)),
    ("assets", {"externalId": "x"}, "/assets/update", of({"externalId": "x", "update": {}})),
    ("assets", {"id": 5}, "/assets/delete", of({"id": 5})),
    ("files", {"externalId": "x"}, "/files?overwrite=true", FILE),
    ("files", {"externalId": "x"}, "/files/initmultipartupload?parts=1&overwrite=true", FILE),
    ("files", {"id": 5}, "/files/completemultipartupload", {"id": 5, "uploadId": "u"}),
    ("files", {"id": 5}, "/files/update", of(BY_ID)),
    ("files", {"id": 5}, "/files/delete", of({"id": 5})),
    ("data sets", {"id": 5}, "/datasets/update", of(BY_ID)),
    ("extraction pipelines", {"id": 5}, "/extpipes/update", of(BY_ID)),
    ("extraction pipelines", {"id": 5}, "/extpipes/delete", of({"id": 5})),
    ("annotations", 5, "/annotations/update", of(BY_ID)),
    ("annotations", 5, "/annotations/delete", of({"id": 5})),
    ("labels", "x", "/labels/update", of({"externalId": "x", "update": {}})),
    ("labels", "x", "/labels/delete", of({"externalId": "x"})),
    ("groups", 5, "/groups/delete", of(5)),
    ("security categories", 5, "/securitycategories/delete", of(5)),
    ("sessions", 5, "/sessions/revoke", of({"id": 5})),
    ("3D models", 5, "/3d/models/update", of(BY_ID)),
    ("3D models", 5, "/3d/models/delete", of({"id": 5})),
    ("3D models", 5, "/3d/migrate/models", of({"modelId": 5, "space": "s", "type": "CAD"})),
    ("3D revisions", 5, "/3d/models/{model_id}/revisions/update", of(BY_ID)),
    ("3D revisions", 5, "/3d/models/{model_id}/revisions/delete", of({"id": 5})),
    ("3D revisions", 5, "/3d/models/{model_id}/revisions/{revision_id}/thumbnail", {"fileId": 5}),
    ("3D jobs", ("s", "x"), "/3d/jobs/delete", of(JOB)),
    ("3D jobs", ("s", "x"), "/3d/job/result/rejections", REJECTIONS),
]  # fmt: skip
CREATIONS = {
    "/annotations", "/annotations/suggest", "/assets", "/context/vision/extract", "/datasets", "/extpipes",
    "/extpipes/runs", "/files/multiuploadlink", "/files/uploadlink", "/groups", "/labels", "/securitycategories",
    "/sessions", "/3d/jobs", "/3d/models", "/3d/models/{model_id}/revisions",
}  # fmt: skip
"""Routes whose resource has no identifier before, or whose identifier is refused where it is taken."""
READS = (
    "/aggregate", "/byids", "/downloadlink", "/inspect", "/list", "/query", "/reverselookup", "/search", "/sync",
)  # fmt: skip


@pytest.fixture(scope="module")
def sandbox_options():
    return {"rate_limits": True, "migration_of_3d": True}


@pytest.fixture(scope="module")
def hall(running):
    client = running.client()
    core.make_collection(client)
    core.make_asset(client, "pump")
    core.make_image(client, "one")


@contextmanager
def data_modeling(running, path):
    """3D jobs are for data modeling projects alone."""
    mode = running.sandbox.options.mode
    object.__setattr__(running.sandbox.options, "mode", ProjectMode.DATA_MODELING if "/3d/job" in path else mode)
    try:
        yield
    finally:
        object.__setattr__(running.sandbox.options, "mode", mode)


@pytest.mark.parametrize(("kind", "identifier", "path", "body"), CHANGES, ids=lambda part: str(part)[:40])
def test_a_resource_that_another_request_changes_is_refused(running, http, hall, kind, identifier, path, body):
    url = path.replace("{entries}", "indexes").replace("{model_id}", "1").replace("{revision_id}", "5")
    with data_modeling(running, path):
        with running.sandbox.conflicts.changing(kind, [identifier]):
            refused = http.post(url, json=body, headers=core.BETA)
        assert refused.status_code == 429, refused.text
        assert refused.json()["error"]["message"].startswith(
            f"Conflicting requests: the same {kind} are being modified"
        )
        assert "retry-after" not in refused.headers
        assert http.post(url, json=body, headers=core.BETA).status_code != 429


def test_every_route_that_changes_a_resource_is_tried():
    posted = {route.path for service in SERVICES for route in service.router.routes if "POST" in route.methods}
    reads = {path for path in posted if path.endswith(READS)}
    tried = {path.partition("?")[0] for _, _, path, _ in CHANGES} | {"/files"}
    assert posted - reads - CREATIONS == tried
    assert posted >= CREATIONS


def test_other_resources_are_no_conflict(running, http):
    with running.sandbox.conflicts.changing("assets", [{"id": 4}]):
        assert http.post("/assets/delete", json=of({"id": 5})).status_code == 400


def test_new_files_are_no_conflict(running, http):
    with running.sandbox.conflicts.changing("files", [{"externalId": "new"}]):
        assert http.post("/files", json={"name": "n", "externalId": "new"}).status_code == 201


def test_a_refused_request_leaves_the_resource_to_the_first(running, http):
    with running.sandbox.conflicts.changing("assets", [{"id": 5}]):
        for _ in range(2):
            assert http.post("/assets/delete", json=of({"id": 5}, {"id": 6})).status_code == 429


@pytest.mark.parametrize("options", [{"rate_limits": False}, {"conflicting_requests_are_refused": False}])
def test_conflicts_can_be_switched_off(start_sandbox, options):
    with start_sandbox(**{"rate_limits": True} | options) as other:
        held = other.sandbox.conflicts.changing("assets", [{"id": 5}])
        with held, other.http() as http:
            assert http.post("/assets/delete", json=of({"id": 5})).status_code == 400
