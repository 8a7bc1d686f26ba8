"""Records are lost, with and without an older copy: the same captures come again, and CDF stays as it is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from capture360.model import CaptureKey, Verdict
from capture360.settings.register import Register
from capture360.steps import lease
from capture360.steps.reconcile import reconcile_site
from capture360.steps.retract import retract
from capture360.steps.sense import sense
from captures import Drop
from ingest_world import World
from suggested_links import world_of

RETRACTED = CaptureKey("hall-7", "retracted")
AT_THAT_TIME = "a run that wrote a capture while the copy was made"


@dataclass(frozen=True)
class Site:
    """Since its records were copied one capture was revised, one retracted and one added; one is the same."""

    world: World
    drops: tuple[Drop, Drop, Drop]
    copy: Path
    shown: Mapping[str, Any]

    def lose(self, restore: bool) -> None:
        records = self.world.root / "records"
        shutil.rmtree(records)
        if restore:
            shutil.copytree(self.copy, records)

    def in_cdf(self) -> dict[str, Any]:
        return {name: value for name, value in self.world.state().items() if name != "records"}

    def announced(self) -> set[str]:
        site = self.world.site
        path = self.world.root / "sites.yaml"
        landing = f"landing: {{url: {site.landing.url}}}"
        path.write_text(f"records: {self.world.records.url}\nsites:\n  hall-7: {{space: {site.space}, {landing}}}\n")
        sensed = sense(Register(str(path)), self.world.records, now=datetime.now(UTC), is_finished=bool)
        return {key.capture for key in sensed.ready}

    def differences(self) -> set[str]:
        return {each.rule for each in reconcile_site(self.world.ctx("reconcile")).findings}


@pytest.fixture(scope="module", params=["asset_centric", "data_modeling"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        world = world_of(stack, request.param, root)
        first, same = world.drop("revised", stations=3), world.drop("same")
        world.ingest(first)
        world.ingest(same)
        world.ingest(world.drop("retracted"))
        lease.take(world.records, same.key, AT_THAT_TIME, is_finished=bool)
        copy = shutil.copytree(world.root / "records", root / "copy")
        lease.release(world.records, same.key, AT_THAT_TIME)
        shutil.rmtree(first.folder)
        revised, new = world.drop("revised", revision=2, shade=3), world.drop("new")
        world.ingest(revised)
        world.ingest(new)
        retract(world.ctx(), RETRACTED, approved=None, by="Ada")
        site = Site(world, (revised, same, new), copy, {})
        assert site.differences() == set()
        yield replace(site, shown=site.in_cdf())


@pytest.mark.parametrize("restore", [True, False], ids=["an older copy", "no copy"])
def test_nothing_is_written_twice_and_no_capture_is_forgotten(site: Site, restore: bool) -> None:
    site.lose(restore)
    mutating = site.world.running.mutating()
    assert "R01" in site.differences()
    assert site.announced() == {"revised", "new", *(() if restore else ("same", "retracted"))}
    if restore:
        retract(site.world.ctx("again"), RETRACTED, approved=None, by="Ada")
    for drop in site.drops:
        assert site.world.ingest(drop, "anew").validated.verdict is Verdict.ACCEPTED
    assert site.world.running.mutating() == mutating
    assert site.in_cdf() == site.shown
    assert site.differences() == set()
    assert lease.held_of(site.world.records, "hall-7") == []


@pytest.mark.parametrize("restore", [True, False], ids=["an older copy", "no copy"])
def test_other_pictures_without_a_revision_are_rejected(site: Site, restore: bool) -> None:
    site.lose(restore)
    for capture in ("same", "new"):
        other = site.world.drop(capture, shade=9)
        assert site.world.ingest(other, "other").validated.verdict is Verdict.REJECTED
        site.world.drop(capture)
    assert site.in_cdf() == site.shown
