"""Capabilities and their scopes, and project modes."""

import pytest
from cognite.client.exceptions import CogniteAPIError

from local_cdf import PLAIN


@pytest.fixture
def own(start_sandbox):
    with start_sandbox() as running, running.http() as http:
        yield running, http


def limited_client(running, capabilities):
    return running.client(*running.make_client("limited", capabilities))


def test_capabilities_and_their_scopes(own):
    running, http = own
    ids = [http.post("/datasets", json={"items": [{"name": n}]}).json()["items"][0]["id"] for n in ("a", "b")]
    full = running.client()
    for number, data_set in enumerate([*ids, None]):
        full.files.upload_bytes(b".", name="n", external_id=f"f{number}", data_set_id=data_set)
    scope = {"datasetScope": {"ids": [str(ids[0])]}}
    client = limited_client(running, [{"filesAcl": {"actions": ["READ", "WRITE"], "scope": scope}}])
    assert [file.external_id for file in client.files.list()] == ["f0"]
    assert client.files.download_bytes(external_id="f0") == b"."
    for forbidden in (
        lambda: client.files.retrieve(external_id="f1"),
        lambda: client.files.upload_bytes(b".", name="x"),
        lambda: client.files.upload_bytes(b".", name="x", data_set_id=ids[1]),
        lambda: client.files.upload_bytes(b".", name="x", external_id="f1", data_set_id=ids[0], overwrite=True),
        lambda: client.files.delete(external_id="f2"),
        lambda: client.assets.list(),
        lambda: client.data_sets.list(),
    ):
        with pytest.raises(CogniteAPIError) as refused:
            forbidden()
        assert refused.value.code == 403
        assert "insufficient access rights" in refused.value.message
    client.files.upload_bytes(b".", name="x", external_id="mine", data_set_id=ids[0])


def test_reading_is_not_writing(own):
    running, _ = own
    client = limited_client(running, [{"filesAcl": {"actions": ["READ"], "scope": {"all": {}}}}])
    client.files.list()
    with pytest.raises(CogniteAPIError) as refused:
        client.files.upload_bytes(b".", name="x")
    assert refused.value.code == 403


def all_of(acl, *actions):
    return {acl: {"actions": list(actions), "scope": {"all": {}}}}


WRITES = [
    ("/files", lambda data_set: {"name": "n", "dataSetId": data_set}),
    ("/files/initmultipartupload?parts=1", lambda data_set: {"name": "n", "dataSetId": data_set}),
    ("/files/update", lambda _: {"items": [{"externalId": "inside", "update": {"source": {"set": "s"}}}]}),
    (
        "/files/update",
        lambda data_set: {"items": [{"externalId": "outside", "update": {"dataSetId": {"set": data_set}}}]},
    ),
    ("/files/uploadlink", lambda _: {"items": [{"externalId": "inside"}]}),
    ("/files/delete", lambda _: {"items": [{"externalId": "inside"}]}),
    ("/assets", lambda data_set: {"items": [{"name": "n", "dataSetId": data_set}]}),
    ("/3d/models", lambda data_set: {"items": [{"name": "n", "dataSetId": data_set}]}),
    ("/extpipes", lambda data_set: {"items": [{"externalId": "p", "name": "n", "dataSetId": data_set}]}),
]


def test_a_write_protected_data_set_is_its_owners(own):
    running, http = own
    made = http.post("/datasets", json={"items": [{"writeProtected": True}, {"writeProtected": True}]}).json()["items"]
    protected, foreign = (data_set["id"] for data_set in made)
    for name, data_set in (("inside", {"dataSetId": protected}), ("outside", {})):
        http.post("/files", json={"name": "n", "externalId": name} | data_set).raise_for_status()
    may = [
        all_of("filesAcl", "READ", "WRITE"), all_of("assetsAcl", "WRITE"), all_of("threedAcl", "CREATE"),
        all_of("extractionPipelinesAcl", "WRITE"), all_of("datasetsAcl", "READ"),
    ]  # fmt: skip
    owned = {"datasetsAcl": {"actions": ["OWNER"], "scope": {"idScope": {"ids": [str(protected)]}}}}
    with running.http(*running.make_client("writer", may)) as writer:
        for path, body in WRITES:
            refused = writer.post(path, json=body(protected))
            assert refused.status_code == 403, path
            assert "datasetsAcl:OWNER" in refused.json()["error"]["message"]
        assert writer.get("/files").json()["items"][0]["name"] == "n", "reading needs no owner"
        assert writer.post("/files", json={"name": "n"}).status_code == 201
    with running.http(*running.make_client("owner", [*may, owned])) as owner:
        for path, body in WRITES:
            assert owner.post(path, json=body(protected)).status_code in (200, 201), path
        assert owner.post("/files", json={"name": "n", "dataSetId": foreign}).status_code == 403


def test_who_reports_runs_may_read_data_sets(own):
    running, http = own
    data_set = http.post("/datasets", json={"items": [{}]}).json()["items"][0]["id"]
    pipeline = {"externalId": "p", "name": "n", "dataSetId": data_set}
    http.post("/extpipes", json={"items": [pipeline]}).raise_for_status()
    may = [all_of("extractionPipelinesAcl", "READ", "WRITE"), all_of("extractionRunsAcl", "READ", "WRITE")]
    with running.http(*running.make_client("reporter", may)) as reporter:
        for path, item in (
            ("/extpipes", pipeline | {"externalId": "q"}),
            ("/extpipes/update", {"externalId": "p", "update": {"name": {"set": "m"}}}),
            ("/extpipes/runs", {"externalId": "p", "status": "seen"}),
            ("/extpipes/delete", {"externalId": "p"}),
        ):
            refused = reporter.post(path, json={"items": [item]})
            assert refused.status_code == 403, path
            assert "datasetsAcl:READ" in refused.json()["error"]["message"]
        assert len(reporter.get("/extpipes").json()["items"]) == 1


def test_annotations_are_for_those_who_may_read_the_file(own):
    running, http = own
    ids = [http.post("/datasets", json={"items": [{}]}).json()["items"][0]["id"] for _ in range(2)]
    annotation = {
        "annotatedResourceType": "file", "annotationType": "images.InstanceLink", "status": "approved",
        "data": {
            "text": "P-1", "textRegion": {"xMin": 0.1, "xMax": 0.2, "yMin": 0.1, "yMax": 0.2},
            "instanceRef": {"space": "s", "externalId": "x", "instanceType": "node", "sources": []},
        },
        "creatingApp": "a", "creatingAppVersion": "1.0.0", "creatingUser": None,
    }  # fmt: skip
    made = []
    for data_set in ids:
        file = http.post("/files", json={"name": "n", "dataSetId": data_set}).json()["id"]
        items = [annotation | {"annotatedResourceId": file}]
        made.append(http.post("/annotations", json={"items": items}).raise_for_status().json()["items"][0])
    scope = {"datasetScope": {"ids": [str(ids[0])]}}
    may = [all_of("annotationsAcl", "READ", "WRITE"), {"filesAcl": {"actions": ["READ"], "scope": scope}}]
    with running.http(*running.make_client("annotator", may)) as annotator:
        statuses = []
        for each in made:
            one = {"id": each["id"]}
            statuses.append(
                [
                    annotator.get(f"/annotations/{each['id']}").status_code,
                    annotator.post("/annotations/byids", json={"items": [one]}).status_code,
                    annotator.post(
                        "/annotations/update", json={"items": [one | {"update": {"status": {"set": "rejected"}}}]}
                    ).status_code,
                ]
            )
        assert statuses == [[200] * 3, [403] * 3]
        lookup = {"annotatedResourceType": "file", "annotationType": "images.InstanceLink", "data": {"text": "P-1"}}
        found = annotator.post("/annotations/reverselookup", json={"filter": lookup}).json()["items"]
        assert [file["id"] for file in found] == [made[0]["annotatedResourceId"]]
        assert annotator.post("/annotations/delete", json={"items": [{"id": made[1]["id"]}]}).status_code == 403


def test_a_foreign_project_is_refused(own):
    running, http = own
    answer = http.get(f"{running.base_url}/api/v1/projects/foreign/files")
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("mode", "status"), [("asset_centric", "HYBRID"), ("hybrid", "HYBRID"), ("data_modeling", "DATA_MODELING_ONLY")]
)
def test_project_kinds(start_sandbox, mode, status):
    from cdf_sandbox.core.options import ProjectMode

    with start_sandbox(mode=ProjectMode(mode)) as running, running.http() as http:
        answer = http.get(f"{running.base_url}/api/v1/projects", params={"withDataModelingStatus": "true"})
        assert answer.json()["items"] == [{"urlName": "capture360", "dataModelingStatus": status}]
        made = http.post("/assets", json={"items": [{"name": "a"}]})
        assert made.status_code == (403 if mode == "data_modeling" else 201)
        file = running.client().files.upload_bytes(b".", name="f")
        annotation = {
            "annotatedResourceType": "file",
            "annotatedResourceId": file.id,
            "annotationType": "images.Classification",
            "data": {"label": "hall"},
            "status": "approved",
            "creatingApp": "a",
            "creatingAppVersion": "1.0.0",
            "creatingUser": None,
        }
        made = http.post("/annotations", json={"items": [annotation]})
        assert made.status_code == (403 if mode == "data_modeling" else 201)


def test_the_project_tells_how_its_tokens_are_issued(running, http):
    shown = http.get("").raise_for_status().json()
    assert (shown["urlName"], shown["userProfilesConfiguration"]) == ("capture360", {"enabled": False})
    assert shown["oidcConfiguration"]["tokenUrl"] == running.connection["token_url"]
    with running.http(*running.make_client("unknowing", [])) as session:
        assert session.get("").status_code == 403
    assert http.get(f"{running.base_url}/api/v1/projects/other").status_code == 401


READ = {"actions": ["READ"], "scope": {"all": {}}}


@pytest.mark.parametrize(
    "capability",
    [{"filesAcl": {}}, {}, {"filesAcl": READ, "assetsAcl": READ}, {"nothingAcl": READ}, 5,
     {"filesAcl": READ | {"scope": {}}}, {"filesAcl": READ | {"actions": ["FLY"]}}],
)  # fmt: skip
def test_a_client_has_capabilities_that_groups_may_grant(running, capability):
    body = {"clientId": "odd", "capabilities": [capability]}
    answer = PLAIN.post(f"{running.base_url}/sandbox/clients", json=body)
    assert answer.status_code == 400, answer.text


def test_nulls_in_a_capability_count_as_left_out(running):
    scope = {"all": {}, "datasetScope": None}
    capability = {"filesAcl": READ | {"scope": scope, "version": None}, "assetsAcl": None}
    with running.http(*running.make_client("nulls", [capability])) as http:
        assert http.post("/files/list", json={}).status_code == 200
        assert http.get("/groups").json()["items"][0]["capabilities"] == [{"filesAcl": READ}]
