"""Files through the SDK."""

import io

import pytest
from cognite.client.data_classes import FileMetadataFilter, FileMetadataUpdate, FileMetadataWrite
from cognite.client.exceptions import CogniteAPIError, CogniteDuplicatedError, CogniteNotFoundError
from PIL import Image

from local_cdf import PLAIN

JPEG = {"mime_type": "image/jpeg"}


def test_upload_retrieve_download(client):
    client.files.upload_bytes(
        b"face", name="front.jpg", external_id="life_front", metadata={"face": "front"}, directory="/a/b", **JPEG
    )
    file = client.files.retrieve(external_id="life_front")
    assert (file.name, file.mime_type, file.metadata, file.directory) == (
        "front.jpg", "image/jpeg", {"face": "front"}, "/a/b",
    )  # fmt: skip
    assert file.uploaded
    assert file.uploaded_time >= file.created_time
    assert client.files.download_bytes(external_id="life_front") == b"face"
    assert client.files.retrieve(id=file.id) == file
    assert client.files.retrieve(external_id="nothing") is None


def test_the_same_external_id_twice_is_a_duplicate(client):
    client.files.upload_bytes(b"1", name="a", external_id="twice")
    with pytest.raises(CogniteDuplicatedError) as refused:
        client.files.upload_bytes(b"2", name="a", external_id="twice")
    assert refused.value.duplicated == [{"externalId": "twice"}]
    assert client.files.download_bytes(external_id="twice") == b"1"


def test_old_content_stays_until_the_new_is_in(client, http):
    client.files.upload_bytes(b"old", name="a", external_id="over", metadata={"a": "1", "b": "2"}, source="s")
    answer = http.post("/files?overwrite=true", json={"name": "b", "externalId": "over", "metadata": {"c": "3"}})
    assert answer.status_code == 201
    file = client.files.retrieve(external_id="over")
    assert (file.name, file.metadata, file.source, file.uploaded) == ("b", {"c": "3"}, "s", True)
    assert client.files.download_bytes(external_id="over") == b"old"
    assert PLAIN.put(answer.json()["uploadUrl"], content=b"new").status_code == 200
    assert client.files.download_bytes(external_id="over") == b"new"


def test_multipart_from_disk_and_by_session(client, tmp_path):
    content = bytes(range(256)) * 30_000
    path = tmp_path / "scan.e57"
    path.write_bytes(content)
    client.files.upload(path, external_id="multi_disk")
    assert client.files.download_bytes(external_id="multi_disk") == content
    half = 6 * 1024 * 1024
    with client.files.multipart_upload_session(name="x", external_id="multi_session", parts=2) as session:
        session.upload_part(1, content[half:])
        session.upload_part(0, content[:half])
    assert client.files.download_bytes(external_id="multi_session") == content
    path.write_bytes(b"")
    client.files.upload(path, external_id="multi_empty")
    assert client.files.download_bytes(external_id="multi_empty") == b""


def test_content_of_an_entry_that_is_there(client):
    file, _ = client.files.create(FileMetadataWrite(name="later", external_id="later"))
    assert not file.uploaded
    with pytest.raises(CogniteAPIError, match="not uploaded"):
        client.files.download_bytes(id=file.id)
    client.files.upload_content_bytes(b"now", external_id="later")
    assert client.files.download_bytes(id=file.id) == b"now"


def test_list_filter_search_count(client):
    for number in range(5):
        client.files.upload_bytes(
            b".", name=f"tag plate {number}.png", external_id=f"many_{number}", source="many",
            metadata={"parity": str(number % 2)}, directory=f"/many/{number}",
        )  # fmt: skip
    assert len(client.files.list(source="many", limit=None)) == 5
    assert {f.external_id for f in client.files.list(source="many", metadata={"parity": "1"})} == {"many_1", "many_3"}
    assert len(client.files.list(directory_prefix="/many/2")) == 1
    assert len(client.files.list(external_id_prefix="many_", uploaded=True)) == 5
    assert len(list(client.files(source="many", chunk_size=2))) == 3
    found = client.files.search(name="plate 3", filter=FileMetadataFilter(source="many"))
    assert found[0].external_id == "many_3"
    assert client.files.aggregate_count(FileMetadataFilter(source="many")) == 5


def test_update_and_delete(client):
    file = client.files.upload_bytes(b".", name="u", external_id="upd", metadata={"a": "1", "b": "2"}, source="x")
    update = FileMetadataUpdate(id=file.id).metadata.add({"c": "3"}).metadata.remove(["a"])
    update = update.source.set(None).mime_type.set("image/png")
    changed = client.files.update(update)
    assert (changed.metadata, changed.source, changed.mime_type) == ({"b": "2", "c": "3"}, None, "image/png")
    client.files.delete(external_id="upd")
    with pytest.raises(CogniteNotFoundError) as refused:
        client.files.delete(external_id="upd")
    assert refused.value.not_found == [{"externalId": "upd"}]
    client.files.delete(external_id="upd", ignore_unknown_ids=True)
    with pytest.raises(CogniteNotFoundError):
        client.files.retrieve_multiple(external_ids=["upd"])


def test_byids_answers_in_the_order_of_the_request(client):
    ids = {name: client.files.upload_bytes(b".", name=name, external_id=f"order_{name}").id for name in "abc"}
    found = client.files.retrieve_multiple(ids=[ids["c"]], external_ids=["order_a", "order_b"])
    assert [file.name for file in found] == ["c", "a", "b"]


def test_icon_is_a_small_picture(client, http):
    picture = io.BytesIO()
    Image.new("RGB", (1024, 512), (200, 10, 10)).save(picture, "PNG")
    file = client.files.upload_bytes(picture.getvalue(), name="p.png", mime_type="image/png")
    answer = http.get("/files/icon", params={"id": file.id})
    assert answer.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(answer.content)) as small:
        assert small.size == (200, 100)
        assert small.getpixel((100, 50))[0] > 150
    text = client.files.upload_bytes(b"no picture", name="t.txt")
    assert http.get("/files/icon", params={"id": text.id}).status_code == 400
    assert http.get("/files/icon").status_code == 400
