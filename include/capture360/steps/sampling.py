"""Choice of the faces whose bytes are read back."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from capture360.cdf.ports import ViewerSource
from capture360.model import FACES, FaceName

VerifyMode = Literal["off", "sample", "all"]
_SAMPLE = 12
"""Faces compared in mode `sample`: two of each side of the cube, spread over the capture, chosen at random."""


@dataclass(frozen=True, slots=True)
class Verified:
    """Numbers of images that were read back, and of faces whose bytes were compared.

    `viewer` is the source that a viewer must be switched to; `reported` are sentences about what viewers show otherwise
    than intended.
    """

    mode: VerifyMode
    images: int
    compared_faces: int
    viewer: ViewerSource
    reported: tuple[str, ...] = ()


def chosen_faces(mode: VerifyMode, names: Sequence[str]) -> Sequence[tuple[str, FaceName]]:
    """Choose the faces to compare of the images or stations `names`; at random in mode `sample`."""
    if mode == "off" or not names:
        return []
    if mode == "all":
        return [(name, face) for name in names for face in FACES]
    picked = random.sample(names, min(len(names), _SAMPLE))
    each_once = math.lcm(len(picked), len(FACES))  # then the same pairs would come again
    sides = (FACES[(n + n // each_once) % len(FACES)] for n in range(_SAMPLE))
    return list(dict.fromkeys((picked[n % len(picked)], side) for n, side in enumerate(sides)))
