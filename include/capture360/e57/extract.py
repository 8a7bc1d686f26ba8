"""Extraction from an E57 file: pictures in bounded memory, and the six faces of a sphere."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from capture360.e57.checksums import PAGE, PAYLOAD
from capture360.e57.images import Blob
from capture360.e57.pages import E57Error, PagedFile
from capture360.e57.photospheres import Photosphere, PinholeFace
from capture360.e57.pinholes import picture_points
from capture360.geometry.projection import default_face_size, face_directions
from capture360.model import EncodedFace
from capture360.pictures.decoding import decode
from capture360.pictures.faces import USUAL, FaceOptions, encoded_face, projected_faces, untouched_face

_SECTION_HEADER = struct.Struct("<B7xQ")
_MAP_LIMIT = 32_767
"""cv2.remap addresses pixels with 16-bit numbers."""
_MOST_SAMPLES = 8
_STRIP = 64
"""Rows of a face made at a time; bounds the memory of its rays."""


def picture_start(file: PagedFile, blob: Blob) -> int:
    """Return the physical offset of a picture's first byte; E57Error unless a blob section of its length is there."""
    if blob.length == 0:
        raise E57Error(f"{file.where}: the picture at byte {blob.offset:,} is empty. Export it again.")
    if blob.length < 0 or not file.fits(blob.offset, _SECTION_HEADER.size + blob.length):
        raise E57Error(
            f"{file.where}: a picture of {blob.length:,} bytes at byte {blob.offset:,} lies outside the file. "
            "Export it again."
        )
    kind, length = _SECTION_HEADER.unpack(b"".join(file.blocks(blob.offset, _SECTION_HEADER.size)))
    if kind != 0 or length < _SECTION_HEADER.size + blob.length or not file.fits(blob.offset, length):
        raise E57Error(f"{file.where}: there is no picture at byte {blob.offset:,}. Export it again.")
    page, inside = divmod(blob.offset, PAGE)
    pages, inside = divmod(inside + _SECTION_HEADER.size, PAYLOAD)
    return (page + pages) * PAGE + inside


def open_picture(file: PagedFile, blob: Blob) -> IO[bytes]:
    """Open a picture as a seekable stream, which reads and checks only the pages it needs."""
    return file.open(picture_start(file, blob), blob.length)


def picture_blocks(file: PagedFile, blob: Blob) -> Iterator[bytes]:
    """Yield a picture's bytes, at most a megabyte at a time; each page is checked."""
    return file.blocks(picture_start(file, blob), blob.length)


def read_picture(file: PagedFile, blob: Blob) -> bytes:
    """Read all bytes of a picture."""
    return b"".join(picture_blocks(file, blob))


def sphere_faces(file: PagedFile, sphere: Photosphere, options: FaceOptions = USUAL) -> Iterator[EncodedFace]:
    """Yield the six faces of a sphere in the order of `FACES`.

    A pinhole picture that already is a face is passed through; one that lies on its side is rotated; any other is
    resampled, as panoramas are. BadInputError names file and image if a picture is damaged.
    """
    if sphere.panorama and sphere.panorama.blob:
        where = f"{file.where}: {sphere.images[0].label}"
        content = read_picture(file, sphere.panorama.blob)
        yield from projected_faces(content, where, options)
        return
    for face in sphere.faces:
        assert face.picture.blob is not None
        content = read_picture(file, face.picture.blob)
        where = f"{file.where}: {face.image.label}"
        if face.fits and face.turn == 0:
            yield untouched_face(face.face, content, where, options.max_megapixels)
            continue
        pixels = decode(content, where, options.max_megapixels)
        if face.fits:
            pixels = np.rot90(pixels, face.turn)
        else:
            pixels = _resampled(face, pixels, where, options.face_size)
        yield encoded_face(face.face, pixels, options)


def _resampled(face: PinholeFace, pixels: NDArray[Any], where: str, face_size: int | None) -> NDArray[Any]:
    """The part of a pinhole picture that its face of the cube shows, at the picture's own resolution or `face_size`."""
    import cv2

    if max(pixels.shape) > _MAP_LIMIT:
        raise E57Error(
            f"{where} is {pixels.shape[1]} x {pixels.shape[0]} pixels, too long to project. Export it smaller."
        )
    # The pixels may be fewer or more than the file says; the geometry holds for the size that it says.
    scale = np.array([pixels.shape[1] / face.picture.width, pixels.shape[0] / face.picture.height])
    native = 2 * face.picture.focal_length / face.picture.pixel_width * float(scale[0])
    size = default_face_size(math.ceil(4 * native)) if face_size is None else face_size
    sampling = min(_MOST_SAMPLES, max(1, math.ceil(native / size - 0.01)))
    steps = (np.arange(size * sampling) + 0.5) / (size * sampling)
    result = np.empty((size, size, 3), np.uint8)
    cv2.setNumThreads(1)
    for first in range(0, size, _STRIP):
        rows = min(_STRIP, size - first)
        down = steps[first * sampling : (first + rows) * sampling, np.newaxis]
        uv = np.stack(np.broadcast_arrays(steps[np.newaxis, :], down), axis=-1)
        points = (picture_points(face, face_directions(face.face, uv)) * scale - 0.5).astype(np.float32)
        columns, lines = np.ascontiguousarray(points[..., 0]), np.ascontiguousarray(points[..., 1])
        samples = cv2.remap(pixels, columns, lines, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        result[first : first + rows] = cv2.resize(samples, (size, rows), interpolation=cv2.INTER_AREA)
    return result
