"""The end of each ingest and contextualization in a site's extraction pipeline: once a run, and never at its cost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cognite.client.data_classes import DataSetWrite, ExtractionPipelineWrite

from capture360.cdf.extraction_pipelines import run_tag
from capture360.cdf.no_retry import post_without_retry
from capture360.errors import Capture360Error
from capture360.steps.annotate import STEP as ANNOTATE
from capture360.steps.status import report_failure, report_sensing, report_success
from captures import record_as_validated
from cdf_sandbox.core.faults import FaultOrder
from ingest_world import World
from local_cdf import RunningSandbox

LINK = "https://airflow/log?try=1"


@pytest.fixture
def world(running: RunningSandbox, tmp_path: Path, request: pytest.FixtureRequest) -> World:
    """A site whose pipeline no other test uses."""
    world = World(running, tmp_path, extraction_pipeline=request.node.name)
    client = world.cdf.client
    data_set = client.data_sets.create(DataSetWrite(external_id=request.node.name))
    assert data_set.id is not None
    pipeline = ExtractionPipelineWrite(request.node.name, "Captures of hall 7", data_set_id=data_set.id)
    client.extraction_pipelines.create(pipeline)
    return world


def runs(world: World) -> list[tuple[str, str]]:
    """Status and message of each run that CDF lists, the newest first."""
    listed = world.cdf.client.extraction_pipelines.runs.list(str(world.site.extraction_pipeline), limit=None)
    return [(str(run.status), run.message or "") for run in listed]


def test_an_ingest_is_reported_with_its_outcome_and_address(world: World) -> None:
    done = world.ingest(world.drop("reported", stations=1))
    assert done.published is not None
    message = f"hall-7/reported accepted: 1 station. {done.published.link} {run_tag('run 1')}"
    assert runs(world) == [("success", message)]


def test_a_rejected_capture_is_a_failure_with_its_sentence(world: World) -> None:
    drop = world.drop("rejected", stations=1)
    (drop.folder / "stations.csv").unlink()
    done = world.ingest(drop)
    ((status, message),) = runs(world)
    assert status == "failure"
    assert message.startswith(f"The ingest failed. {done.validated.headline}")
    assert done.validated.report in message


def test_an_error_is_a_failure_with_its_sentence(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    drop = world.drop("broken", stations=1)
    world.site = world.site.model_copy(update={"create_space": False, "space": "nowhere"})
    with pytest.raises(Capture360Error):
        world.ingest(drop)
    ((status, message),) = runs(world)
    assert status == "failure"
    assert 'hall-7/broken: Space "nowhere" is not in project' in message


def test_a_run_is_reported_once_and_another_run_again(world: World) -> None:
    key = world.drop("once", stations=1).key
    for run in ("a", "a", "b"):
        report_failure(world.ctx(run), key, "ingest", "It broke.", LINK)
    report_success(world.ctx("a"), key, "ingest")
    report_success(world.ctx("a"), key, "ingest")
    assert [status for status, _ in runs(world)] == ["success", "failure", "failure"]
    assert runs(world)[-1][1] == f"The ingest failed. hall-7/once: It broke. {LINK} {run_tag('a')}"


def test_batches_that_fail_at_the_same_moment_are_reported_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    key = world.drop("batches", stations=1).key
    posting = "capture360.cdf.extraction_pipelines.post_without_retry"

    def meanwhile(*given: Any) -> None:
        monkeypatch.setattr(posting, post_without_retry)
        report_failure(world.ctx("a"), key, "ingest", "Batch 2 broke.", LINK)
        post_without_retry(*given)

    monkeypatch.setattr(posting, meanwhile)
    report_failure(world.ctx("a"), key, "ingest", "Batch 1 broke.", LINK)
    report_failure(world.ctx("a"), key, "ingest", "Batch 3 broke.", LINK)
    assert [message.partition(". ")[2][:27] for _, message in runs(world)] == ["hall-7/batches: Batch 1 bro"]


def test_what_a_killed_batch_did_not_report_is_reported_at_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    key = world.drop("killed", stations=1).key
    with monkeypatch.context() as patch:
        patch.setattr("capture360.cdf.extraction_pipelines.post_without_retry", killed)
        patch.setattr("capture360.steps.status.give_up", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            report_failure(world.ctx("a"), key, "ingest", "Batch 1 broke.", LINK)
    monkeypatch.setattr("capture360.steps.status.LONGEST_REPORT_S", 0)
    report_failure(world.ctx("a"), key, "ingest", "Batch 2 broke.", LINK)
    assert runs(world) == []
    for _ in range(2):
        report_failure(world.ctx("a"), key, "ingest", "It was killed.", LINK, at_end=True)
    assert [status for status, _ in runs(world)] == ["failure"]


@pytest.mark.parametrize("effect", ["commit-then-reset", "status"])
def test_a_lost_answer_reports_nothing_twice(world: World, effect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capture360.cdf.no_retry.LOST_ANSWER_S", 0.2)
    fault: dict[str, Any] = {"status": 503} if effect == "status" else {}
    world.running.sandbox.faults.order(FaultOrder(effect=effect, method="POST", path="*/extpipes/runs", **fault))
    key = world.drop("lost", stations=1).key
    report_failure(world.ctx(), key, "ingest", "It broke.", LINK)
    report_failure(world.ctx(), key, "ingest", "It broke.", LINK)
    assert len(runs(world)) == 1
    assert not world.running.sandbox.faults.pending()


def test_a_pipeline_that_is_not_there_costs_no_capture(running: RunningSandbox, tmp_path: Path) -> None:
    world = World(running, tmp_path, extraction_pipeline="nowhere")
    assert world.ingest(world.drop("unreported", stations=1)).published is not None
    assert any("the status in CDF is not up to date" in line for line in world.said)


def test_credentials_without_the_right_cost_no_capture(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bool:
        raise RuntimeError("anything")

    monkeypatch.setattr("capture360.cdf.extraction_pipelines.ExtractionPipeline.report", refuse)
    assert world.ingest(world.drop("unlucky", stations=1)).published is not None
    assert any("not up to date (RuntimeError)" in line for line in world.said)


def test_a_long_sentence_is_cut_off_and_its_link_kept(world: World) -> None:
    report_failure(world.ctx(), world.drop("long", stations=1).key, "ingest", "é" * 2000, LINK)
    ((_, message),) = runs(world)
    assert len(message) == 1000
    assert message.endswith(f"é… {LINK} {run_tag('run 1')}")


def test_a_contextualization_is_reported_with_its_counts(world: World) -> None:
    drop = world.drop("linked", stations=1)
    fingerprint = record_as_validated(world.records, drop, world.site)
    world.records.put(drop.key, fingerprint, ANNOTATE, {"plates": {"linked": 3, "asked": 1}}, run="test")
    report_success(world.ctx(), drop.key, "contextualization")
    assert runs(world)[0][1].startswith("hall-7/linked contextualized: 3 plates linked, 1 to be reviewed.")


def test_sensing_is_seen_but_not_each_time(world: World) -> None:
    for _ in range(3):
        report_sensing(world.site, world.cdf, world.said.append)
    assert runs(world) == [("seen", "")]
    pipeline = world.cdf.client.extraction_pipelines.retrieve(external_id=world.site.extraction_pipeline)
    assert pipeline is not None
    assert pipeline.last_seen


def test_without_a_pipeline_nothing_is_asked(make_world: Callable[..., World]) -> None:
    world = make_world()
    report_sensing(world.site, world.cdf, world.said.append)
    report_success(world.ctx(), world.drop("silent", stations=1).key, "ingest")
    assert world.said == []
