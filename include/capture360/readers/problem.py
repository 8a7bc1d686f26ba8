"""The exception by which readers stop."""

from __future__ import annotations

from capture360.rules.finding import Finding


class Unreadable(Exception):
    """A delivery cannot be read, for the reasons in `findings`. `read_tables` catches it."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__(*(finding.message for finding in findings))
        self.findings = findings
