"""Texts from outside as cells that no spreadsheet takes for formulas."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\Z")
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_BLANK_STARTS = ("\t", "\r", "\n")
_UNSEEN = r"\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
"""Characters without a glyph, which readers of spreadsheets and their copies of a cell may drop."""
_BEFORE = re.compile(rf"\A[\s{_UNSEEN}]+")
_PARTING = re.compile(rf"[;|\s][;|\s\"{_UNSEEN}]*")
_PARTS = ";\t|\r\n"
"""Where a spreadsheet that parts cells at another sign than the comma would begin a formula.

It takes a cell with a line break for two rows, since the quote is not the first character of its cell, and drops the
quotes in which a cell behind such a sign stands.
"""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Characters that spreadsheets drop, so that a formula could begin behind one."""


def for_csv(value: object) -> str:
    """A cell that no spreadsheet takes for a formula: such a text starts with an apostrophe (OWASP, CSV injection).

    A spreadsheet may part cells elsewhere than at commas, so this holds behind semicolons, tabs and line breaks too.
    """
    text = "" if value is None else _CONTROL.sub("", str(value))
    is_formula = _BEFORE.sub("", text).startswith(_FORMULA_STARTS) and not _NUMBER.match(text)
    if is_formula or text[:1] in _BLANK_STARTS:
        text = f"'{text}"
    return _PARTING.sub(lambda found: _quoted(found, text), text)


def _quoted(found: re.Match[str], text: str) -> str:
    """Put an apostrophe behind the last sign that parts cells, where a formula would begin."""
    run = found[0]
    cell = max(run.rfind(sign) for sign in _PARTS) + 1
    begins = cell > 0 and text.startswith(_FORMULA_STARTS, found.end())
    return f"{run[:cell]}'{run[cell:]}" if begins else run
