"""Times that no camera can mean are findings of their row, whatever the zone, the clock offset and the base."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from capture360.checks.text_columns import to_utc
from capture360.checks.time_hints import fix_of
from capture360.checks.validation import Validation
from capture360.model import FACES, CaptureKey, Verdict
from capture360.readers.manifest import Time, TimeBase
from delivery import Delivery, picture

ROW = 1


def rules(validation: Validation) -> dict[str, set[str | None]]:
    """The stations that each rule complains about, notes and warnings included."""
    found: dict[str, set[str | None]] = {}
    for finding in (*validation.findings, *validation.bad_rows):
        found.setdefault(finding.rule, set()).add(finding.station)
    return found


def delivered(delivery: Delivery, base: str = "utc", text: str = "", zone: str = "", offset: float = 0) -> Validation:
    """The outcome with the second station's time as given; the others have sound ones of the base."""
    seconds = {"unix_s": 1_776_418_200, "unix_ms": 1_776_418_200_000, "gps_s": 1_460_453_418}
    for number, row in enumerate(delivery.stations):
        if base in seconds:
            row["time_taken"] = str(seconds[base] + 60 * number * (1000 if base == "unix_ms" else 1))
        elif base == "local":
            row["time_taken"] = row["time_taken"].rstrip("Z")
    if text:
        delivery.stations[ROW]["time_taken"] = text
    delivery.manifest["time"] = {"base": base, "clock_offset_s": offset} | (
        {"zone": zone} if zone and base == "local" else {}
    )
    return delivery.check()


IMPOSSIBLE = [
    ("utc", "0001-01-01T00:00:00Z"),
    ("utc", "0001-01-01T00:00:00+02:00"),
    ("utc", "9999-12-31T23:59:59Z"),
    ("utc", "9999-12-31T23:59:59.9999999-05:00"),
    ("utc", "1582-10-04T00:00:00Z"),
    ("local", "0001-01-01T00:00:00"),
    ("local", "9999-12-31T23:59:59"),
    ("local", "9999-12-31T23:59:59.9999999"),
    ("local", "0001-01-01"),
    ("unix_s", "-62135596800"),
    ("unix_s", "-99999999999"),
    ("unix_s", "99999999999"),
    ("unix_ms", "-99999999999999"),
    ("gps_s", "-1"),
    ("gps_s", "-63072000000"),
    ("gps_s", "-99999999999"),
]


@pytest.mark.parametrize("zone", ["", "Europe/Oslo", "America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize(("base", "text"), IMPOSSIBLE)
def test_an_impossible_time_is_kept_as_one(base: str, text: str, zone: str) -> None:
    """Beside a sound one; a date that Python can hold, so that T04 can show it."""
    sound = {"unix_s": "1776418200", "unix_ms": "1776418200000", "gps_s": "1460453418"}
    column = pd.Series([sound.get(base, "2026-04-17T09:30:00"), text], dtype="str")
    times = to_utc(column, Time(base=base, zone=zone or None))
    one, other = times.utc.dt.to_pydatetime()
    assert one.year == 2026
    assert not times.wrong[0]
    assert times.wrong[1] or not 2000 <= other.year < 2030


@pytest.mark.parametrize("base", ["unix_s", "unix_ms", "gps_s"])
@pytest.mark.parametrize("text", ["1e308", "-1e308", "1e30", "inf", "-1e18", "-9223372036854775808"])
def test_numbers_beyond_any_time_are_wrong(base: str, text: str) -> None:
    times = to_utc(pd.Series([text], dtype="str"), Time(base=base))
    assert times.wrong.tolist() == [True]


@pytest.mark.parametrize("offset", [4e9, -4e9, 1e12, 1e300, -1e300, 1.7e308, 2.6e11])
@pytest.mark.parametrize("base", ["utc", "local", "unix_s", "unix_ms", "gps_s"])
def test_no_clock_offset_raises(base: str, offset: float) -> None:
    text = "2026-04-17T09:30:00" if base in ("utc", "local") else "1460453418"
    times = to_utc(pd.Series([text, ""], dtype="str"), Time(base=base, clock_offset_s=offset))
    assert not 2000 <= times.utc.dt.to_pydatetime()[0].year < 2030
    assert times.utc.isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("base", "text"),
    [("utc", "0001-01-01T00:00:00+02:00"), ("local", "9999-12-31T23:59:59"), ("gps_s", "-99999999999")],
)
def test_an_impossible_time_holds_its_row_back(delivery: Delivery, base: str, text: str) -> None:
    validation = delivered(delivery, base, text, "America/New_York")
    assert validation.verdict is Verdict.PARTIAL
    assert set(validation.quarantined) == {"s-02"}
    assert set(validation.quarantined["s-02"]) <= {"T01", "T04"}


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+02:00", "9999-12-31T23:00:00Z"])
def test_a_time_beyond_all_years_is_quoted_as_it_stands(delivery: Delivery, text: str) -> None:
    delivery.stations[2]["time_taken"] = text
    found = [finding for finding in delivery.check().findings if finding.rule.startswith("T")]
    assert [(finding.rule, finding.value) for finding in found] == [("T04", text)]
    assert f"taken {text}, which cannot be." in found[0].message


@pytest.mark.parametrize("text", ["2026-04-17T09:30:00+14:00", "2026-04-17T09:30:00-1200", "2026-04-17 09:30:00+1400"])
def test_the_last_zones_are_taken(text: str) -> None:
    assert not to_utc(pd.Series([text], dtype="str"), Time(base="utc")).wrong.any()


@pytest.mark.parametrize("offset", [1e9, 1e300])
def test_a_clock_offset_out_of_range_is_told_with_its_name(delivery: Delivery, offset: float) -> None:
    validation = delivered(delivery, offset=offset)
    assert validation.verdict is Verdict.REJECTED
    (stop,) = [finding for finding in validation.findings if finding.rule == "T04"]
    assert f"time.clock_offset_s ({offset:g} s)" in stop.message
    assert "or give time.clock_offset_s" not in stop.message


def test_the_offset_that_is_advised_is_not_advised_again(delivery: Delivery) -> None:
    for number, row in enumerate(delivery.stations):
        row["time_taken"] = f"1970-01-01T00:{number:02}:00Z"
    before = delivered(delivery)
    assert "give time.clock_offset_s" in before.findings[0].message
    delivery.manifest["time"] = {"base": "utc", "clock_offset_s": 1_776_418_200.0}
    assert delivery.check().verdict is Verdict.ACCEPTED


@pytest.mark.parametrize("text", ["2026-04-17T11:02:00+02", "2026-04-17 11:02:00+02", "2026-04-17T0902Z"])
def test_a_zone_of_hours_alone_is_a_zone(text: str) -> None:
    """And beside one with another zone, and one without."""
    column = pd.Series([text, "2026-04-17T10:02:00+01", "2026-04-17T09:02:00"], dtype="str")
    times = to_utc(column, Time(base="utc"))
    assert {moment.isoformat() for moment in times.utc.dt.to_pydatetime()} == {"2026-04-17T09:02:00+00:00"}
    assert times.unzoned.tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("text", "usual"),
    [
        ("2026-04-17t09:30:00z", "2026-04-17T09:30:00Z"),
        ("2026-04-17T09:30:00,5Z", "2026-04-17T09:30:00.5Z"),
        ("2026-04-17 09:30:00 UTC", "2026-04-17T09:30:00Z"),
        ("2026-04-17T09:30:00\u221202:00", "2026-04-17T11:30:00Z"),
        ("2026-04-17T09:30:00.1234567891234Z", "2026-04-17T09:30:00.123456Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2017-01-01T00:59:60+01:00", "2017-01-01T00:00:00Z"),
        ("2016-12-31T23:59:60.5Z", "2017-01-01T00:00:00.5Z"),
        ("2016-12-31t23:59:60z", "2017-01-01T00:00:00Z"),
        ("2026-04-17T11:30:00+02:00[Europe/Oslo]", "2026-04-17T09:30:00Z"),
        ("2026-04-17 09:30:00 utc", "2026-04-17T09:30:00Z"),
        ("2026:04:17 11:30:00+02:00", "2026-04-17T09:30:00Z"),
    ],
)
def test_other_ways_to_write_a_time(text: str, usual: str) -> None:
    times = to_utc(pd.Series([text, "2026-04-17T09:31:00Z"], dtype="str"), Time(base="utc"))
    assert not times.wrong.any()
    assert times.zoned.all()
    assert times.utc.iat[0] == pd.Timestamp(usual)


@pytest.mark.parametrize(
    "text",
    [
        "2026-04-17T09:30:60Z", "2026-04-17T09:59:60Z", "2025-12-31T23:59:60Z", "2026-04-17T24:00:01Z",
        "2026-04-17T09:60:00Z", "2026-04", "2026-04-17T09:30:00+15:00", "2026-04-17 09:30-1430",
        "2026-04-17T09:30:00+24", "2026", "0000:00:00 00:00:00", "2026-04-17T09:30:00[Europe/Oslo]",
    ],
)  # fmt: skip
def test_a_time_that_no_clock_shows_is_wrong(text: str) -> None:
    assert to_utc(pd.Series([text], dtype="str"), Time(base="utc")).wrong.all()


@pytest.mark.parametrize(
    ("text", "base", "fix"),
    [
        ("2026-04-17T09:30:00 Europe/Oslo", "utc", "with time.base: local and time.zone: Europe/Oslo."),
        ("2026-04-17T09:30:00[Europe/Oslo]", "utc", "with time.base: local and time.zone: Europe/Oslo."),
        ("2026-04-17T09:30:00+2", "utc", "Is +2 the offset from UTC? Write it in hours and minutes, 14:00 at most"),
        ("2026-04-17 09:30:00 -24:00", "utc", "Is -24:00 the offset from UTC?"),
        ("2026-04-17T09:30:00+15:00", "local", "Is +15:00 the offset from UTC?"),
        ("2026-04-17 09:30:00 CEST", "utc", "Letters may mean several zones: write the offset"),
        ("2026-04-17 09:30:00 UTC+2", "utc", "Letters may mean several zones: write the offset"),
        ("4/17/2026 9:30:00 AM", "local", "Write it as 2026-04-17T09:30:00."),
        ("46129,3958333", "local", "Excel stores 2026-04-17T09:30:00 so: write the time in full."),
        ("1776418200", "utc", "Are these seconds since 1970? Then set time.base: unix_s."),
        ("1776418200000", "unix_s", "Are these milliseconds since 1970? Then set time.base: unix_ms."),
        ("1776418200", "unix_ms", "Are these seconds since 1970? Then set time.base: unix_s."),
        (
            "1776418200123456",
            "unix_s",
            "Are these microseconds since 1970? Then deliver milliseconds, 1,000 times less",
        ),
        ("1776418200123456789", "utc", "Are these nanoseconds since 1970? Then deliver milliseconds, 1,000,000 times"),
        (
            "1460453418",
            "utc",
            "Are these GPS seconds since 1980 (2026-04-17)? Then set time.base: gps_s. Are these seconds",
        ),
        ("1460453418", "utc", "Are these seconds since 1970 (2016-04-12)? Then set time.base: unix_s."),
        ("1460453418000000000", "gps_s", "Are these GPS nanoseconds since 1980 (2026-04-17)? Then deliver seconds"),
        ("134208918000000000", "utc", "Are these Windows file times, 100 ns since 1601? Then export dates"),
        ("639120150000000000", "unix_s", "Are these .NET ticks, 100 ns since the year 1? Then export dates"),
        ("2461147.8958", "utc", "Are these Julian days? Then export dates"),
        ("61147.8958", "utc", "Are these modified Julian days? Then export dates"),
        ("740089.3958", "unix_s", "Are these MATLAB's days since the year 0? Then export dates"),
        ("3859263000", "unix_s", "Are these seconds since 1904, as LabVIEW counts (2026-04-17)? Then export dates"),
        (
            "2414 379818",
            "gps_s",
            "Are these a GPS week and the seconds in it? Then write 1460367018, with time.base: gps_s.",
        ),
        ("2414:379818.5", "utc", "Then write 1460367018.5, with time.base: gps_s."),
        ("379818", "unix_ms", "Are these seconds of a GPS week? Then add 604,800 for each week since 1980"),
        (
            "1.77642E+09",
            "unix_s",
            "Its last digit counts 2.8 hours: a program shortened it. Export it with all its digits.",
        ),
        ("1.776418E+12", "unix_ms", "Its last digit counts 16.7 minutes: a program shortened it."),
    ],
)
def test_the_fix_names_what_the_text_probably_is(text: str, base: TimeBase, fix: str) -> None:
    assert fix in fix_of(text, base)


@pytest.mark.parametrize(
    ("zone", "text", "utc", "skipped"),
    [
        ("Europe/Oslo", "2026-03-29T02:30:00", "2026-03-29T01:30:00Z", True),
        ("Europe/Oslo", "2026-03-29T03:30:00", "2026-03-29T01:30:00Z", False),
        ("Europe/Oslo", "2025-10-26T02:30:00", "2025-10-26T00:30:00Z", False),
        ("Australia/Lord_Howe", "2026-10-04T02:10:00", "2026-10-03T15:40:00Z", True),
        ("Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T22:00:00Z", True),
    ],
)
def test_a_time_that_no_clock_showed_counts_on_from_the_clock_before(
    zone: str, text: str, utc: str, skipped: bool
) -> None:
    times = to_utc(pd.Series([text, "2020-01-01T00:00:00"], dtype="str"), Time(base="local", zone=zone))
    assert times.utc.iat[0] == pd.Timestamp(utc)
    assert times.skipped.tolist() == [skipped, False]


def test_numbers_of_another_base_are_asked_about(delivery: Delivery) -> None:
    for number, row in enumerate(delivery.stations):
        row["time_taken"] = str(1_776_418_200 + 60 * number)
    delivery.manifest["time"] = {"base": "unix_ms"}
    assert "Are these seconds since 1970? Then set time.base: unix_s." in delivery.check().findings[0].message


@pytest.mark.parametrize(
    ("base", "form", "scale"),
    [("unix_s", "{:.5E}", 1), ("unix_s", "{:.4e}", 1), ("unix_ms", "{:.5E}", 1000), ("gps_s", "{:.6E}", 1)],
)
def test_times_that_were_shortened_are_none(delivery: Delivery, base: str, form: str, scale: int) -> None:
    """Excel writes a narrow column so: stations within hours would carry one time."""
    for number, row in enumerate(delivery.stations):
        row["time_taken"] = form.format((1_460_453_418 + 60 * number) * scale)
    delivery.manifest["time"] = {"base": base}
    validation = delivery.check()
    assert validation.verdict is Verdict.REJECTED
    assert "a program shortened it. Export it with all its digits." in validation.headline


@pytest.mark.parametrize("form", ["{:.18e}", "{:.9E}", "{:.10e}", "java"])
def test_times_with_an_exponent_and_all_digits_are_taken(delivery: Delivery, form: str) -> None:
    for number, row in enumerate(delivery.stations):
        seconds = 1_776_418_200 + 60 * number
        row["time_taken"] = f"{seconds / 1e9!r}E9" if form == "java" else form.format(seconds)
    delivery.manifest["time"] = {"base": "unix_s"}
    assert delivery.check().verdict is Verdict.ACCEPTED


@pytest.mark.parametrize(
    "text",
    [
        "9999-12-31T23:59:59.9999999+02:00", "9999-12-31T23:59:59.9999999Z", "9999-12-31T00:00:00Z",
        "2569-04-17T09:30:00.1234567Z", "2400-01-01T00:00:00.123456789Z", "1600-01-01T00:00:00.1234567Z",
        "0001-01-01T00:00:00.0000000Z", "0000-01-01T00:00:00Z",
    ],
)  # fmt: skip
@pytest.mark.parametrize("at", [0, 1])
def test_far_dates_are_named_by_one_rule(delivery: Delivery, text: str, at: int) -> None:
    """Whatever the digits of their seconds, and whichever row they are in."""
    delivery.stations[at]["time_taken"] = text
    station = delivery.stations[at]["station_id"]
    found = rules(delivery.check())
    assert station in found["T04"]
    assert "T01" not in found


def test_a_span_is_that_of_possible_times(delivery: Delivery) -> None:
    delivery.stations[0]["time_taken"] = "9999-12-31T23:59:59Z"
    assert "T05" not in rules(delivery.check())


def test_a_date_is_no_time_with_a_zone() -> None:
    times = to_utc(pd.Series(["2026-04-17"], dtype="str"), Time(base="local", zone="Europe/Oslo"))
    assert times.utc.iat[0].isoformat() == "2026-04-16T22:00:00+00:00"


@pytest.mark.parametrize("text", ["2026-04-17T09:30:00 CET", "2026-04-17T09:30:00GMT+2", "2026-04-17T09:30:00+2"])
def test_a_zone_written_otherwise_is_not_guessed(text: str) -> None:
    times = to_utc(pd.Series([text, "2026-04-17T09:30:00"], dtype="str"), Time(base="local", zone="Europe/Oslo"))
    assert times.wrong.tolist() == [True, False]


def test_times_with_and_without_a_zone_stop_in_words(delivery: Delivery) -> None:
    """Also where the zone is hours alone, and one is beside another."""
    delivery.stations[0]["time_taken"] = "2026-04-17T09:01:00+02"
    delivery.stations[1]["time_taken"] = "2026-04-17T09:01:00+01"
    delivery.stations[2]["time_taken"] = "2026-04-17T09:03:00"
    assert "T02" in rules(delivery.check())


def tables_of(shared: Path, tmp_path: Path, case: str) -> Delivery:
    """A delivered table beside sound pictures."""
    source = shared / "data" / case
    manifest = yaml.safe_load((source / "capture.yaml").read_text())
    folder = tmp_path / "hall-7" / manifest["capture_id"]
    delivery = Delivery(folder, manifest, stations=[])
    table = source / "stations.csv"
    paths = [f"images/s-00{number}/{face}.jpg" for number in range(1, 5) for face in FACES]
    delivery.files = {path: picture(512, 512, seed) for seed, path in enumerate(paths)}
    if table.exists():
        folder.mkdir(parents=True)
        shutil.copyfile(table, folder / "stations.csv")
    return delivery


@pytest.mark.parametrize(
    ("case", "held"),
    [
        ("field-cases/t20-plus02", set()),
        ("field-cases/t41-two-short-zones", set()),
        ("field-cases/t50-dotnet-min-local", {"s-001"}),
    ],
)
def test_delivered_tables_are_taken_but_for_the_rows_in_error(
    shared: Path, tmp_path: Path, case: str, held: set[str]
) -> None:
    delivery = tables_of(shared, tmp_path, case)
    validation = delivery.check(CaptureKey("hall-7", delivery.path.name))
    assert set(validation.quarantined) == held
    assert validation.verdict is (Verdict.PARTIAL if held else Verdict.ACCEPTED), validation.headline


def test_a_delivered_clock_offset_is_told(shared: Path, tmp_path: Path) -> None:
    delivery = tables_of(shared, tmp_path, "field-cases/t46-clock-offset-oob")
    validation = delivery.check(CaptureKey("hall-7", delivery.path.name))
    assert "time.clock_offset_s (1e+09 s)" in validation.headline


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("2026-04-17T24:00:00Z", Time(base="utc")),
        ("2026-04-17 24:00:00.000+02:00", Time(base="utc")),
        ("2026-04-17T24:00Z", Time(base="utc")),
        ("20260417T240000Z", Time(base="utc")),
        ("2026-04-17 24:00 UTC", Time(base="utc")),
        ("2026-04-17 24:00:00 GMT", Time(base="utc")),
        ("2026-04-17t24:00:00z", Time(base="utc")),
        ("2026-04-17T24:00:00\u221205:00", Time(base="utc")),
        ("2026-04-17T24:00:00", Time(base="local", zone="Europe/Oslo")),
    ],
)
def test_midnight_at_the_end_of_a_day_is_the_next_day(text: str, stated: Time) -> None:
    start = text.replace("24", "00").replace("17", "18", 1)
    end, beginning = to_utc(pd.Series([text, start]), stated).utc
    assert pd.notna(end)
    assert end == beginning


@pytest.mark.parametrize("text", ["2026-04-17T24:00:01Z", "2026-04-17T24:01Z", "2026-04-17T25:00Z"])
def test_no_other_time_has_hour_24(text: str) -> None:
    assert to_utc(pd.Series([text]), Time(base="utc")).wrong.all()


def test_a_cell_longer_than_any_time_is_wrong_at_once() -> None:
    """A line break in a cell makes pandas match with Python's own expressions, which are not linear."""
    times = to_utc(pd.Series(["1" + " " * 300_000 + "x", "2026-04-17\n09:30:00"], dtype="str"), Time(base="utc"))
    assert times.wrong.all()


@pytest.mark.parametrize(("is_fixed", "advice"), [(False, "Then set time.base: unix_s."), (True, "Write it as 2026-")])
def test_no_other_base_is_advised_where_none_can_be_set(is_fixed: bool, advice: str) -> None:
    assert advice in fix_of("1776418200", "utc", is_fixed=is_fixed)
