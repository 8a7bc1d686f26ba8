"""A page of many pictures reads the register once, and its changes count some seconds later."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_capture360.web import site_register as kept
from airflow_capture360.web.kept import Kept
from airflow_capture360.web.site_register import site_register
from capture360.errors import ConfigError
from capture360.settings.register import Register


def test_the_register_is_read_anew_after_some_seconds(landing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    anew: Kept[str, Register] = Kept(1, kept.KEPT_S, kept.KEPT_S, lambda: now[0])
    monkeypatch.setattr(kept, "registers", anew)
    file = landing.parents[1] / "sites.yaml"
    first = site_register()
    file.write_text(file.read_text().replace("hall-7:", "hall-8:"))
    assert site_register() is first
    now[0] = kept.KEPT_S
    assert site_register().site_ids == ("hall-8",)


def test_an_error_of_the_register_is_not_kept(landing: Path) -> None:
    file = landing.parents[1] / "sites.yaml"
    well = file.read_text()
    file.write_text("sites: 7")
    with pytest.raises(ConfigError):
        site_register()
    file.write_text(well)
    assert site_register().site_ids == ("hall-7",)
