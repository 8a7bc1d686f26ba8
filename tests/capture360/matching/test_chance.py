"""Lines of sight that meet by chance: siblings side by side at the height of the stations, misread, and wrong poses."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from capture360.geometry.rays import Crossing
from capture360.matching.consensus import resolve_consensus
from capture360.matching.policy import score_matches
from capture360.matching.sightlines import Sightlines
from capture360.model import Asset, Detection, Match, Pose
from capture360.settings.matching import ConsensusSettings
from plate_views import seen_from

HEIGHT_M = 0.08
LEVEL = (1.0, 0.0, 0.0, 0.0)
POSES = {"one": Pose((-2.5, 0, 0), LEVEL), "two": Pose((0, 0, 0), LEVEL), "three": Pose((2.5, 0, 0), LEVEL)}
A, B = (0.1, -2.2, 0.0), (0.4, -2.2, 0.0)
PAIR = [Asset(tag, tag, (tag,)) for tag in ("P-1019A", "P-1019B")]
Point = tuple[float, float, float]


def seen(image: str, letter: str, point: Point, score: float = 0.99) -> Detection:
    return seen_from(POSES[image], image, f"P-1019{letter}", point, score, HEIGHT_M)


def judged(*detections: Detection) -> list[Match]:
    return [each.match for each in resolve_consensus(score_matches(detections, PAIR), POSES).scored]


def linked(*detections: Detection) -> list[Detection]:
    return [match.detection for match in judged(*detections) if match.status == "approved"]


@pytest.mark.parametrize("image", POSES)
@pytest.mark.parametrize("score", [0.7, 0.9])
def test_three_lines_of_sight_outweigh_two_that_meet_elsewhere(image: str, score: float) -> None:
    others = [station for station in POSES if station != image]
    heights = {image: 0.02, others[0]: 0.0, others[1]: -0.01}  # exact for none but the one that is met by chance
    right = [seen(station, "A", (*A[:2], heights[station]), 0.9) for station in POSES]
    right += [seen(station, "B", B, 0.98) for station in others]
    misread = seen(image, "A", B, score)
    assert sorted(map(repr, linked(misread, *right))) == sorted(map(repr, right))


def test_of_two_views_in_one_image_that_fit_neither_is_linked_by_agreement() -> None:
    misread, view, other = seen("one", "A", B, 0.9), seen("one", "A", A, 0.9), seen("two", "A", A, 0.9)
    assert linked(misread, view, other) == []
    sure = seen("one", "A", A)
    assert sure in linked(misread, sure, other)
    assert misread not in linked(misread, sure, other)
    assert set(linked(view, other)) == {view, other}


def test_two_plates_of_one_tag_that_both_stations_see_are_both_linked() -> None:
    both = [seen(image, "A", point, 0.9) for point in (A, B) for image in ("one", "two")]
    assert set(linked(*both)) == set(both)


def test_a_second_plate_of_a_linked_tag_is_asked_about() -> None:
    front = [seen(image, "A", A) for image in ("one", "two")]
    behind = seen("three", "A", (3.0, -2.2, 0.0), 0.9)
    again = seen("three", "A", A, 0.9)
    assert [match.status for match in judged(*front, behind)] == ["approved", "approved", "suggested"]
    assert [match.status for match in judged(*front, again)] == ["approved"] * 3


def test_a_misread_view_belongs_to_the_plate_on_which_it_lies() -> None:
    misread, view = seen("one", "A", B, 0.85), seen("two", "A", A)
    siblings = [seen(image, "B", B, 0.98) for image in ("two", "three")]
    assert set(linked(misread, view, *siblings)) == {view, *siblings}


def test_a_view_that_was_hardly_read_is_not_linked_where_a_station_reads_a_sibling() -> None:
    view, sibling = seen("two", "A", A), seen("two", "B", B)
    assert set(linked(seen("one", "A", B, 0.7), view, sibling)) == {view, sibling}


TAGS = [f"P-{10 + group}1{group}{letter}" for group in range(8) for letter in "ABC"]
ASSETS = [Asset(tag, tag, (tag,)) for tag in TAGS]
PLATES: dict[str, Point] = {
    tag: (-2.5 + 1.1 * (number // 3) + 0.3 * (number % 3), 2.2 * (-1) ** (number // 3), 0.3 * (number // 3 % 3) - 0.4)
    for number, tag in enumerate(TAGS)
}
STATIONS = [Pose((2.5 * number - 2.5, 0.1 * (number % 2), 0.0), LEVEL) for number in range(4)]


def read(random: np.random.Generator) -> Iterator[tuple[Detection, str]]:
    """Yield views of the plates with the tags that hang there: one in twenty reads as a sibling, with a lower score."""
    for station, pose in enumerate(STATIONS):
        for tag, point in PLATES.items():
            if math.dist(pose.position, point) > 4.5 or random.random() < 0.3:
                continue
            text, score = tag, float(random.uniform(0.8, 1.0))
            if random.random() < 0.05:
                text = tag[:-1] + str(random.choice([letter for letter in "ABC" if letter != tag[-1]]))
                score = float(random.uniform(0.6, 0.949))
            x, y, z = (np.array(point) + random.normal(0, 0.005, 3)).tolist()
            yield seen_from(pose, str(station), text, (x, y, z), round(score, 3), HEIGHT_M), tag


def disturbed(pose: Pose, random: np.random.Generator, angle: float, distance: float) -> Pose:
    axis, shift = (vector / np.linalg.norm(vector) for vector in random.normal(size=(2, 3)))
    half = math.radians(angle) / 2
    x, y, z = (np.array(pose.position) + distance * shift).tolist()
    w, i, j, k = math.cos(half), *(math.sin(half) * axis).tolist()
    return Pose((x, y, z), (w, i, j, k))


def links(angle: float, distance: float, draws: int) -> tuple[int, list[Match]]:
    """Return the number of links with poses that are wrong by so much, and the wrong ones."""
    count, wrong = 0, []
    for draw in range(draws):
        random = np.random.default_rng(draw)
        truth = dict(read(random))
        poses = {str(number): disturbed(pose, random, angle, distance) for number, pose in enumerate(STATIONS)}
        for each in resolve_consensus(score_matches(list(truth), ASSETS), poses).scored:
            if each.match.asset is not None and each.match.status == "approved":
                count += 1
                if each.match.asset.name != truth[each.match.detection]:
                    wrong.append(each.match)
    return count, wrong


def test_wrong_poses_cost_links_and_make_none_wrong() -> None:
    right, _ = links(0.1, 0.01, 12)
    count, wrong = links(2.0, 0.3, 12)
    assert wrong == []
    assert 0.2 * right < count < 0.8 * right


def test_a_plate_that_loses_its_last_sure_view_asks_about_its_doubtful_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plate whose view is of another one, and whose second view was set aside: five stations, of draws the second.

    Its views and one that was read as its neighbour's are one question, which names both.
    """
    random = np.random.default_rng(1)
    places = [(1.25 * number - 2.5 + random.normal(0, 0.2), random.normal(0, 0.3), 0.0) for number in range(5)]
    stations = [Pose((float(x), float(y), z), LEVEL) for x, y, z in places]
    monkeypatch.setitem(globals(), "STATIONS", stations)
    truth = dict(read(random))
    poses = {str(number): disturbed(pose, random, 0.3, 0.03) for number, pose in enumerate(stations)}
    found = [each.match for each in resolve_consensus(score_matches(list(truth), ASSETS), poses).scored]
    views = [match for match in found if truth[match.detection] == "P-1414B"]
    assert sorted((match.detection.image, match.status) for match in views) == [(number, "dropped") for number in "123"]
    assert all(match.reason.startswith("another view of this plate is asked about") for match in views)
    (asked,) = [match for match in found if "stations disagree on this plate: P-1414B" in match.reason]
    assert (asked.status, {asset.name for asset, _ in asked.candidates}) == ("suggested", {"P-1414B", "P-1414C"})


def test_many_labels_of_one_tag_in_a_room_take_a_few_comparisons_a_view(monkeypatch: pytest.MonkeyPatch) -> None:
    work = 0
    met = Sightlines.met

    def counted(sight: Sightlines, positions: Sequence[int]) -> Crossing | None:
        nonlocal work
        work += 1
        return met(sight, positions)

    monkeypatch.setattr(Sightlines, "met", counted)
    poses = {str(number): Pose((2.0 * (number % 3), 2.0 * (number // 3), 0), LEVEL) for number in range(9)}

    def work_of(labels: int) -> int:
        nonlocal work
        work = 0
        random = np.random.default_rng(0)
        points = [(float(x), float(y), 0.0) for x, y in random.uniform((-1, -1.5), (5, -0.5), (labels, 2))]
        views = [
            seen_from(pose, image, "P-1019A", point, 0.9, HEIGHT_M) for image, pose in poses.items() for point in points
        ]
        resolve_consensus(score_matches(views, PAIR), poses)
        return work

    for labels in (8, 16):
        assert 0 < work_of(labels) < 5 * len(poses) * labels


@pytest.mark.parametrize(
    "views",
    [
        {"one": (-2.8, -2.2, -0.6), "three": (2.8, -2.2, -1.0)},
        {"one": (-0.6, -2.2, -0.6), "two": (-0.6, -2.2, -0.6), "four": (-0.6, -2.2, -0.6), "three": (2.8, -2.2, -1.0)},
    ],
)
def test_a_tag_that_begins_another_is_not_linked_where_lines_of_sight_are_of_two_plates(
    views: dict[str, Point],
) -> None:
    """No image shows both, and one of them has lost a letter."""
    others = {"FT-2001": -1.2, "LIC-3007": 0.6, "XV-4120": 1.8}  # these judge the poses
    assets = [Asset(tag, tag, (tag,)) for tag in ("P-1019", "P-1019A", *others)]
    around = [seen_from(POSES[image], image, tag, (x, -2.2, 0.8), 0.99) for tag, x in others.items() for image in POSES]
    longer = [seen(image, "A", A) for image in POSES]
    poses = {**POSES, "four": Pose((0.0, 0.6, 0.2), (1, 0, 0, 0))}

    def is_linked(*short: Detection) -> bool:
        scored = score_matches([*around, *longer, *short], assets)
        found = resolve_consensus(scored, poses, ConsensusSettings(pose_min_assets=1)).scored
        return any(each.match.status == "approved" and each.match.detection in short for each in found)

    *same, other = (seen_from(poses[image], image, "P-1019", point, 0.99, HEIGHT_M) for image, point in views.items())
    assert is_linked(*same) == (len(same) > 2)  # something may hide a letter from two stations
    assert not is_linked(*same, other)
