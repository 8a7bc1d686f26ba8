"""S: is there a capture at all, and can it be read without guessing?"""

from __future__ import annotations

from capture360.rules.finding import Disposition
from capture360.rules.rule import says
from capture360.rules.structure import STRUCTURE

S02 = STRUCTURE.rule(
    "S02",
    "Folder, site and manifest agree on whose capture this is",
    why="A capture in the wrong folder would be published under a wrong name.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="gate",
    messages={
        **says(
            '{where}: capture_id "{value}" differs from the folder "{folder}". Rename one of them.',
            bad="capture_id: 2026-04-18 in the folder 2026-04-17",
            where="capture.yaml",
            value="2026-04-18",
            folder="2026-04-17",
        ),
        **says(
            '{where}: site_id "{value}" differs from the site "{site}" that the folder belongs to. '
            "Correct site_id, or deliver to the other site's folder.",
            name="site",
            bad="site_id: hall-8 in the folder of hall-7",
            where="capture.yaml",
            value="hall-8",
            site="hall-7",
        ),
    },
)

S06 = STRUCTURE.rule(
    "S06",
    "Every cell of a numeric column is a number",
    why="A number that cannot be read is a station in an unknown place.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="gate",
    messages=says(
        '{where}: {column} "{value}" is not a number. {mend}',
        bad="12,5",
        where="stations.csv row 3 (s-02)",
        column="x",
        value="12,5",
        mend="Decimal comma? Write 12.5, or separate the columns with semicolons.",
    ),
)

S08 = STRUCTURE.rule(
    "S08",
    "As many stations and files arrived as were promised",
    why="An upload that broke off half way looks like a small capture.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="gate",
    messages={
        **says(
            "{where} promises {expected} stations, {file} has {value}. Is the upload complete? "
            "Copy the rest, or correct expected_stations.",
            bad="expected_stations: 10, but 8 rows",
            where="capture.yaml",
            expected="10",
            value="8",
            file="stations.csv",
        ),
        **says(
            "{where} promises {expected} files, {value} are there. Copy the rest, then write {where} again.",
            name="files",
            bad='_READY holds {"files": 26}, 20 files are there',
            where="_READY",
            expected="26",
            value="20",
        ),
    },
)
