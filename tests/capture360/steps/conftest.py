"""A sandbox for the steps' tests, one a module; each test has its own landing zone and records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from capture360.cdf.project_mode import ModeName
from capture360.records import Records
from ingest_world import World
from local_cdf import RunningSandbox
from suggested_links import Hall, hall_in, world_of

MODES: tuple[ModeName, ...] = ("asset_centric", "data_modeling")
"""Where links are annotations, and where they are edges."""


@pytest.fixture
def records(tmp_path: Path) -> Records:
    """Records without a project."""
    return Records(str(tmp_path / "records"))


@pytest.fixture
def world(running: RunningSandbox, tmp_path: Path) -> World:
    return World(running, tmp_path)


@pytest.fixture
def make_world(running: RunningSandbox, tmp_path: Path) -> Callable[..., World]:
    def make(**settings: object) -> World:
        return World(running, tmp_path, **settings)

    return make


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[ModeName, World]]:
    root = tmp_path_factory.mktemp("suggested-links")
    with ExitStack() as stack:
        yield {mode: world_of(stack, mode, root) for mode in MODES}


@pytest.fixture(params=MODES)
def hall(request: pytest.FixtureRequest, worlds: dict[ModeName, World]) -> Hall:
    return hall_in(worlds[request.param])


@pytest.fixture
def classic(worlds: dict[ModeName, World]) -> Hall:
    return hall_in(worlds["asset_centric"])


@pytest.fixture
def core(worlds: dict[ModeName, World]) -> Hall:
    """In a project where CDF does not tell whose a link is."""
    return hall_in(worlds["data_modeling"])
