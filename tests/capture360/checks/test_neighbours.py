"""Neighbours are found by a search that misses none and does not grow with the number of pairs."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.spatial

from capture360.checks.neighbours import close_pairs, lonely


@pytest.mark.parametrize("scale", [0.1, 1.0, 20.0])
def test_no_close_station_is_missed_in_a_random_cloud(scale: float) -> None:
    random = np.random.default_rng(3)
    for _ in range(100):
        places = random.normal(scale=scale * 0.05, size=(40, 3))
        rows, above, metres = close_pairs(places, 0.05)
        between = np.linalg.norm(places[:, None] - places[None], axis=2)
        expected = [row for row in range(len(places)) if (between[row, :row] < 0.05).any()]
        assert rows.tolist() == expected
        assert (above < rows).all()
        assert metres == pytest.approx(between[rows, above])
        assert (metres < 0.05).all()


def test_a_crowd_costs_by_its_size_and_not_by_its_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[int] = []
    real = scipy.spatial.cKDTree

    class Counted(real):  # untyped library
        def query_ball_point(self, *args: object, **options: object) -> object:
            found = super().query_ball_point(*args, **options)
            if not options:
                listed.append(len(found))
            return found

    monkeypatch.setattr(scipy.spatial, "cKDTree", Counted)
    work = []
    for count in (1_000, 2_000):
        listed.clear()
        places = np.random.default_rng(count).uniform(0, 0.04, (count, 3))
        assert len(close_pairs(places, 0.05)[0]) > count * 0.99
        work.append(sum(listed))
    assert 0 < work[1] < 2.5 * work[0]


def test_every_lonely_station_is_found() -> None:
    crowd = np.random.default_rng(1).uniform(0, 30, (500, 3))
    far = np.array([[1000.0 + 200 * number, 0, 0] for number in range(3)])
    rows, metres, typical = lonely(np.vstack([far, crowd]), 50)
    assert rows.tolist() == [0, 1, 2]
    assert metres[1:] == pytest.approx([200, 200])
    assert 0 < typical < 5


def test_two_places_beside_each_other_on_another_continent_are_found() -> None:
    crowd = np.random.default_rng(1).uniform(0, 30, (5, 3))
    rows, metres, _ = lonely(np.vstack([[[6.4e6, 0, 0], [6.4e6, 4, 0]], crowd]), 50)
    assert rows.tolist() == [0, 1]
    assert metres == pytest.approx([6.4e6, 6.4e6], rel=1e-4)


@pytest.mark.parametrize("others", [1, 2, 3])
def test_a_place_beyond_any_site_is_found_among_few(others: int) -> None:
    places = np.vstack([[[6.4e6, 0, 0]], np.arange(others)[:, None] * [4.0, 0, 0]])
    rows, metres, _ = lonely(places, 50)
    assert 0 in rows
    assert metres.max() > 6e6
    assert not len(lonely(places[1:], 50)[0])


def test_equal_places_are_searched_once() -> None:
    places = np.zeros((60_000, 3))
    places[0] = 100.0
    rows, metres, typical = lonely(places, 50.0)
    assert (rows.tolist(), metres.tolist(), typical) == ([0], [pytest.approx(np.sqrt(3) * 100)], 0.0)
