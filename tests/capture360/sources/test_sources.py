"""Faces of a capture: delivered ones untouched, projected ones the same every time, damage told in words."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import numpy as np
import pytest

from capture360.errors import BadInputError
from capture360.geometry.projection import cube_faces
from capture360.landing.folder import CaptureFolder
from capture360.model import FACES, Capture, CaptureKey, CaptureKind, Pose, Station, StationMedia
from capture360.pictures import decoding, jpeg
from capture360.sources import FaceOptions, open_source
from pictures import encode_png

STATION = Station("s1", "s1", Pose((0, 0, 0), (1, 0, 0, 0)), datetime(2026, 5, 1, tzinfo=UTC))
RNG = np.random.default_rng(3)


def noise(height: int, width: int) -> np.ndarray:
    coarse = RNG.integers(0, 255, (height // 8, width // 8, 3))
    return np.kron(coarse, np.ones((8, 8, 1))).astype(np.uint8)


def capture(kind: CaptureKind, media: StationMedia) -> Capture:
    return Capture(CaptureKey("site", "c1"), kind, "Site", "c1", (STATION,), {"s1": media})


@pytest.fixture
def cube(tmp_path):
    (tmp_path / "images/s1").mkdir(parents=True)
    files = {}
    for face in FACES:
        pixels = noise(64, 64)
        name = f"images/s1/{face}." + ("png" if face == "top" else "jpg")
        (tmp_path / name).write_bytes(encode_png(pixels) if face == "top" else jpeg.encode_jpeg(pixels))
        files[face] = name
    return CaptureFolder(str(tmp_path)), capture(CaptureKind.CUBEMAP, StationMedia(faces=files)), tmp_path


@pytest.fixture
def panorama(tmp_path):
    (tmp_path / "p.jpg").write_bytes(jpeg.encode_jpeg(noise(512, 1024)))
    return CaptureFolder(str(tmp_path)), capture(CaptureKind.PANORAMA, StationMedia(panorama="p.jpg")), tmp_path


def test_delivered_faces_pass_through_byte_for_byte(cube):
    folder, delivered, path = cube
    source = open_source(delivered, folder)
    faces = list(source.faces(STATION))
    assert tuple(face.face for face in faces) == FACES
    for face in faces:
        on_disk = (path / delivered.media["s1"].faces[face.face]).read_bytes()
        assert face.content == on_disk
        assert face.sha256 == hashlib.sha256(on_disk).hexdigest()
        assert face.mime_type == ("image/png" if face.face == "top" else "image/jpeg")
        assert face.resolution == 64


def test_a_panorama_becomes_six_faces_of_what_it_shows(panorama):
    folder, delivered, path = panorama
    faces = list(open_source(delivered, folder, FaceOptions(jpeg_quality=100)).faces(STATION))
    expected = dict(cube_faces(decoding.decode((path / "p.jpg").read_bytes())))
    assert tuple(face.face for face in faces) == FACES
    for face in faces:
        pixels = decoding.decode(face.content)
        assert face.resolution == 256 == pixels.shape[0] == pixels.shape[1]
        assert face.sha256 == hashlib.sha256(face.content).hexdigest()
        distance = {name: np.abs(pixels.astype(int) - other).mean() for name, other in expected.items()}
        assert min(distance, key=distance.get) == face.face
        assert distance[face.face] < 10
    assert next(iter(open_source(delivered, folder, FaceOptions(face_size=128)).faces(STATION))).resolution == 128


def test_faces_of_a_panorama_are_progressive_on_request(panorama):
    folder, delivered, _ = panorama
    baseline, progressive = (
        [jpeg.read_header(face.content) for face in open_source(delivered, folder, options).faces(STATION)]
        for options in (FaceOptions(), FaceOptions(progressive=True))
    )
    assert {header.progressive for header in baseline} == {False}
    assert {header.progressive for header in progressive} == {True}


def test_faces_are_the_same_bytes_whoever_makes_them(panorama):
    folder, delivered, _ = panorama

    def made() -> list[str]:
        return [face.sha256 for face in open_source(delivered, folder).faces(STATION)]

    first = made()
    with ThreadPoolExecutor(4) as pool:
        assert all(other == first for other in pool.map(lambda _: made(), range(8)))


def test_what_broke_since_validation_is_told_with_the_file(cube, panorama):
    folder, delivered, path = cube
    (path / "images/s1/left.jpg").write_bytes(b"")
    with pytest.raises(BadInputError, match=r"images/s1/left\.jpg is empty"):
        list(open_source(delivered, folder).faces(STATION))
    (path / "images/s1/left.jpg").unlink()
    with pytest.raises(BadInputError, match=r"images/s1/left\.jpg is no longer in"):
        list(open_source(delivered, folder).faces(STATION))
    (path / "images/s1/left.jpg").write_bytes(jpeg.encode_jpeg(noise(64, 128)))
    with pytest.raises(BadInputError, match=r"left\.jpg: 128 x 64 pixels; a cube face must be square"):
        list(open_source(delivered, folder).faces(STATION))
    missing = capture(CaptureKind.CUBEMAP, StationMedia(faces={"front": "images/s1/front.jpg"}))
    with pytest.raises(BadInputError, match='face "back" is missing'):
        list(open_source(missing, folder).faces(STATION))

    folder, delivered, path = panorama
    (path / "p.jpg").write_bytes(jpeg.encode_jpeg(noise(512, 512)))
    with pytest.raises(BadInputError, match=r"p\.jpg: 512 x 512 pixels are no full panorama"):
        list(open_source(delivered, folder).faces(STATION))
    (path / "p.jpg").write_bytes(jpeg.encode_jpeg(noise(512, 1024))[:-500])
    with pytest.raises(BadInputError, match=r"p\.jpg is cut off"):
        list(open_source(delivered, folder).faces(STATION))
    with pytest.raises(BadInputError, match="no panorama is named"):
        list(open_source(capture(CaptureKind.PANORAMA, StationMedia()), folder).faces(STATION))


def test_limits_hold_for_both_kinds(cube, panorama):
    for folder, delivered, _ in (cube, panorama):
        with pytest.raises(BadInputError, match="the limit is"):
            list(open_source(delivered, folder, FaceOptions(max_megapixels=0.001)).faces(STATION))
