"""An E57 file through the checks: as it is, and as the capture folder that was extracted from it."""

from contextlib import closing
from datetime import UTC, datetime

import numpy as np
import pytest
import yaml
from scipy.spatial.transform import Rotation

from capture360.checks.check import check_capture
from capture360.e57 import export_capture, preflight
from capture360.geometry import rotation as rot
from capture360.landing.folder import CaptureFolder
from capture360.model import CaptureKind, Verdict
from capture360.pictures import decoding
from capture360.sources import FaceOptions, open_source


@pytest.fixture(scope="module")
def checked(tmp_path_factory, world, tilted, make_e57, pose_of, taken):
    """Captures `scan` (the E57 file) and `extracted` (its panoramas) after all checks."""
    root = tmp_path_factory.mktemp("landing") / "site"
    (root / "scan").mkdir(parents=True)
    sensors = [Rotation.from_euler("Z", 35 * number, degrees=True) * tilted for number in range(3)]

    def add(writer):
        for number, sensor in enumerate(sensors):
            writer.add_spherical(
                world.spherical(sensor, 2048),
                name=f"Scan {number}",
                pose=pose_of(sensor, (3.0 * number, 2.0, 1.5)),
                acquired_at=taken.replace(minute=number),
            )

    path = root / "scan/hall.e57"
    path.write_bytes(make_e57(add))
    (root / "scan/capture.yaml").write_text(
        yaml.safe_dump({"schema": "capture/1", "site_id": "site", "capture_id": "scan", "kind": "e57"})
    )
    export_capture(path, preflight(path), root / "extracted")
    folders = {name: CaptureFolder(str(root / name)) for name in ("scan", "extracted")}
    return {name: (folder, check_capture(folder)) for name, folder in folders.items()}, sensors


@pytest.mark.parametrize(("name", "kind"), [("scan", CaptureKind.E57), ("extracted", CaptureKind.PANORAMA)])
def test_either_is_accepted_and_stands_as_the_scanner_stood(checked, name, kind):
    (_, validation), sensors = checked[0][name], checked[1]
    assert validation.verdict is Verdict.ACCEPTED, validation.findings
    assert validation.capture.kind is kind
    assert [station.id for station in validation.capture.stations] == ["Scan-0", "Scan-1", "Scan-2"]
    for number, (station, sensor) in enumerate(zip(validation.capture.stations, sensors, strict=True)):
        cube = (sensor * Rotation.from_euler("Z", 90, degrees=True)).as_matrix()
        assert rot.angle_between(rot.matrix_from_quaternion(station.pose.rotation), cube) < 1e-9
        assert station.pose.position == (3.0 * number, 2.0, 1.5)
        assert station.taken_at.minute == number


def test_either_gives_the_same_faces_byte_for_byte(checked, world):
    made = {}
    for name, (folder, validation) in checked[0].items():
        with closing(open_source(validation.capture, folder, FaceOptions(face_size=128))) as source:
            made[name] = [list(source.faces(station)) for station in validation.capture.stations]
    assert made["scan"] == made["extracted"]
    for station, faces in zip(checked[0]["scan"][1].capture.stations, made["scan"], strict=True):
        cube = rot.matrix_from_quaternion(station.pose.rotation)
        for face in faces:
            pixels = decoding.decode(face.content).astype(int)
            assert np.abs(pixels - world.face(face.face, cube, 128)).mean() < 3


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda content: content[:-2048], "hall.e57 is cut off"),
        (
            lambda content: content[: 40 * 1024] + b"\x00" + content[40 * 1024 + 1 :],
            "hall.e57 is damaged: the checksum",
        ),
    ],
)
def test_a_damaged_file_is_rejected_in_its_own_words(damage, words, tmp_path, spherical_e57):
    folder = tmp_path / "site/scan"
    folder.mkdir(parents=True)
    (folder / "hall.e57").write_bytes(damage(spherical_e57))
    validation = check_capture(CaptureFolder(str(folder)))
    assert validation.verdict is Verdict.REJECTED
    assert words in validation.headline


def test_what_holds_for_a_station_of_several_files_is_told_under_its_name(tmp_path, world, tilted, make_e57, pose_of):
    folder = tmp_path / "site/scan"
    folder.mkdir(parents=True)
    for number, name in enumerate(("hall", "roof")):
        position = (5.0 * number, 0.0, 0.0)
        content = make_e57(
            lambda writer, at=position: writer.add_spherical(
                world.spherical(tilted, 2048), name="Scan 1", pose=pose_of(tilted, at)
            ),
            created_at=datetime(2026, 5, 1, tzinfo=UTC),
        )
        (folder / f"{name}.e57").write_bytes(content)
    validation = check_capture(CaptureFolder(str(folder)))
    assert [station.id for station in validation.capture.stations] == ["hall-Scan-1", "roof-Scan-1"]
    told = [finding.station for finding in validation.findings if finding.rule == "E03"]
    assert set(told) <= {"hall-Scan-1", "roof-Scan-1", None}
    assert told
