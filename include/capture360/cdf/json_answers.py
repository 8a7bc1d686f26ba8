"""JSON of answers to direct requests, with a sentence where it is not what CDF's API documents.

A proxy or firewall between capture360 and CDF may answer in its place, and a connection may end within an answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from capture360.errors import CdfUnavailableError

PROXY = (
    "See whether a proxy or firewall answers in place of CDF, then run it again (in Airflow, clear the failed task)."
)


class Answer(Protocol):
    """The body of an HTTP answer."""

    @property
    def content(self) -> bytes:
        """The bytes of the body."""
        ...


class OddAnswerError(CdfUnavailableError):
    """An answer with a status of success is not what CDF's API documents."""

    remedy = PROXY

    def __init__(self, what: str, doing: str = "") -> None:
        super().__init__(f"{doing}: {what}" if doing else what)
        self.what = what


class AnswerObject(dict[str, Any]):
    """A JSON object of an answer. A missing key raises OddAnswerError."""

    def __missing__(self, name: str) -> Any:
        raise OddAnswerError(f"CDF's answer has no {name}.")


@contextmanager
def documented_form(doing: str) -> Iterator[None]:
    """Raise OddAnswerError where values of an answer are of another type or size than its API documents.

    Only around code that takes values out of an answer: any error of type or value in it counts as one of the answer.
    """
    try:
        yield
    except (TypeError, ValueError, AttributeError, LookupError, OverflowError, OSError):
        raise OddAnswerError("CDF's answer has values of another form than its API documents.", doing) from None


def json_object(answer: Answer | bytes) -> AnswerObject:
    """Return the JSON object of an answer or its content; OddAnswerError if it is anything else."""
    content = answer if isinstance(answer, bytes) else answer.content
    try:
        found = json.loads(content, object_hook=AnswerObject)
    except (ValueError, RecursionError):
        raise OddAnswerError("CDF's answer is no JSON.") from None
    if not isinstance(found, AnswerObject):
        raise OddAnswerError("CDF's answer is no JSON object.")
    return found


def items_of(answer: Answer | AnswerObject) -> list[AnswerObject]:
    """Return the `items` of an answer; OddAnswerError if it has none, or if one of them is no JSON object."""
    items = (answer if isinstance(answer, AnswerObject) else json_object(answer))["items"]
    if not isinstance(items, list) or not all(isinstance(item, AnswerObject) for item in items):
        raise OddAnswerError("CDF's answer has items that are no JSON objects.")
    return items


def first_item(answer: Answer | AnswerObject) -> AnswerObject:
    """Return the first of the `items` of an answer; OddAnswerError if there is none."""
    items = items_of(answer)
    if not items:
        raise OddAnswerError("CDF's answer has no items.")
    return items[0]
