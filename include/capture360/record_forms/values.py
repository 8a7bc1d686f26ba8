"""Values that documents of several kinds hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError

from capture360.errors import RequestError
from capture360.model import CaptureKey, CaptureKind, Verdict
from capture360.rules.finding import Finding
from capture360.validation_words import allowed_values, problem_and_fix

STRICT = ConfigDict(strict=True, defer_build=True)
"""No value is converted to another type. A form is built when the first document of it is read."""


def _moment(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("it is no time") from None
    if at.tzinfo is None:
        raise ValueError("the time has no zone")
    try:
        at.astimezone(UTC)
    except OverflowError:
        raise ValueError("the time is beyond the calendar") from None
    return text


def _key(text: str) -> str:
    try:
        CaptureKey.parse(text)
    except RequestError as error:
        raise ValueError(str(error)) from None
    return text


def value_of(*kinds: type[CaptureKind] | type[Verdict]) -> AfterValidator:
    """Return the validator of a text that must be the value of a member of `kinds`."""
    allowed = {member.value for kind in kinds for member in kind}

    def check(text: str) -> str:
        if text not in allowed:
            raise ValueError(f'"{text[:40]}" is none of {", ".join(sorted(allowed))}')
        return text

    return AfterValidator(check)


@cache
def _findings() -> TypeAdapter[Finding]:
    return TypeAdapter(Finding)


def _finding(document: dict[str, Any]) -> dict[str, Any]:
    try:
        _findings().validate_json(json.dumps(document), strict=True)
    except ValidationError as error:
        raise ValueError(problem(error)) from None
    return document


def problem(error: ValidationError) -> str:
    """Return the first thing that is wrong with a document: where in it, and what."""
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}{_wrong(first['type'], first['msg'], first.get('ctx', {}))}"


def _wrong(kind: str, words: str, limits: Mapping[str, Any]) -> str:
    if kind == "missing":
        return " is missing"
    if kind == "value_error":
        return f": {words.removeprefix('Value error, ')}"
    if kind in ("literal_error", "enum"):
        return f" is none of {', '.join(allowed_values(limits))}"
    return f" {problem_and_fix(kind, limits)[0]}"


Moment = Annotated[str, AfterValidator(_moment)]
Key = Annotated[str, AfterValidator(_key)]
Pair = Annotated[list[str], Field(min_length=2, max_length=2)]
Corners = list[Annotated[list[FiniteFloat], Field(min_length=2, max_length=2)]]
Face = Annotated[list[str | None], Field(min_length=3, max_length=3)]
FindingDocument = Annotated[dict[str, Any], AfterValidator(_finding)]
Many = Annotated[int, Field(ge=0)]
