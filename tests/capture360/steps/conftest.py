"""A sandbox for the steps' tests, one a module; each test has its own landing zone and records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from capture360.cdf.project_mode import ModeName
from cdf_sandbox.options import Options
from ingest_world import World
from local_cdf import RunningSandbox, run_sandbox
from suggested_links import Hall, hall_in, world_of

MODES: tuple[ModeName, ...] = ("asset_centric", "data_modeling")
"""Where links are annotations, and where they are edges."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    options = Options(
        data=tmp_path_factory.mktemp("sandbox"), list_lag=0, uploaded_lag=0, syncer_delay=0, rate_limits=False
    )
    with run_sandbox(options) as sandbox:
        yield sandbox


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
