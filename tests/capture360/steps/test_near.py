"""A capture that somebody mistyped is refused with those that are meant probably."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture360.errors import BadInputError, RequestError
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.settings.register import Register
from capture360.steps.near import refuse_unknown


@pytest.fixture
def register(tmp_path: Path) -> Register:
    (tmp_path / "sites.yaml").write_text(
        f"records: {tmp_path}/records\nsites: {{hall-7: {{space: captures, landing: {{url: {tmp_path}/landing}}}}}}\n"
    )
    for name in ("nick", "walk-12"):
        (tmp_path / "landing" / name).mkdir(parents=True)
        (tmp_path / "landing" / name / "stations.csv").write_text("a")
    return Register(str(tmp_path / "sites.yaml"))


def refused(register: Register, capture: str) -> str:
    with pytest.raises(RequestError) as error:
        refuse_unknown(register.site("hall-7"), Records(register.records_url), CaptureKey("hall-7", capture))
    return str(error.value)


def test_near_captures_are_named(register: Register, tmp_path: Path) -> None:
    said = refused(register, "nix")
    assert said.startswith(f"There is no capture hall-7/nix: {tmp_path}/landing/nix is not there, or empty.")
    assert said.endswith("Did you mean hall-7/nick?")
    assert "hall-7/walk-12" in refused(register, "WALK-21")
    assert refused(register, "zzz").endswith("The site has 2 other captures.")


def test_a_capture_with_records_alone_or_files_alone_is_known(register: Register) -> None:
    site, records = register.site("hall-7"), Records(register.records_url)
    refuse_unknown(site, records, CaptureKey("hall-7", "nick"))
    key = CaptureKey("hall-7", "published")
    records.put(key, "f" * 32, "verify", {}, run="a run")
    refuse_unknown(site, records, key)
    assert "hall-7/published" in refused(register, "publishd")


def test_a_site_without_a_landing_folder_is_refused_too(register: Register, tmp_path: Path) -> None:
    (tmp_path / "landing").rename(tmp_path / "elsewhere")
    assert refused(register, "nick").endswith("The site has 0 other captures.")


@pytest.mark.parametrize("target", ["there", "gone"])
def test_a_folder_that_is_a_link_is_refused_by_name_as_scans_pass_over_it(
    register: Register, tmp_path: Path, target: str
) -> None:
    outside = tmp_path / "outside"
    if target == "there":
        outside.mkdir()
        (outside / "stations.csv").write_text("a")
    (tmp_path / "landing" / "linked").symlink_to(outside)
    with pytest.raises(BadInputError, match="landing/linked is a link to a folder, and such links are not followed"):
        refuse_unknown(register.site("hall-7"), Records(register.records_url), CaptureKey("hall-7", "linked"))


def test_a_landing_zone_that_is_a_link_is_followed(register: Register, tmp_path: Path) -> None:
    (tmp_path / "landing").rename(tmp_path / "volume")
    (tmp_path / "landing").symlink_to(tmp_path / "volume")
    refuse_unknown(register.site("hall-7"), Records(register.records_url), CaptureKey("hall-7", "nick"))
