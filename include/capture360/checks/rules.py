"""The registry of all rules, from which suites, reference page and reports are made."""

from __future__ import annotations

from capture360.checks import (  # noqa: F401 - they add rules to families of other modules
    angles,
    declared,
    digests,
    neighbours,
    other_captures,
    picture_sizes,
    pictures,
    plausibility,
    republished,
    rotations,
    structure,
    time_order,
    transforms,
    unused,
)
from capture360.checks.captures import CAPTURES
from capture360.checks.files import FILES
from capture360.checks.poses import POSES
from capture360.checks.stations import STATIONS
from capture360.checks.times import TIMES
from capture360.rules import cameras, manifest, tables  # noqa: F401 - importing them registers their rules
from capture360.rules.links import LINKS
from capture360.rules.project import PROJECT
from capture360.rules.reconciliation import RECONCILIATION
from capture360.rules.rule import RuleBook
from capture360.rules.scans import SCANS
from capture360.rules.sensing import SENSING
from capture360.rules.structure import STRUCTURE

RULES = RuleBook(STRUCTURE, STATIONS, POSES, TIMES, FILES, CAPTURES, SCANS, SENSING, PROJECT, LINKS, RECONCILIATION)
CAPTURE_RULES = tuple(rule for rule in RULES.rules if rule.stage in ("gate", "suite", "files"))
"""Rules for delivered captures."""
