"""Six delivered face files a station, passed through untouched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from typing_extensions import override

from capture360.errors import BadInputError
from capture360.model import FACES, EncodedFace, Station
from capture360.pictures.faces import untouched_face
from capture360.sources.base import FolderSource


class CubemapFolder(FolderSource):
    """JPEG and PNG files as the photographer made them."""

    @override
    def faces(self, station: Station) -> Iterator[EncodedFace]:
        """The six faces in the order of `FACES`, read one at a time."""
        for face, path in zip(FACES, self._paths(station), strict=True):
            yield untouched_face(face, self._read(path), path, self._options.max_megapixels)

    @override
    def _paths(self, station: Station) -> Sequence[str]:
        files = self._capture.media[station.id].faces
        if missing := [face for face in FACES if face not in files]:
            raise BadInputError(f'{station.id}: face "{missing[0]}" is missing. Deliver all six faces.')
        return [files[face] for face in FACES]
