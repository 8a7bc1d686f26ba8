"""A reviewed site is moved to a data modeling project: what is there in the end, and what stays behind and why."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from cognite.client.data_classes import AnnotationFilter, AnnotationUpdate, AnnotationWrite
from cognite.client.data_classes.data_modeling import NodeApply, NodeOrEdgeData, ViewId

from capture360.errors import BadInputError, ConfigError
from capture360.geometry.same_place import at_same_place
from capture360.steps import e57_extraction, lease
from capture360.steps.detect import images_of
from capture360.steps.ingest import ingest
from capture360.steps.link_state import LinkMemory
from capture360.steps.move import Move, Outcome, captures_to_move, move_capture, plan_move, refuse_unready
from capture360.steps.move_decisions import NotCarried
from capture360.steps.retract import retract
from capture360.steps.retracted import RETRACTED
from capture360.steps.review import open_suggestions
from capture360.steps.review_answers import Answer, give
from ingest_world import IMAGE_VIEW
from moved_site import PLATES, MovedSite, fingerprint_in, links, moved_site, name_assets
from scans import write_scans
from suggested_links import TAGS, Hall


@pytest.fixture
def site(tmp_path: Path) -> Iterator[MovedSite]:
    """Asset-centric: the other tests move hybrid projects, which differ in how links name their assets."""
    with ExitStack() as stack:
        yield moved_site(stack, tmp_path, "asset_centric")


def test_three_reviewed_captures_are_moved_and_twice_is_once(site: MovedSite) -> None:
    """One from the landing zone, one whose files are gone, one that was delivered anew and is not published."""
    kept, gone, other = (site.reviewed(f"walk-{number}", shade=number) for number in (1, 2, 3))
    site.lose_files(site.old.landing / gone.key.capture)
    (site.old.landing / other.key.capture / "more.txt").write_text("x")
    keys = [kept.key, gone.key, other.key]
    before = [links(site.old, key) for key in keys]
    assert before == [{PLATES[0]: "approved", PLATES[1]: "rejected", PLATES[2]: "suggested"}] * 3
    quiet = site.old.running.mutating(), site.new.running.mutating()
    records = sorted((site.old.root / "records").rglob("*"))

    planned = [plan_move(site.move, key) for key in captures_to_move(site.move)]
    assert [each.key for each in planned] == keys
    assert [each.state for each in planned] == ["to move"] * 3
    assert (site.old.running.mutating(), site.new.running.mutating()) == quiet
    assert list(site.new.records.keys()) == []

    done = site.run()
    assert [(each.state, each.source) for each in done] == [
        ("moved", "landing zone"), ("moved", "faces of the old project"), ("moved", "faces of the old project"),
    ]  # fmt: skip
    assert [(each.approved, each.rejected, each.left, each.problem) for each in done] == [(1, 1, (), "")] * 3
    assert [(each.source, each.approved, each.rejected) for each in planned] == [
        (each.source, each.approved, each.rejected) for each in done
    ]
    for key in keys:
        assert links(site.new, key) == {PLATES[0]: "approved"}
        fingerprint = fingerprint_in(site.new, key)
        waiting = open_suggestions(site.new.ctx(), key, fingerprint)
        assert [match.detection.text for match in waiting] == [PLATES[2]]
        new, old = (images_of(world.ctx(), key, fingerprint_in(world, key)) for world in (site.new, site.old))
        assert [image.external_id for image in new] == [image.external_id for image in old]
        assert [ref.external_id for image in new for ref in image.faces.values()] == [
            ref.external_id for image in old for ref in image.faces.values()
        ]
        for image, same in zip(new, old, strict=True):
            assert image.pose.position == pytest.approx(same.pose.position, abs=1e-6)
            assert image.pose.rotation == pytest.approx(same.pose.rotation, abs=1e-6)

    assert site.old.running.mutating() == quiet[0]
    assert [links(site.old, key) for key in keys] == before
    assert sorted((site.old.root / "records").rglob("*")) == records
    assert list(site.work.rglob("*.jpg")) == []

    quiet = site.old.running.mutating(), site.new.running.mutating()
    assert [each.state for each in site.run()] == ["unchanged"] * 3
    assert (site.old.running.mutating(), site.new.running.mutating()) == quiet


@pytest.fixture(scope="module")
def hybrid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MovedSite]:
    """Shared by tests that move one capture each."""
    with ExitStack() as stack:
        yield moved_site(stack, tmp_path_factory.mktemp("hybrid"), "hybrid")


def moved(site: MovedSite, hall: Hall) -> Outcome:
    return move_capture(site.move, hall.key, is_finished=bool)


def test_decisions_without_a_counterpart_stay_behind_and_follow_once_there_is_one(hybrid: MovedSite) -> None:
    hall = hybrid.reviewed("unnamed", shade=10)
    client, plant = hybrid.new.cdf.client, "plant"
    name_assets(hybrid.new, [(plant, PLATES[0], "other"), ("plant", "double", PLATES[1])])
    client.data_modeling.instances.delete(nodes=[(plant, PLATES[1])])
    name_assets(hybrid.new, [(plant, "twin", PLATES[1])])
    done = moved(hybrid, hall)
    assert (done.state, done.approved, done.rejected, done.is_whole) == ("moved", 0, 0, False)
    none = f'no asset of the site in the new project is called "{PLATES[0]}"'
    several = f'2 assets of the site in the new project are called "{PLATES[1]}"'
    assert done.left == (
        NotCarried(PLATES[0], PLATES[0], "approved", "Ada", "001", "front", none),
        NotCarried(PLATES[1], PLATES[1], "rejected", "Ada", "001", "front", several),
    )
    assert links(hybrid.new, hall.key) == {}
    assert moved(hybrid, hall).left == done.left

    name_assets(hybrid.new, [(plant, tag, tag) for tag in PLATES])
    client.data_modeling.instances.delete(nodes=[(plant, "twin")])
    done = moved(hybrid, hall)
    assert (done.state, done.approved, done.rejected, done.is_whole) == ("moved", 1, 1, True)
    assert links(hybrid.new, hall.key) == {PLATES[0]: "approved"}
    assert moved(hybrid, hall).state == "unchanged"
    client.data_modeling.instances.delete(nodes=[(plant, "double")])


def test_what_people_did_in_cdf_itself_is_carried_and_wins_over_the_records(hybrid: MovedSite) -> None:
    hall = hybrid.reviewed("by-hand", shade=20)
    client = hybrid.old.cdf.client
    (image,) = images_of(hall.ctx, hall.key, hall.fingerprint)
    file = client.files.retrieve(external_id=image.faces["front"].external_id)
    assert file is not None
    there = client.annotations.list(AnnotationFilter("file", [{"id": file.id}]), limit=None)
    approved = next(item for item in there if item.status == "approved")
    client.annotations.update(AnnotationUpdate(approved.id).status.set("rejected"))
    box = {"xMin": 0.7, "xMax": 0.8, "yMin": 0.7, "yMax": 0.75}
    for status, tag in (("approved", TAGS[3]), ("suggested", TAGS[4])):
        ref = {"space": "plant", "externalId": tag, "instanceType": "node", "sources": []}
        data = {"instanceRef": ref, "text": tag, "textRegion": box}
        link = AnnotationWrite("images.InstanceLink", data, status, "drawings", "1.0.0", "bob", "file", file.id)
        client.annotations.create(link)
    done = moved(hybrid, hall)
    assert (done.approved, done.rejected, done.is_whole) == (1, 2, True)
    assert links(hybrid.new, hall.key) == {TAGS[3]: "approved"}
    known = {each.match.detection.text: each for each in LinkMemory(hybrid.new.records, hall.key).decisions()}
    assert {text: (each.status, each.by) for text, each in known.items()} == {
        PLATES[0]: ("rejected", "somebody in CDF"), PLATES[1]: ("rejected", "Ada"), TAGS[3]: ("approved", "bob"),
    }  # fmt: skip


def test_people_of_the_new_project_have_the_last_word_and_later_decisions_of_the_old_one_follow(
    hybrid: MovedSite,
) -> None:
    hall = hybrid.reviewed("twice", shade=30, reject="")
    assert moved(hybrid, hall).state == "moved"
    there = Hall(hybrid.new, hall.key, fingerprint_in(hybrid.new, hall.key))
    review = there.begin()
    waiting = there.waiting()
    there.answer(review, "Leave the rest", str(waiting.index(PLATES[1]) + 1))
    hall.answer(hall.begin(), "Reject the rest")
    assert plan_move(hybrid.move, hall.key).state == "to move"
    done = moved(hybrid, hall)
    assert (done.state, done.approved, done.rejected) == ("moved", 1, 1)
    assert [(each.text, each.status, each.reason) for each in done.left] == [
        (PLATES[1], "rejected", "Ada has approved it in the new project")
    ]
    assert links(hybrid.new, hall.key) == dict.fromkeys(PLATES[:2], "approved")
    quiet = hybrid.new.running.mutating()
    assert moved(hybrid, hall).left == done.left
    assert hybrid.new.running.mutating() == quiet


def test_images_of_others_in_its_collection_are_counted(hybrid: MovedSite) -> None:
    drop = hybrid.deliver("with-strangers", shade=100)
    hybrid.old.ingest(drop)
    (properties,) = hybrid.old.nodes(IMAGE_VIEW, "with-strangers").values()
    source = NodeOrEdgeData(ViewId(*IMAGE_VIEW), properties)
    hybrid.old.cdf.client.data_modeling.instances.apply(NodeApply("captures360", "stranger", sources=[source]))
    done = move_capture(hybrid.move, drop.key, is_finished=bool)
    assert done.sentences == ("images in its collections that belong to no published station: 1",)
    assert len(images_of(hybrid.new.ctx(), drop.key, fingerprint_in(hybrid.new, drop.key))) == 1


def test_one_capture_that_cannot_be_moved_stops_no_other(hybrid: MovedSite) -> None:
    held, free = (hybrid.reviewed(name, shade=shade) for name, shade in (("held", 40), ("free", 50)))
    ended = "command line on {}, process 999999999, 2026-05-01T00:00:00Z"
    lease.take(hybrid.old.records, free.key, ended.format(socket.gethostname()), is_finished=bool)
    with lease.held(hybrid.old.records, held.key, "captures_ingest", is_finished=lambda run: False):
        outcomes = {each.key: each for each in hybrid.run()}
    assert outcomes[held.key].state == "failed"
    assert "is being written by captures_ingest" in outcomes[held.key].problem
    assert (
        "mark it as failed in Airflow, and captures_sense frees the capture. Then move again."
        in outcomes[held.key].problem
    )
    with lease.held(hybrid.old.records, held.key, ended.format("elsewhere"), is_finished=lambda run: False):
        again = {each.key: each for each in hybrid.run()}
    assert "In the old project wait for that run to end" in again[held.key].problem
    assert "there, if it was killed, run it again with --take-over" in again[held.key].problem
    assert hybrid.new.records.newest_with(held.key, "publish") is None
    assert outcomes[free.key].state == "moved"


def test_answers_that_are_not_in_cdf_yet_are_counted(hybrid: MovedSite) -> None:
    hall = hybrid.reviewed("waiting", shade=60)
    give(hybrid.old.records, hall.key, "plate", 0, Answer("reject", None, "Ada", "2026-01-02T03:04:05+00:00"))
    planned = plan_move(hybrid.move, hall.key)
    assert planned.sentences == (
        "answers of the review page that are not in CDF yet: 1. End that review and run the move again",
    )
    assert not planned.is_whole


def test_without_links_in_the_new_project_decisions_are_remembered(hybrid: MovedSite) -> None:
    hall = hybrid.reviewed("no-links", shade=70)
    site = hybrid.new.site
    off = site.model_copy(update={"links": site.links.model_copy(update={"enabled": False})})
    move = replace(hybrid.move, new=replace(hybrid.new.ctx("move"), site=off))
    done = move_capture(move, hall.key, is_finished=bool)
    assert (done.state, done.approved) == ("moved", 1)
    assert done.sentences[0].startswith("links.enabled is false for the site in the new project: 2 decisions")
    assert links(hybrid.new, hall.key) == {}
    assert len(LinkMemory(hybrid.new.records, hall.key).decisions()) == 2


def test_what_was_retracted_is_kept_out_of_the_new_project_too(hybrid: MovedSite) -> None:
    """Its delivery still lies in the landing zone that both projects may read."""
    drop = hybrid.deliver("faces-of-people", shade=90)
    hybrid.old.ingest(drop)
    retract(hybrid.old.ctx(), drop.key, approved=None, by="Ada")
    assert drop.key in captures_to_move(hybrid.move)
    refuse_unready(hybrid.move, [drop.key])
    assert plan_move(hybrid.move, drop.key).state == "to keep out"
    assert hybrid.new.records.fingerprints(drop.key) == []
    states = [move_capture(hybrid.move, drop.key, is_finished=bool).state for _ in range(2)]
    assert states == ["kept out", "unchanged"]
    ctx = replace(hybrid.new.ctx(), folder_url=str(drop.folder))
    with pytest.raises(BadInputError, match="it was retracted as revision 1"):
        ingest(ctx, drop.key, is_finished=bool)
    hybrid.old.records.put_note(drop.key, RETRACTED, {"revision": 2})  # delivered, published and retracted again
    assert plan_move(hybrid.move, drop.key).state == "to keep out"
    states = [move_capture(hybrid.move, drop.key, is_finished=bool).state for _ in range(2)]
    assert states == ["kept out", "unchanged"]
    assert hybrid.new.records.note(drop.key, RETRACTED) == {"revision": 2}
    hybrid.old.records.put_note(drop.key, RETRACTED, {"revision": 1})
    assert move_capture(hybrid.move, drop.key, is_finished=bool).state == "unchanged"


def test_a_capture_that_is_retracted_after_it_was_moved_is_not_reported_as_kept_out(hybrid: MovedSite) -> None:
    hall = hybrid.reviewed("seen-too-late", shade=91)
    assert moved(hybrid, hall).state == "moved"
    retract(hybrid.old.ctx(), hall.key, approved=None, by="Ada")
    for outcome in (plan_move(hybrid.move, hall.key), move_capture(hybrid.move, hall.key, is_finished=bool)):
        assert outcome.state == "failed"
        assert f"capture360 retract {hall.key} --connection FILE" in outcome.problem
    assert hybrid.new.records.note(hall.key, "retracted") is None


def test_what_people_of_the_new_project_retracted_is_left_to_them(hybrid: MovedSite) -> None:
    hall = hybrid.reviewed("unwanted", shade=92)
    assert moved(hybrid, hall).state == "moved"
    retract(hybrid.new.ctx(), hall.key, approved=None, by="Ada")
    assert plan_move(hybrid.move, hall.key) == moved(hybrid, hall) == Outcome(hall.key, "retracted")


def test_a_change_of_mind_in_the_old_project_follows(hybrid: MovedSite) -> None:
    """What a move carried is no decision of the new project's people."""
    hall = hybrid.reviewed("second-thoughts", shade=93)
    hybrid.lose_files(hybrid.old.landing / hall.key.capture)
    done = moved(hybrid, hall)
    assert (done.source, done.approved, done.problem) == ("faces of the old project", 1, "")
    assert links(hybrid.new, hall.key) == {PLATES[0]: "approved"}
    client = hybrid.old.cdf.client
    (image,) = images_of(hall.ctx, hall.key, hall.fingerprint)
    there = client.annotations.list(
        AnnotationFilter("file", [{"external_id": image.faces["front"].external_id}]), limit=None
    )
    client.annotations.update(
        [AnnotationUpdate(item.id).status.set("rejected") for item in there if item.status == "approved"]
    )
    assert plan_move(hybrid.move, hall.key).state == "to move"
    done = moved(hybrid, hall)
    assert (done.state, done.approved, done.rejected, done.left) == ("moved", 0, 2, ())
    assert links(hybrid.new, hall.key) == {}
    assert moved(hybrid, hall).state == plan_move(hybrid.move, hall.key).state == "unchanged"


def test_a_station_whose_faces_cannot_be_read_is_left_out(hybrid: MovedSite) -> None:
    drop = hybrid.deliver("half", shade=94, stations=2)
    hybrid.old.ingest(drop)
    hybrid.lose_files(drop)
    images = images_of(hybrid.old.ctx(), drop.key, fingerprint_in(hybrid.old, drop.key))
    ref = min(images, key=lambda image: image.label).faces["back"]
    hybrid.old.cdf.client.files.upload_content_bytes(b"no picture", external_id=ref.external_id)
    done = move_capture(hybrid.move, drop.key, is_finished=bool)
    assert (done.state, done.stations) == ("moved", 1)
    assert done.sentences == ("stations that are not published in the new project: 001",)


def test_what_the_new_project_lacks_is_named_before_anything_is_written(hybrid: MovedSite) -> None:
    hall = hybrid.reviewed("unready", shade=80)
    closed = hybrid.new.site.model_copy(update={"create_space": False, "space": "nowhere"})
    move = replace(hybrid.move, new=replace(hybrid.new.ctx("move"), site=closed))
    quiet = hybrid.new.running.mutating()
    with pytest.raises(ConfigError, match='Space "nowhere" is not in project'):
        refuse_unready(move, [hall.key])
    refuse_unready(hybrid.move, [hall.key])
    assert hybrid.new.running.mutating() == quiet
    assert moved(hybrid, hall).state == "moved"
    refuse_unready(move, [hall.key])


def test_scans_that_cdf_extracted_are_moved_with_the_decisions_about_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CDF chose the ids of the old images; in the new project the panoramas are extracted here, under our ids."""
    monkeypatch.setattr(e57_extraction, "FIRST_PAUSE_S", 0.1)
    with ExitStack() as stack:
        site = moved_site(stack, tmp_path, "hybrid", revision_queue=0, revision_processing=0)
        drop = write_scans(site.old.landing, "scanned")
        done = ingest(site.old.ctx(), drop.key, is_finished=bool)
        assert done.validated.route == "revision"
        hall = Hall(site.old, drop.key, done.validated.fingerprint)
        hall.read(tags=PLATES)
        hall.answer(hall.begin(), "Leave the rest", "1", "2")
        before = {image.external_id: image for image in images_of(hall.ctx, hall.key, hall.fingerprint)}
        (old,) = {each.match.detection.image for each in LinkMemory(site.old.records, hall.key).decisions()}
        done = moved(site, hall)
        assert (done.state, done.source, done.approved, done.rejected) == ("moved", "landing zone", 1, 1)
        assert links(site.new, hall.key) == {PLATES[0]: "approved"}
        (new,) = {each.match.detection.image for each in LinkMemory(site.new.records, hall.key).decisions()}
        after = {image.external_id: image for image in images_of(site.new.ctx(), hall.key, hall.fingerprint)}
        assert new not in before
        assert plan_move(site.move, hall.key).state == "unchanged"
        assert at_same_place(before[old].pose, after[new].pose)


def test_between_data_modeling_projects_the_records_say_what_people_decided(tmp_path: Path) -> None:
    with ExitStack() as stack:
        site = moved_site(stack, tmp_path, "data_modeling")
        hall = site.reviewed("walk")
        done = moved(site, hall)
        assert (done.state, done.approved, done.rejected, done.is_whole) == ("moved", 1, 1, True)
        assert links(site.new, hall.key) == links(site.old, hall.key) == {PLATES[0]: "approved"}


def test_a_project_is_not_moved_to_itself(hybrid: MovedSite) -> None:
    with pytest.raises(ConfigError, match="Both connections lead to project"):
        Move.between(hybrid.old.ctx(), hybrid.old.ctx(), hybrid.work)
