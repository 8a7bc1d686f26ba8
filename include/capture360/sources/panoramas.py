"""One panorama a station, projected onto the six faces here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from capture360.errors import BadInputError
from capture360.landing.folder import CaptureFolder
from capture360.model import Capture, EncodedFace, Station
from capture360.pictures.faces import projected_faces
from capture360.pictures.jpeg import JPEG_QUALITY, MAX_MEGAPIXELS
from capture360.sources.cubemap import read_delivered


class Panoramas:
    """Equirectangular JPEG or PNG files. Holds one decoded panorama at a time."""

    def __init__(
        self,
        capture: Capture,
        folder: CaptureFolder,
        face_size: int | None = None,
        jpeg_quality: int = JPEG_QUALITY,
        max_megapixels: float = MAX_MEGAPIXELS,
    ) -> None:
        self._capture = capture
        self._folder = folder
        self._face_size = face_size
        self._jpeg_quality = jpeg_quality
        self._max_megapixels = max_megapixels

    def stations(self) -> Sequence[Station]:
        return self._capture.stations

    def faces(self, station: Station) -> Iterator[EncodedFace]:
        """The six faces in the order of `FACES`, each encoded when asked for."""
        path = self._capture.media[station.id].panorama
        if path is None:
            raise BadInputError(f"{station.id}: no panorama is named. Fill pano_file in the stations table.")
        content = read_delivered(self._folder, path)
        yield from projected_faces(content, path, self._face_size, self._jpeg_quality, self._max_megapixels)
