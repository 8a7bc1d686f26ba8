"""Settings `links.ocr.*`, `links.vision.*` and `links.cdf_3d_job.*`: how the faces are read."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from capture360.model import FaceName
from capture360.settings.section import Duration, Fraction, Section, SpaceId

DetectorName = Literal["ocr", "vision", "cdf_3d_job"]


class OcrSettings(Section):
    """How the own OCR reads faces. Measured on drawn plates (docs/decisions/0007)."""

    faces: tuple[FaceName, ...] = ("front", "right", "back", "left")
    """Faces that are read, by Vision too. Plates on top and bottom faces are rare, and each face costs a CPU second."""
    detector_side: Annotated[int, Field(ge=320, le=4096)] = 1536
    """Pixels of the longest side of the picture that text is located in; larger finds smaller text, more slowly."""
    box_threshold: Fraction = 0.25
    """Mean text probability below which an outline is dropped."""
    pixel_threshold: Fraction = 0.15
    """Text probability from which a pixel belongs to an outline."""
    min_score: Fraction = 0.5
    """Engine score below which a text is not reported at all."""


class VisionSettings(Section):
    """How CDF's Vision service reads the faces that `ocr.faces` names."""

    threshold: Fraction | None = None
    """Confidence below which Vision does not report a text; its own default if not given."""
    deadline: Duration = timedelta(hours=2)
    """How long to wait for Vision's jobs."""


class JobSettings(Section):
    """How CDF's 3D job ImageTextDetection reads a collection."""

    space: SpaceId | None = None
    """Instance space of the job and of its result; the site's space if not given."""
    deadline: Duration = timedelta(hours=6)
    """How long to wait for a job."""
