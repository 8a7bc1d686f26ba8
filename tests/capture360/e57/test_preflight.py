"""The verdict on a file, in one sentence, before a byte of it is uploaded."""

import io
import math
import re
import struct

import numpy as np
import pytest
from PIL import Image

from capture360.e57 import (
    E57Error,
    PagedFile,
    preflight,
    read_contents,
    read_picture,
    sphere_faces,
    verify,
    with_verification,
)
from capture360.e57.checksums import PAGE, PAYLOAD
from capture360.e57.preflight import MAX_UPLOAD
from capture360.errors import BadInputError
from capture360.pictures.decoding import decode
from capture360.pictures.faces import FaceOptions
from capture360.rules.finding import Disposition
from e57_writer import with_checksums
from pictures import encode_png

SENTENCES = {
    "InvalidCVHeader.e57": r"holds no images \(1 scan only\)",
    "PinholeImageWithDistortionParameters.e57": r"holds 3 images but no 360 panorama \(only single photos\)",
    "bad-crc.e57": "is damaged: the checksum of page 0",
    "corrupt_crc.e57": "is damaged: the checksum of page 33",
    "empty.e57": "holds no images",
    "pumpAVisualReferenceImage.e57": r"holds 1 image but no 360 panorama \(only reference photos\)",
    "read_error.e57": "holds no images",
    "tiny_pc_and_images.e57": "no usable one of 1 photosphere: spherical has a rotation .* no unit quaternion",
}


def rewritten(content: bytes, change) -> bytes:
    """The file with its logical bytes changed by `change`, checksums right again."""
    logical = bytearray(np.frombuffer(content, np.uint8).reshape(-1, PAGE)[:, :PAYLOAD].tobytes())
    changed = bytes(change(logical) or logical)
    assert len(changed) == len(logical)
    return with_checksums(changed)


def xml_replaced(content: bytes, old: bytes, new: bytes) -> bytes:
    """The file with a piece of its XML replaced by one of the same length."""
    assert len(new) <= len(old)

    def change(logical: bytearray) -> bytearray:
        assert logical.count(old)
        return bytearray(logical.replace(old, new.ljust(len(old))))

    return rewritten(content, change)


@pytest.mark.parametrize("name", sorted(SENTENCES))
def test_real_files_get_the_right_verdict(shared, name):
    path = shared / "data/e57" / name
    found = with_verification(preflight(path), verify(path))
    assert not found.usable
    assert found.headline.startswith(name)
    assert re.search(SENTENCES[name], found.headline)
    assert "\n" not in found.headline


def test_no_real_file_is_left_out(shared):
    assert {path.name for path in (shared / "data/e57").glob("*.e57")} == set(SENTENCES)


def test_a_sound_file_is_told_in_numbers(spherical_e57):
    found = preflight(io.BytesIO(spherical_e57), "scan.e57")
    assert found.headline == "scan.e57: 2 usable of 2 photospheres."
    assert found.usable
    assert found.findings == ()
    checked = with_verification(found, verify(io.BytesIO(spherical_e57)))
    assert checked == found


def test_one_bad_sphere_holds_back_no_other(world, tilted, make_e57, pose_of, taken):
    def add(writer):
        writer.add_spherical(world.spherical(tilted, 64), name="good", pose=pose_of(tilted), acquired_at=taken)
        writer.add_spherical(world.spherical(tilted, 64), name="lost", pose=None, acquired_at=taken)
        square = encode_png(np.zeros((64, 64, 3), np.uint8))
        writer.add_spherical(square, name="square", pose=pose_of(tilted), acquired_at=taken)
        writer.add_image("visual", square, name="photo")

    found = preflight(io.BytesIO(make_e57(add)), "scan.e57")
    assert found.headline == "scan.e57: 1 usable of 3 photospheres."
    assert [finding.disposition for finding in found.findings] == [Disposition.QUARANTINE] * 2
    assert [finding.station for finding in found.findings] == ["lost", "square"]
    assert "64 x 64 pixels; a full panorama is twice as wide" in found.findings[1].message
    assert found.other_images == 1


def test_vendors_wrong_pixel_size_is_a_warning(world, tilted, make_e57, pose_of, taken):
    def add(writer):
        writer.add_image(
            "spherical",
            world.spherical(tilted, 64),
            name="p",
            pose=pose_of(tilted),
            numbers={"pixelWidth": 5e-6, "pixelHeight": 5e-6},
            acquired_at=taken,
        )

    found = preflight(io.BytesIO(make_e57(add)), "scan.e57")
    assert found.headline == "scan.e57: 1 usable of 1 photosphere."
    (finding,) = found.findings
    assert finding.disposition is Disposition.WARN
    assert re.search(r"degrees wide and \S+ degrees high; taken as a full 360 x 180", finding.message)


def test_a_decimal_comma_is_named(world, tilted, make_e57, pose_of, taken):
    def add(writer):
        writer.add_spherical(
            world.spherical(tilted, 64), name="p", pose=pose_of(tilted, (1.5, 2, 3)), acquired_at=taken
        )

    content = xml_replaced(make_e57(add), b">1.5<", b">1,5<")
    found = preflight(io.BytesIO(content), "scan.e57")
    assert 'x "1,5" has a decimal comma, where the format demands a point. Export it again.' in found.headline


def turned(picture: bytes, orientation: int) -> bytes:
    """The same pixels, with an EXIF orientation."""
    exif, stream = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Image.open(io.BytesIO(picture)).save(stream, "PNG", exif=exif)
    return stream.getvalue()


def test_a_panorama_is_turned_upright_by_its_exif_orientation(world, tilted, make_e57, open_spheres, pose_of, taken):
    upright = world.spherical(tilted, 128)
    upside_down = turned(encode_png(np.rot90(decode(upright), 2).copy()), 3)
    made = []
    for picture in (upright, upside_down):
        content = make_e57(
            lambda writer, picture=picture: writer.add_spherical(
                picture, name="p", pose=pose_of(tilted), acquired_at=taken
            )
        )
        file, found = open_spheres(content)
        made.append([face.content for face in sphere_faces(file, found.usable[0])])
    assert made[0] == made[1]
    (finding,) = preflight(io.BytesIO(content), "scan.e57", decode=True).findings
    assert finding.disposition is Disposition.NOTE
    assert finding.message == "scan.e57: p was turned upright by its EXIF orientation (3)."


@pytest.mark.parametrize("field_of_view", [90.0, 100.0])
def test_a_pinhole_face_with_an_exif_orientation_is_refused(tilted, add_cube, make_e57, field_of_view):
    def encode(pixels):
        return turned(encode_png(pixels), 6)

    content = make_e57(add_cube(tilted, encode=encode, field_of_view=field_of_view))
    found = preflight(io.BytesIO(content), "scan.e57", decode=True)
    assert not found.photospheres
    assert "is to be turned by its EXIF orientation (6), which faces must not be. Export it upright." in found.headline


def picture_file(picture: bytes, world, tilted, make_e57, pose_of, taken, swap: bytes) -> bytes:
    """A file whose picture is replaced by other bytes of the same length, checksums right."""
    content = make_e57(lambda writer: writer.add_spherical(picture, name="p", pose=pose_of(tilted), acquired_at=taken))
    return rewritten(content, lambda logical: bytearray(logical.replace(picture, swap.ljust(len(picture), b"\x00"))))


@pytest.mark.parametrize(
    ("swap", "words"),
    [
        (lambda picture: bytes(len(picture)), "neither JPEG nor PNG: it holds zeros alone"),
        (lambda picture: picture[: len(picture) // 2], "the picture is cut off"),
        (lambda picture: encode_png(np.zeros((8, 8, 3), np.uint8)), "8 x 8 pixels are no full panorama"),
        (
            lambda picture: picture.replace(struct.pack(">II", 256, 128), struct.pack(">II", 60_000, 30_000)),
            "1,800 megapixels",
        ),
    ],
)
def test_pictures_that_are_none_are_told(swap, words, world, tilted, make_e57, pose_of, taken):
    picture = world.spherical(tilted, 256)
    content = picture_file(picture, world, tilted, make_e57, pose_of, taken, swap(picture))
    found = preflight(io.BytesIO(content), "scan.e57")
    assert not found.usable
    assert words in found.headline
    assert {finding.rule for finding in found.findings} == {"E02", "E03"}


@pytest.mark.parametrize(
    ("blob", "words"),
    [
        (b'fileOffset="99999999"', "lies outside the file"),
        (b'fileOffset="-48"', "lies outside the file"),
        (b'fileOffset="2047"', "lies outside the file"),
        (b'fileOffset="99"', "there is no picture at byte 99"),
        (b'fileOffset="99" length=""', None),
    ],
)
def test_a_picture_outside_the_file_is_told(blob, words, spherical_e57):
    content = xml_replaced(spherical_e57, b'type="Blob" fileOffset="48"', blob)
    found = preflight(io.BytesIO(content), "scan.e57")
    if words is None:  # an attribute given twice is no XML
        assert found.findings[0].rule == "E01"
        return
    assert found.headline == "scan.e57: 1 usable of 2 photospheres."
    assert [finding.rule for finding in found.findings] == ["E04"]
    assert words in found.findings[0].message
    assert found.findings[0].station == "Scan-0"


def test_an_empty_picture_is_told(spherical_e57):
    content = xml_replaced(spherical_e57, b'type="Blob" fileOffset="48" length="', b'fileOffset="48" length="0" a="')
    (finding,) = preflight(io.BytesIO(content), "scan.e57").findings
    assert finding.message == "scan.e57: Scan 0 - the picture at byte 48 is empty. Export it again."


def test_a_file_larger_than_cdf_takes_is_stopped(spherical_e57):
    found = preflight(io.BytesIO(spherical_e57), "scan.e57", max_bytes=1000)
    assert not found.usable
    assert "CDF takes 1,000 at most" in found.headline
    assert MAX_UPLOAD == 1000 * 2**30


def test_document_types_and_other_roots_are_refused(spherical_e57):
    bomb = b'<!DOCTYPE e57Root [<!ENTITY a "aaaaaaaa">]><e57Root>&a;</e57Root>'

    def change(logical: bytearray) -> bytearray:
        start = logical.index(b"<?xml")
        _, _, _, _, _, length, _ = struct.unpack_from("<8sIIQQQQ", logical)
        logical[start : start + length] = bomb.ljust(length)
        return logical

    said = "declares a document type or entities, which is refused. Export it again without them."
    assert said in preflight(io.BytesIO(rewritten(spherical_e57, change))).headline
    other = xml_replaced(spherical_e57, b"e57Root", b"e57root")
    assert "holds no e57Root" in preflight(io.BytesIO(other)).headline


def test_a_time_that_cannot_be_read_spoils_no_sphere(spherical_e57, taken):
    def change(logical: bytearray) -> bytearray:
        start, end = re.search(rb"<acquisitionDateTime.*?<dateTimeValue[^>]*>([^<]*)", logical).span(1)
        logical[start:end] = b"2026-05-01".ljust(end - start)
        return logical

    found = preflight(io.BytesIO(rewritten(spherical_e57, change)), "scan.e57")
    assert [sphere.taken_at for sphere in found.photospheres] == [taken, taken]
    (finding,) = found.findings
    assert finding.disposition is Disposition.WARN
    assert 'time that cannot be read (dateTimeValue "2026-05-01" is not a number); that of the fi' in finding.message


@pytest.mark.parametrize("value", [b"1e999", b"nan", b"12,5", b"0x1F", b"-1e308", b"9" * 8])
@pytest.mark.parametrize("tag", [b"imageWidth", b"dateTimeValue", b"w", b"x", b"pixelWidth"])
def test_numbers_that_are_none_are_told(value, tag, spherical_e57):
    def change(logical: bytearray) -> bytearray:
        match = re.search(rb"<%s type=\"\w+\">([^<]{3,})</%s>" % (tag, tag), logical)
        assert match is not None
        start, end = match.span(1)
        logical[start:end] = value[: end - start].ljust(end - start)
        return logical

    found = preflight(io.BytesIO(rewritten(spherical_e57, change)), "scan.e57")
    assert found.usable
    assert found.headline.startswith("scan.e57: ")
    assert found.total == 2


@pytest.mark.parametrize("seed", range(200))
def test_a_mutated_file_gets_a_sentence_and_never_a_traceback(
    seed, spherical_e57, add_cube, tilted, make_e57, shared_samples
):
    rng = np.random.default_rng(seed)
    samples = [spherical_e57, *shared_samples]
    content = samples[seed % len(samples)]
    kind = seed % 4
    if kind == 0:  # bytes as they fell over on the way
        damaged = bytearray(content)
        for position in rng.integers(0, len(damaged), rng.integers(1, 20)):
            damaged[position] = rng.integers(256)
        mutated = bytes(damaged)
    elif kind == 1:  # cut anywhere
        mutated = content[: rng.integers(0, len(content))]
    else:  # a hostile or broken writer: wrong content under right checksums, mostly in the XML

        def change(logical: bytearray) -> None:
            start = logical.find(b"<?xml") if kind == 2 else 0
            for _ in range(rng.integers(1, 12)):
                position = int(rng.integers(max(start, 0), len(logical)))
                length = min(int(rng.integers(1, 9)), len(logical) - position)
                piece = [b"99999999", b"-1e308--", b"</a><b/>", b"&lt;&#0;", rng.bytes(8)][rng.integers(5)]
                logical[position : position + length] = piece[:length]

        mutated = rewritten(content[: len(content) // PAGE * PAGE], change)
    found = with_verification(preflight(io.BytesIO(mutated), "m.e57"), verify(io.BytesIO(mutated), where="m.e57"))
    assert found.headline.startswith("m.e57")
    assert "\n" not in found.headline
    assert found.usable == bool(found.photospheres)
    if found.photospheres:
        file = PagedFile(io.BytesIO(mutated), "m.e57")
        for sphere in found.photospheres:
            assert all(math.isfinite(value) for value in (*sphere.pose.position, *sphere.pose.rotation))
            try:
                assert len(list(sphere_faces(file, sphere, FaceOptions(16)))) == 6
            except BadInputError as error:
                assert "m.e57" in str(error)


@pytest.fixture(scope="module")
def shared_samples(add_cube, tilted, make_e57) -> list[bytes]:
    """More kinds of files to damage."""
    cubes = make_e57(add_cube(tilted, size=16), add_cube(tilted, (5, 5, 5), field_of_view=95, size=16))
    return [cubes]


def test_reading_a_damaged_picture_stops(spherical_e57):
    damaged = bytearray(spherical_e57)
    damaged[20 * PAGE] ^= 255
    file = PagedFile(io.BytesIO(bytes(damaged)), "scan.e57")
    blob = read_contents(file).images[0].representations[0].blob
    with pytest.raises(E57Error, match="is damaged: the checksum of page 20"):
        read_picture(file, blob)


@pytest.mark.parametrize("tag", [b"translation", b"rotation"])
def test_a_pose_without_a_part_is_no_pose(tag, spherical_e57):
    def change(logical: bytearray) -> bytearray:
        start, end = re.search(rb"<pose.*?(<%s type.*?</%s>)" % (tag, tag), logical, re.DOTALL).span(1)
        logical[start:end] = b" " * (end - start)
        return logical

    found = preflight(io.BytesIO(rewritten(spherical_e57, change)), "scan.e57")
    assert len(found.photospheres) == 1
    assert found.findings[0].rule == "E03"
    assert "its pose has no" in found.findings[0].message
