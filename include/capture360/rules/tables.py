"""Structure rules (S) of columns, rows, size and notation of tables."""

from __future__ import annotations

from capture360.rules.finding import Disposition
from capture360.rules.rule import says
from capture360.rules.structure import STRUCTURE

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
            "{where}: the column names stand in other quotes, such as {value}. Export the table with double quotes "
            "around its cells, or with none.",
            name="quotes",
            bad="'station_id','x'",
            where="stations.csv",
            value="'station_id'",
        ),
        **says(
            '{where}: there is a column "{value}", and columns.{value} in capture.yaml names another, "{other}". Keep '
            "one: remove the entry, or rename the column.",
            name="mapped",
            bad="columns: {station_name: Name} and a column station_name beside Name",
            where="stations.csv",
            value="station_name",
            other="Name",
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
