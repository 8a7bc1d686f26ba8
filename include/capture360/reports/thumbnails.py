"""Thumbnails for reports, as data URLs."""

from __future__ import annotations

import base64

import numpy as np

from capture360.errors import BadInputError
from capture360.landing.folder import CaptureFolder
from capture360.pictures.decoding import overview
from capture360.pictures.jpeg import encode_jpeg

_MOST_MEGAPIXELS = 80
_MOST_BYTES = 60_000_000
_QUALITY = 72


def thumbnail(folder: CaptureFolder, path: str, width: int) -> str | None:
    """Return the picture scaled to `width` pixels as a data URL; None if it is missing or damaged."""
    import cv2

    try:
        if not 0 < folder.sizes.get(path, 0) <= _MOST_BYTES:
            return None
        pixels = overview(folder.read(path), width, max_megapixels=_MOST_MEGAPIXELS)
    except (BadInputError, OSError):
        return None
    height = max(1, round(width * pixels.shape[0] / pixels.shape[1]))
    small = cv2.resize(pixels, (width, min(height, 3 * width)), interpolation=cv2.INTER_AREA)
    return "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(np.asarray(small), _QUALITY)).decode()
