"""Tables as programs really export them: taken as they are where they can mean one thing only, else named as found."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from pyarrow import parquet

from capture360.readers import read_tables
from capture360.readers.tables import Tables
from capture360.settings.checks import CheckSettings
from delivery import COLUMNS, Delivery, table

NUMBERS = ("x", "y", "z", "qw", "qx", "qy", "qz")


def read(delivery: Delivery, name: str, content: bytes) -> Tables:
    delivery.files[name] = content
    delivery.stations = []
    return read_tables(delivery.write())


@pytest.mark.parametrize(
    ("changed", "first_row"),
    [
        (lambda text: "\n \n" + text, 4),
        (lambda text: ",,,\r\n;;\r\n" + text, 4),
        (lambda text: "\ufeff\n" + text, 3),
        (lambda text: text + "\x1a", 2),
        (lambda text: text.replace("\n", "\r"), 2),
        (lambda text: text.replace("Station 2", "Sta\x00tion 2"), 2),
    ],
    ids=["blank lines above", "lines of delimiters above", "a line of a BOM", "end of file 0x1A", "CR", "one NUL"],
)
def test_a_text_table_is_taken(delivery: Delivery, changed: Callable[[str], str], first_row: int) -> None:
    found = read(delivery, "stations.csv", changed(table(delivery.stations)).encode())
    assert not found.findings
    assert found.stations["row"].tolist() == [*range(first_row, first_row + 8)]


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"PK\x03\x04", "it is an Excel workbook or another zip archive. Name it .xlsx if"),
        (b"PAR1", "it is a Parquet table. Name it .parquet."),
        (b"\xd0\xcf\x11\xe0", "it is a workbook of old Excel, or one with a password. Save it as CSV."),
        (b"\x1f\x8b", "it is a gzip archive. Unpack it."),
    ],
)
def test_a_file_of_another_form_is_named(delivery: Delivery, start: bytes, said: str) -> None:
    (finding,) = read(delivery, "stations.csv", start + bytes(range(1, 100))).findings
    assert finding.message.startswith(f"stations.csv cannot be read as a text table: {said}")


def test_a_header_alone_is_judged_as_one(delivery: Delivery) -> None:
    (finding,) = read(delivery, "stations.csv", b"<html><body>Sign in</body></html>").findings
    assert 'The header was read as "<html><body>Sign in</body></html>".' in finding.message


def workbook(delivery: Delivery, change: Callable[[Any, Any], object]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Stations"
    sheet.append(list(COLUMNS))
    for row in delivery.stations:
        sheet.append([float(cell) if name in NUMBERS else cell for name, cell in row.items()])
    change(book, sheet)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def hidden(state: str) -> Callable[[Any, Any], object]:
    def put(book: Any, sheet: Any) -> None:
        first = book.create_sheet("Codes", 0)
        first["A1"] = "code"
        first.sheet_state = state
        book.active = 1

    return put


@pytest.mark.parametrize(
    "change",
    [hidden("hidden"), hidden("veryHidden"), lambda book, sheet: book.create_chartsheet("Chart", 0)],
    ids=["hidden", "very hidden", "chart"],
)
def test_the_first_sheet_is_the_first_that_shows_cells(
    delivery: Delivery, change: Callable[[Any, Any], object]
) -> None:
    found = read(delivery, "stations.xlsx", workbook(delivery, change))
    assert not found.findings
    assert found.stations["station_id"].iat[0] == "s-01"


def test_a_workbook_that_shows_no_sheet(delivery: Delivery) -> None:
    content = workbook(delivery, lambda book, sheet: None)
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(stream, "w") as target:
        for name in source.namelist():
            part = source.read(name)
            target.writestr(name, part.replace(b'state="visible"', b'state="hidden"'))
    (finding,) = read(delivery, "stations.xlsx", stream.getvalue()).findings
    assert "all of its sheets are hidden, or charts" in finding.message


def errors(book: Any, sheet: Any) -> None:
    sheet["C3"], sheet["D4"] = "#N/A", "#DIV/0!"


def test_errors_of_a_workbook_are_named(delivery: Delivery) -> None:
    (finding,) = read(delivery, "stations.xlsx", workbook(delivery, errors)).findings
    assert finding.message.startswith("stations.xlsx: 2 cells hold no value, the first is C3: ")


def filtered(book: Any, sheet: Any) -> None:
    for row in (2, 4):
        sheet.row_dimensions[row].hidden = True
    sheet.column_dimensions["B"].hidden = True
    sheet.column_dimensions["AZ"].hidden = True  # without values


def test_hidden_rows_and_columns_are_read_and_named(delivery: Delivery) -> None:
    found = read(delivery, "stations.xlsx", workbook(delivery, filtered))
    (finding,) = found.findings
    assert finding.message.startswith("stations.xlsx hides rows 2, 4 and column B, by hand or by a filter")
    assert found.stations["station_id"].tolist()[:3] == ["s-01", "s-02", "s-03"]


def merged(book: Any, sheet: Any) -> None:
    sheet.merge_cells("E2:E5")
    sheet.merge_cells("L2:M2")  # within a row, where nothing is lost


def test_merged_cells_are_named_since_only_the_first_has_a_value(delivery: Delivery) -> None:
    found = read(delivery, "stations.xlsx", workbook(delivery, merged))
    (finding,) = found.findings
    assert finding.message.startswith("stations.xlsx: the cells E2:E5 are merged")
    assert found.stations["z"].tolist()[:5] == ["1.5", "", "", "", "1.5"]


def columnar(delivery: Delivery, columns: dict[str, Any], **options: Any) -> bytes:
    every = {name: [row[name] for row in delivery.stations] for name in COLUMNS} | columns
    stream = io.BytesIO()
    parquet.write_table(pa.table(every), stream, **options)
    return stream.getvalue()


def test_texts_stored_as_differences(delivery: Delivery) -> None:
    coded = {"use_dictionary": False, "column_encoding": {"station_id": "DELTA_BYTE_ARRAY"}}
    found = read(delivery, "stations.parquet", columnar(delivery, {}, **coded))
    assert not found.findings
    assert found.stations["station_id"].iat[7] == "s-08"


@pytest.mark.parametrize("unit", ["s", "ms"])
def test_a_time_of_no_calendar_voids_its_own_row_only(delivery: Delivery, unit: str) -> None:
    second = 1_776_418_200 * (1000 if unit == "ms" else 1)
    times = pa.array([second, 2**62, -(2**63), *[second] * 5], pa.timestamp("ms", "UTC"))
    if unit == "s":
        times = pa.array([second, 2**50, -(2**50), *[second] * 5], pa.timestamp("s", "UTC"))
    found = read(delivery, "stations.parquet", columnar(delivery, {"time_taken": times}))
    assert not found.findings
    assert found.stations["time_taken"].iat[0].startswith("2026-04-17T09:30:00")
    assert found.stations["time_taken"].iat[1].isdigit()


def test_a_column_needed_that_holds_no_text(delivery: Delivery) -> None:
    found = read(delivery, "stations.parquet", columnar(delivery, {"station_id": [b"\xff"] * 8}))
    assert [finding.rule for finding in found.findings] == ["S04", "S03"]
    assert 'column "station_id" holds binary' in found.findings[1].message


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view()])
@pytest.mark.parametrize("options", [{}, {"store_schema": False, "use_dictionary": False}])
def test_texts_that_are_not_marked_as_text(delivery: Delivery, kind: pa.DataType, options: dict[str, Any]) -> None:
    ids = pa.array([f"süd-{number}".encode() for number in range(8)], kind)
    geometry = pa.array([b"\x01\x01\0\0\0" + bytes(6) + b"\xf0\x3f"] * 8, kind)
    columns = {"station_id": ids, "geometry": geometry, "area": pa.array([None, *[b"A"] * 7], kind)}
    found = read(delivery, "stations.parquet", columnar(delivery, columns, row_group_size=3, **options))
    (finding,) = found.findings
    assert 'column "geometry" holds' in finding.message
    assert found.stations["station_id"].tolist() == [f"süd-{number}" for number in range(8)]
    assert found.stations["area"].tolist() == ["", *["A"] * 7]


@pytest.mark.parametrize(
    ("named", "there"),
    [
        ("images//s-02/top.jpg", True),
        ("images/./s-02/top.jpg", True),
        ("images/s-01/../s-02/top.jpg", True),
        ("images/../../s-02/top.jpg", False),
        ("//images/s-02/top.jpg", False),
    ],
)
def test_paths_to_the_same_file(delivery: Delivery, named: str, there: bool) -> None:
    delivery.put_pictures()
    delivery.faces = [
        {"station_id": name.split("/")[1], "face": name.split("/")[2][:-4], "file": name} for name in delivery.files
    ]
    next(row for row in delivery.faces if row["file"] == "images/s-02/top.jpg")["file"] = named
    assert ("S07" in {finding.rule for finding in delivery.check().findings}) is not there


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (lambda text: text.replace(",", "   "), "Write the column names into one line above the rows, separated by"),
        (lambda text: text.replace("Z\n", "Z,\n"), "remove the delimiters behind the last one from all rows."),
    ],
    ids=["columns of blanks", "a delimiter behind each row"],
)
def test_a_header_that_rows_do_not_fit_gets_its_own_fix(
    delivery: Delivery, changed: Callable[[str], str], said: str
) -> None:
    delivery.files["stations.csv"] = changed(table(delivery.stations)).encode()
    (finding,) = read_tables(delivery.write()).findings
    assert said in finding.message


def test_a_whole_number_of_sixteen_digits_is_an_id_without_a_fraction(delivery: Delivery) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(list(COLUMNS))
    row = delivery.stations[0]
    sheet.append([1010000000000001, *(float(row[name]) if name in NUMBERS else row[name] for name in COLUMNS[1:])])
    stream = io.BytesIO()
    book.save(stream)
    found = read(delivery, "stations.xlsx", stream.getvalue()).stations
    assert found["station_id"].tolist() == ["1010000000000001"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it is empty"),
        (b"PK\x03\x04" + bytes(40), "it is cut off or damaged"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "it is a workbook of old Excel, or one with a password"),
        (b"<html><table>", "it is no zip archive"),
    ],
)
def test_a_workbook_that_is_none_is_named(delivery: Delivery, content: bytes, problem: str) -> None:
    (finding,) = read(delivery, "stations.xlsx", content).findings
    assert f"cannot be read as an Excel workbook: {problem}." in finding.message


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_workbook_packed_by_an_unusual_method_is_not_unpacked(delivery: Delivery, method: int) -> None:
    """The library would unpack all of a part of such a method, whatever size it declares."""
    book, stream, packed = openpyxl.Workbook(), io.BytesIO(), io.BytesIO()
    book.worksheets[0].append(list(COLUMNS))
    book.save(stream)
    with zipfile.ZipFile(stream) as plain, zipfile.ZipFile(packed, "w", method) as archive:
        for name in plain.namelist():
            archive.writestr(name, plain.read(name))
    (finding,) = read(delivery, "stations.xlsx", packed.getvalue()).findings
    assert "it is packed by an unusual method" in finding.message


@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet"])
def test_a_column_called_row_is_one_more_column(delivery: Delivery, form: str) -> None:
    rows = [{"row": str(at), **row} for at, row in enumerate(delivery.stations)]
    stream = io.BytesIO()
    if form == "csv":
        stream.write(table(rows).encode())
    elif form == "xlsx":
        book = openpyxl.Workbook()
        for cells in (list(rows[0]), *(list(row.values()) for row in rows)):
            book.worksheets[0].append(cells)
        book.save(stream)
    else:
        parquet.write_table(pa.Table.from_pylist(rows), stream)
    found = read(delivery, f"stations.{form}", stream.getvalue())
    assert not found.findings
    assert found.stations["row"].tolist() == [*range(2, 10)]
    assert found.stations["x_row"].tolist() == [row["row"] for row in rows]


@pytest.mark.parametrize("extra", ["\n", "1\n"])
def test_rows_that_are_not_taken_count_as_rows(delivery: Delivery, extra: str) -> None:
    delivery.files["stations.csv"] = (table(delivery.stations) + extra * 12).encode()
    (finding,) = read_tables(delivery.write(), settings=CheckSettings(max_table_rows=10)).findings
    assert finding.message.startswith("stations.csv has more than 10 rows.")


def test_no_more_columns_are_looked_at_than_a_sheet_may_have(delivery: Delivery) -> None:
    content, stream = workbook(delivery, filtered), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(stream, "w") as target:
        for name in source.namelist():
            again = b"<cols>" + b'<col min="3" max="3" hidden="1"/>' * 20
            target.writestr(name, source.read(name).replace(b"<cols>", again))
    delivery.files["stations.xlsx"] = stream.getvalue()
    delivery.stations = []
    (finding,) = read_tables(delivery.write(), settings=CheckSettings(max_table_columns=20)).findings
    assert "column C, by hand" in finding.message


def drawn(rows: list[list[str]], rule: str, frame: str = "") -> bytes:
    """A table as Markdown and databases print it."""
    lines = [f"| {' | '.join(cells)} |" for cells in rows]
    return "\n".join([*([frame] if frame else []), lines[0], rule, *lines[1:], *([frame] if frame else [])]).encode()


@pytest.mark.parametrize(
    ("rule", "frame", "end"),
    [
        ("|" + "---|" * 10, "", b""),
        ("|" + " :---: |" * 10, "", b"\n"),
        ("-----+" * 9 + "-----", "", b"\n(8 rows)\n\n"),
        ("+" + "-----+" * 10, "+" + "-----+" * 10, b"\n8 rows in set (0.00 sec)\n"),
        ("+" + "=====+" * 10, "+" + "-----+" * 10, b"\n"),
    ],
    ids=["Markdown", "aligned", "psql", "MySQL", "grid"],
)
def test_lines_that_are_drawn_between_rows_are_no_rows(delivery: Delivery, rule: str, frame: str, end: bytes) -> None:
    rows = [list(delivery.stations[0]), *(list(row.values()) for row in delivery.stations)]
    delivery.files["stations.csv"] = drawn(rows, rule, frame) + end
    found = read_tables(delivery.write())
    assert found.findings == ()
    assert list(found.stations["station_id"]) == [row["station_id"] for row in delivery.stations]
    assert found.stations["row"].iat[0] == 3 + bool(frame)


def test_a_cut_row_below_the_table_is_no_footer(delivery: Delivery) -> None:
    delivery.files["stations.csv"] = table(delivery.stations).encode() + b"12 Pumpe\n"
    (finding,) = read_tables(delivery.write()).findings
    assert finding.rule == "S05"


def test_a_table_without_a_header_is_named_so(delivery: Delivery) -> None:
    delivery.files["stations.csv"] = table(delivery.stations).partition("\n")[2].encode()
    (finding,) = read_tables(delivery.write()).findings
    assert 'The header was read as "s-01", "Station 1"' in finding.message


@pytest.mark.parametrize("quotes", ["''", "\u201c\u201d", "[]", "``"])
def test_columns_in_other_quotes_are_one_fault(delivery: Delivery, quotes: str) -> None:
    rows = [list(delivery.stations[0]), *(list(row.values()) for row in delivery.stations)]
    text = "\n".join(",".join(f"{quotes[0]}{cell}{quotes[1]}" for cell in row) for row in rows)
    delivery.files["stations.csv"] = text.encode()
    (finding,) = read_tables(delivery.write()).findings
    assert "the column names stand in other quotes, such as " in finding.message


@pytest.mark.parametrize(
    ("below", "said"), [("\n", "Most of them are empty"), (",,,,\n", "Most of them are empty"), ("s,,,,\n", "Split")]
)
def test_too_many_empty_rows_are_to_be_deleted(delivery: Delivery, below: str, said: str) -> None:
    row = below.replace(",,,,", "," * (len(COLUMNS) - 1))
    delivery.files["stations.csv"] = (table(delivery.stations) + row * 40).encode()
    (finding,) = read_tables(delivery.write(), settings=CheckSettings(max_table_rows=30)).findings
    assert finding.rule == "S10"
    assert said in finding.message
