"""What a site may set about the reading of faces."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from capture360.model import FaceName

DetectorName = Literal["ocr", "vision", "job"]
Fraction = Annotated[float, Field(ge=0, le=1)]


class OcrSettings(BaseModel):
    """How faces are read. Measured on drawn plates (docs/decisions/0007)."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    faces: tuple[FaceName, ...] = ("front", "right", "back", "left")
    """Plates on top and bottom faces are rare, and each face costs a CPU second."""
    detector_side: Annotated[int, Field(ge=320, le=4096)] = 1536
    """Edge length in pixels that the text detector scales a picture to."""
    box_threshold: Fraction = 0.25
    """Least mean score of a text box."""
    pixel_threshold: Fraction = 0.15
    """Least score of a pixel that belongs to text."""
    min_score: Fraction = 0.5
    """Engine score below which a text is not reported at all."""


class VisionSettings(BaseModel):
    """How CDF's Vision service reads the faces that `ocr.faces` names."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    threshold: Fraction | None = None
    """Confidence below which Vision does not report a text; its own default if not given."""
    deadline: timedelta = timedelta(hours=2)
    """Longest time to wait for a Vision job."""


class JobSettings(BaseModel):
    """How CDF's 3D job ImageTextDetection reads a collection."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    space: str | None = None
    """Instance space of the job and of its result; the site's space if not given."""
    deadline: timedelta = timedelta(hours=6)
    """Longest time to wait for the job."""
