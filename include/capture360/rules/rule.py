"""What a rule is, how it words its findings, and the registry of all rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from capture360.rules.finding import Disposition, Finding
from capture360.text import printable

Scope = Literal["capture", "station", "face", "file", "project", "image", "link", "site"]
Stage = Literal["gate", "suite", "files", "project", "contextualize", "reconcile", "sense"]
Frame = Literal["", "delivered", "site"]
CAPTURE_FOLDER = "the capture folder"


@dataclass(frozen=True, slots=True)
class Message:
    """Sentence of a rule: `text` is a template, `fields` fill it for the reference page and the tests."""

    text: str
    bad: str
    """The input that is wrong, as the reference page shows it."""
    fields: Mapping[str, str]
    disposition: Disposition | None = None
    """Where this message is graver or milder than its rule."""

    @property
    def example(self) -> str:
        return self.text.format(**self.fields)


@dataclass(frozen=True, slots=True)
class Expect:
    """One expectation of a Great Expectations suite that carries the rule."""

    suite: Literal["stations", "faces"]
    type: str
    kwargs: Mapping[str, Any]
    """A value `{"$PARAMETER": name}` is that of the site's `checks:`; without one the expectation does not apply."""
    find: Callable[..., Mapping[str, Any]] | None = None
    """Finds the rows of a frame that break an expectation of our own: called with the frame and `kwargs`.

    Returns their `positions` and whatever the sentences need.
    """


@dataclass(frozen=True, slots=True)
class Rule:
    """What must hold (`title`), why, and the sentence of each way to break it; made by a `Family`."""

    id: str
    title: str
    why: str
    disposition: Disposition
    scope: Scope
    stage: Stage
    messages: Mapping[str, Message]
    judges: str = ""
    """The values that are judged; every rule that a delivered capture is checked by says so."""
    frame: Frame = ""
    """The frame in which places and rotations are judged; empty where there are none."""
    parameters: tuple[str, ...] = ()
    """Names in CheckSettings that steer the rule."""
    expectations: tuple[Expect, ...] = ()
    explains: tuple[str, ...] = ()
    """Ids of rules that need not be reported once this one stops the capture."""
    longest_value: int = 80
    """Characters of a value that are shown."""
    longest_sentence: int = 500
    """Characters of a place or of another field of a message that are shown."""

    @property
    def family(self) -> str:
        """The letter of the family."""
        return self.id[0]

    def finding(
        self,
        path: str = "",
        value: object = "",
        *,
        table: str = "",
        where: str = "",
        message: str = "",
        station: str | None = None,
        row: int | None = None,
        column: str | None = None,
        **fields: object,
    ) -> Finding:
        """The finding that `value` breaks the rule, in the words of the message named `message`.

        `path` is the file that is wrong, the capture folder if empty; `table` has the row that names it. `where` names
        a place that is no file, or a file by more than its path; without it the place is the path with row and station.
        """
        chosen = self.messages[message]
        value = printable(str(value), self.longest_value)
        where = printable(where or place(path, row, station), self.longest_sentence)
        shown = {name: printable(str(content), self.longest_sentence) for name, content in fields.items()}
        text = chosen.text.format(
            where=where, value=value, station=printable(str(station)), row=row, column=column, **shown
        )
        return Finding(
            rule=self.id,
            disposition=chosen.disposition or self.disposition,
            where=where,
            value=value,
            message=text,
            station=station,
            row=row,
            column=column,
            path=path,
            table=table,
        )


def place(path: str, row: int | None = None, station: str | None = None) -> str:
    """How people find a row of a table, a file, or the capture folder if `path` is empty."""
    if not row:
        return path or CAPTURE_FOLDER
    return f"{path} row {row}" + (f" ({station})" if station else "")


def says(
    text: str, *, bad: str, name: str = "", disposition: Disposition | None = None, **fields: str
) -> dict[str, Message]:
    """One entry of `Rule.messages`."""
    return {name: Message(text, bad, fields, disposition)}


class Family:
    """The rules of one letter. A rule that is made by `rule` is registered; no other way makes one."""

    def __init__(self, letter: str, title: str) -> None:
        self.letter = letter
        self.title = title
        self._rules: dict[str, Rule] = {}

    def rule(self, rule_id: str, title: str, *, why: str, messages: Mapping[str, Message], **properties: Any) -> Rule:
        """Register the rule of this id: the family's letter and two digits."""
        if not re.fullmatch(rf"{self.letter}[0-9]{{2}}", rule_id) or rule_id in self._rules:
            raise ValueError(f"{rule_id} is no new id of family {self.letter}")
        rule = Rule(rule_id, title, why, messages=messages, **properties)
        self._rules[rule_id] = rule
        return rule

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules by id."""
        return tuple(self._rules[rule_id] for rule_id in sorted(self._rules))


class RuleBook:
    """Families of rules in the order of the reference page; each rule by its id."""

    def __init__(self, *families: Family) -> None:
        self.families = families
        self.rules = tuple(rule for family in families for rule in family.rules)
        self._by_id = {rule.id: rule for rule in self.rules}

    def __getitem__(self, rule_id: str) -> Rule:
        return self._by_id[rule_id]
