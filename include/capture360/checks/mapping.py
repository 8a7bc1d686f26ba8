"""From results of Great Expectations, positions and counts, to hits that can speak."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from capture360.checks.hits import Frame, Hits, where
from capture360.checks.measured import Measured
from capture360.checks.poses import delivered_metres, in_other_units, tilts
from capture360.checks.suites import RuleResult
from capture360.model import FACES, FARTHEST_M, STATION_LENGTH, Kind
from capture360.readers.columns import POSITION, ROTATIONS
from capture360.settings import CheckSettings

if TYPE_CHECKING:
    import pandas as pd

_TABLE_RULES = ("P08", "P09", "T06")
_UNITS = ((1e-3, "millimetres", "mm"), (1e-2, "centimetres", "cm"), (0.3048, "feet", "ft"))


def station_hits(table: Measured, results: list[RuleResult], settings: CheckSettings) -> Iterator[Hits]:
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


def table_hits(table: Measured, results: list[RuleResult]) -> Iterator[Hits]:
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
                yield Hits(
                    "P08",
                    table.stations,
                    rows,
                    value=partial(lambda m, at, row: f"{m[at[row]]:.3f}", metres, at),
                    words=partial(lambda o, at, row: {"other": ids.iat[int(o[at[row]])]}, others, at),
                )
            case "P09":
                metres, typical = result.details["metres"], f"{result.details['typical']:.1f}"
                yield Hits(
                    "P09",
                    table.stations,
                    rows,
                    value=partial(lambda m, at, row: f"{m[at[row]]:.0f}", metres, at),
                    words=partial(lambda typical, row: {"typical": typical}, typical),
                )
            case "T06":
                seconds = result.details["seconds"]
                yield Hits(
                    "T06",
                    table.stations,
                    rows,
                    column="time_taken",
                    value=partial(_time, table),
                    words=partial(lambda s, at, row: {"back": _duration(s[at[row]])}, seconds, at),
                )


def face_hits(table: Measured, faces: Frame, results: list[RuleResult]) -> Iterator[Hits]:
    """The hits of the faces suite, and F01 for stations without any picture."""
    for result in results:
        match result.rule:
            case "F01":
                if table.manifest.kind is Kind.CUBEMAP:
                    yield from _sides(table.stations, result.details)
            case "F02":
                if table.manifest.kind is Kind.CUBEMAP and len(result.rows):
                    yield Hits("F02", faces, result.rows, column="face")
            case "F03":
                empty = (faces.frame["file"].iloc[result.rows] == "").to_numpy()
                if empty.any():
                    yield Hits("F03", faces, result.rows[empty], "empty", "file")
                if (~empty).any():
                    yield Hits("F03", faces, result.rows[~empty], column="file")
            case "F05":
                if len(result.rows):
                    yield Hits("F05", faces, result.rows, column="file")
            case "F04":
                yield from _twice("F04", faces, result.rows, "file")
            case rule:
                if len(result.rows):
                    yield Hits(rule, faces, result.rows, column=result.kwargs.get("column"))
    yield from _without(table, faces)


def _plain(table: Measured, result: RuleResult, words: Mapping[str, object]) -> Hits:
    column = str(result.kwargs["column"])
    return Hits(result.rule, table.stations, result.rows, column=column, words=lambda at: words)


def _scales(table: Measured, result: RuleResult) -> Iterator[Hits]:
    column = str(result.kwargs["column"])
    values = table.numbers[column].values[result.rows]
    none = ~(values > 0)
    for message, rows in (("none", result.rows[none][:1]), ("", result.rows[~none])):
        if len(rows):
            yield Hits("P12", table.stations, rows, message, column)


def _tilted(table: Measured, result: RuleResult, settings: CheckSettings) -> Hits:
    degrees = tilts(table.rotation)
    limit = f"{settings.max_tilt_deg:g}"
    return Hits(
        "P13",
        table.stations,
        result.rows,
        value=lambda at: f"{degrees[at]:.1f}",
        words=lambda at: {"limit": limit},
    )


def _impossible(table: Measured, result: RuleResult) -> Hits:
    offset = table.manifest.time.clock_offset_s
    return Hits(
        "T04",
        table.stations,
        result.rows,
        "offset" if offset else "",
        "time_taken",
        value=partial(_time, table),
        words=lambda at: {"offset": f"{offset:g}"} if offset else {},
    )


def _time(table: Measured, at: int) -> str:
    moment: Any = table.times.utc.iat[at]
    return f"{moment.to_pydatetime().replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def _duration(seconds: float) -> str:
    for length, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def _ids(stations: Frame, rows: NDArray[np.int64]) -> Iterator[Hits]:
    empty = (stations.frame["station_id"].iloc[rows] == "").to_numpy()
    if empty.any():
        yield Hits("I01", stations, rows[empty], "empty", "station_id")
    if (~empty).any():
        yield Hits("I01", stations, rows[~empty], column="station_id", words=lambda at: {"length": STATION_LENGTH})


def _twice(rule: str, table: Frame, rows: NDArray[np.int64], column: str) -> Iterator[Hits]:
    values = table.frame[column].iloc[rows]
    rows = rows[(values != "").to_numpy()]
    if len(rows):
        times = table.frame[column].iloc[rows].value_counts()
        yield Hits(
            rule, table, rows, column=column, words=lambda at: {"times": int(times[str(table.frame[column].iat[at])])}
        )


def _unplaced(table: Measured, results: list[RuleResult]) -> Iterator[Hits]:
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
            yield Hits("P01", table.stations, bad[infinite[bad]], "infinite", name)
        left &= ~infinite & ~np.isnan(metres[:, place])
    # Without a rotation a place seen from the camera is none; that is told of the rotation.
    left &= ~np.isnan(table.rotation).any(axis=1)
    yield from _too_far(table, where(left))


def _unturned(table: Measured, rows: NDArray[np.int64]) -> Iterator[Hits]:
    """P01 of rotations; a quaternion whose length is not 1 is told by P04."""
    columns = ROTATIONS[table.manifest.rotation.kind]
    left = np.ones(len(table), dtype=bool)
    for name in columns:
        yield from _empty(table, rows, name)
        values = table.numbers[name].values
        infinite = np.abs(values) > FARTHEST_M
        if infinite[rows].any():
            yield Hits("P01", table.stations, rows[infinite[rows]], "infinite", name)
        left &= ~infinite & ~np.isnan(values)

    def shown(at: int) -> str:
        return ", ".join(f"{table.numbers[name].values[at]:g}" for name in columns)

    rows = rows[left[rows]]
    if len(rows) and table.manifest.rotation.kind != "quaternion":
        yield Hits("P01", table.stations, rows, "rotation", columns[0], value=shown)


def _empty(table: Measured, rows: NDArray[np.int64], column: str) -> Iterator[Hits]:
    numbers = table.numbers[column]
    rows = rows[np.isnan(numbers.values[rows]) & ~numbers.wrong[rows]]
    if len(rows):
        yield Hits("P01", table.stations, rows, column=column)


def _too_far(table: Measured, rows: NDArray[np.int64]) -> Iterator[Hits]:
    def shown(at: int) -> str:
        return ", ".join(f"{value:g}" for value in table.position[at])

    if len(rows):
        cause = " Is frame.transform right?" if table.manifest.frame.transform else " Is frame.unit right?"
        yield Hits("P01", table.stations, rows, "far", "x", value=shown, cause=cause)


def _outside(table: Measured, result: RuleResult, settings: CheckSettings) -> Iterator[Hits]:
    assert settings.bounds is not None
    axis = str(result.kwargs["column"])
    place = POSITION.index(axis)
    low, high = settings.bounds.minimum[place], settings.bounds.maximum[place]
    metres = table.position[:, place]
    rows = result.rows[table.placed[result.rows]]
    if len(rows):
        yield Hits(
            "P02",
            table.stations,
            rows,
            column=axis,
            words=lambda at: {"metres": f"{metres[at]:g}", "low": f"{low:g}", "high": f"{high:g}"},
            cause=_unit_guess(table, settings),
        )


def _unit_guess(table: Measured, settings: CheckSettings) -> str:
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


def _lengths(table: Measured, rows: NDArray[np.int64], settings: CheckSettings) -> Iterator[Hits]:
    columns = np.column_stack([table.numbers[name].values for name in ROTATIONS["quaternion"]])
    with np.errstate(over="ignore"):
        length = np.sqrt((columns**2).sum(axis=1))
    rows = rows[np.isfinite(columns[rows]).all(axis=1)]
    repairable = np.abs(length[rows] - 1) <= settings.quaternion_repairable

    def shown(at: int) -> str:
        return ", ".join(f"{value:g}" for value in columns[at])

    for message, chosen in (("repaired", rows[repairable]), ("", rows[~repairable])):
        if len(chosen):
            yield Hits(
                "P04",
                table.stations,
                chosen,
                message,
                "qw",
                value=shown,
                words=lambda at: {"length": f"{length[at]:.4g}"},
                cause=" Are these really quaternions, w first?",
            )


def _sides(stations: Frame, details: Mapping[str, Any]) -> Iterator[Hits]:
    if not details or not len(details["stations"]):
        return
    counts: dict[str, NDArray[np.int64]] = dict(zip(details["stations"], details["counts"], strict=True))
    ids = stations.frame["station_id"]
    yield Hits(
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


def _without(table: Measured, faces: Frame) -> Iterator[Hits]:
    ids: pd.Series[str] = table.stations.frame["station_id"]
    rows = where(~ids.isin(faces.frame["station_id"].unique()) & (ids != ""))
    if not len(rows):
        return
    if table.manifest.kind is Kind.CUBEMAP:
        pattern = table.manifest.faces.pattern
        yield Hits("F01", table.stations, rows, "none", words=lambda at: {"wanted": _wanted(pattern, str(ids.iat[at]))})
    else:
        yield Hits("F01", table.stations, rows, "panorama", words=lambda at: {"wanted": f"panos/{ids.iat[at]}.jpg"})


def _wanted(pattern: str, station: str) -> str:
    name = pattern.replace("{station}", station).replace("{face}", "front").replace("{ext}", "jpg")
    return f"{name} and so on"
