"""Note of what was moved of a capture, beside its records of the new project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from capture360.matching.decisions import Decided
from capture360.steps.move_decisions import Carried
from capture360.text import digest_of

NOTE = "moved"


def noted(old: tuple[str, str], delivery: str, carried: Carried) -> dict[str, Any]:
    """Return the note: cluster and name of the old project, the delivery's fingerprint, and its decisions."""
    cluster, project = old
    return {
        "cluster": cluster,
        "project": project,
        "delivery": delivery,
        "decisions": _digest(carried),
        "carried": [each.document() for each in carried.decisions],
        "left": [asdict(each) for each in carried.left],
    }


def is_noted(note: Mapping[str, Any], delivery: str, carried: Carried) -> bool:
    """Return whether a move of that delivery with these decisions was done to its end."""
    return bool(note["delivery"] == delivery and note["decisions"] == _digest(carried))


def of_people(decisions: Sequence[Decided], note: Mapping[str, Any] | None) -> list[Decided]:
    """Return the new project's decisions without those that an earlier move carried there."""
    carried = {Decided.from_document(each).bare() for each in (note or {}).get("carried", ())}
    return [each for each in decisions if each.bare() not in carried]


def _digest(carried: Carried) -> str:
    return digest_of([each.document() for each in carried.decisions])
