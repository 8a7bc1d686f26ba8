"""3D models and revisions: classic ones, nodes in data modeling, and what each project mode accepts."""

import pytest
from cognite.client.data_classes import (
    DataSetWrite,
    FileMetadataWrite,
    ThreeDModelRevisionUpdate,
    ThreeDModelRevisionWrite,
    ThreeDModelUpdate,
    ThreeDModelWrite,
)
from cognite.client.data_classes.data_modeling import NodeId, SpaceApply
from cognite.client.data_classes.data_modeling.cdm.v1 import Cognite360ImageModel
from cognite.client.exceptions import CogniteAPIError

import core_project as core
from cdf_sandbox.core.options import ProjectMode
from cdf_sandbox_calls import PNG


@pytest.fixture
def scan(client):
    return client.files.upload_bytes(b"ASTM-E57", name="scan.e57")


def test_models_by_sdk(client):
    model = client.three_d.models.create(name="hall", metadata={"capture360": "a/b"})
    twin = client.three_d.models.create(ThreeDModelWrite(name="hall"))
    assert model.id != twin.id
    assert client.three_d.models.retrieve(model.id) == model
    assert {m.id for m in client.three_d.models.list(limit=None)} >= {model.id, twin.id}
    changed = client.three_d.models.update(ThreeDModelUpdate(model.id).name.set("new").metadata.add({"x": "y"}))
    assert (changed.name, changed.metadata) == ("new", {"capture360": "a/b", "x": "y"})
    client.three_d.models.delete([model.id, twin.id])
    assert client.three_d.models.retrieve(model.id) is None


def test_a_revision_goes_its_way_by_the_clock(start_sandbox):
    with start_sandbox(revision_queue=10, revision_processing=20) as running:
        running.hold_clock()
        client = running.client()
        file = client.files.upload_bytes(b"points", name="scan.las")
        model = client.three_d.models.create(name="hall")
        revision = client.three_d.revisions.create(model.id, ThreeDModelRevisionWrite(file_id=file.id))
        seen = []
        for _ in range(4):
            seen.append(client.three_d.revisions.retrieve(model.id, revision.id).status)
            running.advance(9)
        assert seen == ["Queued", "Queued", "Processing", "Processing"]
        assert client.three_d.revisions.retrieve(model.id, revision.id).status == "Done"


@pytest.mark.parametrize(
    ("needs_readable_file", "status_of_unreadable", "status_of_absent"), [(True, 403, 403), (False, 201, 400)]
)
def test_a_revision_of_a_file_that_the_caller_may_not_read(
    start_sandbox, needs_readable_file, status_of_unreadable, status_of_absent
):
    with start_sandbox(revision_needs_readable_file=needs_readable_file) as running:
        client = running.client()
        own, other = (client.data_sets.create(DataSetWrite(name=name)).id for name in ("own", "other"))
        files = [client.files.upload_bytes(PNG, name="f", data_set_id=i).id for i in (own, other)]
        model = client.three_d.models.create(name="hall").id
        three_d = {"threedAcl": {"actions": ["CREATE", "UPDATE"], "scope": {"all": {}}}}
        of_own = {"filesAcl": {"actions": ["READ"], "scope": {"datasetScope": {"ids": [own]}}}}

        def status(http, file):
            made = http.post(f"/3d/models/{model}/revisions", json={"items": [{"fileId": file}]})
            if made.status_code == 201:
                revision = made.json()["items"][0]["id"]
                http.post(
                    f"/3d/models/{model}/revisions/{revision}/thumbnail", json={"fileId": file}
                ).raise_for_status()
            return made.status_code

        with running.http(*running.make_client("scoped", [three_d, of_own])) as http:
            assert [status(http, file) for file in files] == [201, status_of_unreadable]
        with running.http(*running.make_client("blind", [three_d])) as http:
            assert [status(http, file) for file in files] == [status_of_unreadable] * 2
            assert status(http, 5) == status_of_absent


def test_a_thumbnail_of_a_file_that_the_caller_may_not_read(running, client, scan):
    model = client.three_d.models.create(name="hall").id
    revision = client.three_d.revisions.create(model, ThreeDModelRevisionWrite(file_id=scan.id)).id
    three_d = {"threedAcl": {"actions": ["UPDATE"], "scope": {"all": {}}}}
    with running.http(*running.make_client("without_files", [three_d])) as http:
        answer = http.post(f"/3d/models/{model}/revisions/{revision}/thumbnail", json={"fileId": scan.id})
    assert answer.status_code == 403


def test_revisions_by_sdk(client, scan):
    model = client.three_d.models.create(name="hall")
    revision = client.three_d.revisions.create(
        model.id, ThreeDModelRevisionWrite(file_id=scan.id, rotation=[0.0, 0.0, 1.5], metadata={"a": "b"})
    )
    assert (revision.file_id, revision.rotation, revision.published) == (scan.id, [0.0, 0.0, 1.5], False)
    assert [r.id for r in client.three_d.revisions.list(model.id)] == [revision.id]
    changed = client.three_d.revisions.update(
        model.id, ThreeDModelRevisionUpdate(id=revision.id).published.set(True).metadata.remove(["a"])
    )
    assert (changed[0] if isinstance(changed, list) else changed).published
    for content in (PNG, core.picture(size=16)):
        picture = client.files.upload_bytes(content, name="picture")
        client.three_d.revisions.update_thumbnail(model.id, revision.id, picture.id)
        assert client.three_d.revisions.retrieve(model.id, revision.id).thumbnail_threed_file_id == picture.id
    for other in (scan.id, client.files.create(FileMetadataWrite(name="empty.png"))[0].id):
        with pytest.raises(CogniteAPIError, match="JPEG or PNG") as refused:
            client.three_d.revisions.update_thumbnail(model.id, revision.id, other)
        assert refused.value.code == 400
    client.three_d.revisions.delete(model.id, revision.id)
    assert client.three_d.revisions.retrieve(model.id, revision.id) is None


def test_a_file_without_content_fails_with_logs(start_sandbox):
    with start_sandbox(revision_queue=0, revision_processing=0) as running, running.http() as http:
        client = running.client()
        file = http.post("/files", json={"name": "empty.las"}).json()
        model = client.three_d.models.create(name="hall")
        revision = client.three_d.revisions.create(model.id, ThreeDModelRevisionWrite(file_id=file["id"]))
        assert client.three_d.revisions.retrieve(model.id, revision.id).status == "Failed"
        url = f"/3d/models/{model.id}/revisions/{revision.id}/logs"
        (error,) = http.get(url, params={"severity": 7}).json()["items"]
        assert (error["type"], error["severity"]) == ("CONVERTER/FAILED", 7)
        assert "no content" in error["info"]
        assert len(http.get(url, params={"severity": 3}).json()["items"]) == 2


def test_a_model_in_data_modeling_has_a_node(client, http):
    client.data_modeling.spaces.apply(SpaceApply("scans"))
    made = http.post("/3d/models", json={"items": [{"name": "hall", "space": "scans", "type": "Image360"}]})
    assert made.status_code == 201, made.text
    model = made.json()["items"][0]
    node = client.data_modeling.instances.retrieve_nodes(
        NodeId("scans", f"cog_3d_model_{model['id']}"), node_cls=Cognite360ImageModel
    )
    assert (node.name, node.model_type) == ("hall", "Image360")
    deleted = http.post(
        "/3d/models/delete", json={"items": [{"instanceId": node.as_id().dump(include_instance_type=False)}]}
    )
    assert deleted.json() == {}
    assert client.three_d.models.retrieve(model["id"]) is None


NODE = {"name": "m", "space": "scans", "type": "Image360"}


@pytest.mark.parametrize(
    ("mode", "item", "taken"),
    [
        ("asset_centric", {"name": "m"}, True),
        ("asset_centric", NODE, False),
        ("hybrid", {"name": "m"}, True),
        ("hybrid", NODE, True),
        ("data_modeling", {"name": "m"}, False),
        ("data_modeling", NODE, True),
    ],
)
def test_what_each_kind_of_project_takes(start_sandbox, mode, item, taken):
    with start_sandbox(mode=ProjectMode(mode)) as running, running.http() as http:
        running.client().data_modeling.spaces.apply(SpaceApply("scans"))
        answer = http.post("/3d/models", json={"items": [item]})
        assert answer.status_code == (201 if taken else 400)
        if mode == "data_modeling" and taken:
            client = running.client()
            file = client.files.upload_bytes(b".", name="scan.e57")
            url = f"/3d/models/{answer.json()['items'][0]['id']}/revisions"
            assert http.post(url, json={"items": [{"fileId": file.id}]}).status_code == 400
            nonce = client.iam.sessions.create().nonce
            body = {"items": [{"fileId": file.id, "nonce": nonce}]}
            assert http.post(url, json=body).status_code == 201
            spent = http.post(url, json=body)
            assert spent.status_code == 400
            assert "nonce" in spent.json()["error"]["message"]


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"name": ""},
        {"name": "m" * 256},
        {"name": "m", "metadata": {"k" * 33: "v"}},
        {"name": "m", "metadata": {"k": "v" * 513}},
        {"name": "m", "metadata": {str(number): "v" for number in range(17)}},
        {"name": "m", "space": "scans"},
        {"name": "m", "type": "Image360"},
        {"name": "m", "space": "scans", "type": "Hologram"},
        {"name": "m", "dataSetId": 3},
    ],
)
def test_bad_models(http, item):
    answer = http.post("/3d/models", json={"items": [item]})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


def test_a_model_in_a_space_that_is_missing_is_answered_by_500(http):
    """As CDF was seen to do, and not by the refusal that one would expect."""
    item = {"name": "m", "space": "nowhere", "type": "Image360"}
    assert http.post("/3d/models", json={"items": [item]}).status_code == 500


def test_unknown_files_and_models(client, http, scan):
    model = client.three_d.models.create(name="hall")
    answer = http.post(f"/3d/models/{model.id}/revisions", json={"items": [{"fileId": 5}]})
    assert (answer.status_code, answer.json()["error"]["missing"]) == (400, [{"id": 5}])
    assert http.post("/3d/models/5/revisions", json={"items": [{"fileId": scan.id}]}).status_code == 404
    with pytest.raises(CogniteAPIError):
        client.three_d.models.delete(5)


def test_models_of_data_modeling_are_for_readers_of_their_space(running, http):
    http.post("/models/spaces", json={"items": [{"space": "models"}]}).raise_for_status()
    body = {"items": [{"name": "n", "space": "models", "type": "Image360"}]}
    model = http.post("/3d/models", json=body).raise_for_status().json()["items"][0]["id"]

    def of(name, *grants):
        with running.http(*running.make_client(name, list(grants))) as session:
            listed = session.get("/3d/models", params={"limit": 1000}).raise_for_status().json()["items"]
            return model in {each["id"] for each in listed}, session.get(f"/3d/models/{model}").status_code

    def read(acl, scope):
        return {acl: {"actions": ["READ"], "scope": scope}}

    in_data_set, here = {"datasetScope": {"ids": [7]}}, {"spaceIdScope": {"spaceIds": ["models"]}}
    elsewhere = {"spaceIdScope": {"spaceIds": ["other"]}}
    assert of("3D alone", read("threedAcl", {"all": {}})) == (False, 403)
    assert of("elsewhere", read("threedAcl", {"all": {}}), read("dataModelInstancesAcl", elsewhere)) == (False, 403)
    assert of("here", read("threedAcl", in_data_set), read("dataModelInstancesAcl", here)) == (True, 200)
    assert of("everywhere", read("threedAcl", {"all": {}}), read("dataModelInstancesAcl", {"all": {}})) == (True, 200)


def test_the_parameter_for_revisions_is_in_lower_case(http):
    (model,) = http.post("/3d/models", json={"items": [{"name": "n"}]}).raise_for_status().json()["items"]
    listed = http.get("/3d/models", params={"includerevisioninfo": "true"}).raise_for_status().json()["items"]
    assert {each["id"]: each["lastRevisionInfo"]["revisionCount"] for each in listed}[model["id"]] == 0
    refused = http.get("/3d/models", params={"includeRevisionInfo": "true"})
    words = "Unrecognized query parameter includeRevisionInfo, did you mean includerevisioninfo?"
    assert (refused.status_code, refused.json()["error"]["message"]) == (400, words)
