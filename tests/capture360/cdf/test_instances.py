"""Poses as CDF has them: the same rotation is the same, whatever its angles say; and all pages of a query."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from cognite.client.data_classes.data_modeling.query import Query
from cognite.client.exceptions import CogniteAPIError
from hypothesis import given, settings
from hypothesis import strategies as st

from capture360.cdf import paging
from capture360.cdf.instances import pose_of, pose_properties, same_properties
from capture360.cdf.registry import mode_of
from capture360.geometry.poses import same_pose
from capture360.model import Pose
from suggested_links import Hall, hall_in, world_of

angle = st.floats(-math.pi, math.pi)
number = st.floats(-1e4, 1e4)


def pose(x: float, y: float, z: float, ex: float, ey: float, ez: float) -> Pose:
    names = ("translationX", "translationY", "translationZ", "eulerRotationX", "eulerRotationY", "eulerRotationZ")
    return pose_of(dict(zip(names, (x, y, z, ex, ey, ez), strict=True)))


@settings(max_examples=60)
@given(number, number, number, angle, angle, angle)
def test_a_pose_survives_cdf(x: float, y: float, z: float, ex: float, ey: float, ez: float) -> None:
    there = pose(x, y, z, ex, ey, ez)
    assert same_pose(pose_of(pose_properties(there)), there)


def test_at_a_quarter_turn_angles_differ_and_the_rotation_is_the_same() -> None:
    one = pose_properties(pose(0, 0, 0, 0.3, 0.2, math.pi / 2))
    other = {**one, "eulerRotationX": 0.3, "eulerRotationY": 0.2, "eulerRotationZ": math.pi / 2}
    assert (one["eulerRotationX"], one["eulerRotationY"]) != (0.3, 0.2)
    assert same_properties(other, one)


@pytest.mark.parametrize(
    "change",
    [{"translationX": 0.001}, {"eulerRotationZ": 0.001}, {"label": "other"}, {"station": None}, {"scaleX": 2}],
)
def test_what_differs_is_written(change: dict[str, object]) -> None:
    want = {**pose_properties(pose(0, 0, 0, 0, 0, 0)), "label": "a", "station": {"space": "s", "externalId": "x"}}
    assert same_properties(dict(want), want)
    assert not same_properties({**want, **change}, want)
    assert not same_properties({}, want)


def test_times_are_equal_in_any_form_and_names_that_look_like_times_are_not() -> None:
    assert same_properties({"takenAt": "2024-01-01T00:00:00+00:00"}, {"takenAt": "2024-01-01T01:00:00.000+01:00"})
    assert not same_properties({"label": "20240101"}, {"label": "2024-01-01"})


def test_single_precision_and_another_form_of_the_same_time_are_no_change() -> None:
    want = {"translationX": 123.456789, "timeTaken": "2026-05-01T10:30:00.000+02:00"}
    assert same_properties({"translationX": 123.45679, "timeTaken": "2026-05-01T08:30:00.000+00:00"}, want)
    assert not same_properties({"translationX": 123.45679, "timeTaken": "2026-05-01T08:30:00.001+00:00"}, want)


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    with ExitStack() as stack:
        yield hall_in(world_of(stack, "data_modeling", tmp_path), 3, read=False)


def image_count(hall: Hall) -> int:
    return len(list(mode_of(hall.world.cdf).images(hall.world.cdf, hall.world.site).images(hall.key)))


def test_a_short_page_is_not_the_last_while_others_follow(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    api = type(hall.world.cdf.client.data_modeling.instances)
    ask = api.query

    def one_a_page(self: Any, query: Query) -> Any:
        asked = query.dump()
        for part in asked["with"].values():
            part["limit"] = min(part.get("limit", 1), 1)
        return ask(self, Query.load(asked))

    monkeypatch.setattr(api, "query", one_a_page)
    assert image_count(hall) == 3


@pytest.mark.parametrize("most", [1, 2])
def test_a_query_that_takes_too_long_goes_on_with_smaller_pages(
    hall: Hall, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    api = type(hall.world.cdf.client.data_modeling.instances)
    ask = api.query

    def in_time(self: Any, query: Query) -> Any:
        if query.dump()["with"]["images"]["limit"] > most:
            raise CogniteAPIError("Graph query timed out.", 408)
        return ask(self, query)

    monkeypatch.setattr(api, "query", in_time)
    monkeypatch.setattr(paging, "LEAST", 1)  # since the hall has three images
    assert image_count(hall) == 3
