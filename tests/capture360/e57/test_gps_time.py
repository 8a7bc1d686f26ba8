"""GPS seconds against the offsets that the IERS published."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture360.e57.gps_time import utc_from_gps
from e57_writer import gps_from_utc


@pytest.mark.parametrize(
    ("utc", "seconds"),
    [
        (datetime(1980, 1, 6, tzinfo=UTC), 0),
        (datetime(1999, 8, 22, tzinfo=UTC), 1024 * 7 * 86400 + 13),  # first week rollover, 13 leap seconds
        (datetime(2011, 8, 3, 20, 27, 30, tzinfo=UTC), 996_438_465),
        (datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC), 1_167_264_016),
        (datetime(2017, 1, 1, tzinfo=UTC), 1_167_264_018),
        (datetime(2026, 5, 1, tzinfo=UTC), 1_461_628_818),
    ],
)
def test_published_offsets(utc, seconds):
    assert gps_from_utc(utc) == seconds
    assert utc_from_gps(seconds) == utc


@given(st.datetimes(datetime(1980, 1, 7), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_there_and_back(utc):
    assert abs((utc_from_gps(gps_from_utc(utc)) - utc).total_seconds()) < 1e-5


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 1e300])
def test_what_is_no_time_is_refused(seconds):
    with pytest.raises(ValueError, match="no GPS time"):
        utc_from_gps(seconds)
