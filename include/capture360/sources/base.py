"""Base class of the sources of faces, and what they say of files that were deleted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from typing_extensions import override

from capture360.errors import BadInputError
from capture360.landing.folder import CaptureFolder
from capture360.model import Capture, FaceSource, Station
from capture360.pictures.faces import FaceOptions


class FolderSource(FaceSource):
    """A source that reads a capture's landing folder."""

    side_by_side = True
    """Whether several threads may ask for faces at once."""

    def __init__(self, capture: Capture, folder: CaptureFolder, options: FaceOptions) -> None:
        self._capture = capture
        self._folder = folder
        self._options = options
        self._shas: dict[str, str] = {}

    @override
    def digest(self, station: Station) -> str:
        return hashlib.sha256("".join(map(self._sha, self._paths(station))).encode()).hexdigest()

    def _paths(self, station: Station) -> Sequence[str]:
        """Return the files that a station's faces are made of."""
        raise NotImplementedError

    def _read(self, path: str) -> bytes:
        """Return the whole file; BadInputError if it cannot be read although the capture was validated with it."""
        with still_there(self._folder, path):
            content = self._folder.read(path)
        self._shas[path] = hashlib.sha256(content).hexdigest()
        return content

    def _sha(self, path: str) -> str:
        if path not in self._shas:
            self._read(path)
        return self._shas[path]

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
