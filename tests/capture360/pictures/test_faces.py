"""Memory that making faces of a panorama reserves."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

from capture360.pictures import faces
from capture360.pictures.faces import FaceOptions, projected_faces

PART = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" GPano:FullPanoWidthPixels="128" '
    b'GPano:FullPanoHeightPixels="64" GPano:CroppedAreaImageWidthPixels="128" GPano:CroppedAreaImageHeightPixels="40" '
    b'GPano:CroppedAreaLeftPixels="0" GPano:CroppedAreaTopPixels="12"/></rdf:RDF></x:xmpmeta>'
)


class Lender:
    """Stands for the budget, and notes what is asked of it."""

    def __init__(self) -> None:
        self.lent: list[int] = []

    @contextmanager
    def lend(self, amount: int) -> Iterator[None]:
        self.lent.append(amount)
        yield


@pytest.mark.parametrize(
    ("height", "xmp", "pixels"),
    [(64, b"", 128 * 64), (40, PART, 128 * 40 + 128 * 64)],
    ids=["full sphere", "part that is completed"],
)
def test_all_pixels_that_are_held_at_once_are_lent(
    monkeypatch: pytest.MonkeyPatch, height: int, xmp: bytes, pixels: int
) -> None:
    lender = Lender()
    monkeypatch.setattr(faces, "PANORAMAS", lender)
    stream = io.BytesIO()
    Image.fromarray(np.full((height, 128, 3), 200, np.uint8)).save(stream, "JPEG", xmp=xmp)
    made = list(projected_faces(stream.getvalue(), "p.jpg", FaceOptions(32)))
    assert [face.resolution for face in made] == [32] * 6
    assert lender.lent == [3 * pixels]
