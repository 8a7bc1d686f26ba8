"""Spheres inside E57 files. A station names its own as `Photosphere.reference` writes it: `<file>#<image number>`."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import cache

from capture360.e57 import (
    E57Error,
    PagedFile,
    Photosphere,
    find_photospheres,
    read_contents,
    sphere_faces,
    split_reference,
)
from capture360.errors import BadInputError
from capture360.landing.folder import CaptureFolder
from capture360.landing.scans import open_scan, scan_exists
from capture360.model import Capture, EncodedFace, Station
from capture360.pictures.jpeg import JPEG_QUALITY, MAX_MEGAPIXELS


class E57Panoramas:
    """Spherical images are projected; pinhole faces that are square-on pass through untouched.

    Each file's description is read once a source; pictures are read where they lie, never the whole file. The file that
    was read last stays open, lest one in a deflated archive is unpacked for every station.
    """

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
        self._spheres = cache(self._read_spheres)
        self._open: tuple[str, PagedFile] | None = None
        self._closing = ExitStack()
        weakref.finalize(self, self._closing.close)

    def stations(self) -> Sequence[Station]:
        return self._capture.stations

    def faces(self, station: Station) -> Iterator[EncodedFace]:
        """The six faces in the order of `FACES`, each made when asked for."""
        reference = self._capture.media[station.id].panorama
        if reference is None:
            raise BadInputError(f"{station.id}: no sphere of an E57 file is named. Validate the capture again.")
        path, index = split_reference(reference)
        sphere = self._spheres(path).get(index)
        if sphere is None:
            raise E57Error(f"{path} no longer holds the sphere of image {index}. Deliver the capture again.")
        yield from sphere_faces(self._file(path), sphere, self._face_size, self._jpeg_quality, self._max_megapixels)

    def _read_spheres(self, path: str) -> Mapping[int, Photosphere]:
        return {sphere.index: sphere for sphere in find_photospheres(read_contents(self._file(path))).usable}

    def _file(self, path: str) -> PagedFile:
        if self._open is None or self._open[0] != path:
            if not scan_exists(self._folder, path):
                raise BadInputError(
                    f"{path} is no longer in {self._folder.url}. Put it back or deliver the capture again."
                )
            self._closing.close()
            self._open = path, PagedFile(self._closing.enter_context(open_scan(self._folder, path)), path)
        return self._open[1]
