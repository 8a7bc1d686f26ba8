"""Cells that are no numbers: the fix names what they probably hold."""

from __future__ import annotations

import pytest

from capture360.checks.number_hints import fix_of


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
        ("12:30:15", "x", "Write digits with a decimal point."),
    ],
)
def test_the_fix_names_what_the_cell_holds(text: str, column: str, fix: str) -> None:
    assert fix in fix_of(text, column)
