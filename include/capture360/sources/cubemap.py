"""Six delivered face files a station, passed through untouched."""

from __future__ import annotations

from collections.abc import Iterator

from typing_extensions import override

from capture360.errors import BadInputError
from capture360.landing.folder import CaptureFolder
from capture360.model import FACES, EncodedFace, Station
from capture360.pictures.faces import untouched_face
from capture360.sources.base import FolderSource, still_there


class CubemapFolder(FolderSource):
    """JPEG and PNG files as the photographer made them."""

    @override
    def faces(self, station: Station) -> Iterator[EncodedFace]:
        """The six faces in the order of `FACES`, read one at a time."""
        files = self._capture.media[station.id].faces
        for face in FACES:
            if face not in files:
                raise BadInputError(f'{station.id}: face "{face}" is missing. Deliver all six faces.')
            content = read_delivered(self._folder, files[face])
            yield untouched_face(face, content, files[face], self._options.max_megapixels)


def read_delivered(folder: CaptureFolder, path: str) -> bytes:
    """The whole file; BadInputError if it cannot be read although the capture was validated with it."""
    with still_there(folder, path):
        return folder.read(path)
