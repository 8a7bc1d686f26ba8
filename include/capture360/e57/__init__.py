"""E57 files (ASTM E2807): their contents, their integrity, and extraction of their panoramas.

found = preflight("scan.e57")                       # milliseconds, whatever the size
checked = verify("scan.e57", progress)              # every page's checksum, and the sha256, in one pass
with open("scan.e57", "rb") as stream:
    file = PagedFile(stream, "scan.e57")
    for sphere in find_photospheres(read_contents(file)).usable:
        faces = list(sphere_faces(file, sphere))
"""

from capture360.e57.contents import Contents, read_contents
from capture360.e57.export import export_capture
from capture360.e57.extract import open_picture, picture_blocks, read_picture, sphere_faces
from capture360.e57.find import find_photospheres
from capture360.e57.images import Image2D, Representation
from capture360.e57.pages import E57Error, PageChecker, PagedFile
from capture360.e57.photospheres import Photosphere, split_reference
from capture360.e57.preflight import Preflight, preflight, with_verification
from capture360.e57.verification import Verification, verify

__all__ = [
    "Contents",
    "E57Error",
    "Image2D",
    "PageChecker",
    "PagedFile",
    "Photosphere",
    "Preflight",
    "Representation",
    "Verification",
    "export_capture",
    "find_photospheres",
    "open_picture",
    "picture_blocks",
    "preflight",
    "read_contents",
    "read_picture",
    "sphere_faces",
    "split_reference",
    "verify",
    "with_verification",
]
