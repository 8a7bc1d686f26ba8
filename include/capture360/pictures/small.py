"""Small copies of pictures, for pages."""

from __future__ import annotations

from capture360.pictures.decoding import overview
from capture360.pictures.jpeg import encode_jpeg

THUMBNAIL = 192
"""Pixels of a picture in a list or on a contact sheet."""
SMALL = 512
"""Pixels of a small face: six of them are less than one full face of 2048."""
_QUALITY = 70


def small_copy(content: bytes, most: int, where: str) -> bytes:
    """Return a JPEG of at most `most` pixels a side; BadInputError with `where` if the picture cannot be decoded."""
    import cv2

    pixels = overview(content, most, where=where)
    height, width = pixels.shape[:2]
    if max(height, width) > most:
        scale = most / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(pixels.dtype)
    return encode_jpeg(pixels, _QUALITY)
