"""What holds for every DAG file."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, get_args

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, RetryAction
from airflow.sdk.exceptions import AirflowTaskTimeout
from airflow.serialization.serialized_objects import DagSerialization

from airflow_capture360.operators import WaitForRevisions
from airflow_capture360.policies import RETRYING
from airflow_capture360.tasks.ingest import first_task_of
from airflow_capture360.waiting import WhenReleased
from airflow_home import ROOT
from capture360 import dag_names
from capture360.settings.watch import WatchSettings
from capture360.steps.review_dag import APPLY, ASKS
from capture360.steps.route import Route

FILES = sorted((ROOT / "dags").glob("*.py"))
HEAVY = ("pandas", "cv2", "great_expectations", "cognite", "pyarrow", "fastapi", "scipy", "onnxruntime")


@pytest.fixture(scope="module")
def bag() -> DagBag:
    return DagBag(str(ROOT / "dags"))


def dags(bag: DagBag) -> list[DAG]:
    return list(bag.dags.values())


def test_all_files_are_read_without_errors_and_warnings(bag: DagBag) -> None:
    assert bag.import_errors == {}
    assert bag.captured_warnings == {}
    assert set(bag.dags) == {file.stem for file in FILES}
    assert set(bag.dags) == {name for key, name in vars(dag_names).items() if key.isupper()}


def test_every_dag_has_its_manual_page_tag_and_no_catch_up(bag: DagBag) -> None:
    for dag in dags(bag):
        assert dag.doc_md is not None
        assert "**When it runs.**" in dag.doc_md
        assert "**When it fails.**" in dag.doc_md
        assert "capture360" in dag.tags
        assert not dag.catchup


def test_every_task_retries_alerts_and_ends(bag: DagBag) -> None:
    for dag in dags(bag):
        for task in dag.tasks:
            assert task.retries >= 2, task
            assert task.retry_policy is not None, task
            assert bool(task.on_failure_callback) == (task.task_id != "test_alert"), task
            assert task.execution_timeout, task
            assert task.owner == "capture360", task
            assert getattr(task, "python_callable", type(task)).__doc__, task


def weights(dag: DAG) -> dict[str, int]:
    """What Airflow orders waiting tasks by, the highest first."""
    assert all(task.weight_rule == "upstream" for task in dag.tasks)
    own = {task.task_id: task.priority_weight for task in dag.tasks}
    return {
        task.task_id: own[task.task_id] + sum(own[each] for each in task.get_flat_relative_ids(upstream=True))
        for task in dag.tasks
    }


def test_what_was_begun_is_ended_before_anything_else_is_begun(bag: DagBag) -> None:
    """A run that releases its lease would else wait behind all those that wait for that lease."""
    of = {name: weights(dag) for name, dag in bag.dags.items()}
    looks = {name: of.pop(name) for name in ("captures_sense", "captures_watch")}
    waiting = max(of[name]["lease"] for name in ("captures_ingest", "captures_contextualize"))
    for name in ("captures_ingest", "captures_contextualize"):
        assert of[name]["release"] == max(of[name].values()) > waiting
    assert min(min(each.values()) for each in looks.values()) > max(max(each.values()) for each in of.values())


def test_a_task_that_fails_fails_its_run(bag: DagBag) -> None:
    """Otherwise its alert would be taken for one that is over."""

    def fails_run(task: Any) -> bool:
        following = [each for each in task.downstream_list if not each.is_teardown]
        passed_on = {"all_success", "none_failed", "none_failed_min_one_success"}
        return not following or any(each.trigger_rule in passed_on and fails_run(each) for each in following)

    for dag in dags(bag):
        for task in dag.tasks:
            assert task.is_teardown or fails_run(task), task


def test_a_run_has_few_tasks(bag: DagBag) -> None:
    for dag in dags(bag):
        assert sum(not task.is_mapped for task in dag.tasks) <= 13


def test_every_dag_can_be_serialised_and_read_again(bag: DagBag) -> None:
    for dag in dags(bag):
        document = json.loads(json.dumps(DagSerialization.to_dict(dag)))
        assert DagSerialization.from_dict(document).dag_id == dag.dag_id


def test_the_pools_are_those_that_the_operator_is_told_to_create(bag: DagBag) -> None:
    known = set(json.loads((ROOT / "config" / "pools.json").read_text()))
    used = {task.pool for dag in dags(bag) for task in dag.tasks}
    assert used - {"default_pool"} <= known


def test_files_are_short() -> None:
    for file in FILES:
        assert len(file.read_text().splitlines()) <= 120, file


def test_parsing_loads_nothing_heavy() -> None:
    code = (
        "import runpy, sys\n"
        f"for file in {[str(file) for file in FILES]!r}: runpy.run_path(file)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip().splitlines()[-1] == "[]"


def test_sensing_cannot_be_backfilled_and_never_overlaps(bag: DagBag) -> None:
    dag = bag.dags["captures_sense"]
    assert dag.max_active_runs == 1
    assert dag.allowed_run_types is not None
    assert "backfill" not in {str(kind.value) for kind in dag.allowed_run_types}


@pytest.mark.parametrize(
    ("dag_id", "look", "longest"),
    [("captures_sense", "sense", WatchSettings().sensed_within), ("captures_watch", "look", timedelta(minutes=30))],
)
def test_a_task_that_hangs_does_not_hold_the_next_look(bag: DagBag, dag_id: str, look: str, longest: timedelta) -> None:
    """A task that reaches its limit is tried as often as one with a bug; that of a look may take as long as its run."""
    dag = bag.dags[dag_id]
    assert dag.max_active_runs == 1
    assert dag.dagrun_timeout is not None
    assert dag.get_task(look).execution_timeout < dag.dagrun_timeout < longest
    for task in dag.tasks:
        if task.task_id != look:
            assert 3 * task.execution_timeout + 2 * task.max_retry_delay <= timedelta(minutes=12), task
            assert RETRYING["retry_policy"].evaluate(AirflowTaskTimeout(), 3, task.retries).action is RetryAction.FAIL


def test_a_watching_look_that_hangs_fails_before_its_run_is_ended(bag: DagBag) -> None:
    """Airflow skips what a run has left at its limit, and nothing of it is reported."""
    dag = bag.dags["captures_watch"]
    look = dag.get_task("look")
    assert dag.dagrun_timeout is not None
    assert 3 * look.execution_timeout + 2 * look.max_retry_delay < dag.dagrun_timeout


def test_the_dialog_for_backfills_opens(bag: DagBag) -> None:
    """It belongs to the button for runs by hand, which Airflow disables where those are not allowed."""
    kinds = bag.dags["captures_backfill"].allowed_run_types
    assert kinds is not None
    assert {str(kind.value) for kind in kinds} == {"backfill", "manual", "scheduled"}


def test_backfills_are_never_scheduled_and_take_every_date(bag: DagBag) -> None:
    read = DagSerialization.from_dict(DagSerialization.to_dict(bag.dags["captures_backfill"]))
    assert read.next_dagrun_info(last_automated_run_info=None) is None
    first, last = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 3, tzinfo=UTC)
    keys = [each.partition_key for each in read.iter_dagrun_infos_between(first, last)]
    assert keys == ["2026-05-01", "2026-05-02", "2026-05-03"]
    from_los_angeles = read.iter_dagrun_infos_between(
        datetime(2026, 5, 1, 7, tzinfo=UTC), datetime(2026, 5, 2, 6, 59, 59, 999000, tzinfo=UTC)
    )
    assert [each.partition_key for each in from_los_angeles] == ["2026-05-01"]
    assert (read.timetable.periodic, read.timetable.partitioned, read.end_date) == (True, True, None)
    assert (read.timetable.summary, read.timetable.description) == ("backfills", "Never, backfills only")


def test_ingesting_is_one_run_a_capture(bag: DagBag) -> None:
    dag = bag.dags["captures_ingest"]
    assert type(dag.timetable).__name__ == "PartitionedAssetTimetable"
    assert "capture" in dag.params
    assert dag.get_task("lease").is_setup
    assert dag.get_task("release").is_teardown
    assert [link.name for link in dag.get_task("validate").operator_extra_links] == ["Validation report", "Capture"]
    for last in ("publish", "collect"):
        assert [link.name for link in dag.get_task(last).operator_extra_links] == ["Open in CDF", "Capture"]


def test_ingests_that_wait_for_their_turn_stop_no_other(bag: DagBag) -> None:
    dag = bag.dags["captures_ingest"]
    assert dag.max_active_runs >= 100
    assert dag.get_task("validate").max_active_tis_per_dag == 16


@pytest.mark.parametrize(
    ("dag", "task"),
    [
        ("captures_ingest", "take_turn"),
        ("captures_ingest", "start_revisions"),
        ("captures_ingest", "collect"),
        ("captures_contextualize", "lease"),
        ("captures_review", "lay_out"),
        ("captures_review", APPLY),
        ("captures_retract", "undo"),
    ],
)
def test_a_task_waits_as_long_as_leases_are_held(bag: DagBag, dag: str, task: str) -> None:
    assert isinstance(bag.dags[dag].get_task(task), WhenReleased)


def test_ingesting_branches_once_by_route(bag: DagBag) -> None:
    dag = bag.dags["captures_ingest"]
    assert dag.get_task("route").downstream_task_ids == {"faces", "upload_scans"}
    assert {first_task_of(route) for route in get_args(Route)} == {"faces", "upload_scans"}
    assert dag.get_task("place").upstream_task_ids >= {"publish", "collect"}
    assert dag.get_task("place").trigger_rule == "none_failed_min_one_success"


def test_a_review_waits_for_weeks_without_holding_anything_up(bag: DagBag) -> None:
    dag = bag.dags[dag_names.REVIEW]
    assert type(dag.timetable).__name__ == "PartitionedAssetTimetable"
    assert dag.max_active_runs >= 1000
    asks = [dag.get_task(name) for name in ASKS]
    for ask, following in pairwise(asks):
        assert ask.downstream_task_ids == {following.task_id, APPLY}
    for ask in asks:
        assert ask.response_timeout >= timedelta(days=7)
        assert ask.defaults == ["Leave the rest"]
        assert set(ask.params) == {"approve", "reject"}
    assert dag.get_task(APPLY).trigger_rule == "none_failed"
    end_older = dag.get_task("end_older")
    assert end_older.is_mapped
    assert end_older.unmap({"older": "manual__1"}).trigger_run_id == "manual__1"
    assert not any(task.is_setup for task in dag.tasks)


def test_records_and_cdf_are_compared_every_night_site_by_site(bag: DagBag) -> None:
    dag = bag.dags["captures_reconcile"]
    assert dag.max_active_runs == 1
    assert dag.get_task("compare").is_mapped
    assert dag.allowed_run_types is not None
    assert {str(kind.value) for kind in dag.allowed_run_types} == {"scheduled", "manual"}


@pytest.mark.parametrize(
    ("dag", "task", "after"),
    [("captures_contextualize", "announce_review", "annotate"), ("captures_retract", "end_review", "undo")],
)
def test_reviews_begin_and_end_after_the_links_are_written(bag: DagBag, dag: str, task: str, after: str) -> None:
    announces = bag.dags[dag].get_task(task)
    assert announces.upstream_task_ids >= {after}
    assert [outlet.name for outlet in announces.outlets] == ["captures_to_review"]


def test_a_task_that_defers_is_tried_again(bag: DagBag) -> None:
    deferring = [task for dag in dags(bag) for task in dag.tasks if isinstance(task, WaitForRevisions)]
    assert deferring
    assert all(task.retries >= 2 for task in deferring)
