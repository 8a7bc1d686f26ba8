"""Decisions of people on suggested links. They persist across deliveries and override every later match."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from capture360.geometry.polygons import bounds, is_same_place
from capture360.matching.documents import match_document, match_from_document
from capture360.matching.manual import BY_HAND
from capture360.model import Match

NOTE = "decisions"
"""Name of the note beside the capture's records."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A person's decision on one link, with the time in ISO 8601."""

    match: Match
    status: Literal["approved", "rejected"]
    by: str
    at: str

    def is_about(self, match: Match) -> bool:
        """Return whether it is the same asset in the same place."""
        return (
            self.match.asset is not None
            and match.asset is not None
            and self.match.asset.ref == match.asset.ref
            and self.is_at(match)
        )

    def is_at(self, match: Match) -> bool:
        """Return whether it is the same place of the same face."""
        mine, other = self.match.detection, match.detection
        return (mine.image, mine.face) == (other.image, other.face) and is_same_place(
            bounds(mine.polygon), bounds(other.polygon)
        )

    def applied_to(self, match: Match) -> Match:
        """Return a match with this decision: approved, or dropped if a person rejected it."""
        status: Literal["approved", "dropped"] = "approved" if self.status == "approved" else "dropped"
        return replace(match, status=status, reason=f"{self.status} by {self.by}")

    def document(self) -> dict[str, Any]:
        """Return the decision as JSON values."""
        return {"match": match_document(self.match), "status": self.status, "by": self.by, "at": self.at}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Decided:
        """Build a decision from its `document`."""
        return cls(match_from_document(document["match"]), document["status"], document["by"], document["at"])


def as_decided(matches: Sequence[Match], decisions: Sequence[Decided]) -> list[Match]:
    """Apply decisions to matches, and add approved links whose text is no longer read.

    A decision on one view of a plate applies to the plate's question, whichever view it is asked on.
    """
    by_image: dict[str, list[Decided]] = {}
    for decision in decisions:
        by_image.setdefault(decision.match.detection.image, []).append(decision)
    of_plates = _by_plate(matches, by_image)
    seen: set[int] = set()
    found: list[Match] = []
    for match in matches:
        about = [each for each in by_image.get(match.detection.image, ()) if each.is_about(match)]
        seen.update(id(each) for each in about)
        found.append(about[-1].applied_to(match) if about else _as_its_plate(match, of_plates.get(match.plate, ())))
    unread = [each for each in decisions if each.status == "approved" and id(each) not in seen]
    names = {match.detection: match.plate for match in matches if match.plate}
    return found + [replace(each.applied_to(each.match), plate=names.get(each.match.detection, "")) for each in unread]


def _by_plate(matches: Sequence[Match], by_image: Mapping[str, Sequence[Decided]]) -> dict[str, list[Decided]]:
    """Return the decisions on any view of each plate, whatever is read there now."""
    found: dict[str, list[Decided]] = {}
    for match in matches:
        for decision in by_image.get(match.detection.image, ()) if match.plate else ():
            if decision.is_at(match):
                found.setdefault(match.plate, []).append(decision)
    return found


def _as_its_plate(match: Match, decisions: Sequence[Decided]) -> Match:
    """Apply decisions on other views of a link's plate: its tag was rejected there, or one was approved.

    A manual match stays: only a decision on its own view changes it.
    """
    if match.status == "dropped" or match.asset is None or match.reason == BY_HAND:
        return match
    same = [each for each in decisions if each.match.asset and each.match.asset.ref == match.asset.ref]
    if same:
        return match if match.status == same[-1].status else same[-1].applied_to(match)
    if any(decision.status == "approved" for decision in decisions):
        return replace(match, status="dropped", reason="another tag was approved for this plate")
    return match


def added(decisions: Iterable[Decided], new: Sequence[Decided]) -> list[Decided]:
    """Merge decisions; new ones replace earlier ones on the same links."""
    by_face: dict[tuple[str, str], list[Decided]] = {}
    for each in new:
        by_face.setdefault(_face(each), []).append(each)
    kept = [each for each in decisions if not any(later.is_about(each.match) for later in by_face.get(_face(each), ()))]
    return [*kept, *new]


def _face(decision: Decided) -> tuple[str, str]:
    return decision.match.detection.image, decision.match.detection.face
