"""The source that fits a capture's kind."""

from __future__ import annotations

from capture360.landing.folder import CaptureFolder
from capture360.model import Capture, CaptureKind, FaceSource
from capture360.pictures.faces import USUAL, FaceOptions
from capture360.sources.cubemap import CubemapFolder
from capture360.sources.e57 import E57Panoramas
from capture360.sources.panoramas import Panoramas


def open_source(capture: Capture, folder: CaptureFolder, options: FaceOptions = USUAL) -> FaceSource:
    """The faces of a validated capture in its landing folder; whoever opens the source closes it.

    Reading a face raises BadInputError with the file's name if the file is missing, damaged, or no longer what was
    validated.
    """
    if capture.kind is CaptureKind.CUBEMAP:
        return CubemapFolder(capture, folder, options)
    if capture.kind is CaptureKind.E57:
        return E57Panoramas(capture, folder, options)
    return Panoramas(capture, folder, options)
