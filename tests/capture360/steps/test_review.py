"""People decide about suggested links: once, and for good, in every project mode."""

from __future__ import annotations

import cProfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from cognite.client.data_classes import AnnotationFilter, AnnotationUpdate, AssetWrite
from cognite.client.data_classes.data_modeling.cdm.v1 import CogniteAssetApply

from capture360.model import Detection
from capture360.steps.detect import images_of
from capture360.steps.review import Response, Review, Reviewed, apply, begin, examine, picture_name
from capture360.steps.review_due import match_digest, outdated_review, replaced_runs, review_due, review_waits
from capture360.steps.review_page import newest_review, outdated
from capture360.store import DocumentStore
from local_cdf import PLAIN
from suggested_links import CERTAIN, DOUBTFUL, TAGS, Hall, decide, delete_link, hall_in, outline


def test_all_are_decided_by_one_answer_and_who_did_is_recorded(hall: Hall) -> None:
    review = hall.begin()
    assert review.suggestions == len(TAGS)
    shown = hall.waiting()
    assert hall.linked() == set()
    done = hall.answer(review, "Approve the rest", reject="2")
    assert (done.approved, done.rejected, done.left, done.sentences) == (len(TAGS) - 1, 1, 0, [])
    assert hall.linked() == set(shown) - {shown[1]}
    record = hall.world.records.get(hall.key, hall.fingerprint, "reviewed")
    assert record is not None
    assert (record.body["by"], record.body["answered_at"]) == ("Ada", "2026-01-02T03:04:05+00:00")
    assert (record.body["rejected"], record.body["people"]) == ([2], ["Ada"])
    assert hall.waiting() == []


def test_decisions_survive_reading_matching_and_linking_anew(hall: Hall) -> None:
    review = hall.begin()
    approved, rejected, *_ = hall.waiting()
    hall.answer(review, "Leave the rest", "1", "2")
    assert hall.linked() == {approved}
    hall.read(shift=0.01)
    assert hall.linked() == {approved}
    assert not {approved, rejected} & set(hall.waiting())
    hall.read(CERTAIN)  # everything would be approved now
    assert hall.linked() == set(TAGS) - {rejected}
    hall.read(tags=[rejected])  # the approved plate is not read any more
    assert hall.linked() == {approved}


@pytest.mark.parametrize("delivery", [{}, {"shade": 50, "revision": 2}], ids=["copied again", "with new pictures"])
def test_decisions_survive_a_new_ingest(hall: Hall, delivery: dict[str, int]) -> None:
    review = hall.begin()
    approved, rejected, *_ = hall.waiting()
    hall.answer(review, "Leave the rest", "1", "2")
    hall.world.ingest(hall.world.drop(hall.key.capture, stations=1, **delivery), run="run 2")
    state = hall.world.records.load(hall.key)
    assert state is not None
    assert state.fingerprint != hall.fingerprint
    hall.fingerprint = state.fingerprint
    hall.read()
    assert hall.linked() == {approved}
    assert not {approved, rejected} & set(hall.waiting())
    hall.read(CERTAIN)
    assert hall.linked() == set(TAGS) - {rejected}


@pytest.mark.parametrize("elsewhere", [False, True], ids=["not read any more", "from elsewhere"])
def test_a_decision_is_not_written_onto_a_picture_that_nobody_saw(hall: Hall, elsewhere: bool) -> None:
    """The image keeps its id when the station is photographed again, so that what was approved is a bare wall now."""
    approved, rejected = decide(hall)
    assert hall.linked() == {approved}
    drop = hall.world.drop(hall.key.capture, stations=1, shade=50, revision=2)
    if elsewhere:
        drop.rewrite("001,Pump 001,1.5,", "001,Pump 001,3.5,")
    hall.world.ingest(drop, run="run 2")
    state = hall.world.records.load(hall.key)
    assert state is not None
    hall.fingerprint = state.fingerprint
    hall.read(tags=[approved, rejected, *TAGS[5:7]] if elsewhere else [rejected])
    assert hall.linked() == set()
    assert (approved in hall.waiting()) is elsewhere
    assert (rejected in hall.waiting()) is elsewhere
    record = hall.world.records.get(hall.key, hall.fingerprint, "match")
    assert record is not None
    assert [each["rule"] for each in record.body["findings"] if approved in each["message"]] == ["L08"]


def test_what_was_approved_of_an_asset_that_is_created_anew_leaves_the_plate_to_its_successor(classic: Hall) -> None:
    tag, client = "77-PT-1019", classic.world.cdf.client
    there = AssetWrite(name=tag, external_id=f"{classic.key.capture} {tag}")
    client.assets.create([there])
    classic.read(places={tag: (0.1, 0.5)}, tags=[tag])
    classic.answer(classic.begin(), "Approve the rest")
    assert classic.linked() == {tag}
    client.assets.delete(external_id=there.external_id)
    (anew,) = client.assets.create([there])
    classic.read(CERTAIN, places={tag: (0.1, 0.5)}, tags=[tag])
    image, *_ = images_of(classic.ctx, classic.key, classic.fingerprint)
    files = [{"external_id": image.faces["front"].external_id}]
    linked = [item.data["assetRef"]["id"] for item in client.annotations.list(AnnotationFilter("file", files))]
    assert anew.id in linked
    assert classic.waiting() == []
    record = classic.world.records.get(classic.key, classic.fingerprint, "match")
    assert record is not None
    assert [each["rule"] for each in record.body["findings"]] == ["L09"]


def test_a_review_of_twice_as_many_plates_takes_twice_the_work(core: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of stations with ten plates each: calls of functions, bytes of records, requests."""
    moved = 0

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def count(store: DocumentStore, path: str, *content: bytes) -> Any:
            nonlocal moved
            found = real(store, path, *content)
            moved += sum(map(len, content or ([found] if isinstance(found, bytes) else [])))
            return found

        return count

    for name in ("read", "put", "create"):
        monkeypatch.setattr(DocumentStore, name, counted(getattr(DocumentStore, name)))
    tags = [(at, x, f"{34 + 11 * at}-LT-{1111 * (x + 1) + 37 * at}") for at in range(6) for x in range(10)]
    there = [CogniteAssetApply("plant", tag, name=tag) for _, _, tag in tags]
    core.world.cdf.client.data_modeling.instances.apply(there)

    def work(stations: int) -> Mapping[str, int]:
        nonlocal moved
        many = hall_in(core.world, stations)
        images = images_of(many.ctx, many.key, many.fingerprint)
        many.read_as(
            Detection(images[at].external_id, "front", tag, DOUBTFUL, outline(0.05 + x / 11, 0.05 + at / 7, 0.06))
            for at, x, tag in tags
            if at < stations
        )
        before, moved, profile = requests(many), 0, cProfile.Profile()
        profile.enable()
        review = many.begin()
        done = many.answer(review, "Approve the rest", reject="1")
        profile.disable()
        assert (review.suggestions, done.approved, done.rejected) == (10 * stations, 10 * stations - 1, 1)
        calls = sum(entry.callcount for entry in profile.getstats())
        return {"calls": calls, "bytes": moved, "requests": requests(many) - before}

    once, twice = work(3), work(6)
    more = {name: twice[name] / once[name] for name in once}
    assert max(more.values()) < 2.2, (once, twice)


def requests(hall: Hall) -> int:
    counted = PLAIN.get(f"{hall.world.running.base_url}/sandbox/counters").json()
    return int(counted["read"] + counted["mutating"])


def test_the_same_answer_again_changes_nothing(hall: Hall) -> None:
    review = hall.begin()
    first = hall.answer(review, "Leave the rest", "1-3", "4")
    before = hall.world.running.mutating()
    assert hall.answer(review, "Leave the rest", "1-3", "4") == first
    assert hall.world.running.mutating() == before


def test_nobody_and_leaving_change_nothing(hall: Hall) -> None:
    review = hall.begin()
    before = hall.world.running.mutating()
    assert apply(hall.ctx, hall.key, review, Response("Leave the rest", "", "", None, "later")) == Reviewed()
    assert hall.answer(review, "Leave the rest").left == len(TAGS)
    assert hall.world.running.mutating() == before
    assert len(hall.waiting()) == len(TAGS)


def test_a_newer_review_a_newer_match_and_a_newer_delivery_make_an_answer_stale(classic: Hall) -> None:
    def told(review: Review, run: str) -> str:
        classic.run = run
        before = classic.world.running.mutating()
        done = classic.answer(review, "Approve the rest")
        assert classic.world.running.mutating() == before
        assert done.stale is not None
        assert "Nothing was changed" in done.stale
        return done.stale

    first, run = classic.begin(), classic.run
    second, newer = classic.begin(), classic.run
    assert f"{newer} has asked again" in told(first, run)
    classic.read(tags=TAGS[:3])
    assert "matched again" in told(second, newer)
    third, newest = classic.begin(), classic.run
    (classic.world.landing / classic.key.capture / "notes.txt").write_text("delivered again")
    classic.world.records.put(classic.key, "e" * 32, "sense", {}, run="sensing")
    classic.world.records.put(classic.key, "e" * 32, "validate", {"verdict": "accepted"}, run="ingest")
    assert "delivered again" in told(third, newest)


def test_an_answer_about_what_is_shown_counts_although_a_later_delivery_was_rejected(classic: Hall) -> None:
    review = classic.begin()
    before = newest_review(classic.world.records, classic.key)
    (classic.world.landing / classic.key.capture / "notes.txt").write_text("delivered again")
    classic.world.records.put(classic.key, "e" * 32, "validate", {"verdict": "rejected"}, run="ingest")
    assert newest_review(classic.world.records, classic.key) == before is not None
    assert classic.answer(review, "Approve the rest").stale is None


@pytest.mark.parametrize(
    ("choice", "approve", "reject", "told"),
    [
        ("Leave the rest", "1, x", "", '"x" in approve is no number'),
        ("Leave the rest", "0", "", "shows 1 to 22"),
        ("Leave the rest", "", "7-23", "shows 1 to 22"),
        ("Leave the rest", "1-5", "5", "5 cannot be approved and rejected"),
        ("Approve all", "", "", '"Approve all" is none of: Approve the rest, '),
    ],
)  # fmt: skip
def test_an_answer_that_is_not_understood_leaves_the_rest(
    classic: Hall, choice: str, approve: str, reject: str, told: str
) -> None:
    review = classic.begin()
    found = examine(classic.ctx, classic.key, review, Response(choice, approve, reject, "Ada", "2026-01-02"))
    assert found is not None
    assert told in found.faults[0]
    shown = classic.waiting()
    done = classic.answer(review, choice, approve, reject)
    assert [*done.sentences] == [*found.faults]
    valid = len(found.approved)
    assert (done.approved, done.rejected, done.left) == (valid, 0, len(TAGS) - valid)
    assert classic.linked() == set(shown[:valid])


def test_whoever_answers_too_late_is_not_asked_to_correct_it(classic: Hall) -> None:
    review = classic.begin()
    mistyped = Response("Leave the rest", "x", "", "Ada", "2026-01-02")
    assert examine(classic.ctx, classic.key, review, replace(mistyped, by=None)) is None
    earlier = classic.ctx
    classic.begin()
    assert examine(earlier, classic.key, review, mistyped) is None


def test_what_somebody_decided_in_cdf_meanwhile_stays(classic: Hall) -> None:
    review = classic.begin()
    first, *_ = classic.waiting()
    client = classic.world.cdf.client
    files = [
        {"external_id": image.faces["front"].external_id}
        for image in images_of(classic.ctx, classic.key, classic.fingerprint)
    ]
    theirs = next(
        item
        for item in client.annotations.list(AnnotationFilter("file", files), limit=None)
        if item.data["text"] == first
    )
    client.annotations.update(AnnotationUpdate(theirs.id).status.set("rejected"))
    assert first not in classic.waiting()
    (told,) = classic.answer(review, "Leave the rest", "1-2").sentences
    assert first in told
    assert "stays rejected" in told
    classic.read()
    assert classic.annotations()[first] == "rejected"


def test_an_approved_link_that_somebody_deletes_afterwards_stays_away(core: Hall) -> None:
    approved, _ = decide(core)
    assert core.linked() == {approved}
    delete_link(core)
    core.read(shift=0.01)
    assert core.linked() == set()


def test_every_view_of_a_plate_has_a_stored_picture(classic: Hall) -> None:
    classic.begin()
    found = newest_review(classic.world.records, classic.key)
    assert found is not None
    assert len(found.pictures) == len(TAGS)
    for question in found.plates.values():
        name = found.picture(question.match.detection)
        assert name == picture_name(question.match.detection)
        picture = classic.world.records.report(classic.key, classic.fingerprint, name)
        assert picture is not None
        assert picture.startswith(b"\xff\xd8")


def test_a_plate_of_equally_likely_tags_is_one_question_that_approving_all_leaves(classic: Hall) -> None:
    pair = ["55-XV-205", "55-XV-2O5"]
    there = [AssetWrite(name=tag, external_id=f"{classic.key.capture} {tag}") for tag in pair]
    classic.world.cdf.client.assets.create(there)
    some = TAGS[:19]
    spots = {tag: (0.1 + 0.04 * number, 0.5) for number, tag in enumerate([*some, pair[0]])}
    classic.read(tags=list(spots), places=spots)
    review = classic.begin()
    assert review.suggestions == len(some) + 1
    assert classic.answer(review, "Approve the rest").left == 1
    assert classic.linked() == set(some)
    assert classic.waiting() == [pair[0]]
    assert classic.answer(classic.begin(), "Leave the rest", "1b").approved == 1
    assert classic.linked() == {*some, pair[1]}
    assert classic.waiting() == []
    classic.read(tags=list(spots), places=spots)
    assert classic.linked() == {*some, pair[1]}
    assert classic.waiting() == []


def test_that_people_are_asked_stands_in_the_records(classic: Hall) -> None:
    def due() -> str | None:
        state = classic.world.records.load(classic.key)
        assert state is not None
        return review_due(classic.world.records, state)

    assert due() == match_digest(classic.world.records, classic.key, classic.fingerprint)
    review = classic.begin()
    assert due() is None
    classic.answer(review, "Approve the rest")
    classic.read(tags=TAGS[:3])
    assert bool(due()) is bool(classic.waiting())


def test_an_announced_review_asks_about_what_nobody_was_asked_about_before(hall: Hall) -> None:
    def announced(run: str, *, ended: bool) -> int:
        hall.run = run
        return begin(hall.ctx, hall.key, hall.fingerprint, unasked=lambda _: ended).suggestions

    some, more = TAGS[:3], TAGS[:5]
    hall.read(tags=some)
    assert announced("asked first", ended=True) == 3
    assert announced("asked first", ended=True) == 3  # its task was killed, or cleared
    assert announced("asked later", ended=True) == 0  # all were left as they are
    hall.read(tags=more)
    state = hall.world.records.load(hall.key)
    assert state is not None
    assert review_due(hall.world.records, state)
    assert announced("two are new", ended=True) == 2
    assert review_due(hall.world.records, state) is None
    hall.read(tags=more[1:])
    assert announced("nothing is new", ended=True) == 0
    assert review_due(hall.world.records, hall.world.records.load(hall.key) or state) is None
    assert begin(hall.ctx, hall.key, hall.fingerprint).suggestions == 4  # by hand


def test_a_review_takes_the_place_of_one_that_waits_for_answers_that_no_longer_hold(hall: Hall) -> None:
    hall.read(tags=TAGS[:3])
    hall.begin()
    hall.read(tags=TAGS[:4])
    hall.run = "the newer one"
    for ended in (False, False, True):  # its task is repeated, and cleared after the older run has ended
        assert begin(hall.ctx, hall.key, hall.fingerprint, unasked=lambda _, ended=ended: ended).suggestions == 4


def test_a_review_that_waits_though_nothing_is_left_to_ask_is_ended_by_one_that_asks_nothing(classic: Hall) -> None:
    records, key = classic.world.records, classic.key
    review, waits = classic.begin(), classic.run
    shown, state = newest_review(records, key), records.load(key)
    assert shown is not None
    assert state is not None
    assert (outdated(records, shown), outdated_review(records, state)) == ("", None)
    classic.read(tags=[])
    state = records.load(key)
    assert state is not None
    assert review_due(records, state) is None
    assert outdated_review(records, state) == match_digest(records, key, classic.fingerprint)
    assert outdated(records, shown) == classic.answer(review, "Approve the rest").stale
    classic.run = "the newer one"
    assert begin(classic.ctx, key, classic.fingerprint, unasked=lambda _: False).suggestions == 0
    assert replaced_runs(records, key, classic.run, lambda _: False) == (waits,)
    assert (outdated_review(records, state), review_waits(records, key)) == (None, False)


def test_what_was_answered_too_late_is_asked_again(classic: Hall) -> None:
    """Somebody finished the review after the texts were matched again, and before the next review began."""
    classic.read(tags=TAGS[:3])
    first = classic.begin()
    late = classic.run
    classic.read(tags=TAGS[:4])
    classic.run = late
    assert classic.answer(first, "Approve the rest").stale is not None
    classic.run = "the newer one"
    assert begin(classic.ctx, classic.key, classic.fingerprint, unasked=lambda _: True).suggestions == 4


def test_what_a_newer_review_asked_as_well_is_not_asked_again(classic: Hall) -> None:
    classic.read(tags=TAGS[:3])
    first, late = classic.begin(), classic.run
    classic.read(tags=TAGS[:4])
    classic.run = "the newer one"
    assert begin(classic.ctx, classic.key, classic.fingerprint, unasked=lambda _: False).suggestions == 4
    classic.run = late
    assert classic.answer(first, "Approve the rest").stale is not None
    classic.run = "a third one"
    assert begin(classic.ctx, classic.key, classic.fingerprint, unasked=lambda _: True).suggestions == 0
