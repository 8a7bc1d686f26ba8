"""Rules, the wording of their findings, and the registry of all rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from capture360.rules.finding import Disposition, Finding
from capture360.text import printable

Scope = Literal["capture", "station", "face", "file", "project", "image", "link", "site"]
Stage = Literal["gate", "suite", "files", "ingest", "project", "contextualize", "reconcile", "sense"]
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
    """Disposition of findings with this message, if it differs from the rule's."""

    @property
    def example(self) -> str:
        """The sentence for the example fields."""
        return self.text.format(**self.fields)


@dataclass(frozen=True, slots=True)
class Expect:
    """One expectation of a Great Expectations suite that carries the rule."""

    suite: Literal["stations", "faces"]
    type: str
    kwargs: Mapping[str, Any]
    """A value `{"$PARAMETER": name}` is taken from the site's `checks:`; if unset, the expectation is skipped."""
    find: Callable[..., Mapping[str, Any]] | None = None
    """Finds the rows of a frame that violate a custom expectation; called with the frame and `kwargs`.

    Returns their `positions` and the fields of the messages.
    """


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition (`title`), its reason, and a message for each way to violate it. Created by `Family.rule`."""

    id: str
    title: str
    why: str
    disposition: Disposition
    scope: Scope
    stage: Stage
    messages: Mapping[str, Message]
    judges: str = ""
    """The values that the rule checks; stated by every rule for delivered captures."""
    frame: Frame = ""
    """The frame in which positions and rotations are checked; empty if none are."""
    parameters: tuple[str, ...] = ()
    """Fields of CheckSettings that the rule uses."""
    expectations: tuple[Expect, ...] = ()
    explains: tuple[str, ...] = ()
    """Ids of rules that are omitted once this one stops the capture, or of a station that this one holds back."""
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
        """Return the finding that `value` violates the rule, worded by the message named `message`.

        `path` is the file at fault, the capture folder if empty; `table` is the table whose row names it. `where`
        overrides the wording of the place, which otherwise is the path with row and station.
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
    """Word a place: a row of a table, a file, or the capture folder if `path` is empty."""
    if not row:
        return path or CAPTURE_FOLDER
    return f"{path} row {row}" + (f" ({station})" if station else "")


def says(
    text: str, *, bad: str, name: str = "", disposition: Disposition | None = None, **fields: str
) -> dict[str, Message]:
    """One entry of `Rule.messages`."""
    return {name: Message(text, bad, fields, disposition)}


class Family:
    """The rules of one letter. `rule` creates and registers each of them."""

    def __init__(self, letter: str, title: str) -> None:
        self.letter = letter
        self.title = title
        self._rules: dict[str, Rule] = {}

    def rule(self, rule_id: str, title: str, *, why: str, messages: Mapping[str, Message], **properties: Any) -> Rule:
        """Create and register a rule; its id is the family's letter and two digits."""
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
