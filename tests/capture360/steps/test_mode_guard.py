"""A connection of another mode is refused while a capture is in CDF that it would not find, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture360.cdf.project_mode import ModeName
from capture360.errors import ConfigError
from capture360.steps import ingest
from capture360.steps.mode_guard import refuse_other_mode
from capture360.steps.retract import retract
from ingest_world import World
from local_cdf import fast_options, run_sandbox
from record_files import document_paths
from suggested_links import Hall


@pytest.mark.parametrize(("bound", "other"), [("hybrid", "data_modeling"), ("data_modeling", "asset_centric")])
def test_a_mode_of_another_kind_of_project_is_refused_while_a_capture_is_published(
    tmp_path: Path, bound: ModeName, other: ModeName
) -> None:
    with run_sandbox(fast_options(tmp_path / "data", bound)) as running:
        world = World(running, tmp_path, bound)
        drop = world.drop("may", stations=2)
        world.ingest(drop)
        with pytest.raises(ConfigError) as refused:
            refuse_other_mode(world.records, drop.key.site, other)
        assert str(refused.value) == (
            f"Capture {drop.key} was published in mode {bound}, but the connection says mode: {other}, in which "
            f"nothing of it is found. Set mode: {bound} in the connection again; to use the other one, retract the "
            "site's captures first."
        )
        refuse_other_mode(world.records, "yard", other)
        retract(world.ctx(), drop.key, approved=None, by="Ada")
        refuse_other_mode(world.records, drop.key.site, other)


def test_modes_that_publish_the_same_are_exchanged_until_links_are_written(tmp_path: Path) -> None:
    with run_sandbox(fast_options(tmp_path / "data")) as running:
        world = World(running, tmp_path)
        drop = world.drop("may", stations=2)
        world.ingest(drop)
        hybrid = World(running, tmp_path, "hybrid")
        assert hybrid.ingest(drop, run="run 2").uploaded == 0
        state = hybrid.records.load(drop.key)
        assert state is not None
        Hall(hybrid, drop.key, state.fingerprint).read_as([])
        before, there = document_paths(world.records.store), running.mutating()
        with pytest.raises(ConfigError, match=r"was contextualized in mode hybrid.* in which no link of it is found"):
            World(running, tmp_path).ingest(drop, run="run 3")
        assert (document_paths(world.records.store), running.mutating()) == (before, there)
        retract(World(running, tmp_path, "hybrid").ctx(), drop.key, approved=None, by="Ada")
        assert World(running, tmp_path).ingest(world.drop("june", stations=2)).published


def test_the_mode_is_that_of_the_links_where_another_one_published(tmp_path: Path) -> None:
    with run_sandbox(fast_options(tmp_path / "data")) as running:
        world = World(running, tmp_path)
        drop = world.drop("may", stations=2)
        world.ingest(drop)
        state = world.records.load(drop.key)
        assert state is not None
        hall = Hall(World(running, tmp_path, "hybrid"), drop.key, state.fingerprint)
        for _ in range(2):
            hall.read_as([])
        with pytest.raises(ConfigError, match=r"was contextualized in mode hybrid"):
            World(running, tmp_path).ctx()


def test_a_run_that_was_killed_before_anything_was_published_leaves_the_mode_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_sandbox(fast_options(tmp_path / "data")) as running:
        drop = World(running, tmp_path).drop("may", stations=2)
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(ingest, "faces", _killed)
            World(running, tmp_path).ingest(drop)
        assert World(running, tmp_path, "hybrid").ingest(drop, run="run 2").published


def test_a_mode_that_does_not_fit_the_project_is_not_noted(tmp_path: Path) -> None:
    with run_sandbox(fast_options(tmp_path / "data", "data_modeling")) as running:
        drop = World(running, tmp_path).drop("may", stations=2)
        with pytest.raises(ConfigError, match="mode"):
            World(running, tmp_path, "hybrid").ingest(drop)
        World(running, tmp_path, "data_modeling").ingest(drop, run="run 2")
        assert World(running, tmp_path).records.bindings.mode(drop.key.site) == "data_modeling"


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt
