"""How a reader says that it cannot go on."""

from __future__ import annotations

from capture360.rules.finding import Finding


class Unreadable(Exception):
    """Reading ends here; `findings` say why. Never leaves the readers."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__(*(finding.message for finding in findings))
        self.findings = findings
