"""Station rules (I): ids and names of stations, collections and sites."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capture360.checks.parsed_capture import CheckInput, ParsedStations
from capture360.checks.spreadsheet_slips import slip_of
from capture360.checks.violations import (
    FindingGroup,
    Frame,
    Group,
    Results,
    RowViolations,
    repeated,
    where,
)
from capture360.model import STATION_LENGTH, confusable_key
from capture360.rules.finding import Disposition
from capture360.rules.rule import Expect, Family, says
from capture360.text import listed

if TYPE_CHECKING:
    import pandas as pd

STATION_PATTERN = rf"^[A-Za-z0-9][A-Za-z0-9._-]{{0,{STATION_LENGTH - 1}}}$"
NAME_LENGTH = 255
_CONTROL = "[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"
"""Control characters, and those that turn the direction of what follows (Unicode Standard Annex 9)."""

STATIONS = Family("I", "Identity: who is who?")

I01 = STATIONS.rule(
    "I01",
    "Every station has an id of allowed characters",
    why="The id becomes part of file paths and external ids.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="suite",
    judges="station_id as delivered",
    expectations=(
        Expect("stations", "expect_column_values_to_match_regex", {"column": "station_id", "regex": STATION_PATTERN}),
    ),
    messages={
        **says(
            '{where}: station_id "{value}" has characters that are not allowed, or is longer than {length}. '
            "Use letters, digits, dot, underscore and minus, a letter or digit first.",
            bad="A/12",
            where="stations.csv row 3 (A/12)",
            value="A/12",
            length=str(STATION_LENGTH),
        ),
        **says(
            '{where}: station_id "{value}" has characters that are not allowed. {fix}',
            name="spreadsheet",
            bad="1.01E+15",
            where="stations.csv row 3 (1.01E+15)",
            value="1.01E+15",
            fix="A spreadsheet shortened a long number to it, and the rest of the digits is lost: format the column "
            "as text before the values are entered, and export it again.",
        ),
        **says(
            "{where}: station_id is empty. Give every station an id.",
            name="empty",
            bad="an empty cell",
            where="stations.csv row 3",
        ),
    },
)

I02 = STATIONS.rule(
    "I02",
    "A station id names one station",
    why="Of two stations with one id nobody knows which is meant.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="suite",
    judges="station_id as delivered",
    expectations=(Expect("stations", "expect_column_values_to_be_unique", {"column": "station_id"}),),
    messages=says(
        '{where}: station_id "{value}" appears {times} times. Ids must be unique in a capture; '
        "rename or remove all but one.",
        bad="s-02 in two rows",
        where="stations.csv row 3 (s-02)",
        value="s-02",
        times="2",
    ),
)

I03 = STATIONS.rule(
    "I03",
    "No two ids differ only in case, blanks or Unicode form",
    why="People, file systems and spreadsheets take them for the same.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="gate",
    judges="station_id without case, blanks and Unicode form",
    messages=says(
        '{where}: "{value}" differs from "{twin}" only in case, blanks or Unicode form. Rename one of them.',
        bad="s-02 and S-02",
        where="stations.csv row 4 (S-02)",
        value="S-02",
        twin="s-02",
    ),
)

I04 = STATIONS.rule(
    "I04",
    "Station names are short and printable",
    why="Names are shown in the viewer and in lists.",
    disposition=Disposition.WARN,
    scope="station",
    stage="gate",
    judges="station_name as delivered",
    messages={
        **says(
            "{where}: station_name has {value} characters; it will be cut to {limit}. Give it a shorter name.",
            bad="a name of 300 characters",
            where="stations.csv row 3 (s-02)",
            value="300",
            limit="255",
        ),
        **says(
            '{where}: station_name "{value}" has control characters; they were removed. Clean the name.',
            name="control",
            disposition=Disposition.NOTE,
            bad="a tab in a name",
            where="stations.csv row 3 (s-02)",
            value="Pump\\troom",
        ),
        **says(
            '{where}: station_name "{value}" {problem}. Correct the name, and save the table as UTF-8.',
            name="letters",
            bad="a name that was read in another encoding before",
            where="stations.csv row 3 (s-02)",
            value="F\u00c3\u00b6rde",
            problem='is probably "F\u00f6rde", read in another encoding',
        ),
    },
)

I06 = STATIONS.rule(
    "I06",
    "The table speaks of one site, the manifest's",
    why="Rows of another site would be published here.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="gate",
    judges="site_id of each row",
    messages=says(
        '{where}: site_id is "{value}", the manifest says {site}. One capture is of one site: deliver it there, or '
        "correct it.",
        bad="hall-7 in seven rows and hall-8 in one",
        where="stations.csv row 9 (s-08)",
        value="hall-8",
        site="hall-7",
    ),
)

I07 = STATIONS.rule(
    "I07",
    "Collections differ by more than case and blanks",
    why="Each `collection_id` becomes a collection of its own, and those of a slip of the pen would stand alone.",
    disposition=Disposition.WARN,
    scope="capture",
    stage="gate",
    judges="collection_id as it would be published",
    messages=says(
        "{where}: the column collection_id names {value}, which differ only in case, blanks or Unicode form; each "
        "becomes a collection of its own. Write them alike, if they are one.",
        bad="East in four rows and east in four",
        where="stations.csv",
        value="East (4 rows), east (4 rows)",
    ),
)


def display_name(name: str) -> str:
    """Return a delivered name as it is published: shortened, without control characters."""
    return re.sub(_CONTROL, "", name)[:NAME_LENGTH].strip()


def suite(given: CheckInput, results: Results) -> Iterator[Group]:
    """Check I01 and I02."""
    stations = given.table.stations
    for result in results["I01"]:
        yield from _ids(stations, result.rows)
    for result in results["I02"]:
        yield from repeated(I02, stations, result.rows, "station_id")


def _ids(stations: Frame, rows: NDArray[np.int64]) -> Iterator[RowViolations]:
    ids = stations.frame["station_id"]
    empty = (ids.iloc[rows] == "").to_numpy()
    if empty.any():
        yield RowViolations(I01, stations, rows[empty], "empty", "station_id")
    fixes = {at: slip_of(str(ids.iat[at])) for at in rows[~empty].tolist()}
    slips = np.array([at for at, fix in fixes.items() if fix], dtype=np.int64)
    others = np.array([at for at, fix in fixes.items() if not fix], dtype=np.int64)
    if len(slips):
        yield RowViolations(I01, stations, slips, "spreadsheet", "station_id", words=lambda at: {"fix": fixes[at]})
    if len(others):
        yield RowViolations(I01, stations, others, column="station_id", words=lambda _: {"length": STATION_LENGTH})


def similar_ids(given: CheckInput) -> Iterator[Group]:
    """Check I03: ids that are easily confused."""
    import pandas as pd

    stations = given.table.stations
    ids = stations.frame["station_id"]
    distinct = pd.Series(ids.unique(), dtype="str")
    keys = pd.Series([confusable_key(text) for text in distinct.tolist()], dtype="str")
    twinned = keys.duplicated(keep=False)
    if not twinned.any():
        return
    groups = distinct[twinned].groupby(keys[twinned]).agg(list)
    others = {name: next(o for o in names if o != name) for names in groups for name in names}
    yield RowViolations(
        I03,
        stations,
        where(ids.isin(list(others))),
        column="station_id",
        words=lambda at: {"twin": others[str(ids.iat[at])]},
    )


def names(given: CheckInput) -> Iterator[Group]:
    """Check I04, I06 and I07."""
    yield from _station_names(given.table)
    yield from _groups(given.table)


def _station_names(table: ParsedStations) -> Iterator[RowViolations]:
    """Check I04: station names that are not shown as delivered."""
    if "station_name" not in table.stations.frame.columns:
        return
    column = table.stations.frame["station_name"]
    long = where(column.str.len() > NAME_LENGTH)
    if len(long):
        yield RowViolations(
            I04,
            table.stations,
            long,
            column="station_name",
            value=lambda at: len(str(column.iat[at])),
            words=lambda _: {"limit": NAME_LENGTH},
        )
    controls = where(column.str.contains(_CONTROL, regex=True))
    if len(controls):
        yield RowViolations(I04, table.stations, controls, "control", "station_name")
    others = where(column.str.contains(r"[^\x00-\x7f]", regex=True))
    damaged = {at: problem for at in others.tolist() if (problem := _damage(str(column.iat[at])))}
    if damaged:
        rows = np.array(list(damaged), dtype=np.int64)
        yield RowViolations(
            I04, table.stations, rows, "letters", "station_name", words=lambda at: {"problem": damaged[at]}
        )


def _damage(name: str) -> str:
    """Word what happened to the letters of a name before it was delivered; empty if nothing did."""
    if "\ufffd" in name:
        return "has letters that were lost when it was saved"
    for encoding in ("cp1252", "latin-1"):
        with suppress(UnicodeError):
            meant = name.encode(encoding).decode("utf-8")
            return f'is probably "{meant}", read in another encoding'
    return ""


def _groups(table: ParsedStations) -> Iterator[Group]:
    """Check I06 and I07: one site for the capture, and one name for each collection."""
    frame, file, manifest = table.stations.frame, table.stations.file, table.manifest
    if "site_id" in frame.columns:
        others = where(~frame["site_id"].isin(["", manifest.site_id]))
        if len(others):
            site = manifest.site_id
            yield RowViolations(I06, table.stations, others, column="site_id", words=lambda _: {"site": site})
    if "collection_id" in frame.columns:
        found = frame.loc[frame["collection_id"] != "", "collection_id"].value_counts()
        for _, alike in found.groupby([confusable_key(name) for name in found.index]):
            if len(alike) > 1:
                yield FindingGroup([I07.finding(file, _counted(alike), column="collection_id")])


def _counted(found: pd.Series[int]) -> str:
    shown = [f"{name} ({count} {'row' if count == 1 else 'rows'})" for name, count in found.items()]
    return listed(shown)
