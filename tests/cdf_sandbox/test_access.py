"""Capabilities and their scopes, projects and their kinds."""

import pytest
from cognite.client.exceptions import CogniteAPIError


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


def test_a_foreign_project_is_refused(own):
    running, http = own
    answer = http.get(f"{running.base_url}/api/v1/projects/foreign/files")
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("mode", "status"), [("asset_centric", "HYBRID"), ("hybrid", "HYBRID"), ("data_modeling", "DATA_MODELING_ONLY")]
)
def test_project_kinds(start_sandbox, mode, status):
    from cdf_sandbox.options import ProjectMode

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
