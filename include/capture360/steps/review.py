"""Review of suggested links: questions, and writing of the answers, unless a newer review began.

The record `review` holds the questions of a delivery's newest review, `reviewed` the answer to it and what it left.
Answers about single plates are stored beside the capture until they are written, see `steps.review_answers`. Decisions
on links over all deliveries are kept by `steps.decisions_in_cdf`, or by `steps.link_state` in other projects.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from capture360.capture_state import CaptureState, Stage
from capture360.cdf.link_ports import LinksWritten
from capture360.cdf.registry import mode_of
from capture360.errors import MissingStepError
from capture360.matching.answers import LEAVE, understood
from capture360.matching.answers import Answer as Numbers
from capture360.matching.decisions import Decided
from capture360.matching.documents import detection_document
from capture360.matching.questions import is_tie, tags_of
from capture360.model import CaptureKey, Detection, Match, PublishedImage
from capture360.records import Records
from capture360.reports.crops import pictures
from capture360.steps.annotate import count_plates, decided_matches, finish_links, link_writer
from capture360.steps.context import StepContext
from capture360.steps.coverage import note_coverage
from capture360.steps.decisions_in_cdf import memory_of
from capture360.steps.detect import images_of
from capture360.steps.earlier_plates import note_plates
from capture360.steps.kept_decisions import refreshed_from_cdf
from capture360.steps.links_to_write import images_to_write, note_links_written
from capture360.steps.match import recorded_absent, recorded_body, recorded_matches, recorded_places
from capture360.steps.open_plates import note_open
from capture360.steps.positions import write_positions
from capture360.steps.review_answers import Answer, decisions, given_to, not_overruled, note_written
from capture360.steps.review_due import (
    REVIEWED,
    asks_about_all,
    forget_questions,
    match_digest,
    never_asked,
    note_end,
    note_questions,
    note_review,
    shown_state,
)
from capture360.steps.review_plates import Question, direction, label, questions_about, questions_of
from capture360.text import counted, digest_of

STEP = "review"
HEAD = "open-review"
"""Note that says which review is the newest, for whoever need not read it as a whole."""

RETRACTED_SINCE = "{} was retracted since this was asked. Nothing was changed."
MATCHED_SINCE = (
    "The texts of {} were matched again since this was asked. Nothing was changed; what is left to decide is asked "
    "anew."
)


@dataclass(frozen=True, slots=True)
class Review:
    """A review of so many suggestions. `digest` identifies them.

    `replaces` are Airflow's ids of the runs that wait for answers to older reviews.
    """

    fingerprint: str
    digest: str
    suggestions: int
    replaces: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to a review as a whole; `by` is None if nobody answered in time.

    `faults` are sentences about fields of the form that could not be read.
    """

    choice: str
    approve: str
    reject: str
    by: str | None
    at: str
    faults: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Counts of one review. `stale` is the reason if the answer came too late; nothing was changed then."""

    approved: int = 0
    rejected: int = 0
    left: int = 0
    stale: str | None = None
    sentences: Sequence[str] = ()


def open_suggestions(ctx: StepContext, key: CaptureKey, fingerprint: str) -> list[Match]:
    """Return the undecided suggestions, one for each plate, the most certain first."""
    images = images_of(ctx, key, fingerprint)
    there = {image.external_id for image in images}
    suggested = [
        match
        for match in decided_matches(ctx, key, fingerprint)
        if match.status == "suggested" and match.detection.image in there
    ]
    waiting = link_writer(ctx, key).undecided(images, suggested)
    return sorted(waiting, key=lambda match: (-match.confidence, match.detection.text, picture_name(match.detection)))


def begin(
    ctx: StepContext, key: CaptureKey, fingerprint: str, *, unasked: Callable[[str], bool] | None = None
) -> Review:
    """Store the questions of a new review with their pictures; answers to earlier reviews become stale.

    With `unasked`, a function that returns whether a run has ended, the review asks only about new suggestions unless
    it `asks_about_all`, and does not begin if there are none. Of a retracted capture there are none. RecordsError if
    earlier decisions were lost, which would be asked for again.
    """
    retracted = _is_retracted(shown_state(ctx.records, key))
    if not retracted:
        _follow_cdf(ctx, key, fingerprint)
    asked = match_digest(ctx.records, key, fingerprint)
    matches = [] if retracted else open_suggestions(ctx, key, fingerprint)
    whole = unasked is None or asks_about_all(ctx.records, key, fingerprint, ctx.run, unasked)
    if not whole:
        matches = never_asked(ctx.records, key, ctx.run, matches)
    if (retracted or unasked is not None) and not matches:
        note_review(ctx.records, key, fingerprint, asked, ctx.run, whole=whole)
        note_end(ctx.records, key, ctx.run)
        return Review(fingerprint, "", 0)
    images = {image.external_id: image for image in images_of(ctx, key, fingerprint)}
    questions = questions_about(matches, recorded_matches(ctx.records, key, fingerprint), images.keys())
    views = dict.fromkeys(view.detection for each in questions for view in each.views)
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    shown = pictures(views, lambda image, face: model.face_content(images[image].faces[face]))
    for detection, content in shown.items():
        ctx.records.put_report(key, fingerprint, picture_name(detection), content)
    body = {
        "match": asked,
        "questions": [each.document() for each in questions],
        "views": {picture_name(view): _look(images[view.image], view) for view in views},
        "pictures": sorted({picture_name(detection) for detection in shown}),
    }
    digest = digest_of(body)
    ctx.records.put(key, fingerprint, STEP, body, run=ctx.run)
    ctx.records.put_note(key, HEAD, {"fingerprint": fingerprint, "digest": digest, "run": ctx.run})
    note_review(ctx.records, key, fingerprint, asked, ctx.run, whole=whole)
    note_questions(ctx.records, key, matches, ctx.run)
    ctx.log(f"People are asked about {counted(len(matches), 'suggestion')}.")
    return Review(fingerprint, digest, len(matches))


def picture_name(detection: Detection) -> str:
    """Name of the stored picture of a plate."""
    return f"plate-{digest_of(detection_document(detection))}.jpg"


def examine(ctx: StepContext, key: CaptureKey, review: Review, response: Response) -> Numbers | None:
    """Return how a person's answer is understood; None if nobody answered, or the answer comes too late to count."""
    if response.by is None or _staleness(ctx, key, review):
        return None
    questions = _recorded_questions(ctx.records, key, review.fingerprint)
    return _understood(response, questions, {})


def apply(ctx: StepContext, key: CaptureKey, review: Review, response: Response) -> Reviewed:
    """Write the decisions of a review, unless the suggestions changed meanwhile. Idempotent.

    Of an answer that was not understood as a whole the valid numbers count, and the rest is left. RecordsError if
    earlier decisions are lost; nothing is written then.
    """
    if stale := _staleness(ctx, key, review):
        forget_questions(ctx.records, key, ctx.run)
        return Reviewed() if response.by is None else Reviewed(stale=stale)
    questions = _recorded_questions(ctx.records, key, review.fingerprint)
    given = given_to(ctx.records, key, [question.id for question in questions], ctx.run)
    if response.by is None and not given:
        ctx.log("Nobody answered in time: the suggestions stay as they are.")
        note_end(ctx.records, key, ctx.run)
        return Reviewed()
    _follow_cdf(ctx, key, review.fingerprint)
    answer = _understood(response, questions, given)
    by_number = [
        Decided(
            replace(view, asset=tags_of(questions[number - 1].match)[place][0]),
            "approved" if (number, place) in answer.approved else "rejected",
            str(response.by),
            response.at,
        )
        for number, place in sorted(answer.approved | answer.rejected)
        for view in questions[number - 1].views
    ]
    approved = {number for number, _ in answer.approved}
    rejected = {number for number, _ in answer.rejected} - approved
    on_the_page, overruled = not_overruled(questions, given, answer)
    one_by_one = [each for number, one in on_the_page.items() for each in decisions(questions[number - 1], one)]
    approved |= {number for number, one in on_the_page.items() if one.choice == "approve"}
    rejected = (rejected | {number for number, one in on_the_page.items() if one.choice == "reject"}) - approved
    # A tag can be rejected by number and on the page.
    decided = list({(each.match.detection, each.match.asset): each for each in [*by_number, *one_by_one]}.values())
    sentences = [*answer.faults, *overruled, *_write(ctx, key, review.fingerprint, questions, decided)]
    people = sorted({each.by for each in decided})
    plates = count_plates(decided_matches(ctx, key, review.fingerprint))
    body = {
        "choice": response.choice,
        "by": response.by,
        "answered_at": response.at,
        "approved": _tags(answer.approved),
        "rejected": _tags(answer.rejected),
        "people": people,
        "sentences": sentences,
        "plates": asdict(plates),
    }
    note_open(ctx.records, key, plates.asked)
    ctx.records.put(key, review.fingerprint, REVIEWED, body, run=ctx.run)
    note_written(ctx.records, key, given, ctx.run)
    note_end(ctx.records, key, ctx.run)
    done = Reviewed(len(approved), len(rejected), len(questions) - len(approved) - len(rejected), sentences=sentences)
    for sentence in sentences:
        ctx.log(sentence)
    by = ", ".join(people) or response.by
    ctx.log(f"{done.approved} approved and {done.rejected} rejected by {by}, {done.left} left as they are")
    return done


def _understood(response: Response, questions: Sequence[Question], given: Mapping[str, Answer]) -> Numbers:
    """Return the tags that a response to the whole review decides; none if nobody answered."""
    tags = [len(tags_of(question.match)) for question in questions]
    if response.by is None:
        return understood(LEAVE, "", "", tags)
    numbered = dict(enumerate(questions, 1))
    ties = {number for number, question in numbered.items() if is_tie(question.match)}
    decided = {number for number, question in numbered.items() if question.id in given}
    choice = LEAVE if response.faults else response.choice
    found = understood(choice, response.approve, response.reject, tags, ties, decided)
    return replace(found, faults=(*response.faults, *found.faults))


def _write(
    ctx: StepContext, key: CaptureKey, fingerprint: str, questions: Sequence[Question], decided: Sequence[Decided]
) -> list[str]:
    """Write decisions to CDF and to the records; return sentences about those that could not be applied."""
    if not decided:
        return []
    images = _images_of(ctx, key, fingerprint, {each.match.detection.image for each in decided})
    writer = link_writer(ctx, key)
    absent = recorded_absent(ctx.records, key, fingerprint)
    asked = [question.match for question in questions]
    otherwise = writer.decide(images, [(each.match, each.status) for each in decided], asked, absent)
    before = {match for match, _ in otherwise}
    shown = {image.external_id: image for image in images}
    memory_of(ctx, key).decide(
        [each.on(shown.get(each.match.detection.image)) for each in decided if each.match not in before]
    )
    written = _write_links(ctx, key, fingerprint, images)
    of_plates = {match.plate or match: (match, status) for match, status in reversed(otherwise)}
    sentences = [
        f'"{match.detection.text}" on {_name(match)} stays {status}: somebody had decided that in CDF before.'
        for match, status in of_plates.values()
    ]
    return [*sentences, *written.refused]


def _follow_cdf(ctx: StepContext, key: CaptureKey, fingerprint: str) -> None:
    """Take what people decided in CDF since the last run, and let the links on all views of these plates follow it."""
    refreshed_from_cdf(ctx, key)
    to_write = images_to_write(ctx.records, key)
    if images := _images_of(ctx, key, fingerprint, to_write):
        for sentence in _write_links(ctx, key, fingerprint, images).refused:
            ctx.log(sentence)
    if to_write:
        note_links_written(ctx.records, key)


def _images_of(ctx: StepContext, key: CaptureKey, fingerprint: str, some: Collection[str]) -> list[PublishedImage]:
    return [image for image in images_of(ctx, key, fingerprint) if image.external_id in some] if some else []


def _write_links(ctx: StepContext, key: CaptureKey, fingerprint: str, images: Sequence[PublishedImage]) -> LinksWritten:
    """Write the links on these images as people decided, with what else is kept of the capture's plates."""
    writer, some = link_writer(ctx, key), {image.external_id for image in images}
    wanted = decided_matches(ctx, key, fingerprint)
    found = [match for match in wanted if match.detection.image in some]
    written = writer.write(images, found, recorded_absent(ctx.records, key, fingerprint))
    finish_links(ctx, key, writer, [written])
    write_positions(ctx, key, wanted, recorded_places(ctx.records, key, fingerprint))
    note_coverage(ctx.records, key, fingerprint, wanted)
    note_plates(ctx.records, key, recorded_body(ctx.records, key, fingerprint))
    return written


def _staleness(ctx: StepContext, key: CaptureKey, review: Review) -> str | None:
    """Return why an answer to this review must not be applied; None if it may."""
    shown = shown_state(ctx.records, key)
    if shown is None or shown.fingerprint != review.fingerprint:
        return f"{key} was delivered again since this was asked. Nothing was changed; answer its newest review."
    if _is_retracted(shown):
        return RETRACTED_SINCE.format(key)
    record = ctx.records.get(key, review.fingerprint, STEP)
    if record is None or record.run != ctx.run or digest_of(record.body) != review.digest:
        asked = record.run if record else "another run"
        return f"{asked} has asked again about {key} since. Nothing was changed; answer that one."
    if record.body["match"] != match_digest(ctx.records, key, review.fingerprint):
        return MATCHED_SINCE.format(key)
    return None


def _is_retracted(shown: CaptureState | None) -> bool:
    return shown is not None and shown.stage is Stage.RETRACTED


def _recorded_questions(records: Records, key: CaptureKey, fingerprint: str) -> list[Question]:
    record = records.get(key, fingerprint, STEP)
    if record is None:
        raise MissingStepError(key, "no review has begun", "lay_out")
    return questions_of(record.body)


def _look(image: PublishedImage, detection: Detection) -> dict[str, Any]:
    """Return the name of a view's station, and the direction in which it shows the plate."""
    heading, pitch = direction(image.pose, detection)
    return {"station": image.label or image.station or image.external_id, "heading": heading, "pitch": pitch}


def _tags(chosen: Collection[tuple[int, int]]) -> list[int | str]:
    return [label(number, place) for number, place in sorted(chosen)]


def _name(match: Match) -> str:
    return f"{match.detection.image} {match.detection.face}"
