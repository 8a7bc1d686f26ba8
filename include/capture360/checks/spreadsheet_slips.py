"""Cells that a spreadsheet has made something else of: numbers shortened, dates, formulas and their errors."""

from __future__ import annotations

import re

_AS_TEXT = "format the column as text before the values are entered, and export it again."
_MONTHS = (
    "jan|january|januar|j\u00e4nner|feb|february|februar|mar|march|m\u00e4r|mrz|m\u00e4rz|mars|apr|april|may|mai"
    "|jun|june|juni|jul|july|juli|aug|august|sep|sept|september|oct|october|okt|oktober|nov|november"
    "|dec|december|dez|dezember|des|desember"
)
"""Whole words in English, German and Norwegian: ids such as Deck-12 and Main-01 begin like months."""
_MONTH = rf"(?:{_MONTHS})\.?"
_ERROR = r"#[\u00a1\u00bf]?[^\W\d_]+(?:/[0A-Z])?[!?]|#(?:N/[ADV]|NV|I/T|NA)"
"""Errors of Excel, such as #REF!, #DIV/0! and #N/A, and as it writes them in other languages."""
_DATE = (
    rf"[0-9]{{1,2}}[-. /]{{1,2}}{_MONTH}(?:[-. /]{{1,2}}[0-9]{{2,4}})?|{_MONTH}[-. /]{{1,2}}[0-9]{{2,4}}"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T00:00:00)?"
)
_SLIPS = (
    (
        r"[+-]?[0-9](?:[.,][0-9]+)?E\+[0-9]{1,3}",
        f"A spreadsheet shortened a long number to it, and the rest of the digits is lost: {_AS_TEXT}",
    ),
    (_DATE, f"A spreadsheet made a date of it: {_AS_TEXT}"),
    (r"##+", "A spreadsheet writes this for a column that is too narrow: make it wider, and export it again."),
    (_ERROR, "It is an error of a spreadsheet's formula: correct the formula, and export it again."),
    (r"[=@][^=].*", "It is a formula: export the values."),
    (r"['\u2019][^'\u2019].*", "A spreadsheet marks text so: remove the sign in front, or export it as CSV anew."),
)
_KNOWN = tuple((re.compile(pattern, re.IGNORECASE), words) for pattern, words in _SLIPS)
_KNOWN_DATE = re.compile(_DATE, re.IGNORECASE)
_LONGEST = 255
"""Characters of a cell that are looked at."""


def slip_of(text: str, *, is_date: bool = False) -> str:
    """Return what a spreadsheet has done to a cell and how to undo it; empty if nothing is known.

    `is_date` says that a date is what the cell should hold.
    """
    if len(text) > _LONGEST or (is_date and _KNOWN_DATE.fullmatch(text)):
        return ""
    return next((words for pattern, words in _KNOWN if pattern.fullmatch(text)), "")
