"""Decisions of people that say nothing about what is read now, as findings for the match report."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from capture360.matching.decisions import Decided, Images, by_face, decisions_that_hold
from capture360.model import Detection, Match
from capture360.rules.finding import Finding
from capture360.rules.links import L08, L09

_NAMED = 5
"""Decisions that a sentence names at most."""


def set_aside(
    matches: Sequence[Match], decisions: Sequence[Decided], images: Images, absent: Collection[str]
) -> Iterator[Finding]:
    """Yield findings about decisions on pictures that were replaced, and about assets that are `absent`."""
    holding = decisions_that_hold(matches, decisions, images, absent)
    held = {_id(each) for each in holding}
    there = by_face(holding)
    lost: list[Decided] = []
    replaced: list[Decided] = []
    for each in decisions:
        image, face = each.match.detection.image, each.match.detection.face
        if _id(each) in held:
            continue
        if each.match.asset and each.match.asset.ref in absent:
            lost.append(each)
        elif image in images and not any(_is_instead(other, each) for other in there.get((image, face), ())):
            replaced.append(each)
    if lost:
        yield L09.finding(where=_where(lost), value=_named(lost), count=f"{len(lost):,}")
    if replaced:
        yield L08.finding(where=_where(replaced), value=_named(replaced), count=f"{len(replaced):,}")


def _is_instead(other: Decided, decision: Decided) -> bool:
    """Return whether another decision is about the place of one, and no part of the same answer on the same file."""
    is_part = (other.status, decision.status) == ("rejected", "approved") and other.file == decision.file
    return other.is_at(decision.match) and not is_part


def _id(decision: Decided) -> tuple[str, str, str, Detection, str]:
    """Identify a decision; one that holds for another asset of the same name is the same."""
    asset = decision.match.asset
    return decision.status, decision.by, decision.at, decision.match.detection, asset.name if asset else ""


def _where(decisions: Sequence[Decided]) -> str:
    return f"{decisions[0].match.detection.image} {decisions[0].match.detection.face}"


def _named(decisions: Sequence[Decided]) -> str:
    said = (f"{each.match.asset.name} {each.status} by {each.by}" for each in decisions if each.match.asset)
    named = list(dict.fromkeys(said))
    return ", ".join(named[:_NAMED]) + (", ..." if len(named) > _NAMED else "")
