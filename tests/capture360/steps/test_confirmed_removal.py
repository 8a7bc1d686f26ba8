"""A confirmed delivery that leaves stations out takes them away; nothing else ever does.

Hybrid projects store images as asset-centric ones do, and differ in assets and links: what links are on is tried in
both, all else in one mode of each image store.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest
from cognite.client.data_classes import AnnotationWrite
from cognite.client.data_classes.data_modeling import NodeApply, NodeOrEdgeData, ViewId

from capture360 import names
from capture360.cdf.project_mode import ModeName
from capture360.cdf.registry import mode_of
from capture360.errors import RequestError
from capture360.model import CaptureKey, Verdict
from capture360.settings.scene import SceneSettings
from capture360.steps.detect import images_of
from capture360.steps.faces import faces
from capture360.steps.publish import publish
from capture360.steps.published import published_stations
from capture360.steps.reconcile import reconcile
from capture360.steps.scene import place
from capture360.steps.verify import verify
from confirmed_deliveries import (
    MODES,
    annotations_of,
    delivered,
    face_files,
    face_prefix,
    link,
    linked_images,
    shown,
    station_nodes,
)
from ingest_world import CORE_IMAGE, IMAGE_VIEW, World
from record_files import document_paths
from suggested_links import TAGS, world_of

STORES: tuple[ModeName, ...] = ("asset_centric", "data_modeling")
"""A mode of each image store."""
IMAGE_VIEWS = {"asset_centric": IMAGE_VIEW, "hybrid": IMAGE_VIEW, "data_modeling": CORE_IMAGE}


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[ModeName, World]]:
    root = tmp_path_factory.mktemp("removals")
    with ExitStack() as stack:
        yield {mode: world_of(stack, mode, root) for mode in MODES}


@pytest.fixture(params=STORES)
def world(request: pytest.FixtureRequest, worlds: dict[ModeName, World]) -> World:
    world = worlds[request.param]
    world.said.clear()
    world.site = world.site.model_copy(
        update={"checks": world.site.checks.model_copy(update={"max_quarantine_fraction": 0.5})}
    )
    return world


def drift(world: World, key: CaptureKey) -> Mapping[str, str]:
    return {finding.rule: finding.message for finding in reconcile(world.ctx(), key)}


@pytest.mark.parametrize("world", MODES, indirect=True)
def test_a_confirmed_removal_takes_away_the_station_and_what_only_it_used(world: World) -> None:
    world.ingest(delivered(world, "confirmed", 3))
    refused = world.ingest(delivered(world, "confirmed", 2), run="run 2").validated
    assert refused.verdict is Verdict.REJECTED
    assert "1 missing (003)" in refused.headline
    drop = delivered(world, "confirmed", 2, revision=2)
    done = world.ingest(drop, run="run 3")
    assert shown(world, drop.key) == ["001", "002"]
    assert published_stations(world.records, drop.key) == ["001", "002"]
    assert station_nodes(world, "confirmed") == {names.station_id(drop.key, each) for each in ("001", "002")}
    assert [len(face_files(world, drop.key, each)) for each in ("001", "002", "003")] == [6, 6, 0]
    assert drift(world, drop.key) == {}
    assert done.published is not None
    assert [names.image_id(drop.key, "003")] == list(done.published.removed_images)
    before = world.running.mutating()
    world.ingest(drop, run="run 4")
    assert world.running.mutating() == before


def test_a_station_that_was_removed_can_come_back(world: World) -> None:
    world.ingest(delivered(world, "back", 2))
    world.ingest(delivered(world, "back", 1, revision=2))
    drop = delivered(world, "back", 2, revision=2)
    world.ingest(drop)
    assert shown(world, drop.key) == published_stations(world.records, drop.key) == ["001", "002"]
    assert len(face_files(world, drop.key, "002")) == 6
    assert drift(world, drop.key) == {}


def test_an_older_revision_brings_back_no_station_that_was_removed(world: World) -> None:
    world.ingest(delivered(world, "restored", 2))
    world.ingest(delivered(world, "restored", 1, revision=2))
    drop = delivered(world, "restored", 2)
    before = world.running.mutating()
    refused = world.ingest(drop).validated
    assert refused.verdict is Verdict.REJECTED
    assert "revision 2 is published, and this is revision 1" in refused.headline
    assert "1 new (002)" in refused.headline
    assert world.running.mutating() == before
    assert shown(world, drop.key) == published_stations(world.records, drop.key) == ["001"]


def test_a_cleared_task_of_an_older_delivery_does_not_put_it_back(world: World) -> None:
    """Its pictures, poses and stations are the same; names and collections are not compared."""
    first = world.ingest(delivered(world, "cleared", 2)).validated.fingerprint
    drop = delivered(world, "cleared", 2, collections=("", "east"), revision=2)
    second = world.ingest(drop).validated.fingerprint
    world.site = world.site.model_copy(update={"scene": SceneSettings(external_id="hall")})
    before = world.running.mutating()
    for step in (lambda *which: faces(*which, 0), publish, place, verify):
        with pytest.raises(RequestError, match=f"about delivery {first}, CDF shows {second}. Nothing was changed."):
            step(world.ctx(), drop.key, first)
    assert world.running.mutating() == before
    world.records.store.remove(f"{drop.key}/{second}/publish.json")
    with pytest.raises(RequestError, match="was published again since"):  # a run that was killed before it recorded
        publish(world.ctx(), drop.key, first)


def test_a_delivery_that_came_back_is_the_newer_one(world: World) -> None:
    drop = delivered(world, "returned", 1)
    kept = shutil.copytree(drop.folder, world.root / f"kept-{world.connection.mode}")
    first = world.ingest(drop).validated.fingerprint
    second = world.ingest(delivered(world, "returned", 1, revision=2)).validated.fingerprint
    shutil.rmtree(drop.folder)
    shutil.copytree(kept, drop.folder)
    assert world.ingest(drop).validated.fingerprint == first
    with pytest.raises(RequestError, match=f"about delivery {second}, CDF shows {first}"):
        publish(world.ctx(), drop.key, second)


def test_a_held_back_station_stays_as_it_was_and_its_fixed_delivery_needs_no_other_revision(world: World) -> None:
    """The confirmation spoke of it too: once it is fixed it goes in, moved and with other pictures."""
    world.ingest(delivered(world, "held", 3))
    drop = delivered(world, "held", 3, revision=2, shade=60)
    picture = drop.folder / "images/003/top.jpg"
    content = picture.read_bytes()
    picture.write_bytes(content[: len(content) // 2])
    drop.rewrite("003,Pump 003,4.5,", "003,Pump 003,4.6,")
    done = world.ingest(drop)
    assert done.validated.verdict is Verdict.PARTIAL
    assert shown(world, drop.key) == ["001", "002", "003"]
    assert sorted(published_stations(world.records, drop.key)) == ["001", "002", "003"]
    assert any("held back" in line and "003" in line for line in world.said)
    record = world.records.get(drop.key, done.validated.fingerprint, "validate")
    assert record is not None
    (told,) = [finding for finding in record.body["findings"] if finding["rule"] == "C06"]
    assert "003" in told["message"]
    assert drift(world, drop.key) == {}
    picture.write_bytes(content)
    assert world.ingest(drop).validated.verdict is Verdict.ACCEPTED
    image = world.nodes(IMAGE_VIEWS[world.connection.mode], "held")[names.image_id(drop.key, "003")]
    assert image["translationX"] == pytest.approx(4.6)
    assert len(face_files(world, drop.key, "003")) == 6
    drop.rewrite("003,Pump 003,4.6,", "003,Pump 003,4.7,")
    assert world.ingest(drop).validated.verdict is Verdict.REJECTED


def test_a_station_without_a_readable_pose_is_held_back_and_not_left_out(world: World) -> None:
    world.ingest(delivered(world, "unread", 3))
    drop = delivered(world, "unread", 3)
    drop.rewrite("003,Pump 003,4.5,", "003,Pump 003,?,")
    done = world.ingest(drop).validated
    assert (done.verdict, done.quarantined) == (Verdict.PARTIAL, 1)
    assert shown(world, drop.key) == ["001", "002", "003"]


def test_nothing_is_removed_while_a_row_has_no_id(world: World) -> None:
    world.ingest(delivered(world, "nameless", 3))
    drop = delivered(world, "nameless", 3, revision=2)
    drop.rewrite("003,Pump 003,", ",Pump 003,")
    done = world.ingest(drop).validated
    assert done.verdict is Verdict.REJECTED
    assert "003" in done.headline
    assert shown(world, drop.key) == ["001", "002", "003"]


def test_an_older_revision_that_comes_again_does_not_weaken_the_next_confirmation(world: World) -> None:
    world.ingest(delivered(world, "older", 2))
    world.ingest(delivered(world, "older", 3, revision=2))
    first = delivered(world, "older", 3)
    first.rewrite("revision: 1", "revision: 1\n", "capture.yaml")
    world.ingest(first)
    drop = delivered(world, "older", 2, revision=2)
    assert "revision: 3" in world.ingest(drop).validated.headline
    world.ingest(delivered(world, "older", 2, revision=3))
    assert shown(world, drop.key) == published_stations(world.records, drop.key) == ["001", "002"]


def test_what_the_records_do_not_know_is_not_confirmed_by_a_revision_that_nobody_stated(world: World) -> None:
    """Records are lost, or those of a trial beside them: what CDF shows is published all the same."""
    first = delivered(world, "unknown", 3)
    world.ingest(first)
    for path in document_paths(world.records.store):
        if str(first.key) in path:
            world.records.store.remove(path)
    for moved in (False, True):
        changed = delivered(world, "unknown", 2, shade=0 if moved else 60)
        if moved:
            changed.rewrite("001,Pump 001,1.5,", "001,Pump 001,1.6,")
        before = world.running.mutating()
        refused = world.ingest(changed).validated.headline
        assert re.search(r'of station "00[12]" differ.*write revision: 2 in capture.yaml', refused)
        assert world.running.mutating() == before
    world.ingest(delivered(world, "unknown", 2))
    assert shown(world, first.key) == ["001", "002", "003"]
    (said,) = [line for line in world.said if "that neither this delivery nor the records" in line]
    assert names.image_id(first.key, "003") in said
    world.ingest(delivered(world, "unknown", 2, shade=60, revision=2))
    assert shown(world, first.key) == ["001", "002"]


def test_another_collection_wants_a_confirmation_and_the_emptied_one_goes(world: World) -> None:
    world.ingest(delivered(world, "parts", 2, collections=("", "east")))
    refused = world.ingest(delivered(world, "parts", 2, collections=("",))).validated
    assert refused.verdict is Verdict.REJECTED
    assert "1 in another collection (001)" in refused.headline
    drop = delivered(world, "parts", 2, collections=("",), revision=2)
    world.ingest(drop)
    model = mode_of(world.cdf).images(world.cdf, world.site)
    assert [each.external_id for each in model.collections(drop.key)] == [names.collection_id(drop.key)]


def test_a_kept_station_in_another_collection_is_still_recorded(world: World) -> None:
    world.ingest(delivered(world, "corner", 2, collections=("", "east")))
    drop = delivered(world, "corner", 2, collections=("", "east"), revision=2, shade=30)
    (drop.folder / "images/001/top.jpg").write_bytes(b"damaged")
    done = world.ingest(drop)
    assert done.validated.verdict is Verdict.PARTIAL
    assert len(images_of(world.ctx(), drop.key, done.validated.fingerprint)) == 2


def test_a_node_that_a_later_capture_shares_stays(world: World) -> None:
    world.ingest(delivered(world, "aa-spring", 2))
    later = delivered(world, "aa-summer", 2)
    later.rewrite("revision: 1", "revision: 1\nhistory: true", "capture.yaml")
    world.ingest(later)
    drop = delivered(world, "aa-spring", 1, revision=2)
    world.ingest(drop)
    assert station_nodes(world, "aa-spring") == {names.station_id(drop.key, each) for each in ("001", "002")}
    assert shown(world, later.key) == ["001", "002"]
    last = delivered(world, "aa-summer", 1, revision=2)
    last.rewrite("revision: 2", "revision: 2\nhistory: true", "capture.yaml")
    world.ingest(last)
    assert station_nodes(world, "aa-spring") == {names.station_id(drop.key, "001")}


@pytest.mark.parametrize("world", MODES, indirect=True)
def test_links_on_what_is_removed_go_and_those_of_people_are_named(world: World) -> None:
    first = delivered(world, "linked", 3)
    world.ingest(first)
    link(world, first, {TAGS[0]: "001", TAGS[1]: "003"})
    assert linked_images(world, first) == {"001", "003"}
    by_hand = None
    if world.connection.mode != "data_modeling":
        ours = next(item for item in annotations_of(world))
        target = face_prefix(first.key, "003")
        file = next(f for f in world.cdf.client.files.list(limit=None) if (f.external_id or "").startswith(target))
        by_hand = world.cdf.client.annotations.create(
            AnnotationWrite(ours.annotation_type, ours.data, "approved", "viewer", "1.0.0", "Ada", "file", file.id)
        )
    world.ingest(delivered(world, "linked", 2, revision=2), run="run 2")
    assert linked_images(world, first) == {"001"}
    if by_hand is not None:
        assert any("people" in line and str(by_hand.id) in line for line in world.said)
    again = delivered(world, "linked", 3, revision=3)
    world.ingest(again, run="run 3")
    link(world, again, {TAGS[0]: "001", TAGS[1]: "003"})
    assert linked_images(world, again) == {"001", "003"}, "its image was made anew, so nobody has removed the link"


def test_what_is_shown_and_in_nobodys_books_is_listed(world: World) -> None:
    drop = delivered(world, "stray", 1)
    world.ingest(drop)
    view = ViewId(*IMAGE_VIEWS[world.connection.mode])
    known = world.nodes(IMAGE_VIEWS[world.connection.mode], "stray")[names.image_id(drop.key, "001")]
    copied = {name: value for name, value in known.items() if value is not None}
    stray = NodeApply(world.site.space, "somebody_elses", sources=[NodeOrEdgeData(view, copied)])
    world.cdf.client.data_modeling.instances.apply(stray)
    assert "somebody_elses" in drift(world, drop.key)["R04"]
    world.ingest(delivered(world, "stray", 1, revision=2))
    assert "somebody_elses" in shown(world, drop.key), "what others made is theirs"
    world.cdf.client.data_modeling.instances.delete(nodes=(world.site.space, "somebody_elses"))
    assert drift(world, drop.key) == {}
