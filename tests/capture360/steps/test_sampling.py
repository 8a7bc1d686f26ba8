"""Which faces are read back: twelve, two of each side, of however few stations."""

from __future__ import annotations

from collections import Counter

import pytest

from capture360.model import FACES
from capture360.steps.sampling import chosen_faces


@pytest.mark.parametrize("stations", [2, 3, 4, 5, 6, 7, 11, 12, 40])
def test_two_of_each_side_are_chosen(stations: int) -> None:
    chosen = chosen_faces("sample", [str(number) for number in range(stations)])
    assert len(set(chosen)) == len(chosen) == 12
    assert Counter(face for _, face in chosen) == dict.fromkeys(FACES, 2)
    assert len({station for station, _ in chosen}) == min(stations, 12)


def test_of_one_station_all_sides_are_chosen() -> None:
    assert sorted(chosen_faces("sample", ["a"])) == sorted(("a", face) for face in FACES)
