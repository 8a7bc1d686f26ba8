"""What was lost of a capture's links is taken up again where it is proved, and never against a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from capture360.errors import RecordsError
from capture360.matching.decisions import Decided
from capture360.model import Asset, CaptureKey, Detection, Match
from capture360.records import NOTES, Records
from capture360.steps.annotate import annotate
from capture360.steps.link_state import ANSWERS, LinkMemory
from capture360.steps.reconcile import reconcile
from capture360.steps.repair import Repaired, discard_lost, repair
from record_files import document_paths
from suggested_links import CERTAIN, TAGS, Hall, decide, lose, outline


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
    assert memory(hall).lost() == "2 of 2 decisions of people"
    assert repair(hall.ctx, hall.key) == Repaired(decisions=2, whole=True)
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
    assert repair(core.ctx, core.key) == Repaired(decisions=3, whole=True)
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
    assert memory(core).lost() == "the newest of 1 decisions of people"
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


def test_what_nothing_proves_stays_lost_until_it_is_given_up(hall: Hall) -> None:
    decide(hall)
    lose(hall, "decisions")
    drop_answers(hall)
    assert repair(hall.ctx, hall.key) == Repaired(decisions=0, whole=False)
    with pytest.raises(RecordsError, match="2 of 2 decisions of people"):
        hall.read(CERTAIN)
    discard_lost(hall.ctx, hall.key)
    assert memory(hall).lost() == ""
    hall.read(CERTAIN)


def test_a_repair_where_nothing_is_lost_changes_nothing(hall: Hall) -> None:
    decide(hall)
    drop_answers(hall)
    before = hall.world.state()["records"]
    assert repair(hall.ctx, hall.key).whole
    assert hall.world.state()["records"] == before


@pytest.mark.parametrize("write", range(1, 5))
def test_killed_at_any_write_of_the_memory_nothing_looks_lost(monkeypatch: pytest.MonkeyPatch, write: int) -> None:
    key, put = CaptureKey("hall-7", f"killed-{write}"), Records.put_note
    looking = LinkMemory(Records("memory://repair"), key)
    outlined = Detection("image", "front", "P-1", CERTAIN, outline(0.2, 0.2, 0.15))
    link = Match(outlined, Asset("s/P-1", "P-1", ("P-1",)), 0.99, "approved", "exact")
    for status in ("rejected", "approved"):
        decided = [Decided(link, status, "Ada", "2026-01-02T03:04:05+00:00")]
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
                looking.decide(decided)
        assert looking.lost() == ""
        looking.decide(decided)
        assert (looking.lost(), looking.decisions()) == ("", decided)


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
    assert looking.lost() == ""
    assert len(looking.decisions()) == 3


def test_a_note_that_is_broken_is_named(core: Hall) -> None:
    decide(core)
    core.world.records.store.put(f"{core.key}/{NOTES}/decisions.json", b"{")
    with pytest.raises(RecordsError, match=r"notes/decisions\.json is broken"):
        repair(core.ctx, core.key)
