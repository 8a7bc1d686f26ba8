"""Which suggested links people are still to be asked about, by the records alone.

Linking records which matches it linked, and a review notes which matches it asks about. The documents are small, since
sensing reads them for every capture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from capture360.capture_state import LOOKING_STEPS, PUBLISH, STAGE_STEPS, CaptureState, Stage
from capture360.errors import RecordsError
from capture360.model import CaptureKey, Match
from capture360.records import SENSING, Records
from capture360.steps.turn_note import is_waiting
from capture360.text import digest_of

REVIEWED = "reviewed"
"""Step that records the answer to a review."""
ASKED = "asked"
"""Note of the review that waits, or waited last."""
_MOST_REPLACED = 10
_QUESTIONS = "questions"
"""Note of all suggestions ever shown to people: digests, by the run that asked."""
_WAITING = f"{SENSING}/asked"
"""Folder of markers of the captures whose review has not ended, so that one listing finds them."""
_PUBLISHED = frozenset({Stage.PUBLISHED, Stage.CONTEXTUALIZED})
_MATCH = "match"
_ANNOTATE = "annotate"


def shown_state(records: Records, key: CaptureKey) -> CaptureState | None:
    """Return the delivery whose links are handed on and reviewed; None without records.

    It is the newest one, or what CDF shows of the capture while the newest is not validated, was rejected, or waits for
    its turn. What was published and retracted counts until another delivery is published. A later verdict on what is
    shown concerns its next publication, so it is returned at the stage that it had before.
    """
    newest = records.load(key, only=STAGE_STEPS)
    if newest is None or newest.stage in _PUBLISHED or newest.stage is Stage.RETRACTED:
        return newest
    published = records.newest_with(key, PUBLISH)
    shown = records.load(key, published, only=STAGE_STEPS - LOOKING_STEPS) if published else None
    if shown is None or shown.stage is Stage.RETRACTED:
        return shown or newest
    leaves = newest.stage in {Stage.READY, Stage.REJECTED} or _is_waiting(records, newest)
    return shown if leaves and shown.stage in _PUBLISHED else newest


def is_retracted(records: Records, key: CaptureKey) -> bool:
    """Return whether what CDF showed of a capture was retracted, and no delivery was published since."""
    shown = shown_state(records, key)
    return shown is not None and shown.stage is Stage.RETRACTED


def _is_waiting(records: Records, state: CaptureState) -> bool:
    return state.stage in {Stage.ACCEPTED, Stage.PARTIAL} and is_waiting(records, state.key)


def match_digest(records: Records, key: CaptureKey, fingerprint: str) -> str:
    """Return the digest of a delivery's matches."""
    record = records.get(key, fingerprint, _MATCH)
    return digest_of(record.body["matches"] if record else None)


def note_review(
    records: Records, key: CaptureKey, fingerprint: str, match: str, run: str, *, whole: bool = False
) -> None:
    """Note that `run` asks about the matches with this digest, with the time, instead of the runs before it.

    `whole` is noted if it asks about all open suggestions, whoever asked about them before (`asks_about_all`).
    """
    body = {"fingerprint": fingerprint, "match": match, "run": run}
    before = records.note(key, ASKED) or {}
    same = {name: before.get(name) for name in body} == body
    since = before.get("since") if same else None
    older = [each for each in (before.get("run"), *before.get("replaces", ())) if each and each != run][:_MOST_REPLACED]
    more = {"since": since or datetime.now(UTC).isoformat(), "replaces": older, "whole": whole}
    records.put_note(key, ASKED, {**body, **more})
    records.store.put(f"{_WAITING}/{key}", b"")


def note_end(records: Records, key: CaptureKey, run: str) -> None:
    """Note that the review of `run` has ended, unless another one has begun since."""
    asked = asked_since(records, key)
    if asked is None or asked[0] == run:
        records.store.remove(f"{_WAITING}/{key}")


def review_waits(records: Records, key: CaptureKey) -> bool:
    """Return whether a review of the capture is not known to have ended."""
    return records.store.exists(f"{_WAITING}/{key}")


def waiting_reviews(records: Records, site: str) -> Sequence[CaptureKey]:
    """Return the captures of a site whose last review is not known to have ended. Takes one listing."""
    return [CaptureKey(site, name) for name in records.store.names(f"{_WAITING}/{site}")]


def question(match: Match) -> str:
    """Return the digest of a question: whether this text at this place names this asset."""
    seen = match.detection
    return digest_of([seen.image, seen.face, seen.text, seen.polygon, match.asset.ref if match.asset else None])


def note_questions(records: Records, key: CaptureKey, matches: Sequence[Match], run: str) -> None:
    """Note that `run` shows these suggestions to people."""
    asked = records.note(key, _QUESTIONS) or {}
    shown = {question(match) for match in matches}
    if shown != set(asked.get(run, ())):
        records.put_note(key, _QUESTIONS, {**asked, run: sorted(shown)})


def forget_questions(records: Records, key: CaptureKey, run: str) -> None:
    """Forget that `run` showed suggestions to people: what they answered does not count, so they are asked again."""
    asked = records.note(key, _QUESTIONS) or {}
    if run in asked:
        records.put_note(key, _QUESTIONS, {other: digests for other, digests in asked.items() if other != run})


def asks_about_all(
    records: Records, key: CaptureKey, fingerprint: str, run: str, is_finished: Callable[[str], bool]
) -> bool:
    """Return whether a review asks about all open suggestions: another one waits whose matches are outdated.

    The new review replaces that one. A task that is repeated asks as it did before, since its first try noted that.
    """
    note = records.note(key, ASKED)
    if note is None:
        return False
    if note["run"] == run:
        return bool(note.get("whole"))
    holds = (note["fingerprint"], note["match"]) == (fingerprint, match_digest(records, key, fingerprint))
    return not holds and not is_finished(note["run"])


def never_asked(records: Records, key: CaptureKey, run: str, matches: Sequence[Match]) -> list[Match]:
    """Return those of the suggestions about which no other run has asked."""
    asked = _asked_by_others(records, key, run)
    return [match for match in matches if question(match) not in asked]


def _asked_by_others(records: Records, key: CaptureKey, run: str) -> set[str]:
    """Return digests of questions that other runs asked. Those of `run` do not count: its task may be a repetition."""
    asked = records.note(key, _QUESTIONS) or {}
    return {digest for other, digests in asked.items() if other != run for digest in digests}


def last_counts(state: CaptureState) -> Mapping[str, int] | None:
    """Return how many plates are `linked`, `asked` about and `missed`; None if the delivery was not linked.

    The last linking recorded them or, if it came later, the answer to a review.
    """
    counts = [record for record in state.records if record.step in {_ANNOTATE, REVIEWED}]
    if not any(record.step == _ANNOTATE for record in counts):
        return None
    plates = max(counts, key=lambda record: record.at).body.get("plates")
    return {name: int(plates.get(name, 0)) for name in ("linked", "asked", "missed")} if plates else None


def review_due(records: Records, state: CaptureState) -> str | None:
    """Return the digest of the matches that a review is due for; None if nothing is to be asked, or was asked already.

    A review that nobody answered in time counts as asked.
    """
    linked = state.body(_ANNOTATE)
    if linked is None or not linked.get("plates", {}).get("asked"):
        return None
    return _never_reviewed(records, state, linked)


def outdated_review(records: Records, state: CaptureState) -> str | None:
    """Return the digest of the matches if a review of earlier ones waits, which a new review ends; None otherwise."""
    linked = state.body(_ANNOTATE)
    if linked is None or not review_waits(records, state.key):
        return None
    return _never_reviewed(records, state, linked)


def _never_reviewed(records: Records, state: CaptureState, linked: Mapping[str, Any]) -> str | None:
    note = records.note(state.key, ASKED) or {}
    asked = (note.get("fingerprint"), note.get("match")) == (state.fingerprint, linked["match"])
    return None if asked else str(linked["match"])


def asked_since(records: Records, key: CaptureKey) -> tuple[str, datetime] | None:
    """Return the run that asked about the newest matches, and since when; None if none has, or its note is damaged."""
    try:
        note = records.note(key, ASKED)
        return None if note is None else (str(note["run"]), datetime.fromisoformat(note["since"]).astimezone(UTC))
    except (RecordsError, ValueError, TypeError, OverflowError):
        return None


def asking_run(
    records: Records,
    key: CaptureKey,
    fingerprint: str,
    run: str,
    is_finished: Callable[[str], bool],
    *,
    by_hand: bool = False,
) -> str | None:
    """Return the run that asks in place of `run`; None if there is none.

    It has replaced `run`, which is so for good, or is unfinished and asks about the same matches. A run `by_hand` asks
    about these anew.
    """
    note = records.note(key, ASKED)
    if note is None or note["run"] == run:
        return None
    if run in note.get("replaces", ()):
        return str(note["run"])
    same = (note["fingerprint"], note["match"]) == (fingerprint, match_digest(records, key, fingerprint))
    return str(note["run"]) if same and not by_hand and not is_finished(note["run"]) else None


def replaced_runs(records: Records, key: CaptureKey, run: str, is_finished: Callable[[str], bool]) -> tuple[str, ...]:
    """Return the unfinished runs whose reviews that of `run` replaces, the newest first."""
    note = records.note(key, ASKED)
    if note is None or note["run"] != run:
        return ()
    return tuple(str(each) for each in note.get("replaces", ()) if not is_finished(each))
