"""Pictures for tests that the product only reads."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG of height x width x 3 RGB."""
    written, data = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    assert written
    return bytes(data.tobytes())
