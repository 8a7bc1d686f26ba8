"""Metadata that a picture holds in several blocks, in parts or packed: all of it counts, or is reported."""

from __future__ import annotations

import io
import math
import struct
import time
import zlib
from datetime import UTC, datetime

import numpy as np
import pytest
from PIL import Image

from capture360.pictures import gpano, jpeg
from capture360.pictures.exif import CameraNotes, camera_notes
from delivery import picture, png_chunk
from pictures import encode_png

JPEG = picture(64, 32, 1)
PNG = encode_png(np.zeros((32, 64, 3), np.uint8))
HEADING, PITCH = 'GPano:PoseHeadingDegrees="12.5"', 'GPano:PosePitchDegrees="3"'
DIGEST = "0123456789abcdef0123456789ABCDEF"
EXTENDED = f'xmpNote:HasExtendedXMP="{DIGEST}"'
TIME = datetime(2026, 4, 17, 9, 30)
PLACE = {1: "N", 2: (59.0, 54.0, 45.72), 3: "E", 4: (10.0, 44.0, 45.96), 5: b"\x00", 6: 14.0}


def xmp(*attributes: str) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" '
        f'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" {" ".join(attributes)}/></rdf:RDF></x:xmpmeta>'
    ).encode()


def segment(body: bytes) -> bytes:
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def plain(block: bytes) -> bytes:
    return segment(b"http://ns.adobe.com/xap/1.0/\x00" + block)


def parts(block: bytes, size: int, digest: str = DIGEST) -> list[bytes]:
    head = b"http://ns.adobe.com/xmp/extension/\x00" + digest.encode()
    return [
        segment(head + struct.pack(">II", len(block), at) + block[at : at + size]) for at in range(0, len(block), size)
    ]


def jpeg_with(*segments: bytes) -> bytes:
    return JPEG[:2] + b"".join(segments) + JPEG[2:]


def block_of(content: bytes) -> gpano.GPano | None:
    return gpano.read_gpano(jpeg.read_header(content), "a.jpg")


@pytest.mark.parametrize("turned", [1, -1])
def test_values_of_two_blocks_add_up(turned: int) -> None:
    both = [plain(xmp(HEADING)), plain(xmp(PITCH))][::turned]
    assert block_of(jpeg_with(*both)) == gpano.GPano(heading=12.5, pitch=3.0)


def test_blocks_that_say_two_things_give_neither() -> None:
    found = block_of(jpeg_with(plain(xmp(HEADING, PITCH)), plain(xmp('GPano:PoseHeadingDegrees="200"'))))
    assert found is not None
    assert found.heading is not None
    assert math.isnan(found.heading)
    assert found.faults == {"PoseHeadingDegrees": "two different values of"}
    assert found.pitch == 3.0


def test_blocks_that_say_the_same_are_one() -> None:
    again = plain(xmp('GPano:PoseHeadingDegrees="12.50"'))
    assert block_of(jpeg_with(plain(xmp(HEADING)), again)) == gpano.GPano(heading=12.5)


@pytest.mark.parametrize("turned", [1, -1])
@pytest.mark.parametrize("size", [40, 60_000])
def test_extended_xmp_is_joined(size: int, turned: int) -> None:
    content = jpeg_with(plain(xmp(EXTENDED, HEADING)), *parts(xmp(PITCH), size)[::turned])
    assert block_of(content) == gpano.GPano(heading=12.5, pitch=3.0)


@pytest.mark.parametrize("there", [slice(0), slice(1, None), slice(0, -1)])
def test_extended_xmp_that_is_not_all_there_is_reported(there: slice) -> None:
    content = jpeg_with(plain(xmp(EXTENDED, HEADING)), *parts(xmp(PITCH), 40)[there])
    with pytest.raises(jpeg.ImageError, match=r"^a\.jpg has extended XMP metadata of which parts are missing\. Export"):
        block_of(content)


ROLL = 'GPano:PoseRollDegrees="0"'
CROP = (
    'GPano:FullPanoWidthPixels="128" GPano:FullPanoHeightPixels="64" GPano:CroppedAreaImageWidthPixels="64" '
    'GPano:CroppedAreaImageHeightPixels="32" GPano:CroppedAreaLeftPixels="0" GPano:CroppedAreaTopPixels="0"'
)
CYLINDER = 'GPano:ProjectionType="cylindrical"'
WITHOUT_THE_OTHER = [
    pytest.param((), id="its parts are missing"),
    pytest.param(parts(b"A" * (17 << 20), 60_000), id="it is larger than what is held"),
    pytest.param((plain(xmp() + b"<"),), id="it is damaged"),
]


@pytest.mark.parametrize("others", WITHOUT_THE_OTHER)
def test_the_block_that_is_whole_places_the_picture(others: tuple[bytes, ...]) -> None:
    header = jpeg.read_header(jpeg_with(plain(xmp(EXTENDED, CROP)), *others))
    assert gpano.placement(header) == gpano.Placement(128, 64, 0, 0)
    with pytest.raises(jpeg.ImageError, match=r"^The picture has .*XMP metadata.* Export it again"):
        gpano.read_gpano(header)
    header = jpeg.read_header(jpeg_with(plain(xmp(EXTENDED, CYLINDER)), *others))
    with pytest.raises(jpeg.ImageError, match='has the projection "cylindrical"'):
        gpano.placement(header)


@pytest.mark.parametrize("others", WITHOUT_THE_OTHER)
def test_angles_that_are_all_stated_lack_nothing(others: tuple[bytes, ...]) -> None:
    found = block_of(jpeg_with(plain(xmp(EXTENDED, HEADING, PITCH, ROLL)), *others))
    assert found == gpano.GPano(heading=12.5, pitch=3.0, roll=0.0)


def test_extended_xmp_of_another_picture_does_not_count() -> None:
    content = jpeg_with(plain(xmp(HEADING)), *parts(xmp(PITCH), 900))
    assert block_of(content) == gpano.GPano(heading=12.5)


def test_the_other_eye_in_extended_xmp_does_no_harm() -> None:
    other = b"<a>" + b"A" * 2_000_000 + b"</a>"
    content = jpeg_with(plain(xmp(EXTENDED, HEADING)), *parts(other, 60_000))
    assert block_of(content) == gpano.GPano(heading=12.5)


def test_too_much_xmp_is_reported() -> None:
    content = jpeg_with(*[plain(xmp(HEADING, f'a="{number}{"A" * 60_000}"')) for number in range(20)])
    with pytest.raises(
        jpeg.ImageError, match=r"^a\.jpg has more than 1,048,576 bytes of XMP metadata\. Export it again"
    ):
        block_of(content)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("start", ["", "<?xml version='1.0' encoding='utf-16'?>", "  \n"])
def test_utf_16_needs_no_byte_order_mark(encoding: str, start: str) -> None:
    text = start + xmp(HEADING, 'a="S\u00fcd"').decode()
    assert block_of(jpeg_with(plain(text.encode(encoding)))) == gpano.GPano(heading=12.5)


def text_chunk(block: bytes) -> bytes:
    return png_chunk(b"iTXt", b"XML:com.adobe.xmp\x00\x01\x00\x00\x00" + block)


@pytest.mark.parametrize("at", [33, len(PNG) - 12])
def test_a_compressed_text_of_a_png_is_read_before_the_pixels_and_after_them(at: int) -> None:
    content = PNG[:at] + text_chunk(zlib.compress(xmp(HEADING))) + PNG[at:]
    assert block_of(content) == gpano.GPano(heading=12.5)


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (b"no zlib", "XMP metadata whose compression is damaged"),
        (zlib.compress(xmp(HEADING))[:-9], "XMP metadata whose compression is damaged"),
        (zlib.compress(bytes(1 << 28)), "more than 1,048,576 bytes of XMP metadata"),
    ],
)
def test_a_compressed_text_that_cannot_be_read_is_reported(block: bytes, words: str) -> None:
    with pytest.raises(jpeg.ImageError, match=rf"^a\.jpg has {words}\."):
        block_of(PNG[:33] + text_chunk(block) + PNG[33:])


def test_many_bombs_are_not_unpacked() -> None:
    bombs = text_chunk(zlib.compress(bytes(1 << 20))) * 900
    header = jpeg.read_header(PNG[:33] + bombs + PNG[33:])
    assert (header.xmp, header.xmp_fault) == ((), "more than 16,777,216 bytes of XMP metadata")


class Bounded(io.BytesIO):
    """A stream that refuses to be read without bound."""

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size >= 0
        return super().read(size)


def test_a_text_shorter_than_its_keyword_is_none() -> None:
    short = struct.pack(">I", 17) + b"iTXtXML:com.adobe.xmp" + bytes(4)
    header = jpeg.read_header(Bounded(PNG[:33] + short * 2 + text_chunk(zlib.compress(xmp(HEADING))) + PNG[33:]))
    assert gpano.read_gpano(header) == gpano.GPano(heading=12.5)


@pytest.mark.parametrize("text", ["1" * 60_000 + "x", f"{'1' * 30_000}.{'1' * 29_000}x", "." + "1" * 60_000 + "e"])
def test_a_long_number_takes_no_long_time(text: str) -> None:
    start = time.process_time()
    found = block_of(jpeg_with(plain(xmp(f'GPano:PoseHeadingDegrees="{text}"'))))
    assert found is not None
    assert found.faults == {"PoseHeadingDegrees": "no number as"}
    assert time.process_time() - start < 5


def exif(taken: datetime | None = None, offset: str = "", orientation: int = 0, **place: object) -> bytes:
    tags = Image.Exif()
    if taken:
        tags[0x8769] = {0x9003: taken.strftime("%Y:%m:%d %H:%M:%S")} | ({0x9011: offset} if offset else {})
    if place:
        tags[0x8825] = PLACE | {int(tag[1:]): value for tag, value in place.items()}
    if orientation:
        tags[274] = orientation
    return segment(b"Exif\x00\x00" + tags.tobytes().removeprefix(b"Exif\x00\x00"))


def notes(*segments: bytes) -> CameraNotes:
    return camera_notes(io.BytesIO(jpeg_with(*segments)))


@pytest.mark.parametrize("turned", [1, -1])
@pytest.mark.parametrize("other", [b"", exif(orientation=1), segment(b"Exif\x00\x00no TIFF"), exif(TIME)])
def test_exif_in_two_blocks_adds_up(other: bytes, turned: int) -> None:
    found = notes(*[other, exif(TIME), exif(t6=14.0)][::turned])
    assert (found.taken, found.unread, found.lacking) == (TIME, "", "")
    assert found.place == pytest.approx((59.9127, 10.7461, 14.0))


def test_the_more_exact_of_two_notes_counts() -> None:
    found = notes(exif(TIME), exif(TIME, "+00:00"), exif(t10="2"), exif(t6=14.0))
    assert (found.taken, found.lacking) == (TIME.replace(tzinfo=UTC), "")
    assert found.place == pytest.approx((59.9127, 10.7461, 14.0))


def test_two_times_give_neither() -> None:
    found = notes(exif(TIME), exif(TIME.replace(hour=15)))
    assert (found.taken, found.unread) == (None, "2026-04-17T09:30:00 or 2026-04-17T15:30:00")


@pytest.mark.parametrize("other", [{"t2": (59.0, 54.0, 47.0)}, {"t3": "W"}, {"t6": 15.0}])
def test_two_places_give_neither(other: dict[str, object]) -> None:
    found = notes(exif(t6=14.0), exif(**other))
    assert (found.place, found.lacking) == (None, "gives two different GPS positions")


@pytest.mark.parametrize("other", [{"t2": (59.0, 54.0, 45.724999)}, {"t4": (10.0, 44.0, 45.955001)}, {"t6": 14.04}])
def test_places_that_differ_by_rounding_are_one(other: dict[str, object]) -> None:
    found = notes(exif(t6=14.0), exif(**other))
    assert (found.lacking, found.place) == ("", pytest.approx((59.9127, 10.7461, 14.0), abs=0.05))


def png_exif(orientation: int) -> bytes:
    return png_chunk(b"eXIf", exif(orientation=orientation)[10:])


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(jpeg_with(exif(orientation=1), exif(orientation=6)), id="JPEG"),
        pytest.param(PNG[:33] + png_exif(1) + png_exif(6) + PNG[33:], id="PNG"),
    ],
)
def test_two_orientations_are_refused(content: bytes) -> None:
    with pytest.raises(
        jpeg.ImageError, match=r"^a\.jpg has EXIF blocks with different orientations \(1 and 6\)\. Export"
    ):
        jpeg.read_header(content, "a.jpg")


def test_an_orientation_that_a_png_states_twice_is_one() -> None:
    assert jpeg.read_header(PNG[:33] + png_exif(0) + png_exif(6) * 2 + PNG[33:]).orientation == 6


@pytest.mark.parametrize(
    ("tags", "lacking"),
    [
        (
            b"\x00\x01\x88\x25\x00\x04\x00\x00\x00\x01\x7f\xff\xff\xff",
            "has a GPS block that is empty or cannot be read",
        ),
        (
            b"\x00\x01\x88\x25\x00\x04\x00\x00\x00\x01\x00\x00\x00\x16",
            "has a GPS block that is empty or cannot be read",
        ),
        (b"\x00\x00\x00\x00\x00\x00", "has an EXIF block that is empty or cannot be read"),
        (b"", "has an EXIF block that is empty or cannot be read"),
    ],
)
def test_metadata_that_leads_nowhere_is_not_absent(tags: bytes, lacking: str) -> None:
    found = notes(segment(b"Exif\x00\x00MM\x00*\x00\x00\x00\x08" + tags + bytes(4 if tags else 0)))
    assert (found.place, found.lacking) == (None, lacking)


def test_no_exif_lacks_nothing() -> None:
    assert notes() == CameraNotes()
    assert notes(exif(TIME)).lacking == ""
