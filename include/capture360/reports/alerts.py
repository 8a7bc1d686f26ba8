"""Texts of alerts for each kind of target: a message when a cause appears, and one when it is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from capture360.reports.escaping import for_chat, for_message
from capture360.text import counted, listed, printable

_LONGEST_TITLE, _LONGEST_LINE = 200, 2000
"""Characters. Chats cut off what is much longer, with the links at its end."""


@dataclass(frozen=True, slots=True)
class Message:
    """An alert as plain text, not escaped yet. `links` are addresses by their labels.

    Messages of one `cause` are one incident of a service that pages people; one without a cause is no incident.
    """

    title: str
    lines: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    is_over: bool = False
    cause: str = ""

    def document(self) -> dict[str, Any]:
        """Return the message as JSON values."""
        return {
            "title": self.title,
            "lines": list(self.lines),
            "links": dict(self.links),
            "over": self.is_over,
            "cause": self.cause,
        }

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Message:
        """Build a message from its `document`; ValueError, TypeError or KeyError for anything else."""
        lines, links = values["lines"], values["links"]
        if not isinstance(lines, list) or not isinstance(links, dict):
            raise TypeError("lines and links of an alert")
        return cls(
            str(values["title"]),
            tuple(map(str, lines)),
            {str(name): str(address) for name, address in links.items()},
            bool(values["over"]),
            str(values.get("cause", "")),
        )


def about(cause: Cause, subjects: Sequence[str]) -> Message:
    """Return the message that a cause appeared, with the captures that it concerns so far."""
    return Message(
        _title(subjects, cause.where),
        (
            f"What broke: {cause.what}",
            f"How to fix it: {cause.fix}",
            f"Who can fix it: {cause.who}",
            *_listed(subjects),
        ),
        cause.links,
        cause=cause.id,
    )


def joined(cause: Cause, subjects: Sequence[str], since: datetime) -> Message:
    """Return the message that an incident which goes on concerns more captures, with the cause as the first has it."""
    more = f"{subjects[0]} as well" if len(subjects) == 1 else f"{_named(subjects)} more"
    message = about(cause, subjects)
    began = f"The incident began at {since.astimezone(UTC):%Y-%m-%d %H:%M} UTC, and goes on."
    return replace(message, title=f"{more}: {cause.where}", lines=(*message.lines, began))


def over(cause: Cause, subjects: Sequence[str], since: datetime) -> Message:
    """Return the message that a cause is over, with the captures that it concerned."""
    began = f"It began at {since.astimezone(UTC):%Y-%m-%d %H:%M} UTC."
    lines = (f"It was: {cause.what}", began, *_listed(subjects))
    return Message(f"Over: {_title(subjects, cause.where)}", lines, is_over=True, cause=cause.id)


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause as alerts describe it: where it appeared, what failed, how to fix it, who can, and links."""

    where: str
    what: str
    fix: str
    who: str
    links: Mapping[str, str]
    id: str = ""


def plain(message: Message, shown: Callable[[str, int], str] = for_message) -> str:
    """Return the lines below the title, for mails and chats; `shown` escapes a text and cuts it off at a length."""
    lines = [shown(line, _LONGEST_LINE) for line in message.lines]
    return "\n".join([*lines, *(f"{name}: {address}" for name, address in message.links.items())])


def markdown(message: Message) -> str:
    """Return the same as Markdown, with links, for services that make no link of an address in plain text."""
    lines = [for_message(line, _LONGEST_LINE) for line in message.lines]
    links = " · ".join(f"[{name}]({address})" for name, address in message.links.items())
    return "\n\n".join([*lines, *([links] if links else [])])


def heading(message: Message, shown: Callable[[str, int], str] = for_message) -> str:
    """Return the title on one line."""
    return shown(message.title, _LONGEST_TITLE)


def chat(message: Message) -> str:
    """Return title and lines for an incoming webhook that takes `{"text": ...}`."""
    return f"{heading(message, for_chat)}\n{plain(message, for_chat)}".rstrip()


def log_text(message: Message) -> str:
    """Return title and lines for a log."""
    return f"{heading(message, printable)}\n{plain(message, printable)}".rstrip()


def _title(subjects: Sequence[str], where: str) -> str:
    """Return what is affected and where; a DAG without captures is named once."""
    is_said = len(subjects) == 1 and subjects[0] in where.replace(",", "").split()
    return where if is_said else f"{_named(subjects)}: {where}"


def _named(subjects: Sequence[str]) -> str:
    """Return what a title begins with, which is short: chats and phones cut titles off."""
    if len(subjects) == 1:
        return subjects[0]
    return counted(len(subjects), "capture" if all("/" in each for each in subjects) else "place")


def _listed(subjects: Sequence[str]) -> list[str]:
    """Return a line with the first subjects if there are several."""
    return [f"It concerns: {listed(subjects)}"] if len(subjects) > 1 else []
