"""Interface of the detectors, which yield the texts on the faces of published images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from capture360.geometry.boxes import Polygon
from capture360.model import Detection, FaceRef, PublishedImage
from capture360.rules.finding import Finding

ReadFace = Callable[[FaceRef], bytes]
"""Reads the file of a published face from CDF."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text on a face; `polygon` in 0..1 of the face, the rest as of a `Detection`."""

    text: str
    score: float
    polygon: Polygon
    outline: Polygon | None = None
    whole: bool | None = None
    cap_px: float | None = None
    uncut: Polygon | None = None


class Detector(Protocol):
    """Detects texts; `findings` is complete once the iterator is exhausted."""

    findings: list[Finding]
    """Faces that could not be read, and texts that were cut or left out."""

    @property
    def engine(self) -> str:
        """Name of the engine, with its version if known."""
        ...

    @property
    def images_at_once(self) -> int:
        """Number of images per call that the detector handles best."""
        ...

    def detect(self, images: Sequence[PublishedImage]) -> Iterator[Detection]:
        """Yield the texts on the faces of these images."""
        ...
