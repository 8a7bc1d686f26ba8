"""Each key of the manifest works for each way to deliver, or is refused by name: the whole table, cell by cell."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from pydantic import BaseModel

from capture360.checks.parsed_capture import ParsedStations, parse_stations
from capture360.geometry.rotation import angle_between, matrix_from_quaternion
from capture360.landing.folder import CaptureFolder
from capture360.readers import read_tables
from capture360.readers.manifest import Manifest
from capture360.readers.manifest_file import read_manifest
from capture360.readers.manifest_keys import KEYS, WAYS, Only, Use, Way, extracted_here, unit_fix, way_of, works
from capture360.readers.problem import Unreadable
from capture360.rules.finding import Finding
from delivery import picture, station_row, table
from scans import scan

FRAME = {"name": "site", "up": "z", "unit": "m", "handedness": "right"}
FORMS: dict[Way, dict[str, Any]] = {
    "cubemap": {"kind": "cubemap"},
    "panorama": {"kind": "panorama"},
    "navvis": {"kind": "panorama", "source_format": "navvis"},
    "gpano": {"kind": "panorama", "source_format": "gpano", "rotation": {"kind": "heading_pitch_roll_deg"}},
    "gps": {"kind": "panorama", "source_format": "gpano", "frame": {**FRAME, "origin": [59.0, 10.0, 0.0]}},
    "spot": {"kind": "panorama", "source_format": "spot", "frame": {**FRAME, "name": "seed"}},
    "e57": {"kind": "e57", "source_format": "e57"},
}
OTHERS: dict[str, Any] = {
    "schema": "capture/1", "site_id": "hall-8", "site_name": "Hall", "capture_id": "may", "collection_label": "May",
    "kind": "cubemap", "source_format": "navvis", "frame.name": "hall", "frame.up": "y", "frame.unit": "ft",
    "frame.handedness": "right", "frame.origin": [59.0, 10.0, 0.0],
    "frame.transform": {"origin_offset": [1, 0, 0], "yaw_deg": 90}, "rotation.kind": "matrix",
    "rotation.direction": "world_to_camera", "rotation.quaternion_order": "xyzw", "rotation.euler_order": "ZYX",
    "rotation.image_yaw_offset_deg": 90, "time.base": "gps_s", "time.zone": "Europe/Oslo",
    "time.clock_offset_s": -315964782.0, "image.resolution": 1024, "image.format": "png",
    "faces.pattern": "cube/{station}_{face}.{ext}", "faces.aliases": {"nadir": "bottom"}, "columns": {"x": "east"},
    "camera.make": "A", "camera.model": "B", "camera.serial": "1", "operator": "C", "mission_id": "2", "robot": "D",
    "notes": "E", "numbers.decimal": "comma", "privacy": "no_people", "camera_height": 1.7, "expected_stations": 3,
    "revision": 2, "supersedes": ["april"],
    "history": True,
}  # fmt: skip
"""A value of each key that its default is not."""


def document(way: Way, **changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "schema": "capture/1", "site_id": "hall-7", "capture_id": "walk", "frame": FRAME,
        "rotation": {"kind": "quaternion", "direction": "camera_to_world"}, "time": {"base": "utc"},
    }  # fmt: skip
    base |= {name: {**base.get(name, {}), **value} if isinstance(value, dict) else value
             for name, value in FORMS[way].items()}  # fmt: skip
    if way == "gps":
        base["rotation"] = {"kind": "heading_pitch_roll_deg", "direction": "camera_to_world"}
    if "time.zone" in changes and way not in ("spot", "e57"):
        base["time"] = {"base": "local"}
    for key, value in changes.items():
        part, _, name = key.partition(".")
        base[part] = {**base.get(part, {}), name: value} if name else value
    return base


def findings(manifest: dict[str, Any]) -> tuple[Finding, ...]:
    try:
        read_manifest(manifest, {})
    except Unreadable as stop:
        return stop.findings
    return ()


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from leaves(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{field.alias or name}"


def test_the_table_has_every_key_and_no_other() -> None:
    assert set(KEYS) == set(leaves(Manifest)) == set(OTHERS)
    assert all(set(cells) == set(WAYS) for cells in KEYS.values())


@pytest.mark.parametrize("way", WAYS)
def test_each_way_is_accepted_and_recognised_as_it_is(way: Way) -> None:
    assert findings(document(way)) == ()
    assert way_of(read_manifest(document(way), {})) == way


SAY_THE_WAY = ("kind", "source_format", "frame.origin")
"""Where these are not refused they say which way it is."""
CELLS = [
    (key, way) for key, cells in KEYS.items() for way in WAYS if key not in SAY_THE_WAY or isinstance(cells[way], Only)
]
TAKEN = [(key, way) for key, way in CELLS if not isinstance(KEYS[key][way], Only)]


@pytest.mark.parametrize(("key", "way"), CELLS)
def test_a_key_is_accepted_or_refused_by_name(key: str, way: Way) -> None:
    cell = KEYS[key][way]
    found = findings(document(way, **{key: OTHERS[key]}))
    about = [finding for finding in found if finding.column == key]
    if isinstance(cell, Only):
        (finding,) = about
        assert finding.rule == "S09"
        assert finding.message.startswith(f"capture.yaml: {key}")
        assert finding.message.endswith(f"{cell.why}. {cell.fix}")
    else:
        assert not found


@pytest.mark.parametrize(("key", "way"), TAKEN)
def test_what_cdf_cannot_apply_to_scans_is_extracted_here(key: str, way: Way) -> None:
    changes = {key: OTHERS[key]}
    if key == "rotation.kind":
        changes["rotation.euler_order"] = "XZY"
    if key == "time.base":
        changes["time.zone"] = None
    manifest = read_manifest(document(way, **changes), {})
    assert extracted_here(manifest) == ((key,) if KEYS[key][way] is Use.HERE else ())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("unit", ["mm", "ft"])
def test_the_unit_that_a_rule_advises_is_accepted(way: Way, unit: str) -> None:
    fix = unit_fix(read_manifest(document(way), {}), unit)
    assert (fix == "") == (way in ("gps", "spot"))  # their positions are metres by construction
    if not fix:
        return
    key, _, value = fix.partition(": ")
    read = read_manifest(document(way, **{key: yaml.safe_load(value)}), {})
    assert key == ("frame.unit" if works(read, "frame.unit") else "frame.transform")
    assert read.frame.unit == unit or read.frame.transform is not None


def test_no_unit_is_advised_that_would_drop_a_transform() -> None:
    stated = {"origin_offset": [6000, 2000, 0]}
    assert unit_fix(read_manifest(document("e57", **{"frame.transform": stated}), {}), "mm") == ""


@pytest.mark.parametrize("transform", [{}, {"origin_offset": [0, 0, 0], "yaw_deg": 0, "scale": 1}])
def test_a_transform_that_does_nothing_changes_no_route(transform: dict[str, Any]) -> None:
    assert extracted_here(read_manifest(document("e57", **{"frame.transform": transform}), {})) == ()


@pytest.mark.parametrize("origin", [[91, 10, 0], [59, 1e308, 0], [59, 10, -1e9]])
def test_an_origin_that_lies_on_no_globe_is_refused(origin: list[float]) -> None:
    (finding,) = findings(document("gps", **{"frame.origin": origin}))
    assert finding.column is not None
    assert finding.column.startswith("frame.origin")


def put(folder: Path, name: str, content: bytes) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def gps_picture() -> bytes:
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "N", 2: (59.0, 0.0, 0.1), 3: "E", 4: (10.0, 0.0, 0.2), 5: b"\x00", 6: 1.5})
    exif.get_ifd(0x8769).update({0x9003: "2026:04:17 09:00:00", 0x9011: "+00:00"})
    pano = "http://ns.google.com/photos/1.0/panorama/"
    xmp = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:GPano="{pano}" GPano:PoseHeadingDegrees="30"/></rdf:RDF></x:xmpmeta>'
    )
    stream = io.BytesIO()
    Image.open(io.BytesIO(picture(2048, 1024, 5))).save(stream, "JPEG", exif=exif, xmp=xmp.encode(), quality=80)
    return stream.getvalue()


def delivered(way: Way, folder: Path, changes: dict[str, Any]) -> ParsedStations:
    """One station delivered in that way, as the rules and CDF get it."""
    row = station_row(1)
    put(folder, "capture.yaml", yaml.safe_dump(document(way, **changes)).encode())
    if way == "e57":
        put(folder, "scan.e57", scan((1,)))
    elif way == "gps":
        put(folder, "p.jpg", gps_picture())
    elif way == "spot":
        pose = {"position": {"x": -9.0, "y": -2.0, "z": -0.5}, "rotation": {"w": 1.0}}
        seed = {"parent_frame_name": "body", "parent_tform_child": pose}
        tree = {"child_to_parent_edge_map": {"body": {}, "seed": seed}}
        action = {
            "action_id": {"timestamp": "2026-04-17T09:30:00Z", "action_name": "P"},
            "data": {"spot-cam-pano": [{"filename": "p.jpg"}]},
            "metadata": {"detailed-position-data": [{"data": tree}]},
        }
        put(folder, "m/metadata.json", json.dumps({"actions": [action]}).encode())
    else:
        row |= {"heading": "30", "pitch": "0", "roll": "0"} if way == "gpano" else {}
        row |= {} if way == "cubemap" else {"pano_file": "p.jpg"}
        put(folder, "pano/pano-poses.csv" if way == "navvis" else "stations.csv", table([row]).encode())
        put(folder, "p.jpg", picture(2048, 1024, 5))
    tables = read_tables(CaptureFolder(str(folder)))
    assert tables.manifest is not None, tables.findings
    assert len(tables.stations) == 1, tables.findings
    return parse_stations(tables, tables.manifest)


CONVENTIONS = (
    "frame.transform", "frame.unit", "frame.up", "rotation.direction", "rotation.image_yaw_offset_deg",
    "time.clock_offset_s",
)  # fmt: skip


@pytest.mark.parametrize(("key", "way"), [cell for cell in TAKEN if cell[0] in CONVENTIONS])
def test_a_convention_that_is_taken_reaches_the_pose_or_the_time(key: str, way: Way, tmp_path: Path) -> None:
    before = delivered(way, tmp_path / "before" / "walk", {})
    after = delivered(way, tmp_path / "after" / "walk", {key: OTHERS[key]})
    (old,), (new,) = before.position, after.position
    one, other = (matrix_from_quaternion(each.rotation[0]) for each in (before, after))
    quarter_turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    match key:
        case "frame.transform":
            assert new == pytest.approx(quarter_turn @ (old - [1, 0, 0]))
            assert other == pytest.approx(quarter_turn @ one)
        case "frame.unit":
            assert new == pytest.approx(0.3048 * old)
        case "frame.up":
            assert new == pytest.approx([old[0], -old[2], old[1]])
        case "rotation.direction":
            assert angle_between(one, other) > 0.01
            assert np.linalg.norm(new) == pytest.approx(np.linalg.norm(old))
        case "rotation.image_yaw_offset_deg":
            assert new == pytest.approx(old)
            assert other == pytest.approx(one @ quarter_turn)
        case "time.clock_offset_s":
            moved = after.times.utc.iat[0] - before.times.utc.iat[0]
            assert moved.total_seconds() == pytest.approx(OTHERS[key])


def test_pictures_with_a_heading_have_no_other_rotation(tmp_path: Path) -> None:
    folder = tmp_path / "hall-7" / "walk"
    put(folder, "capture.yaml", yaml.safe_dump(document("gps", **{"rotation.kind": "quaternion"})).encode())
    put(folder, "p.jpg", gps_picture())
    (finding,) = read_tables(CaptureFolder(str(folder))).findings
    assert finding.message == (
        'capture.yaml: rotation.kind "quaternion" needs the columns qw, qx, qy, qz, missing in the pictures. '
        "Add the columns to a stations table, or write heading_pitch_roll_deg."
    )
