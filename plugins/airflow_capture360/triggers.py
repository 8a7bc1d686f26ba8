"""Triggers: changes in the landing zones, and answers to an earlier try of a task."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping, Set
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from airflow.triggers.base import BaseEventTrigger, BaseTrigger, TriggerEvent
from typing_extensions import override

log = logging.getLogger(__name__)

SHORTEST_PAUSE_S = 10.0
"""A trigger that fires sooner can meet Airflow 3.3's race of deferred tasks (apache/airflow #67287)."""


class LandingZoneTrigger(BaseEventTrigger):
    """Fire when something in the landing zones has changed, and once more after the longest quiet period.

    It never ends and keeps no state: after a restart it fires once, and sensing finds nothing new. Events only wake, so
    they say nothing of what has changed: that is in the landing zone and in the marks of ended captures. A mark of its
    own beside the records says that it is alive: captures_watch notices when it hangs, or nothing runs it.
    """

    def __init__(self, poll_seconds: float = 5.0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow gives it no annotation
        self.poll_seconds = poll_seconds

    @override
    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "airflow_capture360.triggers.LandingZoneTrigger", {"poll_seconds": self.poll_seconds}

    @override
    async def run(self) -> AsyncIterator[TriggerEvent]:
        from capture360.steps.landing_changes import LandingChanges

        changes = LandingChanges()
        quiet_since = 0.0
        trouble: Mapping[str, str] = {}
        marks = Marks()
        while True:
            began, before = time.monotonic(), trouble
            try:
                has_changed, quiet_period = await asyncio.to_thread(changes.poll)
                trouble = changes.trouble
            except Exception as error:  # noqa: BLE001 - an unreachable store must not end the watch
                has_changed, quiet_period, trouble = False, timedelta.max, {"all sites": str(error)}
            if trouble.keys() - before.keys():
                log.warning("The landing zones cannot be listed: %s", _said(trouble))
            if has_changed:
                quiet_since = time.monotonic()
                yield TriggerEvent({"reason": "the landing zone has changed"})
            elif quiet_since and time.monotonic() - quiet_since > quiet_period.total_seconds():
                quiet_since = 0.0
                yield TriggerEvent({"reason": "the landing zone has settled"})
            # A landing zone that takes long to list is listed less often, so that listing takes a tenth of the time.
            rest = max(self.poll_seconds, 9 * (time.monotonic() - began))
            while rest > 0:
                await asyncio.to_thread(marks.leave, trouble)
                await asyncio.sleep(min(rest, marks.every_s))  # in parts, each ended by a mark
                rest -= marks.every_s


def _said(trouble: Mapping[str, str]) -> str:
    from capture360.text import without_secrets

    return without_secrets("; ".join(f"{site}: {why}" for site, why in trouble.items()))


class Marks:
    """Marks of a watcher beside the records."""

    def __init__(self) -> None:
        from capture360.steps.watcher import BETWEEN

        self.every_s = BETWEEN.total_seconds()
        self._left: tuple[float, Set[str]] | None = None
        self._can_leave = True

    def leave(self, trouble: Mapping[str, str]) -> None:
        """Leave a mark if the last one is old, or a site's trouble has begun or ended since."""
        from capture360.records import Records
        from capture360.settings.register import Register
        from capture360.steps.watcher import Mark, put_mark
        from capture360.text import without_secrets

        if self._left and self._left[1] == trouble.keys() and time.monotonic() - self._left[0] < self.every_s:
            return
        try:
            put_mark(Records(Register().records_url), Mark(datetime.now(UTC), _said(trouble)))
            self._can_leave = True
        except Exception as error:  # noqa: BLE001 - stores raise what they like; without a mark captures_watch alerts
            if self._can_leave and not trouble:
                log.warning("The watcher cannot leave a mark beside the records: %s", without_secrets(str(error)))
            self._can_leave = False
        self._left = time.monotonic(), frozenset(trouble)


class EarlierAnswer(BaseTrigger):
    """Fire once, with the answer of a person to an earlier try of a task, or None if there is none.

    Airflow keeps the answer when it starts a new try, but only the triggerer may read it.
    """

    def __init__(self, ti_id: UUID | str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow gives it no annotation
        self.ti_id = UUID(str(ti_id))

    @override
    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "airflow_capture360.triggers.EarlierAnswer", {"ti_id": str(self.ti_id)}

    @override
    async def run(self) -> AsyncIterator[TriggerEvent]:
        from airflow.sdk.exceptions import AirflowRuntimeError
        from airflow.sdk.execution_time.hitl import get_hitl_detail_content_detail

        from airflow_capture360.run_state import says_not_found

        found = None
        while True:
            await asyncio.sleep(SHORTEST_PAUSE_S)  # Airflow sends no event when a question is answered
            try:
                found = await asyncio.to_thread(get_hitl_detail_content_detail, self.ti_id)
            except AirflowRuntimeError as error:
                if not says_not_found(error):  # asking the person again would discard the answer
                    log.warning("Airflow does not say whether this was answered; asking again: %s", error)
                    continue
                log.info("The earlier try had not asked yet")
            break
        if found is None or not found.chosen_options:
            yield TriggerEvent(None)
            return
        user = found.responded_by_user
        yield TriggerEvent(
            {
                "chosen_options": list(found.chosen_options),
                "params_input": found.params_input or {},
                "responded_at": found.responded_at,
                "responded_by_user": user and {"id": user.id, "name": user.name},
                "timedout": user is None,
            }
        )
