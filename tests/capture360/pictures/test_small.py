"""Small copies of pictures."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from capture360.errors import BadInputError
from capture360.pictures.small import SMALL, THUMBNAIL, small_copy
from captures import jpeg


@pytest.mark.parametrize(("side", "most", "copied"), [(1024, SMALL, 512), (1024, THUMBNAIL, 192), (64, THUMBNAIL, 64)])
def test_a_copy_is_as_small_as_asked_and_never_larger(side: int, most: int, copied: int) -> None:
    assert Image.open(io.BytesIO(small_copy(jpeg(side, (1, 2, 3)), most, "a face"))).size == (copied, copied)


def test_what_is_no_picture_is_refused_by_its_name() -> None:
    with pytest.raises(BadInputError, match="a face"):
        small_copy(b"no picture", SMALL, "a face")
