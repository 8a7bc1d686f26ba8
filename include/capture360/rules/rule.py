"""What a rule is, and how it speaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from capture360.rules.finding import Disposition, Finding

Scope = Literal["capture", "station", "face", "file"]
Stage = Literal["gate", "suite", "files"]
_LONGEST_VALUE = 80
_LONGEST_SENTENCE = 500


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence a rule can say: `text` is a template, `fields` fill it for the reference page and the tests."""

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


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the registry. `title` says what must hold; `messages` has the sentence of each way to break it."""

    id: str
    title: str
    why: str
    disposition: Disposition
    scope: Scope
    stage: Stage
    messages: Mapping[str, Message]
    parameters: tuple[str, ...] = ()
    """Names in CheckSettings that steer the rule."""
    expectations: tuple[Expect, ...] = ()
    explains: tuple[str, ...] = ()
    """Rules that need not be told once this one stops the capture."""

    def finding(
        self,
        where: str,
        value: object = "",
        *,
        message: str = "",
        station: str | None = None,
        row: int | None = None,
        column: str | None = None,
        **fields: object,
    ) -> Finding:
        """The rule's complaint about `value` at `where`, in the words of its message named `message`."""
        chosen = self.messages[message]
        where = shown_value(where, _LONGEST_SENTENCE)
        shown = {name: shown_value(content, _LONGEST_SENTENCE) for name, content in fields.items()}
        text = chosen.text.format(
            where=where, value=shown_value(value), station=shown_value(station), row=row, column=column, **shown
        )
        return Finding(
            rule=self.id,
            disposition=chosen.disposition or self.disposition,
            where=where,
            value=shown_value(value),
            message=text,
            station=station,
            row=row,
            column=column,
        )


def says(
    text: str, *, bad: str, name: str = "", disposition: Disposition | None = None, **fields: str
) -> dict[str, Message]:
    """One entry of `Rule.messages`."""
    return {name: Message(text, bad, fields, disposition)}


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The rules by id, in the order of the reference page."""

    rules: tuple[Rule, ...]
    by_id: Mapping[str, Rule] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_id", {rule.id: rule for rule in self.rules})

    def __getitem__(self, rule_id: str) -> Rule:
        return self.by_id[rule_id]


def shown_value(value: object, longest: int = _LONGEST_VALUE) -> str:
    """`value` on one line: control characters made visible, cut to `longest` characters."""
    text = str(value)[: 2 * longest]
    if not text.isprintable():
        text = "".join(
            char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode("ascii")
            for char in text
        )
    return text if len(text) <= longest else text[: longest - 1] + "…"
