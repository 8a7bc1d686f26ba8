"""The landing zone's watcher against a real folder, and what is told of an earlier answer."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from airflow.sdk.api.datamodels._generated import HITLDetailResponse, HITLUser
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time import hitl
from airflow.sdk.execution_time.comms import ErrorResponse
from airflow.sdk.module_loading import import_string

from airflow_capture360 import triggers
from airflow_capture360.assets import captures, landing_zone, published_captures
from airflow_capture360.triggers import EarlierAnswer, LandingZoneTrigger
from capture360.records import Records
from capture360.steps import landing_changes
from capture360.steps.landing_changes import LandingChanges
from capture360.steps.watcher import last_mark
from capture360.store import DocumentStore


async def watch(trigger: LandingZoneTrigger, *changes: Callable[[], object], patience: float = 60) -> list[str]:
    """The reasons of the events, one waited for after each change."""
    reasons = []
    events = trigger.run()
    for change in changes:
        change()
        event = await asyncio.wait_for(anext(events), patience)
        reasons.append(event.payload["reason"])
    return reasons


class Told(logging.Handler):
    """What was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.sentences: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.sentences.append(record.getMessage())


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the triggers log."""
    handler = Told()
    triggers.log.addHandler(handler)
    monkeypatch.setattr(triggers.log, "disabled", False)
    yield handler.sentences
    triggers.log.removeHandler(handler)


def nothing() -> None:
    """No change."""


def test_it_wakes_at_the_first_look_at_every_change_and_when_the_zone_has_settled(landing: Path) -> None:
    def drop() -> None:
        (landing / "walk-1").mkdir(parents=True)

    def finish() -> None:
        (landing / "walk-1" / "_READY").touch()

    reasons = asyncio.run(watch(LandingZoneTrigger(poll_seconds=0.05), nothing, drop, finish, nothing))
    assert reasons == ["the landing zone has changed"] * 3 + ["the landing zone has settled"]


def test_a_quiet_zone_does_not_wake(landing: Path) -> None:
    landing.mkdir(parents=True)

    async def a_third() -> None:
        events = LandingZoneTrigger(poll_seconds=0.05).run()
        for _ in range(2):
            event = await asyncio.wait_for(anext(events), 60)
        assert event.payload["reason"] == "the landing zone has settled"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(events), 1)

    asyncio.run(a_third())


def test_a_broken_register_is_told_once_and_the_watch_goes_on(
    landing: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    landing.mkdir(parents=True)
    register = landing.parents[1] / "sites.yaml"
    good = register.read_text()
    register.write_text("records: [")
    trigger = LandingZoneTrigger(poll_seconds=0.05)

    looks = 0

    class FixedAtTheFifthLook(LandingChanges):
        def poll(self) -> tuple[bool, timedelta]:
            nonlocal looks
            looks += 1
            if looks == 5:
                register.write_text(good)
            return super().poll()

    monkeypatch.setattr(landing_changes, "LandingChanges", FixedAtTheFifthLook)
    assert asyncio.run(watch(trigger, nothing, patience=20)) == ["the landing zone has changed"]
    (sentence,) = told
    assert "sites.yaml" in sentence


def test_it_leaves_marks_and_says_what_keeps_it_from_listing(
    records: Records, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks: list[str] = []
    looks = iter([True, False, OSError("the store is away"), OSError("the store is away"), False])

    def poll(_: LandingChanges) -> tuple[bool, timedelta]:
        mark = last_mark(records)
        marks.append(mark.trouble if mark else "none")
        result = next(looks, True)
        if isinstance(result, OSError):
            raise result
        return result, timedelta(days=1)

    monkeypatch.setattr(LandingChanges, "poll", poll)
    put = DocumentStore.put
    written: list[str] = []
    monkeypatch.setattr(
        DocumentStore, "put", lambda store, path, content: (written.append(path), put(store, path, content))
    )
    asyncio.run(watch(LandingZoneTrigger(poll_seconds=0.01), nothing, nothing))
    away = "all sites: the store is away"
    assert marks == ["none", "", "", away, away, ""]
    assert written == ["sensing/watcher.json"] * 3


def test_a_site_that_it_cannot_list_is_in_its_mark(
    records: Records, landing: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    landing.mkdir(parents=True)
    troubles: list[str] = []
    poll = LandingChanges.poll

    def gone_at_the_third(changes: LandingChanges) -> tuple[bool, timedelta]:
        mark = last_mark(records)
        troubles.append(mark.trouble if mark else "")
        if len(troubles) == 3:
            landing.rename(landing.with_name("away"))
        return True, poll(changes)[1]

    monkeypatch.setattr(LandingChanges, "poll", gone_at_the_third)
    asyncio.run(watch(LandingZoneTrigger(poll_seconds=0.01), *[nothing] * 5))
    assert [each.partition(":")[0] for each in troubles] == ["", "", "", landing.name, landing.name]
    (sentence,) = told
    assert sentence == f"The landing zones cannot be listed: {troubles[-1]}"


def test_a_mark_that_it_cannot_leave_is_told_once(landing: Path, told: list[str]) -> None:
    (landing.parents[1] / "records" / "sensing" / "watcher.json").mkdir(parents=True)
    marks = triggers.Marks()
    marks.every_s = 0
    for _ in range(2):
        marks.leave({})
    (sentence,) = told
    assert sentence.startswith("The watcher cannot leave a mark beside the records: ")


def test_it_can_be_made_anew_from_what_is_stored() -> None:
    path, arguments = LandingZoneTrigger(poll_seconds=3).serialize()
    again = import_string(path)(**arguments)
    assert again.serialize() == (path, arguments)


def test_the_assets_are_told_apart() -> None:
    assert len({asset.uri for asset in (landing_zone, captures, published_captures)}) == 3
    assert len(landing_zone.watchers) == 1


ANSWERED = HITLDetailResponse(
    response_received=True,
    responded_by_user=HITLUser(id="7", name="Ada"),
    responded_at=datetime(2026, 1, 2, tzinfo=UTC),
    chosen_options=["Approve the rest"],
    params_input={"approve": "", "reject": "2"},
)
NOT_ANSWERED = HITLDetailResponse(response_received=False, responded_at=None, chosen_options=[])
NOT_FOUND = {"status_code": 404, "detail": {"detail": {"reason": "not_found", "message": "HITLDetail not found."}}}
NEVER_ASKED = AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail=NOT_FOUND))


@pytest.mark.parametrize(
    ("found", "chosen"),
    [(ANSWERED, ["Approve the rest"]), (NOT_ANSWERED, None), (NEVER_ASKED, None)],
    ids=["answered", "not answered", "never asked"],
)
def test_an_earlier_answer_is_handed_on_as_airflow_would_have(
    monkeypatch: pytest.MonkeyPatch, found: HITLDetailResponse | Exception, chosen: list[str] | None
) -> None:
    def read(_: UUID) -> HITLDetailResponse:
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(hitl, "get_hitl_detail_content_detail", read)
    monkeypatch.setattr(triggers, "SHORTEST_PAUSE_S", 0)
    name, arguments = EarlierAnswer(UUID(int=7)).serialize()
    trigger = import_string(name)(**arguments)

    async def fired() -> list[Any]:
        return [event.payload async for event in trigger.run()]

    (payload,) = asyncio.run(fired())
    assert (payload and payload["chosen_options"]) == chosen
    if payload:
        user = {"id": "7", "name": "Ada"}
        assert (payload["responded_by_user"], payload["params_input"]["reject"]) == (user, "2")


DOWN = AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": 500}))
SOMEBODY_S_404 = AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": 404}))


def test_an_answer_that_airflow_cannot_show_is_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking the person anew would throw it away."""
    answers = [DOWN, SOMEBODY_S_404, ANSWERED]

    def read(_: UUID) -> HITLDetailResponse:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(hitl, "get_hitl_detail_content_detail", read)
    monkeypatch.setattr(triggers, "SHORTEST_PAUSE_S", 0)

    async def first() -> Any:
        return (await anext(EarlierAnswer(UUID(int=7)).run())).payload

    assert asyncio.run(first())["chosen_options"] == ["Approve the rest"]
