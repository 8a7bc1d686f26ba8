"""Mistakes in the site register are told with the file and the key, never with a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture360.errors import ConfigError
from capture360.settings import Register

SITE = "{space: s, landing: {url: x}}"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("sites: {a: text}", "sites.a must hold settings by their names"),
        ("sites: {a: {1: 2}}", "sites.a must hold settings by their names"),
        (f"defaults: [x]\nsites: {{a: {SITE}}}", "defaults must hold settings by their names"),
        ("sites: [a]", "sites is missing"),
        ("[1]", "must hold keys and values"),
    ],
)
def test_a_mistake_is_told_with_its_key(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "sites.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=f"sites.yaml.*{told}"):
        Register(str(path)).site("a")


def test_a_site_whose_id_is_a_number_is_found(tmp_path: Path) -> None:
    path = tmp_path / "sites.yaml"
    path.write_text(f"sites: {{7: {SITE}}}")
    register = Register(str(path))
    assert [register.site(site).id for site in register.site_ids] == ["7"]


def test_a_register_that_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "sites.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"sites.yaml is not text in UTF-8 \(byte 0\)"):
        _ = Register(str(path)).site_ids


@pytest.mark.parametrize("url", ["", "foo://bucket/sites.yaml"])
def test_a_register_that_cannot_be_opened_is_told(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read: .*Point CAPTURE360_CONFIG"):
        _ = Register(url or str(tmp_path)).site_ids
