"""Options and base class of the sources of faces, and what they say of files that were deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from typing_extensions import override

from capture360.errors import BadInputError
from capture360.landing.folder import CaptureFolder
from capture360.model import Capture, FaceSource
from capture360.pictures.jpeg import JPEG_QUALITY, MAX_MEGAPIXELS


@dataclass(frozen=True, slots=True)
class FaceOptions:
    """How faces are made. `face_size` is in pixels; None takes what suits the picture. Delivered faces pass through."""

    face_size: int | None = None
    jpeg_quality: int = JPEG_QUALITY
    max_megapixels: float = MAX_MEGAPIXELS
    progressive: bool = False


class FolderSource(FaceSource):
    """A source that reads a capture's landing folder."""

    side_by_side = True
    """Whether several threads may ask for faces at once."""

    def __init__(self, capture: Capture, folder: CaptureFolder, options: FaceOptions) -> None:
        self._capture = capture
        self._folder = folder
        self._options = options

    @override
    def close(self) -> None:
        """Close the files that are open; the source can be used again."""


@contextmanager
def still_there(folder: CaptureFolder, path: str) -> Iterator[None]:
    """Raise BadInputError if a validated file was deleted or another has its name; other errors of stores pass."""
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        said = "" if isinstance(error, FileNotFoundError) else f" as a file ({error.strerror})"
        raise BadInputError(
            f"{path} is no longer in {folder.url}{said}. Put it back or deliver the capture again."
        ) from None
