"""Files and entries of the manifest that were meant, but written otherwise: each is named with the way out."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from capture360.landing.folder import CaptureFolder
from capture360.model import FACES, Verdict
from capture360.readers import read_tables
from capture360.readers.column_names import nearest
from capture360.rules.finding import Disposition, Finding
from delivery import COLUMNS, Delivery, table
from scans import scan


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    made = Delivery(tmp_path / "hall-7" / "2026-04-17")
    made.stations = made.stations[:2]
    return made


def findings(delivery: Delivery) -> list[Finding]:
    return list(read_tables(delivery.write()).findings)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("Stations.CSV", "Rename it to stations.csv."),
        ("station.csv", "Rename it to stations.csv."),
        ("stations (1).csv", "Rename it to stations.csv."),
        ("stations.csv.txt", "Rename it to stations.txt."),
        ("stations.XLSX", "Rename it to stations.xlsx."),
        ("stations.xls", "Save it as stations.csv or stations.xlsx."),
        ("stations.ods", "Save it as stations.csv or stations.xlsx."),
        ("stations.xls ", "Save it as stations.csv or stations.xlsx."),
        ("stations.csv ", "Rename it to stations.csv."),
        ("hall-7_stations_v2.csv", "Rename it to stations.csv."),
        ("Kopie von Stations.xls", "Save it as stations.csv or stations.xlsx."),
        (
            "tables/stations.tsv",
            "Move it, and all that belongs to it, to the top of the capture folder, as stations.tsv.",
        ),
        (
            "a/b/c/stations.csv",
            "Move it, and all that belongs to it, to the top of the capture folder, as stations.csv.",
        ),
        ("stations.csv\u00b7", "Is it the stations table? Save it as stations.csv."),
        ("stations.csv.gz", "Unpack it to stations.csv."),
        ("stations.json", "Save it as stations.csv."),
        ("stations.dat", "Rename it to stations.txt."),
        ("stations.csv~", "Rename it to stations.csv."),
        ("stations.csv.part", "It is a copy that did not end: copy it again."),
        ("poses.csv", "Is it the stations table? Rename it to stations.csv."),
    ],
)
def test_a_stations_table_of_another_name(delivery: Delivery, name: str, advice: str) -> None:
    delivery.files = {name: table(delivery.stations).encode()}
    delivery.stations = []
    (finding,) = findings(delivery)
    assert finding.rule == "S03"
    assert finding.message == f"{name} is not read. {advice}"


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("stations.parquet", "parquet"), ("stations", "csv"), ("Station", "parquet"), ("stations.csv", "csv")],
)
def test_a_folder_of_part_files_is_named(delivery: Delivery, name: str, suffix: str) -> None:
    parts = [f"{name}/part-0000{number}-1d2c.c000.{suffix}" for number in range(3)]
    delivery.files = dict.fromkeys((*parts, f"{name}/_SUCCESS"), table(delivery.stations).encode())
    delivery.stations = []
    (finding,) = findings(delivery)
    assert finding.message.startswith(f"{name} is not read. It is a folder of part files, as Spark and others write a")
    assert finding.message.endswith(f"deliver that file as stations.{suffix}.")


def test_part_files_in_folders_of_their_own_are_named(delivery: Delivery) -> None:
    delivery.files = {"stations/level=1/part-0000.parquet": b"PAR1"}
    delivery.stations = []
    (finding,) = findings(delivery)
    assert finding.message.startswith("stations is not read. It is a folder of part files")


def test_a_table_in_a_folder_named_like_it_is_no_part_file(delivery: Delivery) -> None:
    delivery.files = {"stations/panos.csv": table(delivery.stations).encode()}
    delivery.stations = []
    (finding,) = findings(delivery)
    assert finding.message.startswith("stations/panos.csv is not read. Is it the stations table? Move it, and all that")


@pytest.mark.parametrize(("name", "rule"), [("capture.yaml", "S01"), ("stations.csv", "S03")])
@pytest.mark.parametrize("within", ["", "readme.md"])
def test_a_folder_with_the_name_of_a_file_is_named(delivery: Delivery, name: str, rule: str, within: str) -> None:
    path = Path(delivery.write().url)
    (path / name).unlink()
    (path / name).mkdir()
    if within:
        (path / name / within).write_text("x")
    (finding,) = read_tables(CaptureFolder(str(path))).findings
    assert finding.rule == rule
    assert f"{name} is not read. It is a" in finding.message
    assert "folder" in finding.message


@pytest.mark.parametrize("name", [".faces.csv", "facse.csv", "faces - Copy.csv", "_faces.csv", "f\u0430ces.xlsx"])
def test_a_faces_table_that_is_nearly_named_so_is_not_passed_over(delivery: Delivery, name: str) -> None:
    delivery.files = {name: b"station_id,face,file\n"}
    (finding,) = findings(delivery)
    assert finding.message.startswith(f"{name} is not read. Rename it to faces.")


@pytest.mark.parametrize("name", [".stations.csv", "statons.csv", "stations - Copy.csv", "\u0455tations.csv"])
@pytest.mark.parametrize("is_beside", [True, False])
def test_a_stations_table_that_is_nearly_named_so_is_named(delivery: Delivery, name: str, is_beside: bool) -> None:
    delivery.files = {name: b"station_id\n"}
    delivery.stations = delivery.stations if is_beside else []
    (finding,) = findings(delivery)
    fix = "since stations.csv is there. Remove the one" if is_beside else "Rename it to stations.csv."
    assert finding.message.startswith(f"{name} is not read")
    assert fix in finding.message


@pytest.mark.parametrize(
    "name",
    [
        "rotations.csv",
        "notations.csv",
        "._stations.csv",
        ".~lock.stations.csv#",
        "~$stations.xlsx",
        "races.csv",
        "places.csv",
        "._capture.yaml",
    ],
)
def test_what_is_no_table_of_ours_stops_nothing(delivery: Delivery, name: str) -> None:
    delivery.files = {name: b"x"}
    assert findings(delivery) == []


def test_a_faces_table_of_another_name_is_not_passed_over(delivery: Delivery) -> None:
    delivery.files["Faces.csv"] = b"station_id,face,file\n"
    (finding,) = findings(delivery)
    assert finding.message == "Faces.csv is not read. Rename it to faces.csv, or remove it."
    assert finding.disposition is Disposition.STOP


@pytest.mark.parametrize("name", ["faces_old.csv", "faces_bak.csv", "faces.bak.csv", "facets.csv"])
def test_a_table_that_nothing_needs_beside_whole_pictures_stops_nothing(delivery: Delivery, name: str) -> None:
    delivery.put_pictures()
    delivery.files[name] = b"station_id,face,file\n"
    (finding,) = findings(delivery)
    assert finding.message == f"{name} is not read. Rename it to faces.csv if it names the pictures, or remove it."
    assert finding.disposition is Disposition.WARN


def test_a_faces_table_of_an_earlier_state_stops_nothing(delivery: Delivery) -> None:
    delivery.files["faces_old.csv"] = b"station_id,face,file\n"
    assert [finding.disposition for finding in findings(delivery)] == [Disposition.WARN]


@pytest.mark.parametrize("name", ["capture_old.yaml", "capture.yaml.bak", "capture.yaml~"])
def test_a_manifest_of_an_earlier_state_does_not_stop_what_explains_itself(delivery: Delivery, name: str) -> None:
    delivery.manifest, delivery.stations = {}, []
    delivery.files = {name: b"kind: e57\n", "scan.e57": scan()}
    (finding,) = [finding for finding in findings(delivery) if finding.rule == "S01"]
    assert finding.message == f"{name} is not read. Rename it to capture.yaml if it is of this delivery, or remove it."
    assert finding.disposition is Disposition.WARN


@pytest.mark.parametrize(
    "name", ["capture.yml", "Capture.yaml", "capture.yaml.txt", "capture (2).yaml", "captures.yaml"]
)
@pytest.mark.parametrize("beside", ["stations.csv", "scan.e57"])
def test_a_manifest_of_another_name_stops_even_what_explains_itself(delivery: Delivery, name: str, beside: str) -> None:
    delivery.manifest, delivery.stations = {}, []
    delivery.files = {name: b"kind: e57\n", beside: b"x"}
    (finding,) = findings(delivery)
    assert (finding.rule, finding.message) == ("S01", f"{name} is not read. Rename it to capture.yaml.")


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("capture.yaml.bak", "Rename it to capture.yaml."),
        ("manifest.yml", "Rename it to capture.yaml."),
        ("capture.yaml.part", "It is a copy that did not end: copy it again."),
        ("walk/capture.yaml", "or deliver the folder walk."),
        ("a/b/c/capture.yaml", "or deliver the folder a/b/c."),
        *(
            (name, "Rename it to capture.yaml.")
            for name in (
                ".capture.yaml",
                "captur.yaml",
                "captrue.yaml",
                "_capture.yaml",
                "capture - Copy.yaml",
                "Kopie von capture.yml",
                "capture_v2.yaml",
                "capture.yaml ",
                "capture.yam",
                "\u0441apture.yaml",
                "c\u0430ptur\u0435.yaml",
            )
        ),
        ("capture.yaml.docx", "Save it as plain text under the name capture.yaml."),
        ("capture", "Is it the manifest? Rename it to capture.yaml."),
        ("Capture.json", "Is it the manifest? Rename it to capture.yaml."),
        ("capture.txt", "Is it the manifest? Rename it to capture.yaml."),
        ("capture.toml", "Is it the manifest? Write what it says into capture.yaml."),
    ],
)
def test_a_manifest_elsewhere_is_named(delivery: Delivery, name: str, fix: str) -> None:
    delivery.manifest = {}
    delivery.files = {name: b"kind: e57\n"}
    (finding,) = findings(delivery)
    assert finding.rule == "S01"
    assert finding.message.startswith(f"{name} is not read. ")
    assert finding.message.endswith(fix)


COLUMNS_MEANT = [
    ({"x": "X [m]"}, 'Found "X [m]": rename it'),
    ({"x": "Easting"}, 'Found "Easting": rename it'),
    ({"z": "Höhe"}, 'Found "Höhe": rename it'),
    ({"qw": "q0"}, 'Found "q0": rename it'),
    ({"qx": "rot_x"}, 'Found "rot_x": rename it'),
    ({"station_id": "Standpunkt"}, 'Found "Standpunkt": rename it'),
    ({"time_taken": "Date Time (UTC)"}, 'Found "Date Time (UTC)": rename it'),
    ({"qw": "q1", "qx": "q2", "qy": "q3", "qz": "q4"}, "of which the first or the last is the scalar part: rename"),
    ({"qw": "Q4", "qx": "Q1", "qy": "Q2", "qz": "Q3"}, 'Found "Q1", "Q2", "Q3", "Q4", of which the first or the last'),
    ({"x": "\u0445"}, "in letters of another alphabet: type it anew"),
    ({"x": "lon", "y": "lat"}, 'map one of "lon", "lat" to it'),
]


def with_columns(delivery: Delivery, renamed: dict[str, str]) -> list[Finding]:
    rows = [{renamed.get(name, name): text for name, text in row.items()} for row in delivery.stations]
    delivery.files["stations.csv"] = table(rows).encode()
    return findings(delivery)


@pytest.mark.parametrize(("renamed", "said"), COLUMNS_MEANT)
def test_a_column_in_other_words_is_named(delivery: Delivery, renamed: dict[str, str], said: str) -> None:
    found = with_columns(delivery, renamed)
    assert [finding.column for finding in found] == list(renamed)
    assert all(said in finding.message for finding in found)


@pytest.mark.parametrize(
    "renamed",
    [
        {"station_id": "ScanName", "x": "PosX", "y": "PosY", "z": "PosZ", "qw": "RotW", "qx": "RotX", "qz": "RotZ"},
        {"station_id": "Estación", "x": "Este", "y": "Norte", "z": "Altura (m)", "time_taken": "Fecha y hora"},
        {"station_id": "Punto", "x": "Coordenada X", "y": "Coordenada Y", "z": "Cota", "time_taken": "Fecha"},
        {"station_id": "点名", "x": "東距", "y": "北距", "z": "標高", "time_taken": "撮影日時"},
    ],
)
def test_the_header_of_another_program_is_named_column_by_column(delivery: Delivery, renamed: dict[str, str]) -> None:
    found = " ".join(finding.message for finding in with_columns(delivery, renamed))
    for meant, name in renamed.items():
        assert f'column "{meant}" is missing. Found "{name}": rename it' in found


@pytest.mark.parametrize(
    ("wanted", "columns", "meant"),
    [
        ("station_id", ["scandate", "x", "y", "z"], ""),
        ("station_id", ["scan time", "scan file"], "scan file"),
        ("pano_file", ["image width", "image time", "image"], "image"),
        ("pano_file", ["image height"], ""),
        ("z", ["instrument height", "altura instrumento", "cota"], "cota"),
        ("z", ["altura antena"], ""),
        ("z", ["height above datum", "cota"], "cota"),
    ],
)
def test_a_column_about_something_else_is_not_proposed(wanted: str, columns: list[str], meant: str) -> None:
    assert nearest(wanted, columns) == meant


def test_an_axis_of_a_turn_is_no_coordinate(delivery: Delivery) -> None:
    found = " ".join(each.message for each in with_columns(delivery, {"x": "Oriental", "qx": "Axis X"}))
    assert 'Found "Axis X"' not in found


@pytest.mark.parametrize("name", ["\u200bx", "\uff38", " x\u00a0"])
def test_a_column_is_known_without_what_nobody_sees(delivery: Delivery, name: str) -> None:
    assert with_columns(delivery, {"x": name}) == []


@pytest.mark.parametrize(
    ("columns", "frame", "said"),
    [
        ({"x": "X [ft]"}, {}, "names another unit than frame.unit m"),
        ({"z": "Z_mm"}, {}, "names another unit than frame.unit m"),
        ({"x": "X [ft]"}, {"unit": "us_ft"}, ""),
        ({"x": "X [m]"}, {}, ""),
        ({"x": "Northing", "y": "Easting"}, {}, "make a left-handed frame (x north, y east, z up)"),
        ({"x": "Hochwert", "y": "Rechtswert"}, {}, "make a left-handed frame"),
        ({"x": "Easting", "y": "Northing"}, {}, ""),
    ],
)
def test_a_mapped_column_must_not_contradict_the_manifest(
    delivery: Delivery, columns: dict[str, str], frame: dict[str, str], said: str
) -> None:
    delivery.manifest["columns"] = columns
    delivery.manifest["frame"] |= frame
    found = with_columns(delivery, columns)
    assert bool(found) is bool(said)
    assert all(finding.rule == "S09" and said in finding.message for finding in found)


@pytest.mark.parametrize("name", ["capture.json", "capture", "._capture.yaml", "x/y/capture.json"])
def test_what_may_be_a_manifest_stops_nothing_that_is_described(delivery: Delivery, name: str) -> None:
    delivery.files[name] = b"x"
    assert findings(delivery) == []


@pytest.mark.parametrize("name", ["capture.yaml", "stations.csv"])
@pytest.mark.parametrize("is_link", [False, True])
def test_what_has_the_name_and_is_not_read_is_not_missing(delivery: Delivery, name: str, is_link: bool) -> None:
    folder = delivery.write()
    path = delivery.path / name
    path.unlink()
    if is_link:
        path.symlink_to("/etc/hostname")
    else:
        os.mkfifo(path)
    (finding,) = read_tables(folder).findings
    said = (
        "It is a link that leaves the capture folder"
        if is_link
        else "It is neither a file nor a folder. Put the file in its place, or remove it."
    )
    assert finding.message.startswith(f"{name} is not read. {said}")


@pytest.mark.parametrize(
    "name", ["recapture.yaml", "capture_hall7.yaml", "notes.yaml", "capture.csv", "x/capture.json"]
)
def test_other_files_are_no_manifest(delivery: Delivery, name: str) -> None:
    delivery.manifest, delivery.stations = {}, []
    delivery.files = {name: b"x"}
    (finding,) = findings(delivery)
    assert finding.message.startswith("capture.yaml is missing")


def workbook(*sheets: tuple[str, list[list[str]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


@pytest.mark.parametrize("first", [[], [["see sheet Stations"]], [["Project", "Hall 7"], ["Date", "2026"]]])
def test_a_table_on_the_second_sheet_is_named(delivery: Delivery, first: list[list[str]]) -> None:
    rows = [list(COLUMNS), *([row[name] for name in COLUMNS] for row in delivery.stations)]
    delivery.files["stations.xlsx"] = workbook(("Readme", first), ("Stations", rows))
    delivery.stations = []
    found = findings(delivery)
    assert found[0].disposition.value == "stop"
    assert any('only the first sheet, "Readme", is read, not "Stations"' in finding.message for finding in found)


def test_a_delivered_table_on_the_second_sheet(shared: Path) -> None:
    found = read_tables(CaptureFolder(str(shared / "data/field-cases/x04-second-sheet"))).findings
    assert any("first sheet" in finding.message for finding in found)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"station_nam": "station_name"}, "columns.station_nam is no column that is read. Did you mean station_name?"),
        ({"level": "Geschoss"}, 'columns.level "Geschoss" is no column of stations.csv. Write the name as'),
        ({"level": "Station_Name"}, 'is no column of stations.csv. Did you mean "station_name"?'),
        ({"station_id": "Standpunkt"}, 'columns.station_id "Standpunkt" is no column of stations.csv. Write the name'),
        ({"file": "x"}, "file is a column of faces.csv, which is not read: remove it."),
    ],
)
def test_a_mapped_column_that_does_nothing(delivery: Delivery, columns: dict[str, str], said: str) -> None:
    delivery.manifest["columns"] = columns
    (finding,) = findings(delivery)
    assert (finding.rule, finding.disposition.value) == ("S13", "warn")
    assert said in finding.message


@pytest.mark.parametrize(
    ("key", "meant"), [("easting", "x"), ("Northing", "y"), ("height", "z"), ("azimuth", "heading")]
)
def test_an_entry_under_another_word_is_named(delivery: Delivery, key: str, meant: str) -> None:
    delivery.manifest["columns"] = {key: "A"}
    found = with_columns(delivery, {meant: "A"})
    entries = [finding.message for finding in found if finding.rule == "S13"]
    assert len(entries) == 1
    assert entries[0].endswith(f"Did you mean {meant}?")


def test_an_entry_that_is_turned_round_is_named(delivery: Delivery) -> None:
    delivery.manifest["columns"] = {"Easting": "x"}
    rows = [{("Easting" if name == "x" else name): value for name, value in row.items()} for row in delivery.stations]
    delivery.files["stations.csv"] = table(rows).encode()
    assert findings(delivery)[1].message.endswith("It is turned round: write x: Easting.")


def test_blanks_around_a_mapped_name_are_none_of_it(delivery: Delivery) -> None:
    delivery.manifest["columns"] = {"x": " Easting "}
    rows = [{("Easting" if name == "x" else name): value for name, value in row.items()} for row in delivery.stations]
    delivery.files["stations.csv"] = table(rows).encode()
    assert findings(delivery) == []


def test_a_mapping_that_takes_a_column_away_is_named(delivery: Delivery) -> None:
    delivery.manifest["columns"] = {"station_name": "station_id"}
    rows = [{name: value for name, value in row.items() if name != "station_name"} for row in delivery.stations]
    delivery.files["stations.csv"] = table(rows).encode()
    (finding,) = findings(delivery)
    said = 'column "station_id" is missing. columns.station_name in capture.yaml takes it: remove that entry'
    assert said in finding.message


def test_a_mapped_column_that_is_missing_is_named_beside_the_missing_one(delivery: Delivery) -> None:
    delivery.manifest["columns"] = {"x": "East"}
    rows = [{("Easting" if name == "x" else name): value for name, value in row.items()} for row in delivery.stations]
    delivery.files["stations.csv"] = table(rows).encode()
    assert [finding.rule for finding in findings(delivery)] == ["S04", "S13"]


def test_an_id_that_is_mapped_to_a_column_of_neither_table(delivery: Delivery) -> None:
    delivery.manifest["columns"] = {"station_id": "Standpunkt"}
    delivery.faces = [{"station_id": "s-01", "face": "top", "file": "a.jpg"}]
    (finding,) = findings(delivery)
    assert (finding.rule, finding.column) == ("S13", "station_id")


@pytest.mark.parametrize("pair", [("station_id", "station_name"), ("station_name", "station_id"), ("level", "area")])
def test_two_entries_for_one_column_are_refused(delivery: Delivery, pair: tuple[str, str]) -> None:
    delivery.manifest["columns"] = dict.fromkeys(pair, "Name")
    rows = [{name: text for name, text in row.items() if name not in pair} for row in delivery.stations]
    delivery.files["stations.csv"] = table([{**row, "Name": row["x"]} for row in rows]).encode()
    (finding,) = findings(delivery)
    assert (finding.rule, finding.disposition.value) == ("S09", "stop")
    assert (
        f'columns.{pair[0]} and columns.{pair[1]} both name "Name". Name the column of each, or remove all but one.'
        in finding.message
    )


def test_a_mapping_for_the_other_table_is_none_of_this_ones(delivery: Delivery) -> None:
    delivery.manifest["columns"] = {"file": "path", "station_id": "code"}
    delivery.faces = [{"code": "s-01", "face": "top", "path": "a.jpg"}]
    assert findings(delivery) == []


@pytest.mark.parametrize(
    "pattern",
    ["../{station}/{face}.{ext}", "images\\..\\..\\{station}\\{face}.jpg", "C:\\images\\{station}\\{face}.jpg"],
)
def test_a_pattern_that_leads_out_of_the_folder_is_refused(delivery: Delivery, pattern: str) -> None:
    delivery.manifest["faces"] = {"pattern": pattern}
    (finding,) = findings(delivery)
    assert finding.disposition.value == "stop"
    assert "leads out of the capture folder" in finding.message


@pytest.mark.parametrize(
    ("faces", "said"),
    [
        ({"aliases": {"u": "up"}}, 'gives "u" to "up", which is no face. Did you mean top?'),
        ({"aliases": {"d": "botom"}}, "Did you mean bottom?"),
        ({"aliases": {"v": "vorne"}}, "Use one of front"),
        ({"pattern": "images/{station}.{ext}"}, "has no {face}"),
        ({"pattern": "images/{face}.{ext}"}, "has no {station}"),
        ({"pattern": "{Station}/{station}/{face}.{ext}"}, "holds {Station}, which is no field"),
    ],
)
def test_an_entry_of_faces_that_cannot_work_is_refused(delivery: Delivery, faces: dict[str, Any], said: str) -> None:
    delivery.manifest["faces"] = faces
    (finding,) = findings(delivery)
    assert finding.disposition.value == "stop"
    assert said in finding.message


@pytest.mark.parametrize(
    "pattern",
    [
        "images/{station}-{face}.{ext}",
        "images/{station}_{face}.{ext}",
        "{face}-{station}.{ext}",
        "{station}{face}.{ext}",
        "images/{station}/{station}-{face}.{ext}",
        "{face}/{station}-{face}.{ext}",
    ],
)
@pytest.mark.parametrize("stations", [("s-001", "s-002"), ("s_1", "s_1_top"), ("a-front", "a-front-top"), ("1", "11")])
def test_a_pattern_finds_what_it_writes(delivery: Delivery, pattern: str, stations: tuple[str, ...]) -> None:
    for row, name in zip(delivery.stations, stations, strict=True):
        row["station_id"] = name
    delivery.manifest["faces"] = {"pattern": pattern}
    wanted = set()
    for name in stations:
        for face in FACES:
            path = pattern.format(station=name, face=face, ext="jpg")
            delivery.files[path] = b"x"
            wanted.add((name, face, path))
    tables = read_tables(delivery.write())
    assert set(tables.faces[["station_id", "face", "file"]].itertuples(index=False, name=None)) == wanted
    assert tables.findings == ()


def test_aliases_with_the_separator_of_the_pattern(delivery: Delivery) -> None:
    delivery.manifest["faces"] = {"pattern": "{station}-{face}.{ext}", "aliases": {"cam-1": "front", "1": "back"}}
    delivery.files = {"s-01-cam-1.jpg": b"x", "s-02-1.jpg": b"x"}
    faces = read_tables(delivery.write()).faces
    assert faces[["station_id", "face"]].values.tolist() == [["s-01", "front"], ["s-02", "back"]]


@pytest.mark.parametrize("pattern", ["./images/{station}/{face}.{ext}", "images\\{station}\\{face}.{ext}"])
def test_a_pattern_is_a_path_as_those_of_tables_are(delivery: Delivery, pattern: str) -> None:
    delivery.manifest["faces"] = {"pattern": pattern}
    delivery.files["images/s-01/top.jpg"] = b"x"
    assert list(read_tables(delivery.write()).faces["file"]) == ["images/s-01/top.jpg"]


def test_a_pattern_that_fits_no_picture_is_named(delivery: Delivery) -> None:
    delivery.files["images/img-001/back.jpg"] = b"x"
    delivery.manifest["faces"] = {"pattern": "pictures/{station}/{face}.{ext}"}
    (finding,) = findings(delivery)
    assert "fits none of the pictures; the first is images/img-001/back.jpg" in finding.message


@pytest.mark.parametrize("pattern", ["pictures/{station}/{face}.{ext}", "**/{station}/{face}.{ext}"])
def test_a_pattern_that_fits_no_picture_of_a_station_is_one_fault(delivery: Delivery, pattern: str) -> None:
    delivery.put_pictures()
    delivery.manifest["faces"] = {"pattern": pattern}
    (finding,) = delivery.check().findings
    assert finding.rule == "F01"
    assert 'write pattern: "images/{station}/{face}.{ext}" below faces' in finding.message


@pytest.mark.parametrize(
    "pattern",
    [
        "/images/{station}/{face}.{ext}",
        "images//{station}/./{face}.{ext} ",
        "Images/{station}/{face}.{ext}",
        "images/{station}/{face}.JPG",
        "images/{station}/{face}.png",
        "images/{station}/{face}.*",
        "images/{station}/{face}",
    ],
)
def test_a_pattern_may_differ_in_case_suffix_and_slashes(delivery: Delivery, pattern: str) -> None:
    delivery.files = {f"images/s-01/{face}.jpg": b"x" for face in FACES}
    delivery.manifest["faces"] = {"pattern": pattern, "aliases": {"Top": "top"}}
    tables = read_tables(delivery.write())
    assert set(tables.faces["face"]) == set(FACES)
    assert tables.findings == ()


def test_a_pattern_that_fits_is_taken_as_it_is_written(delivery: Delivery) -> None:
    delivery.files = dict.fromkeys(("images/s-01/top.jpg", "Images/s-01/top.png"), b"x")
    assert list(read_tables(delivery.write()).faces["file"]) == ["images/s-01/top.jpg"]


@pytest.mark.parametrize("name", ["ST1_LEFT.JPG", "st1_left.jpg", "st1_Left.png"])
def test_an_alias_counts_in_any_case_before_a_name_that_is_built_in(delivery: Delivery, name: str) -> None:
    delivery.manifest["faces"] = {"pattern": "{station}_{face}.jpg", "aliases": {"left": "right", "right": "left"}}
    delivery.files = {name: b"x"}
    assert list(read_tables(delivery.write()).faces["face"]) == ["right"]


def test_an_alias_that_no_picture_has_is_named(delivery: Delivery) -> None:
    delivery.put_pictures()
    delivery.manifest["faces"] = {"aliases": {"vorn": "front", "top": "top"}}
    (finding,) = findings(delivery)
    assert finding.message.startswith("capture.yaml: faces.aliases.vorn is the name of no face that was delivered")
    assert delivery.check().verdict is Verdict.ACCEPTED


@pytest.mark.parametrize(
    ("case", "said"), [("t39-columns-unknown-canon", "columns.station_nam"), ("c07-alias-typo-target", '"up"')]
)
def test_delivered_entries_that_do_nothing(shared: Path, case: str, said: str) -> None:
    found = read_tables(CaptureFolder(str(shared / "data/field-cases" / case))).findings
    assert any(said in finding.message for finding in found)


def test_a_delivered_pattern_with_hyphens(shared: Path) -> None:
    tables = read_tables(CaptureFolder(str(shared / "data/field-cases/c14-station-in-dash")))
    assert tables.findings == ()
    assert tables.faces["station_id"].tolist() == ["s-001"] * 6


@pytest.mark.parametrize(
    "name", ["scans.7z", "delivery.rar", "scans.tar.gz", "scan.e57.gz", "delivery.zip.001", "a/d.zipx", "d.r00"]
)
@pytest.mark.parametrize("stated", [{}, {"kind": "e57"}, {"kind": "cubemap"}])
def test_an_archive_that_is_all_there_is_is_named(delivery: Delivery, name: str, stated: dict[str, str]) -> None:
    delivery.stations = []
    delivery.files = {name: b"7z"}
    delivery.manifest = {**delivery.manifest, "rotation": {"kind": "quaternion", "direction": "camera_to_world"}}
    delivery.manifest = {**delivery.manifest, **stated} if stated else {}
    finding, *others = read_tables(delivery.write()).findings
    assert finding.message == f"{name} is not read. It is an archive: unpack it, and deliver what is in it."
    assert ["capture.yaml is missing" in other.message for other in others] == [True] * (not stated)


@pytest.mark.parametrize("name", ["raw/logs/2026/robot.log.gz", "gnss/rover.001"])
def test_what_is_packed_elsewhere_hides_no_missing_manifest(delivery: Delivery, name: str) -> None:
    delivery.manifest, delivery.stations = {}, []
    delivery.files = {name: b"a"}
    (finding,) = findings(delivery)
    assert finding.message.startswith("capture.yaml is missing")
    delivery.files |= {"capture.json": b"{}", "logs.7z": b"7z"}
    (finding,) = findings(delivery)
    assert finding.message == "capture.json is not read. Is it the manifest? Rename it to capture.yaml."


@pytest.mark.parametrize(
    ("names", "axis"),
    [
        (("East (m)", "North (m)", "Height (m)"), "xyz"),
        (("Rechtswert [m]", "Hochwert [m]", "Höhe [m]"), "xyz"),
        (("E_m", "N_m", "Elev_m"), "xyz"),
    ],
)
def test_a_column_in_other_words_with_its_unit_is_found(delivery: Delivery, names: tuple[str, ...], axis: str) -> None:
    rows = [
        dict(zip((dict(zip(axis, names, strict=True)).get(key, key) for key in row), row.values(), strict=True))
        for row in delivery.stations
    ]
    delivery.files["stations.csv"] = table(rows).encode()
    messages = [finding.message for finding in findings(delivery) if finding.rule == "S04"]
    assert [f'Found "{name}"' in message for name, message in zip(names, messages, strict=True)] == [True] * 3


@pytest.mark.parametrize("alias", ["Vorne", "VORNE.JPG"])
def test_an_alias_in_other_letters_or_with_a_suffix_is_corrected(delivery: Delivery, alias: str) -> None:
    sides = dict.fromkeys(FACES[1:], b"x")
    delivery.files = {f"images/s-01/{side}.jpg": content for side, content in sides.items()}
    delivery.files["images/s-01/vorne.jpg"] = b"x"
    delivery.manifest["faces"] = {"aliases": {alias: "front"}}
    (message,) = [finding.message for finding in findings(delivery) if finding.rule == "S13"]
    assert message.endswith('Did you mean "vorne"?')


@pytest.mark.parametrize(
    ("beside", "kind", "meant"), [("hall.e57", "E57", "e57"), ("pano/pano-poses.csv", "Panorama", "panorama")]
)
def test_a_misspelt_kind_is_all_that_is_wrong(delivery: Delivery, beside: str, kind: str, meant: str) -> None:
    delivery.manifest = {name: delivery.manifest[name] for name in ("schema", "site_id", "capture_id")} | {"kind": kind}
    delivery.files, delivery.stations = {beside: b"x"}, []
    (message,) = [finding.message for finding in findings(delivery)]
    assert message.endswith(f"Did you mean {meant}?")


@pytest.mark.parametrize(
    ("stated", "kind", "beside"),
    [
        (stated, kind, beside)
        for stated in ({}, {"source_format": "canonical"})
        for kind in ("cubemap", "panorama")
        for beside in ("scan/hall.e57", "pano/pano-poses.csv")
        if stated or (kind, beside) != ("panorama", "pano/pano-poses.csv")  # that is what NavVis delivers
    ],
)
def test_a_manifest_of_pictures_beside_another_form(
    delivery: Delivery, beside: str, kind: str, stated: dict[str, str]
) -> None:
    delivery.manifest |= {"kind": kind, **stated}
    delivery.files = {"Stations.csv": table(delivery.stations).encode(), beside: b"x"}
    delivery.stations = []
    (finding,) = findings(delivery)
    assert finding.message == "Stations.csv is not read. Rename it to stations.csv."
