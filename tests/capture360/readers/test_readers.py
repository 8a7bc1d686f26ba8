"""What each form of delivery is read as."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from PIL import Image

from capture360.checks.check import check_capture
from capture360.landing.folder import CaptureFolder
from capture360.model import CaptureKind, Verdict, is_id
from capture360.readers import read_tables
from capture360.readers.e57 import station_prefixes
from capture360.readers.gpano import local
from capture360.readers.tables import Tables
from delivery import COLUMNS, Delivery, picture, table

NAVVIS_ROWS = (
    "0; 00000-pano.jpg; 1700000000.123456; 1.5; -2.25; 1.6; 1.0; 0.0; 0.0; 0.0",
    "4; 00004-pano.jpg; 1700000010.000000; 4.0; -2.25; 1.6; 0.7071067811865476; 0.0; 0.0; 0.7071067811865476",
)
NAVVIS_NAMES = (
    "ID; filename; timestamp; pano_pos_x; pano_pos_y; pano_pos_z; pano_ori_w; pano_ori_x; pano_ori_y; pano_ori_z"
)


def rows_of(delivery: Delivery) -> pd.DataFrame:
    tables = read_tables(delivery.write())
    assert tables.findings == ()
    return tables.stations


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_delimiters_are_found_out(delivery: Delivery, encoding: str, delimiter: str) -> None:
    delivery.stations[0]["station_name"] = "Kesselraum Süd; Tür 1"
    delivery.files["stations.csv"] = table(delivery.stations, delimiter).encode(encoding)
    frame = rows_of(delivery)
    assert frame["station_name"][0] == "Kesselraum Süd; Tür 1"
    assert frame["row"].tolist() == list(range(2, 10))
    assert frame[list(COLUMNS)].iloc[1].to_dict() == delivery.stations[1]


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;;;;;"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_that_states_the_delimiter_is_no_row(delivery: Delivery, first: str, end: str) -> None:
    lines = [first, *table(delivery.stations, ";").splitlines()]
    delivery.files["stations.csv"] = end.join([*lines[:4], ";;;;;;;;;", *lines[4:], ""]).encode()
    frame = rows_of(delivery)
    assert frame["row"].tolist() == [2, 3, *range(5, 11)]
    assert frame[list(COLUMNS)].iloc[1].to_dict() == delivery.stations[1]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_break_in_a_column_name(delivery: Delivery, end: str) -> None:
    rows = [{**row, "Remark\n(optional)": "ok"} for row in delivery.stations]
    delivery.files["stations.csv"] = table(rows).replace("\n", end).encode()
    frame = rows_of(delivery)
    assert frame["row"].tolist() == list(range(2, 10))
    assert frame["station_id"].tolist() == [row["station_id"] for row in delivery.stations]


@pytest.mark.parametrize("case", ["t01-sep-line", "t03-header-newline", "t04-pipe"])
def test_delivered_headers_that_are_split_otherwise(shared: Path, case: str) -> None:
    tables = read_tables(CaptureFolder(str(shared / "data" / "field-cases" / case)))
    assert tables.findings == ()
    assert tables.stations["row"].tolist() == [2, 3, 4, 5]
    assert tables.stations["x"].tolist() == ["2.3521", "4.8166", "7.1541", "9.7413"]


def test_ids_that_look_like_numbers_or_nothing_stay_text(delivery: Delivery) -> None:
    for row, name in zip(delivery.stations, ("0012", "NA", "null", "None", "1e5", "true", "1.0", "-"), strict=True):
        row["station_id"] = name
    assert rows_of(delivery)["station_id"].tolist() == ["0012", "NA", "null", "None", "1e5", "true", "1.0", "-"]


def test_blank_lines_and_line_breaks_in_cells_keep_the_row_numbers(delivery: Delivery) -> None:
    delivery.stations[0]["station_name"] = "two\nlines"
    lines = table(delivery.stations).split("\n")
    delivery.files["stations.csv"] = "\n".join([*lines[:3], "", ",,,,,,,,,", *lines[3:]]).encode()
    frame = rows_of(delivery)
    assert frame["row"].tolist() == [2, 5, 6, 7, 8, 9, 10, 11]


def test_excel_and_parquet_are_read_as_text(delivery: Delivery) -> None:
    expected = [{name: row[name] for name in COLUMNS} for row in delivery.stations]
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.append(list(COLUMNS))
    for row in expected:
        sheet.append([float(row[name]) if name in ("x", "y", "z") else row[name] for name in COLUMNS])
    stream = io.BytesIO()
    workbook.save(stream)
    delivery.stations = []
    delivery.files["stations.xlsx"] = stream.getvalue()
    frame = rows_of(delivery)
    assert frame["station_id"].tolist() == [row["station_id"] for row in expected]
    assert [float(text) for text in frame["x"]] == [float(row["x"]) for row in expected]
    assert frame["row"].tolist() == list(range(2, 10))

    (delivery.path / "stations.xlsx").unlink()
    parquet = io.BytesIO()
    typed = pd.DataFrame(expected).astype({"x": float, "y": float, "z": float})
    typed.assign(time_taken=pd.to_datetime(typed["time_taken"])).to_parquet(parquet)
    delivery.files = {"stations.parquet": parquet.getvalue()}
    frame = rows_of(delivery)
    assert frame["qw"].tolist() == [row["qw"] for row in expected]
    assert frame["time_taken"][0].startswith("2026-04-17T09:01:00")
    assert frame["time_taken"][0].endswith("+0000")


def test_columns_are_mapped_as_the_manifest_says(delivery: Delivery) -> None:
    delivery.manifest["columns"] = {"x": "Easting (m)"}
    renamed = [{("Easting (m)" if n == "x" else n): v for n, v in row.items()} for row in delivery.stations]
    delivery.files["stations.csv"] = table(renamed).encode()
    assert rows_of(delivery)["x"].tolist() == [row["x"] for row in delivery.stations]


@pytest.mark.parametrize(
    "head",
    [f"# pano poses v1.0: {NAVVIS_NAMES}", f"# made by a scanner\n# pano poses v1.0: {NAVVIS_NAMES}", NAVVIS_NAMES],
)
def test_navvis_in_both_header_forms(tmp_path: Path, head: str) -> None:
    folder = tmp_path / "hall-7" / "scan-1"
    (folder / "pano").mkdir(parents=True)
    (folder / "pano" / "pano-poses.csv").write_text("\n".join([head, *NAVVIS_ROWS]) + "\n")
    tables = read_tables(CaptureFolder(str(folder)))
    assert tables.findings == ()
    assert tables.manifest is not None
    assert (tables.manifest.site_id, tables.manifest.capture_id) == ("hall-7", "scan-1")
    assert tables.manifest.kind is CaptureKind.PANORAMA
    first = head.count("\n") + 2
    assert tables.stations.drop(columns="x_id").to_dict("records") == [
        {
            "pano_file": f"pano/{number}-pano.jpg",
            "time_taken": time,
            "x": x,
            "y": "-2.25",
            "z": "1.6",
            "qw": qw,
            "qx": "0.0",
            "qy": "0.0",
            "qz": qz,
            "row": row,
            "station_id": number,
        }
        for number, time, x, qw, qz, row in (
            ("00000", "1700000000.123456", "1.5", "1.0", "0.0", first),
            ("00004", "1700000010.000000", "4.0", "0.7071067811865476", "0.7071067811865476", first + 1),
        )
    ]
    assert tables.faces["file"].tolist() == ["pano/00000-pano.jpg", "pano/00004-pano.jpg"]


def test_a_camera_folder_takes_heading_time_and_place_from_the_pictures(delivery: Delivery) -> None:
    delivery.stations = []
    delivery.manifest |= {"kind": "panorama", "source_format": "gpano", "rotation": None, "time": {"base": "utc"}}
    delivery.manifest = {name: value for name, value in delivery.manifest.items() if value is not None}
    delivery.manifest["frame"] = {**delivery.manifest["frame"], "origin": [59.0, 10.0, 0.0]}
    delivery.files = {"tour/R 001.jpg": camera_picture(59.001, 10.0, 90.0), "tour/R 002.jpg": picture(2048, 1024, 2)}
    tables = read_tables(delivery.write())
    assert [finding.message.split(",")[0] for finding in tables.findings] == ["tour/R 002.jpg has no XMP metadata"]
    first, second = tables.stations.to_dict("records")
    assert first["station_id"] == "R-001"
    assert (float(first["heading"]), float(first["pitch"]), float(first["roll"])) == (90.0, 0.0, 0.0)
    assert first["time_taken"] == "2026-04-17T09:30:00+02:00"
    assert float(first["x"]) == pytest.approx(0, abs=0.01)
    assert float(first["y"]) == pytest.approx(111.4, abs=0.1)
    assert (second["x"], second["heading"], second["time_taken"]) == ("", "", "")


def test_a_camera_folder_joins_a_table_by_file_name(delivery: Delivery) -> None:
    delivery.manifest |= {"kind": "panorama", "source_format": "gpano", "time": {"base": "utc"}}
    del delivery.manifest["rotation"]
    delivery.stations = [{"pano_file": "b.jpg", "x": "1", "y": "2", "z": "3"}]
    delivery.files = {"tour/a.jpg": picture(2048, 1024, 1), "tour/b.jpg": camera_picture(59.0, 10.0, 45.0)}
    (row,) = rows_of(delivery).to_dict("records")
    assert (row["pano_file"], row["x"], float(row["heading"]), row["row"]) == ("tour/b.jpg", "1", 45.0, 2)


def test_local_metres_from_degrees() -> None:
    # One degree of latitude at 59 degrees north is 111,399 m (Bowring's series); a thousandth of it here.
    east, north, up = local((59.001, 10.0, 5.0), (59.0, 10.0, 5.0))
    assert (east, north) == (pytest.approx(0, abs=1e-6), pytest.approx(111.399, abs=0.02))
    assert up == pytest.approx(0, abs=2e-3)


def camera_picture(latitude: float, longitude: float, heading: float) -> bytes:
    exif = Image.Exif()
    exif[0x8769] = {0x9003: "2026:04:17 09:30:00", 0x9011: "+02:00"}
    exif[0x8825] = {1: "N", 2: (latitude, 0.0, 0.0), 3: "E", 4: (longitude, 0.0, 0.0), 5: b"\x00", 6: 0.0}
    xmp = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" '
        f'GPano:PoseHeadingDegrees="{heading}"/></rdf:RDF></x:xmpmeta>'
    )
    stream = io.BytesIO()
    Image.open(io.BytesIO(picture(2048, 1024, 5))).save(stream, "JPEG", exif=exif, xmp=xmp.encode(), quality=80)
    return stream.getvalue()


def test_a_spot_mission_gives_the_body_in_the_named_frame(delivery: Delivery) -> None:
    delivery.stations = []
    del delivery.manifest["rotation"]
    delivery.manifest |= {
        "kind": "panorama",
        "source_format": "spot",
        "frame": {**delivery.manifest["frame"], "name": "seed"},
    }
    tree = {
        "body": {},
        "odom": {"parent_frame_name": "body", "parent_tform_child": {"position": {"x": -1.0}, "rotation": {"w": 1.0}}},
        "seed": {
            "parent_frame_name": "odom",
            "parent_tform_child": {"position": {"x": -9.0, "y": -2.0, "z": -0.5}, "rotation": {"w": 1.0}},
        },
    }
    action = {
        "action_id": {"timestamp": "2026-04-17T09:30:00.786897121Z", "action_name": "Pump hall 1"},
        "data": {"spot-cam-pano": [{"filename": "Pump hall 1 spot-cam-pano.jpg"}]},
        "metadata": {
            "detailed-position-data": [
                {"data": {"robot_kinematics": {"transforms_snapshot": {"child_to_parent_edge_map": tree}}}}
            ]
        },
    }
    delivery.files = {"mission/metadata.json": json.dumps({"actions": [action]}).encode()}
    (row,) = rows_of(delivery).to_dict("records")
    assert row["station_id"] == "Pump-hall-1"
    assert row["pano_file"] == "mission/Pump hall 1 spot-cam-pano.jpg"
    assert [float(row[axis]) for axis in "xyz"] == [10.0, 2.0, 0.5]
    assert [float(row[f"q{part}"]) for part in "wxyz"] == [1.0, 0.0, 0.0, 0.0]


def spot(delivery: Delivery, *actions: object) -> Delivery:
    delivery.stations, delivery.faces = [], None
    for name in ("rotation", "expected_stations"):
        delivery.manifest.pop(name, None)
    frame = {**delivery.manifest["frame"], "name": "seed"}
    delivery.manifest |= {"kind": "panorama", "source_format": "spot", "frame": frame}
    delivery.files = {"m/metadata.json": json.dumps({"actions": actions}).encode()}
    return delivery


def waypoint(name: str, edge: object) -> dict[str, object]:
    tree = {"body": edge, "seed": {"parent_frame_name": ""}}
    return {
        "action_id": {"action_name": name, "timestamp": "2026-04-17T09:30:00Z"},
        "data": {"spot-cam-pano": [{"filename": f"{name}.jpg"}], "other": 7},
        "metadata": {"basic-position-data": [{"data": {"child_to_parent_edge_map": tree}}]},
    }


@pytest.mark.parametrize(
    "edge",
    [
        "oops",
        None,
        {"parent_frame_name": 7},
        {"parent_frame_name": "seed", "parent_tform_child": "oops"},
        {"parent_frame_name": "seed", "parent_tform_child": {"position": [1], "rotation": {"w": 1}}},
        {"parent_frame_name": "seed", "parent_tform_child": {"position": {"x": float("inf")}}},
        {"parent_frame_name": "seed", "parent_tform_child": {"rotation": {"w": float("nan")}}},
        {"parent_frame_name": "seed", "parent_tform_child": {"rotation": {}}},
        {"parent_frame_name": "body", "parent_tform_child": {}},
        {"parent_frame_name": "seed", "parent_tform_child": {}},
        {"parent_frame_name": "seed", "parent_tform_child": {"position": {"x": 2}}},
        {"parent_frame_name": "seed", "parent_tform_child": {"rotation": {"w": 1}}},
        {"parent_frame_name": "seed", "parent_tform_child": {"rotation": {"w": 5}}},
    ],
    ids=repr,
)
def test_a_broken_pose_of_one_waypoint_is_left_empty_and_the_others_are_read(delivery: Delivery, edge: object) -> None:
    good = {"parentFrameName": "seed", "parentTformChild": {"position": {"x": 2}, "rotation": {"w": 1}}}
    tables = read_tables(spot(delivery, waypoint("a1", edge), waypoint("a2", good)).write())
    rows = tables.stations.to_dict("records")
    assert [(finding.rule, finding.station) for finding in tables.findings] == [("S15", "a1")]
    assert [row["station_id"] for row in rows] == ["a1", "a2"]
    assert {rows[0][name] for name in ("x", "y", "z", "qw", "qx", "qy", "qz")} == {""}
    assert (rows[1]["x"], rows[1]["qw"]) == ("2.0", "1.0")


@pytest.mark.parametrize("place", ["action_name", "timestamp", "filename"])
def test_half_a_character_in_a_mission_voids_its_own_text_only(delivery: Delivery, place: str) -> None:
    mission = spot(delivery, waypoint("a1", GOOD_EDGE), waypoint("a2", GOOD_EDGE))
    whole = {"action_name": "a1", "timestamp": "2026-04-17T09:30:00Z", "filename": "a1.jpg"}[place]
    content = mission.files["m/metadata.json"].decode()
    mission.files["m/metadata.json"] = content.replace(f'"{whole}"', '"\\ud800"', 1).encode()
    assert len(rows_of(mission)) == 2
    assert mission.check().headline.isprintable()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-16-le"])
@pytest.mark.parametrize("above", ["", "# made\x0bby\u2028us\n"])
@pytest.mark.parametrize("between", ["", "\n"])
def test_navvis_in_other_encodings_with_odd_lines(tmp_path: Path, encoding: str, above: str, between: str) -> None:
    folder = tmp_path / "hall-7" / "scan-1"
    (folder / "pano").mkdir(parents=True)
    text = f"{above}# pano poses v1.0: {NAVVIS_NAMES}\n{between}" + "\n".join(NAVVIS_ROWS)
    (folder / "pano" / "pano-poses.csv").write_bytes(text.encode(encoding))
    tables = read_tables(CaptureFolder(str(folder)))
    assert not tables.findings
    assert tables.stations["station_id"].tolist() == ["00000", "00004"]


def navvis(tmp_path: Path, text: str, **stated: object) -> Tables:
    delivery = Delivery(tmp_path / "hall-7" / "scan-1", stations=[], manifest={})
    if stated:
        delivery.manifest = {"schema": "capture/1", "site_id": "hall-7", "capture_id": "scan-1", **stated}
    delivery.files["pano/pano-poses.csv"] = text.encode()
    return read_tables(delivery.write())


@pytest.mark.parametrize(
    ("shown", "fix"), [("file", 'Found "file": rename it'), ("ref", 'Add it, or map one of "ID", "ref" to it')]
)
def test_a_column_that_navvis_names_is_missing_under_that_name(tmp_path: Path, shown: str, fix: str) -> None:
    head = f"# pano poses v1.0: {NAVVIS_NAMES.replace('filename', shown)}"
    (finding,) = navvis(tmp_path, "\n".join([head, *NAVVIS_ROWS]) + "\n").findings
    assert f'column "filename" is missing. {fix}' in finding.message
    assert finding.message.endswith("in capture.yaml under columns.pano_file.")


def test_navvis_with_a_column_of_station_ids_that_is_empty(tmp_path: Path) -> None:
    text = "\n".join([f"# pano poses v1.0: {NAVVIS_NAMES}; station_id", *(f"{row}; " for row in NAVVIS_ROWS)]) + "\n"
    assert list(navvis(tmp_path, text).stations["station_id"]) == ["00000", "00004"]


@pytest.mark.parametrize("comments", [49, 50, 60])
@pytest.mark.parametrize("head", [f"# pano poses v1.0: {NAVVIS_NAMES}", ""])
def test_navvis_below_many_comments(tmp_path: Path, comments: int, head: str) -> None:
    above = [head, *["# note"] * comments] if head else [*["# note"] * comments, NAVVIS_NAMES]
    tables = navvis(tmp_path, "\n".join([*above, *NAVVIS_ROWS * 1000]) + "\n")
    assert tables.findings == ()
    assert len(tables.stations) == 2000
    assert tables.stations["row"].iat[0] == comments + 2


def test_navvis_without_a_row_near_the_top(tmp_path: Path) -> None:
    (finding,) = navvis(tmp_path, "# a note\n" * 8000 + "\n".join([NAVVIS_NAMES, *NAVVIS_ROWS])).findings
    assert finding.message.startswith("pano/pano-poses.csv cannot be read as a table of poses: its first 64 KB are")


@pytest.mark.parametrize(
    ("columns", "x", "y"),
    [
        ({"x": "pano_pos_y", "y": "pano_pos_x"}, "-2.25", "1.5"),
        ({"x": "pano_pos_x"}, "1.5", "-2.25"),
    ],
)
def test_navvis_columns_are_mapped_as_the_manifest_says(
    tmp_path: Path, columns: dict[str, str], x: str, y: str
) -> None:
    tables = navvis(tmp_path, "\n".join([NAVVIS_NAMES, *NAVVIS_ROWS]), source_format="navvis", columns=columns)
    assert tables.findings == ()
    assert (tables.stations["x"][0], tables.stations["y"][0]) == (x, y)


@pytest.mark.parametrize("columns", [{"station_id": "ID"}, {}])
def test_navvis_station_ids_of_the_table(tmp_path: Path, columns: dict[str, str]) -> None:
    header = NAVVIS_NAMES if columns else NAVVIS_NAMES.replace("ID", "station_id", 1)
    rows = [f"{number};{row.split(';', 1)[1]}" for number, row in zip((17, 18), NAVVIS_ROWS, strict=True)]
    stated = {"source_format": "navvis", "columns": columns} if columns else {}
    tables = navvis(tmp_path, "\n".join([header, *rows]), **stated)
    assert tables.findings == ()
    assert tables.stations["station_id"].tolist() == ["17", "18"]


@pytest.mark.parametrize("odd", ["rümm", "row"])
def test_navvis_names_that_are_there_twice(tmp_path: Path, odd: str) -> None:
    names = f"{NAVVIS_NAMES.replace('; ', ',')},x,{odd}"
    rows = [f"{row.replace('; ', ',')},1.5,a" for row in NAVVIS_ROWS]
    folder = tmp_path / "hall-7" / "scan-1" / "pano"
    folder.mkdir(parents=True)
    (folder / "pano-poses.csv").write_bytes("\n".join([names, *rows, f"{rows[0]},b", ""]).encode("cp1252"))
    messages = [finding.message for finding in read_tables(CaptureFolder(str(folder.parent))).findings]
    assert any('"x"' in message and "twice" in message for message in messages)


def test_the_station_of_a_broken_pose_is_named(shared: Path) -> None:
    validation = check_capture(CaptureFolder(str(shared / "data/field-cases/captures/spot")))
    (finding,) = [each for each in validation.findings if each.station and each.rule in ("P01", "S15")]
    assert finding.message.startswith('m1/metadata.json: the action "')
    assert "has numbers in its frame tree that are no pose" in finding.message


@pytest.mark.parametrize(
    ("action", "place"),
    [
        ("oops", "actions.0"),
        ({"action_id": 7}, "actions.0.action_id"),
        ({"data": {"spot-cam-pano": [7]}}, "spot-cam-pano"),
    ],
)
def test_a_mission_of_another_form_is_refused_with_file_and_place(
    delivery: Delivery, action: object, place: str
) -> None:
    validation = spot(delivery, action).check()
    (message,) = [finding.message for finding in validation.findings if finding.rule == "S03"]
    assert "m/metadata.json" in message
    assert place in message
    assert "Download the mission again." in message


@pytest.mark.parametrize("in_table", [False, True])
def test_a_picture_that_is_a_link_out_of_the_folder_holds_back_its_station(
    delivery: Delivery, tmp_path: Path, in_table: bool
) -> None:
    delivery.put_pictures()
    if in_table:
        delivery.faces = [
            {"station_id": name.split("/")[1], "face": name.split("/")[2][:-4], "file": name} for name in delivery.files
        ]
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(picture(512, 512, 1))
    del delivery.files["images/s-02/top.jpg"]
    delivery.write()
    os.symlink(secret, delivery.path / "images" / "s-02" / "top.jpg")
    validation = delivery.check()
    assert validation.verdict is Verdict.PARTIAL
    assert list(validation.quarantined) == ["s-02"]
    (said,) = {finding.message.partition(" is a link")[2] for finding in validation.findings if finding.rule == "S07"}
    assert said == " that leaves the capture folder. Deliver the file itself."


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[1, 2]",
        b"a: &a [x]\nb: *a",
        b"kind: [",
        b"\xff\xfe\x00",
        b"a: 1\na: 2",
        b"[" * 5000,
        b"schema: {a: 1}",
        b"!!python/object/apply:os.system ['true']",
        b"? [a]\n: b",
    ],
)
def test_a_manifest_of_any_bytes_is_a_sentence(delivery: Delivery, content: bytes) -> None:
    delivery.manifest = {}
    delivery.files["capture.yaml"] = content
    tables = read_tables(delivery.write())
    assert tables.manifest is None
    assert tables.findings
    for finding in tables.findings:
        assert finding.message.startswith("capture.yaml")


def test_every_missing_convention_is_told_at_once(delivery: Delivery) -> None:
    delivery.manifest = {"schema": "capture/1", "site_id": "hall-7", "capture_id": "2026-04-17", "kind": "cubemap"}
    tables = read_tables(delivery.write())
    assert {finding.column for finding in tables.findings} == {"frame", "rotation", "time"}
    assert {finding.rule for finding in tables.findings} == {"S09"}


@pytest.mark.parametrize(
    "paths",
    [
        ("a/x.e57", "b/x.e57", "a-x.e57"),
        ("a/x.e57", "a-x.e57", "A X.e57"),
        ("a b.e57", "a_b.e57", "a-b.e57", "a+b.e57"),
        ("ü.e57", "ö.e57"),
        ("scan.e57", "Scan.E57", "sub/scan.e57"),
    ],
)
def test_stations_of_two_scans_never_share_an_id(paths: tuple[str, ...]) -> None:
    prefixes = station_prefixes(paths)
    assert len({prefix.casefold() for prefix in prefixes.values()}) == len(paths)
    assert all(is_id(prefix + "s-001", 80) for prefix in prefixes.values())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b'{"actions": [', "it breaks off or is damaged in line 1, column 14"),
        (b'{"caf\xe9": 1}', "it is not UTF-8. Save it as UTF-8."),
        (b'{"actions": [], "actions": [{}]}', 'the key "actions" is there twice in one object'),
        (b"[" * 100_000, "it is nested too deep"),
        (b"[]", "the whole of it has another form than in a mission of Spot"),
        (b'{"actions": {"0": {}}}', "actions has another form"),
        (b'{"actions": null}', "actions has another form"),
        (b'{"Actions": []}', "actions has another form"),
    ],
)
def test_a_mission_that_is_none_is_named_without_words_of_a_library(
    delivery: Delivery, content: bytes, said: str
) -> None:
    spot(delivery)
    delivery.files = {"m/metadata.json": content}
    (finding,) = read_tables(delivery.write()).findings
    assert said in finding.message


@pytest.mark.parametrize("content", [b"{}", b'{"actions": null}'])
def test_a_mission_without_actions_beside_another_is_not_taken_for_an_empty_one(
    delivery: Delivery, content: bytes
) -> None:
    """Else its published stations would be removed."""
    spot(delivery, waypoint("a1", GOOD_EDGE)).files["n/metadata.json"] = content
    delivery.files["n/Pump hall 1 spot-cam-pano.jpg"] = b"x"
    tables = read_tables(delivery.write())
    assert len(tables.stations) == 1
    assert tables.unread == {"n/metadata.json": "n-"}
    (finding,) = tables.findings
    assert finding.rule == "S15"
    delivery.files["n/metadata.json"] = b'{"actions": []}'
    assert read_tables(delivery.write()).findings == ()


@pytest.mark.parametrize("content", [b'{"version": 1}', b'{"actions": null}'])
def test_a_file_of_the_same_name_that_is_no_mission_is_passed_over_beside_one(
    delivery: Delivery, content: bytes
) -> None:
    """Nothing would help to read it, and a later delivery without one of the stations would be stopped."""
    spot(delivery, waypoint("a1", GOOD_EDGE)).files["thumbs/metadata.json"] = content
    tables = read_tables(delivery.write())
    assert len(tables.stations) == 1
    assert (tables.findings, tables.unread) == ((), {})


def test_a_name_or_time_that_is_no_text_is_missing_in_its_own_row(delivery: Delivery) -> None:
    good = {"parent_tform_child": {"position": {}, "rotation": {"w": 1}}, "parent_frame_name": "seed"}
    odd = waypoint("a1", good) | {"action_id": {"action_name": 7, "timestamp": {"seconds": 1}}}
    rows = rows_of(spot(delivery, odd, waypoint("a2", good))).to_dict("records")
    assert [row["station_id"] for row in rows] == ["7", "a2"]
    assert rows[0]["time_taken"] == ""


@pytest.mark.parametrize(("frame", "fix"), [("Seed", "Did you mean seed?"), ("vision", "Name one of them; seed")])
def test_a_frame_that_no_mission_has_is_named(delivery: Delivery, frame: str, fix: str) -> None:
    edge = {"parent_tform_child": {"rotation": {"w": 1}}, "parent_frame_name": "seed"}
    spot(delivery, waypoint("a1", edge))
    delivery.manifest["frame"] = {**delivery.manifest["frame"], "name": frame}
    (finding,) = read_tables(delivery.write()).findings
    assert finding.rule == "S09"
    assert fix in finding.message


@pytest.mark.parametrize("name", ["pano/pano_poses.csv", "pano/Pano-Poses.CSV", "walk/pano/pano-poses.csv"])
def test_a_table_of_poses_elsewhere_is_named(delivery: Delivery, name: str) -> None:
    delivery.stations = []
    delivery.manifest |= {"kind": "panorama", "source_format": "navvis"}
    delivery.files = {name: b"x"}
    (finding,) = read_tables(delivery.write()).findings
    assert finding.message == f"{name} is not read. Deliver the dataset so that it is pano/pano-poses.csv."


GOOD_EDGE = {"parent_frame_name": "seed", "parent_tform_child": {"position": {"x": 2}, "rotation": {"w": 1}}}


@pytest.mark.parametrize(
    ("action", "place"),
    [
        (None, "actions.0"),
        ("x", "actions.0"),
        ([], "actions.0"),
        ({"action_id": "x"}, "actions.0.action_id"),
        ({"data": [1]}, "actions.0.data"),
        ({"data": {"spot-cam-pano": {"filename": "a.jpg"}}}, "actions.0.data.spot-cam-pano"),
        ({"data": {"spot-cam-pano": ["a.jpg"]}}, "actions.0.data.spot-cam-pano.0"),
    ],
    ids=repr,
)
def test_an_action_of_another_form_is_held_back_and_the_others_are_read(
    delivery: Delivery, action: object, place: str
) -> None:
    tables = read_tables(spot(delivery, action, waypoint("a2", GOOD_EDGE)).write())
    assert tables.stations["station_id"].tolist() == ["a2"]
    (finding,) = tables.findings
    assert (finding.rule, finding.value) == ("S15", place)
    assert finding.station
    assert "Download the mission again." in finding.message


@pytest.mark.parametrize(
    "edge",
    [
        {"parent_frame_name": "seed"},
        {"parent_frame_name": "seed", "parent_tform_chld": {"position": {"x": 2}}},
        {"parent_frame_name": "seed", "parent_tform_child": {"position": {"x": True}, "rotation": {"w": 1}}},
    ],
    ids=repr,
)
def test_a_pose_that_a_mission_does_not_state_is_none(delivery: Delivery, edge: object) -> None:
    tables = read_tables(spot(delivery, waypoint("a1", edge)).write())
    (row,) = tables.stations.to_dict("records")
    assert {row[name] for name in ("x", "y", "z", "qw", "qx", "qy", "qz")} == {""}
    assert [finding.rule for finding in tables.findings] == ["S15"]


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({}, "holds no frame tree"),
        ({"body": {}}, 'has no frame "seed" in its frame tree'),
        ({"seed": {}}, 'has no frame "body"'),
        ({"body": {"parent_frame_name": "a"}, "seed": {}}, "has a frame tree with an edge that has no pose"),
        ({"seed": {"parent_frame_name": "seed", "parent_tform_child": GOOD_EDGE["parent_tform_child"]}}, "no root"),
        ({"body": 5, "seed": {}}, "has numbers in its frame tree that are no pose"),
    ],
)
def test_a_frame_tree_without_the_pose_is_named_with_what_it_lacks(
    delivery: Delivery, tree: dict[str, object], said: str
) -> None:
    """Nothing of it is empty, and no operator of a robot exports poses."""
    action = waypoint("a1", GOOD_EDGE) | {
        "metadata": {"basic-position-data": [{"data": {"child_to_parent_edge_map": tree}}]}
    }
    spot(delivery, action, waypoint("a2", GOOD_EDGE))
    found = [finding for finding in delivery.check().findings if finding.station == "a1" and finding.rule != "F02"]
    assert [finding.rule for finding in found if finding.rule in ("S15", "P01")] == ["S15"]
    assert any(said in finding.message for finding in found)


def test_a_mission_that_an_editor_saved_as_utf_16_is_read(delivery: Delivery) -> None:
    spot(delivery, waypoint("a1", GOOD_EDGE))
    delivery.files = {path: content.decode().encode("utf-16") for path, content in delivery.files.items()}
    assert len(rows_of(delivery)) == 1


def test_a_number_with_too_many_digits_is_named(delivery: Delivery) -> None:
    spot(delivery)
    delivery.files = {"m/metadata.json": b'{"actions": ' + b"9" * 5000 + b"}"}
    (finding,) = read_tables(delivery.write()).findings
    assert "a number in it has too many digits" in finding.message


def test_stations_of_missions_and_actions_of_one_name_never_share_an_id(delivery: Delivery) -> None:
    mission = spot(delivery, waypoint("a1", GOOD_EDGE), waypoint("a1", GOOD_EDGE), waypoint("a1-2", GOOD_EDGE))
    content = mission.files["m/metadata.json"]
    assert rows_of(mission)["station_id"].tolist() == ["a1", "a1-2", "a1-2-2"]
    mission.files = {"m/metadata.json": content, "x/m/metadata.json": content, "x-m/metadata.json": content}
    ids = rows_of(mission)["station_id"].tolist()
    assert len({name.casefold() for name in ids}) == len(ids) == 9
    assert all(is_id(name, 80) for name in ids)


def test_pictures_of_one_name_never_share_an_id(delivery: Delivery) -> None:
    delivery.stations = []
    delivery.manifest |= {"kind": "panorama", "source_format": "gpano", "rotation": {"kind": "heading_pitch_roll_deg"}}
    delivery.files = dict.fromkeys(("a/x.jpg", "b/x.jpg", "a b.jpg", "a_b.jpg", "A-b.jpg", "日.jpg"), b"")
    ids = rows_of(delivery)["station_id"].tolist()
    assert len({name.casefold() for name in ids}) == len(ids) == 6
    assert {"a-x", "b-x", "picture-85217f"} < set(ids)
    assert all(is_id(name, 80) for name in ids)


def test_pictures_that_differ_only_by_suffix_and_case_share_an_id(delivery: Delivery) -> None:
    delivery.stations = []
    delivery.manifest |= {"kind": "panorama", "source_format": "gpano", "rotation": {"kind": "heading_pitch_roll_deg"}}
    delivery.files = dict.fromkeys(("S-1.png", "s-1.jpg", "s-2.jpg"), b"")
    assert rows_of(delivery)["station_id"].tolist() == ["S-1", "S-1", "s-2"]


def test_pictures_that_differ_only_by_their_suffix_are_one_station_twice(delivery: Delivery) -> None:
    delivery.stations = []
    delivery.manifest |= {"kind": "panorama", "source_format": "gpano", "rotation": {"kind": "heading_pitch_roll_deg"}}
    delivery.files = dict.fromkeys(("pano/s-1.jpg", "pano/s-1.png", "pano/s-2.jpg"), b"")
    assert rows_of(delivery)["station_id"].tolist() == ["s-1", "s-1", "s-2"]
    twice = [finding for finding in delivery.check().findings if finding.rule == "I02"]
    assert [finding.station for finding in twice] == ["s-1", "s-1"]
