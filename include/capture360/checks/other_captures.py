"""Rules that compare stations with the site's other captures: I05, and C05 for stations that captures share."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter

import numpy as np

from capture360 import names
from capture360.checks.captures import CAPTURES, difference, placed_rows
from capture360.checks.parsed_capture import CheckInput
from capture360.checks.stations import STATIONS
from capture360.checks.violations import Group, RowViolations
from capture360.geometry.poses import NEAR_DEG, NEAR_M
from capture360.rules.finding import Disposition
from capture360.rules.rule import says

_Difference = tuple[float, float, str]
"""Metres and degrees from the pose in a capture, and that capture's id."""
_SAME_PLACE_M = 1.0
_LARGER = itemgetter(0, 1)

C05 = CAPTURES.rule(
    "C05",
    "A station with history stays where it was",
    why="Viewers show all images of a station with the pose of the first.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="gate",
    judges="positions and rotations, against the site's other captures",
    frame="site",
    messages=says(
        "{where} is {value} m and {turn} degrees from its pose in capture {capture}; with history: true it must "
        "agree within 0.01 m and 0.1 degrees. Give it a new id, or set history: false.",
        bad="history: true and a station moved by 5 cm",
        where="stations.csv row 3 (s-02)",
        value="0.050",
        turn="0.00",
        capture="2026-03-01",
    )
    | says(
        "{where} is {value} m and {turn} degrees from its pose in capture {capture}, which shares this station with "
        "history: true and would be shown moved as well; it must agree within 0.01 m and 0.1 degrees. Give it a new "
        "id, or deliver {capture} with a higher revision and history: false before.",
        name="shared",
        bad="a new revision that moves a station by 5 cm which a later capture shares",
        where="stations.csv row 3 (s-02)",
        value="0.050",
        turn="0.00",
        capture="2026-05-01",
    ),
)

I05 = STATIONS.rule(
    "I05",
    "An id of an earlier capture names the same place",
    why="People take one id for one place, over all captures of a site.",
    disposition=Disposition.WARN,
    scope="station",
    stage="gate",
    judges="positions, and those published before",
    frame="site",
    messages=says(
        "{where}: {value} was {distance} m away in capture {capture}. If it is another place, give it a new id.",
        bad="s-02 moved by 48 m since the last capture",
        where="stations.csv row 3 (s-02)",
        value="s-02",
        distance="48.0",
        capture="2026-03-01",
    ),
)


def against_others(given: CheckInput) -> Iterator[Group]:
    """Check I05 and C05 against the site's other captures.

    A station that another capture shares has one pose, whichever of them was first and has `history`.
    """
    table = given.table
    others = [capture for capture in given.earlier if capture.key != given.key]
    rows = placed_rows(table) if others else {}
    any_other: dict[int, _Difference] = {}
    shared: dict[int, _Difference] = {}
    for capture in others:
        for station in capture.stations:
            if station.id in rows:
                at = rows[station.id]
                found = *difference(table, at, station.pose), capture.key.capture
                any_other[at] = max(any_other.get(at, found), found, key=_LARGER)
                if capture.reused.get(station.id) == names.station_id(given.key, station.id):
                    shared[at] = max(shared.get(at, found), found, key=_LARGER)
    moved = {at: found for at, found in shared.items() if _is_moved(found)}
    yield from _violations(given, moved, "shared")
    rest = {at: found for at, found in any_other.items() if at not in moved}
    if table.manifest.history:
        yield from _violations(given, {at: found for at, found in rest.items() if _is_moved(found)})
    elif elsewhere := [at for at, (metres, *_) in rest.items() if metres > _SAME_PLACE_M]:
        positions = np.array(sorted(elsewhere), dtype=np.int64)
        yield RowViolations(I05, table.stations, positions, column="station_id", words=lambda at: _words(rest[at]))


def _is_moved(found: _Difference) -> bool:
    metres, turn, _ = found
    return metres > NEAR_M or turn > NEAR_DEG


def _violations(given: CheckInput, moved: dict[int, _Difference], message: str = "") -> Iterator[RowViolations]:
    """Yield the rows that violate C05."""
    if moved:
        yield RowViolations(
            C05,
            given.table.stations,
            np.array(sorted(moved), dtype=np.int64),
            message,
            value=lambda at: f"{moved[at][0]:.3f}",
            words=lambda at: _words(moved[at]),
        )


def _words(found: _Difference) -> dict[str, object]:
    metres, turn, capture = found
    return {"distance": f"{metres:.1f}", "turn": f"{turn:.2f}", "capture": capture}
