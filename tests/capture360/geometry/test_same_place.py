"""Images at the place of a station."""

from __future__ import annotations

import numpy as np

from capture360.geometry.same_place import are_at_place, at_same_place
from capture360.model import Pose


def test_one_centimetre_is_the_limit_for_one_and_for_many() -> None:
    station = Pose((1.0, 2.0, 3.0), (1.0, 0.0, 0.0, 0.0))
    places = np.array([(1.0, 2.0, 3.0), (1.0, 2.009, 3.0), (1.0, 2.0, 3.011)])
    images = [Pose((float(x), float(y), float(z)), (0.0, 1.0, 0.0, 0.0)) for x, y, z in places]
    assert are_at_place(places, station).tolist() == [True, True, False]
    assert [at_same_place(image, station) for image in images] == [True, True, False]
    assert are_at_place(places[:0], station).tolist() == []
