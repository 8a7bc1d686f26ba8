"""Metadata of a PNG costs no time, prints nothing and changes no pixel; a PNG that libpng refuses stays refused."""

from __future__ import annotations

import io
import time
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from capture360.pictures.decoding import check_whole, decode
from capture360.pictures.jpeg import ImageError
from delivery import png_chunk

RNG = np.random.default_rng(5)
PIXELS = RNG.integers(0, 255, (24, 40, 3), dtype=np.uint8)
ZEROS = zlib.compress(bytes(1_000_000), 9)


def png(mode: str = "RGB", **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(stream, "PNG", **options)
    return stream.getvalue()


def with_chunks(content: bytes, *chunks: bytes) -> bytes:
    """The picture with chunks behind its header."""
    return content[:33] + b"".join(chunks) + content[33:]


@pytest.mark.parametrize(
    "chunk",
    [
        png_chunk(b"iTXt", b"note\0\x01\0\0\0" + ZEROS) * 400,
        png_chunk(b"zTXt", b"note\0\0" + ZEROS) * 400,
        png_chunk(b"iCCP", b"note\0\0" + zlib.compress(bytes(100_000_000), 9)),
        png_chunk(b"tEXt", b"a\0b") * 40_000,
        png_chunk(b"eXIf", b"II*\0") * 40_000,
    ],
    ids=["iTXt", "zTXt", "iCCP", "many texts", "many EXIF blocks"],
)
def test_metadata_costs_no_time_and_no_lines_of_log(chunk: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    content = with_chunks(png(), chunk)
    began = time.process_time()
    assert (decode(content) == PIXELS).all()
    assert time.process_time() - began < 1
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1"])
@pytest.mark.parametrize("transparency", [False, True])
def test_what_is_left_out_changes_no_pixel(mode: str, transparency: bool) -> None:
    seen = {"RGB": (1, 2, 3), "L": 7, "P": 7, "1": 0}.get(mode) if transparency else None
    content = with_chunks(
        png(mode, **({} if seen is None else {"transparency": seen})),
        png_chunk(b"gAMA", (20_000).to_bytes(4)),
        png_chunk(b"sRGB", b"\0"),
        png_chunk(b"pHYs", bytes(9)),
        png_chunk(b"noTe", bytes(9)),
    )
    assert b"tRNS" in content or seen is None
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    assert (decode(content) == cv2.imdecode(np.frombuffer(content, np.uint8), flags)).all()


@pytest.mark.parametrize("kind", [b"tEXt", b"PLTE", b"noTe"])
def test_pixels_in_two_places_are_refused(kind: bytes) -> None:
    """No viewer reads on behind another chunk."""
    content = png()
    at = content.index(b"IDAT") - 4
    length = int.from_bytes(content[at : at + 4])
    data = content[at + 8 : at + 8 + length]
    half = length // 2
    between = png_chunk(kind, b"a\0b" if kind != b"PLTE" else bytes(3))
    parts = png_chunk(b"IDAT", data[:half]), png_chunk(b"IDAT", data[half:])
    check_whole(content[:at] + b"".join(parts) + content[at + 12 + length :])
    with pytest.raises(ImageError, match="something else lies between its pixels"):
        check_whole(content[:at] + between.join(parts) + content[at + 12 + length :])


@pytest.mark.parametrize("kind", [b"NOTE", b"note", b"no1E", b"\x7fote", b"IHDR"])
def test_a_chunk_that_no_viewer_passes_over_is_refused(kind: bytes) -> None:
    with pytest.raises(ImageError, match="cannot be decoded"):
        check_whole(with_chunks(png(), png_chunk(kind, bytes(13))))
