"""Decisions outlive the images and face files that they are about."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest
from cognite.client.data_classes import AnnotationFilter, AnnotationUpdate, AssetWrite

from capture360.cdf.link_ports import SOMEBODY
from capture360.matching.consensus import resolve_consensus
from capture360.matching.decisions import Decided, added, as_decided
from capture360.matching.policy import score_matches
from capture360.model import Asset, CaptureKey, Detection, FaceRef, Match, Pose, PublishedImage
from capture360.steps.decisions_in_cdf import memory_of
from capture360.steps.detect import images_of
from capture360.steps.kept_decisions import follow_images, keep_decided_in_cdf, newly_decided
from capture360.steps.link_state import LinkMemory
from ingest_world import World
from suggested_links import CERTAIN, TAGS, Hall

SQUARE = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.15), (0.1, 0.15))
PUMP = Asset("1", "P-1", ("P-1",))
KEY = CaptureKey("hall-7", "scanned")


def extracted(name: str, x: float = 0.0) -> PublishedImage:
    faces = {"front": FaceRef("front", f"{name} front")}
    return PublishedImage(name, "space", "", Pose((x, 0, 0), (1, 0, 0, 0)), faces)


def read_on(image: PublishedImage) -> Match:
    return Match(Detection(image.external_id, "front", "P-1", 0.99, SQUARE), PUMP, 0.99, "approved", "read exactly")


@pytest.mark.parametrize(("moved", "status"), [(0.0, "dropped"), (1.0, "approved")])
def test_a_rejected_link_stays_away_from_an_image_that_cdf_extracted_anew(
    world: World, moved: float, status: str
) -> None:
    before, after = extracted("before"), extracted("after", moved)
    ctx = world.ctx()
    ctx.records.put(KEY, "f" * 32, "publish", {"collections": [], "shown": {"s-1": "before"}}, run="first")
    memory = LinkMemory(ctx.records, KEY)
    memory.decide([Decided(read_on(before), "rejected", "Ada", "2026-01-02T03:04:05+00:00").on(before)])
    for _ in range(2):
        follow_images(ctx, KEY, {"s-1": after})
        assert len(memory.decisions()) == 2
        (match,) = as_decided([read_on(after)], memory.decisions(), {"after": after})
        assert match.status == status


def test_decisions_follow_images_once_however_often_these_are_extracted_anew(world: World) -> None:
    key, ctx = CaptureKey("hall-7", "scanned-often"), world.ctx()
    memory = LinkMemory(ctx.records, key)
    memory.decide([Decided(read_on(extracted("image-0")), "rejected", "Ada", at(1)).on(extracted("image-0"))])
    for number in range(1, 4):
        ctx.records.put(key, f"{number}" * 32, "publish", {"shown": {"s-1": f"image-{number - 1}"}}, run="any")
        follow_images(ctx, key, {"s-1": extracted(f"image-{number}")})
        assert len(memory.decisions()) == number + 1
    changed = Decided(read_on(extracted("image-3")), "approved", "Bo", at(2)).on(extracted("image-3"))
    memory.decide([changed])
    ctx.records.put(key, "4" * 32, "publish", {"shown": {"s-1": "image-3"}}, run="any")
    follow_images(ctx, key, {"s-1": extracted("image-4")})
    assert [each.by for each in memory.decisions() if each.match.detection.image == "image-4"] == ["Bo"]


def at(day: int) -> str:
    return f"2026-01-{day:02}T03:04:05+00:00"


def seen_on(image: str, plate: str) -> Match:
    return replace(read_on(extracted(image)), plate=plate)


def in_cdf(match: Match, status: Literal["approved", "rejected"], day: int) -> Decided:
    return Decided(match, status, SOMEBODY, at(day)).on(extracted(match.detection.image))


def test_a_decision_in_cdf_is_spread_once_over_the_plate_of_its_time() -> None:
    views = [seen_on(name, "1") for name in ("a", "b")]
    images = {name: extracted(name) for name in ("a", "b", "c")}
    rejected = in_cdf(views[0], "rejected", 1)
    known = newly_decided([rejected], [], views, images)
    assert [each.match.detection.image for each in known] == ["a", "b"]
    joined = [*views, seen_on("c", "1")]
    assert newly_decided([rejected], known, joined, images) == [], "nobody has judged the view that joined it"
    again = newly_decided([in_cdf(views[0], "approved", 2)], known, joined, images)
    assert {(each.match.detection.image, each.status) for each in again} == {(name, "approved") for name in images}


def test_an_approval_in_cdf_that_is_older_than_what_is_known_of_its_plate_says_nothing() -> None:
    views = [seen_on(name, "1") for name in ("a", "b")]
    images = {name: extracted(name) for name in ("a", "b")}
    found = [in_cdf(views[0], "approved", 1), in_cdf(views[1], "rejected", 2)]
    known = newly_decided(found, [], views, images)
    assert {(each.match.detection.image, each.status) for each in known} == {("a", "rejected"), ("b", "rejected")}
    assert newly_decided(found, known, views, images) == []


VALVE = Asset("2", "V-2", ("V-2",))


def statuses(known: list[Decided], views: list[Match], images: dict[str, PublishedImage]) -> set[tuple[str, str, str]]:
    found = as_decided(views, known, images)
    return {(each.detection.image, each.asset.name if each.asset else "", each.status) for each in found}


def test_another_asset_that_a_plate_is_given_in_cdf_replaces_what_it_had() -> None:
    views = [seen_on(name, "1") for name in ("a", "b")]
    views[1] = replace(views[1], asset=None, status="dropped")
    views[0] = replace(views[0], status="suggested")
    images = {name: extracted(name) for name in ("a", "b")}
    alice = [
        Decided(seen_on(name, "1"), "approved", "Alice", at(1)).on(images[name]) for name in images
    ]  # on the review page
    of_valve = {("a", "V-2", "approved"), ("b", "V-2", "approved")}
    given = in_cdf(replace(views[0], asset=VALVE), "approved", 2)
    for before in ([], alice):
        new = newly_decided([given], before, views, images)
        known = added(before, new)
        assert {each for each in statuses(known, views, images) if each[2] == "approved"} == of_valve
        assert newly_decided([given], known, views, images) == []
        back = newly_decided([in_cdf(views[0], "approved", 3)], known, views, images)
        assert {each for each in statuses(added(known, back), views, images) if each[2] == "approved"} == {
            ("a", "P-1", "approved"),
            ("b", "P-1", "approved"),
        }
    encoded = {name: replace(image, faces={"front": FaceRef("front", "new")}) for name, image in images.items()}
    read = [seen_on(name, "1") for name in ("a", "b")]
    known = newly_decided([given], [], views, images)
    assert {status for _, _, status in statuses(known, read, encoded)} == {"dropped"}


def test_an_approval_in_cdf_of_a_tag_as_it_was_suggested_rejects_no_other_of_its_line() -> None:
    """Nobody has judged the other one: CDF shows the suggestion alone."""
    line = Detection("a", "front", "P-100 V-200", 0.99, SQUARE)
    pump, valve = (Asset(str(number), tag, (tag,)) for number, tag in enumerate(("P-100", "V-200")))
    images = {"a": extracted("a")}
    read = resolve_consensus(score_matches([line], [pump, valve]), {"a": images["a"].pose})
    views = [each.match for each in read.scored]
    (asked,) = (view for view in views if view.status == "suggested")
    (other,) = (asset for asset, _ in asked.candidates if asset != asked.asset)
    (new,) = newly_decided([in_cdf(asked, "approved", 1)], [], views, images)
    assert (new.match.asset, new.status) == (asked.asset, "approved")
    alice = [
        Decided(replace(asked, asset=asset), "approved", "Alice", at(1)).on(images["a"]) for asset in (pump, valve)
    ]
    back = [in_cdf(asked, status, day) for status, day in (("rejected", 2), ("approved", 3))]
    known = added(alice, newly_decided(back[:1], alice, views, images))
    known = added(known, newly_decided(back[1:], known, views, images))
    assert {each.match.asset for each in known if each.status == "approved"} == {pump, valve}
    given = newly_decided([in_cdf(replace(asked, asset=other), "approved", 1)], [], views, images)
    assert {(each.match.asset, each.status) for each in given} == {(other, "approved")}, "the line names both"
    given = newly_decided([in_cdf(replace(asked, asset=VALVE), "approved", 1)], [], views, images)
    rejected = {(asset, "rejected") for asset in (asked.asset, other)}
    assert {(each.match.asset, each.status) for each in given} == {(VALVE, "approved"), *rejected}


def test_an_approval_in_cdf_of_a_tag_as_it_was_suggested_rejects_only_what_was_approved_instead_of_it() -> None:
    images = {"a": extracted("a")}
    asked = replace(seen_on("a", "1"), status="suggested", candidates=((PUMP, 0.5), (VALVE, 0.5)))
    assert [each.status for each in newly_decided([in_cdf(asked, "approved", 1)], [], [asked], images)] == ["approved"]
    alice = [Decided(replace(asked, asset=VALVE), "approved", "Alice", at(1)).on(images["a"])]
    new = newly_decided([in_cdf(asked, "approved", 2)], alice, [asked], images)
    assert {(each.match.asset, each.status) for each in new} == {(PUMP, "approved"), (VALVE, "rejected")}


def test_an_approval_that_is_read_after_one_of_another_asset_that_is_newer_says_nothing() -> None:
    views, images = [seen_on(name, "1") for name in ("a", "b")], {name: extracted(name) for name in ("a", "b")}
    other = in_cdf(replace(views[0], asset=VALVE), "approved", 1)
    known = newly_decided([in_cdf(views[1], "approved", 2)], [], views, images)
    assert newly_decided([other], known, views, images) == []
    in_line = [replace(view, cause="several", candidates=((PUMP, 0.9), (VALVE, 0.9))) for view in views]
    both = newly_decided([other], known, in_line, images)
    assert {(each.match.asset, each.status) for each in both} == {(VALVE, "approved")}, "the line names both"


def test_an_approval_in_cdf_leaves_what_a_manual_match_links() -> None:
    views = [seen_on("a", "1"), replace(seen_on("b", "1"), asset=VALVE, cause="by hand")]
    images = {name: extracted(name) for name in ("a", "b")}
    new = newly_decided([in_cdf(views[0], "approved", 2)], [], views, images)
    assert [(each.match.detection.image, each.status) for each in new] == [("a", "approved")]


def test_decisions_in_cdf_are_compared_with_what_is_on_their_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []
    real = Decided.is_at

    def counted(decided: Decided, match: Match) -> bool:
        compared.append(1)
        return real(decided, match)

    monkeypatch.setattr(Decided, "is_at", counted)
    counts = []
    for plates in (10, 20):
        names = [f"{number}-{view}" for number in range(plates) for view in "ab"]
        images = {name: extracted(name) for name in names}
        views = [seen_on(name, name.partition("-")[0]) for name in names]
        found = [in_cdf(view, "rejected", 1) for view in views[::2]]
        known = newly_decided(found, [], views, images)
        assert len(known) == len(names)
        assert newly_decided(found, known, views, images) == []
        counts.append(len(compared))
        compared.clear()
    assert counts[1] <= 2 * counts[0]


@pytest.mark.parametrize("status", ["rejected", "approved"])
def test_what_was_decided_in_cdf_outlives_the_file_that_it_was_decided_on(classic: Hall, status: str) -> None:
    tag, *others = TAGS[:3]
    classic.read(tags=[tag, *others])
    client = classic.world.cdf.client
    image, *_ = images_of(classic.ctx, classic.key, classic.fingerprint)
    files = [{"external_id": image.faces["front"].external_id}]
    there = client.annotations.list(AnnotationFilter("file", files), limit=None)
    theirs = next(item for item in there if item.data["text"] == tag)
    client.annotations.update(AnnotationUpdate(theirs.id).status.set(status))
    classic.world.ingest(classic.world.drop(classic.key.capture, stations=1, shade=50, revision=2), run="run 2")
    state = classic.world.records.load(classic.key)
    assert state is not None
    classic.fingerprint = state.fingerprint
    classic.read(*([CERTAIN] if status == "rejected" else []), tags=[tag, *others])
    assert classic.linked() == ({*others} if status == "rejected" else {tag})
    assert tag not in classic.waiting()


def test_a_link_that_was_given_an_asset_which_was_deleted_since_takes_none_from_its_plate(classic: Hall) -> None:
    tag, client = TAGS[0], classic.world.cdf.client
    classic.read(CERTAIN, tags=[tag])
    images = images_of(classic.ctx, classic.key, classic.fingerprint)
    files = [{"external_id": image.faces["front"].external_id} for image in images]
    (theirs,) = client.annotations.list(AnnotationFilter("file", files), limit=None)
    (another,) = client.assets.create([AssetWrite(name="another")])
    client.annotations.update(AnnotationUpdate(theirs.id).data.set({**theirs.data, "assetRef": {"id": another.id}}))
    client.assets.delete(id=another.id)
    keep_decided_in_cdf(classic.ctx, classic.key, images)
    assert memory_of(classic.ctx, classic.key).decisions() == []
