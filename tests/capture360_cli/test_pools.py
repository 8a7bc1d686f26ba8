"""Pools and the sample of the site register come along with the package."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from capture360.errors import ConfigError
from capture360_cli.main import app

CONFIG = Path(__file__).parents[2] / "config"


def test_the_pools_are_printed_as_airflow_imports_them() -> None:
    done = CliRunner().invoke(app, ["pools"])
    assert json.loads(done.stdout) == json.loads((CONFIG / "pools.json").read_text())


def test_pools_that_are_there_are_left_out_however_operators_have_sized_them(tmp_path: Path) -> None:
    wanted = json.loads((CONFIG / "pools.json").read_text())
    there = {
        "default_pool": {"slots": 128, "description": "Default pool", "include_deferred": False},
        "cdf_upload": {**wanted["cdf_upload"], "slots": 8},
    }
    (tmp_path / "there.json").write_text(json.dumps(there))
    done = CliRunner().invoke(app, ["pools", "--not-in", str(tmp_path / "there.json")])
    assert json.loads(done.stdout) == {name: pool for name, pool in wanted.items() if name != "cdf_upload"}


@pytest.mark.parametrize("content", ["", "[]", "no pools"])
def test_a_file_that_airflow_did_not_export_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "there.json").write_text(content)
    refused = CliRunner().invoke(app, ["pools", "--not-in", str(tmp_path / "there.json")]).exception
    assert isinstance(refused, ConfigError)
    assert "airflow pools export" in refused.message


def test_the_composition_imports_the_pools_that_are_missing_alone() -> None:
    script = (CONFIG.parent / "docker-compose.yaml").read_text()
    export, missing, imported = (
        re.search(each, script)
        for each in (r"pools export (\S+)\n", r"pools --not-in (\S+) > (\S+)\n", r"pools import (\S+)\n")
    )
    assert export and missing and imported
    assert export.start() < missing.start() < imported.start()
    assert missing.groups() == (export[1], imported[1])
    assert export[1] != imported[1]


def test_the_sample_of_the_register_is_printed() -> None:
    assert CliRunner().invoke(app, ["sample-register"]).stdout == (CONFIG / "sites.yaml").read_text()
