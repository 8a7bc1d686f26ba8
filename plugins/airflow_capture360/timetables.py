"""Timetables of the DAGs that Airflow's own do not cover."""

from __future__ import annotations

from typing import Any

from airflow.timetables.base import DagRunInfo, TimeRestriction
from airflow.timetables.trigger import CronPartitionTimetable
from typing_extensions import override


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
    def next_dagrun_info_v2(
        self, *, last_dagrun_info: DagRunInfo | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Schedule no run; a backfill takes its dates from `iter_partition_dagrun_infos`."""
        return None
