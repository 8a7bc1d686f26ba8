"""Spheres in E57 files. Stations refer to theirs as `<file>#<image number>`, see `Photosphere.reference`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import cache

from typing_extensions import override

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
from capture360.pictures.faces import FaceOptions
from capture360.sources.base import FolderSource, still_there


class E57Panoramas(FolderSource):
    """Spherical images are projected; pinhole faces that are square-on pass through untouched.

    Each file's description is read once a source; pictures are read in place, never the whole file. The file that was
    read last stays open until `close`, so that one in a deflated archive is not unpacked for every station. So one
    thread at a time reads.
    """

    side_by_side = False

    def __init__(self, capture: Capture, folder: CaptureFolder, options: FaceOptions) -> None:
        super().__init__(capture, folder, options)
        self._spheres = cache(self._read_spheres)
        self._open: tuple[str, PagedFile] | None = None
        self._closing = ExitStack()

    @override
    def close(self) -> None:
        self._open = None
        self._closing.close()

    @override
    def faces(self, station: Station) -> Iterator[EncodedFace]:
        """The six faces in the order of `FACES`, each made when asked for."""
        reference = self._capture.media[station.id].panorama
        if reference is None:
            raise BadInputError(f"{station.id}: no sphere of an E57 file is named. Validate the capture again.")
        path, index = split_reference(reference)
        sphere = self._spheres(path).get(index)
        if sphere is None:
            raise E57Error(f"{path} no longer holds the sphere of image {index}. Deliver the capture again.")
        yield from sphere_faces(self._file(path), sphere, self._options)

    @override
    def digest(self, station: Station) -> str:
        """Return the digest of the file, as validated, and the sphere in it."""
        reference = self._capture.media[station.id].panorama or ""
        path, index = split_reference(reference)
        sha256 = self._capture.scans.get(path, "")
        return f"{sha256}#{index}" if sha256 else ""

    def _read_spheres(self, path: str) -> Mapping[int, Photosphere]:
        return {sphere.index: sphere for sphere in find_photospheres(read_contents(self._file(path))).usable}

    def _file(self, path: str) -> PagedFile:
        if self._open is None or self._open[0] != path:
            if not scan_exists(self._folder, path):
                raise BadInputError(
                    f"{path} is no longer in {self._folder.url}. Put it back or deliver the capture again."
                )
            self.close()
            with still_there(self._folder, path):
                self._open = path, PagedFile(self._closing.enter_context(open_scan(self._folder, path)), path)
        return self._open[1]
