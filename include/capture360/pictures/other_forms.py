"""What a file is that is neither JPEG nor PNG, and what to do about it."""

from __future__ import annotations

import codecs
import re
from typing import IO

from capture360 import lfs
from capture360.text import printable

SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
"""How a JPEG and a PNG begin."""
_START = 512
_LATEST = 16
"""Bytes within which a picture is found behind others."""
_SHORT = 2
"""Bytes with which a text may begin as well."""
_BLOCK, _MOST_BLOCKS = 1 << 20, 64
_EXPORT = "Export it as JPEG."
_COPY = "Copy it again."
_UNPACK = "Unpack it, and deliver the picture that is in it."
_DECODE = "Decode it, and deliver the picture itself."
_ITSELF = "Deliver the picture itself."
_FORMS = (
    (b"GIF8", 0, "a GIF", _EXPORT),
    (b"WEBP", 8, "a WebP picture", _EXPORT),
    (b"II*\x00", 0, "a TIFF", _EXPORT),
    (b"MM\x00*", 0, "a TIFF", _EXPORT),
    (b"II+\x00", 0, "a TIFF", _EXPORT),
    (b"MM\x00+", 0, "a TIFF", _EXPORT),
    (b"jP  ", 4, "a JPEG 2000 picture", _EXPORT),
    (b"\xffO\xffQ", 0, "a JPEG 2000 picture", _EXPORT),
    (b"JXL ", 4, "a JPEG XL picture", _EXPORT),
    (b"\xff\n", 0, "a JPEG XL picture", _EXPORT),
    (b"8BPS", 0, "a Photoshop document", _EXPORT),
    (b"BM", 0, "a BMP", _EXPORT),
    (b"v/1\x01", 0, "an OpenEXR picture", _EXPORT),
    (b"#?RADIANCE", 0, "a Radiance HDR picture", _EXPORT),
    (b"P5\n", 0, "a PGM", _EXPORT),
    (b"P6\n", 0, "a PPM", _EXPORT),
    (b"ftyphe", 4, "a HEIC picture", _EXPORT),
    (b"ftypmif1", 4, "a HEIC picture", _EXPORT),
    (b"ftypmsf1", 4, "a HEIC picture", _EXPORT),
    (b"ftypavi", 4, "an AVIF picture", _EXPORT),
    (b"ftypcrx", 4, "a raw picture", _EXPORT),
    (b"ftyp", 4, "a film", _EXPORT),
    (b"AVI ", 8, "a film", _EXPORT),
    (b"%PDF", 0, "a PDF", _EXPORT),
    (b"%!PS", 0, "a PostScript document", _EXPORT),
    (b"ASTM-E57", 0, "an E57 file", "Name it .e57, or export the picture that is in it as JPEG."),
    (lfs.POINTER[:16], 0, lfs.WHAT, lfs.FETCH),
    (b"PK\x03\x04", 0, "a zip archive", _UNPACK),
    (b"PK\x05\x06", 0, "an empty zip archive", _ITSELF),
    (b"\x1f\x8b", 0, "packed with gzip", _UNPACK),
    (b"\x1f\x9d", 0, "packed with compress", _UNPACK),
    (b"BZh", 0, "packed with bzip2", _UNPACK),
    (b"\xfd7zXZ\x00", 0, "packed with xz", _UNPACK),
    (b"\x28\xb5\x2f\xfd", 0, "packed with zstd", _UNPACK),
    (b"\x04\x22\x4d\x18", 0, "packed with lz4", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", 0, "a 7z archive", _UNPACK),
    (b"Rar!\x1a\x07", 0, "a RAR archive", _UNPACK),
    (b"ustar", 257, "a tar archive", _UNPACK),
    (b"\x00\x05\x16\x07", 0, "a companion file of macOS", _ITSELF),
    (b"\x00\x05\x16\x00", 0, "a companion file of macOS", _ITSELF),
    (b"bplist00", 0, "a property list of macOS", _ITSELF),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, "a document of old Office programs", _ITSELF),
    (b"MZ", 0, "a program", _ITSELF),
    (b"Salted__", 0, "encrypted", "Deliver it without a password."),
    # Bytes that are no text, or line ends, were replaced by a program that took the picture for text.
    (b"\xc3\xbf\xc3\x98", 0, "a picture that was copied as text, which changes its bytes", _COPY),
    (b"\xef\xbf\xbd", 0, "a picture that was copied as text, which changes its bytes", _COPY),
    (b"\xc2\x89PNG", 0, "a picture that was copied as text, which changes its bytes", _COPY),
    (b"?PNG", 0, "a picture that was copied as text, which changes its bytes", _COPY),
    (b"\tPNG", 0, "a picture that was copied as text, which changes its bytes", _COPY),
    (b"\x89PNG", 0, "a picture that was copied as text, which changes its bytes", _COPY),
)
"""How other files begin, from which byte on, what they are, and what to do."""
_BASE64 = re.compile(r"[\"']?(?:data:[^,]{0,100},)?\s*(?:/9j/|_9j_|iVBORw0K)")
"""Beginning of a JPEG or PNG in Base64."""
_HEX = re.compile(r"(?i)(?:0x)?(?:ff\s?d8\s?ff|89\s?50\s?4e\s?47)")


def what_else(stream: IO[bytes]) -> str:
    """Return what is wrong with a file that does not begin as a JPEG or PNG, and the fix, as the rest of a sentence."""
    stream.seek(0)
    start = stream.read(_START)
    text = _text(start)
    for sign, at, what, fix in _FORMS:
        if start.startswith(sign, at) and (len(sign) > _SHORT or not text):
            return f"is neither JPEG nor PNG: it is {what}. {fix}"
    late = next((at for sign in SIGNATURES if 0 < (at := start.find(sign, 0, _LATEST)) < _LATEST), 0)
    if late:
        return f"begins {late} bytes too late: others stand before it. {_COPY}"
    repeated, is_all = _repeated(stream, start[:1])
    if is_all:
        only = "zeros" if start[:1] == b"\x00" else f"bytes {start[:1].hex()}"
        return f"is neither JPEG nor PNG: it holds {only} alone, so its content was never written. {_COPY}"
    if start[:1] == b"\x00" and repeated >= _LATEST:
        return f"is neither JPEG nor PNG: its first {repeated:,} bytes are zeros. {_COPY}"
    if _BASE64.match(text):
        return f"is neither JPEG nor PNG: it is a picture in Base64. {_DECODE}"
    if _HEX.match(text):
        return f"is neither JPEG nor PNG: it is a picture in hexadecimal digits. {_DECODE}"
    if text.startswith("<"):
        fix = "It came in place of the picture: download or export that again."
        return f"is neither JPEG nor PNG: it is a web page or XML. {fix}"
    if text:
        return f'is neither JPEG nor PNG: it is a text that begins "{printable(" ".join(text.split()), 40)}". {_ITSELF}'
    return f"is neither JPEG nor PNG: it starts with {start[:4].hex(' ')}. {_EXPORT}"


def _text(start: bytes) -> str:
    """Return the beginning of a file as text without blanks around it; empty if it is none. It may end in a letter."""
    encoding = "utf-16" if start.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(start).strip("\ufeff \t\r\n")
    except UnicodeDecodeError:
        return ""
    return text if all(each.isprintable() or each.isspace() for each in text) else ""


def _repeated(stream: IO[bytes], byte: bytes) -> tuple[int, bool]:
    """Return how often a file repeats its first byte at its beginning, and whether it holds nothing else."""
    stream.seek(0)
    count = 0
    for _ in range(_MOST_BLOCKS):
        block = stream.read(_BLOCK)
        rest = block.lstrip(byte)
        count += len(block) - len(rest)
        if rest or not block:
            return count, not rest
    return count, False
