"""Six delivered face files a station, passed through untouched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from capture360.errors import BadInputError
from capture360.landing.folder import CaptureFolder
from capture360.model import FACES, Capture, EncodedFace, Station
from capture360.pictures.faces import untouched_face
from capture360.pictures.jpeg import MAX_MEGAPIXELS


class CubemapFolder:
    """JPEG and PNG files as the photographer made them."""

    def __init__(self, capture: Capture, folder: CaptureFolder, max_megapixels: float = MAX_MEGAPIXELS) -> None:
        self._capture = capture
        self._folder = folder
        self._max_megapixels = max_megapixels

    def stations(self) -> Sequence[Station]:
        return self._capture.stations

    def faces(self, station: Station) -> Iterator[EncodedFace]:
        """The six faces in the order of `FACES`, read one at a time."""
        files = self._capture.media[station.id].faces
        for face in FACES:
            if face not in files:
                raise BadInputError(f'{station.id}: face "{face}" is missing. Deliver all six faces.')
            yield untouched_face(face, read_delivered(self._folder, files[face]), files[face], self._max_megapixels)


def read_delivered(folder: CaptureFolder, path: str) -> bytes:
    """The whole file; BadInputError if it has gone since the capture was validated."""
    try:
        return folder.read(path)
    except FileNotFoundError:
        raise BadInputError(f"{path} is no longer in {folder.url}. Put it back or deliver the capture again.") from None
