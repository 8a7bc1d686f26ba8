"""Cells that are no numbers: the fix names what they probably hold."""

from __future__ import annotations

import pytest

from capture360.checks.number_hints import fix_of
from capture360.checks.spreadsheet_slips import slip_of


@pytest.mark.parametrize(
    ("text", "column", "fix"),
    [
        ("1.7 m", "z", "Write 1.7 alone; the unit is that of frame.unit"),
        ("1,7 [m]", "z", "Write 1.7 alone; the unit is that of frame.unit"),
        ("1700mm", "z", "Write 1700 alone; the unit is that of frame.unit"),
        ("45°", "heading", "Write 45 alone; the unit is that of rotation.kind"),
        ("50 gon", "heading", "Write 50 alone; the unit is that of rotation.kind"),
        ("12°30'15\"", "heading", "as one number: 12.504167."),
        ("12:30:15", "heading", "as one number: 12.504167."),
        ("-12° 30'", "pitch", "as one number: -12.500000."),
        ("4%", "x", "without a percent sign"),
        ("n/a", "z", "It stands for nothing"),
        ("[m]", "x", "Is this a row of units?"),
        ("x", "x", "Is this the header again?"),
        ("12,5", "x", "Decimal comma? Write 12.5"),
        ("1900-01-04", "x", "formatted as a date"),
        ("N45E", "heading", "Write digits with a decimal point."),
        ("(4.0)", "x", "Write -4.0."),
        ("4.0-", "x", "Write -4.0."),
        ("#REF!", "x", "an error of a spreadsheet's formula"),
        ("#BEZUG!", "x", "an error of a spreadsheet's formula"),
        ("#DIV/0!", "x", "an error of a spreadsheet's formula"),
        ("#¡VALOR!", "x", "an error of a spreadsheet's formula"),
        ("########", "x", "too narrow"),
        ("=A1+4", "x", "It is a formula: export the values."),
        ("'4.0", "x", "remove the sign in front"),
        ("01. Feb", "x", "A spreadsheet made a date of it"),
        ("12:30:15", "x", "Write digits with a decimal point."),
    ],
)
def test_the_fix_names_what_the_cell_holds(text: str, column: str, fix: str) -> None:
    assert fix in fix_of(text, column)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1.01E+15", "shortened a long number"),
        ("1,01E+15", "shortened a long number"),
        ("1-Feb", "made a date of it"),
        ("Feb-01", "made a date of it"),
        ("01.Mär", "made a date of it"),
        ("2026-02-01T00:00:00", "made a date of it"),
        ("2026-02-01", "made a date of it"),
        ("#NV", "an error"),
        ("#N/A", "an error"),
        ("#12", ""),
        ("#", ""),
        ("A-1", ""),
        ("1E15", ""),
        ("1-September", "made a date of it"),
        ("17. Des. 2026", "made a date of it"),
        ("März-26", "made a date of it"),
        ("mar-a-lago", ""),
        ("Deck-12", ""),
        ("1-Deck", ""),
        ("2-deck-10", ""),
        ("3-Separator", ""),
        ("Decanter-12", ""),
        ("Main-01", ""),
        ("Set-01", ""),
        ("Marker-12", ""),
        ("Octane-95", ""),
        ("x" * 100_000, ""),
    ],
)
def test_an_id_that_a_spreadsheet_changed_is_told_from_others(text: str, words: str) -> None:
    slip = slip_of(text)
    assert words in slip
    assert bool(slip) == bool(words)
