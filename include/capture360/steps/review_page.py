"""Data of a capture's review page, plate by plate. CDF is read for assets only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from capture360.capture_state import ANNOTATE, Stage
from capture360.matching.normalise import key as comparable
from capture360.matching.questions import tags_of
from capture360.model import Asset, CaptureKey, Detection
from capture360.records import Records
from capture360.reports.review_cards import Asked, Said
from capture360.steps.review import HEAD, MATCHED_SINCE, RETRACTED_SINCE, STEP, picture_name
from capture360.steps.review_answers import Answer, answers
from capture360.steps.review_due import REVIEWED, shown_state
from capture360.steps.review_plates import Question, questions_of
from capture360.text import digest_of, printable

_FOUND = 20
"""Most assets that a search returns."""


@dataclass(frozen=True, slots=True)
class OpenReview:
    """The newest review of the delivery that is shown of a capture. `digest` identifies its suggestions.

    `match` is the digest of the matches that it asks about. `plates` has the question of each plate by its id, in the
    order of the page.
    """

    key: CaptureKey
    fingerprint: str
    digest: str
    run: str
    match: str
    plates: Mapping[str, Question]
    views: Mapping[str, Mapping[str, Any]]
    pictures: Collection[str]

    def place(self, detection: Detection) -> Mapping[str, Any]:
        """Return the name of a view's station, and the direction to look in."""
        return self.views[picture_name(detection)]

    def picture(self, detection: Detection) -> str:
        """Return the name of a view's stored picture; empty if there is none."""
        name = picture_name(detection)
        return name if name in self.pictures else ""


def newest_review(records: Records, key: CaptureKey) -> OpenReview | None:
    """Return the newest review of a capture; None if the delivery that is shown has none."""
    state = shown_state(records, key)
    record = records.get(key, state.fingerprint, STEP) if state else None
    if state is None or record is None:
        return None
    body = record.body
    plates = {each.id: each for each in questions_of(body)}
    asked, views, pictures = str(body["match"]), body["views"], set(body["pictures"])
    return OpenReview(key, state.fingerprint, digest_of(body), record.run, asked, plates, views, pictures)


def review_with(records: Records, key: CaptureKey, digest: str, known: OpenReview | None) -> OpenReview | None:
    """Return the newest review if it has this digest, else None.

    Takes the same small number of reads for a review of any size if it is `known`, by an earlier call.
    """
    head = records.note(key, HEAD)
    if known is None or head is None or known.digest != digest:
        newest = newest_review(records, key)
        return newest if newest is not None and newest.digest == digest else None
    state = shown_state(records, key)
    if state is None or (head["fingerprint"], head["digest"]) != (state.fingerprint, digest):
        return None
    return replace(known, fingerprint=state.fingerprint, run=head["run"])


def outdated(records: Records, review: OpenReview) -> str:
    """Return why answers to a review would not be written any more; empty if they would."""
    state = shown_state(records, review.key)
    if state is not None and state.stage is Stage.RETRACTED:
        return RETRACTED_SINCE.format(review.key)
    linked = state.body(ANNOTATE) if state is not None else None
    return MATCHED_SINCE.format(review.key) if linked is not None and linked["match"] != review.match else ""


def asked_plates(records: Records, review: OpenReview) -> list[Asked]:
    """Return the plates with their answers; those given by number count once the run has written them."""
    given = answers(records, review.key, review.plates.keys())
    record = records.get(review.key, review.fingerprint, REVIEWED)
    whole = record.body if record is not None and record.run == review.run and record.body["by"] else None
    found = []
    for number, (plate, question) in enumerate(review.plates.items(), 1):
        answer = given.get(plate)
        if answer is None or not answer.holds_for(review.run):
            if whole is not None:
                answer = _by_number(question, number, whole)
            elif answer is not None:
                answer = Answer("open", None, "", "", answer.version)
        views = [view.detection for view in question.views]
        found.append(Asked(plate, question.match, views, said(answer) if answer else None))
    return found


def said(answer: Answer) -> Said:
    """Word an answer."""
    name = answer.asset.name or answer.asset.ref if answer.asset else ""
    words = {"approve": name, "reject": "None of them", "leave": "Left as it is", "open": ""}[answer.choice]
    ref = answer.asset.ref if answer.asset else None
    return Said(answer.version, answer.choice, ref, words, answer.by, f"{answer.at[:16].replace('T', ' ')} UTC")


def candidates(question: Question) -> Mapping[str, Asset]:
    """Return the assets that a plate may name, by reference."""
    return {asset.ref: asset for asset, _ in tags_of(question.match)}


def assets_like(assets: Mapping[str, Asset], like: str) -> list[dict[str, str]]:
    """Find assets with the text in their names or tags, ignoring blanks, hyphens and case; exact tags first."""
    wanted = comparable(like)
    if not wanted:
        return []
    found: list[tuple[int, str, Asset]] = []
    for asset in assets.values():
        texts = [text for text in (*asset.tags, asset.name) if wanted in comparable(text)]
        if texts:
            shortest = min(texts, key=len)
            found.append((len(shortest), shortest, asset))
    found.sort(key=lambda each: (each[0], each[1], each[2].ref))
    return [
        {"ref": asset.ref, "name": printable(asset.name or asset.ref), "tag": printable(tag)}
        for _, tag, asset in found[:_FOUND]
    ]


def _by_number(question: Question, number: int, body: Mapping[str, Any]) -> Answer:
    """Return what an answer to the whole review, by numbers, states about a plate."""
    by, at = str(body["by"]), str(body["answered_at"])
    labels = question.labels(number)
    for (asset, _), label in zip(tags_of(question.match), labels, strict=True):
        if label in body["approved"]:
            return Answer("approve", asset, by, at)
    return Answer("reject" if set(labels) & set(body["rejected"]) else "leave", None, by, at)
