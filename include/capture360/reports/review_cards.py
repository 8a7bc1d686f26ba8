"""The review page as HTML: a card for each plate with its views, its question and its candidates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from capture360.matching.questions import in_question, tags_of
from capture360.model import CaptureKey, Detection, Match
from capture360.reports.addresses import panorama_path
from capture360.reports.page import page_in_airflow
from capture360.reports.review_questions import Character, characters, question_about, tag_of

_MOST_SHARE = 0.99
"""Largest share that a question shows: what is asked is not certain."""


@dataclass(frozen=True, slots=True)
class View:
    """A view of a plate: the address of its picture (empty without one), of the face, and of its panorama."""

    station: str
    picture: str
    face: str
    outline: str
    panorama: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """An asset that a plate may name. `answer` is its short answer to the question; empty if there is none."""

    ref: str
    name: str
    tag: Sequence[Character]
    share: str
    answer: str


@dataclass(frozen=True, slots=True)
class Said:
    """The answer about a plate: its text, by whom and when; `open` if it was withdrawn."""

    version: int
    choice: str
    asset: str | None
    """Reference of the approved asset."""
    words: str
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A plate under review."""

    id: str
    match: Match
    views: Sequence[Detection]
    said: Said | None


@dataclass(frozen=True, slots=True)
class Card:
    """A plate prepared for the template."""

    number: int
    id: str
    read: str
    reason: str
    question: str
    candidates: Sequence[Candidate]
    views: Sequence[View]
    said: Said | None


@dataclass(frozen=True, slots=True)
class Head:
    """The review as a whole; `run` is the address of its run, `closed` the reason why it takes no answers.

    `kept` are numbers that somebody typed in Airflow, such as "approve 1, 3b", which are written besides.
    """

    key: CaptureKey
    digest: str
    run: str
    may_decide: bool
    closed: str
    kept: Sequence[str] = ()


def render_review(
    head: Head,
    plates: Sequence[Asked],
    pictures: Callable[[Detection], str],
    places: Callable[[Detection], Mapping[str, object]],
) -> tuple[str, str]:
    """Return the page and its content security policy.

    `pictures` returns the address of a view's picture, empty if there is none; `places` the station's name, and
    heading and pitch of the view.
    """
    cards = [_card(number, each, head.key, pictures, places) for number, each in enumerate(plates, 1)]
    done = sum(card.said is not None and card.said.choice != "open" for card in cards)
    return page_in_airflow(
        "review",
        own="review",
        head=head,
        cards=cards,
        done=done,
        alike=Counter(card.question for card in cards),
        deciding=head.may_decide and not head.closed,
    )


def _card(
    number: int,
    asked: Asked,
    key: CaptureKey,
    pictures: Callable[[Detection], str],
    places: Callable[[Detection], Mapping[str, object]],
) -> Card:
    read = asked.match.detection.text
    offered = tags_of(asked.match)
    tags = [tag_of(asset, read) for asset, _ in offered]
    likely = in_question(asked.match)
    question = question_about(read, [tag_of(asset, read) for asset in likely])
    answers = dict(zip((asset.ref for asset in likely), question.labels, strict=True))
    return Card(
        number=number,
        id=asked.id,
        read=" ".join(read.split()),
        reason=asked.match.reason,
        question=question.text,
        candidates=[
            Candidate(
                asset.ref,
                "" if asset.name == tag else asset.name,
                characters(tag, [other for other in tags if other != tag] or [read]),
                f"{min(share, _MOST_SHARE):.0%}",
                answers.get(asset.ref, ""),
            )
            for (asset, share), tag in zip(offered, tags, strict=True)
        ],
        views=[_view(each, key, pictures(each), places(each)) for each in asked.views],
        said=asked.said,
    )


def _view(detection: Detection, key: CaptureKey, picture: str, place: Mapping[str, object]) -> View:
    return View(
        station=str(place["station"]),
        picture=picture,
        face=f"../../faces/{key}/{detection.image}/{detection.face}",
        outline=" ".join(f"{100 * x:.2f},{100 * y:.2f}" for x, y in detection.outline or detection.polygon),
        panorama=f"../../{panorama_path(key, detection.image, place['heading'], place['pitch'])}",
    )
