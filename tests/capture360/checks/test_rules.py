"""Every rule: the sound capture passes it, and each way to break it says exactly what the registry promises."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
import pytest
import simplejpeg
from PIL import Image
from pyarrow import parquet

from capture360.checks.rules import CAPTURE_RULES, RULES
from capture360.checks.validation import Validation
from capture360.model import FACES, Capture, CaptureKey, Verdict
from capture360.names import station_id
from delivery import COLUMNS, Delivery, picture, png_header, table
from scans import scan

Spoil = Callable[[Delivery], None]
Said = Callable[[Validation, str], list[str]]
SPOILERS: dict[tuple[str, str], Spoil] = {}
SECOND, TOP = 1, "images/s-02/top.jpg"


def spoils(rule: str, message: str = "") -> Callable[[Spoil], Spoil]:
    def register(spoil: Spoil) -> Spoil:
        SPOILERS[rule, message] = spoil
        return spoil

    return register


def with_faces(delivery: Delivery) -> list[dict[str, str]]:
    """A faces table that names the pictures of the sound capture."""
    delivery.faces = [
        {"station_id": row["station_id"], "face": face, "file": f"images/{row['station_id']}/{face}.jpg"}
        for row in delivery.stations
        for face in FACES
    ]
    return delivery.faces


def second(**cells: str) -> Spoil:
    """Change cells of the second station, row 3."""

    def spoil(delivery: Delivery) -> None:
        delivery.stations[SECOND].update(cells)

    return spoil


def twelfth(**cells: str) -> Spoil:
    """Change cells of row 12 of a faces table, the top of the second station."""

    def spoil(delivery: Delivery) -> None:
        with_faces(delivery)[10].update(cells)

    return spoil


def header(delivery: Delivery, **renamed: str) -> None:
    rows = [{renamed.get(name, name): value for name, value in row.items()} for row in delivery.stations]
    delivery.files["stations.csv"] = table(rows).encode()


SPOILERS["S01", ""] = lambda d: d.manifest.update(schema="capture/9")
SPOILERS["S01", "missing"] = lambda d: d.manifest.clear()
SPOILERS["S01", "beside"] = lambda d: d.files.update({"capture (1).yaml": b"x"})
SPOILERS["S03", "beside"] = lambda d: d.files.update({"stations (1).csv": b"x"})
SPOILERS["S02", ""] = lambda d: d.manifest.update(capture_id="2026-04-18")
SPOILERS["S02", "site"] = lambda d: d.manifest.update(site_id="hall-8")
SPOILERS["S13", "unknown"] = lambda d: d.manifest.update(columns={"station_nam": "Code"})
SPOILERS["S13", "alias"] = lambda d: d.manifest.update(faces={"aliases": {"Vorn": "front"}})
SPOILERS["S13", "pattern"] = lambda d: (
    d.manifest.update(faces={"pattern": "pictures/{station}/{face}.{ext}"}),
    d.files.clear(),
    d.files.update({"images/img-001/back.jpg": b"x"}),
)
SPOILERS["S03", "none"] = lambda d: d.stations.clear()
SPOILERS["S04", ""] = lambda d: header(d, x="pos_x")
SPOILERS["S04", "quotes"] = lambda d: header(d, **{name: f"'{name}'" for name in COLUMNS})
SPOILERS["S04", "misspelt"] = lambda d: header(d, station_name="station_nam")
SPOILERS["S06", ""] = second(x="12,5")
SPOILERS["S06", "pixels"] = second(resolution="512.5")
SPOILERS["S06", "accuracy"] = second(position_accuracy="-1")
SPOILERS["S07", "outside"] = twelfth(file="../x.jpg")
SPOILERS["S08", ""] = lambda d: d.manifest.update(expected_stations=10)
SPOILERS["S09", ""] = lambda d: d.manifest["rotation"].pop("direction")
SPOILERS["S11", "stated"] = lambda d: d.manifest.update(numbers={"decimal": "comma"})
SPOILERS["I01", ""] = second(station_id="A/12")
SPOILERS["I01", "spreadsheet"] = second(station_id="1.01E+15")
SPOILERS["I01", "empty"] = second(station_id="")
SPOILERS["T01", ""] = second(time_taken="31/04/2026")
SPOILERS["T01", "empty"] = second(time_taken="")
SPOILERS["T01", "day"] = lambda d: local_dates(d, "2026-04-17")
SPOILERS["T03", "skipped"] = lambda d: local_dates(d, "2026-03-29T02:30:00")
SPOILERS["P01", ""] = second(z="")
SPOILERS["P01", "pose"] = second(**dict.fromkeys(("x", "y", "z", "qw", "qx", "qy", "qz"), ""))
SPOILERS["P01", "nan"] = second(z="NaN")
SPOILERS["P01", "infinite"] = second(x="1e400")
SPOILERS["P01", "far"] = lambda d: (transformed(d, origin_offset=[1e15, 0, 0]), second(x="4", y="4")(d))[-1]
SPOILERS["P04", ""] = second(qw="0.5", qx="1", qy="0", qz="0")
SPOILERS["P04", "repaired"] = second(qw="0.995", qx="0", qy="0", qz="0")
SPOILERS["I04", ""] = second(station_name="n" * 300)
SPOILERS["I04", "control"] = second(station_name="Pump\troom")
SPOILERS["I04", "letters"] = second(station_name="FÃ¶rde")
SPOILERS["T04", ""] = second(time_taken="1970-01-01T00:00:00Z")
SPOILERS["T04", "offset"] = lambda d: (
    d.manifest["time"].update(clock_offset_s=3600),
    second(time_taken="1970-01-01T00:00:00Z")(d),
)[-1]
SPOILERS["T05", ""] = lambda d: d.stations[0].update(time_taken="2026-02-13T09:08:00Z")
SPOILERS["T06", ""] = lambda d: d.stations[4].update(time_taken="2026-04-17T06:04:00Z")
SPOILERS["P08", ""] = lambda d: d.stations[2].update(x="8.01", y="4.0", z="1.5")
SPOILERS["P09", ""] = lambda d: d.stations[7].update(x=str(28 + 412))
SPOILERS["P09", "beyond"] = lambda d: d.stations[7].update(x=str(28 + 41_200))
SPOILERS["P12", ""] = second(scale_x="2")
SPOILERS["P12", "none"] = second(scale_x="0")
SPOILERS["F05", ""] = twelfth(file="images/s-03/top.jpg")
SPOILERS["F01", "near"] = lambda d: d.files.update(
    {f"images/S_2/{face}.jpg": d.files.pop(f"images/s-02/{face}.jpg") for face in FACES}
)
SPOILERS["F17", ""] = twelfth(width="2048")
SPOILERS["F17", "sha256"] = twelfth(sha256="0" * 64)
SPOILERS["F17", "cell"] = twelfth(width="2k")
SPOILERS["F17", "time"] = twelfth(taken_at="2026-04-16T09:02:00Z")
SPOILERS["F06", "neither"] = second(valid="perhaps")
SPOILERS["F06", "skipped"] = second(valid="false")
SPOILERS["C01", ""] = lambda d: d.checks.update(max_listed_images=5)
SPOILERS["C04", ""] = lambda d: d.checks.update(privacy="blurred")
SPOILERS["F02", ""] = twelfth(face="up2")
SPOILERS["F03", ""] = twelfth(file="images/s-02/evil.exe")
SPOILERS["F03", "empty"] = twelfth(file="")
SPOILERS["F06", "archives"] = lambda d: d.files.update({"level-2.zip": b"PK\x05\x06"})
SPOILERS["F06", "other_form"] = lambda d: d.files.update({TOP.replace("jpg", "webp"): d.files.pop(TOP)})
SPOILERS["F07", ""] = lambda d: d.files.update({TOP: b""})
SPOILERS["F08", "spare"] = lambda d: d.files.update({TOP: d.files[TOP][:-2] + bytes(6) + d.files[TOP][-2:]})
SPOILERS["F09", ""] = lambda d: d.files.update({TOP: picture(2048, 2047, 1)})


def local_dates(delivery: Delivery, second_one: str) -> None:
    """Local times, that of the second station as given."""
    delivery.manifest["time"] = {"base": "local", "zone": "Europe/Oslo"}
    for row in delivery.stations:
        row["time_taken"] = row["time_taken"].rstrip("Z")
    delivery.stations[SECOND]["time_taken"] = second_one


def transformed(delivery: Delivery, **transform: object) -> None:
    """Positions go through this on their way to the site frame."""
    delivery.manifest["frame"] = {**delivery.manifest["frame"], "transform": transform}


@spoils("P01", "rotation")
def no_rotation_matrix(delivery: Delivery) -> None:
    delivery.manifest["rotation"] = {"kind": "matrix", "direction": "camera_to_world"}
    names = [f"r{row}{column}" for row in range(3) for column in range(3)]
    for at, station in enumerate(delivery.stations):
        angle = np.radians(7 * at)
        cells = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        if at == SECOND:
            cells = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 0]])
        station.update(zip(names, (f"{cell:.12g}" for cell in cells.ravel()), strict=True))


@spoils("P05", "order")
def scalar_last(delivery: Delivery) -> None:
    for number, row in enumerate(delivery.stations):
        half = np.radians(10 if number < 2 else 20 + number) / 2
        row.update(qw="0", qx="0", qy=f"{np.sin(half):.9f}", qz=f"{np.cos(half):.9f}")


def angles(delivery: Delivery, *turns: float) -> None:
    """Angles about the vertical, called degrees."""
    delivery.manifest["rotation"] = {"kind": "euler_deg", "euler_order": "XZY", "direction": "camera_to_world"}
    for row, turn in zip(delivery.stations, turns, strict=True):
        row.update(ex="0", ey="0", ez=f"{turn:g}")


SPOILERS["P06", "gon"] = lambda d: angles(d, 0, 50, 100, 150, 250, 300, 350, 390)
SPOILERS["P06", "degrees"] = lambda d: angles(d, *(0.7 * number for number in range(1, 9)))


@spoils("P03", "stated")
def too_far_apart(delivery: Delivery) -> None:
    for row in delivery.stations:
        row["y"] = "2"
    transformed(delivery, scale=1000)


@spoils("P10", "collapsed")
def all_in_one_place(delivery: Delivery) -> None:
    del delivery.stations[3:]
    delivery.stations[0].update(y="2")
    transformed(delivery, scale=1e-9)


@spoils("P11", "transformed")
def still_a_map_grid(delivery: Delivery) -> None:
    for at, row in enumerate(delivery.stations):
        row.update(x=str(501148 + 4 * (at - 3.5)), y="4683829")
    transformed(delivery, yaw_deg=90)


@spoils("S03")
def two_tables(delivery: Delivery) -> None:
    delivery.files["stations.xlsx"] = b"x"


@spoils("S03", "unreadable")
def no_workbook(delivery: Delivery) -> None:
    delivery.stations.clear()
    delivery.files["stations.xlsx"] = picture(64, 64, 1)


@spoils("S03", "encoding")
def windows_1252(delivery: Delivery) -> None:
    delivery.stations[0]["station_name"] = "Dampfkessel Süd"
    delivery.files["stations.csv"] = table(delivery.stations).encode("cp1252")


@spoils("S03", "chance")
def letters_of_utf_8_by_chance(delivery: Delivery) -> None:
    delivery.stations[0]["level"] = "1\u697c"
    delivery.files["stations.csv"] = table(delivery.stations).encode("gbk")


@spoils("S04", "mapped")
def a_mapped_column_beside_one_of_its_name(delivery: Delivery) -> None:
    delivery.manifest["columns"] = {"station_name": "Name"}
    delivery.files["stations.csv"] = table([{**row, "Name": "A"} for row in delivery.stations]).encode()


@spoils("S03", "encodings")
def windows_1250(delivery: Delivery) -> None:
    delivery.stations[0]["station_name"] = "Łódź"
    delivery.files["stations.csv"] = table(delivery.stations).encode("cp1250")


@spoils("S04", "twice")
def column_twice(delivery: Delivery) -> None:
    lines = table(delivery.stations).splitlines()
    delivery.files["stations.csv"] = "\n".join([lines[0] + ",x", *(line + ",1" for line in lines[1:])]).encode()


@spoils("S04", "header")
def title_row(delivery: Delivery) -> None:
    delivery.files["stations.csv"] = ("Survey of hall 7" + "," * 9 + "\n" + table(delivery.stations)).encode()


@spoils("S05", "header")
def title_line(delivery: Delivery) -> None:
    delivery.files["stations.csv"] = ("Survey of hall 7\n" + table(delivery.stations)).encode()


@spoils("S10", "columns")
def far_cell(delivery: Delivery) -> None:
    workbook = openpyxl.Workbook()
    workbook.worksheets[0].cell(9000, 16_384, 1)
    deliver_workbook(delivery, workbook)


@spoils("S05")
def long_row(delivery: Delivery) -> None:
    rows = [{**row, "level": "1"} for row in delivery.stations]
    lines = table([*rows, *({**rows[0], "station_id": f"t-{n}"} for n in range(9))]).splitlines()
    lines[16] += ",surplus"
    delivery.files["stations.csv"] = "\n".join(lines).encode()


@spoils("S05", "commas")
def decimal_comma_in_one_row(delivery: Delivery) -> None:
    whole = {"y": "2", "z": "1", "qw": "1", "qz": "0"}
    lines = table([{**row, **whole, "x": str(4 * at)} for at, row in enumerate(delivery.stations, 1)]).splitlines()
    lines[SECOND + 1] = lines[SECOND + 1].replace(",8,", ",8,5,")
    delivery.files["stations.csv"] = "\n".join(lines).encode()


@spoils("S05", "empty")
def header_only(delivery: Delivery) -> None:
    delivery.files["stations.csv"] = (",".join(COLUMNS) + "\n").encode()


@spoils("S07")
def face_not_copied(delivery: Delivery) -> None:
    with_faces(delivery)
    del delivery.files[TOP]


@spoils("S07", "near")
def face_of_another_name(delivery: Delivery) -> None:
    rows = with_faces(delivery)
    next(row for row in rows if row["file"] == TOP)["file"] = "images/s-02/Top.JPG"


@spoils("S08", "files")
def fewer_files(delivery: Delivery) -> None:
    for name in [name for name in delivery.files if name.startswith("images/s-0")][18:]:
        del delivery.files[name]
    delivery.files["_READY"] = json.dumps({"files": 26}).encode()


@spoils("S10")
def long_workbook(delivery: Delivery) -> None:
    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet()
    sheet.append(COLUMNS)
    for row in [*delivery.stations, *delivery.stations]:
        sheet.append([row[name] for name in COLUMNS])
    deliver_workbook(delivery, workbook)
    delivery.checks["max_excel_rows"] = 10


@spoils("S10", "bytes")
def large_table(delivery: Delivery) -> None:
    delivery.checks["max_table_bytes"] = 100


@spoils("S11")
def thousands(delivery: Delivery) -> None:
    delivery.stations[0]["x"] = "2,352"


@spoils("S11", "mixed")
def two_notations(delivery: Delivery) -> None:
    for row in delivery.stations:
        row.update(x=row["x"].removesuffix(".0"), y=row["y"].removesuffix(".0"), z="1", qw=row["qw"])
    delivery.stations[0].update(qw="1", qz="0")
    delivery.stations[1].update(x="12,5", qw="1", qz="0")
    delivery.files["stations.csv"] = table(delivery.stations, "\t").encode()


@spoils("S12")
def no_altitude(delivery: Delivery) -> None:
    delivery.files.clear()
    delivery.put_panoramas()
    rotation = {"kind": "heading_pitch_roll_deg", "direction": "camera_to_world"}
    frame = {**delivery.manifest["frame"], "origin": [59.0, 10.0, 0.0]}
    delivery.manifest.update(source_format="gpano", rotation=rotation, frame=frame)
    rows = [
        {"station_id": row["station_id"], "pano_file": f"panos/{row['station_id']}.jpg"} for row in delivery.stations
    ]
    delivery.files["stations.csv"] = table(rows).encode()
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (59.0, 0.0, 0.0), 3: "E", 4: (10.0, 0.0, 0.0)}
    stream = io.BytesIO()
    Image.open(io.BytesIO(delivery.files["panos/s-02.jpg"])).save(stream, "JPEG", exif=exif)
    delivery.files["panos/s-02.jpg"] = stream.getvalue()


@spoils("S14")
def cut_metadata(delivery: Delivery) -> None:
    no_altitude(delivery)
    payload = b"http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF"
    plain = delivery.files["panos/s-02.jpg"]
    segment = b"\xff\xe1" + (len(payload) + 2).to_bytes(2, "big") + payload
    delivery.files["panos/s-02.jpg"] = plain[:2] + segment + plain[2:]


@spoils("S16")
def picture_of_another_folder(delivery: Delivery) -> None:
    no_altitude(delivery)
    del delivery.files["stations.csv"]
    delivery.stations.clear()
    delivery.files["panos/backup/s-02.jpg"] = picture(2048, 1024, 99)


@spoils("F01", "several")
def panorama_twice(delivery: Delivery) -> None:
    delivery.files.clear()
    delivery.put_panoramas()
    delivery.files["panos/s-02.png"] = delivery.files["panos/s-02.jpg"]


@spoils("S15", "mission")
def mission_cut_off(delivery: Delivery) -> None:
    action_that_is_none(delivery)
    good = json.loads(delivery.files["m1/metadata.json"])["actions"][:1]
    delivery.files["m1/metadata.json"] = json.dumps({"actions": good}).encode()
    delivery.files["m2/metadata.json"] = b'{"actions": ['


@spoils("S15", "pose")
def frame_that_an_action_does_not_know(delivery: Delivery) -> None:
    action_that_is_none(delivery)
    (good, *_) = json.loads(delivery.files["m1/metadata.json"])["actions"]
    lost = json.loads(json.dumps(good).replace("seed", "vision").replace('"a"', '"a1"'))
    delivery.files["m1/metadata.json"] = json.dumps({"actions": [good, lost]}).encode()


@spoils("S15")
def action_that_is_none(delivery: Delivery) -> None:
    pose = {"parent_frame_name": "seed", "parent_tform_child": {"position": {"x": 1}, "rotation": {"w": 1}}}
    tree = {"child_to_parent_edge_map": {"body": pose, "seed": {}}}
    good = {
        "action_id": {"action_name": "a", "timestamp": "2026-04-17T09:30:00Z"},
        "data": {"spot-cam-pano": [{"filename": "a.jpg"}]},
        "metadata": {"basic-position-data": [{"data": tree}]},
    }
    delivery.stations = []
    for key in ("rotation", "expected_stations"):
        delivery.manifest.pop(key, None)
    delivery.manifest |= {"kind": "panorama", "source_format": "spot"}
    delivery.manifest["frame"] = {**delivery.manifest["frame"], "name": "seed"}
    actions = [good, None, None, None, good | {"data": "x"}]
    delivery.files = {"m1/metadata.json": json.dumps({"actions": actions}).encode(), "m1/a.jpg": picture(2048, 1024, 1)}


@spoils("S13")
def no_such_column(delivery: Delivery) -> None:
    delivery.manifest["columns"] = {"station_name": "Nmae"}
    header(delivery, station_name="Name")


@spoils("S01", "near")
def other_manifest(delivery: Delivery) -> None:
    delivery.manifest.clear()
    delivery.files["capture.yml"] = b"kind: cubemap"


@spoils("S03", "near")
def other_table(delivery: Delivery) -> None:
    delivery.files["Stations.CSV"] = table(delivery.stations).encode()
    delivery.stations.clear()


def deliver_workbook(delivery: Delivery, workbook: openpyxl.Workbook) -> None:
    """Deliver the stations as this workbook alone."""
    stream = io.BytesIO()
    workbook.save(stream)
    delivery.stations.clear()
    delivery.files["stations.xlsx"] = stream.getvalue()


@spoils("S03", "sheets")
def second_sheet(delivery: Delivery) -> None:
    workbook = openpyxl.Workbook()
    workbook.worksheets[0].title = "Info"
    workbook.create_sheet("Stations").append(COLUMNS)
    deliver_workbook(delivery, workbook)


@spoils("S03", "uncalculated")
def formulas(delivery: Delivery) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.worksheets[0]
    sheet.append(COLUMNS)
    for number, row in enumerate(delivery.stations):
        sheet.append([f"={number}+4" if name == "x" and number < 4 else cell for name, cell in row.items()])
    deliver_workbook(delivery, workbook)


def workbook_of(delivery: Delivery, change: Callable[[Any], object]) -> None:
    """Deliver the stations as a workbook whose sheet `change` has changed."""
    workbook = openpyxl.Workbook()
    sheet = workbook.worksheets[0]
    sheet.append(COLUMNS)
    for row in delivery.stations:
        sheet.append([row[name] for name in COLUMNS])
    change(sheet)
    deliver_workbook(delivery, workbook)


@spoils("S03", "hidden")
def hidden_rows(delivery: Delivery) -> None:
    workbook_of(delivery, lambda sheet: setattr(sheet.row_dimensions[3], "hidden", True))


@spoils("S03", "merged")
def merged_cells(delivery: Delivery) -> None:
    workbook_of(delivery, lambda sheet: sheet.merge_cells("B2:B3"))


@spoils("S03", "kind")
def geometry(delivery: Delivery) -> None:
    columns = {name: [row[name] for row in delivery.stations] for name in COLUMNS}
    stream = io.BytesIO()
    parquet.write_table(pa.table({**columns, "geometry": [b"\x01"] * len(delivery.stations)}), stream)
    delivery.stations.clear()
    delivery.files["stations.parquet"] = stream.getvalue()


@spoils("I02")
def one_id_twice(delivery: Delivery) -> None:
    delivery.stations[4]["station_id"] = "s-02"


@spoils("I03")
def ids_alike(delivery: Delivery) -> None:
    delivery.stations[2]["station_id"] = "S-02"


@spoils("T02")
def no_zone(delivery: Delivery) -> None:
    for row in delivery.stations:
        row["time_taken"] = "2026-04-17T09:30:00"


@spoils("T02", "mixed")
def some_zones(delivery: Delivery) -> None:
    delivery.stations[0]["time_taken"] = "2026-04-17T09:30:00Z"
    delivery.stations[1]["time_taken"] = "2026-04-17T09:31:00"


@spoils("P02")
def far_away(delivery: Delivery) -> None:
    delivery.stations[SECOND]["x"] = "9999"
    delivery.checks["bounds"] = {"minimum": [0, 0, 0], "maximum": [200, 200, 10]}


@spoils("P10")
def no_positions(delivery: Delivery) -> None:
    del delivery.stations[3:]
    for row in delivery.stations:
        row.update(x="0", y="0", z="0")


@spoils("P10", "turned")
def no_rotations(delivery: Delivery) -> None:
    del delivery.stations[3:]
    for row in delivery.stations:
        row.update(qw="1", qx="0", qy="0", qz="0")


@spoils("F01")
def no_left(delivery: Delivery) -> None:
    del delivery.files["images/s-02/left.jpg"]


@spoils("F01", "none")
def no_faces(delivery: Delivery) -> None:
    for face in FACES:
        del delivery.files[f"images/s-02/{face}.jpg"]


@spoils("F01", "packed")
def faces_in_an_archive(delivery: Delivery) -> None:
    no_faces(delivery)
    delivery.files["images.7z"] = b"7z\xbc\xaf\x27\x1c"


@spoils("F01", "spreadsheet")
def date_for_an_id(delivery: Delivery) -> None:
    delivery.stations[SECOND]["station_id"] = "1-Feb"
    for face in FACES:
        del delivery.files[f"images/s-02/{face}.jpg"]


@spoils("F01", "panorama")
def no_panorama(delivery: Delivery) -> None:
    delivery.files.clear()
    delivery.put_panoramas()
    del delivery.files["panos/s-02.jpg"]


@spoils("F04")
def file_twice(delivery: Delivery) -> None:
    with_faces(delivery)[11]["file"] = TOP


@spoils("F06")
def unknown_station(delivery: Delivery) -> None:
    with_faces(delivery).insert(12, {"station_id": "s-99", "face": "top", "file": TOP})


@spoils("F07", "size")
def small_file(delivery: Delivery) -> None:
    delivery.files["images/s-02/top.png"] = png_header(512, 512, 300)
    del delivery.files[TOP]


@spoils("F08")
def vast_png(delivery: Delivery) -> None:
    delivery.files["images/s-02/top.png"] = png_header(50_000, 50_000)
    del delivery.files[TOP]


@spoils("F08", "extension")
def png_named_jpg(delivery: Delivery) -> None:
    delivery.files[TOP] = png_header(512, 512)


@spoils("F09", "unequal")
def smaller_face(delivery: Delivery) -> None:
    delivery.face_size = 2048
    for face in FACES:
        delivery.files[f"images/s-02/{face}.jpg"] = picture(2048, 2048, 1)
    delivery.files[TOP] = picture(1024, 1024, 1)


@spoils("F09", "stated")
def not_as_stated(delivery: Delivery) -> None:
    delivery.manifest["image"] = {"resolution": 2048}
    delivery.files[TOP] = picture(1024, 1024, 1)
    delivery.checks["max_quarantine_fraction"] = 1


@spoils("F11")
def no_sphere(delivery: Delivery) -> None:
    delivery.files.clear()
    delivery.put_panoramas()
    delivery.files["panos/s-02.jpg"] = picture(4096, 3072, 1)


@spoils("F11", "narrow")
def narrow_sphere(delivery: Delivery) -> None:
    delivery.files.clear()
    delivery.put_panoramas()
    delivery.files["panos/s-02.jpg"] = picture(1024, 512, 1)


@spoils("I06")
def other_site(delivery: Delivery) -> None:
    for number, row in enumerate(delivery.stations):
        row["site_id"] = "hall-8" if number == 7 else "hall-7"


@spoils("I07")
def two_names_of_one_collection(delivery: Delivery) -> None:
    for number, row in enumerate(delivery.stations):
        row["collection_id"] = "East" if number < 4 else "east"


@spoils("I05")
def moved_since(delivery: Delivery) -> None:
    delivery.earlier.append(ingested(delivery, "2026-03-01"))
    delivery.stations[SECOND]["x"] = str(8 + 48)


@spoils("C05")
def history_moved(delivery: Delivery) -> None:
    delivery.earlier.append(ingested(delivery, "2026-03-01"))
    delivery.manifest["history"] = True
    delivery.stations[SECOND]["x"] = "8.05"


@spoils("C05", "shared")
def moved_under_another(delivery: Delivery) -> None:
    later = ingested(delivery, "2026-05-01")
    shared = {"s-02": station_id(CaptureKey("hall-7", "2026-04-17"), "s-02")}
    delivery.earlier.append(replace(later, reused=shared))
    delivery.stations[SECOND]["x"] = "8.05"


@spoils("C02")
def same_again(delivery: Delivery) -> None:
    delivery.earlier.append(ingested(delivery, "2026-04-17"))


@spoils("C03")
def changed_since(delivery: Delivery) -> None:
    delivery.earlier.append(ingested(delivery, "2026-04-17"))
    delivery.stations[SECOND]["x"] = "8.05"


@spoils("C03", "older")
def station_that_was_removed(delivery: Delivery) -> None:
    published = ingested(delivery, "2026-04-17")
    stations = tuple(station for station in published.stations if station.id != "s-02")
    delivery.earlier.append(replace(published, revision=2, stations=stations))


@spoils("C03", "nameless")
def gone_or_without_its_id(delivery: Delivery) -> None:
    delivery.earlier.append(ingested(delivery, "2026-04-17"))
    delivery.manifest["revision"] = 2
    delivery.stations[SECOND]["station_id"] = ""


@spoils("C03", "scans")
def scan_left_out(delivery: Delivery) -> None:
    ingested_scans(delivery, {"scan.e57": scan((1, 2, 3))})
    delivery.files = {"scan.e57": scan((1, 2))}


@spoils("T01", "scan")
def scan_without_times(delivery: Delivery) -> None:
    """One station of seven, so that it is held back by itself."""
    ingested_scans(delivery, {"east.e57": scan((2, 3, 4, 5, 6, 7))})
    delivery.earlier.clear()
    delivery.files["scan.e57"] = scan((1,), timed=False)


@spoils("C03", "unread")
def scan_left_out_beside_a_damaged_one(delivery: Delivery) -> None:
    ingested_scans(delivery, {"east.e57": scan((2, 3)), "west.e57": scan((1,))})
    delivery.manifest["revision"] = 2
    (delivery.path / "west.e57").unlink()
    delivery.files = {"east.e57": scan((2, 3)), "north.e57": b""}


@spoils("C06", "unread")
def scan_damaged_since(delivery: Delivery) -> None:
    ingested_scans(delivery, {"east.e57": scan((2, 3)), "west.e57": scan((1,))})
    delivery.files["west.e57"] = b""


def ingested_scans(delivery: Delivery, files: dict[str, bytes]) -> None:
    """Scans that were published under this capture id."""
    kept = {name: delivery.manifest[name] for name in ("schema", "site_id", "capture_id")}
    delivery.manifest = {**kept, "kind": "e57"}
    delivery.stations.clear()
    delivery.files = files
    delivery.earlier.append(ingested(delivery, "2026-04-17"))


@spoils("C06")
def damaged_since(delivery: Delivery) -> None:
    delivery.earlier.append(ingested(delivery, "2026-04-17"))
    delivery.stations[SECOND]["x"] = "east"


def ingested(delivery: Delivery, capture: str) -> Capture:
    """The delivery as it would have been published under another capture id."""
    before = delivery.check().capture
    assert before is not None
    return replace(before, key=CaptureKey("hall-7", capture))


@spoils("P03")
def millimetres(delivery: Delivery) -> None:
    in_millimetres(delivery)
    delivery.checks["bounds"] = {"minimum": [0, 0, 0], "maximum": [200, 200, 10]}


@spoils("P03", "spacing")
def in_millimetres(delivery: Delivery) -> None:
    for row in delivery.stations:
        row.update(x=str(float(row["x"]) * 1000), y="2000", z="1500")


@spoils("P03", "axes")
def axes_swapped(delivery: Delivery) -> None:
    for row in delivery.stations:
        row.update(y="1.5", z=str(100 + float(row["y"])))
    delivery.checks["bounds"] = {"minimum": [0, 50, 0], "maximum": [200, 200, 10]}


@spoils("P03", "degrees")
def longitude(delivery: Delivery) -> None:
    for number, row in enumerate(delivery.stations):
        row.update(x=f"{10.746102 + number * 1e-5:.7f}", y="59.9127")


@spoils("P05")
def order_xyzw(delivery: Delivery) -> None:
    for row in delivery.stations:
        half = np.radians(50 + float(row["x"])) / 2
        row.update(qw="0", qx="0", qy=f"{np.sin(half):.9f}", qz=f"{np.cos(half):.9f}")


@spoils("P06")
def degrees_as_radians(delivery: Delivery) -> None:
    delivery.manifest["rotation"] = {"kind": "euler_rad", "euler_order": "XZY", "direction": "camera_to_world"}
    for number, row in enumerate(delivery.stations):
        row.update(ex="0", ey="0", ez=str(180 - 20 * number))


@spoils("P07")
def steep_pitch(delivery: Delivery) -> None:
    delivery.manifest["rotation"] = {"kind": "heading_pitch_roll_deg", "direction": "camera_to_world"}
    for number, row in enumerate(delivery.stations):
        row.update(heading=str(10 * number), pitch="120" if number == SECOND else "0", roll="0")


@spoils("P11")
def map_grid(delivery: Delivery) -> None:
    for row in delivery.stations:
        row.update(x=str(501130 + float(row["x"])), y=str(4683827 + 0.5 * (float(row["y"]) - 2)))
    delivery.stations[3]["x"] = delivery.stations[4]["x"] = "501148"
    delivery.stations[3]["y"] = delivery.stations[4]["y"] = "4683829"
    for row in delivery.stations[:3]:
        row["y"] = "4683829"


@spoils("P11", "height")
def height_of_no_place(delivery: Delivery) -> None:
    for row in delivery.stations:
        row["z"] = "-99997"


@spoils("P11", "frame")
def unknown_frame(delivery: Delivery) -> None:
    delivery.manifest["frame"]["name"] = "EPSG:25832"


@spoils("P14")
def from_the_world_to_the_camera(delivery: Delivery) -> None:
    delivery.manifest["rotation"] = {**delivery.manifest["rotation"], "direction": "world_to_camera"}


@spoils("P15")
def a_scale_beside_metres(delivery: Delivery) -> None:
    delivery.manifest["frame"]["transform"] = {"scale": 0.001}


@spoils("P15", "rounded")
def a_matrix_of_three_decimals(delivery: Delivery) -> None:
    turn = [[0.839, -0.545, 0], [0.545, 0.839, 0], [0, 0, 1]]
    far = (501_000.0, 4_683_000.0, 0.0)
    shift = (-np.array(turn) @ far).tolist()
    delivery.manifest["frame"]["transform"] = [*([*row, at] for row, at in zip(turn, shift, strict=True)), [0, 0, 0, 1]]
    for row in delivery.stations:
        row.update(x=str(far[0] + float(row["x"])), y=str(far[1] + float(row["y"])))


@spoils("P13")
def leaning_pole(delivery: Delivery) -> None:
    half = np.radians(20) / 2
    delivery.stations[SECOND].update(qw=f"{np.cos(half):.9f}", qx=f"{np.sin(half):.9f}", qy="0", qz="0")


@spoils("T03")
def switch_of_summer_time(delivery: Delivery) -> None:
    delivery.manifest["time"] = {"base": "local", "zone": "Europe/Oslo"}
    for number, row in enumerate(delivery.stations):
        row["time_taken"] = f"2025-10-26T0{1 if number < SECOND else 4}:0{number}:00"
    delivery.stations[SECOND]["time_taken"] = "2025-10-26T02:30:00"


@spoils("T07")
def time_of_export(delivery: Delivery) -> None:
    for row in delivery.stations:
        row["time_taken"] = "2026-04-17T09:30:00Z"


@spoils("T08")
def gps_time(delivery: Delivery) -> None:
    for row in delivery.stations:
        camera = datetime.fromisoformat(row["time_taken"]) - timedelta(seconds=18)
        stamp(delivery, row["station_id"], camera)


@spoils("F15")
def a_day_before(delivery: Delivery) -> None:
    stamp(delivery, "s-02", datetime.fromisoformat("2026-04-16T09:02:00Z"))


def stamp(delivery: Delivery, station: str, time: datetime) -> None:
    """Give the first picture of a station an EXIF time in UTC."""
    name = f"images/{station}/front.jpg"
    image = Image.open(io.BytesIO(delivery.files[name]))
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0x9003: time.strftime("%Y:%m:%d %H:%M:%S"), 0x9011: "+00:00"})
    stream = io.BytesIO()
    image.save(stream, "JPEG", exif=exif, quality=85)
    delivery.files[name] = stream.getvalue()


@spoils("F06", "orphans")
def pictures_of_nobody(delivery: Delivery) -> None:
    for face in ("front", "top"):
        delivery.files[f"images/s-99/{face}.jpg"] = picture(512, 512, 7)


@spoils("F10")
def odd_size(delivery: Delivery) -> None:
    delivery.face_size = 600
    delivery.put_pictures()


@spoils("F11", "cropped")
def part_of_a_sphere(delivery: Delivery) -> None:
    delivery.files.clear()
    delivery.put_panoramas()
    delivery.files["panos/s-02.jpg"] = part_of(delivery.files["panos/s-02.jpg"], 2400)


@spoils("F11", "misplaced")
def part_beside_the_sphere(delivery: Delivery) -> None:
    delivery.files.clear()
    delivery.put_panoramas()
    delivery.files["panos/s-02.jpg"] = part_of(delivery.files["panos/s-02.jpg"], 2000)


def part_of(picture: bytes, full: int, more: str = "") -> bytes:
    """A panorama of 2048 x 1024 pixels that its GPano block calls a part of `full` pixels of width."""
    block = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" '
        f'GPano:FullPanoWidthPixels="{full}" GPano:FullPanoHeightPixels="{full // 2}" '
        'GPano:CroppedAreaImageWidthPixels="2048" GPano:CroppedAreaImageHeightPixels="1024" '
        f'GPano:CroppedAreaLeftPixels="0" GPano:CroppedAreaTopPixels="0" {more}/></rdf:RDF></x:xmpmeta>'
    )
    payload = b"http://ns.adobe.com/xap/1.0/\x00" + block.encode()
    return picture[:2] + b"\xff\xe1" + (len(payload) + 2).to_bytes(2, "big") + payload + picture[2:]


@spoils("F12")
def print_colours(delivery: Delivery) -> None:
    stream = io.BytesIO()
    Image.open(io.BytesIO(delivery.files[TOP])).convert("CMYK").save(stream, "JPEG")
    delivery.files[TOP] = stream.getvalue()


@spoils("F12", "turned")
def turned_face(delivery: Delivery) -> None:
    delivery.files[TOP] = oriented(delivery.files[TOP], 6)


@spoils("F12", "upright")
def turned_panorama(delivery: Delivery) -> None:
    delivery.files.clear()
    delivery.put_panoramas()
    delivery.files["panos/s-02.jpg"] = oriented(picture(1024, 2048, 1), 6)


def oriented(content: bytes, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    Image.open(io.BytesIO(content)).save(stream, "JPEG", exif=exif, quality=85)
    return stream.getvalue()


@spoils("F13")
def table_changed_on_the_way(delivery: Delivery) -> None:
    delivery.files["checksums.sha256"] = f"{'0' * 64}  stations.csv\n".encode()


@spoils("F13", "picture")
def changed_on_the_way(delivery: Delivery) -> None:
    digest = hashlib.sha256(delivery.files[TOP] + b"x").hexdigest()
    delivery.files["checksums.sha256"] = f"{digest}  {TOP}\n".encode()


@spoils("F13", "missing")
def not_copied(delivery: Delivery) -> None:
    delivery.files["checksums.sha256"] = f"{'0' * 64}  images/s-77/top.jpg\n".encode()


@spoils("F13", "line")
def no_checksum(delivery: Delivery) -> None:
    delivery.files["checksums.sha256"] = b"hello\n"


@spoils("F13", "unread")
def list_of_another_name(delivery: Delivery) -> None:
    delivery.files["SHA256SUMS"] = f"{'0' * 64}  stations.csv\n".encode()


@spoils("F14")
def other_station_copied(delivery: Delivery) -> None:
    with_faces(delivery)
    delivery.faces = None
    for face in FACES:
        delivery.files[f"images/s-02/{face}.jpg"] = delivery.files[f"images/s-01/{face}.jpg"]


@spoils("F14", "faces")
def face_copied(delivery: Delivery) -> None:
    delivery.files["images/s-02/back.jpg"] = delivery.files["images/s-02/front.jpg"]


@spoils("F16")
def lens_cap(delivery: Delivery) -> None:
    delivery.files[TOP] = bytes(simplejpeg.encode_jpeg(np.zeros((512, 512, 3), np.uint8), 85))


@spoils("S07", "left_out")
def linked_folder(delivery: Delivery) -> None:
    delivery.path.mkdir(parents=True)
    (delivery.path / "archive").symlink_to(delivery.path.parent)


@spoils("S07", "may_be_station")
def linked_folder_beside_pictures_that_name_stations(delivery: Delivery) -> None:
    picture_of_another_folder(delivery)
    linked_folder(delivery)


TABLE_RULES = [rule for rule in CAPTURE_RULES if rule.family != "E"]
CASES = [(rule.id, name) for rule in TABLE_RULES for name in rule.messages]


def test_the_sound_capture_keeps_every_rule(delivery: Delivery) -> None:
    validation = delivery.check()
    assert validation.verdict is Verdict.ACCEPTED
    assert validation.findings == ()
    assert {count.rule for count in validation.counts} == {rule.id for rule in TABLE_RULES}
    assert not any(count.failed for count in validation.counts)


def test_every_message_has_a_way_to_provoke_it() -> None:
    assert set(SPOILERS) == set(CASES)


@pytest.mark.parametrize(("rule", "name"), CASES, ids=lambda part: part or "-")
def test_a_broken_rule_says_what_the_registry_promises(delivery: Delivery, rule: str, name: str, said: Said) -> None:
    SPOILERS[rule, name](delivery)
    validation = delivery.check()
    message = RULES[rule].messages[name]
    assert message.example in said(validation, rule), "\n".join(f.message for f in validation.findings)
    found = next(
        f for f in (*validation.findings, *validation.bad_rows) if f.rule == rule and f.message == message.example
    )
    assert found.where in found.message
    if found.disposition.value == "stop":
        assert validation.verdict is Verdict.REJECTED
        assert validation.capture is None


def test_ids_are_unique_and_every_rule_says_why() -> None:
    ids = [rule.id for rule in RULES.rules]
    assert len(set(ids)) == len(ids)
    for rule in RULES.rules:
        assert rule.title
        assert rule.why
        for message in rule.messages.values():
            assert message.bad
            assert message.example.endswith((".", "?"))
