"""A page of suggested links as a task that waits for a person."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException, TaskAwaitingInput

from airflow_capture360 import reviewing
from airflow_capture360.operators import AskAboutLinks
from capture360.model import CaptureKey
from capture360.steps import review as steps

REVIEW = {"fingerprint": "f1", "digest": "d1", "pages": 2, "suggestions": 22}
PAGE = {"review": REVIEW, "page": 0, "label": "page 1 of 2"}
EVIL = "| `{{ macros }}` |"


class Instance:
    id = "0190-0000"


def test_what_is_asked_is_laid_out_by_the_task_itself_and_never_a_template(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(
        "airflow.providers.standard.operators.hitl.upsert_hitl_detail", lambda **detail: asked.update(detail)
    )
    monkeypatch.setattr(reviewing, "page_of", lambda capture, page: (f"{capture} {page['label']}", EVIL))
    task = AskAboutLinks(task_id="ask", capture="hall-7/walk-1", page=PAGE)
    assert set(task.template_fields) == {"capture", "page"}
    context: Any = {"task_instance": Instance()}
    with pytest.raises(TaskAwaitingInput):
        task.execute(context)
    assert (asked["subject"], asked["body"]) == ("hall-7/walk-1 page 1 of 2", EVIL)
    assert asked["defaults"] == ["Leave as they are"]
    assert set(asked["params"]) == {"approve", "reject"}
    assert context["label"] == "page 1 of 2"


def test_the_process_that_takes_the_answer_has_the_page_s_label() -> None:
    task = AskAboutLinks(task_id="ask", capture="hall-7/walk-1", page=PAGE)
    context: Any = {"task_instance": Instance()}
    event = {**answer({"id": "7", "name": "Ada"}), "responded_at": datetime(2026, 1, 2, tzinfo=UTC)}
    taken = task.execute_complete(context, event)
    assert taken["chosen_options"] == ["Approve all"]
    assert context["label"] == "page 1 of 2"


@pytest.fixture
def lease(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done with the lease."""
    done: list[str] = []

    @contextmanager
    def at_work(capture: str) -> Iterator[tuple[None, CaptureKey]]:
        done.append(f"took {capture}")
        yield None, CaptureKey.parse(capture)

    monkeypatch.setattr(reviewing, "get_current_context", dict)
    monkeypatch.setattr(reviewing, "at_work", at_work)
    monkeypatch.setattr(reviewing, "release_lease", lambda capture: done.append(f"released {capture}"))
    return done


def answer(user: Mapping[str, str] | None) -> dict[str, Any]:
    return {
        "chosen_options": ["Approve all"],
        "params_input": {"approve": None, "reject": "2"},
        "responded_at": "2026-01-02",
        "responded_by_user": user,
    }


@pytest.mark.parametrize(("user", "by"), [({"id": "7", "name": "Ada"}, "Ada"), (None, None)])
def test_an_answer_is_applied_under_a_lease_that_is_given_back(
    lease: list[str], monkeypatch: pytest.MonkeyPatch, user: Mapping[str, str] | None, by: str | None
) -> None:
    responses: list[steps.Response] = []

    def apply(ctx: object, key: object, review: steps.Review, page: int, response: steps.Response) -> steps.Reviewed:
        assert (review, page) == (steps.Review(**REVIEW), 0)
        responses.append(response)
        return steps.Reviewed(19, 1)

    monkeypatch.setattr(steps, "apply", apply)
    assert reviewing.apply("hall-7/walk-1", PAGE, answer(user))["approved"] == 19
    assert responses == [steps.Response("Approve all", "", "2", by, "2026-01-02")]
    assert lease == ["took hall-7/walk-1", "released hall-7/walk-1"]


def test_a_stale_answer_is_skipped_with_its_reason(lease: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "apply", lambda *_: steps.Reviewed(stale="asked anew"))
    with pytest.raises(AirflowSkipException, match="asked anew"):
        reviewing.apply("hall-7/walk-1", PAGE, answer({"id": "7", "name": "Ada"}))
    assert lease[-1] == "released hall-7/walk-1"
