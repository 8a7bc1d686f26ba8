"""Several stations, one plate: agreement, contradiction, poses that cannot be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture360.geometry.projection import face_and_point
from capture360.geometry.rays import Ray, crossing, crossing_error, ray_to, seen_at
from capture360.geometry.rotation import normalised
from capture360.matching import sightlines
from capture360.matching.assignment import are_two
from capture360.matching.consensus import Consensus, resolve_consensus
from capture360.matching.places import Place, places_of
from capture360.matching.plates import Plate
from capture360.matching.policy import ScoredMatch, score_matches
from capture360.matching.readings import readings_of
from capture360.matching.sightlines import Sightlines
from capture360.model import Asset, Detection, Pose
from capture360.settings.matching import ConsensusSettings, MatchingSettings
from plate_views import seen_from

TAGS = ("21-PT-1019A", "21-PT-1019B", "21-PT-1019S", "LIC-2591B", "P-5050C")
ASSETS = [Asset(tag, tag, (tag,)) for tag in TAGS]
PLATE = (0.0, -2.0, 0.3)
POSES = {
    "one": Pose((-1.0, 0.0, 0.0), normalised((1, 0, 0, 0.3))),
    "two": Pose((1.0, 0.1, 0.1), normalised((0.9, 0.05, -0.1, 0.4))),
    "three": Pose((0.2, -4.0, 0.0), normalised((0, 0, 0, 1))),
}


def seen(image: str, text: str, point: tuple[float, float, float] = PLATE, score: float = 0.99) -> Detection:
    """A detection of a plate at a point of the site, as its image shows it."""
    return seen_from(POSES[image], image, text, point, score)


def consensus_of(*detections: Detection, poses: dict[str, Pose] = POSES, **changes: object) -> Consensus:
    scored = score_matches(detections, ASSETS, MatchingSettings.model_validate(changes))
    return resolve_consensus(scored, poses)


def statuses(consensus: Consensus) -> list[tuple[str, str]]:
    return [(each.match.detection.image, each.match.status) for each in consensus.scored]


def plates(consensus: Consensus) -> dict[str, list[str]]:
    """The statuses of the views of each plate."""
    found: dict[str, list[str]] = {}
    for each in consensus.scored:
        if each.match.plate:
            found.setdefault(each.match.plate, []).append(each.match.status)
    return found


def asked_once(consensus: Consensus) -> bool:
    """Whether nothing is linked, and each plate is asked about in one view alone."""
    found = plates(consensus).values()
    return bool(found) and all(some.count("suggested") == 1 and "approved" not in some for some in found)


def test_a_level_station_sees_what_lies_along_minus_y_in_the_middle_of_front() -> None:
    middle = ((0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6))
    ray = ray_to(Pose((1, 2, 3), (1, 0, 0, 0)), Detection("one", "front", "x", 1, middle))
    assert ray.direction.tolist() == pytest.approx([0, -1, 0])
    assert ray.origin.tolist() == [1, 2, 3]


@given(st.lists(st.tuples(*[st.floats(-3, 3)] * 3), min_size=2, max_size=5, unique=True))
@settings(max_examples=100)
def test_rays_to_one_point_cross_there(origins: list[tuple[float, float, float]]) -> None:
    point = np.array([0.5, 9.0, 1.0])
    rays = [Ray(np.array(origin), (point - origin) / np.linalg.norm(point - origin)) for origin in origins]
    met = crossing(rays)
    if met is None or met.widest_angle < math.radians(1):
        return  # seen from nearly one place or along one line
    assert met.point.tolist() == pytest.approx(point.tolist(), abs=1e-3)
    assert met.residuals.max() < 1e-4


def test_what_is_seen_is_seen_where_it_was_seen() -> None:
    for image in POSES:
        detection = seen(image, "x")
        x, y = np.mean(detection.polygon, axis=0)
        assert seen_at(POSES[image], detection, np.array(PLATE)) == pytest.approx((x, y))


def test_a_plate_on_an_edge_of_a_face_is_placed_by_the_middle_of_its_whole_text() -> None:
    level = {"one": Pose((-1.0, -1.0, 0.3), (1, 0, 0, 0)), "two": Pose((1.0, 0.1, 0.1), normalised((1, 0, 0, 0.2)))}
    whole = ((0.9, 0.48), (1.13, 0.475), (1.13, 0.525), (0.9, 0.52))
    cut = Detection("one", "front", "21-PT-1019A", 0.9, ((0.9, 0.48), (0.992, 0.48), (0.992, 0.52), (0.9, 0.52)))
    ahead = ray_to(level["one"], replace(cut, uncut=whole))
    plate = ahead.origin + 1.4 * ahead.direction
    x, y, z = plate.tolist()
    other = seen_from(level["two"], "two", "21-PT-1019A", (x, y, z), 0.85)

    def error_m(one: Detection) -> float:
        (sighting,) = consensus_of(one, other, poses=level).sightings
        return float(np.linalg.norm(sighting.point - plate))

    assert error_m(replace(cut, uncut=whole)) < 0.01
    assert error_m(cut) > 0.05


def test_two_stations_make_up_for_low_engine_scores() -> None:
    consensus = consensus_of(seen("one", "21-PT-1019A", score=0.9), seen("two", "21-PT-1019A", score=0.85))
    assert statuses(consensus) == [("one", "approved"), ("two", "approved")]
    assert consensus.scored[0].match.reason.startswith("2 stations agree; alone: engine score 0.90")
    (sighting,) = consensus.sightings
    assert sighting.point == pytest.approx(PLATE, abs=1e-2)
    assert consensus.findings == []


def small(detection: Detection, cap_px: float) -> Detection:
    return replace(detection, cap_px=cap_px)


def test_two_stations_do_not_make_up_for_what_neither_shows_large_enough() -> None:
    views = [seen(image, "21-PT-1019A") for image in ("one", "two")]
    assert not {status for _, status in statuses(consensus_of(*(small(view, 5) for view in views)))} & {"approved"}
    consensus = consensus_of(small(views[0], 5), small(replace(views[1], score=0.9), 9))
    assert statuses(consensus) == [("one", "approved"), ("two", "approved")]


def test_two_stations_do_not_make_up_for_look_alikes() -> None:
    twice_misread = [seen(image, "LIC-2S9IB") for image in ("one", "two")]
    assert asked_once(consensus_of(*twice_misread))


def test_nobody_is_asked_about_a_plate_that_no_view_shows_legibly() -> None:
    consensus = consensus_of(
        small(seen("one", "21-PT-1019A", score=0.7), 9), small(seen("two", "21-PT-1019A", score=0.7), 8)
    )
    assert statuses(consensus) == [("one", "dropped"), ("two", "dropped")]
    shown, other = (each.match for each in consensus.scored)
    assert shown.reason.startswith(
        "seen, not legible: its capitals are 9 pixels high, 12.5 are asked for; engine score"
    )
    assert (shown.asset, shown.candidates[0][0].name) == (None, "21-PT-1019A")
    assert other.reason.startswith("no view of this plate is legible; ")


def test_a_plate_is_asked_about_on_the_view_that_is_legible() -> None:
    far, near = small(seen("one", "21-PT-1019A", score=0.8), 9), small(seen("two", "21-PT-1019A", score=0.6), 15)
    assert statuses(consensus_of(far, near)) == [("one", "dropped"), ("two", "suggested")]


def test_a_site_may_ask_about_small_plates() -> None:
    assert statuses(consensus_of(small(seen("one", "21-PT-1019A", score=0.8), 9), ask_cap_px=8)) == [
        ("one", "suggested")
    ]


@pytest.mark.parametrize(("text", "whole", "asked"), [
    ("LIC-25", None, False),  # a part of a tag
    ("LIC-2591", False, False),  # not the tag, and cut
    ("LIC-2591", None, True),
    ("LIC-2591B", False, True),
])  # fmt: skip
def test_nobody_is_asked_about_a_cut_text_that_is_no_tag(text: str, whole: bool | None, asked: bool) -> None:
    (found,) = consensus_of(replace(seen("one", text), whole=whole)).scored
    assert found.match.status == ("suggested" if asked else "dropped")
    assert asked or found.match.reason.startswith("seen, not legible: a part of it is hidden")


def test_strict_approves_only_what_two_stations_saw() -> None:
    consensus = consensus_of(
        seen("one", "21-PT-1019A"), seen("two", "21-PT-1019A"), seen("one", "P-5050C", (1, -2, 0)), strict=True
    )
    assert statuses(consensus) == [("one", "approved"), ("two", "approved"), ("one", "suggested")]


@pytest.mark.parametrize(
    "detections",
    [
        # One station alone.
        [seen("one", "21-PT-1019A", score=0.9)],
        # Two stations, two places.
        [seen("one", "21-PT-1019A", score=0.9), seen("two", "21-PT-1019A", (0.0, -2.0, 1.2), score=0.9)],
        # One of them read too badly to count.
        [seen("one", "21-PT-1019A", score=0.9), seen("two", "21-PT-1019A", score=0.7)],
        # One station sees the plate twice, on two faces' seam.
        [seen("one", "21-PT-1019A", score=0.9), seen("one", "21-PT-1019A", score=0.9)],
        # Two stations agree on what is wrong in the same way from everywhere.
        [seen("one", "IC-2591B"), seen("two", "IC-2591B")],
        # Two stations see the tag on a plate that points to it.
        [seen("one", "FEED TO P-5050C"), seen("two", "FEED TO P-5050C")],
        # Two stations read the first 128 characters of what goes on.
        [seen(image, "PUMP " * 24 + "P-5050C X") for image in ("one", "two")],
        [seen(image, "P-5050C" + " PUMP" * 25) for image in ("one", "two")],
        # Too far away to be read.
        [seen("one", "21-PT-1019A", (0, -20, 0), score=0.9), seen("two", "21-PT-1019A", (0, -20, 0), score=0.9)],
    ],
)
def test_what_does_not_agree_stays_a_suggestion(detections: list[Detection]) -> None:
    assert asked_once(consensus_of(*detections))


def test_a_text_cut_by_the_border_is_not_promoted_and_does_not_promote() -> None:
    cut = seen("one", "21-PT-1019A", score=0.9)
    shift = 0.999 - max(x for x, _ in cut.polygon)
    cut = replace(cut, polygon=tuple((x + shift, y) for x, y in cut.polygon))
    point = POSES["one"].position + 2 * ray_to(POSES["one"], cut).direction
    other = seen("two", "21-PT-1019A", tuple(point.tolist()), score=0.9)
    consensus = consensus_of(cut, other)
    assert len(consensus.sightings) == 1
    assert asked_once(consensus)


def test_a_station_that_reads_a_sibling_where_two_others_meet_demotes_all() -> None:
    consensus = consensus_of(
        seen("one", "21-PT-1019A", score=0.97), seen("two", "21-PT-1019A", score=0.9), seen("three", "21-PT-1019B")
    )
    assert asked_once(consensus)
    assert len(plates(consensus)) == 1
    (finding,) = consensus.findings
    assert (finding.rule, finding.value) == ("L01", "21-PT-1019A and 21-PT-1019B")
    (question,) = [each.match for each in consensus.scored if each.match.status == "suggested"]
    assert "stations disagree" in question.reason
    assert {asset.name for asset, _ in question.candidates} == {"21-PT-1019A", "21-PT-1019B"}


def test_two_stations_that_read_two_siblings_at_one_place_are_both_demoted() -> None:
    consensus = consensus_of(seen("one", "21-PT-1019A"), seen("two", "21-PT-1019B", score=0.97))
    assert asked_once(consensus)
    assert len(plates(consensus)) == 1
    assert [finding.rule for finding in consensus.findings] == ["L01"]


def test_two_siblings_that_were_each_read_almost_surely_are_two_plates() -> None:
    consensus = consensus_of(seen("one", "21-PT-1019A", score=0.995), seen("two", "21-PT-1019B", score=0.995))
    assert {status for _, status in statuses(consensus)} == {"approved"}


def test_a_sibling_far_in_front_of_a_plate_is_no_conflict() -> None:
    between = (0.1, -3.0, 0.15)  # on the way from the third station to the plate, half as far
    consensus = consensus_of(
        seen("one", "21-PT-1019A"), seen("two", "21-PT-1019A"), seen("three", "21-PT-1019B", between)
    )
    assert asked_once(consensus)  # drawn as large as if it hung behind
    small = seen("three", "21-PT-1019B", between)
    grown = tuple((x, 0.5 + 3 * (y - 0.5)) for x, y in small.polygon)
    consensus = consensus_of(seen("one", "21-PT-1019A"), seen("two", "21-PT-1019A"), replace(small, polygon=grown))
    assert {status for _, status in statuses(consensus)} == {"approved"}


def test_siblings_that_hang_side_by_side_are_no_conflict() -> None:
    beside = (0.15, -2.0, 0.3)
    consensus = consensus_of(
        seen("one", "21-PT-1019A"), seen("two", "21-PT-1019A"),
        seen("one", "21-PT-1019B", beside), seen("two", "21-PT-1019B", beside), seen("three", "21-PT-1019B", beside),
    )  # fmt: skip
    assert {status for _, status in statuses(consensus)} == {"approved"}
    assert consensus.findings == []
    assert len(consensus.sightings) == 2


def test_a_plate_that_loses_a_view_to_the_plate_beside_it_is_judged_by_what_is_left() -> None:
    """Station three sees both plates; what the fourth reads may be of either."""
    poses = {**POSES, "four": Pose((0.5, 0.3, 0.0), normalised((1, 0, 0, 0.1)))}
    beside = (0.1, -2.0, 0.3)
    plate = [seen(image, "21-PT-1019A") for image in ("one", "two", "three")]
    for score, expected in ((0.9, "suggested"), (0.99, "approved")):
        other = [
            seen("three", "21-PT-1019B", beside, score),
            seen_from(poses["four"], "four", "21-PT-1019B", beside, 0.9),
        ]
        found = statuses(consensus_of(*plate, *other, poses=poses))
        assert [status for _, status in found] == ["approved"] * 3 + [expected, "dropped"]


def test_other_tags_on_the_way_are_no_conflict() -> None:
    consensus = consensus_of(seen("one", "21-PT-1019A"), seen("two", "21-PT-1019A"), seen("three", "P-5050C"))
    assert {status for _, status in statuses(consensus)} == {"approved"}
    assert consensus.findings == []


SURE = 0.999


@pytest.mark.parametrize(("tag", "score", "text"), [
    ("P-5050C", 0.99, "FEED TO P-5050C"),
    ("P-5050C", 0.99, "P-5050C 22"),
    ("PT-1019", 0.99, "PT-1019A"),  # a suffix that the list lacks
    ("PT-1019", 0.99, "22-PT-1019"),
    ("P-101B", 0.96, "P-1018"),
    ("P101-79", 0.96, "P10-179"),
    ("P-2514", 0.96, "P-2574"),
])  # fmt: skip
def test_a_plate_that_other_stations_read_as_no_tag_of_the_list_is_asked_about(
    tag: str, score: float, text: str
) -> None:
    assets = [Asset(each, each, (each,)) for each in (tag, "P-9000", "PT-8000")]

    def resolved(*views: Detection) -> Consensus:
        return resolve_consensus(score_matches(views, assets), POSES)

    one, _, three = (seen(image, text, score=SURE) for image in POSES)
    alone = seen("two", tag, score=score)
    assert [each.match.status for each in resolved(alone).scored] == ["approved"]
    consensus = resolved(one, alone, three)
    assert sorted(status for _, status in statuses(consensus)) == ["dropped", "dropped", "suggested"]
    (finding,) = consensus.findings
    assert (finding.rule, finding.value) == ("L01", " and ".join(sorted((tag, text))))
    weak = replace(one, score=0.7)
    assert ("two", "approved") in statuses(resolved(weak, seen("two", tag, score=SURE)))
    far = seen("one", text, (0.0, -2.0, 1.5), SURE)
    assert ("two", "approved") in statuses(resolved(far, alone))
    both = [seen("one", tag, score=SURE), seen("two", tag, score=SURE), seen("one", text, (0.0, -2.0, 1.5), SURE)]
    assert [status for _, status in statuses(resolved(*both))][:2] == ["approved", "approved"]


def test_a_word_above_the_tag_that_refers_to_another_thing_counts_from_other_stations_too() -> None:
    above = (PLATE[0], PLATE[1], PLATE[2] + 0.09)

    def resolved(text: str, *images: str) -> list[tuple[str, str]]:
        views = [seen(image, "P-5050C") for image in POSES]
        return statuses(consensus_of(*views, *(seen(image, text, above) for image in images)))[:3]

    assert ("two", "approved") in resolved("GLYCOL PUMP", "one", "three")
    assert ("two", "approved") in resolved("FEED TO", "one"), "which the two others would show as well"
    assert [status for _, status in resolved("FEED TO", "one", "three")].count("approved") == 0


@pytest.mark.parametrize(
    "text",
    ["21-PT", "1019A", "PT-1019A", "21-PT-1019", "PUMP 24VDC", "P-5050C", "SEAL OIL", "P-5050C21-PT-1019A"],
)
def test_a_part_of_a_plate_a_label_or_another_plate_is_no_contradiction(text: str) -> None:
    views = [seen("one", text, score=SURE), seen("two", "21-PT-1019A"), seen("three", text, score=SURE)]
    consensus = consensus_of(*views, seen("two", "P-5050C", (1.0, -2.0, 0.3)))
    assert ("two", "approved") in statuses(consensus)
    assert consensus.findings == []


def test_an_unlisted_sibling_beside_a_plate_is_no_contradiction() -> None:
    beside = (0.7, -2.0, 0.3)
    plates = {PLATE: "P-5050C", beside: "P-5050D"}
    views = [seen(image, text, point, SURE) for point, text in plates.items() for image in POSES]
    assert statuses(consensus_of(*views))[:3] == [(image, "approved") for image in POSES]
    hidden = [view for view in views if (view.image, view.text) != ("three", "P-5050C")]
    assert statuses(consensus_of(*hidden))[:2] == [("one", "approved"), ("two", "approved")]


def test_a_manual_match_is_never_demoted() -> None:
    scored = score_matches([seen("one", "21-PT-1019A"), seen("two", "21-PT-1019B", score=0.97)], ASSETS)
    scored[0] = replace(scored[0], manual=True)
    assert [each.match.status for each in resolve_consensus(scored, POSES).scored] == ["approved", "suggested"]


def test_two_plates_of_one_asset_far_apart_are_told() -> None:
    far = (0.3, -2.0, 1.9)
    consensus = consensus_of(*(seen(image, "P-5050C", point) for point in (PLATE, far) for image in ("one", "two")))
    assert len(consensus.sightings) == 2
    assert [(finding.rule, finding.value) for finding in consensus.findings] == [("L02", "1.6 m")]
    assert {status for _, status in statuses(consensus)} == {"approved"}


def poses_wrong_by(turn: float) -> tuple[list[ScoredMatch], dict[str, Pose]]:
    points = [(x, -2.0, z) for x in (-1.0, -0.4, 0.2, 0.8) for z in (-0.5, 0.1, 0.7)]
    assets = [Asset(f"P-{n}0{n}0C", f"P-{n}0{n}0C", (f"P-{n}0{n}0C",)) for n in range(10, 10 + len(points))]
    detections = [seen(i, a.name, p) for a, p in zip(assets, points, strict=True) for i in ("one", "two")]
    half = math.radians(turn) / 2
    wrong = {name: replace(pose, rotation=_turned(pose.rotation, half)) for name, pose in POSES.items()}
    return score_matches(detections, assets), wrong


def _turned(q: tuple[float, float, float, float], half: float) -> tuple[float, float, float, float]:
    """The rotation after a turn about the image's own X axis."""
    w, x, y, z = q
    c, s = math.cos(half), math.sin(half)
    return w * c - x * s, x * c + w * s, y * c + z * s, z * c - y * s


def test_wrong_poses_are_told_as_such_and_change_no_match() -> None:
    scored, wrong = poses_wrong_by(50)
    consensus = resolve_consensus(scored, wrong)
    assert [finding.rule for finding in consensus.findings] == ["L03"]
    assert [each.match.status for each in consensus.scored] == [each.match.status for each in scored]


def test_right_poses_are_not_told_as_wrong() -> None:
    scored, right = poses_wrong_by(0)
    consensus = resolve_consensus(scored, right)
    assert consensus.findings == []
    assert len(consensus.sightings) == 12
    assert max(sighting.residual_deg for sighting in consensus.sightings) < 0.1


def test_images_without_a_pose_and_no_matches_at_all_are_left_as_they_are() -> None:
    consensus = consensus_of(seen("one", "21-PT-1019A", score=0.9), seen("two", "21-PT-1019A", score=0.9), poses={})
    assert {status for _, status in statuses(consensus)} == {"suggested"}
    assert resolve_consensus([], {}) == Consensus([], [], [])


def test_what_counts_as_meeting_is_a_setting() -> None:
    scored = score_matches(
        [seen("one", "P-5050C", score=0.9), seen("two", "P-5050C", (0, -2.0, 0.5), score=0.9)], ASSETS
    )
    assert not resolve_consensus(scored, POSES).sightings
    assert resolve_consensus(scored, POSES, ConsensusSettings(max_residual_deg=5)).sightings


def test_a_reading_that_is_much_less_sure_than_those_that_agree_is_no_contradiction() -> None:
    consensus = consensus_of(
        seen("one", "21-PT-1019A"), seen("two", "21-PT-1019A"), seen("three", "21-PT-1019B", score=0.85)
    )
    assert statuses(consensus) == [("one", "approved"), ("two", "approved"), ("three", "dropped")]
    assert "the plate is 21-PT-1019A" in consensus.scored[2].match.reason
    assert consensus.findings == []


def test_a_plate_is_linked_on_every_view_that_shows_it() -> None:
    consensus = consensus_of(seen("one", "21-PT-1019A"), seen("two", "21-PT-1019A", score=0.5))
    assert statuses(consensus) == [("one", "approved"), ("two", "approved")]
    assert plates(consensus) == {"1": ["approved", "approved"]}
    assert consensus.scored[1].match.reason.startswith("another station reads it surely; alone: engine score 0.50")


def test_a_view_from_nearly_the_same_direction_is_no_question_of_its_own() -> None:
    far = {"one": Pose((0.0, 5.0, 0.0), (1, 0, 0, 0)), "two": Pose((0.1, 5.5, 0.0), (1, 0, 0, 0))}
    points = dict.fromkeys(far, PLATE)
    detections = []
    for image, point in points.items():
        face, (u, v) = face_and_point(np.array(point) - far[image].position)
        corners = ((u - 0.03, v - 0.01), (u + 0.03, v - 0.01), (u + 0.03, v + 0.01), (u - 0.03, v + 0.01))
        detections.append(Detection(image, face, "21-PT-1019A", 0.9, corners))
    consensus = consensus_of(*detections, poses=far)
    assert sorted(status for _, status in statuses(consensus)) == ["dropped", "suggested"]


PAIR = [Asset(tag, tag, (tag,)) for tag in ("JB-3708", "JB-370B")]
PART = [Asset(tag, tag, (tag,)) for tag in ("21-PT-1019", "21-PT-1019A")]
APART = (0.6, -2.0, 0.3)


def assigned(assets: Sequence[Asset], *detections: Detection, judged_by: int = 1) -> list[str]:
    """Return the assets of all linked views, where the poses are judged by as many plates as are there."""
    scored = score_matches(detections, assets)
    found = resolve_consensus(scored, POSES, ConsensusSettings(pose_min_assets=judged_by)).scored
    return sorted(each.match.asset.name for each in found if each.match.asset and each.match.status == "approved")


def look_alikes(*detections: Detection) -> list[str]:
    return assigned(PAIR, *detections)


def test_poses_that_too_few_plates_judge_assign_nothing() -> None:
    alike = [seen(image, tag, at) for tag, at in (("JB-3708", PLATE), ("JB-370B", APART)) for image in POSES]
    part = [seen(image, tag, at) for tag, at in (("21-PT-1019", PLATE), ("21-PT-1019A", APART)) for image in POSES]
    assert assigned(PAIR, *alike, judged_by=2) == ["JB-3708"] * 3 + ["JB-370B"] * 3
    assert assigned(PAIR, *alike, judged_by=3) == []
    assert assigned(PART, *part, judged_by=2) == ["21-PT-1019"] * 3 + ["21-PT-1019A"] * 3
    assert assigned(PART, *part, judged_by=3) == ["21-PT-1019A"] * 3


def test_one_plate_whose_two_places_differ_by_their_errors_is_not_two() -> None:
    """Two stations see it from near; three from afar, whose lines meet at a small angle, cannot read its suffix."""
    stations = [(-0.7, -1.2), (0.7, -1.2), (-0.5, -4.0), (0.0, -4.0), (0.5, -4.0)]
    poses = {str(number): Pose((x, y, 0.0), (1, 0, 0, 0)) for number, (x, y) in enumerate(stations)}

    def linked(x: float, y: float) -> set[str]:
        views = [
            seen_from(pose, image, tag, point, 0.97)
            for (image, pose), tag, point in zip(
                poses.items(),
                ["21-PT-1019A"] * 2 + ["21-PT-1019"] * 3,
                [(0.0, 0.0, 0.0)] * 2 + [(x, y, 0.0)] * 3,
                strict=True,
            )
        ]
        found = resolve_consensus(score_matches(views, PART), poses, ConsensusSettings(pose_min_assets=1)).scored
        return {each.match.asset.name for each in found if each.match.asset and each.match.status == "approved"}

    assert linked(0.0, 0.25) == {"21-PT-1019A"}
    assert linked(0.8, 0.0) == {"21-PT-1019A", "21-PT-1019"}


def test_a_view_that_may_be_of_another_plate_does_not_show_two_side_by_side() -> None:
    one, other = Plate([0, 1], near=[2]), Plate([3, 4])
    images = ("a", "b", "c", "c", "d")
    views = [seen("one", "P-5050C", (0.1 * number, -2.0, 0.3)) for number in range(5)]
    scored = score_matches([replace(view, image=image) for view, image in zip(views, images, strict=True)], ASSETS)
    readings = readings_of(scored)
    sight = Sightlines([], {}, ConsensusSettings())
    assert not are_two(one, other, readings, sight)
    assert are_two(replace(one, views=[0, 2]), other, readings, sight)


def test_look_alike_tags_are_linked_where_each_has_a_plate_of_its_own() -> None:
    both = [seen(image, tag, point) for tag, point in (("JB-3708", PLATE), ("JB-370B", APART)) for image in POSES]
    assert look_alikes(*both) == ["JB-3708"] * 3 + ["JB-370B"] * 3


@pytest.mark.parametrize(
    "texts",
    [
        {PLATE: ("JB-3708", "JB-3708", "JB-3708")},  # only one of the two is seen
        {PLATE: ("JB-3708", "JB-3708", "JB-370B"), APART: ("JB-370B",) * 3},  # a view says otherwise
        {PLATE: ("JB-3708",) * 3, APART: ("JB-3708",) * 3},  # one of them is misread from everywhere, or hangs twice
        {PLATE: ("JB-3708",) * 3, APART: ("JB-370B",)},  # one view alone
    ],
)
def test_look_alike_tags_stay_a_question_otherwise(texts: dict[tuple[float, float, float], tuple[str, ...]]) -> None:
    detections = [
        seen(image, text, point)
        for point, some in texts.items()
        for image, text in zip(POSES, some, strict=False)
    ]  # fmt: skip
    assert look_alikes(*detections) == []


def test_look_alikes_that_are_more_than_a_text_can_offer_stay_a_question() -> None:
    """A text offers three tags. The fourth one is in no group, and may be what a misread plate says."""
    tags = ("PX-120", "PX-12O", "PX-12D", "PX-12Q")
    places = (PLATE, APART, (-0.6, -2.0, 0.3))

    def linked(number: int) -> set[str]:
        seen_here = [seen(image, tag, at) for tag, at in zip(tags, places, strict=False) for image in ("one", "two")]
        return set(assigned([Asset(tag, tag, (tag,)) for tag in tags[:number]], *seen_here))

    assert linked(3) == set(tags[:3])
    assert linked(4) == set()


def test_a_weak_view_of_one_of_two_look_alike_plates_does_not_count() -> None:
    both = [seen(image, tag, point) for tag, point in (("JB-3708", PLATE), ("JB-370B", APART)) for image in POSES]
    weak = replace(both[-1], text="JB-3708", score=0.8)
    assert look_alikes(*both[:-1], weak) == ["JB-3708"] * 3 + ["JB-370B"] * 3


def test_a_tag_that_begins_another_is_linked_where_the_other_one_hangs_elsewhere() -> None:
    def linked(*detections: Detection) -> set[str]:
        return set(assigned(PART, *detections))

    short = [seen(image, "21-PT-1019") for image in POSES]
    assert linked(*short) == set()
    assert linked(*short, *(seen(image, "21-PT-1019A", APART) for image in ("one", "two"))) == {
        "21-PT-1019", "21-PT-1019A",
    }  # fmt: skip
    cut = replace(short[0], whole=False)
    assert linked(cut, *short[1:], *(seen(image, "21-PT-1019A", APART) for image in ("one", "two"))) == {"21-PT-1019A"}
    beside = (-0.6, -2.0, 0.3)  # of two plates one has lost a letter, of a tag that is in no list
    for images in (("one",), tuple(POSES)):
        twice = [seen(image, "21-PT-1019", place) for place in (PLATE, beside) for image in images]
        assert linked(*twice, *(seen(image, "21-PT-1019A", APART) for image in ("one", "two"))) == {"21-PT-1019A"}


def test_a_tag_that_begins_another_is_not_linked_from_views_that_may_hide_its_end() -> None:
    longer = [seen(image, "21-PT-1019A", APART) for image in ("one", "two")]

    def linked(score: float, *images: str) -> set[str]:
        return set(assigned(PART, *longer, *(seen(image, "21-PT-1019", PLATE, score) for image in images)))

    assert linked(SURE, "one") == {"21-PT-1019A"}
    assert linked(SURE, "one", "two") == {"21-PT-1019A"}
    assert linked(0.97, *POSES) == {"21-PT-1019", "21-PT-1019A"}


@pytest.mark.parametrize("whole", [None, True])
def test_views_that_are_cut_do_not_make_each_other_whole(whole: bool | None) -> None:
    """The plate says 21-PT-1019C, which is in no list, and a pipe hides its end."""
    assets = [Asset("21-PT-1019", "21-PT-1019", ("21-PT-1019",))]

    def linked(*views: Detection) -> bool:
        found = [each.match for each in resolve_consensus(score_matches(views, assets), POSES).scored]
        return any(match.status == "approved" for match in found)

    cut = [replace(seen(image, "21-PT-1019"), whole=False) for image in POSES]
    weak = [replace(seen(image, "21-PT-1019", score=0.9), whole=whole) for image in POSES]
    assert not linked(*cut)
    assert not linked(cut[0], weak[1])
    assert linked(cut[0], *weak[1:])


def test_the_work_grows_with_the_stations_that_read_one_tag_and_not_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    work = 0

    def counted(function):
        def run(*args):
            nonlocal work
            work += len(args[-1])
            return function(*args)

        return run

    monkeypatch.setattr(sightlines, "pair_crossings", counted(sightlines.pair_crossings))
    monkeypatch.setattr(sightlines, "crossing", counted(sightlines.crossing))

    def work_of(stations: int) -> int:
        nonlocal work
        work = 0
        random = np.random.default_rng(1)
        poses = {
            str(n): Pose((float(x), float(y), 1.5), (1, 0, 0, 0))
            for n, (x, y) in enumerate(random.uniform(0, 2.5 * stations**0.5, (stations, 2)))
        }
        xs = random.uniform(0.1, 0.8, stations)
        detections = [
            Detection(image, "front", text, 0.99, ((x, 0.5), (x + 0.1, 0.5), (x + 0.1, 0.53), (x, 0.53)))
            for image, x in zip(poses, xs, strict=True)
            for text in ("P-5050C",)
        ]
        resolve_consensus(score_matches(detections, ASSETS), poses)
        return work

    assert 0 < work_of(400) < 2.5 * work_of(200)


def test_the_error_of_a_place_is_that_of_poses_that_are_wrong() -> None:
    """Of points that rays of disturbed poses meet in, two errors hold some 95 %, and one not all."""
    draws = np.random.default_rng(7)
    within, points = [], []
    for _ in range(300):
        rays = [Ray(np.array(pose.position) + draws.normal(0, 0.01, 3), _disturbed(pose, draws)) for pose in FAR_POSES]
        met, error = crossing(rays), crossing_error(rays)
        assert met is not None and error is not None
        points.append(error)
        within.append(float(np.linalg.norm(met.point - PLATE)) / error)
    assert np.quantile(within, 0.9) < 2.5
    assert np.quantile(within, 0.5) > 0.3
    assert 0.005 < np.median(points) < 0.05


def test_the_place_of_a_plate_that_lost_a_view_is_that_of_its_other_views() -> None:
    """The third station misreads the plate beside it, within the errors of lines of sight."""
    near = (0.04, -2.0, 0.3)
    misread = seen("three", "21-PT-1019B", PLATE, 0.85)
    right = [seen(image, tag, at) for tag, at in (("21-PT-1019A", PLATE), ("21-PT-1019B", near)) for image in POSES]
    consensus = consensus_of(*(each for each in right if each.image != "three"), misread)
    found = {
        each.match.detection.text: places_of(consensus)[each.match.plate].position
        for each in consensus.scored
        if each.match.plate and each.match.detection.image == "one"
    }
    assert found["21-PT-1019B"] == pytest.approx(near, abs=1e-3)


def test_rays_that_do_not_meet_have_no_error() -> None:
    along = np.array([0.0, 1.0, 0.0])
    assert crossing_error([Ray(np.zeros(3), along), Ray(np.array([1.0, 0, 0]), along)]) is None


def test_the_place_of_a_plate_has_its_error_and_a_single_view_has_no_place() -> None:
    consensus = consensus_of(seen("one", "21-PT-1019A"), seen("two", "21-PT-1019A"), seen("one", "P-5050C", (1, -2, 0)))
    ((name, place),) = places_of(consensus).items()
    assert consensus.scored[0].match.plate == name
    assert place.position == pytest.approx(PLATE, abs=1e-2)
    assert place.error_m is not None and 0.003 < place.error_m < 0.05
    assert Place.from_document(place.document()) == place


FAR_POSES = (Pose((-1.5, 0.5, 0.0), (1, 0, 0, 0)), Pose((1.5, 0.2, 0.1), (1, 0, 0, 0)), Pose((0, 2, 0), (1, 0, 0, 0)))


def _disturbed(pose: Pose, draws: np.random.Generator) -> npt.NDArray[np.float64]:
    """The direction to the plate, off by 0.3 degrees each way."""
    direction = np.array(PLATE) - pose.position
    off = direction / np.linalg.norm(direction) + draws.normal(0, np.radians(0.3), 3)
    return off / np.linalg.norm(off)
