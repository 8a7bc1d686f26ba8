"""Settings `files.*`: what goes on the face files and collections in CDF."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from capture360.model import LARGEST_CUT_FACE, SMALLEST_CUT_FACE
from capture360.settings.section import Section


class FileSettings(Section):
    """What goes on the face files and collections in CDF."""

    data_set: str | None = None
    """External id of the data set that the files belong to; none if not given."""
    labels: tuple[str, ...] = ()
    """External ids of the labels that the files carry."""
    source: str = "capture360"
    """Source that classic files state; in data modeling projects files are instances, which state none."""
    directory: Annotated[str | None, Field(pattern="^/", max_length=512)] = None
    """Directory that the files state: an absolute path with forward slashes; none if not given."""
    face_size: Annotated[int, Field(ge=SMALLEST_CUT_FACE, le=LARGEST_CUT_FACE, multiple_of=2)] | None = None
    """Pixels of a face cut from a panorama; a quarter of its width, at most 4096, if not given."""
    jpeg_quality: Annotated[int, Field(ge=50, le=100)] = 92
    """JPEG quality of faces that are encoded here."""
    progressive: bool = False
    """Whether faces that are encoded here are progressive JPEG: a browser shows all of a face, blurred, once a
    fifteenth of it is there, and making faces of a panorama takes 1.7 times the CPU. Faces that are delivered as such,
    as of cubemaps, stay as they are."""
    blur: str | None = None
    """Dotted path of a callable `(face: bytes, key: CaptureKey, station: str, face_name: str) -> bytes`, in a package
    of yours: every face passes through it before it is uploaded. Nothing is blurred here."""
