"""Crossings of many rays at once are those of one crossing after the other."""

from __future__ import annotations

import numpy as np
import pytest

from capture360.geometry.rays import Ray, Vector, crossing, joined_crossings, passing

FAR = np.array([500_000.0, 5_400_000.0, 100.0])
"""Somewhere in UTM coordinates."""


def rays_towards(point: Vector, random: np.random.Generator, count: int) -> list[Ray]:
    origins = point + random.normal(0, 2, (count, 3))
    directions = point + random.normal(0, 0.1, (count, 3)) - origins
    return [Ray(origin, each / np.linalg.norm(each)) for origin, each in zip(origins, directions, strict=True)]


@pytest.mark.parametrize("count", [2, 5])
def test_joined_crossings_are_those_of_each_by_itself(count: int) -> None:
    random = np.random.default_rng(count)
    rays, others = rays_towards(FAR, random, count), rays_towards(FAR, random, 20)
    residuals, depths = joined_crossings(
        rays, np.array([ray.origin for ray in others]), np.array([ray.direction for ray in others])
    )
    for ray, misses, along in zip(others, residuals, depths, strict=True):
        met = crossing([*rays, ray])
        assert met is not None
        np.testing.assert_allclose(misses, met.residuals, atol=1e-6)
        np.testing.assert_allclose(along, met.depths, atol=1e-6)


def test_a_ray_passes_points_before_it_within_the_angle() -> None:
    origins, directions = np.array([FAR, FAR + np.array((0, 3, 0))]), np.array([(1.0, 0, 0), (0, -1.0, 0)])
    points = FAR + np.array([(5, 0.4, 0), (5, 0.5, 0), (-5, 0, 0), (0.1, 0, 0), (0, 9, 0)])
    angle = float(np.arctan2(0.45, 5))
    assert passing(origins, directions, points, angle).tolist() == [
        [True, False], [False, False], [False, False], [True, True], [False, False],
    ]  # fmt: skip
