"""Sources of cube faces: six files for each station, one panorama for each station, or E57 files.

The same files give the same faces, byte for byte: delivered faces pass through untouched, and faces made here depend on
the pixels, the face size, the JPEG quality and the versions of OpenCV and libjpeg-turbo (simplejpeg), not on threads or
the machine. After an upgrade of those two, a picture gives other face files; a published station whose picture is
the same keeps its own (`steps.republish_guard`).
"""

from capture360.pictures.faces import FaceOptions
from capture360.sources.open import open_source

__all__ = ["FaceOptions", "open_source"]
