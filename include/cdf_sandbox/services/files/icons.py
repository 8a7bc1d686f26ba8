"""Small pictures of image files."""

import io
from typing import BinaryIO

from PIL import Image

from cdf_sandbox.core.errors import BadRequest

_MAX_PIXELS = 200_000_000


def small_jpeg(file: BinaryIO, edge_px: int = 200, quality: int = 80) -> bytes:
    """A JPEG of at most so many pixels a side; 400 when the file is not an image or claims too many pixels."""
    try:
        with Image.open(file) as image:
            if image.width * image.height > _MAX_PIXELS:
                raise BadRequest(f"No icon for an image of {image.width} x {image.height} pixels")
            image.draft("RGB", (edge_px, edge_px))
            image.thumbnail((edge_px, edge_px))
            small = io.BytesIO()
            image.convert("RGB").save(small, "JPEG", quality=quality)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadRequest("Icons are made of jpeg and png files; this file cannot be read as one") from None
    return small.getvalue()
