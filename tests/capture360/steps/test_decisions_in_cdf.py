"""Where CDF keeps the decisions of people, no loss of records undoes one, and the records' note is a copy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import pytest

from capture360.cdf.links.decision_nodes import DecisionNodes
from capture360.errors import RecordsError
from capture360.matching.decisions import Decided
from capture360.model import Asset, CaptureKey, Detection, Match
from capture360.records import MEMORY, NOTES
from capture360.steps.annotate import annotate
from capture360.steps.decisions_in_cdf import memory_of, refreshed
from capture360.steps.ingest import ingest
from capture360.steps.link_state import LinkMemory
from capture360.steps.reconcile import reconcile
from capture360.steps.repair import Repaired, repair
from capture360.steps.retract import plan_retraction, retract
from capture360.steps.review_answers import Answer, give, take_back
from capture360.steps.review_page import newest_review
from capture360_local.demo.container import deploy_container
from ingest_world import World
from record_files import document_paths
from suggested_links import CERTAIN, TAGS, Hall, decide, hall_in, lose, outline, world_of


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A data modeling project with the container."""
    with ExitStack() as stack:
        world = world_of(stack, "data_modeling", tmp_path_factory.mktemp("kept"))
        deploy_container(world.cdf.client)
        yield world


def in_cdf(hall: Hall) -> list[Decided]:
    return list(DecisionNodes(hall.world.cdf, hall.world.site).read(hall.key).values())


def noted(hall: Hall) -> list[Decided]:
    return LinkMemory(hall.world.records, hall.key).decisions()


def decision(tag: str, status: Literal["approved", "rejected"], at: str, x: float = 0.2) -> Decided:
    seen = Detection("image", "front", tag, 0.7, outline(x, 0.2, 0.15))
    return Decided(Match(seen, Asset(f"plant/{tag}", tag, ()), 0.6, "suggested", ""), status, "Ada", at)


def test_all_records_are_lost_and_every_decision_is_known(kept: World) -> None:
    hall = hall_in(kept)
    approved, rejected = decide(hall)
    before = noted(hall)
    assert before == in_cdf(hall)
    assert [each.by for each in before] == ["Ada", "Ada"]
    shutil.rmtree(kept.root / "records")
    ingest(kept.ctx("anew"), hall.key, is_finished=bool)
    hall.read()
    assert hall.linked() == {approved}
    assert rejected not in hall.waiting()
    hall.read(CERTAIN)
    assert hall.linked() == set(TAGS) - {rejected}
    assert noted(hall) == before
    assert reconcile(hall.ctx, hall.key) == []


def test_the_note_is_a_copy_whatever_was_restored(kept: World) -> None:
    hall = hall_in(kept)
    review = hall.begin()
    hall.answer(review, "Leave the rest", "1")
    path = f"{hall.key}/{NOTES}/decisions.json"
    old = kept.records.store.read(path)
    assert old is not None
    hall.answer(review, "Leave the rest", "", "1")
    kept.records.store.put(path, old)
    assert document_paths(kept.records.store, f"{hall.key}/{MEMORY}") == []
    assert reconcile(hall.ctx, hall.key) == []
    annotate(hall.ctx, hall.key, hall.fingerprint)
    assert hall.linked() == set()
    lose(hall, "decisions")
    assert repair(hall.ctx, hall.key) == Repaired(decisions=1, whole=True)
    assert [each.status for each in refreshed(hall.ctx, hall.key).decisions()] == ["rejected"]
    assert noted(hall) == in_cdf(hall)
    quiet = kept.running.mutating()
    annotate(hall.ctx, hall.key, hall.fingerprint)
    assert kept.running.mutating() == quiet


def test_two_captures_side_by_side_and_one_is_retracted(kept: World) -> None:
    one, other = hall_in(kept), hall_in(kept)
    decide(one)
    decide(other)
    plan = plan_retraction(one.ctx, one.key)
    assert len(plan.decisions) == 2
    assert any(line.startswith("2 decisions: c360_decision_hall_7_walk_") for line in plan.lines())
    retract(one.ctx, one.key, approved=plan.digest, by="Ada")
    assert (in_cdf(one), len(noted(one))) == ([], 2)
    assert len(in_cdf(other)) == 2
    again = plan_retraction(one.ctx, one.key)
    assert again.lines() == ["Nothing of it is in CDF."]


def test_what_people_decided_holds_after_a_retraction_and_a_second_publication(kept: World) -> None:
    hall = hall_in(kept)
    approved, rejected = decide(hall)
    retract(hall.ctx, hall.key, approved=None, by="Ada")
    done = kept.ingest(kept.drop(hall.key.capture, stations=1, revision=2), "run 2").validated
    anew = Hall(kept, hall.key, done.fingerprint)
    anew.read(CERTAIN)
    assert {each.match.detection.text: each.status for each in in_cdf(anew)} == {
        approved: "approved",
        rejected: "rejected",
    }
    assert noted(anew) == in_cdf(anew)
    assert rejected not in anew.linked()


def test_an_answer_that_is_taken_back_decides_nothing(kept: World) -> None:
    hall = hall_in(kept)
    review = hall.begin()
    found = newest_review(kept.records, hall.key)
    assert found is not None
    plate = next(iter(found.plates))
    rejection = Answer("reject", None, "Ada", "2026-01-02T03:04:05+00:00")
    given, _ = give(kept.records, hall.key, plate, 0, rejection)
    assert given is not None
    undone = Answer("open", None, "Ada", "2026-01-02T03:04:06+00:00")
    _, taken = take_back(kept.records, hall.key, plate, given.version, 0, undone, hall.run)
    assert taken
    hall.answer(review, "Leave the rest")
    assert in_cdf(hall) == []


def test_a_project_that_gets_the_container_later_takes_the_note_over_once(tmp_path: Path) -> None:
    with ExitStack() as stack:
        world = world_of(stack, "data_modeling", tmp_path)
        hall = hall_in(world)
        approved, rejected = decide(hall)
        fallback = "Decisions of people about plates are kept in the records alone, which need a backup"
        assert any(line.startswith(fallback) for line in world.said)
        assert len(document_paths(world.records.store, f"{hall.key}/{MEMORY}")) == 2
        deploy_container(world.cdf.client)
        assert (len(memory_of(hall.ctx, hall.key).decisions()), in_cdf(hall)) == (2, [])
        world.said.clear()
        annotate(hall.ctx, hall.key, hall.fingerprint)
        assert [line for line in world.said if "backup" in line] == []
        found = {each.match.detection.text: each.status for each in in_cdf(hall)}
        assert found == {approved: "approved", rejected: "rejected"}
        assert document_paths(world.records.store, f"{hall.key}/{MEMORY}") == []
        assert noted(hall) == in_cdf(hall)
        one, other = plan_retraction(hall.ctx, hall.key).decisions
        nodes = DecisionNodes(world.cdf, world.site)
        nodes.remove([one])
        annotate(hall.ctx, hall.key, hall.fingerprint)
        assert len(noted(hall)) == 1, "what somebody deleted in CDF is not written there again"
        nodes.remove([other])
        with pytest.raises(RecordsError, match=r"Missing in CDF: 1 decision.*--repair writes them there again"):
            annotate(hall.ctx, hall.key, hall.fingerprint)
        assert repair(hall.ctx, hall.key) == Repaired(decisions=1, whole=True)
        annotate(hall.ctx, hall.key, hall.fingerprint)
        assert noted(hall) == in_cdf(hall) != []


def test_the_newer_of_two_decisions_counts_once_the_container_is_back(kept: World) -> None:
    key = CaptureKey("hall-7", "back")
    store, fallback = DecisionNodes(kept.cdf, kept.site), LinkMemory(kept.records, key)
    store.write(key, {0: decision("P-1", "approved", "2026-01-01T00:00:00+00:00", 0.21)})
    store.write(key, {0: decision("P-2", "approved", "2026-03-01T00:00:00+00:00")})
    fallback.decide([decision("P-1", "rejected", "2026-02-01T00:00:00+00:00")])
    fallback.decide([decision("P-2", "rejected", "2026-02-01T00:00:00+00:00")])
    refreshed(kept.ctx(), key)
    newest = {each.match.detection.text: each.status for each in store.read(key).values()}
    assert newest == {"P-1": "rejected", "P-2": "approved"}
    assert list(store.read(key).values()) == fallback.decisions()


def test_what_is_lost_of_the_note_is_not_taken_over(kept: World) -> None:
    key = CaptureKey("hall-7", "lost")
    LinkMemory(kept.records, key).decide([decision("P-1", "rejected", "2026-02-01T00:00:00+00:00")])
    kept.records.remove_note(key, "decisions")
    memory = memory_of(kept.ctx(), key)
    for work in (memory.refresh, lambda: memory.decide([])):
        with pytest.raises(RecordsError, match="1 of 1 decisions of people"):
            work()


def test_a_damaged_copy_is_replaced(kept: World) -> None:
    key = CaptureKey("hall-7", "damaged")
    memory_of(kept.ctx(), key).decide([decision("P-1", "rejected", "2026-02-01T00:00:00+00:00")])
    kept.records.store.put(f"{key}/{NOTES}/decisions.json", b"{")
    refreshed(kept.ctx(), key)
    assert len(LinkMemory(kept.records, key).decisions()) == 1
