"""Pose rule P15: what a stated unit, scale or matrix makes of the positions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from capture360.checks.neighbours import typical_distance
from capture360.checks.parsed_capture import CheckInput, ParsedStations
from capture360.checks.poses import POSES
from capture360.checks.site_poses import bent, metres_of_one
from capture360.checks.violations import FindingGroup, Group
from capture360.readers.manifest import MANIFEST
from capture360.readers.manifest_keys import keys_of_lengths
from capture360.rules.finding import Disposition, Finding
from capture360.rules.rule import says

_SHORTEST_STEP_M = 0.2
"""Typical distance to the nearest station, below which nobody could have walked from one to the next."""
_SHRINKS = 0.5
"""Spacing is judged only if one delivered unit becomes less than this many metres; a missing unit is left to P08."""
_ONE_PLACE_M = 1e-3
"""Extent below which all stations count as one place, which P10 names."""
_BENT_M = 0.05
"""How far rounded numbers of a matrix may bend the site: the default distance of stations that count as one place."""

P15 = POSES.rule(
    "P15",
    "Stated lengths and turns fit the stations",
    why="A scale of 0.001 beside metres puts a hall into a shoe box; a rounded matrix moves a map grid by 100 m.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="gate",
    judges="positions in metres, with frame.unit and frame.transform as stated",
    frame="site",
    explains=("P02", "P08", "P09", "P11"),
    messages={
        **says(
            "{where}: half of the {count} stations lie within {value} m of another one in the site frame. Were they "
            "taken at one place? If not, correct {keys} in capture.yaml.",
            disposition=Disposition.WARN,
            bad="frame.transform with scale: 0.001, and positions in metres",
            where="stations.csv",
            count="8",
            value="0.004",
            keys="frame.unit (now m) or frame.transform",
        ),
        **says(
            "{where}: frame.transform.matrix is rounded, or skews, by up to {value} m at the stations. Write it with "
            "all its digits.",
            name="rounded",
            bad="a matrix of three decimals, and positions of a map grid",
            where="capture.yaml",
            value="2,355",
        ),
    },
)


def gate(given: CheckInput) -> Iterator[Group]:
    """Check P15."""
    for finding in (_crowd(given.table), _rounded(given.table)):
        if finding:
            yield FindingGroup([finding])


def _crowd(table: ParsedStations) -> Finding | None:
    """Check whether a stated unit or scale puts the stations nearer to each other than people walk."""
    known = table.position[table.placed]
    if len(known) < 2 or metres_of_one(table.manifest) > _SHRINKS:
        return None
    typical = typical_distance(known)
    if typical >= _SHORTEST_STEP_M or float(np.ptp(known, axis=0).max()) <= _ONE_PLACE_M:
        return None
    keys = keys_of_lengths(table.manifest)
    return P15.finding(table.stations.file, f"{typical:.3f}", column="x", count=len(known), keys=keys)


def _rounded(table: ParsedStations) -> Finding | None:
    metres = bent(table.manifest, table.position[table.placed])
    if metres <= _BENT_M:
        return None
    shown = f"{metres:,.0f}" if metres >= 10 else f"{metres:.2f}"
    return P15.finding(MANIFEST, shown, message="rounded", column="frame.transform")
