"""The one registry of rules: it makes the suites, the reference page and every message."""

from __future__ import annotations

from capture360.checks.catalog.captures import CAPTURES, SCANS
from capture360.checks.catalog.files import FILES
from capture360.checks.catalog.pictures import PICTURES
from capture360.checks.catalog.poses import POSES
from capture360.checks.catalog.stations import STATIONS
from capture360.checks.catalog.structure import STRUCTURE
from capture360.checks.catalog.times import TIMES
from capture360.rules.rule import RuleBook

RULES = RuleBook((*STRUCTURE, *STATIONS, *POSES, *TIMES, *FILES, *PICTURES, *CAPTURES, *SCANS))
