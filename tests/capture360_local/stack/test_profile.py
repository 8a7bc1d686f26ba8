"""What the processes of a stack are told."""

import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from capture360.errors import ConfigError
from capture360_local.stack import connection
from capture360_local.stack.profile import (
    PROJECT,
    Home,
    airflow_environment,
    base_environment,
    connection_variable,
)

CONNECTION = {
    "base_url": "http://127.0.0.1:1",
    "project": "capture360",
    "token_url": "http://127.0.0.1:1/oauth2/token",
    "client_id": "id",
    "client_secret": "hush",
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "local")
    made.prepare()
    return made


def test_a_stack_of_an_installed_wheel_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capture360_local.stack.profile.PROJECT", tmp_path / "lib/python3.11")
    with pytest.raises(ConfigError, match=r"runs from a checkout.*make setup"):
        Home(tmp_path / "local").prepare()
    assert not [*tmp_path.iterdir()]


def test_settings_of_another_airflow_do_not_leak_in(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", "/elsewhere")
    monkeypatch.setenv("AIRFLOW_CONN_COGNITE_CDF_DEFAULT", "{}")
    environment = base_environment(home)
    assert not [name for name in environment if name.startswith("AIRFLOW")]
    environment |= airflow_environment(home, home.choose_ports())
    assert environment["AIRFLOW__CORE__DAGS_FOLDER"] == str(PROJECT / "dags")


def test_proxies_are_kept_away_from_the_loopback_interface(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "example.org")
    environment = base_environment(home)
    assert environment["NO_PROXY"] == environment["no_proxy"] == "example.org,127.0.0.1,localhost"


def test_airflow_listens_on_loopback_alone(home: Home) -> None:
    environment = airflow_environment(home, home.choose_ports())
    assert environment["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert environment["AIRFLOW__API__BASE_URL"].startswith("http://127.0.0.1:")


def test_keys_and_passwords_last_and_only_the_owner_reads_them(home: Home) -> None:
    assert Home(home.root).keys == home.keys
    assert json.loads(home.passwords_file.read_text()) == {"admin": home.keys["password"]}
    for path in (home.passwords_file, home.airflow / "keys.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.root.stat().st_mode) == 0o700


def test_two_homes_share_no_key_and_no_port(home: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    other.prepare()
    assert not set(home.keys.values()) & set(other.keys.values())
    assert home.choose_ports().sandbox != other.choose_ports().sandbox


def test_ports_last(home: Home) -> None:
    assert home.choose_ports() == home.choose_ports()


def test_the_register_is_the_sample_and_is_never_overwritten(home: Home) -> None:
    assert yaml.safe_load(home.register.read_text())["sites"]
    home.register.write_text("mine")
    home.prepare()
    assert home.register.read_text() == "mine"


def test_the_landing_folder_of_the_sample_is_there(home: Home) -> None:
    register = home.site_register()
    assert [Path(register.site(site).landing.url).is_dir() for site in register.site_ids] == [True]


def test_airflow_reads_the_connection_from_the_variable() -> None:
    ((name, value),) = connection_variable(CONNECTION, "asset_centric").items()
    assert name == "AIRFLOW_CONN_COGNITE_CDF_DEFAULT"
    document = json.loads(value)
    assert document["conn_type"] == "cognite_cdf"
    assert document["extra"]["mode"] == "asset_centric"


@pytest.mark.parametrize(
    "known", [{}, {"aws": {"host": None}}, {"cognite_cdf_default": {"host": CONNECTION["base_url"]}}]
)
def test_a_short_way_to_the_same_document_for_airflow_s_import(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, known: dict[str, Any]
) -> None:
    assert printed_connection(tmp_path, monkeypatch, known) == 0
    imported = json.loads(capsys.readouterr().out)["cognite_cdf_default"]
    extra = json.loads(imported["extra"])
    assert (extra["mode"], extra["browser_url"]) == ("hybrid", "http://127.0.0.1:8081")
    assert imported["host"] == CONNECTION["base_url"]


def test_a_connection_to_a_real_project_is_not_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = {"cognite_cdf_default": {"host": "https://westeurope-1.cognitedata.com", "password": "hush"}}
    assert printed_connection(tmp_path, monkeypatch, real) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "leads to https://westeurope-1.cognitedata.com, not to the sandbox" in said.err
    assert "hush" not in said.err


def printed_connection(folder: Path, monkeypatch: pytest.MonkeyPatch, known: dict[str, Any]) -> int:
    for name, content in {"connection": CONNECTION, "known": known}.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    files = [str(folder / f"{name}.json") for name in ("connection", "known")]
    monkeypatch.setattr(sys, "argv", ["connection", files[0], "hybrid", "http://127.0.0.1:8081", files[1]])
    return connection.main()
