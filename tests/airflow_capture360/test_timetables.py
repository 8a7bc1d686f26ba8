"""The dates of a backfill, as its dialog, its command and REST ask for them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from airflow_capture360.timetables import CaptureDates

RANGES = [
    (date(2026, 5, 1), date(2026, 5, 1)),
    (date(2026, 5, 1), date(2026, 5, 31)),
    (date(2026, 3, 1), date(2026, 4, 30)),
    (date(2026, 9, 1), date(2026, 11, 30)),
    (date(2026, 12, 31), date(2027, 1, 1)),
]
"""In some of them summer time begins or ends, in either hemisphere."""
ZONES = [
    "Pacific/Honolulu",
    "America/Los_Angeles",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "UTC",
    "Europe/Oslo",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Tokyo",
    "Pacific/Auckland",
]
BEGIN = time()
ENDS = {"picked": time(23, 59, 59, 999000), "typed": time(23, 59), "midnight": BEGIN}


def dates(earliest: datetime, latest: datetime) -> list[str | None]:
    infos = CaptureDates().iter_partition_dagrun_infos(earliest=earliest, latest=latest)
    return [each.partition_key for each in infos]


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("first", "last"), RANGES)
def test_both_dates_are_included_in_every_time_zone(first: date, last: date, zone: str, end: time) -> None:
    """Those are the times that the dialog sends, by the zone that Airflow shows, and the command, by Airflow's own."""
    earliest, latest = (
        datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC) for day, at in ((first, BEGIN), (last, end))
    )
    all_of_it = [str(first + timedelta(days=number)) for number in range((last - first).days + 1)]
    assert dates(earliest, latest) == all_of_it


def test_a_time_within_a_date_names_that_date() -> None:
    latest = datetime(2026, 5, 3, 15, 23, 7, tzinfo=UTC)
    assert dates(datetime(2026, 5, 1, 9, 23, 7, tzinfo=UTC), latest)[0] == "2026-05-01"
    assert dates(datetime(2026, 5, 1, tzinfo=UTC), latest)[-1] == "2026-05-03"
