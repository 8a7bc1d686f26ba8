"""Pictures that name their station and are not found: the fix says what differs."""

from __future__ import annotations

import pytest

from capture360.checks.files import fix_of_near
from capture360.readers.manifest import Manifest
from delivery import manifest

ALIKE = "Make station_id and the name alike."
NAMES = "The faces have other names: map them in capture.yaml under faces.aliases."


def to_pattern(pattern: str) -> str:
    return f"Move them there, or write faces.pattern: {pattern} into capture.yaml."


@pytest.mark.parametrize(
    ("found", "fix"),
    [
        ("images/S_1/back.jpg", ALIKE),
        ("images/s-01/px.jpg", NAMES),
        ("images/s-01/0.jpg", NAMES),
        ("images/s-01/back.jpg.jpg", NAMES),
        ("images/s-01/back.webp", "Export the pictures as JPEG."),
        ("Images/s-01/back.jpg", to_pattern("Images/{station}/{face}.{ext}")),
        ("s-01/UP.jpg", to_pattern("{station}/{face}.{ext}")),
        ("data/images/s-01/back.png", to_pattern("data/images/{station}/{face}.{ext}")),
        ("images/back/s-01.jpg", to_pattern("images/{face}/{station}.{ext}")),
        ("images/top/s-01/back.jpg", NAMES),
    ],
)
def test_the_fix_says_what_differs(found: str, fix: str) -> None:
    assert fix_of_near(found, "s-01", Manifest.model_validate(manifest()), cubes=True) == fix


def test_a_panorama_elsewhere_is_moved_or_named() -> None:
    fix = fix_of_near("pics/s-01.jpg", "s-01", Manifest.model_validate(manifest()), cubes=False)
    assert fix == "Move it there, or name it in the column pano_file."
