"""The XML section of an E57 file: what it may hold, and what only some readers would take."""

from __future__ import annotations

import io
import struct
import time

import pytest

from capture360.e57 import E57Error, PagedFile, read_contents
from capture360.e57.checksums import PAGE, PAYLOAD
from capture360.e57.contents import NAMESPACE, Contents
from e57_writer import with_checksums

PICTURE = '<jpegImage type="Blob" fileOffset="48" length="9"/>'
NUMBERS = "<imageWidth>64</imageWidth><imageHeight>32</imageHeight>"
SPHERE = f"<sphericalRepresentation>{PICTURE}{NUMBERS}</sphericalRepresentation>"
POSE = "<pose><rotation><w>1</w></rotation><translation><x>1</x><y>2</y><z>3</z></translation></pose>"
SOUND = f"<guid>g</guid><name>a</name>{POSE}{SPHERE}"


def contents_of(inner: str) -> Contents:
    """What a file with `inner` in its root holds."""
    xml = f'<e57Root xmlns="{NAMESPACE}" xmlns:x="http://example.com/x">{inner}</e57Root>'.encode()
    pages = -(-(48 + len(xml)) // PAYLOAD)
    head = struct.pack("<8sIIQQQQ", b"ASTM-E57", 1, 0, pages * PAGE, 48, len(xml), PAGE)
    content = with_checksums((head + xml).ljust(pages * PAYLOAD, b"\0"))
    return read_contents(PagedFile(io.BytesIO(content), "scan.e57"))


def image(inner: str) -> str:
    return f"<images2D><vectorChild>{inner}</vectorChild></images2D>"


def problems(inner: str) -> tuple[str, ...]:
    (found,) = contents_of(image(inner)).images
    return found.problems


def test_a_sound_image_has_no_problem() -> None:
    assert problems(SOUND) == ()


@pytest.mark.parametrize(
    "inner",
    [
        image("<a/>" * 600_000),
        f"<creationDateTime>{'<a/>' * 600_000}</creationDateTime>",
        f"<data3D><vectorChild>{'<a/>' * 600_000}</vectorChild></data3D>",
    ],
)
def test_a_part_that_is_read_as_a_whole_is_bounded(inner: str) -> None:
    began = time.process_time()
    with pytest.raises(E57Error, match=r"scan\.e57: a part of its XML section holds more than 500,000 elements"):
        contents_of(inner)
    assert time.process_time() - began < 10


def test_many_parts_are_not_one() -> None:
    scans = "<vectorChild><guid>g</guid></vectorChild>" * 300_000
    assert contents_of(f"<data3D>{scans}</data3D>").scans == 300_000


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (POSE, POSE * 2, "pose is there 2 times"),
        (SPHERE, SPHERE * 2, "sphericalRepresentation is there 2 times"),
        (PICTURE, PICTURE * 3, "jpegImage is there 3 times"),
        ("<x>1</x>", "<x>1</x><x>900</x>", "x is there 2 times"),
    ],
)
def test_what_is_there_twice_holds_the_image_back(old: str, new: str, said: str) -> None:
    """One reader takes the first, another the last, and the common library refuses the file."""
    assert problems(SOUND.replace(old, new)) == (said,)


def test_elements_of_extensions_and_vectors_may_repeat() -> None:
    more = (
        "<x:note>1</x:note><x:note>2</x:note><x:list><vectorChild>1</vectorChild><vectorChild>2</vectorChild></x:list>"
    )
    assert problems(SOUND + more) == ()


@pytest.mark.parametrize("number", ["\u0661", "\uff11", "1_0", "\u00b2"])
@pytest.mark.parametrize(
    ("old", "said"),
    [("<x>1</x>", "x"), ("<imageWidth>64</imageWidth>", "imageWidth"), ('length="9"', "jpegImage has an offset")],
)
def test_a_number_has_plain_digits(number: str, old: str, said: str) -> None:
    digits = old.replace("1", "64").replace("9", "64").replace("64", number)
    (problem,) = problems(SOUND.replace(old, digits))
    assert problem.startswith(said)
    assert "not a number" in problem
