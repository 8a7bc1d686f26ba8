"""A decision goes with its place on the image: as it is, by its direction where the cube is turned, or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pytest

from capture360.cdf.ports import AssetIdentity
from capture360.geometry.projection import face_directions
from capture360.geometry.rotation import axis_rotation, matrix_from_quaternion, quaternion_from_matrix
from capture360.matching.decisions import Decided
from capture360.model import Asset, Detection, Match, Pose, PublishedImage
from capture360.steps.move_assets import Counterparts
from capture360.steps.move_decisions import Carried, carry

OLD, NEW = Asset("7", "21-PT-1019", ("21-PT-1019",)), Asset("plant/pt", "21-PT-1019", ("21-PT-1019",))
PLATE = ((0.3, 0.4), (0.5, 0.4), (0.5, 0.45), (0.3, 0.45))
POSE = Pose((1.0, 2.0, 3.0), (1.0, 0.0, 0.0, 0.0))


class Assets:
    """Assets of a project, by reference, with their external ids."""

    def __init__(self, *assets: tuple[Asset, str]) -> None:
        self._assets = assets

    def assets(self) -> Iterator[Asset]:
        yield from (asset for asset, _ in self._assets)

    def identities(self, refs: Sequence[str]) -> Mapping[str, AssetIdentity]:
        return {asset.ref: AssetIdentity(name, asset.name) for asset, name in self._assets if asset.ref in refs}


def image(name: str, pose: Pose) -> PublishedImage:
    return PublishedImage(name, "captures360", "station", pose, {})


def carried(
    after: PublishedImage | None,
    polygon: tuple[tuple[float, float], ...] = PLATE,
    uncut: tuple[tuple[float, float], ...] | None = None,
) -> Carried:
    seen = Detection("old", "front", "21PT1019", 0.7, polygon, polygon, uncut=uncut)
    match = Match(seen, OLD, 0.8, "suggested", "x", ((OLD, 0.8),), "p")
    decision = Decided(match, "approved", "Ada", "2026-01-02T03:04:05+00:00")
    counterparts = Counterparts(Assets((OLD, "pt")), Assets((NEW, "pt")))
    before = {"old": image("old", POSE)}
    return carry([decision], {"old": "001"}, before, {"001": after} if after else {}, counterparts)


def test_it_keeps_its_place_who_and_when_and_names_the_new_image_and_asset() -> None:
    done = carried(image("new", POSE))
    (decision,) = done.decisions
    assert (decision.status, decision.by, decision.at) == ("approved", "Ada", "2026-01-02T03:04:05+00:00")
    assert decision.match.asset == NEW
    assert decision.match.detection == Detection("new", "front", "21PT1019", 0.7, PLATE, PLATE)
    assert (decision.match.candidates, decision.match.plate, done.left) == ((), "", ())


@pytest.mark.parametrize(("degrees", "face"), [(90.0, "right"), (-90.0, "left"), (180.0, "back"), (10.0, "front")])
def test_on_a_cube_that_is_turned_otherwise_it_is_seen_in_the_same_direction(degrees: float, face: str) -> None:
    turned = matrix_from_quaternion(POSE.rotation) @ axis_rotation("Z", np.radians(degrees))
    after = image("new", Pose(POSE.position, quaternion_from_matrix(turned)))
    (decision,) = carried(after).decisions
    seen = decision.match.detection
    there = face_directions(seen.face, seen.polygon) @ turned.T
    assert np.allclose(there, face_directions("front", PLATE), atol=1e-5)
    assert (seen.face, seen.outline) == (face, None)


@pytest.mark.parametrize(("degrees", "is_cut"), [(-45.0, False), (2.0, True), (40.0, False)])
def test_a_plate_across_an_edge_is_carried_whole(degrees: float, is_cut: bool) -> None:
    across = ((0.9, 0.4), (1.08, 0.4), (1.08, 0.45), (0.9, 0.45))
    part = tuple((min(x, 0.99), y) for x, y in across)
    turned = matrix_from_quaternion(POSE.rotation) @ axis_rotation("Z", np.radians(degrees))
    done = carried(image("new", Pose(POSE.position, quaternion_from_matrix(turned))), part, across)
    (decision,) = done.decisions
    seen = decision.match.detection
    assert (seen.uncut is not None) == is_cut
    old_rays = face_directions("front", across) @ matrix_from_quaternion(POSE.rotation).T
    new_rays = face_directions(seen.face, seen.extent) @ turned.T
    assert np.allclose(new_rays / np.linalg.norm(new_rays, axis=1)[:, None],
                       old_rays / np.linalg.norm(old_rays, axis=1)[:, None], atol=1e-5)  # fmt: skip


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (None, "the new project does not show that station"),
        (image("new", Pose((1.0, 2.5, 3.0), POSE.rotation)), "the station stands elsewhere in the new project"),
    ],
)
def test_without_its_station_in_its_place_it_stays_behind(after: PublishedImage | None, reason: str) -> None:
    done = carried(after)
    assert done.decisions == ()
    assert [(each.station, each.asset, each.reason) for each in done.left] == [("001", OLD.name, reason)]
    assert str(done.left[0]) == f'"21PT1019" as 21-PT-1019 at 001 front, approved by Ada: {reason}'


def test_an_image_that_the_old_project_lost_is_named() -> None:
    match = Match(Detection("lost", "front", "x", 0.7, PLATE), OLD, 0.8, "suggested", "x")
    counterparts = Counterparts(Assets((OLD, "pt")), Assets((NEW, "pt")))
    done = carry([Decided(match, "rejected", "Ada", "now")], {}, {}, {}, counterparts)
    assert [(each.station, each.reason) for each in done.left] == [
        ("lost", "the old project no longer shows that image")
    ]


def named(ref: str, name: str = "21-PT-1019") -> Asset:
    return Asset(ref, name, (name,))


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ([(named("7"), "pt")], [(named("a/other"), "other")], "a/other"),
        ([(named("7"), "pt")], [(named("a/other"), "other"), (named("a/pt"), "pt")], "a/pt"),
        ([(named("a/pt"), "pt")], [(named("a/pt"), "pt"), (named("b/pt"), "pt")], "a/pt"),
        ([(named("7"), "pt")], [(named("a/pt"), "pt"), (named("b/pt"), "pt")], "2 assets of the site in the new"),
        ([(named("7"), "pt")], [(named("a/x", "X"), "pt")], "no asset of the site in the new project is called"),
        ([], [(named("a/pt"), "pt")], "asset 7 is no longer in the old project"),
        ([(named("7", ""), "pt")], [(named("a/pt"), "pt")], "asset 7 has no name in the old project"),
    ],
)  # fmt: skip
def test_the_name_decides_then_the_external_id_then_the_reference(
    old: list[tuple[Asset, str]], new: list[tuple[Asset, str]], found: str
) -> None:
    ref = old[0][0].ref if old else "7"
    counterpart = Counterparts(Assets(*old), Assets(*new)).of([ref])[ref]
    assert (counterpart.ref if isinstance(counterpart, Asset) else counterpart).startswith(found)
