"""Files in place of pictures: what they are, and what to do about each."""

from __future__ import annotations

import base64
import bz2
import gzip
import lzma
from pathlib import Path

import numpy as np
import pytest

from capture360.pictures import jpeg
from delivery import picture
from pictures import encode_png

PICTURE = picture(64, 64, 1)
PNG = encode_png(np.zeros((8, 8, 3), np.uint8))
UNPACK, DECODE, COPY = "Unpack it, and deliver", "Decode it, and deliver the picture", "Copy it again."
AS_TEXT = f"it is a picture that was copied as text, which changes its bytes. {COPY}"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (bytes(3000), f"it holds zeros alone, so its content was never written. {COPY}"),
        (b"\xff" * 3000, f"it holds bytes ff alone, so its content was never written. {COPY}"),
        (bytes(4096) + PICTURE[4096:] + b"a", f"its first 4,096 bytes are zeros. {COPY}"),
        (gzip.compress(PICTURE), f"it is packed with gzip. {UNPACK}"),
        (bz2.compress(PICTURE), f"it is packed with bzip2. {UNPACK}"),
        (lzma.compress(PICTURE), f"it is packed with xz. {UNPACK}"),
        (b"7z\xbc\xaf\x27\x1c" + PICTURE, f"it is a 7z archive. {UNPACK}"),
        (b"Rar!\x1a\x07\x00" + PICTURE, f"it is a RAR archive. {UNPACK}"),
        (b"front.jpg".ljust(257, b"\x00") + b"ustar\x00" + PICTURE, f"it is a tar archive. {UNPACK}"),
        (base64.b64encode(PICTURE), f"it is a picture in Base64. {DECODE}"),
        (base64.encodebytes(PNG).replace(b"\n", b"\r\n"), f"it is a picture in Base64. {DECODE}"),
        (b"data:image/jpeg;base64," + base64.b64encode(PICTURE), f"it is a picture in Base64. {DECODE}"),
        (b'"' + base64.urlsafe_b64encode(PICTURE) + b'"', f"it is a picture in Base64. {DECODE}"),
        (base64.b64encode(PICTURE).decode().encode("utf-16"), f"it is a picture in Base64. {DECODE}"),
        (PICTURE.hex().encode(), f"it is a picture in hexadecimal digits. {DECODE}"),
        (PICTURE.decode("latin-1").encode(), AS_TEXT),
        (PNG.replace(b"\r\n", b"\n"), AS_TEXT),
        (b'{"error": "not\n found"}' * 60, 'it is a text that begins "{"error": "not found"}'),
        (b"BM 7 is not there. " * 60, 'it is a text that begins "BM 7 is not there.'),
        (b"\n<!doctype html>" + b" " * 900, "it is a web page or XML. It came in place of the picture: download or"),
        (b"ASTM-E57" + PICTURE, "it is an E57 file. Name it .e57"),
        (b"\x00\x05\x16\x07\x00\x02\x00\x00" + PICTURE, "it is a companion file of macOS. Deliver the picture itself."),
        (b"\x01\x02\x03\x04" + bytes(900), "it starts with 01 02 03 04. Export it as JPEG."),
    ],
)  # fmt: skip
def test_a_file_in_place_of_a_picture_is_told_with_what_to_do(content: bytes, words: str) -> None:
    with pytest.raises(jpeg.ImageError) as raised:
        jpeg.read_header(content)
    assert str(raised.value).startswith(f"The picture is neither JPEG nor PNG: {words}")


def test_a_large_file_of_zeros_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "front.jpg"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)
    with path.open("rb") as stream, pytest.raises(jpeg.ImageError, match=r"its first 67,108,864 bytes are zeros"):
        jpeg.read_header(stream)
