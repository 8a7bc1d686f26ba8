"""The source that fits a capture's kind."""

from __future__ import annotations

from capture360.landing.folder import CaptureFolder
from capture360.model import Capture, CaptureKind, FaceSource
from capture360.pictures.jpeg import JPEG_QUALITY, MAX_MEGAPIXELS
from capture360.sources.cubemap import CubemapFolder
from capture360.sources.e57 import E57Panoramas
from capture360.sources.panoramas import Panoramas


def open_source(
    capture: Capture,
    folder: CaptureFolder,
    *,
    face_size: int | None = None,
    jpeg_quality: int = JPEG_QUALITY,
    max_megapixels: float = MAX_MEGAPIXELS,
) -> FaceSource:
    """The faces of a validated capture in its landing folder.

    `face_size` (pixels) and `jpeg_quality` are for faces made here; delivered ones pass through. Reading a face raises
    BadInputError with the file's name if the file is gone, damaged, or no longer what was validated.
    """
    if capture.kind is CaptureKind.CUBEMAP:
        return CubemapFolder(capture, folder, max_megapixels)
    if capture.kind is CaptureKind.E57:
        return E57Panoramas(capture, folder, face_size, jpeg_quality, max_megapixels)
    return Panoramas(capture, folder, face_size, jpeg_quality, max_megapixels)
