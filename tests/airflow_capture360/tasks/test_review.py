"""A review as a task that waits for a person."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from airflow.sdk.exceptions import AirflowSkipException, TaskAwaitingInput, TaskDeferred

from airflow_capture360.operators import AskAboutLinks
from airflow_capture360.tasks import review
from airflow_capture360.triggers import EarlierAnswer
from capture360.model import CaptureKey
from capture360.steps import review as steps

REVIEW = {"fingerprint": "f1", "digest": "d1", "suggestions": 22}
EVIL = "| `{{ macros }}` |"


INSTANCE_ID = UUID(int=7)


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
    monkeypatch.setattr(review, "notice_of", lambda capture, review: (f"{capture}: {review['suggestions']}", EVIL))
    return asked


def test_what_is_asked_is_laid_out_by_the_task_itself_and_never_a_template(asked: dict[str, Any]) -> None:
    task = AskAboutLinks(task_id="ask", capture="hall-7/walk-1", review=REVIEW, retries=3)
    assert set(task.template_fields) == {"capture", "review"}
    context: Any = {"task_instance": Instance()}
    with pytest.raises(TaskAwaitingInput):
        task.execute(context)
    assert (asked["subject"], asked["body"]) == ("hall-7/walk-1: 22", EVIL)
    assert asked["defaults"] == ["Leave the rest"]
    assert set(asked["params"]) == {"approve", "reject"}


def test_the_notice_leads_to_the_page_and_counts_the_plates() -> None:
    subject, body = review.notice_of("hall-7/walk-1", REVIEW)
    assert subject == "hall-7/walk-1: 22 plates to decide"
    assert "[Open the review](/capture360/review/hall-7/walk-1)" in body
    assert review.notice_of("hall-7/walk-1", {**REVIEW, "suggestions": 1})[0] == "hall-7/walk-1: 1 plate to decide"


def test_there_are_buttons_not_a_list() -> None:
    assert len(AskAboutLinks(task_id="ask", capture="hall-7/walk-1", review=REVIEW).options) <= 4


@pytest.mark.parametrize(("number", "max_tries"), [(2, 3), (4, 3), (6, 7)])
def test_a_retry_looks_for_an_earlier_answer_before_it_asks(asked: dict[str, Any], number: int, max_tries: int) -> None:
    task = AskAboutLinks(task_id="ask", capture="hall-7/walk-1", review=REVIEW, retries=3)
    context: Any = {"task_instance": Instance(number, max_tries)}
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(context)
    assert asked == {}
    assert isinstance(deferred.value.trigger, EarlierAnswer)
    assert deferred.value.trigger.ti_id == INSTANCE_ID
    event = {**answer({"id": "7", "name": "Ada"}), "responded_at": datetime(2026, 1, 2, tzinfo=UTC)}
    taken = getattr(task, deferred.value.method_name)(context, event=event)
    assert taken["responded_by_user"] == {"id": "7", "name": "Ada"}
    assert asked == {}


def test_whoever_clears_the_task_is_asked_anew(asked: dict[str, Any]) -> None:
    task = AskAboutLinks(task_id="ask", capture="hall-7/walk-1", review=REVIEW, retries=3)
    cleared_after_its_second_try: Any = {"task_instance": Instance(3, 2 + 3)}
    with pytest.raises(TaskAwaitingInput):
        task.execute(cleared_after_its_second_try)
    assert asked["subject"] == "hall-7/walk-1: 22"


@pytest.mark.parametrize("params", [None, {"reject": "2"}], ids=["nobody answered", "half a form"])
def test_a_retry_asks_again_when_there_is_no_answer_that_fits(
    asked: dict[str, Any], params: dict[str, str] | None
) -> None:
    task = AskAboutLinks(task_id="ask", capture="hall-7/walk-1", review=REVIEW, retries=3)
    event = params and {
        **answer(None), "params_input": params, "responded_at": datetime(2026, 1, 2, tzinfo=UTC),
    }  # fmt: skip
    with pytest.raises(TaskAwaitingInput):
        task.take_or_ask({"task_instance": Instance(2, 3)}, event)
    assert asked["subject"] == "hall-7/walk-1: 22"


@pytest.fixture
def lease(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done with the lease."""
    done: list[str] = []

    @contextmanager
    def capture_context(capture: str) -> Iterator[tuple[None, CaptureKey]]:
        done.append(f"took {capture}")
        yield None, CaptureKey.parse(capture)

    monkeypatch.setattr(review, "capture_context", capture_context)
    monkeypatch.setattr(review, "release_lease", lambda capture: done.append(f"released {capture}"))
    return done


def answer(user: Mapping[str, str] | None) -> dict[str, Any]:
    return {
        "chosen_options": ["Approve the rest"],
        "params_input": {"approve": None, "reject": "2"},
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
