"""CogniteFile nodes and their classic files."""

import pytest
from cognite.client.data_classes.data_modeling import NodeId, SpaceApply
from cognite.client.data_classes.data_modeling.cdm.v1 import CogniteFile, CogniteFileApply
from cognite.client.exceptions import CogniteAPIError, CogniteNotFoundError

NODE = NodeId("images", "front_1")


@pytest.fixture
def own(start_sandbox):
    with start_sandbox(syncer_delay=5) as running:
        running.hold_clock()
        client = running.client()
        client.data_modeling.spaces.apply(SpaceApply("images"))
        client.data_modeling.instances.apply(
            CogniteFileApply(*NODE.as_tuple(), name="front.jpg", mime_type="image/jpeg", directory="/a")
        )
        yield running, client


def test_the_file_comes_later_and_the_node_learns_of_the_upload(own):
    running, client = own
    assert client.files.retrieve(instance_id=NODE) is None
    with pytest.raises(CogniteNotFoundError):
        client.files.upload_content_bytes(b"face", instance_id=NODE)
    running.advance(6)
    file = client.files.retrieve(instance_id=NODE)
    assert (file.name, file.mime_type, file.directory, file.instance_id) == ("front.jpg", "image/jpeg", "/a", NODE)
    node = client.data_modeling.instances.retrieve_nodes(NODE, node_cls=CogniteFile)
    assert not node.is_uploaded
    client.files.upload_content_bytes(b"face", instance_id=NODE)
    assert client.files.download_bytes(instance_id=NODE) == b"face"
    node = client.data_modeling.instances.retrieve_nodes(NODE, node_cls=CogniteFile)
    assert node.is_uploaded
    assert node.uploaded_time is not None


def test_the_node_owns_its_file(own):
    running, client = own
    running.advance(6)
    file = client.files.retrieve(instance_id=NODE)
    with pytest.raises(CogniteAPIError, match="data modeling"):
        client.files.delete(id=file.id)
    client.data_modeling.instances.apply(CogniteFileApply(*NODE.as_tuple(), name="renamed.jpg"))
    assert client.files.retrieve(id=file.id).name == "renamed.jpg"
    source = {"type": "container", "space": "cdf_cdm", "externalId": "CogniteFile"}
    emptied = {"sources": [{"source": source, "properties": {"directory": None, "mimeType": None}}]}
    node = {"instanceType": "node", "space": NODE.space, "externalId": NODE.external_id}
    with running.http() as http:
        http.post("/models/instances", json={"items": [node | emptied]}).raise_for_status()
    bare = client.files.retrieve(id=file.id)
    assert (bare.name, bare.directory, bare.mime_type) == ("renamed.jpg", None, None)
    client.files.upload_content_bytes(b"face", instance_id=NODE)
    client.data_modeling.instances.delete(NODE)
    assert client.files.retrieve(id=file.id) is None
    assert not list((running.sandbox.options.data / "blobs").glob("??/*"))


def test_one_that_never_comes(start_sandbox):
    with start_sandbox(syncer_delay=None) as running:
        client = running.client()
        client.data_modeling.spaces.apply(SpaceApply("images"))
        client.data_modeling.instances.apply(CogniteFileApply(*NODE.as_tuple(), name="front.jpg"))
        running.advance(10**6)
        assert running.client().files.retrieve(instance_id=NODE) is None
