"""Questions of a review: one for each plate, with all views that its answer decides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import atan2, degrees, hypot
from typing import Any

from capture360.geometry.rays import ray_to
from capture360.matching.answers import letter
from capture360.matching.documents import match_document, match_from_document
from capture360.matching.questions import tags_of
from capture360.model import Detection, Match, Pose
from capture360.steps.review_due import question


@dataclass(frozen=True, slots=True)
class Question:
    """An undecided plate: the suggestion on its best view, with its tags, and the matches of all its views."""

    match: Match
    views: Sequence[Match]

    @property
    def id(self) -> str:
        """Identifier of the question, the same in every review that asks it."""
        return question(self.match)

    def labels(self, number: int) -> list[int | str]:
        """Return the labels of its tags in a review where the plate has this number: 3, "3b" for the second."""
        return [label(number, place) for place in range(len(tags_of(self.match)))]

    def document(self) -> dict[str, Any]:
        """Return the question as JSON values."""
        views = [match_document(view) for view in self.views]
        return {"plate": self.match.plate, "match": match_document(self.match), "views": views}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Question:
        """The inverse of `document`."""
        views = [match_from_document(view) for view in document["views"]]
        return cls(match_from_document(document["match"]), views)


def label(number: int, place: int) -> int | str:
    """Return the label of a plate's tag."""
    return f"{number}{letter(place)}" if place else number


def questions_about(matches: Sequence[Match], all_matches: Sequence[Match], images: Collection[str]) -> list[Question]:
    """Return the questions about undecided matches, one for each plate, with its other views on these images.

    The views of manual matches are left out: no answer about a plate decides on them.
    """
    found: dict[str, dict[Detection, Match]] = defaultdict(dict)
    for match in all_matches:
        if match.plate and match.detection.image in images and match.cause != "by hand":
            found[match.plate].setdefault(match.detection, match)
    return [
        Question(
            match, (match, *(view for place, view in found.get(match.plate, {}).items() if place != match.detection))
        )
        for match in matches
    ]


def questions_of(body: Mapping[str, Any]) -> list[Question]:
    """Return the questions of a recorded review."""
    return [Question.from_document(document) for document in body["questions"]]


def direction(pose: Pose, detection: Detection) -> tuple[float, float]:
    """Return heading in degrees clockwise from +Y and pitch in degrees upwards, as the panorama viewer uses them."""
    x, y, z = ray_to(pose, detection).direction
    return round(degrees(atan2(x, y)) % 360, 1), round(degrees(atan2(z, hypot(x, y))), 1)
