"""From results of Great Expectations, positions and counts, to hits that can speak."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from capture360.checks.parsed_capture import ParsedStations
from capture360.checks.poses import delivered_metres, in_other_units, tilts
from capture360.checks.suites import RuleResult
from capture360.checks.violations import Frame, RowViolations, where
from capture360.model import FACES, FARTHEST_M, STATION_LENGTH, CaptureKind
from capture360.readers.columns import POSITION, ROTATIONS
from capture360.settings.checks import CheckSettings

if TYPE_CHECKING:
    import pandas as pd

_TABLE_RULES = ("P08", "P09", "T06")
_UNITS = ((1e-3, "millimetres", "mm"), (1e-2, "centimetres", "cm"), (0.3048, "feet", "ft"))


def station_hits(table: ParsedStations, results: list[RuleResult], settings: CheckSettings) -> Iterator[RowViolations]:
    """The hits of the stations suite; what the gate already said about a cell is not said again."""
    yield from _unplaced(table, results)
    for result in results:
        if not len(result.rows) or result.rule in _TABLE_RULES:
            continue
        match result.rule:
            case "I01":
                yield from _ids(table.stations, result.rows)
            case "I02":
                yield from _twice("I02", table.stations, result.rows, "station_id")
            case "P01":
                if result.kwargs["column"] == "rotation":
                    yield from _unturned(table, result.rows)
            case "P02":
                yield from _outside(table, result, settings)
            case "P04":
                yield from _lengths(table, result.rows, settings)
            case "P07":
                limits = {"low": result.kwargs["min_value"], "high": result.kwargs["max_value"]}
                yield _plain(table, result, limits)
            case "P12":
                yield from _scales(table, result)
            case "P13":
                yield _tilted(table, result, settings)
            case "T04":
                yield _impossible(table, result)
            case rule:
                raise AssertionError(f"{rule} has no words")


def table_hits(table: ParsedStations, results: list[RuleResult]) -> Iterator[RowViolations]:
    """P08, P09 and T06, whose expectations list the rows themselves."""
    ids = table.stations.frame["station_id"]
    for result in results:
        rows = result.details.get("positions", ())
        if not len(rows):
            continue
        at = {int(row): place for place, row in enumerate(rows)}
        match result.rule:
            case "P08":
                metres, others = result.details["metres"], result.details["others"]
                yield RowViolations(
                    "P08",
                    table.stations,
                    rows,
                    value=partial(lambda m, at, row: f"{m[at[row]]:.3f}", metres, at),
                    words=partial(lambda o, at, row: {"other": ids.iat[int(o[at[row]])]}, others, at),
                )
            case "P09":
                metres, typical = result.details["metres"], f"{result.details['typical']:.1f}"
                yield RowViolations(
                    "P09",
                    table.stations,
                    rows,
                    value=partial(lambda m, at, row: f"{m[at[row]]:.0f}", metres, at),
                    words=partial(lambda typical, row: {"typical": typical}, typical),
                )
            case "T06":
                seconds = result.details["seconds"]
                yield RowViolations(
                    "T06",
                    table.stations,
                    rows,
                    column="time_taken",
                    value=partial(_time, table),
                    words=partial(lambda s, at, row: {"back": _duration(s[at[row]])}, seconds, at),
                )


def face_hits(table: ParsedStations, faces: Frame, results: list[RuleResult]) -> Iterator[RowViolations]:
    """The hits of the faces suite, and F01 for stations without any picture."""
    for result in results:
        match result.rule:
            case "F01":
                if table.manifest.kind is CaptureKind.CUBEMAP:
                    yield from _sides(table.stations, result.details)
            case "F02":
                if table.manifest.kind is CaptureKind.CUBEMAP and len(result.rows):
                    yield RowViolations("F02", faces, result.rows, column="face")
            case "F03":
                empty = (faces.frame["file"].iloc[result.rows] == "").to_numpy()
                if empty.any():
                    yield RowViolations("F03", faces, result.rows[empty], "empty", "file")
                if (~empty).any():
                    yield RowViolations("F03", faces, result.rows[~empty], column="file")
            case "F05":
                if len(result.rows):
                    yield RowViolations("F05", faces, result.rows, column="file")
            case "F04":
                yield from _twice("F04", faces, result.rows, "file")
            case rule:
                if len(result.rows):
                    yield RowViolations(rule, faces, result.rows, column=result.kwargs.get("column"))
    yield from _without(table, faces)


def _plain(table: ParsedStations, result: RuleResult, words: Mapping[str, object]) -> RowViolations:
    column = str(result.kwargs["column"])
    return RowViolations(result.rule, table.stations, result.rows, column=column, words=lambda at: words)


def _scales(table: ParsedStations, result: RuleResult) -> Iterator[RowViolations]:
    column = str(result.kwargs["column"])
    values = table.numbers[column].values[result.rows]
    none = ~(values > 0)
    for message, rows in (("none", result.rows[none][:1]), ("", result.rows[~none])):
        if len(rows):
            yield RowViolations("P12", table.stations, rows, message, column)


def _tilted(table: ParsedStations, result: RuleResult, settings: CheckSettings) -> RowViolations:
    degrees = tilts(table.rotation)
    limit = f"{settings.max_tilt_deg:g}"
    return RowViolations(
        "P13",
        table.stations,
        result.rows,
        value=lambda at: f"{degrees[at]:.1f}",
        words=lambda at: {"limit": limit},
    )


def _impossible(table: ParsedStations, result: RuleResult) -> RowViolations:
    offset = table.manifest.time.clock_offset_s
    return RowViolations(
        "T04",
        table.stations,
        result.rows,
        "offset" if offset else "",
        "time_taken",
        value=partial(_time, table),
        words=lambda at: {"offset": f"{offset:g}"} if offset else {},
    )


def _time(table: ParsedStations, at: int) -> str:
    moment: Any = table.times.utc.iat[at]
    return f"{moment.to_pydatetime().replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def _duration(seconds: float) -> str:
    for length, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def _ids(stations: Frame, rows: NDArray[np.int64]) -> Iterator[RowViolations]:
    empty = (stations.frame["station_id"].iloc[rows] == "").to_numpy()
    if empty.any():
        yield RowViolations("I01", stations, rows[empty], "empty", "station_id")
    if (~empty).any():
        yield RowViolations(
            "I01", stations, rows[~empty], column="station_id", words=lambda at: {"length": STATION_LENGTH}
        )


def _twice(rule: str, table: Frame, rows: NDArray[np.int64], column: str) -> Iterator[RowViolations]:
    values = table.frame[column].iloc[rows]
    rows = rows[(values != "").to_numpy()]
    if len(rows):
        times = table.frame[column].iloc[rows].value_counts()
        yield RowViolations(
            rule, table, rows, column=column, words=lambda at: {"times": int(times[str(table.frame[column].iat[at])])}
        )


def _unplaced(table: ParsedStations, results: list[RuleResult]) -> Iterator[RowViolations]:
    """P01 of places. A transform mixes the axes, so the cells to blame are not those of the axis out of range."""
    rows = [result.rows for result in results if result.rule == "P01" and result.kwargs["column"] in POSITION]
    left = np.zeros(len(table), dtype=bool)
    left[np.concatenate([*rows, np.empty(0, dtype=np.int64)])] = True
    bad = where(left)
    metres = delivered_metres(table.manifest, table.numbers)
    for place, name in enumerate(POSITION):
        yield from _empty(table, bad, name)
        infinite = np.abs(metres[:, place]) > FARTHEST_M
        if infinite[bad].any():
            yield RowViolations("P01", table.stations, bad[infinite[bad]], "infinite", name)
        left &= ~infinite & ~np.isnan(metres[:, place])
    # Without a rotation a place seen from the camera is none; that is told of the rotation.
    left &= ~np.isnan(table.rotation).any(axis=1)
    yield from _too_far(table, where(left))


def _unturned(table: ParsedStations, rows: NDArray[np.int64]) -> Iterator[RowViolations]:
    """P01 of rotations; a quaternion whose length is not 1 is told by P04."""
    columns = ROTATIONS[table.manifest.rotation.kind]
    left = np.ones(len(table), dtype=bool)
    for name in columns:
        yield from _empty(table, rows, name)
        values = table.numbers[name].values
        infinite = np.abs(values) > FARTHEST_M
        if infinite[rows].any():
            yield RowViolations("P01", table.stations, rows[infinite[rows]], "infinite", name)
        left &= ~infinite & ~np.isnan(values)

    def shown(at: int) -> str:
        return ", ".join(f"{table.numbers[name].values[at]:g}" for name in columns)

    rows = rows[left[rows]]
    if len(rows) and table.manifest.rotation.kind != "quaternion":
        yield RowViolations("P01", table.stations, rows, "rotation", columns[0], value=shown)


def _empty(table: ParsedStations, rows: NDArray[np.int64], column: str) -> Iterator[RowViolations]:
    numbers = table.numbers[column]
    rows = rows[np.isnan(numbers.values[rows]) & ~numbers.wrong[rows]]
    if len(rows):
        yield RowViolations("P01", table.stations, rows, column=column)


def _too_far(table: ParsedStations, rows: NDArray[np.int64]) -> Iterator[RowViolations]:
    def shown(at: int) -> str:
        return ", ".join(f"{value:g}" for value in table.position[at])

    if len(rows):
        cause = " Is frame.transform right?" if table.manifest.frame.transform else " Is frame.unit right?"
        yield RowViolations("P01", table.stations, rows, "far", "x", value=shown, cause=cause)


def _outside(table: ParsedStations, result: RuleResult, settings: CheckSettings) -> Iterator[RowViolations]:
    assert settings.bounds is not None
    axis = str(result.kwargs["column"])
    place = POSITION.index(axis)
    low, high = settings.bounds.minimum[place], settings.bounds.maximum[place]
    metres = table.position[:, place]
    rows = result.rows[table.placed[result.rows]]
    if len(rows):
        yield RowViolations(
            "P02",
            table.stations,
            rows,
            column=axis,
            words=lambda at: {"metres": f"{metres[at]:g}", "low": f"{low:g}", "high": f"{high:g}"},
            cause=_unit_guess(table, settings),
        )


def _unit_guess(table: ParsedStations, settings: CheckSettings) -> str:
    """Whether most stations would lie within the site in another unit."""
    assert settings.bounds is not None
    if table.manifest.frame.unit != "m":
        return " Is frame.unit right?"
    known = table.position[table.placed]
    for factor, name, unit in _UNITS:
        metres = in_other_units(table.manifest, known, factor)
        inside = (metres >= settings.bounds.minimum).all(axis=1) & (metres <= settings.bounds.maximum).all(axis=1)
        if inside.size and inside.mean() > 0.8:
            return f" Are these {name}? Then set frame.unit: {unit}."
    return ""


def _lengths(table: ParsedStations, rows: NDArray[np.int64], settings: CheckSettings) -> Iterator[RowViolations]:
    columns = np.column_stack([table.numbers[name].values for name in ROTATIONS["quaternion"]])
    with np.errstate(over="ignore"):
        length = np.sqrt((columns**2).sum(axis=1))
    rows = rows[np.isfinite(columns[rows]).all(axis=1)]
    repairable = np.abs(length[rows] - 1) <= settings.quaternion_repairable

    def shown(at: int) -> str:
        return ", ".join(f"{value:g}" for value in columns[at])

    for message, chosen in (("repaired", rows[repairable]), ("", rows[~repairable])):
        if len(chosen):
            yield RowViolations(
                "P04",
                table.stations,
                chosen,
                message,
                "qw",
                value=shown,
                words=lambda at: {"length": f"{length[at]:.4g}"},
                cause=" Are these really quaternions, w first?",
            )


def _sides(stations: Frame, details: Mapping[str, Any]) -> Iterator[RowViolations]:
    if not details or not len(details["stations"]):
        return
    counts: dict[str, NDArray[np.int64]] = dict(zip(details["stations"], details["counts"], strict=True))
    ids = stations.frame["station_id"]
    yield RowViolations(
        "F01",
        stations,
        where(ids.isin(list(counts))),
        value=lambda at: _missing(counts[str(ids.iat[at])]),
        words=lambda at: {"problem": _missing(counts[str(ids.iat[at])])},
    )


def _missing(counts: NDArray[np.int64]) -> str:
    """`face "left" is missing; face "top" appears 2 times`."""
    parts = [f'face "{face}" is missing' for face, count in zip(FACES, counts, strict=True) if count == 0]
    parts += [f'face "{face}" appears {n} times' for face, n in zip(FACES, counts, strict=True) if n > 1]
    return "; ".join(parts)


def _without(table: ParsedStations, faces: Frame) -> Iterator[RowViolations]:
    ids: pd.Series[str] = table.stations.frame["station_id"]
    rows = where(~ids.isin(faces.frame["station_id"].unique()) & (ids != ""))
    if not len(rows):
        return
    if table.manifest.kind is CaptureKind.CUBEMAP:
        pattern = table.manifest.faces.pattern
        yield RowViolations(
            "F01", table.stations, rows, "none", words=lambda at: {"wanted": _wanted(pattern, str(ids.iat[at]))}
        )
    else:
        yield RowViolations(
            "F01", table.stations, rows, "panorama", words=lambda at: {"wanted": f"panos/{ids.iat[at]}.jpg"}
        )


def _wanted(pattern: str, station: str) -> str:
    name = pattern.replace("{station}", station).replace("{face}", "front").replace("{ext}", "jpg")
    return f"{name} and so on"
