"""Face files for CDF: projected from a panorama, or delivered ones unchanged."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capture360.errors import BadInputError
from capture360.geometry.projection import check_full_panorama, cube_faces
from capture360.model import EncodedFace, FaceName
from capture360.pictures.decoding import check_whole, decode
from capture360.pictures.gpano import on_full_sphere, placement
from capture360.pictures.jpeg import JPEG_QUALITY, MAX_MEGAPIXELS, encode_jpeg, read_header
from capture360.pictures.memory import PANORAMAS


@dataclass(frozen=True, slots=True)
class FaceOptions:
    """How faces are made. `face_size` is in pixels; None takes what suits the picture. Delivered faces pass through."""

    face_size: int | None = None
    jpeg_quality: int = JPEG_QUALITY
    max_megapixels: float = MAX_MEGAPIXELS
    progressive: bool = False


USUAL = FaceOptions()
"""What suits each picture."""


def projected_faces(content: bytes, where: str, options: FaceOptions = USUAL) -> Iterator[EncodedFace]:
    """Return the six JPEG faces of an encoded panorama; BadInputError with `where` if it is damaged or no full sphere.

    A panorama that its GPano block describes as cropped is completed with black. Between the first face and the last
    its pixels, and those of a sphere that it is completed to, count against `PANORAMAS`; a thread that uses several of
    these iterators would wait for itself.
    """
    header = read_header(content, where, options.max_megapixels)
    place = placement(header, where, options.max_megapixels)
    with PANORAMAS.lend(3 * (header.width * header.height + (place.width * place.height if place else 0))):
        pixels = decode(content, where, options.max_megapixels)
        del content  # a PNG may be nearly as large as its pixels
        if place:
            pixels = on_full_sphere(pixels, place)
        check_full_panorama(pixels.shape[1], pixels.shape[0], where)
        for face, face_pixels in cube_faces(pixels, options.face_size):
            yield encoded_face(face, face_pixels, options)


def encoded_face(face: FaceName, pixels: NDArray[np.uint8], options: FaceOptions) -> EncodedFace:
    """Encode square RGB pixels as a JPEG face."""
    content = encode_jpeg(pixels, options.jpeg_quality, progressive=options.progressive)
    return EncodedFace(face, content, hashlib.sha256(content).hexdigest(), "image/jpeg", int(pixels.shape[0]))


def untouched_face(face: FaceName, content: bytes, where: str, max_megapixels: float) -> EncodedFace:
    """Return a delivered JPEG or PNG as a face, bytes unchanged; BadInputError if it is damaged or not square."""
    header = check_whole(content, where, max_megapixels).header
    if header.width != header.height:
        raise BadInputError(f"{where}: {header.width} x {header.height} pixels; a cube face must be square.")
    return EncodedFace(face, content, hashlib.sha256(content).hexdigest(), header.mime_type, header.width)
