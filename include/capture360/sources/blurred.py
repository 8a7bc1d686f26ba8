"""Faces that a callable of the site blurs before anything else uses them."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace

from typing_extensions import override

from capture360.errors import ConfigError
from capture360.model import Capture, CaptureKey, EncodedFace, FaceSource, Station
from capture360.pictures.decoding import check_whole
from capture360.pictures.jpeg import ImageError

Blur = Callable[[bytes, CaptureKey, str, str], bytes]


class Blurred(FaceSource):
    """Faces of another source as the callable at the dotted path `path` returns them, with their new sha256.

    ConfigError if there is no such callable, if it fails, or if it returns anything but a picture of the same size and
    type, so that no face is uploaded unblurred. One thread at a time calls it.
    """

    side_by_side = False

    def __init__(self, source: FaceSource, capture: Capture, path: str) -> None:
        self._source = source
        self._capture = capture
        self._path = path
        self._blur = blur_named(path)

    @override
    def close(self) -> None:
        self._source.close()

    @override
    def digest(self, station: Station) -> str:
        return self._source.digest(station)

    @override
    def faces(self, station: Station) -> Iterator[EncodedFace]:
        for face in self._source.faces(station):
            content = self._blurred(station, face)
            yield replace(face, content=content, sha256=hashlib.sha256(content).hexdigest())

    def _blurred(self, station: Station, face: EncodedFace) -> bytes:
        where = f"{self._capture.key} {station.id} {face.face}"
        try:
            content = self._blur(face.content, self._capture.key, station.id, face.face)
        except Exception as error:
            raise ConfigError(
                f"files.blur: {self._path} failed at {where} ({type(error).__name__}: {error}). "
                "Fix it; nothing of this station was uploaded."
            ) from error
        if not isinstance(content, bytes):
            raise ConfigError(f"files.blur: {self._path} returned {type(content).__name__} at {where}, not bytes.")
        try:
            header = check_whole(content, where).header
        except ImageError as error:
            raise ConfigError(f"files.blur: {self._path} returned no picture ({error})") from None
        if (header.width, header.height, header.mime_type) != (face.resolution, face.resolution, face.mime_type):
            raise ConfigError(
                f"files.blur: {self._path} returned {header.width} x {header.height} pixels of {header.mime_type} "
                f"at {where}; it was given {face.resolution} x {face.resolution} of {face.mime_type}."
            )
        return content


def blur_named(path: str) -> Blur:
    """The callable at a dotted path; ConfigError if there is none."""
    module, _, name = path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise ConfigError(
            f"files.blur: {path} cannot be imported ({said}). Write package.module.callable, or fix the module."
        ) from error
    if not callable(found):
        raise ConfigError(f"files.blur: {path} is no callable. Name a function.")
    blur: Blur = found
    return blur
