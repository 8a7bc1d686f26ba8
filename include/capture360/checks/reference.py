"""The reference page of all rules, from the registry. A test provokes every message on it."""

from __future__ import annotations

from collections.abc import Mapping

from capture360 import dag_names
from capture360.checks.rules import CAPTURE_RULES, RULES
from capture360.rules.rule import Frame, Message, Rule
from capture360.settings.checks import CheckSettings

_HEAD = """# The rules

Every capture is checked by these rules before anything is written to CDF. What a broken rule does:

| disposition | what happens |
|---|---|
| stop | Nothing of the capture goes in. |
| quarantine | The station is held back, the others go in; past the site's limit the capture stops. |
| warn | The capture goes in; the report says what looks odd. |
| note | Something was put right; the report says what. |

The limit is `max_quarantine_fraction` of the stations, or `max_quarantined_stations`; then the one root cause is named.
With `strict: true` warnings about stations quarantine them, and quarantines stop the capture. A parameter is a key
under `checks:` of the site register. The messages below are what the bad input beside them provokes.
"""


def rules_page() -> str:
    """Return the page as Markdown."""
    parts = [_HEAD]
    for family in RULES.families:
        parts.append(f"## {family.title}\n")
        parts += [_section(rule) for rule in family.rules]
    parts.append(_judged())
    return "\n".join(parts)


def _judged() -> str:
    """Return the table of rules for delivered captures, with the values they check and their frame."""
    lines = ["## What each rule judges\n"]
    lines.append(_FRAMES_EXPLAINED)
    lines += ["| rule | values | frame |", "|---|---|---|"]
    for rule in CAPTURE_RULES:
        if not rule.judges:
            raise ValueError(f"{rule.id} does not say which values it judges")
        lines.append(f"| {rule.id} {rule.title} | {_cell(rule.judges)} | {_FRAMES[rule.frame]} |")
    return "\n".join(lines) + "\n"


_FRAMES_EXPLAINED = """The site frame is that of what is published: metres, z up, after `frame.unit`, `frame.up`,
`frame.transform` and `rotation.image_yaw_offset_deg`. As delivered means the numbers of the table or file, in their own
unit and axes.
"""
_FRAMES: Mapping[Frame, str] = {"": "", "delivered": "as delivered", "site": "site frame"}


def _section(rule: Rule) -> str:
    lines = [f"### {rule.id}: {rule.title}\n", f"{rule.why}\n"]
    lines.append(f"Disposition **{rule.disposition.value}**, for each {rule.scope}, found by {_STAGES[rule.stage]}.")
    if rule.parameters:
        lines.append(f"Parameters: {', '.join(_parameter(name) for name in rule.parameters)}.")
    lines += ["", "| bad input | message |", "|---|---|"]
    lines += [
        f"| {_cell(message.bad)} | {_weight(message)}{_cell(message.example)} |" for message in rule.messages.values()
    ]
    return "\n".join(lines) + "\n"


_STAGES = {
    "gate": "the gate",
    "suite": "the Great Expectations suites",
    "files": "looking into the files",
    "ingest": "the tasks of captures_ingest that write, as they compare with CDF",
    "project": "the first task of captures_ingest, and by capture360 doctor",
    "contextualize": dag_names.CONTEXTUALIZE,
    "reconcile": dag_names.RECONCILE,
    "sense": "the first task of captures_sense",
}


def _parameter(name: str) -> str:
    default = CheckSettings.model_fields[name].default
    return f"`{name}` ({'not set' if default is None else default})"


def _weight(message: Message) -> str:
    return f"({message.disposition.value}) " if message.disposition else ""


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
