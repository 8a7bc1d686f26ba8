"""I: who is who?"""

from __future__ import annotations

from capture360.model import STATION_LENGTH
from capture360.rules.finding import Disposition
from capture360.rules.rule import Expect, Family, says

STATION_PATTERN = rf"^[A-Za-z0-9][A-Za-z0-9._-]{{0,{STATION_LENGTH - 1}}}$"

STATIONS = Family("I", "Identity: who is who?")

I01 = STATIONS.rule(
    "I01",
    "Every station has an id of allowed characters",
    why="The id becomes part of file paths and external ids.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="suite",
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
    },
)

I05 = STATIONS.rule(
    "I05",
    "An id of an earlier capture names the same place",
    why="People take one id for one place, over all captures of a site.",
    disposition=Disposition.WARN,
    scope="station",
    stage="gate",
    messages=says(
        "{where}: {value} was {distance} m away in capture {capture}. If it is another place, give it a new id.",
        bad="s-02 moved by 48 m since the last capture",
        where="stations.csv row 3 (s-02)",
        value="s-02",
        distance="48.0",
        capture="2026-03-01",
    ),
)

I06 = STATIONS.rule(
    "I06",
    "The table speaks of one site, the manifest's",
    why="Rows of another site would be published here.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="gate",
    messages=says(
        "{where}: the column site_id names {value}, the manifest says {site}. One capture is of one site: "
        "split the table, or correct it.",
        bad="hall-7 in seven rows and hall-8 in one",
        where="stations.csv",
        value="hall-7 (7 rows), hall-8 (1 row)",
        site="hall-7",
    ),
)

I07 = STATIONS.rule(
    "I07",
    "Collections are told apart by more than case and blanks",
    why="Each `collection_id` becomes a collection of its own, and those of a slip of the pen would stand alone.",
    disposition=Disposition.WARN,
    scope="capture",
    stage="gate",
    messages=says(
        "{where}: the column collection_id names {value}, which differ only in case, blanks or Unicode form; each "
        "becomes a collection of its own. Write them alike, if they are one.",
        bad="East in four rows and east in four",
        where="stations.csv",
        value="East (4 rows), east (4 rows)",
    ),
)
