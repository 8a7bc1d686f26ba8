"""One panorama a station, projected onto the six faces here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from typing_extensions import override

from capture360.errors import BadInputError
from capture360.model import EncodedFace, Station
from capture360.pictures.faces import projected_faces
from capture360.sources.base import FolderSource


class Panoramas(FolderSource):
    """Equirectangular JPEG or PNG files. A thread holds one decoded panorama at a time."""

    @override
    def faces(self, station: Station) -> Iterator[EncodedFace]:
        """The six faces in the order of `FACES`, each encoded when asked for."""
        (path,) = self._paths(station)
        yield from projected_faces(self._read(path), path, self._options)

    @override
    def _paths(self, station: Station) -> Sequence[str]:
        path = self._capture.media[station.id].panorama
        if path is None:
            raise BadInputError(f"{station.id}: no panorama is named. Fill pano_file in the stations table.")
        return [path]
