"""Files below 1 MB that ask for far more: a check of each keeps the limits and says what is wrong."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

import pyarrow as pa
import pytest
from pyarrow import parquet

from bounded import check_within_limits
from delivery import COLUMNS, Delivery

BELOW = 1_000_000
ROW = ("s", "Hall", "1.5", "2.5", "3.5", "1", "0", "0", "0", "2026-04-17T09:00:00Z")
Content = tuple[str, bytes]


def workbook(
    sheet: str, shared: str = "", target: str = "worksheets/sheet1.xml", more: Mapping[str, str] | None = None
) -> bytes:
    """An .xlsx archive with the given XML inside `worksheet`, and inside `sst` for the shared texts.

    `more` are further parts by their names.
    """
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    types = "http://schemas.openxmlformats.org/package/2006/content-types"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{types}"/>',
        "_rels/.rels": f'<Relationships xmlns="{package}"><Relationship Id="r1" Type="{office}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {space} xmlns:r="{office}"><sheets><sheet name="S" sheetId="1" r:id="r1"/>'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}"><Relationship Id="r1" '
        f'Type="{office}/worksheet" Target="{target}"/><Relationship Id="r2" Type="{office}/sharedStrings" '
        'Target="sharedStrings.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f"<worksheet {space}><sheetData>{sheet}</sheetData></worksheet>",
        "xl/sharedStrings.xml": f"<sst {space}>{shared}</sst>",
        **(more or {}),
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>\n{content}')
    return stream.getvalue()


def written(columns: dict[str, pa.Array], **options: object) -> bytes:
    stream = io.BytesIO()
    parquet.write_table(pa.table(columns), stream, compression="zstd", **options)
    return stream.getvalue()


def sparse_workbook() -> Content:
    return "stations.xlsx", workbook(
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="9000"><c r="XFD9000"><v>1</v></c></row>'
    )


def far_corner() -> Content:
    """Within the limits of rows and of columns, but not of both."""
    return "stations.xlsx", workbook("<row r='100000'><x:c xmlns:x='u' r='ALL100000'><x:v>1</x:v></x:c></row>")


def one_text_in_many_cells() -> Content:
    cells = '<row><c t="s"><v>0</v></c></row>' * 50_000
    return "stations.xlsx", workbook(cells, f"<si><t>{'x' * 30_000}</t></si>")


def another_sheet_of_its_name() -> Content:
    far = '<row r="1"><c r="A1"><v>1</v></c></row><row r="9000"><c r="XFD9000"><v>1</v></c></row>'
    decoy = f"<worksheet><sheetData>{far}</sheetData></worksheet>"
    return "stations.xlsx", workbook("<row><c><v>1</v></c></row>", more={"xl/Worksheets/sheet1.xml": decoy})


def other_texts_of_their_name() -> Content:
    cells = '<row><c t="s"><v>0</v></c></row>' * 50_000
    decoy = f"<sst><si><t>{'x' * 30_000}</t></si></sst>"
    return "stations.xlsx", workbook(cells, "<si><t>a</t></si>", more={"xl/SharedStrings.xml": decoy})


def cells_without_address() -> Content:
    return "stations.xlsx", workbook("<row>" + "<c><v>1</v></c>" * 3_000_000 + "</row>")


ODD_ROWS = ("4294967295", "99999999999", "A999999")
"""Numbers of rows as a reader may take them that lays a sheet out up to its last row."""


def row_of_a_number(number: str) -> bytes:
    return workbook(f'<row r="{number}"><c><v>1</v></c></row><row r="1"><c r="A1"><v>1</v></c></row>')


def cell_that_leaves_its_row() -> Content:
    """The first cell is not in the row that it says, and so the second one is not beside it."""
    return "stations.xlsx", workbook('<row r="1048576"><c r="A1"><v>1</v></c><c><v>1</v></c></row>')


def dictionary_of_one_text() -> Content:
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 90_000, pa.int32()), pa.array(["x" * 30_000]))
    return "stations.parquet", written(dict.fromkeys(COLUMNS, text))


def two_million_equal_rows() -> Content:
    return "stations.parquet", written({name: pa.repeat(1.5, 2_000_000) for name in COLUMNS})


def texts_that_share_their_beginnings() -> Content:
    column = pa.array(["x" * 20_000 + f"{number:06d}" for number in range(20_000)])
    options = {"use_dictionary": False, "column_encoding": {"station_id": "DELTA_BYTE_ARRAY"}}
    return "stations.parquet", written({"station_id": column}, **options)


def equal_columns() -> Content:
    return "stations.csv", b"a," * 250_000 + b"\n" + b"1," * 100


def different_columns() -> Content:
    return "stations.csv", ",".join(f"position{number}" for number in range(70_000)).encode()


def as_many_columns_as_allowed() -> Content:
    names = [*COLUMNS, *(f"station_nam{number:04d}" for number in range(980))]
    return "stations.csv", (",".join(names) + "\n").encode() + (b",".join([b"1"] * len(names)) + b"\n") * 400


def as_many_rows_as_fit() -> Content:
    return "stations.csv", (",".join(COLUMNS) + "\n").encode() + b"a,,,,,,,,,\n" * 90_000


def many_ragged_rows() -> Content:
    return "stations.csv", (",".join(COLUMNS) + "\n").encode() + b"a,\n" * 300_000


def archive_of_many_scans() -> Content:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(9_999):
            archive.writestr(f"{number}.e57", b"")
    return "scans.zip", stream.getvalue()


TABLES = (
    sparse_workbook,
    far_corner,
    one_text_in_many_cells,
    cells_without_address,
    cell_that_leaves_its_row,
    dictionary_of_one_text,
    two_million_equal_rows,
    texts_that_share_their_beginnings,
    equal_columns,
    different_columns,
)
LONG = (as_many_columns_as_allowed, as_many_rows_as_fit, many_ragged_rows)


@pytest.fixture
def folder(tmp_path: Path) -> Delivery:
    return Delivery(tmp_path / "hall-7" / "2026-04-17", stations=[])


@pytest.mark.parametrize("made", TABLES)
def test_a_table_that_would_expand_is_refused_unread(folder: Delivery, made: Callable[[], Content]) -> None:
    name, content = made()
    assert len(content) < BELOW
    folder.files[name] = content
    folder.write()
    checked = check_within_limits(folder.path)
    assert checked.verdict == "rejected"
    (sentence,) = checked.said("S10")
    assert sentence.startswith(name)
    assert "limit" in sentence or "more than" in sentence


@pytest.mark.parametrize("made", [another_sheet_of_its_name, other_texts_of_their_name])
def test_a_workbook_is_read_as_it_was_measured(folder: Delivery, made: Callable[[], Content]) -> None:
    name, content = made()
    folder.files[name] = content
    folder.write()
    (sentence,) = check_within_limits(folder.path).said("S03")
    assert "it holds parts of the same name" in sentence


@pytest.mark.parametrize("number", ODD_ROWS)
def test_a_row_of_a_number_that_no_sheet_has(folder: Delivery, number: str) -> None:
    folder.files["stations.xlsx"] = row_of_a_number(number)
    folder.write()
    (sentence,) = check_within_limits(folder.path).said("S03")
    assert f'a row has the number "{number}"' in sentence


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"])
def test_a_workbook_nested_deep_is_not_parsed_to_its_end(folder: Delivery, part: str) -> None:
    deep = "<a>" * 10_000_000
    folder.files["stations.xlsx"] = content = workbook("<row><c><v>1</v></c></row>", more={part: deep})
    assert len(content) < BELOW
    folder.write()
    (sentence,) = check_within_limits(folder.path).said("S03")
    assert "its XML is nested too deep" in sentence


def test_the_library_reads_such_a_workbook(folder: Delivery) -> None:
    """Else the limits would hold for workbooks that nothing reads."""
    folder.files["stations.xlsx"] = workbook(
        '<row><c t="s"><v>0</v></c></row><row><c><v>7</v></c></row>', "<si><t>a</t></si>"
    )
    assert "station_id" in str(folder.check().findings[0].message)


@pytest.mark.parametrize("made", LONG)
def test_a_table_as_large_as_may_be_is_checked_within_the_limits(folder: Delivery, made: Callable[[], Content]) -> None:
    name, content = made()
    assert len(content) < BELOW + 100_000
    folder.files[name] = content
    folder.write()
    checked = check_within_limits(folder.path)
    assert checked.verdict == "rejected"
    assert not checked.said("S10")


def test_an_archive_of_many_scans(folder: Delivery) -> None:
    name, content = archive_of_many_scans()
    folder.manifest.clear()
    folder.files[name] = content
    folder.write()
    checked = check_within_limits(folder.path)
    assert checked.verdict == "rejected"
    (sentence,) = checked.said("E01")
    assert sentence.startswith("9,999 files break one rule: ")
    assert "scans.zip/1.e57, scans.zip/2.e57 and 9,996 more" in sentence


def test_the_table_of_contents_of_an_archive_is_read_once(folder: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    real = zipfile.ZipFile

    def counted(stream: IO[bytes]) -> zipfile.ZipFile:
        opened.append(stream)
        return real(stream)

    monkeypatch.setattr(zipfile, "ZipFile", counted)
    for members in (10, 20):
        stream = io.BytesIO()
        with real(stream, "w") as archive:
            for number in range(members):
                archive.writestr(f"{number}.e57", b"x")
        opened.clear()
        folder.manifest.clear()
        folder.files["scans.zip"] = stream.getvalue()
        folder.check()
        assert len(opened) == 1


def mission(actions: bytes) -> bytes:
    return b'{"actions":[' + actions + b"]}"


def panoramas(entries: bytes) -> bytes:
    return mission(b'{"data":{"spot-cam-pano":[' + entries + b"]}}")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (panoramas(b"{}," * 330_000 + b"{}"), "more than 100,000 panoramas"),
        (panoramas(b"1," * 490_000 + b"1"), "more than 100,000 panoramas"),
        (mission(b"{}," * 330_000 + b"{}"), "more than 300,000 actions"),
        (mission(b"{}," * 6_600_000 + b"{}"), "more than 10,000,000 values"),
    ],
    ids=["panoramas", "numbers for panoramas", "actions", "values"],
)
def test_a_mission_of_more_than_any_robot_makes(folder: Delivery, content: bytes, said: str) -> None:
    """Two bytes of JSON are an object that takes hundreds in memory."""
    folder.stations, folder.faces, folder.face_size = [], None, 0
    for name in ("rotation", "expected_stations"):
        folder.manifest.pop(name, None)
    frame = {**folder.manifest["frame"], "name": "seed"}
    folder.manifest |= {"kind": "panorama", "source_format": "spot", "frame": frame}
    folder.files = {"m/metadata.json": content}
    folder.write()
    checked = check_within_limits(folder.path, most_bytes=700_000_000, most_seconds=20)
    (sentence,) = checked.said("S03")
    assert sentence == (
        f"m/metadata.json cannot be read as a Spot mission: with it the capture holds {said}. "
        "Deliver the missions as several captures."
    )
