"""The notation of a table's numbers: proved by its cells, stated by the manifest, or asked for; never guessed."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from capture360.checks.check import check_capture
from capture360.landing.folder import CaptureFolder
from capture360.model import Verdict
from capture360.readers import Tables, read_tables
from delivery import COLUMNS, Delivery, table

AXES = ("x", "y", "z")


def with_positions(delivery: Delivery, cells: list[str], delimiter: str = "\t", *, point: bool = True) -> Tables:
    """The tables where x of each row is one of `cells`, and the other numbers have a decimal point, or a comma."""
    del delivery.stations[len(cells) :]
    for row, cell in zip(delivery.stations, cells, strict=True):
        row["x"] = cell
        if not point:
            row |= {name: row[name].replace(".", ",") for name in ("y", "z", "qw", "qz")}
    delivery.files["stations.csv"] = table(delivery.stations, delimiter).encode()
    return read_tables(delivery.write())


def refused(tables: Tables) -> str:
    (finding,) = tables.findings
    assert finding.rule == "S11"
    assert tables.stations.empty
    return finding.message


@pytest.mark.parametrize(
    ("cells", "point", "numbers"),
    [
        (["1.5", "2.352"], True, [1.5, 2.352]),
        (["1.352", "2.352"], True, [1.352, 2.352]),
        (["1,352", "2,352"], False, [1.352, 2.352]),
        (["1,234.5", "2,352"], True, [1234.5, 2352]),
        (["1,234,567", "-2,352"], True, [1234567, -2352]),
        (["1.234.567,89", "2.352"], False, [1234567.89, 2352]),
        (["1 234,5", "2\u00a0352", "3\u202f456,75"], False, [1234.5, 2352, 3456.75]),
        (["1 234.5", "2 352"], True, [1234.5, 2352]),
        (["1'234.5", "2’352"], True, [1234.5, 2352]),
        (["12,34,567.89", "1,23,456"], True, [1234567.89, 123456]),
        (["1.5e3", "2.352E-03", "-.5", "5.", "+7"], True, [1500, 0.002352, -0.5, 5, 7]),
        (["1,5e3", "2,352E+03", "-,5"], False, [1500, 2352, -0.5]),
        (["0.352", "12.345"], True, [0.352, 12.345]),
        (["1234.567", "12.345"], True, [1234.567, 12.345]),
    ],
)
def test_what_the_cells_prove_is_read(delivery: Delivery, cells: list[str], point: bool, numbers: list[float]) -> None:
    tables = with_positions(delivery, cells, point=point)
    assert tables.findings == ()
    assert [float(text) for text in tables.stations["x"]] == numbers
    assert [float(text) for text in tables.stations["z"]] == [1.5] * len(cells)


@pytest.mark.parametrize(
    ("cells", "point", "unit", "readings"),
    [
        (["2,352", "3,501"], True, "mm", ("2352 mm", "2.352 mm")),
        (["2,352", "3,501"], True, "m", ("2352 m", "2.352 m")),
        (["952", "2.352"], True, "mm", ("2.352 mm", "2352 mm")),
        (["2.352", "3.501"], True, "cm", ("2.352 cm", "2352 cm")),
        (["2,352", "3,501"], False, "mm", ("2352 mm", "2.352 mm")),
        (["2,5", "3.501"], False, "m", ("3.501 m", "3501 m")),
        (["2.5", "3,501"], True, "m", ("3501 m", "3.501 m")),
    ],
)
def test_what_they_do_not_prove_is_asked_with_both_readings(
    delivery: Delivery, cells: list[str], point: bool, unit: str, readings: tuple[str, str]
) -> None:
    delivery.manifest["frame"]["unit"] = unit
    sentence = refused(with_positions(delivery, cells, point=point))
    assert f"is {readings[0]} with a decimal point and {readings[1]} with a decimal comma" in sentence
    assert "numbers: {decimal: point}" in sentence


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("cell", ["2.352", "2,352"])
def test_a_table_that_proves_nothing_is_asked_about(delivery: Delivery, cell: str, delimiter: str) -> None:
    delivery.manifest["rotation"] = {"kind": "none"}
    for row in delivery.stations:
        row |= dict.fromkeys(AXES, cell)
    delivery.files["stations.csv"] = table(delivery.stations, delimiter).encode()
    assert f'"{cell}"' in refused(read_tables(delivery.write()))


@pytest.mark.parametrize("cells", [["12,5", "1.25"], ["12,5", "3.75", "1.004"], ["1.234.567", "2.5"]])
@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_two_notations_are_refused(delivery: Delivery, cells: list[str], delimiter: str) -> None:
    assert "two notations" in refused(with_positions(delivery, cells, delimiter))


def test_a_slip_in_a_comma_delimited_table_holds_back_its_row_alone(delivery: Delivery) -> None:
    tables = with_positions(delivery, ["12,5", "1.5", "2.5"], ",")
    assert tables.findings == ()
    assert tables.stations["x"].tolist() == ["12,5", "1.5", "2.5"]
    assert "two notations" in refused(with_positions(delivery, ["12,5", "1.004", "2.352"], ","))


@pytest.mark.parametrize("cell", ["123,45,678", "1,234.56.7", "0,123,456", "1.234,567,890", "1 23", "1,23 456"])
def test_what_is_no_number_proves_nothing_and_stays_as_written(delivery: Delivery, cell: str) -> None:
    tables = with_positions(delivery, [cell, "1.5", "2.25"])
    assert tables.findings == ()
    assert tables.stations["x"].tolist() == [cell, "1.5", "2.25"]
    assert '"2,352"' in refused(with_positions(delivery, [cell, "1.5", "2,352"]))


@pytest.mark.parametrize(("stated", "number"), [("point", 2352.0), (".", 2352.0), ("comma", 2.352), (",", 2.352)])
def test_the_manifest_states_what_the_cells_leave_open(delivery: Delivery, stated: str, number: float) -> None:
    delivery.manifest["rotation"] = {"kind": "none"}
    delivery.manifest["numbers"] = {"decimal": stated}
    for row in delivery.stations:
        row |= dict.fromkeys(AXES, "2,352")
    delivery.files["stations.csv"] = table(delivery.stations, "\t").encode()
    tables = read_tables(delivery.write())
    assert tables.findings == ()
    assert {float(text) for text in tables.stations["x"]} == {number}


def test_what_is_stated_of_numbers_must_be_a_sign_and_belong_to_a_table(delivery: Delivery) -> None:
    delivery.manifest["numbers"] = {"decimal": "dot"}
    (finding,) = read_tables(delivery.write()).findings
    assert (finding.rule, finding.column) == ("S01", "numbers.decimal")
    delivery.manifest |= {"numbers": {"decimal": "point"}, "kind": "e57"}
    (finding,) = read_tables(delivery.write()).findings
    assert "numbers.decimal" in finding.message


def test_angles_prove_the_sign_whatever_their_decimals(delivery: Delivery) -> None:
    delivery.manifest["rotation"] = {"kind": "heading_pitch_roll_deg", "direction": "camera_to_world"}
    for row in delivery.stations:
        row |= {"x": "2,352", "y": "3,501", "z": "1,568", "heading": "123,456", "pitch": "0", "roll": "0"}
    delivery.files["stations.csv"] = table(
        [{name: text for name, text in row.items() if name[0] != "q"} for row in delivery.stations], ";"
    ).encode()
    tables = read_tables(delivery.write())
    assert tables.findings == ()
    assert float(tables.stations["heading"][0]) == 123.456
    assert float(tables.stations["x"][0]) == 2.352


@pytest.mark.parametrize("form", ["xlsx", "parquet"])
@pytest.mark.parametrize("as_text", [True, False])
def test_numbers_of_a_typed_table_are_what_they_are_but_its_texts_are_not(
    delivery: Delivery, form: str, as_text: bool
) -> None:
    delivery.manifest["frame"]["unit"] = "mm"
    rows = [{name: row[name] for name in COLUMNS} for row in delivery.stations]
    typed = pd.DataFrame(rows).astype(dict.fromkeys(("x", "y", "z", "qw", "qx", "qy", "qz"), float))
    typed["x"] = "2.352" if as_text else 2.352
    stream = io.BytesIO()
    if form == "xlsx":
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet()
        for values in [list(COLUMNS), *typed.to_numpy().tolist()]:
            sheet.append(values)
        book.save(stream)
    else:
        typed.to_parquet(stream)
    delivery.stations = []
    delivery.files[f"stations.{form}"] = stream.getvalue()
    tables = read_tables(delivery.write())
    if as_text:
        assert "2352 mm" in refused(tables)
    else:
        assert tables.findings == ()
        assert {float(text) for text in tables.stations["x"]} == {2.352}


@pytest.mark.parametrize("case", ["t06d-tab-mm-us-thousand", "t06e-semicolon-mm-de-thousand"])
def test_delivered_tables_with_thousands_separators_are_refused(shared: Path, tmp_path: Path, case: str) -> None:
    folder = tmp_path / "hall-7" / case
    shutil.copytree(shared / "data" / "field-cases" / case, folder)
    validation = check_capture(CaptureFolder(str(folder)))
    assert validation.verdict is Verdict.REJECTED
    assert [finding.rule for finding in validation.findings] == ["S11"]


def test_a_typographic_minus_is_one(delivery: Delivery) -> None:
    found = with_positions(delivery, ["\u22124.5", "8.5"])
    assert not found.findings
    assert found.stations["x"].tolist() == ["-4.5", "8.5"]


@pytest.mark.parametrize("delimiter", ["\t", ";", ","])
def test_a_stated_point_that_a_cell_contradicts_stops(delivery: Delivery, delimiter: str) -> None:
    delivery.manifest["numbers"] = {"decimal": "point"}
    tables = with_positions(delivery, ["1,235", "2,112", "12,5", "1,500"], delimiter)
    assert "is not written with the decimal point that capture.yaml states" in refused(tables)
