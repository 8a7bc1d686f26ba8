"""What OpenLineage's provider is told of a capture: its folder, its collections, and the links on them."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.providers.openlineage.extractors import OperatorLineage
from airflow.providers.openlineage.extractors.manager import ExtractorManager
from airflow.sdk import plugins_manager
from airflow.sdk.lineage import get_hook_lineage_collector
from airflow.utils.state import TaskInstanceState

from airflow_capture360.lineage import MOST, report_linked, report_published
from capture360.cdf.ports import Collection
from capture360.model import CaptureKey
from cdf_sandbox.testing import RunningSandbox
from ingest_world import World

_KEY = CaptureKey("hall-7", "may")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Collect lineage as Airflow does where OpenLineage has a transport; each test is a task's process."""
    monkeypatch.setattr(plugins_manager, "get_hook_lineage_readers_plugins", lambda: [object()])
    get_hook_lineage_collector.cache_clear()
    yield
    get_hook_lineage_collector.cache_clear()


def _lineage() -> OperatorLineage:
    task = SimpleNamespace(
        task_type="_PythonDecoratedOperator", dag_id="captures_ingest", task_id="publish", inlets=[], outlets=[]
    )
    return ExtractorManager().extract_metadata(SimpleNamespace(run_id="r"), task, TaskInstanceState.SUCCESS, None)


def _names(datasets: list[object]) -> list[tuple[str, str]]:
    return [(each.namespace, each.name) for each in datasets]  # type: ignore[attr-defined]  # the provider has no types


@pytest.mark.usefixtures("read")
def test_a_capture_comes_from_its_folder_and_becomes_its_collections(running: RunningSandbox, tmp_path: Path) -> None:
    world = World(running, tmp_path, "data_modeling")
    drop = world.drop("hall #7?", stations=1)
    report_published(world.ctx(), drop.key, [Collection("captures360", "hall-7/ø"), Collection("", "classic event")])
    reported = _lineage()
    cluster, project = world.cdf.connection.identity
    folder = f"{world.site.landing.url}/{drop.key.capture}".replace("#", "%23").replace("?", "%3F")
    assert _names(reported.inputs) == [("file", folder)]
    assert _names(reported.outputs) == [
        (f"cdf://{cluster}/{project}", "captures360/hall-7/ø"),
        (f"cdf://{cluster}/{project}", "classic event"),
    ]


def _linked(world: World, *collections: str) -> None:
    """Report the links of a delivery whose record of publication names these collections."""
    body = {"collections": [["captures360", name] for name in collections], "images": 0, "stations": 0, "scene": ""}
    world.records.put(_KEY, "f", "publish", body, run="run 1")
    report_linked(world.ctx(), _KEY, "f")


@pytest.mark.usefixtures("read")
def test_links_are_made_from_collections(running: RunningSandbox, tmp_path: Path) -> None:
    _linked(World(running, tmp_path, "data_modeling"), "hall-7")
    reported = _lineage()
    assert [name for _, name in _names(reported.inputs)] == ["captures360/hall-7"]
    assert [name for _, name in _names(reported.outputs)] == ["captures360/hall-7/links"]


@pytest.mark.usefixtures("read")
def test_what_airflow_refuses_fails_no_task(
    running: RunningSandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An asset's address has at most 1500 characters."""
    _linked(World(running, tmp_path, "data_modeling"), "x" * 2_000)
    assert "Lineage was not reported (ValueError)." in caplog.messages


@pytest.mark.usefixtures("read")
def test_collections_that_cannot_be_looked_up_fail_no_task(
    running: RunningSandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The links are written by then."""
    world = World(running, tmp_path, "data_modeling")
    world.records.store.put(f"{_KEY}/f/publish.json", b"{")
    report_linked(world.ctx(), _KEY, "f")
    assert "Lineage was not reported (RecordsError)." in caplog.messages


@pytest.mark.usefixtures("read")
def test_of_many_collections_the_first_are_named(running: RunningSandbox, tmp_path: Path) -> None:
    _linked(World(running, tmp_path, "data_modeling"), *(f"{number}" for number in range(1_000)))
    assert len(_lineage().outputs) == MOST
