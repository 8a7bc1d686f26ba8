"""What applies to every request: tokens, envelopes, gzip, limits, ids."""

import gzip
import json
import socket
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from cognite.client.exceptions import CogniteAuthError

from cdf_sandbox.core import server
from cdf_sandbox.core.options import Options
from cdf_sandbox.core.server import CannotServe
from local_cdf import PLAIN


def error_of(answer: httpx.Response) -> dict:
    assert answer.headers["x-request-id"]
    error = answer.json()["error"]
    assert error["code"] == answer.status_code
    assert error["message"]
    return error


def test_sdk_inspects_its_token(client):
    inspection = client.iam.token.inspect()
    assert [project.url_name for project in inspection.projects] == ["capture360"]
    assert len(inspection.capabilities) > 5


def test_a_wrong_secret_is_refused(running):
    with pytest.raises(CogniteAuthError, match="invalid_client"):
        running.client(secret="wrong").iam.token.inspect()


@pytest.mark.parametrize("form", [{}, {"grant_type": "password"}, {"grant_type": "client_credentials"}])
def test_the_token_endpoint_returns_oauth_errors(running, form):
    answer = PLAIN.post(running.connection["token_url"], data=form)
    assert answer.status_code == 400
    assert answer.json().keys() == {"error", "error_description"}


def test_token_expires_by_the_clock(start_sandbox):
    with start_sandbox(token_lifetime=60) as running, running.http() as http:
        inspect = f"{running.base_url}/api/v1/token/inspect"
        assert http.get(inspect).status_code == 200
        running.advance(61)
        assert error_of(http.get(inspect))["code"] == 401


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer nonsense", "Basic eDp5"])
def test_without_a_token_everything_is_401(running, header):
    headers = {} if header is None else {"authorization": header}
    answer = PLAIN.get(f"{running.base_url}/api/v1/token/inspect", headers=headers)
    assert error_of(answer)["message"] == "Unauthorized"
    assert answer.status_code == 401


def test_unknown_paths_and_methods_have_the_envelope(running, http):
    assert http.get(f"{running.base_url}/api/v2/nothing").status_code == 404
    error_of(http.get(f"{running.base_url}/api/v2/nothing"))
    assert error_of(http.delete(f"{running.base_url}/api/v1/token/inspect"))["code"] == 405


def post_clock(running, content: bytes, **headers: str) -> httpx.Response:
    return PLAIN.post(
        f"{running.base_url}/sandbox/clock",
        content=content,
        headers={"content-type": "application/json", **headers},
    )


def test_gzip_bodies_are_read(running):
    answer = post_clock(running, gzip.compress(b'{"advance": 0}'), **{"content-encoding": "gzip"})
    assert answer.json()["now"] > 0


@pytest.mark.parametrize(
    ("content", "encoding", "status", "said"),
    [
        (b"not gzip", "gzip", 400, "not valid gzip"),
        (gzip.compress(b'{"advance": 0}', mtime=0)[:-6], "gzip", 400, "ends too early"),
        (gzip.compress(b'{"advance": 0}', mtime=0) + b"{}", "gzip", 400, "something follows"),
        (b"", "gzip", 400, "ends too early"),
        (b"{}", "br", 415, "not supported"),
        (b"{", "identity", 400, "not valid JSON"),
        (b"", "identity", 400, "required"),
        (b'{"advance": NaN}', "identity", 400, "NaN"),
        (b'{"advance": 1e400}', "identity", 400, "out of range"),
        (b'{"advance": "1"}', "identity", 400, "advance"),
        (b'{"advance": 1, "other": 2}', "identity", 400, "Unexpected field - other"),
        (b'{"a\\ud800": 1}', "identity", 400, "UTF-8"),
        (b"\xff\xfe", "identity", 400, "UTF-8"),
        (b"[" * 100_000, "identity", 400, "nested"),
    ],
)
def test_bad_bodies_are_refused_with_the_reason(running, content, encoding, status, said):
    answer = post_clock(running, content, **{"content-encoding": encoding})
    assert answer.status_code == status
    assert said in error_of(answer)["message"]


def test_a_gzip_bomb_stops_at_the_limit(start_sandbox):
    with start_sandbox(max_body=1_000_000) as running:
        bomb = gzip.compress(b" " * 50_000_000)
        assert len(bomb) < 100_000
        answer = post_clock(running, bomb, **{"content-encoding": "gzip"})
        assert error_of(answer)["code"] == 413


def test_counters_tell_tokens_from_reads(start_sandbox):
    with start_sandbox() as running:
        running.client().iam.token.inspect()
        counted = PLAIN.get(f"{running.base_url}/sandbox/counters").json()
        assert counted["tokens"] == 1
        assert counted["mutating"] == counted["rowsChanged"] == 0


def test_connection_file_is_private_and_its_secret_outlives_a_restart(start_sandbox, tmp_path):
    connection = tmp_path / "sandbox" / "connection.json"
    with start_sandbox() as running:
        first = json.loads(connection.read_text())
        assert stat.S_IMODE(connection.stat().st_mode) == 0o600
        assert first == running.connection
    with start_sandbox() as running:
        assert running.connection["client_secret"] == first["client_secret"]
        running.client().iam.token.inspect()


def test_a_start_that_fails_keeps_the_secret(start_sandbox, monkeypatch):
    with start_sandbox() as running:
        secret = running.connection["client_secret"]

    def disk_full(*_, **__):
        raise OSError("disk full")

    for step in ("create_sandbox", "create_app", "register_client"):
        with monkeypatch.context() as patch:
            patch.setattr(server, step, disk_full)
            with pytest.raises(OSError, match="disk full"), start_sandbox():
                pass
    with start_sandbox() as running:
        assert running.connection["client_secret"] == secret


def test_one_data_directory_has_one_sandbox(start_sandbox):
    with start_sandbox(), pytest.raises(CannotServe, match="already"), start_sandbox():
        pass


def test_the_data_of_another_version_is_refused(start_sandbox):
    with start_sandbox() as running:
        data = running.sandbox.options.data
    with closing(sqlite3.connect(data / "sandbox.db")) as db:
        db.execute("PRAGMA user_version = 1")
    with pytest.raises(CannotServe, match="another version"), start_sandbox():
        pass
    assert (data / "sandbox.db").exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_public_addresses_need_a_flag(start_sandbox, host):
    with pytest.raises(CannotServe, match="--public"), start_sandbox(host=host):
        pass


def test_browsers_may_call_the_api_but_not_the_pages(running):
    origin = {"origin": "http://localhost:3000", "access-control-request-method": "POST"}
    answer = PLAIN.options(
        f"{running.project_url}/files/byids",
        headers=origin | {"access-control-request-headers": "authorization,cdf-version,x-cdp-app,content-type"},
    )
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    page = PLAIN.get(f"{running.base_url}/sandbox/counters", headers=origin)
    assert "access-control-allow-origin" not in page.headers


def test_what_is_no_http_has_the_envelope_too(running):
    address = urlsplit(running.base_url)
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.sendall(b"HELO sandbox\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert json.loads(body)["error"]["code"] == 400


def test_ordinary_life_with_every_lag_and_limit_on(start_sandbox):
    usual = Options(data=Path())
    with start_sandbox(
        list_lag=usual.list_lag, uploaded_lag=usual.uploaded_lag, syncer_delay=usual.syncer_delay, rate_limits=True
    ) as running:
        running.hold_clock()
        client = running.client()
        client.files.upload_bytes(b"1", name="n", external_id="late")
        assert not client.files.retrieve(external_id="late").uploaded
        assert not client.files.list()
        running.advance(max(usual.list_lag, usual.uploaded_lag) + 0.1)
        assert client.files.download_bytes(external_id="late") == b"1"
        assert [file.external_id for file in client.files.list(uploaded=True)] == ["late"]
