"""Connections are checked with the field's name, and CDF's refusals are told in sentences, without the secret."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from capture360.cdf.capabilities import inspect
from capture360.cdf.client import CdfProject, Connection, cdf_errors
from capture360.cdf.project_mode import ModeName
from capture360.errors import CdfError, CdfUnavailableError, ConfigError
from cdf_sandbox.core.faults import FaultOrder
from local_cdf import RunningSandbox, fast_options, run_sandbox

VALUES = {
    "base_url": "https://westeurope-1.cognitedata.com/",
    "project": "plant",
    "token_url": "https://login.example/token",
    "client_id": "me",
    "client_secret": "hush",
}


def test_a_connection_has_sensible_defaults_and_hides_its_secret() -> None:
    connection = Connection.from_mapping(VALUES, "here")
    assert connection.base_url == "https://westeurope-1.cognitedata.com"
    assert connection.scopes == ("https://westeurope-1.cognitedata.com/.default",)
    assert connection.mode == "asset_centric"
    assert "hush" not in repr(connection)


def test_with_an_audience_no_scope_is_made_up() -> None:
    connection = Connection.from_mapping({**VALUES, "audience": "api"}, "here")
    assert (connection.scopes, connection.audience) == ((), "api")
    assert Connection.from_mapping({**VALUES, "scopes": "a b"}, "here").scopes == ("a", "b")
    assert Connection.from_mapping({**VALUES, "expires": "2027-03-31"}, "here").expires == date(2027, 3, 31)
    assert Connection.from_mapping({**VALUES, "expires": ""}, "here").expires is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"project": ""}, "here: project is missing"),
        ({"client_secret": None}, "here: client_secret is missing"),
        ({"base_url": "westeurope-1.cognitedata.com"}, "Write it with https://"),
        ({"token_url": "login"}, "token_url"),
        ({"base_url": "http://[::1"}, 'base_url is "http://\\[::1"'),
        ({"base_url": "https://host:99999999"}, "is no address"),
        ({"base_url": "https://me:hush@host.example"}, 'base_url is "https://host.example", which holds a login'),
        ({"token_url": "https://hush@host.example/token"}, "token_url is .*, which holds a login"),
        ({"base_url": "https://host.example?sig=hush"}, "more than scheme, host and path"),
        ({"base_url": "https://host.example#x"}, "more than scheme, host and path"),
        ({"base_url": "http://westeurope-1.cognitedata.com"}, "unencrypted"),
        ({"token_url": "http://8.8.8.8/token"}, "unencrypted"),
        ({"token_url": "http://[::ffff:8.8.8.8]/token"}, "unencrypted"),
        ({"token_url": "http://idp.example.com./token"}, "unencrypted"),
        ({"token_url": "http://lan.example.com/"}, "https://, or name the host by its private address or a name that"),
        ({"client_secret": "hush\n"}, "client_secret has a blank or line break"),
        ({"client_id": "me\r\nX-Header: 1"}, "client_id has a blank or line break"),
        ({"base_url": " https://host.example"}, "base_url has a blank"),
        ({"project": "../other"}, "project is"),
        ({"project": "pl?nt"}, "project is"),
        ({"project": {"a": 1}}, "here: project must be a text"),
        ({"client_secret": ["hush"]}, "here: client_secret must be a text"),
        ({"audience": 5}, "here: audience must be a text"),
        ({"cluster": ".."}, "cluster is"),
        ({"expires": "soon"}, "here: expires must be a date"),
        ({"scopes": 5}, "here: scopes must be a text or a list of texts"),
        ({"scopes": ["a", 5]}, "here: scopes must be a text or a list of texts"),
        ({"mode": ["a"]}, "is no project mode"),
        ({"mode": "classic"}, '"classic" is no project mode. Choose one of asset_centric, hybrid, data_modeling.'),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        Connection.from_mapping({**VALUES, **change}, "here")
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    [
        "localhost:8080",
        "127.0.0.1",
        "[::1]:1",
        "sandbox:8090",
        "host.docker.internal",
        "10.0.0.2",
        "100.64.1.2",
        "[fd00::1]",
        "[::ffff:10.0.0.2]",
        "cdf.sandbox.svc",
        "cdf.sandbox.svc.cluster.local.:8090",
        "nas.lan",
        "cdf.test",
        "nas.home.arpa",
        "NAS.LAN",
    ],
)
def test_plain_http_is_for_the_own_network(host: str) -> None:
    assert Connection.from_mapping({**VALUES, "base_url": f"http://{host}"}, "here").base_url == f"http://{host}"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "is not there"),
        ("{", "not a readable JSON"),
        ("[]", "one JSON"),
        (json.dumps(VALUES) + "junk", "not a readable JSON"),
        ("[" * 100_000, "not a readable JSON"),
        (" " * 2_000_000, "larger than"),
    ],
)
def test_a_wrong_connection_file_is_named(tmp_path: Path, content: str | None, told: str) -> None:
    path = tmp_path / "connection.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=f"connection.json.*{told}"):
        Connection.from_file(path)


def test_the_sandbox_is_reached_by_its_own_file(running: RunningSandbox, tmp_path: Path) -> None:
    path = tmp_path / "connection.json"
    path.write_text(json.dumps(running.connection))
    assert inspect(Connection.from_file(path)).startswith('Connected to project "capture360" at http://127.0.0.1:')


@pytest.mark.parametrize("mode", get_args(ModeName))
def test_the_file_of_the_sandbox_names_its_mode(tmp_path: Path, mode: ModeName) -> None:
    with run_sandbox(fast_options(tmp_path, mode)):
        assert Connection.from_file(tmp_path / "connection.json").mode == mode


def test_a_wrong_secret_is_told_without_showing_it(running: RunningSandbox) -> None:
    connection = Connection.from_mapping({**running.connection, "client_secret": "hush"}, "here")
    with pytest.raises(CdfError, match="token endpoint refused the client id or secret") as caught:
        inspect(connection)
    assert "hush" not in str(caught.value)


def test_a_token_url_that_is_none_is_questioned(running: RunningSandbox) -> None:
    connection = Connection.from_mapping({**running.connection, "token_url": f"{running.base_url}/nothing"}, "here")
    with pytest.raises(CdfError, match=r"gave no token. Is token_url right\?"):
        inspect(connection)


def test_a_foreign_project_is_told_with_the_known_ones(running: RunningSandbox) -> None:
    connection = Connection.from_mapping({**running.connection, "project": "other"}, "here")
    with pytest.raises(CdfError, match=r'do not reach project "other" \(they reach: capture360\)'):
        inspect(connection)


def test_credentials_that_may_not_inspect_their_token_reach_the_project(running: RunningSandbox) -> None:
    client_id, secret = running.make_client("blind", [])
    values = {**running.connection, "client_id": client_id, "client_secret": secret}
    assert inspect(Connection.from_mapping(values, "here")).startswith('Connected to project "capture360"')
    running.sandbox.faults.order(FaultOrder(effect="status", path="*/groups", status=403))
    with pytest.raises(CdfError, match="projectsAcl:LIST and groupsAcl:LIST are not both granted"):
        inspect(Connection.from_mapping(values, "here"))


def test_nobody_there_is_worth_a_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    from cognite.client import global_config

    monkeypatch.setattr(global_config, "max_retries_connect", 0)
    connection = Connection.from_mapping(
        {**VALUES, "base_url": "http://127.0.0.1:9", "token_url": "http://127.0.0.1:9/token"}, "here"
    )
    with pytest.raises(CdfUnavailableError, match=r"CDF did not answer \(ConnectError at http://127.0.0.1:9\)"):
        inspect(connection)


@pytest.mark.parametrize(
    ("code", "kind"), [(400, CdfError), (403, CdfError), (429, CdfUnavailableError), (503, CdfUnavailableError)]
)
def test_refusals_are_for_good_and_overload_is_not(code: int, kind: type[Exception]) -> None:
    from cognite.client.exceptions import CogniteAPIError

    with pytest.raises(kind, match=f"Writing: CDF answered {code}: no"), cdf_errors("Writing"):
        raise CogniteAPIError("no", code)


FORKED = """
import json, os, signal, sys
from capture360.cdf.capabilities import inspect
from capture360.cdf.client import Connection
connection = Connection.from_mapping(json.load(sys.stdin), "here")
inspect(connection)
child = os.fork()
if child == 0:
    signal.alarm(60)
    print(inspect(connection), flush=True)
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_child_can_still_speak_to_cdf(running: RunningSandbox) -> None:
    """The SDK's background thread does not survive a fork; without a guard the child would hang for ever."""
    connection = json.dumps(running.connection)
    ended = subprocess.run(
        [sys.executable, "-c", FORKED], input=connection, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout[:9]) == (0, "Connected"), ended.stderr


def test_the_project_makes_its_client_late() -> None:
    project = CdfProject(Connection.from_mapping(VALUES, "here"))
    assert "client" not in vars(project)


def test_a_missing_key_of_our_own_is_no_refused_token() -> None:
    with pytest.raises(KeyError, match="access_token"), cdf_errors("Reading"):
        {}["access_token"]
