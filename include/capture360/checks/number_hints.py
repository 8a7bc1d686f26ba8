"""What a cell that is no number probably holds, and how to write it."""

from __future__ import annotations

import re

from capture360.checks.spreadsheet_slips import slip_of

_UNITS = r"mm|cm|dm|m|km|meters?|metres?|ft|us-?ft|feet|foot|in(?:ch(?:es)?)?|'|\""
_ANGLES = r"°|deg(?:rees?)?|rad(?:ians?)?|gon|grad?|g|mils?"
_NUMBER = r"[+-]?[0-9]+(?:[.,][0-9]+)?"
_WITH_UNIT = re.compile(rf"({_NUMBER})\s*[\[(]?({_UNITS}|{_ANGLES}|%)[\])]?", re.IGNORECASE)
_UNIT_ALONE = re.compile(rf"[\[(]?(?:{_UNITS}|{_ANGLES}|-|utc)[\])]?", re.IGNORECASE)
_SEXAGESIMAL = re.compile(
    r"([+-]?)([0-9]{1,3})(?:[°d:]\s*|\s+)([0-5]?[0-9](?:[.,][0-9]+)?)(?:['\u2032\u2019m:]\s*|\s+|$)"
    r"(?:([0-5]?[0-9](?:[.,][0-9]+)?)(?:\"|''|\u2033|\u201d|s)?)?"
)
_NEGATIVE = re.compile(r"\(([0-9]+(?:\.[0-9]+)?)\)|([0-9]+(?:\.[0-9]+)?)-")
"""A number below zero as accountants write it."""
_PLACEHOLDERS = frozenset({"n/a", "na", "null", "none", "-", "--", "?", "unknown", "nil"})
_ANGLE_COLUMNS = frozenset({"heading", "pitch", "roll", "ex", "ey", "ez"})


def fix_of(text: str, column: str) -> str:
    """Return how to write the number that a cell of this column should hold."""
    if text.casefold() in _PLACEHOLDERS:
        return "It stands for nothing: write the number, or leave the cell empty."
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*", text):
        return "The cell is formatted as a date: format it as a number."
    if slip := slip_of(text):
        return slip
    if found := _NEGATIVE.fullmatch(text):
        return f"Write -{found[1] or found[2]}."
    if text.casefold() == column:
        return "Is this the header again? Delete the row."
    if _UNIT_ALONE.fullmatch(text):
        return "Is this a row of units? Delete it, and state the unit in capture.yaml."
    if found := _WITH_UNIT.fullmatch(text):
        number, unit = found[1].replace(",", "."), found[2]
        if unit == "%":
            return "Write digits alone, without a percent sign."
        key = "rotation.kind" if column in _ANGLE_COLUMNS else "frame.unit"
        return f"Write {number} alone; the unit is that of {key} in capture.yaml, for all rows."
    if column in _ANGLE_COLUMNS and (found := _SEXAGESIMAL.fullmatch(text)):
        whole, minutes, seconds = (float((part or "0").replace(",", ".")) for part in found.groups()[1:])
        return (
            f"Write degrees, minutes and seconds as one number: {found[1]}{whole + minutes / 60 + seconds / 3600:.6f}."
        )
    if re.fullmatch(r"[+-]?[0-9]+,[0-9]+", text):
        return f"Decimal comma? Write {text.replace(',', '.')}, or separate the columns with semicolons."
    return "Write digits with a decimal point."
