"""Differences of two answers to one request: status, error fields, and the fields and types of the content."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from capture360_local.conformance.run import Result

_ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference; `where` is `status` or a path into the answer, such as `items[].uploaded`."""

    case: str
    where: str
    project: str
    sandbox: str


def differences(project: Sequence[Result], sandbox: Sequence[Result]) -> Sequence[Difference]:
    """Return all differences between two runs of the same cases."""
    return [found for ours, theirs in zip(project, sandbox, strict=True) for found in _between(ours, theirs)]


def _between(project: Result, sandbox: Result) -> Iterator[Difference]:
    name = project.case.name
    if project.answered != sandbox.answered:
        yield Difference(name, "status", project.answered, sandbox.answered)
    if project.answer is None or sandbox.answer is None or not (project.answer.status and sandbox.answer.status):
        return
    if project.answer.is_success != sandbox.answer.is_success:
        return  # an error and an answer have nothing in common
    shapes = shape(project.answer.body), shape(sandbox.answer.body)
    if shapes[0].get("") != shapes[1].get(""):
        yield Difference(name, "answer", *(" or ".join(sorted(each[""])) for each in shapes))
        return
    reported: list[str] = []
    for place in sorted(shapes[0].keys() | shapes[1].keys()):
        if any(place.startswith((f"{above}.", f"{above}[")) for above in reported):
            continue
        here, there = (" or ".join(sorted(each.get(place, {_ABSENT}))) for each in shapes)
        if here != there:
            reported.append(place)
            yield Difference(name, place, here, there)


def shape(document: Any) -> Mapping[str, set[str]]:
    """Return the types at every path of a document; elements of a list are merged."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    _collect(document, "", found)
    return found


def _collect(value: Any, place: str, found: defaultdict[str, set[str]]) -> None:
    found[place].add(_kind(value))
    if isinstance(value, Mapping):
        for key, each in value.items():
            _collect(each, f"{place}.{key}" if place else str(key), found)
    elif isinstance(value, list):
        for each in value:
            _collect(each, f"{place}[]", found)


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list():
            return "list"
        case _:
            return "object"
