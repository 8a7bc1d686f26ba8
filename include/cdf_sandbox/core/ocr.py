"""OCR backend of the Vision and 3D job endpoints: RapidOCR with the models in its wheel, if it is installed."""

import hashlib
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cdf_sandbox.core.background import WorkError

_SIDE = 1536
_CACHED = 2000


class CannotRead(WorkError):
    """No text can be read; the message gives the reason."""


@dataclass(frozen=True)
class Text:
    """A line of text; `corners` in fractions of the picture, y down, from the top left one in reading order."""

    text: str
    confidence: float
    corners: tuple[tuple[float, float], ...]


_lock = threading.Lock()
_known: dict[str, tuple[Text, ...]] = {}
"""Texts by sha256 of the picture, since tests read the same faces over and over."""


def read_texts(content: bytes) -> tuple[Text, ...]:
    """The texts on a picture."""
    key = hashlib.sha256(content).hexdigest()
    with _lock:
        if key not in _known:
            if len(_known) >= _CACHED:
                _known.clear()
            _known[key] = _read(content)
        return _known[key]


def _read(content: bytes) -> tuple[Text, ...]:
    engine = _engine()
    import cv2
    import numpy as np

    # Of no bytes at all OpenCV makes an error of its own.
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    if pixels is None:
        raise CannotRead("The file is no readable JPEG or PNG image")
    height, width = pixels.shape[:2]
    found = engine(pixels)
    if found.boxes is None or found.txts is None or found.scores is None:
        return ()
    return tuple(
        Text(
            text.strip(),
            min(float(score), 1.0),
            tuple((min(max(float(x) / width, 0.0), 1.0), min(max(float(y) / height, 0.0), 1.0)) for x, y in box),
        )
        for box, text, score in zip(found.boxes, found.txts, found.scores, strict=True)
        if text.strip()
    )


@lru_cache(maxsize=1)
def _engine() -> Any:
    try:
        import cv2
        from rapidocr import RapidOCR

        cv2.setNumThreads(1)
        return RapidOCR(
            params={
                "Global.log_level": "error",
                "Global.max_side_len": 4096,
                "Det.limit_type": "max",
                "Det.limit_side_len": _SIDE,
                "Det.box_thresh": 0.25,
                "Det.thresh": 0.15,
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )
    except ImportError as error:
        raise CannotRead(f"The sandbox cannot read text: {error.name} is not installed (extra 'ocr')") from None
