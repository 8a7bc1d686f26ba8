"""Sensing rules (W): problems of landing zones."""

from __future__ import annotations

from capture360.rules.finding import Disposition
from capture360.rules.rule import Family, says

SENSING = Family("W", "Landing zones: can every delivery be seen?")

W01 = SENSING.rule(
    "W01",
    "Every site, capture and folder of the landing zones can be read",
    why="A folder that cannot be read is a capture that nobody ingests.",
    disposition=Disposition.STOP,
    scope="site",
    stage="sense",
    longest_sentence=1_000,
    messages=says(
        "{sentence}",
        bad="a folder that is not a capture id",
        sentence='The folder "hall 7" is no capture id. Rename it with letters, digits, dot, underscore and minus.',
    ),
)
