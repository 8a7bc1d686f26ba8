"""Nothing is retracted before as many people as the site asks for have approved it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException, TaskAwaitingInput

from airflow_capture360.answers import KEEP, RETRACT
from airflow_capture360.operators import AskToRetract
from airflow_capture360.tasks import retract
from capture360.errors import RequestError, RetractionError
from capture360.model import Asset, CaptureKey, FaceRef
from capture360.records import Records
from capture360.steps import retract as steps
from capture360.steps.made import Made
from capture360.steps.review_due import note_review

CAPTURE = "hall-7/walk-1"


def answer(choice: str, name: str | None = "Ada") -> dict[str, Any]:
    return {"chosen_options": [choice], "responded_by_user": name and {"id": name, "name": name}}


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done, in order."""
    done: list[str] = []

    @contextmanager
    def capture_context(capture: str, *, lock: bool = True) -> Iterator[tuple[Any, CaptureKey]]:
        if lock:
            done.append("took the lease")
        yield SimpleNamespace(site=SimpleNamespace(retract_approvals=2)), CaptureKey.parse(capture)

    def undo(ctx: object, key: CaptureKey, *, approved: str, by: str) -> steps.Retraction:
        done.append(f"retracted {key} by {by}, as approved in {approved}")
        made = Made(images=frozenset({("space", "image")}))
        return steps.Retraction(key, (), made, (), ())

    monkeypatch.setattr(retract, "capture_context", capture_context)
    monkeypatch.setattr(retract, "release_lease", lambda capture: done.append("released"))
    monkeypatch.setattr(steps, "retract", undo)
    return done


@pytest.mark.parametrize(
    ("approvals", "answers"),
    [
        (1, [answer(KEEP)]),
        (1, [answer(RETRACT, None)]),
        (1, [None]),
        (2, [answer(RETRACT), None]),
        (2, [answer(RETRACT), answer(KEEP, "Bo")]),
        (2, [answer(KEEP), answer(RETRACT, "Bo")]),
    ],
    ids=["kept", "timed out", "not asked", "one of two", "second keeps", "first keeps"],
)
def test_what_is_not_approved_is_kept(done: list[str], approvals: int, answers: list[Any]) -> None:
    with pytest.raises(AirflowSkipException):
        retract.undo(CAPTURE, {"digest": "d", "approvals": approvals}, *answers)
    assert done == []


def test_one_person_is_not_two(done: list[str]) -> None:
    with pytest.raises(RequestError, match="Ada has approved twice"):
        retract.undo(CAPTURE, {"digest": "d", "approvals": 2}, answer(RETRACT), answer(RETRACT))
    assert done == []


@pytest.mark.parametrize(
    ("approvals", "answers", "by"),
    [(1, [answer(RETRACT), None], "Ada"), (2, [answer(RETRACT), answer(RETRACT, "Bo")], "Ada, Bo")],
)
def test_what_is_approved_is_retracted_under_the_lease(
    done: list[str], approvals: int, answers: list[Any], by: str
) -> None:
    assert retract.undo(CAPTURE, {"digest": "d", "approvals": approvals}, *answers) == {"images": 1}
    assert done == ["took the lease", f"retracted {CAPTURE} by {by}, as approved in d", "released"]


def test_a_second_person_is_asked_where_the_site_says_so(done: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(
        "airflow.providers.standard.operators.hitl.upsert_hitl_detail", lambda **detail: asked.update(detail)
    )
    planned = steps.Retraction(
        CaptureKey.parse(CAPTURE), ("link <b>{{ x }} http://evil.example `@all`",), Made(), (), ()
    )
    monkeypatch.setattr(steps, "plan_retraction", lambda ctx, key: planned)
    context: Any = {"task_instance": SimpleNamespace(try_number=1, max_tries=3, id="i")}
    plan = {"digest": planned.digest, "approvals": 1, "page": "hall-7/walk-1/f1/p.html"}
    with pytest.raises(AirflowSkipException):
        AskToRetract(task_id="again", capture=CAPTURE, plan=plan, number=2, retries=3).execute(context)
    assert asked == {}
    with pytest.raises(TaskAwaitingInput):
        AskToRetract(task_id="ask", capture=CAPTURE, plan=plan, retries=3).execute(context)
    assert asked["subject"] == f"Remove {CAPTURE} from CDF?"
    assert "- `` 1 link: link <b>{{ x }} http://evil.example `@all` ``\n" in asked["body"]  # code, so no link or markup
    assert asked["defaults"] == [KEEP]
    with pytest.raises(RetractionError, match="has changed"):
        AskToRetract(task_id="ask", capture=CAPTURE, plan={**plan, "digest": "old"}, retries=3).execute(context)


def test_people_are_shown_counts_and_some_names(done: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    links = tuple(f"annotation {number}" for number in range(30))
    planned = steps.Retraction(CaptureKey.parse(CAPTURE), links, Made(), (), ())
    monkeypatch.setattr(steps, "plan_retraction", lambda ctx, key: planned)
    _, body = retract.page_of(CAPTURE, {"digest": planned.digest, "page": "hall-7/walk-1/f1/p.html"}, 1)
    assert "[The whole plan](/capture360/reports/hall-7/walk-1/f1/p.html)" in body
    assert "30 links: annotation 0, annotation 1, annotation 2 and 27 more" in body
    assert "annotation 19" in planned.lines()[0]


def test_the_review_that_waits_is_ended_and_only_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records, announced = Records(str(tmp_path)), list[str]()
    monkeypatch.setattr(retract, "register_and_records", lambda: (None, records))
    monkeypatch.setattr(retract, "emit", announced.extend)
    with pytest.raises(AirflowSkipException):
        retract.end_review(CAPTURE)
    note_review(records, CaptureKey.parse(CAPTURE), "f1", "m", "a review")
    retract.end_review(CAPTURE)
    assert announced == [CAPTURE]


@pytest.mark.parametrize("choice", [KEEP, RETRACT])
def test_a_second_person_is_asked_about_what_the_first_approved(
    done: list[str], monkeypatch: pytest.MonkeyPatch, choice: str
) -> None:
    monkeypatch.setattr("airflow.providers.standard.operators.hitl.upsert_hitl_detail", lambda **detail: None)
    planned = steps.Retraction(CaptureKey.parse(CAPTURE), (), Made(), (), ())
    monkeypatch.setattr(steps, "plan_retraction", lambda ctx, key: planned)
    context: Any = {"task_instance": SimpleNamespace(try_number=1, max_tries=3, id="i")}
    again = AskToRetract(
        task_id="again",
        capture=CAPTURE,
        plan={"digest": planned.digest, "approvals": 2, "page": ""},
        number=2,
        first=answer(choice),
        retries=3,
    )
    with pytest.raises(TaskAwaitingInput if choice == RETRACT else AirflowSkipException):
        again.execute(context)


def test_the_whole_plan_is_kept_for_those_who_approve_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = Records(str(tmp_path))
    key = CaptureKey.parse(CAPTURE)
    body = {"verdict": "accepted", "headline": "", "accepted": 1, "quarantined": {}, "findings": []}
    records.put(key, "f1", "validate", body, run="test")
    connection = SimpleNamespace(base_url="https://westeurope-1.cognitedata.com", project="plant", browser_url="")
    ctx = SimpleNamespace(
        site=SimpleNamespace(retract_approvals=1), records=records, cdf=SimpleNamespace(connection=connection)
    )
    faces = frozenset(FaceRef("front", f"face-{number}", None) for number in range(600))
    made = Made(collections=frozenset({("space", "col-1")}), faces=faces)
    assets = (Asset("7", "21-P-<1>", ()),)
    planned = steps.Retraction(key, ("link a", "link b"), made, ("station-1",), (), assets=assets)
    monkeypatch.setattr(retract, "capture_context", lambda capture, lock: nullcontext((ctx, key)))
    monkeypatch.setattr(steps, "plan_retraction", lambda ctx, key: planned)
    asked = retract.plan(CAPTURE)
    content = records.report(key, *asked["page"].removeprefix(f"{key}/").split("/"))
    assert content is not None
    text = content.decode()
    for name in ("link a", "link b", "station-1", "col-1", *(ref.external_id for ref in faces)):
        assert f"<li>{name}</li>" in text
    assert "https://fusion.cognite.com/plant/3d-models" in text
    assert "https://fusion.cognite.com/plant/explore/asset/7" in text
    assert "21-P-&lt;1&gt;" in text


def test_what_others_hold_on_to_fails_at_the_plan(done: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    held = steps.Retraction(CaptureKey.parse(CAPTURE), (), Made(), (), ("edge s/e of others is attached to it.",))
    monkeypatch.setattr(steps, "plan_retraction", lambda ctx, key: held)
    with pytest.raises(RetractionError, match="edge s/e of others"):
        retract.plan(CAPTURE)
    assert done == []
