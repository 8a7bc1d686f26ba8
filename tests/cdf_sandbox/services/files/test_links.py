"""Upload and download links: expiry, strict headers, and complete contents only."""

import socket
from urllib.parse import urlsplit

import pytest

from local_cdf import PLAIN


@pytest.fixture
def own(start_sandbox):
    with start_sandbox() as running, running.http() as http:
        running.hold_clock()
        running.project_http = http
        yield running


def create(http, **fields):
    answer = http.post("/files", json={"name": "n", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def put(url, content=b"x", **headers):
    return PLAIN.put(url, content=content, headers=headers)


def message_of(answer):
    assert answer.json()["error"]["code"] == answer.status_code
    return answer.json()["error"]["message"]


def test_links_lead_to_another_origin(own):
    url = create(own.project_http)["uploadUrl"]
    assert urlsplit(url).port not in (urlsplit(own.base_url).port, None)
    assert put(url).status_code == 200


def test_upload_links_expire_after_a_week(own):
    url = create(own.project_http)["uploadUrl"]
    own.advance(7 * 86400 - 5)
    assert put(url).status_code == 200
    own.advance(6)
    answer = put(url)
    assert answer.status_code == 403
    assert "expired" in message_of(answer)


@pytest.mark.parametrize(("extended", "seconds"), [(False, 30), (True, 3600)])
def test_download_links_expire(own, extended, seconds):
    file = create(own.project_http)
    put(file["uploadUrl"])
    links = own.project_http.post(
        "/files/downloadlink", params={"extendedExpiration": extended}, json={"items": [{"id": file["id"]}]}
    )
    url = links.json()["items"][0]["downloadUrl"]
    own.advance(seconds - 2)
    assert PLAIN.get(url).content == b"x"
    own.advance(3)
    assert PLAIN.get(url).status_code == 403


@pytest.mark.parametrize(
    ("wanted", "status", "content", "stated"),
    [
        ("bytes=0-0", 206, b"0", "bytes 0-0/8"),
        ("bytes=6-", 206, b"67", "bytes 6-7/8"),
        ("bytes=2-99", 206, b"234567", "bytes 2-7/8"),
        ("bytes=8-", 416, b"", "bytes */8"),
        ("lines=1-2", 200, b"01234567", None),
    ],
)
def test_a_download_gives_one_range_of_its_bytes(own, wanted, status, content, stated):
    file = create(own.project_http)
    put(file["uploadUrl"], b"01234567")
    link = own.project_http.post("/files/downloadlink", json={"items": [{"id": file["id"]}]}).json()["items"][0]
    answer = PLAIN.get(link["downloadUrl"], headers={"range": wanted})
    assert (answer.status_code, answer.content, answer.headers.get("content-range")) == (status, content, stated)


def test_download_has_the_media_type_and_allows_browsers(own):
    file = create(own.project_http, mimeType="image/png", externalId="e")
    put(file["uploadUrl"], b"png", **{"content-type": "image/png"})
    link = own.project_http.post("/files/downloadlink", json={"items": [{"externalId": "e"}]}).json()["items"][0]
    assert link["externalId"] == "e"
    answer = PLAIN.get(link["downloadUrl"], headers={"origin": "http://localhost:1"})
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-length"] == "3"


def test_the_media_type_is_part_of_the_link(own):
    url = create(own.project_http, mimeType="image/png")["uploadUrl"]
    assert put(url, **{"content-type": "image/jpeg"}).status_code == 403
    assert put(url).status_code == 403
    assert put(url, **{"content-type": "image/png"}).status_code == 200


def test_chunked_bodies_are_refused(own):
    url = create(own.project_http)["uploadUrl"]
    answer = PLAIN.put(url, content=iter([b"a", b"b"]))
    assert answer.status_code == 411
    assert "Content-Length" in message_of(answer)


def test_a_body_that_ends_early_leaves_the_old_content(own):
    file = create(own.project_http, externalId="early")
    put(file["uploadUrl"], b"old")
    parts = urlsplit(file["uploadUrl"])
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall(f"PUT {parts.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nonly this".encode())
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1000)
    link = own.project_http.post("/files/downloadlink", json={"items": [{"id": file["id"]}]}).json()
    assert PLAIN.get(link["items"][0]["downloadUrl"]).content == b"old"
    blobs = own.sandbox.options.data / "blobs"
    assert len(list(blobs.glob("??/*"))) == 1
    assert not list((blobs / "incoming").iterdir())


@pytest.mark.parametrize("spoil", [lambda u: u[:-3], lambda u: u.replace("upload/", "download/"), lambda u: u + "Aé"])
def test_forged_links_are_refused(own, spoil):
    url = spoil(create(own.project_http)["uploadUrl"])
    method = "GET" if "/download/" in url else "PUT"
    answer = PLAIN.request(method, url)
    assert answer.status_code == 403
    assert "not valid" in message_of(answer)


def test_a_link_of_a_deleted_file_is_not_found(own):
    file = create(own.project_http)
    own.project_http.post("/files/delete", json={"items": [{"id": file["id"]}]})
    assert put(file["uploadUrl"]).status_code == 404


def test_multipart_rules(own):
    http = own.project_http
    started = http.post("/files/initmultipartupload", params={"parts": 2}, json={"name": "m"}).json()
    complete = {"id": started["id"], "uploadId": started["uploadId"]}
    assert put(started["uploadUrls"][0], b"1", **{"content-type": "image/png"}).status_code == 403
    assert put(started["uploadUrls"][0], b"1").status_code == 200
    assert "[2] of 2" in message_of(http.post("/files/completemultipartupload", json=complete))
    assert put(started["uploadUrls"][1], b"2").status_code == 200
    assert "too small" in message_of(http.post("/files/completemultipartupload", json=complete))
    first = b"1" * (5 * 1024 * 1024 + 1)
    assert put(started["uploadUrls"][0], first).status_code == 200
    assert http.post("/files/completemultipartupload", json=complete).json() == {}
    assert http.post("/files/completemultipartupload", json=complete).status_code == 400
    assert http.get(f"/files/{started['id']}").json()["uploaded"] is True
    assert put(started["uploadUrls"][0], b"late").status_code == 404
    blobs = list((own.sandbox.options.data / "blobs").glob("??/*"))
    assert [path.stat().st_size for path in blobs] == [len(first) + 1]


def test_uploaded_turns_true_late(start_sandbox):
    with start_sandbox(uploaded_lag=5) as running, running.http() as http:
        running.hold_clock()
        file = create(http)
        put(file["uploadUrl"])
        assert http.get(f"/files/{file['id']}").json()["uploaded"] is False
        running.advance(6)
        assert http.get(f"/files/{file['id']}").json()["uploaded"] is True


def test_lists_lag_behind(start_sandbox):
    with start_sandbox(list_lag=2) as running, running.http() as http:
        running.hold_clock()
        asset = http.post("/assets", json={"items": [{"name": "a"}]}).json()["items"][0]["id"]
        for service, number in (("/files", create(http)["id"]), ("/assets", asset)):
            assert http.post(f"{service}/byids", json={"items": [{"id": number}]}).status_code == 200
            for path in ("/list", "/search"):
                assert http.post(service + path, json={}).json()["items"] == []
            assert http.post(f"{service}/aggregate", json={}).json()["items"] == [{"count": 0}]
        running.advance(3)
        for service in ("/files", "/assets"):
            assert len(http.post(f"{service}/list", json={}).json()["items"]) == 1


def test_what_a_killed_process_left_is_swept(start_sandbox, tmp_path):
    with start_sandbox() as running, running.http() as http:
        put(create(http, externalId="kept")["uploadUrl"], b"kept")
    blobs = tmp_path / "sandbox" / "blobs"
    (blobs / "incoming" / "half").write_bytes(b"half")
    (blobs / "ab").mkdir(exist_ok=True)
    (blobs / "ab" / "abandoned").write_bytes(b"orphan")
    with start_sandbox() as running:
        assert running.client().files.download_bytes(external_id="kept") == b"kept"
        assert [path.read_bytes() for path in blobs.glob("??/*")] == [b"kept"]
        assert not list((blobs / "incoming").iterdir())
