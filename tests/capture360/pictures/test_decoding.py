"""What the one decoder takes, what it refuses, and what it may use for that."""

import io
import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
import simplejpeg
from PIL import Image

from capture360.pictures import png_pixels
from capture360.pictures.decoding import check_whole, decode, overview
from capture360.pictures.jpeg import ImageError
from capture360.pictures.memory import MemoryBudget
from capture360.pictures.scans import MAX_SCANS, coding_of
from delivery import png_chunk

RNG = np.random.default_rng(11)
PIXELS = np.kron(RNG.integers(0, 255, (20, 40, 3)), np.ones((8, 8, 1))).astype(np.uint8)
PIXELS = np.clip(PIXELS.astype(int) + RNG.integers(-9, 9, PIXELS.shape), 0, 255).astype(np.uint8)
KINDS = {
    "baseline": {"quality": 90},
    "optimised": {"quality": 90, "optimize": True},
    "progressive": {"quality": 90, "progressive": True},
    "restarts": {"quality": 90, "restart_marker_blocks": 7},
    "444": {"quality": 90, "subsampling": 0},
}


def jpeg(kind: str = "baseline", mode: str = "RGB") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(stream, "JPEG", **KINDS[kind])
    return stream.getvalue()


def first_scan(content: bytes) -> int:
    """Offset of the first coded pixel."""
    at = content.index(b"\xff\xda")
    return at + 2 + int.from_bytes(content[at + 2 : at + 4])


def png(
    width: int, height: int, depth: int = 8, colour: int = 2, interlace: int = 0, data: bytes | None = None
) -> bytes:
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    if data is None:
        packer = zlib.compressobj(9)
        row = bytes(1 + (width * depth * channels + 7) // 8)
        data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_sound_jpeg_is_whole(kind, mode):
    assert check_whole(jpeg(kind, mode)).spare == 0


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1"])
def test_a_sound_png_is_whole(mode):
    stream = io.BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(stream, "PNG")
    check_whole(stream.getvalue())
    assert decode(stream.getvalue()).shape == PIXELS.shape


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (8, 8), (33, 17), (100, 1), (1, 100)])
@pytest.mark.parametrize(("depth", "colour"), [(1, 0), (4, 0), (8, 2), (8, 6)])
def test_an_interlaced_png_needs_all_its_passes(size, depth, colour):
    width, height = size
    channels = {0: 1, 2: 3, 6: 4}[colour]
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    sizes = [(len(range(x, width, dx)), len(range(y, height, dy))) for x, y, dx, dy in passes]
    length = sum(rows * (1 + -(-columns * depth * channels // 8)) for columns, rows in sizes if columns)
    content = png(width, height, depth, colour, 1, zlib.compress(bytes(length)))
    check_whole(content)
    assert decode(content).shape == (height, width, 3)
    with pytest.raises(ImageError, match="rows of its pixels are missing"):
        check_whole(png(width, height, depth, colour, 1, zlib.compress(bytes(length - 1))))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spare", [1, 6, 40, 2000])
def test_spare_bytes_before_the_end_are_no_damage(kind, spare):
    content = jpeg(kind)
    padded = content[:-2] + bytes(spare) + content[-2:]
    assert abs(check_whole(padded).spare - spare) <= 8
    assert (decode(padded) == decode(content)).all()


def test_a_scan_header_that_states_no_spectrum_is_no_damage():
    content = jpeg()
    at = coding_of(content, "a").spectral[0]
    other = content[:at] + b"\x00\x00\x00" + content[at + 3 :]
    with pytest.raises(ValueError, match="Invalid SOS"):
        simplejpeg.decode_jpeg(other)
    assert (decode(other) == decode(content)).all()
    with pytest.raises(ImageError, match="cannot be decoded"):
        check_whole(other[: len(other) // 2] + other[-2:])


COMMENT = b"\xff\xfe\x00\x06note"


@pytest.mark.parametrize("version", [0, 2, 5])
@pytest.mark.parametrize(("above", "again"), [(b"", False), (COMMENT, False), (b"", True)])
def test_another_version_of_jfif_is_no_damage_and_hides_none(version, above, again):
    content = jpeg()
    assert content[6:11] == b"JFIF\0"
    header = content[2:11] + bytes([version]) + content[12:20]
    other = content[:2] + above + header * (1 + again) + content[20:]
    with pytest.raises(ValueError, match="JFIF"):
        simplejpeg.decode_jpeg(other)
    assert (decode(other) == decode(content)).all()
    with pytest.raises(ImageError, match="cannot be decoded"):
        check_whole(other[: len(other) // 2] + other[-2:])


def test_no_words_of_a_library_are_in_what_is_wrong():
    content = jpeg()
    said = set()
    for at in range(2, first_scan(content) + 200, 3):
        for byte in (0, 7, 255):
            try:
                check_whole(content[:at] + bytes([byte]) + content[at + 1 :])
            except ImageError as error:
                said.add(str(error))
    assert len(said) > 5
    words = ("Huffman", "Corrupt", "Bogus", "marker", "tjDecompress", "Unsupported", "Invalid", "Quantization", "DQT")
    assert not [each for each in said if any(word in each for word in words)]


@pytest.mark.parametrize("parts", [[(1, 2)], [(2, 2)], [(1, 1), (1, 1)], [(0, 0)], [(1, 2), (2, 3)], [(1, 255)]])
def test_a_colour_profile_that_lacks_parts_is_no_damage_of_pixels(parts):
    """Editors copy the first segment alone."""
    profile = b"".join(b"\xff\xe2\x02\x10ICC_PROFILE\0" + bytes(part) + bytes(528 - 16) for part in parts)
    content = jpeg()
    spoilt = content[:2] + profile + content[2:]
    with pytest.raises(ValueError, match="ICC"):
        simplejpeg.decode_jpeg(spoilt)
    check_whole(spoilt)
    assert np.array_equal(decode(spoilt), decode(content))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "progressive"])
@pytest.mark.parametrize("lost", [200, 512, 4096])
@pytest.mark.parametrize("place", [0.1, 0.5, 0.8])
def test_a_middle_that_is_missing_or_zero_is_damage(kind, lost, place):
    content = jpeg(kind)
    start = first_scan(content)
    at = start + int(place * (len(content) - start - lost))
    for damaged in (content[:at] + content[at + lost :], content[:at] + bytes(lost) + content[at + lost :]):
        for refused in (check_whole, decode, overview):
            with pytest.raises(ImageError, match="Copy"):
                refused(damaged, where="a.jpg")


@pytest.mark.parametrize("lost", [200, 512, 4096])
def test_a_progressive_picture_that_lacks_its_first_scans_is_damage(lost):
    """In the last scans, which only refine, no decoder can tell one bit from another."""
    content = jpeg("progressive")
    at = first_scan(content) + 500
    for damaged in (content[:at] + content[at + lost :], content[:at] + bytes(lost) + content[at + lost :]):
        with pytest.raises(ImageError, match="Copy"):
            check_whole(damaged)


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.97])
@pytest.mark.parametrize("content", [jpeg(), jpeg("progressive"), png(300, 200)])
def test_a_cut_file_is_noticed(content, kept):
    with pytest.raises(ImageError, match=r"a\.jpg (is cut off|has a damaged or cut off header)"):
        check_whole(content[: int(len(content) * kept)], "a.jpg")


def test_no_beginning_of_a_file_is_whole():
    for content, ends in ((jpeg(), 1), (png(60, 40), 4)):
        for length in range(0, len(content) - ends, 7):
            with pytest.raises(ImageError):
                check_whole(content[:length])


def test_a_thumbnail_does_not_hide_that_the_picture_is_cut():
    inner = b"Exif\x00\x00" + jpeg()[:3000] + b"\xff\xd9"
    content = jpeg()
    whole = content[:2] + b"\xff\xe1" + struct.pack(">H", len(inner) + 2) + inner + content[2:]
    check_whole(whole)
    check_whole(whole + bytes(100))
    with pytest.raises(ImageError, match="cut off"):
        check_whole(whole[:-40])


def test_pixels_of_every_colour_are_asked_for():
    content = jpeg("progressive")
    scans = [at for at in range(len(content)) if content[at : at + 2] == b"\xff\xda"]
    header = content[: scans[0]]
    with pytest.raises(ImageError, match="a header and no pixels"):
        check_whole(header + content[-2:])
    tables = content.index(b"\xff\xc4", scans[0])
    with pytest.raises(ImageError, match="lacks the pixels"):
        check_whole(header + content[tables:])


def test_a_coding_that_browsers_do_not_show_is_refused():
    content = jpeg()
    at = content.index(b"\xff\xc0")
    with pytest.raises(ImageError, match=r"viewers do not show\. Export it as baseline"):
        check_whole(content[: at + 1] + b"\xc9" + content[at + 2 :])


def test_more_scans_than_any_encoder_writes_are_refused_before_decoding():
    content = jpeg("progressive")
    last = content.rindex(b"\xff\xda")
    with pytest.raises(ImageError, match=rf"has 3,\d\d\d scans; the limit is {MAX_SCANS}"):
        check_whole(content[:-2] + content[last:-2] * 3000 + content[-2:])


def test_a_header_that_promises_more_than_its_bytes_can_hold_is_refused():
    content = jpeg("progressive")
    at = content.index(b"\xff\xc2") + 5
    with pytest.raises(ImageError, match="too few bytes for 16000 x 12000 pixels"):
        check_whole(content[:at] + struct.pack(">HH", 12_000, 16_000) + content[at + 4 :])


def test_a_png_with_a_wrong_checksum_or_filter_is_damage():
    content = bytearray(png(100, 100))
    content[60] ^= 1
    with pytest.raises(ImageError, match="checksum of IDAT is wrong"):
        check_whole(bytes(content))
    with pytest.raises(ImageError, match="filter that does not exist"):
        check_whole(png(10, 2, data=zlib.compress(bytes(31) + b"\x05" + bytes(30))))
    with pytest.raises(ImageError, match="palette is missing"):
        check_whole(png(10, 2, colour=3))


ROWS = zlib.compress(bytes(8 * 25))
END = png_chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("head", "chunks"),
    [
        ((8, 8, 8, 2), [(b"IDAT", ROWS[:6]), (b"tEXt", b"a\0b"), (b"IDAT", ROWS[6:])]),
        ((8, 8, 8, 2), [(b"ABCD", b"x"), (b"IDAT", ROWS)]),
        ((8, 8, 8, 2), [(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)), (b"IDAT", ROWS)]),
        ((8, 8, 4, 2), [(b"IDAT", zlib.compress(bytes(8 * 13)))]),
        ((8, 8, 8, 3), [(b"PLTE", b"12345"), (b"IDAT", zlib.compress(bytes(8 * 9)))]),
        ((8, 8, 8, 3), [(b"PLTE", bytes(900)), (b"IDAT", zlib.compress(bytes(8 * 9)))]),
        ((1_100_000, 1, 1, 0), [(b"IDAT", zlib.compress(bytes(1 + 137_500)))]),
        ((8, 8, 8, 2), [(b"t\x01\x02t", b"x"), (b"IDAT", ROWS)]),
    ],
)
def test_a_png_that_decode_refuses_is_not_whole(head, chunks, capfd):
    start = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", *head, 0, 0, 0))
    content = start + b"".join(png_chunk(*chunk) for chunk in chunks) + END
    for read in (check_whole, decode):
        with pytest.raises(ImageError, match="cannot be decoded"):
            read(content)
    capfd.readouterr()


@pytest.mark.parametrize(
    ("held", "wanted", "waits"), [(60, 50, True), (60, 1000, True), (1000, 1, True), (60, 40, False)]
)
def test_memory_is_bounded_over_all_threads_together(held: int, wanted: int, waits: bool) -> None:
    """A request above the total counts as the total."""
    budget, entered = MemoryBudget(100), threading.Event()

    def borrow() -> None:
        with budget.lend(wanted):
            entered.set()

    with ThreadPoolExecutor(1) as other:
        with budget.lend(held):
            second = other.submit(borrow)
            assert entered.wait(0.1 if waits else 30) is not waits
        second.result(30)
    assert entered.is_set()


def test_what_follows_the_compressed_rows_of_a_png_is_not_unpacked(monkeypatch):
    calls = []

    class Unpacker:
        def __init__(self):
            self._real = zlib.decompressobj()

        def decompress(self, *args):
            calls.append(args)
            return self._real.decompress(*args)

        def __getattr__(self, name):
            return getattr(self._real, name)

    short = png(64, 64, data=zlib.compress(bytes(10)))
    content = short[: -len(END)] + png_chunk(b"IDAT", b"x" * 64) * 100 + END
    names = {"error": zlib.error, "crc32": zlib.crc32, "decompressobj": Unpacker}
    monkeypatch.setattr(png_pixels, "zlib", SimpleNamespace(**names))
    with pytest.raises(ImageError, match="rows of its pixels are missing"):
        check_whole(content)
    assert len(calls) == 1


@pytest.mark.parametrize("start", [b"\xff\xd8", jpeg()[:-2]])
def test_a_picture_that_begins_twice_says_so(start):
    with pytest.raises(ImageError, match=rf"^a\.jpg begins a second time at byte {len(start):,}\. Copy or export it"):
        check_whole(start + jpeg(), "a.jpg")
