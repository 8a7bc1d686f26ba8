"""Any bytes in, findings out: whatever stands in a delivered file, checks end in a verdict, never in an exception."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from capture360.checks.check import check_capture
from capture360.landing.folder import CaptureFolder
from capture360.readers import read_tables
from capture360.readers.tables import Tables
from capture360.text import printable
from damage import BYTES, damaged_bytes, damaged_json, fuzzing
from delivery import COLUMNS, Delivery, manifest, picture, station_row, table
from scans import scan

NUMBERS = ("x", "y", "z", "qw", "qx", "qy", "qz")
ROWS = [station_row(number) for number in range(1, 5)]
EXAMPLES = fuzzing(25, shrinks=False)
SPOT = manifest(kind="panorama", source_format="spot", rotation={"kind": "quaternion", "direction": "camera_to_world"})


@cache
def workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(list(COLUMNS))
    for row in ROWS:
        sheet.append([float(value) if name in NUMBERS else value for name, value in row.items()])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


@cache
def columnar() -> bytes:
    columns = {name: [float(row[name]) if name in NUMBERS else row[name] for row in ROWS] for name in COLUMNS}
    stream = io.BytesIO()
    parquet.write_table(pa.table(columns), stream)
    return stream.getvalue()


@cache
def archive() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.e57", scan((1, 2)))
        packed.writestr("__MACOSX/._a.e57", b"x")
    return stream.getvalue()


@st.composite
def workbooks(draw: st.DrawFn) -> bytes:
    """A workbook with damage to its archive, or to one part inside a sound archive."""
    if draw(st.booleans()):
        return draw(damaged_bytes(workbook()))
    with zipfile.ZipFile(io.BytesIO(workbook())) as source:
        parts = {entry.filename: source.read(entry) for entry in source.infolist()}
    damaged = draw(st.sampled_from(sorted(parts)))
    parts[damaged] = draw(damaged_bytes(parts[damaged]) | st.sampled_from(BYTES))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in parts.items():
            target.writestr(name, content)
    return stream.getvalue()


def action(number: int) -> dict[str, Any]:
    edges = {
        "body": {"parent_frame_name": "", "parent_tform_child": {}},
        "seed": {"parentFrameName": "body", "parentTformChild": {"position": {"x": number}, "rotation": {"w": 1}}},
    }
    return {
        "action_id": {"action_name": f"Stop {number}", "timestamp": f"2026-04-17T09:3{number}:00Z"},
        "data": {"spot-cam-pano": [{"filename": f"{number}.jpg"}]},
        "metadata": {"detailed-position-data": [{"data": {"snapshot": {"child_to_parent_edge_map": edges}}}]},
    }


MISSION = {"actions": [action(1), action(2)]}
NAVVIS = b"""# pano poses v1.0: ID; filename; timestamp; pano_pos_x; pano_pos_y; pano_pos_z; pano_ori_w; pano_ori_x; \
pano_ori_y; pano_ori_z
0; 00000-pano.jpg; 1500000000.5; 1.0; 2.0; 1.5; 1; 0; 0; 0
1; 00001-pano.jpg; 1500000010.5; 5.0; 2.0; 1.5; 1; 0; 0; 0
"""


FEW = fuzzing(8, shrinks=False)
"""Of whole checks, which take longer than reading."""


def checked(files: dict[str, bytes], document: dict[str, Any] | None, *, whole: bool = False) -> Tables:
    """Read a delivery of these files, and check it where `whole`; both must end in findings."""
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "hall-7" / "2026-04-17"
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        if document is not None:
            (folder / "capture.yaml").write_text(yaml.safe_dump(document))
        tables = read_tables(CaptureFolder(str(folder)))
        for finding in tables.findings:
            assert printable(finding.message, len(finding.message)) == finding.message
            assert len(finding.message) < 1500
        if whole:
            assert check_capture(CaptureFolder(str(folder))).headline
        return tables


@EXAMPLES
@given(workbooks() | st.binary(max_size=300))
def test_workbook(content: bytes) -> None:
    checked({"stations.xlsx": content}, manifest())


@FEW
@given(damaged_bytes(columnar()) | st.binary(max_size=300))
def test_parquet(content: bytes) -> None:
    checked({"stations.parquet": content}, manifest(), whole=True)


@FEW
@given(damaged_bytes(table(ROWS).encode()) | st.binary(max_size=300))
def test_csv(content: bytes) -> None:
    checked({"stations.csv": content}, manifest(), whole=True)


@EXAMPLES
@given(damaged_bytes(yaml.safe_dump(manifest()).encode()) | st.sampled_from([*BYTES, b"- " * 20_000]) | st.binary())
def test_manifest_of_any_bytes(content: bytes) -> None:
    checked({"capture.yaml": content, "stations.csv": table(ROWS).encode()}, None)


@EXAMPLES
@given(damaged_json(manifest()))
def test_manifest_of_other_values(content: bytes) -> None:
    checked({"capture.yaml": content, "stations.csv": table(ROWS).encode()}, None)


@FEW
@given(damaged_json(MISSION))
def test_mission(content: bytes) -> None:
    checked({"m/metadata.json": content, "m/1.jpg": b"x"}, SPOT, whole=True)


@EXAMPLES
@given(damaged_bytes(NAVVIS))
def test_navvis(content: bytes) -> None:
    checked({"pano/pano-poses.csv": content, "pano/00000-pano.jpg": b"x"}, None)


@FEW
@given(damaged_json({"files": 2, "bytes": 20}) | st.binary(max_size=60))
def test_ready_file(content: bytes) -> None:
    checked({"_READY": content, "stations.csv": table(ROWS).encode()}, manifest(), whole=True)


@EXAMPLES
@given(damaged_bytes(archive()) | st.binary(max_size=300))
def test_archive_of_scans(content: bytes) -> None:
    checked({"scans.zip": content}, None)


@EXAMPLES
@given(damaged_bytes(scan((1, 2))))
def test_scan(content: bytes) -> None:
    checked({"scan.e57": content}, None)


@FEW
@given(st.integers(0, 3).flatmap(lambda seed: damaged_bytes(picture(64, 32, seed))))
def test_panorama_with_its_own_metadata(content: bytes) -> None:
    document = manifest(kind="panorama", source_format="gpano", rotation=None)
    document["frame"]["origin"] = [59.9, 10.7, 12.0]
    checked({"IMG_1.jpg": content}, document, whole=True)


def test_a_part_of_a_workbook_that_cannot_be_unpacked(tmp_path: Path) -> None:
    content = bytearray(workbook())
    with zipfile.ZipFile(io.BytesIO(workbook())) as book:
        entry = book.getinfo("xl/worksheets/sheet1.xml")
        at = entry.header_offset + 30 + len(entry.filename) + 4
    content[at : at + 20] = b"\xff" * 20
    (finding,) = checked({"stations.xlsx": bytes(content)}, manifest()).findings
    assert finding.message.startswith("stations.xlsx cannot be read as an Excel workbook: ")


def test_an_archive_whose_members_begin_before_it() -> None:
    content = archive()[40:]
    (finding, *_) = checked({"scans.zip": content}, None).findings
    assert "scans.zip" in finding.message
    assert finding.message.endswith("Copy it again.")


@pytest.mark.parametrize("as_dictionary", [False, True])
def test_texts_of_a_parquet_table_that_are_no_utf_8(as_dictionary: bool) -> None:
    buffers = [None, pa.py_buffer(bytes([0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0])), pa.py_buffer(b"\xff\xfe")]
    texts = pa.Array.from_buffers(pa.string(), 2, buffers)
    if as_dictionary:
        texts = pa.DictionaryArray.from_arrays(pa.array([0, 1]), texts)
    stream = io.BytesIO()
    parquet.write_table(pa.table({name: texts if name == "station_id" else ["1", "2"] for name in COLUMNS}), stream)
    (finding,) = checked({"stations.parquet": stream.getvalue()}, manifest()).findings
    assert finding.message == (
        "stations.parquet cannot be read as a Parquet table: a text in it is not UTF-8. "
        "Write it again, with plain columns."
    )


def test_times_finer_than_a_microsecond_are_read(tmp_path: Path) -> None:
    columns: dict[str, Any] = {name: [row[name] for row in ROWS] for name in COLUMNS}
    columns["time_taken"] = pa.array([1_776_000_000_123_456_789] * 4, pa.timestamp("ns", "UTC"))
    stream = io.BytesIO()
    parquet.write_table(pa.table(columns), stream)
    read = checked({"stations.parquet": stream.getvalue()}, manifest())
    assert not read.findings
    assert read.stations["time_taken"].iat[0].startswith("2026-04-12T13:20:00.123456")


def test_a_deeply_nested_mission(tmp_path: Path) -> None:
    deep: Any = {}
    for _ in range(300):
        deep = {"a": deep}
    mission = {"actions": [{**action(1), "metadata": {"detailed-position-data": [{"data": deep}]}}]}
    found = checked({"m/metadata.json": json.dumps(mission).encode(), "m/1.jpg": b"x"}, SPOT)
    assert found.stations["x"].tolist() == [""]


def test_pictures_beside_a_damaged_table(tmp_path: Path) -> None:
    delivery = Delivery(tmp_path / "hall-7" / "2026-04-17", files={"stations.csv": b"\x00\xff" * 50})
    assert delivery.check().findings
