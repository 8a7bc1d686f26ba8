"""Pictures that name their station and are not found: the fix says what differs."""

from __future__ import annotations

import pytest
import yaml

from capture360.checks.files import fix_of_near
from capture360.readers.manifest import Manifest
from delivery import manifest

ALIKE = "Make station_id and the name alike."
NAMES = "The faces have other names: map them in capture.yaml under faces.aliases."


@pytest.mark.parametrize(
    ("found", "fix"),
    [
        ("images/S_1/back.jpg", ALIKE),
        ("images/s-01/px.jpg", NAMES),
        ("images/s-01/0.jpg", NAMES),
        ("images/s-01/back.jpg.jpg", NAMES),
        ("images/s-01/back.webp", "Export the pictures as JPEG."),
        ("images/top/s-01/back.jpg", NAMES),
    ],
)
def test_the_fix_says_what_differs(found: str, fix: str) -> None:
    assert fix_of_near(found, "s-01", Manifest.model_validate(manifest()), cubes=True) == fix


@pytest.mark.parametrize(
    ("found", "pattern"),
    [
        ("Images/s-01/back.jpg", "Images/{station}/{face}.{ext}"),
        ("s-01/UP.jpg", "{station}/{face}.{ext}"),
        ("data/images/s-01/back.png", "data/images/{station}/{face}.{ext}"),
        ("images/back/s-01.jpg", "images/{face}/{station}.{ext}"),
        ("it's 1: #2/s-01/back.jpg", "it's 1: #2/{station}/{face}.{ext}"),
        ('a "b" \\c/s-01/back.jpg', 'a "b" \\c/{station}/{face}.{ext}'),
    ],
)
def test_the_pattern_can_be_copied_into_the_manifest(found: str, pattern: str) -> None:
    fix = fix_of_near(found, "s-01", Manifest.model_validate(manifest()), cubes=True)
    advised = fix.removeprefix("Move them there, or write ").removesuffix(" below faces in capture.yaml.")
    stated = manifest() | {"faces": yaml.safe_load(advised)}
    assert Manifest.model_validate(stated).faces.pattern == pattern


def test_a_panorama_elsewhere_is_moved_or_named() -> None:
    fix = fix_of_near("pics/s-01.jpg", "s-01", Manifest.model_validate(manifest()), cubes=False)
    assert fix == "Move it there, or name it in the column pano_file."
