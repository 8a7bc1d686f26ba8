"""Escaping of text from outside: one function for each target.

Cells of CSV are made by `capture360.formulas`. HTML is escaped by Jinja's autoescape, and what hides or reorders text
is made visible by `page`. Lines for terminals and logs are made by `capture360.text.printable`, which the functions for
Markdown and chat apply as well.
"""

from __future__ import annotations

import html
import re

from capture360.text import printable

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "`": "'"}
_NO_TICKS = {"`": "'"}
_NOT_JOINED = "\u200b"
"""Zero-width space. Inserted between two characters, it keeps them from being markup."""
_CHAT_MARKUP = re.compile(r"(?<=\])(?=[(:\[])|(?<=@)|(?<=!)(?=\[)|(?<=~~)(?=~)|(?<=\$)(?=\$)")
"""Within links, pictures, mentions, fences of code and formulas of Markdown."""
_TAG = re.compile(r"(?<=<)")
"""Within mentions of Slack and tags of HTML."""


def for_markdown(text: str, length: int = 300) -> str:
    """A code span on one line, safe within a table; empty for an empty text.

    A pipe is escaped as https://github.github.com/gfm/#tables-extension- asks for. Behind a backslash that would escape
    the backslash instead, so there the span is interrupted by a character reference.
    """
    line = printable(" ".join(text.split()), length)
    parts = re.split(r"(?<=\\)\|", line)
    return "&#124;".join(_span(part) if part else "" for part in parts)


def _span(text: str) -> str:
    """A code span: https://github.github.com/gfm/#code-spans."""
    fence = "`" * (max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    padding = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) else ""
    return f"{fence}{padding}{text}{padding}{fence}".replace("|", "\\|")


def for_chat(text: str, length: int = 1000) -> str:
    """One line for an incoming webhook of Slack, Teams or Mattermost: no link, picture or mention but those typed out.

    Slack wants three characters as entities (docs.slack.dev, formatting message text); the others read Markdown.
    """
    line = printable(" ".join(text.split()), length)
    return "".join(_ENTITIES.get(each, each) for each in _CHAT_MARKUP.sub(_NOT_JOINED, line))


def for_message(text: str, length: int = 1000) -> str:
    """One line for a library that adds the entities of each service itself: no link, picture, mention, tag or code."""
    line = printable(" ".join(text.split()), length)
    parted = _TAG.sub(_NOT_JOINED, _CHAT_MARKUP.sub(_NOT_JOINED, line))
    return "".join(_NO_TICKS.get(each, each) for each in parted)


def for_data_docs(text: str) -> str:
    """One line for Great Expectations' Data Docs, whose templates escape nothing and fill in what follows a dollar."""
    return html.escape(printable(" ".join(text.split()), 300)).replace("$", "&#36;")
