"""Structure rules (S) that readers apply to tables and the files they name.

`rules.manifest` has those of capture.yaml, `rules.cameras` those of what cameras write into pictures, and
`checks.structure` those that need the whole capture.
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
            "{where} is not read, since {value} is there. Remove the one that is out of date.",
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
            "{where} may be UTF-8 by chance: {readings}. Save it as UTF-8 with a byte order mark (in Excel, CSV UTF-8).",
            name="chance",
            bad="floors in Chinese saved by an old Excel",
            where="stations.csv",
            readings='level of row 2 is "1\u00a5" as UTF-8 and "1\u697c" as GBK',
        ),
    },
)

S04 = STRUCTURE.rule(
    "S04",
    "Every required column is there, and none twice",
    why="A missing column cannot be filled in by guessing.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="gate",
    judges="names of columns as delivered and as mapped",
    messages={
        **says(
            '{where}: column "{value}" is missing. {fix}',
            bad="pos_x for x",
            where="stations.csv",
            value="x",
            fix='Found "pos_x": rename it, or map it in capture.yaml under columns.',
        ),
        **says(
            "{where}: the columns {missing} are missing. The header was read as {header}. Write the column names "
            "into one line above the rows, separated by commas, semicolons, tabs or pipes.",
            name="header",
            bad="a title above the column names",
            where="stations.csv",
            missing="station_id, x, y, z, qw, qx, qy, qz, time_taken",
            header='"Survey of hall 7", "", "", "", "", "", "", "", "", ""',
        ),
        **says(
            '{where}: column "{value}" is there twice. Keep one.',
            name="twice",
            bad="station_id,x,y,z,x",
            where="stations.csv",
            value="x",
        ),
        **says(
            '{where}: column "{value}" is not known. Did you mean "{known}"?',
            name="misspelt",
            disposition=Disposition.WARN,
            bad="station_nam",
            where="stations.csv",
            value="station_nam",
            known="station_name",
        ),
    },
)

S05 = STRUCTURE.rule(
    "S05",
    "The table has rows, each as long as the header",
    why="A shifted row puts every following value into the wrong column.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="gate",
    judges="rows of the table, before anything is made of their cells",
    messages={
        **says(
            "{where} has {value} values, the header has {expected}, and is held back. Look for an unquoted comma or a "
            "missing cell.",
            bad="line 17 has 12 of 11 fields",
            where="stations.csv row 17 (t-7)",
            value="12",
            expected="11",
        ),
        **says(
            "{where} has {value} values, the header has {expected}, and no number of the table has a decimal point. "
            "Are there decimal commas? Then separate the columns by semicolons; else correct the row.",
            name="commas",
            disposition=Disposition.STOP,
            bad="1,5 for x in one row of a table that commas separate",
            where="stations.csv row 3",
            value="11",
            expected="10",
        ),
        **says(
            "{where}: rows have {value} values, the header has {expected}. It was read as {header}. {fix}",
            name="header",
            disposition=Disposition.STOP,
            bad="a title line above the column names",
            where="stations.csv",
            value="10",
            expected="1",
            header='"Survey of hall 7"',
            fix="Delete what stands above the column names, and name every column.",
        ),
        **says(
            "{where} has no rows. Export the table again.",
            name="empty",
            disposition=Disposition.STOP,
            bad="a header and nothing below",
            where="stations.csv",
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

S10 = STRUCTURE.rule(
    "S10",
    "Tables keep the limits of size and form",
    why="One oversized workbook must not take down the worker that reads everybody's captures.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="gate",
    judges="bytes, rows and columns, before a table is unpacked",
    parameters=("max_table_rows", "max_table_columns", "max_excel_rows", "max_table_bytes"),
    messages={
        **says(
            "{where} has more than {limit} rows. {fix}",
            bad="an Excel table of 400,000 rows",
            where="stations.xlsx",
            limit="10",
            fix="Save it as CSV or Parquet.",
        ),
        **says(
            "{where} has {value} bytes{unpacked}, the limit is {limit}. {fix}",
            name="bytes",
            bad="a workbook of 5 GB",
            where="stations.csv",
            value="667",
            unpacked="",
            limit="100",
            fix="Split the capture by level or area.",
        ),
        **says(
            "{where} has more than {limit} columns; the last one read is {value}. "
            "Delete what does not belong to the table.",
            name="columns",
            bad="a stray value far to the right",
            where="stations.xlsx",
            value="cell XFD9000",
            limit="1,000",
        ),
    },
)

S11 = STRUCTURE.rule(
    "S11",
    "All numbers of a table are written in one notation that its cells prove",
    why="A thousands separator read as a decimal sign makes a site a thousand times too small.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="gate",
    judges="cells of columns of numbers as they are written",
    frame="delivered",
    messages={
        **says(
            '{where}: {column} "{value}" is {point} with a decimal point and {comma} with a decimal comma. Write '
            "numbers: {{decimal: point}} or numbers: {{decimal: comma}} into capture.yaml, or export the table "
            "without thousands separators.",
            bad="2,352 in a table whose other numbers have a decimal point",
            where="stations.csv row 2 (s-01)",
            column="x",
            value="2,352",
            point="2352 m",
            comma="2.352 m",
        ),
        **says(
            '{where}: {column} "{value}" and {other} are written in two notations. Export the table again, with '
            "one decimal sign for all numbers and without thousands separators.",
            name="mixed",
            bad="12,5 and 1.25 in one table",
            where="stations.csv row 3 (s-02)",
            column="x",
            value="12,5",
            other='qw "0.983254908" in row 4',
        ),
        **says(
            '{where}: {column} "{value}" is not written with the decimal {stated} that capture.yaml states under '
            "numbers. Correct numbers.decimal, or export the table in one notation.",
            name="stated",
            bad="1.25 with numbers: {decimal: comma}",
            stated="comma",
            where="stations.csv row 2 (s-01)",
            column="x",
            value="4.0",
        ),
    },
)
