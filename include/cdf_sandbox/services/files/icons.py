"""Small pictures of image files."""

import io
from pathlib import Path

from PIL import Image

from cdf_sandbox.core.errors import BadRequest

_EDGE_PX = 200
_MAX_PIXELS = 200_000_000


def icon(path: Path) -> bytes:
    """A JPEG of at most 200 px a side; 400 when the file is not an image or claims too many pixels."""
    try:
        with Image.open(path) as image:
            if image.width * image.height > _MAX_PIXELS:
                raise BadRequest(f"No icon for an image of {image.width} x {image.height} pixels")
            image.draft("RGB", (_EDGE_PX, _EDGE_PX))
            image.thumbnail((_EDGE_PX, _EDGE_PX))
            small = io.BytesIO()
            image.convert("RGB").save(small, "JPEG", quality=80)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadRequest("Icons are made of jpeg and png files; this file cannot be read as one") from None
    return small.getvalue()
