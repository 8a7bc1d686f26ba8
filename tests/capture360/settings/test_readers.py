"""Who is among the readers of a site."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture360.errors import ConfigError
from capture360.settings.readers import ReaderSettings
from capture360.settings.register import Register

SITE = "space: captures, landing: {url: /landing}"


def register(tmp_path: Path, defaults: str, site: str) -> Register:
    path = tmp_path / "sites.yaml"
    path.write_text(f"records: /records\ndefaults: {{{defaults}}}\nsites: {{hall-7: {{{SITE}{site}}}}}\n")
    return Register(str(path))


def test_roles_and_users_are_not_mixed_up() -> None:
    readers = ReaderSettings(roles=("Hall 7",), users=("ada",))
    assert readers.include("ada", [])
    assert readers.include("bob", ["Viewer", "Hall 7"])
    assert not readers.include("Hall 7", ["ada"])


def test_a_site_without_readers_is_for_everybody(tmp_path: Path) -> None:
    assert register(tmp_path, "", "").readers("hall-7") is None
    assert register(tmp_path, "readers: {users: [ada]}", ", readers: null").readers("hall-7") is None
    assert register(tmp_path, "readers: {users: [ada]}", "").readers("hall-7") == ReaderSettings(users=("ada",))


def test_a_mistake_elsewhere_closes_a_site_with_readers_alone(tmp_path: Path) -> None:
    assert register(tmp_path, "", ", digest: never").readers("hall-7") is None
    with pytest.raises(ConfigError, match="digest"):
        register(tmp_path, "", ", digest: never, readers: {users: [ada]}").readers("hall-7")


def test_readers_name_somebody(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"hall-7\.readers: names nobody; name a role or a user"):
        register(tmp_path, "", ", readers: {}").readers("hall-7")
