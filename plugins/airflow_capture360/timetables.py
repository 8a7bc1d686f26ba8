"""Timetables of the DAGs that Airflow's own do not cover."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.timetables.base import DagRunInfo, TimeRestriction
from airflow.timetables.trigger import CronPartitionTimetable
from typing_extensions import override

_EASTERNMOST = timedelta(hours=13)
"""A midnight in New Zealand's summer; the westernmost zone that is not taken for it is Hawaii's, at -10 hours."""
_SUMMER_TIME_S = 3600


class CaptureDates(CronPartitionTimetable):
    """One partition a day, headed by its date, for backfills alone: nothing is ever scheduled.

    A DAG with an end date in the past would not be scheduled either, but Airflow then starts no task of its runs by
    hand.
    """

    def __init__(self) -> None:
        super().__init__("0 0 * * *", timezone="UTC", key_format="%Y-%m-%d")
        self.description = "Never, backfills only"

    @property
    @override
    def summary(self) -> str:
        return "backfills"

    @classmethod
    @override
    def deserialize(cls, data: dict[str, Any]) -> CaptureDates:
        return cls()

    @override
    def serialize(self) -> dict[str, Any]:
        return {}

    @override
    def iter_partition_dagrun_infos(self, *, earliest: datetime, latest: datetime) -> Iterable[DagRunInfo]:
        """Yield a run for each date, both included, whatever time zone somebody chose them in.

        The Backfill dialog sends the begin of the first date and the end of the last one in the zone that it shows.
        """
        begin = self.localize_partition_datetime(earliest)
        first = _midnight(begin + _EASTERNMOST)
        last = _last_date(self.localize_partition_datetime(latest) + (first - begin))
        return super().iter_partition_dagrun_infos(earliest=first, latest=last)

    @override
    def next_dagrun_info_v2(
        self, *, last_dagrun_info: DagRunInfo | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Schedule no run; a backfill takes its dates from `iter_partition_dagrun_infos`."""
        return None


def _last_date(local: datetime) -> datetime:
    """Return the midnight of the last date: `local` is in it, or begins it, or is its last minute.

    Summer time may have begun or ended since the first date, so that either is an hour off.
    """
    minute = timedelta(minutes=1)
    is_end = (local + minute).minute == 0
    end = (local + minute).replace(second=0, microsecond=0) if is_end else local
    nearest = _midnight(end + timedelta(hours=12))
    if abs(end - nearest).total_seconds() in {0, _SUMMER_TIME_S}:
        return nearest - timedelta(days=is_end)
    return _midnight(local)


def _midnight(moment: datetime) -> datetime:
    return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
