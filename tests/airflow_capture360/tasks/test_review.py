"""A review as a task that waits for a person."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from airflow.sdk.api.datamodels._generated import DagRunType
from airflow.sdk.exceptions import (
    AirflowRuntimeError,
    AirflowSkipException,
    DagRunTriggerException,
    ErrorType,
    TaskAwaitingInput,
    TaskDeferred,
)
from airflow.sdk.execution_time.comms import ErrorResponse

from airflow_capture360.operators import AskAboutLinks, EndReplacedReview
from airflow_capture360.tasks import review
from airflow_capture360.triggers import EarlierAnswer
from capture360.capture_state import Stage
from capture360.errors import AirflowUnavailableError
from capture360.matching.answers import Answer, understood
from capture360.model import CaptureKey
from capture360.steps import review as steps

REVIEW = {"fingerprint": "f1", "digest": "d1", "suggestions": 22}
EVIL = "| `{{ macros }}` |"


INSTANCE_ID = UUID(int=7)
NOW = datetime(2026, 1, 2, tzinfo=UTC)
notice_of = review.notice_of


@dataclass
class Instance:
    """What the operator reads of a task instance."""

    try_number: int = 1
    max_tries: int = 3
    id: UUID = INSTANCE_ID


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What Airflow was told to ask."""
    asked: dict[str, Any] = {}
    monkeypatch.setattr(
        "airflow.providers.standard.operators.hitl.upsert_hitl_detail", lambda **detail: asked.update(detail)
    )
    monkeypatch.setattr(
        review, "notice_of", lambda capture, review, before: (f"{capture}: {review['suggestions']}", EVIL)
    )
    return asked


def test_what_is_asked_is_laid_out_by_the_task_itself_and_never_a_template(asked: dict[str, Any]) -> None:
    task = AskAboutLinks(task_id="ask", capture="hall-7/walk-1", review=REVIEW, retries=3)
    assert set(task.template_fields) == {"capture", "review", "before"}
    context: Any = {"task_instance": Instance()}
    with pytest.raises(TaskAwaitingInput):
        task.execute(context)
    assert (asked["subject"], asked["body"]) == ("hall-7/walk-1: 22", EVIL)
    assert asked["defaults"] == ["Leave the rest"]
    assert set(asked["params"]) == {"approve", "reject"}


def test_the_notice_leads_to_the_page_and_counts_the_plates() -> None:
    subject, body = review.notice_of("hall-7/walk-1", REVIEW, None)
    assert subject == "hall-7/walk-1: 22 plates to decide"
    assert "[Open the review](/capture360/review/hall-7/walk-1)" in body
    assert (
        review.notice_of("hall-7/walk-1", {**REVIEW, "suggestions": 1}, None)[0] == "hall-7/walk-1: 1 plate to decide"
    )


def test_there_are_buttons_not_a_list() -> None:
    assert len(AskAboutLinks(task_id="ask", capture="hall-7/walk-1", review=REVIEW).options) <= 4


@pytest.mark.parametrize(("number", "max_tries"), [(2, 3), (4, 3), (6, 7)])
def test_a_retry_looks_for_an_earlier_answer_before_it_asks(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch, number: int, max_tries: int
) -> None:
    task = AskAboutLinks(task_id="ask", capture="hall-7/walk-1", review=REVIEW, retries=3)
    context: Any = {"task_instance": Instance(number, max_tries)}
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(context)
    assert asked == {}
    assert isinstance(deferred.value.trigger, EarlierAnswer)
    assert deferred.value.trigger.ti_id == INSTANCE_ID
    event = {**answer({"id": "7", "name": "Ada"}), "responded_at": datetime(2026, 1, 2, tzinfo=UTC)}
    monkeypatch.setattr(review, "examine", lambda *_: {})
    taken = getattr(task, deferred.value.method_name)(context, event=event)
    assert taken["responded_by_user"] == {"id": "7", "name": "Ada"}
    assert asked == {}


def test_whoever_clears_the_task_is_asked_anew(asked: dict[str, Any]) -> None:
    task = AskAboutLinks(task_id="ask", capture="hall-7/walk-1", review=REVIEW, retries=3)
    cleared_after_its_second_try: Any = {"task_instance": Instance(3, 2 + 3)}
    with pytest.raises(TaskAwaitingInput):
        task.execute(cleared_after_its_second_try)
    assert asked["subject"] == "hall-7/walk-1: 22"


def test_a_retry_asks_again_when_nobody_answered(asked: dict[str, Any]) -> None:
    task = AskAboutLinks(task_id="ask", capture="hall-7/walk-1", review=REVIEW, retries=3)
    with pytest.raises(TaskAwaitingInput):
        task.take_or_ask({"task_instance": Instance(2, 3)}, None)
    assert asked["subject"] == "hall-7/walk-1: 22"


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> list[steps.Response]:
    """The answers that were examined; `99` and `x` are not understood."""
    responses: list[steps.Response] = []

    def examine(ctx: object, key: object, review: steps.Review, response: steps.Response) -> Answer | None:
        responses.append(response)
        found = understood(response.choice, response.approve, response.reject, [1] * 5)
        return replace(found, faults=(*response.faults, *found.faults)) if response.by else None

    monkeypatch.setattr(steps, "examine", examine)
    return responses


def answered(task: AskAboutLinks, params: Mapping[str, Any], name: str | None = "Ada") -> dict[str, Any]:
    """What a task returns for an answer of a person, or for the defaults when nobody answers."""
    event = {**answer(name and {"id": "7", "name": name}), "params_input": params, "responded_at": NOW}
    given: dict[str, Any] = task.execute_complete({}, event)
    return given


def test_a_mistyped_answer_is_asked_again_with_its_reason_and_what_was_valid(
    lease: list[str], examined: list[steps.Response], monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any]
) -> None:
    first = AskAboutLinks(task_id="ask", capture="hall-7/walk-1", review=REVIEW)
    given = answered(first, {"approve": "1, 99, `x`[a](http://b)", "reject": 3})
    assert [fault[:16] for fault in given["faults"]] == ['"99" in approve ', '"`x`[a](http://b']
    assert given["kept"] == {"approve": "1", "reject": "3"}

    monkeypatch.setattr(review, "notice_of", notice_of)
    again = AskAboutLinks(task_id="ask_again", capture="hall-7/walk-1", review=REVIEW, before=given)
    with pytest.raises(TaskAwaitingInput):
        again.execute({"task_instance": Instance()})
    assert asked["subject"] == "hall-7/walk-1: answer again, 22 plates to decide"
    assert "The answer of `Ada` was not understood" in asked["body"]
    assert '- `"99" in approve is not in the review, which shows 1 to 5.`' in asked["body"]
    assert '- ``"`x`[a](http://b)" in approve is no number: write them as 1, 3b, 5-8.``' in asked["body"]
    assert {name: param["value"] for name, param in asked["params"].items()} == {"approve": "1", "reject": "3"}

    assert answered(again, {"approve": "1, 2"})["fields"] == {"approve": "1, 2", "reject": "3"}
    assert lease == ["took hall-7/walk-1"] * 2


def test_an_answer_that_is_understood_or_too_late_is_not_asked_again(
    lease: list[str], examined: list[steps.Response], asked: dict[str, Any]
) -> None:
    first = AskAboutLinks(task_id="ask", capture="hall-7/walk-1", review=REVIEW)
    for before in (answered(first, {"approve": "1"}), answered(first, {"approve": "99"}, None), None):
        again = AskAboutLinks(task_id="ask_again", capture="hall-7/walk-1", review=REVIEW, before=before)
        with pytest.raises(AirflowSkipException):
            again.execute({"task_instance": Instance()})
    assert asked == {}


@pytest.mark.parametrize("by", ["Bo", None], ids=["corrected", "nobody answers again"])
def test_the_last_answer_of_a_person_counts(
    lease: list[str], examined: list[steps.Response], monkeypatch: pytest.MonkeyPatch, by: str | None
) -> None:
    applied: list[steps.Response] = []
    monkeypatch.setattr(
        steps, "apply", lambda ctx, key, review, response: applied.append(response) or steps.Reviewed(1)
    )
    first = AskAboutLinks(task_id="ask", capture="hall-7/walk-1", review=REVIEW)
    mistyped = answered(first, {"approve": "1, 99", "aprove": ""})
    again = AskAboutLinks(task_id="ask_again", capture="hall-7/walk-1", review=REVIEW, before=mistyped)
    review.apply("hall-7/walk-1", REVIEW, mistyped, answered(again, {"approve": "1, 2"}, by), None)
    (response,) = applied
    wanted = (
        ("1, 2", "Bo", ()) if by else ("1, 99", "Ada", ('"aprove" is no field of the form. Use approve and reject.',))
    )
    assert (response.approve, response.by, response.faults) == wanted


@pytest.mark.parametrize("between", [None, {}], ids=["skipped", "empty"])
def test_answers_to_an_earlier_time_of_asking_do_not_count(
    lease: list[str], examined: list[steps.Response], monkeypatch: pytest.MonkeyPatch, between: Mapping[str, Any] | None
) -> None:
    """Airflow keeps the result of a task that is skipped because the one before it was."""
    applied: list[steps.Response] = []
    monkeypatch.setattr(
        steps, "apply", lambda ctx, key, review, response: applied.append(response) or steps.Reviewed(1)
    )
    task = AskAboutLinks(task_id="ask", capture="hall-7/walk-1", review=REVIEW)
    new, old = answered(task, {"approve": "1"}, "Bo"), answered(task, {"approve": "2"})
    mistyped = answered(task, {"approve": "99"}, "Cy")
    review.apply("hall-7/walk-1", REVIEW, new, between, old)
    review.apply("hall-7/walk-1", REVIEW, new, old, None)
    review.apply("hall-7/walk-1", REVIEW, mistyped, new, old)
    assert [(each.approve, each.by) for each in applied] == [("1", "Bo")] * 3
    with pytest.raises(AirflowSkipException):
        review.apply("hall-7/walk-1", REVIEW, between, old, old)


def test_a_review_that_asked_nobody_writes_nothing(lease: list[str]) -> None:
    with pytest.raises(AirflowSkipException):
        review.apply("hall-7/walk-1", None, None, None, None)
    assert lease == []


@pytest.fixture
def lease(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done with the lease."""
    done: list[str] = []

    @contextmanager
    def capture_context(capture: str, lock: bool = True) -> Iterator[tuple[None, CaptureKey]]:
        done.append(f"took {capture}")
        yield None, CaptureKey.parse(capture)

    monkeypatch.setattr(review, "capture_context", capture_context)
    monkeypatch.setattr(review, "release_lease", lambda capture: done.append(f"released {capture}"))
    return done


def answer(user: Mapping[str, str] | None) -> dict[str, Any]:
    return {
        "chosen_options": ["Approve the rest"],
        "params_input": {"approve": None, "reject": "2"},
        "fields": {"approve": "", "reject": "2"},
        "wrong": [],
        "faults": [],
        "responded_at": "2026-01-02",
        "responded_by_user": user,
    }


@pytest.mark.parametrize(("user", "by"), [({"id": "7", "name": "Ada"}, "Ada"), (None, None)])
def test_an_answer_is_applied_under_a_lease_that_is_given_back(
    lease: list[str], monkeypatch: pytest.MonkeyPatch, user: Mapping[str, str] | None, by: str | None
) -> None:
    responses: list[steps.Response] = []

    def apply(ctx: object, key: object, review: steps.Review, response: steps.Response) -> steps.Reviewed:
        assert review == steps.Review(**REVIEW)
        responses.append(response)
        return steps.Reviewed(19, 1)

    monkeypatch.setattr(steps, "apply", apply)
    assert review.apply("hall-7/walk-1", REVIEW, answer(user))["approved"] == 19
    assert responses == [steps.Response("Approve the rest", "", "2", by, "2026-01-02")]
    assert lease == ["took hall-7/walk-1", "released hall-7/walk-1"]


def test_a_stale_answer_is_skipped_with_its_reason(lease: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "apply", lambda *_: steps.Reviewed(stale="asked anew"))
    with pytest.raises(AirflowSkipException, match="asked anew"):
        review.apply("hall-7/walk-1", REVIEW, answer({"id": "7", "name": "Ada"}))
    assert lease[-1] == "released hall-7/walk-1"


@pytest.mark.parametrize(
    ("older", "states", "cleared"),
    [
        ("manual__1", {"ask": "awaiting_input", "apply": None}, True),
        ("manual__1", {"ask": "success", "apply": "running"}, False),
        ("manual__1", {}, False),
        ("manual__1", {"ask": "awaiting_input"}, False),
    ],
    ids=["waits", "writes its answer", "gone", "of another form"],
)
def test_a_replaced_review_is_cleared_unless_it_writes_an_answer(
    older: str, states: Mapping[str, str | None], cleared: bool
) -> None:
    class Tasks:
        def get_task_states(self, dag_id: str, run_ids: list[str]) -> Mapping[str, Mapping[str, str | None]]:
            return {run: states for run in run_ids if states}

    task = EndReplacedReview(task_id="end_older", older=older)
    assert task.template_fields == ("trigger_run_id",)
    context: Any = {"ti": Tasks()}
    with pytest.raises(DagRunTriggerException if cleared else AirflowSkipException) as raised:
        task.execute(context)
    if isinstance(raised.value, DagRunTriggerException):
        assert (raised.value.trigger_dag_id, raised.value.dag_run_id) == ("captures_review", "manual__1")
        assert raised.value.reset_dag_run


def test_an_outage_of_airflow_is_no_bug() -> None:
    class Tasks:
        def get_task_states(self, dag_id: str, run_ids: list[str]) -> Mapping[str, Mapping[str, str | None]]:
            raise AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": 503}))

    context: Any = {"ti": Tasks()}
    with pytest.raises(AirflowUnavailableError, match="does not say which tasks of manual__1 have ended"):
        EndReplacedReview(task_id="end_older", older="manual__1").execute(context)


def test_every_review_that_was_replaced_is_ended() -> None:
    replaces = ["scheduled__2", "manual__1"]
    assert review.older_runs({**REVIEW, "replaces": replaces}) == replaces


@pytest.mark.parametrize(("kind", "asks_all"), [(DagRunType.MANUAL, True), (DagRunType.ASSET_TRIGGERED, False)])
def test_a_run_by_hand_asks_about_all_that_is_undecided_also_with_a_partition_key(
    monkeypatch: pytest.MonkeyPatch, kind: DagRunType, asks_all: bool
) -> None:
    key = CaptureKey("hall-7", "walk-1")
    ctx = SimpleNamespace(records=None, run="this run")
    state = SimpleNamespace(stage=Stage.CONTEXTUALIZED, fingerprint="f1")
    begun: list[Any] = []

    def begin(*_: object, unasked: Any) -> steps.Review:
        begun.append(unasked)
        return steps.Review(**REVIEW)

    monkeypatch.setattr(
        review, "get_current_context", lambda: {"dag_run": SimpleNamespace(run_type=kind, partition_key=str(key))}
    )
    monkeypatch.setattr(review, "capture_context", lambda capture: nullcontext((ctx, key)))
    monkeypatch.setattr(review, "release_lease", lambda capture: None)
    monkeypatch.setattr("capture360.steps.review_due.shown_state", lambda *_: state)
    monkeypatch.setattr("capture360.steps.review_due.asking_run", lambda *_, by_hand: None)
    monkeypatch.setattr("capture360.steps.review_due.replaced_runs", lambda *_: [])
    monkeypatch.setattr(steps, "begin", begin)
    assert review.lay_out(str(key))["suggestions"] == 22
    assert [unasked is None for unasked in begun] == [asks_all]
