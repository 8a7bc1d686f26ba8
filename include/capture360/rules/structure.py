"""Structure rules (S) that readers apply to files and their names.

`rules.tables` has those of what stands in tables, `rules.manifest` those of capture.yaml, `rules.cameras` those of what
cameras write into pictures, and `checks.structure` those that need the whole capture.
"""

from __future__ import annotations

from capture360.rules.finding import Disposition
from capture360.rules.rule import Family, says

STRUCTURE = Family("S", "Structure: is there a capture that can be read without guessing?")

S03 = STRUCTURE.rule(
    "S03",
    "There is exactly one stations table, in a form that can be read",
    why="With two tables nobody knows which one holds.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="gate",
    judges="names of files, and the form of the table",
    messages={
        **says(
            "{where}: {count} station tables found ({value}). Keep one.",
            bad="stations.csv and stations.xlsx",
            where="the capture folder",
            count="2",
            value="stations.csv, stations.xlsx",
        ),
        **says(
            "{where}: no stations table found. Add {wanted} with one row per station.",
            name="none",
            bad="no stations.csv",
            where="the capture folder",
            wanted="stations.csv, stations.parquet or stations.xlsx",
        ),
        **says(
            "{where} is not read. {fix}",
            name="near",
            bad="Stations.CSV",
            where="Stations.CSV",
            fix="Rename it to stations.csv.",
        ),
        **says(
            "{where} is not read, since {value} is there. Remove the one that is out of date, or none if it is another "
            "table.",
            name="beside",
            disposition=Disposition.WARN,
            bad="stations (1).csv beside stations.csv",
            where="stations (1).csv",
            value="stations.csv",
        ),
        **says(
            "{where}: only the first sheet, {value}, is read, not {others}. Move the table to the first sheet.",
            name="sheets",
            disposition=Disposition.NOTE,
            bad="the table on the second sheet",
            where="stations.xlsx",
            value='"Info"',
            others='"Stations"',
        ),
        **says(
            "{where}: {count} cells hold no value, the first is {value}: formulas that were never calculated, or "
            "errors. Open the workbook, correct them, and save it.",
            name="uncalculated",
            disposition=Disposition.WARN,
            bad="a formula written by a program that does not calculate",
            where="stations.xlsx",
            count="4",
            value="C2",
        ),
        **says(
            "{where} hides {value}, by hand or by a filter, and all of it is read. Show it, and delete what does not "
            "belong to the capture.",
            name="hidden",
            disposition=Disposition.WARN,
            bad="a row that a filter hides",
            where="stations.xlsx",
            value="row 3",
        ),
        **says(
            "{where}: the cells {value} are merged, so that only the first row of them holds a value. Unmerge them, "
            "and fill every row.",
            name="merged",
            disposition=Disposition.WARN,
            bad="one name for two stations, in cells that are merged",
            where="stations.xlsx",
            value="B2:B3",
        ),
        **says(
            '{where}: column "{value}" holds {kind}, not text, numbers or times, and is not read.',
            name="kind",
            disposition=Disposition.WARN,
            bad="a column of geometry in a Parquet table",
            where="stations.parquet",
            value="geometry",
            kind="binary",
        ),
        **says(
            "{where} cannot be read as {form}: {problem}. {fix}",
            name="unreadable",
            bad="a picture named stations.xlsx",
            where="stations.xlsx",
            form="an Excel workbook",
            problem="it is no zip archive",
            fix="Save it again as .xlsx, or as CSV.",
        ),
        **says(
            "{where} is not UTF-8 and was read as Windows-1252: {readings}. Check names with accents, and save it as "
            "UTF-8.",
            name="encoding",
            disposition=Disposition.NOTE,
            bad="stations.csv saved by an old Excel",
            where="stations.csv",
            readings='station_name of row 2 is "Dampfkessel S\u00fcd"',
        ),
        **says(
            "{where} is not UTF-8, and its letters are not certain: {readings}. Save it as UTF-8.",
            name="encodings",
            bad="names in Polish saved by an old Excel",
            where="stations.csv",
            readings='station_name of row 2 is "\u00a3\u00f3d\u0178" as Windows-1252 and "\u0141\u00f3d\u017a" as '
            "Windows-1250",
        ),
        **says(
            "{where} may be UTF-8 by chance: {readings}. Save it as UTF-8 with a byte order mark (in Excel, CSV "
            "UTF-8).",
            name="chance",
            bad="floors in Chinese saved by an old Excel",
            where="stations.csv",
            readings='level of row 2 is "1\u00a5" as UTF-8, "1\u697c" as GBK, "1\u4fc3" as EUC-JP and '
            '"1\uc9dc" as EUC-KR',
        ),
    },
)

S07 = STRUCTURE.rule(
    "S07",
    "Every file a table names is there, inside the capture folder",
    why="A path that leaves the folder could publish somebody else's file.",
    disposition=Disposition.QUARANTINE,
    scope="file",
    stage="gate",
    judges="paths as a table names them, and the folder's files",
    messages={
        **says(
            '{where}: the file "{value}" is not there. Copy it into the folder, or correct the name.',
            bad="images/s-02/top.jpg was not copied",
            where="faces.csv row 12 (s-02)",
            value="images/s-02/top.jpg",
        ),
        **says(
            '{where}: the file "{value}" is not there, but "{near}" is. Correct the name.',
            name="near",
            bad="images/s-02/Top.JPG for images/s-02/top.jpg",
            where="faces.csv row 12 (s-02)",
            value="images/s-02/Top.JPG",
            near="images/s-02/top.jpg",
        ),
        **says(
            '{where}: "{value}" {problem}.',
            name="outside",
            bad="../x.jpg, an absolute path, or a link out of the folder",
            where="faces.csv row 12 (s-02)",
            value="../x.jpg",
            problem="points outside the capture folder. Name files relative to capture.yaml",
        ),
        **says(
            "{where} {problem}.",
            name="left_out",
            disposition=Disposition.WARN,
            bad="a link to another folder, or a folder that may not be listed",
            where="archive",
            problem="is a link to a folder, and such links are not followed. Deliver the folder itself",
        ),
        **says(
            "{where} {problem}. It stops the capture, since pictures alone name its stations.",
            name="may_be_station",
            disposition=Disposition.STOP,
            bad="the same, or a picture that is not read, where no table names the stations",
            where="archive",
            problem="is a link to a folder, and such links are not followed. Deliver the folder itself",
        ),
    },
)
