"""A file's spheres as a capture folder, and as the faces of a capture."""

import csv
import io
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
import yaml
from scipy.spatial.transform import Rotation

from capture360.e57 import export_capture, preflight
from capture360.errors import BadInputError, RequestError
from capture360.geometry import rotation as rot
from capture360.landing.folder import CaptureFolder
from capture360.model import FACES, Capture, CaptureKey, CaptureKind, EncodedFace, Station, StationMedia
from capture360.pictures import decoding, jpeg
from capture360.readers.manifest import Manifest
from capture360.sources import FaceOptions, open_source


def rows_of(folder):
    with (folder / "stations.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def exported(content: bytes, folder, **options):
    stream = io.BytesIO(content)
    found = preflight(stream, "scan.e57")
    return found, export_capture(stream, found, folder, **options)


def test_spherical_images_become_a_capture_of_panoramas(tmp_path, spherical_e57, world, tilted):
    progress = []
    found, folder = exported(
        spherical_e57, tmp_path / "site1/cap1", progress=lambda done, total: progress.append((done, total))
    )
    assert progress == [(1, 2), (2, 2)]
    manifest = Manifest.model_validate(yaml.safe_load((folder / "capture.yaml").read_text(encoding="utf-8")))
    assert (manifest.site_id, manifest.capture_id, manifest.kind) == ("site1", "cap1", CaptureKind.PANORAMA)
    assert (manifest.rotation.quaternion_order, manifest.rotation.direction) == ("wxyz", "camera_to_world")
    rows = rows_of(folder)
    assert [row["station_id"] for row in rows] == ["Scan-0", "Scan-1"]
    for number, row in enumerate(rows):
        sensor = Rotation.from_euler("Z", 100 * number, degrees=True) * tilted
        assert (folder / row["pano_file"]).read_bytes() == world.spherical(sensor)
        quaternion = [float(row[name]) for name in ("qx", "qy", "qz", "qw")]
        assert (Rotation.from_quat(quaternion) * sensor.inv()).magnitude() < 1e-9
        assert datetime.fromisoformat(row["time_taken"]) == datetime(2026, 5, 1, 7, 30, tzinfo=UTC)
        assert float(row["x"]) == number
    assert sorted(path.name for path in (tmp_path / "site1").iterdir()) == ["cap1"]
    assert len(found.photospheres) == 2


def test_six_pinholes_become_a_capture_of_cubes(tmp_path, add_cube, make_e57, tilted, world):
    _, folder = exported(make_e57(add_cube(tilted, encode=jpeg.encode_jpeg)), tmp_path / "cap", site="hall")
    manifest = Manifest.model_validate(yaml.safe_load((folder / "capture.yaml").read_text(encoding="utf-8")))
    assert (manifest.site_id, manifest.kind) == ("hall", CaptureKind.CUBEMAP)
    (row,) = rows_of(folder)
    assert row["station_id"] == "Setup7"
    cube = rot.matrix_from_quaternion([float(row[name]) for name in ("qw", "qx", "qy", "qz")])
    for face in FACES:
        pixels = decoding.decode((folder / f"images/Setup7/{face}.jpg").read_bytes()).astype(int)
        assert np.abs(pixels - world.face(face, cube, 64)).mean() < 2.5


def test_a_file_with_both_becomes_cubes(tmp_path, add_cube, make_e57, tilted, world, pose_of, taken):
    content = make_e57(
        add_cube(tilted),
        lambda writer: writer.add_spherical(
            world.spherical(tilted), name="pano", pose=pose_of(tilted, (9, 9, 9)), acquired_at=taken
        ),
    )
    _, folder = exported(content, tmp_path / "site/both")
    rows = rows_of(folder)
    assert [row["station_id"] for row in rows] == ["Setup7", "pano"]
    for row in rows:
        cube = rot.matrix_from_quaternion([float(row[name]) for name in ("qw", "qx", "qy", "qz")])
        (front,) = (folder / "images" / row["station_id"]).glob("front.*")
        pixels = decoding.decode(front.read_bytes()).astype(int)
        assert np.abs(pixels - world.face("front", cube, len(pixels))).mean() < 3


def test_nothing_is_left_behind_where_extraction_fails(tmp_path, spherical_e57, make_e57):
    damaged = bytearray(spherical_e57)
    damaged[20 * 1024] ^= 1
    found = preflight(io.BytesIO(spherical_e57), "scan.e57")
    with pytest.raises(BadInputError, match="is damaged"):
        export_capture(io.BytesIO(bytes(damaged)), found, tmp_path / "site/cap")
    assert list((tmp_path / "site").iterdir()) == []
    with pytest.raises(BadInputError, match="holds no images"):
        exported(make_e57(), tmp_path / "site/cap")
    with pytest.raises(RequestError, match="cannot name a capture"):
        exported(spherical_e57, tmp_path / "site/my capture")
    (tmp_path / "site/full").mkdir(parents=True)
    (tmp_path / "site/full/a").touch()
    with pytest.raises(RequestError, match="is not empty"):
        exported(spherical_e57, tmp_path / "site/full")


def capture_of(folder, found) -> Capture:
    stations = tuple(Station(one.station, one.name, one.pose, one.taken_at) for one in found.photospheres)
    media = {one.station: StationMedia(panorama=one.reference("scans/hall.e57")) for one in found.photospheres}
    return Capture(CaptureKey("site", "cap"), CaptureKind.E57, "Site", "cap", stations, media)


def faces_of(capture, folder, station) -> list[EncodedFace]:
    with closing(open_source(capture, CaptureFolder(str(folder)), FaceOptions(jpeg_quality=100))) as source:
        return list(source.faces(station))


def test_an_e57_capture_gives_the_faces_of_each_station(tmp_path, world, spherical_e57, add_cube, make_e57, tilted):
    for content in (spherical_e57, make_e57(add_cube(tilted), add_cube(tilted, (5, 5, 5), field_of_view=95, size=128))):
        (tmp_path / "scans").mkdir(exist_ok=True)
        (tmp_path / "scans/hall.e57").write_bytes(content)
        capture = capture_of(tmp_path, preflight(tmp_path / "scans/hall.e57"))
        for station in capture.stations:
            cube = rot.matrix_from_quaternion(station.pose.rotation)
            faces = faces_of(capture, tmp_path, station)
            assert [face.face for face in faces] == list(FACES)
            for face in faces:
                pixels = decoding.decode(face.content).astype(int)
                assert np.abs(pixels - world.face(face.face, cube, len(pixels))).mean() < 3
            again = faces_of(capture, tmp_path, station)
            assert [face.sha256 for face in again] == [face.sha256 for face in faces]


def test_a_file_that_changed_since_validation_is_told(tmp_path, spherical_e57, make_e57):
    (tmp_path / "scans").mkdir()
    path = tmp_path / "scans/hall.e57"
    path.write_bytes(spherical_e57)
    capture = capture_of(tmp_path, preflight(path))
    for change, words in [
        (lambda: path.write_bytes(make_e57()), "no longer holds the sphere of image 0"),
        (lambda: path.write_bytes(spherical_e57[:-1024]), "is cut off"),
        (path.unlink, r"scans/hall\.e57 is no longer in"),
    ]:
        change()
        with pytest.raises(BadInputError, match=words):
            faces_of(capture, tmp_path, capture.stations[0])


def test_no_name_of_an_exported_station_is_a_formula(tmp_path, spherical_e57):
    found = preflight(io.BytesIO(spherical_e57), "scan.e57")
    first, second = found.photospheres
    spheres = (replace(first, name='=HYPERLINK("http://x")'), replace(second, name="-1.5"))
    folder = export_capture(io.BytesIO(spherical_e57), replace(found, photospheres=spheres), tmp_path / "site1/cap1")
    assert [row["station_name"] for row in rows_of(folder)] == ['\'=HYPERLINK("http://x")', "-1.5"]
