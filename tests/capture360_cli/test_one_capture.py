"""A command about one capture takes settings and records from the register where it knows the site."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from capture360.errors import ConfigError, RequestError
from capture360.model import CaptureKey
from capture360_cli.one_capture import Chosen, choose

KEY = CaptureKey("hall-7", "walk")
SITE = {"space": "captures360", "landing": {"url": "unused"}, "checks": {"privacy": "blurred"}}


@pytest.fixture
def connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A connection, in a folder with the sample register in its usual place, which nobody has named."""
    monkeypatch.delenv("CAPTURE360_CONFIG", raising=False)
    monkeypatch.delenv("CAPTURE360_HOME", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/sites.yaml").write_text("records: $CAPTURE360_HOME/r\nsites: {hall-7: {space: sample}}\n")
    path = tmp_path / "connection.json"
    known = dict.fromkeys(("client_id", "client_secret"), "x") | {"project": "plant"}
    path.write_text(json.dumps({**known, **dict.fromkeys(("base_url", "token_url"), "https://cdf.invalid")}))
    return path


@pytest.fixture
def named(connection: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The connection, where a register is named that knows hall-7."""
    register = connection.with_name("sites.yaml")
    register.write_text(yaml.safe_dump({"records": str(connection.with_name("records")), "sites": {"hall-7": SITE}}))
    monkeypatch.setenv("CAPTURE360_CONFIG", str(register))
    return connection


def chosen(connection: Path, key: CaptureKey = KEY, **how: Any) -> Chosen:
    asked = {"site": None, "space": None, "records": None, **how}
    return choose(key, f"/landing/{key}", connection, **asked)


@pytest.mark.parametrize("how", [{}, {"site": "hall-7"}, {"registered": True}, {"space": "captures360"}], ids=str)
def test_a_known_site_has_the_settings_and_the_records_of_the_register(named: Path, how: dict[str, Any]) -> None:
    found = chosen(named, **how)
    assert (found.site.checks.privacy, found.records) == ("blurred", str(named.with_name("records")))


def test_an_unknown_site_has_settings_and_records_of_a_trial_and_that_is_said(
    named: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = chosen(named, CaptureKey("hall-8", "walk"))
    assert (found.site.space, found.site.checks.privacy, found.site.landing.url) == (
        "captures360", "any", "/landing/hall-8",
    )  # fmt: skip
    assert found.records == str(named.with_name("state") / "capture360/records/cdf.invalid/plant")
    said = capsys.readouterr()
    assert "No register that is named knows site hall-8: settings for a trial apply." in said.err
    assert f"Space captures360, records {found.records} of this user" in said.err
    assert said.out == ""


def test_the_sample_in_the_working_folder_is_taken_only_where_a_site_is_named(connection: Path) -> None:
    assert chosen(connection).site.space == "captures360"
    with pytest.raises(ConfigError, match=r"hall-7\.landing is missing"):
        chosen(connection, site="hall-7")


def test_another_space_is_a_trial_with_records_of_its_own(named: Path) -> None:
    found = chosen(named, space="trial")
    assert (found.site.space, found.site.checks.privacy) == ("trial", "blurred")
    assert found.records.startswith(str(named.with_name("state")))


@pytest.mark.parametrize(("space", "folder"), [("captures360", "records"), ("trial", "state")])
def test_a_file_of_settings_leads_to_the_records_of_the_capture_that_its_space_holds(
    named: Path, space: str, folder: str
) -> None:
    file = named.with_name("mine.yaml")
    file.write_text(yaml.safe_dump({**SITE, "space": space, "verify": "all"}))
    found = chosen(named, site=str(file))
    assert found.site.verify == "all"
    assert found.records.startswith(str(named.with_name(folder)))


def test_records_that_are_named_win(named: Path) -> None:
    assert chosen(named, records=str(named.with_name("mine"))).records == str(named.with_name("mine"))


def test_a_capture_of_another_site_is_refused(named: Path) -> None:
    with pytest.raises(RequestError, match=r"hall-8/walk is a capture of site hall-8, not of hall-7\. Name that site"):
        chosen(named, CaptureKey("hall-8", "walk"), site="hall-7")


def test_a_key_needs_a_site_of_the_register(named: Path) -> None:
    with pytest.raises(ConfigError, match='site "hall-8" is not in the register'):
        chosen(named, CaptureKey("hall-8", "walk"), registered=True)
