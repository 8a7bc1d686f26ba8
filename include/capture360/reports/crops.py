"""Crops of faces for reports: a plate with its outline drawn in, and its surroundings."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from capture360.errors import Capture360Error
from capture360.geometry.boxes import Polygon, bounds
from capture360.model import Detection, FaceName
from capture360.pictures.decoding import decode
from capture360.pictures.jpeg import encode_jpeg

FaceContent = Callable[[str, FaceName], bytes]
"""Returns the file of a face, given the external id of its image and the name of the face."""

_MARGIN = 0.6
"""Margin on each side, as a share of the plate's longer side."""
_LEAST_SHARE = 0.03
"""Least share of the face that a crop shows, since the surroundings of a plate help to identify it."""
_WIDTH = 300
_HEIGHT = 225
"""Pixels; three or four plates fit on a screen."""
_QUALITY = 76
_OUTLINE = (255, 0, 200)


def crops(detections: Iterable[Detection], face: FaceContent) -> dict[Detection, str]:
    """Return the crops of `pictures` as data URLs."""
    return {
        detection: "data:image/jpeg;base64," + base64.b64encode(content).decode()
        for detection, content in pictures(detections, face).items()
    }


def pictures(detections: Iterable[Detection], face: FaceContent) -> dict[Detection, bytes]:
    """Return a JPEG of the crop around each detection, except those whose face is not available.

    Each face is decoded once.
    """
    by_face: dict[tuple[str, FaceName], list[Detection]] = defaultdict(list)
    for detection in detections:
        by_face[detection.image, detection.face].append(detection)
    found: dict[Detection, bytes] = {}
    for (image, name), some in by_face.items():
        try:
            pixels = decode(face(image, name), f"{image} {name}")
        except (Capture360Error, OSError):
            continue
        for detection in some:
            found[detection] = encode_jpeg(_piece(pixels, detection.polygon), _QUALITY)
    return found


def _piece(pixels: NDArray[np.uint8], polygon: Polygon) -> NDArray[np.uint8]:
    import cv2

    height, width = pixels.shape[:2]
    x_min, y_min, x_max, y_max = bounds(polygon)
    margin = max(_MARGIN * max(x_max - x_min, y_max - y_min), _LEAST_SHARE)
    left, right = max(0, int((x_min - margin) * width)), min(width, int((x_max + margin) * width) + 1)
    top, bottom = max(0, int((y_min - margin) * height)), min(height, int((y_max + margin) * height) + 1)
    scale = min(_WIDTH / (right - left), _HEIGHT / (bottom - top))
    size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    piece = cv2.resize(np.ascontiguousarray(pixels[top:bottom, left:right]), size, interpolation=how)
    corners = (np.asarray(polygon) * (width, height) - (left, top)) * (
        size[0] / (right - left),
        size[1] / (bottom - top),
    )
    cv2.polylines(piece, [corners.round().astype(np.int32)], isClosed=True, color=_OUTLINE, thickness=2)
    return np.asarray(piece, dtype=np.uint8)
