"""What was lost of a capture's links is taken up again where it is proved, and never against a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from capture360.cdf.project_mode import ModeName
from capture360.errors import MissingStepError, RecordsError
from capture360.matching.documents import detection_document
from capture360.model import CaptureKey, Detection
from capture360.records import NOTES, Records
from capture360.steps.annotate import annotate
from capture360.steps.detect import images_of
from capture360.steps.link_state import ANSWERS, LinkMemory
from capture360.steps.match import match
from capture360.steps.reconcile import reconcile
from capture360.steps.repair import Repaired, discard_lost, repair
from ingest_world import World
from record_files import document_paths
from suggested_links import CERTAIN, TAGS, Hall, decide, delete_link, lose, outline


class Killed(BaseException):
    pass


def memory(hall: Hall) -> LinkMemory:
    return LinkMemory(hall.world.records, hall.key)


def drop_answers(hall: Hall) -> None:
    store = hall.world.records.store
    for path in document_paths(store, f"{hall.key}/{ANSWERS}"):
        store.remove(path)


def test_decisions_are_taken_up_again_from_the_answers(hall: Hall) -> None:
    approved, rejected = decide(hall)
    lose(hall, "decisions")
    assert memory(hall).lost() == {"decisions": "2 of 2 decisions of people"}
    assert repair(hall.ctx, hall.key) == Repaired(pairs=0, decisions=2, whole=True)
    annotate(hall.ctx, hall.key, hall.fingerprint)
    assert hall.linked() == {approved}
    hall.read(CERTAIN)
    assert hall.linked() == set(TAGS) - {rejected}
    assert reconcile(hall.ctx, hall.key) == []


def test_answers_of_all_reviews_and_deliveries_count_and_the_newest_about_a_link(core: Hall) -> None:
    review = core.begin()
    first, second, *_ = core.waiting()
    core.answer(review, "Leave the rest", "1-2")
    core.answer(review, "Leave the rest", "2", "1")  # the page was cleared and answered anew
    core.world.ingest(core.world.drop(core.key.capture, stations=1, shade=50, revision=2), run="run 2")
    state = core.world.records.load(core.key)
    assert state is not None
    core.fingerprint = state.fingerprint
    core.read()
    third, *_ = core.waiting()
    core.answer(core.begin(), "Leave the rest", "1")
    lose(core, "decisions")
    assert repair(core.ctx, core.key) == Repaired(pairs=0, decisions=3, whole=True)
    annotate(core.ctx, core.key, core.fingerprint)
    assert core.linked() == {second, third}
    assert first not in core.waiting()


def test_an_old_note_is_a_loss_even_if_it_is_as_long(core: Hall) -> None:
    review = core.begin()
    core.answer(review, "Leave the rest", "1")
    store, path = core.world.records.store, f"{core.key}/{NOTES}/decisions.json"
    old = store.read(path)
    assert old is not None
    core.answer(review, "Leave the rest", "", "1")
    store.put(path, old)
    assert memory(core).lost() == {"decisions": "the newest of 1 decisions of people"}
    with pytest.raises(RecordsError, match="the newest of 1 decisions"):
        annotate(core.ctx, core.key, core.fingerprint)
    assert repair(core.ctx, core.key).whole
    annotate(core.ctx, core.key, core.fingerprint)
    assert core.linked() == set()


def test_the_same_answer_twice_is_kept_once(core: Hall) -> None:
    review = core.begin()
    for _ in range(2):
        core.answer(review, "Leave the rest", "1", "2")
    assert len(core.world.records.store.names(f"{core.key}/{ANSWERS}")) == 1


def test_pairs_are_taken_up_again_from_what_cdf_shows(core: Hall) -> None:
    core.read(CERTAIN)
    lose(core, "linked-pairs")
    with pytest.raises(RecordsError, match=f"{len(TAGS)} of {len(TAGS)} linked pairs"):
        annotate(core.ctx, core.key, core.fingerprint)
    assert repair(core.ctx, core.key) == Repaired(pairs=len(TAGS), decisions=0, whole=True)
    assert reconcile(core.ctx, core.key) == []
    before = core.world.running.mutating()
    annotate(core.ctx, core.key, core.fingerprint)
    assert core.world.running.mutating() == before
    core.read(tags=[])
    assert core.linked() == set()


def test_a_link_that_somebody_removed_does_not_come_back(core: Hall) -> None:
    core.read(CERTAIN)
    delete_link(core)
    left = core.linked()
    lose(core, "linked-pairs")
    assert repair(core.ctx, core.key) == Repaired(pairs=len(TAGS) - 1, decisions=0, whole=False)
    with pytest.raises(RecordsError, match="--discard-lost"):
        annotate(core.ctx, core.key, core.fingerprint)
    discard_lost(core.ctx, core.key)
    annotate(core.ctx, core.key, core.fingerprint)
    assert core.linked() == left
    assert reconcile(core.ctx, core.key) == []


def test_a_link_that_somebody_else_made_is_not_taken_for_ours(core: Hall) -> None:
    core.read(CERTAIN)
    lose(core, "linked-pairs")
    discard_lost(core.ctx, core.key)
    core.read(CERTAIN, shift=0.02)  # the links that stand are not as we would make them now
    assert reconcile(core.ctx, core.key) == []
    assert repair(core.ctx, core.key).pairs == 0
    core.read(tags=[])
    assert core.linked() == set(TAGS)


def test_links_without_a_memory_are_told_and_taken_for_ours_when_told_to(core: Hall) -> None:
    core.read(CERTAIN)
    lose(core, "linked-pairs")
    discard_lost(core.ctx, core.key)
    assert [finding.rule for finding in reconcile(core.ctx, core.key)] == ["R12"]
    assert repair(core.ctx, core.key) == Repaired(pairs=len(TAGS), decisions=0, whole=True)
    assert reconcile(core.ctx, core.key) == []


def test_pairs_on_the_images_of_every_delivery_are_taken_up_again(worlds: dict[ModeName, World]) -> None:
    world = worlds["data_modeling"]
    drop = world.drop("parted", stations=3, collections=("A", "B"))
    for stations, name in ((drop.capture.stations[:2], "first"), (drop.capture.stations[2:], "second")):
        (drop.folder / "stations.csv").write_text(name)
        world.write(replace(drop, capture=replace(drop.capture, stations=stations)), name)
        published = world.records.newest_with(drop.key, "publish")
        assert published is not None
        texts = [
            detection_document(Detection(image.external_id, "front", tag, CERTAIN, outline(0.2, 0.2, 0.15)))
            for image, tag in zip(images_of(world.ctx(), drop.key, published), TAGS, strict=False)
        ]
        body = {"engine": "by hand", "detections": texts, "findings": []}
        world.records.put(drop.key, published, "detect", body, run=name, batch=0)
        match(world.ctx(), drop.key, published)
        annotate(world.ctx(), drop.key, published)
    remembered = world.records.note(drop.key, "linked-pairs")
    assert remembered is not None
    world.records.store.remove(f"{drop.key}/{NOTES}/linked-pairs.json")
    assert repair(world.ctx(), drop.key) == Repaired(pairs=len(remembered["pairs"]), decisions=0, whole=True)
    assert world.records.note(drop.key, "linked-pairs") == remembered


def test_what_nothing_proves_stays_lost_until_it_is_given_up(hall: Hall) -> None:
    decide(hall)
    lose(hall, "decisions")
    drop_answers(hall)
    assert repair(hall.ctx, hall.key) == Repaired(pairs=0, decisions=0, whole=False)
    with pytest.raises(RecordsError, match="2 of 2 decisions of people"):
        hall.read(CERTAIN)
    discard_lost(hall.ctx, hall.key)
    assert memory(hall).lost() == {}
    hall.read(CERTAIN)


def test_a_repair_where_nothing_is_lost_changes_nothing(hall: Hall) -> None:
    decide(hall)
    drop_answers(hall)
    before = hall.world.state()["records"]
    assert repair(hall.ctx, hall.key).whole
    assert hall.world.state()["records"] == before


@pytest.mark.parametrize("write", range(1, 4))
def test_killed_at_any_write_of_the_memory_nothing_looks_lost(
    core: Hall, monkeypatch: pytest.MonkeyPatch, write: int
) -> None:
    put = Records.put_note
    for tags in (TAGS, []):
        seen = 0

        def killing(self: Records, *arguments: object) -> None:
            nonlocal seen
            seen += 1
            if seen == write:
                raise Killed
            put(self, *arguments)

        with monkeypatch.context() as patched:
            patched.setattr(Records, "put_note", killing)
            with pytest.raises(Killed):
                core.read(CERTAIN, tags=tags)
        assert memory(core).lost() == {}
        core.read(CERTAIN, tags=tags)
        assert len(core.linked()) == len(tags)


def test_a_look_while_another_task_writes_sees_no_loss(core: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    decide(core)
    read, writing = Records.note, [True]

    def interrupted(self: Records, key: CaptureKey, name: str, folder: str = NOTES) -> Mapping[str, Any] | None:
        """Somebody's answer comes between the look at the digests and the look at the note."""
        if name == "decisions" and writing:
            writing.clear()
            core.answer(core.begin(), "Leave the rest", "1")
        return read(self, key, name, folder)

    looking = memory(core)
    monkeypatch.setattr(Records, "note", interrupted)
    assert looking.lost() == {}
    assert len(looking.decisions()) == 3


def test_a_note_that_is_broken_is_named(core: Hall) -> None:
    decide(core)
    core.world.records.store.put(f"{core.key}/{NOTES}/decisions.json", b"{")
    with pytest.raises(RecordsError, match=r"notes/decisions\.json is broken"):
        repair(core.ctx, core.key)


def test_a_repair_of_what_was_never_linked_is_told(world: World) -> None:
    with pytest.raises(MissingStepError, match="Run captures_contextualize"):
        repair(world.ctx(), world.drop("never-linked").key)
