"""Findings of sensing: word them for logs and alerts, and keep them from one scan to the next."""

from __future__ import annotations

import json
from collections.abc import Sequence

from capture360.errors import Capture360Error, RecordsError, StoreUnavailableError
from capture360.records import SENSING, Records
from capture360.rules.finding import Finding
from capture360.rules.sensing import W01
from capture360.text import without_secrets

_FINDINGS = f"{SENSING}/findings.json"
MOST_LISTED = 20
"""Findings that one log or alert lists."""
MORE = "more findings of sensing"


def finding_of(where: str, error: Exception) -> Finding:
    """Return an error as a finding, with its class if it is no Capture360Error."""
    if isinstance(error, Capture360Error):
        return W01.finding(where=where, sentence=str(error))
    seen = f"It cannot be looked at ({type(error).__name__}: {without_secrets(str(error))})."
    return W01.finding(where=where, sentence=f"{seen} Correct its settings, or see to its store.")


def sentences(findings: Sequence[Finding], most: int = MOST_LISTED) -> list[str]:
    """Word the first `most` findings, and the number of the others."""
    listed = [finding.line for finding in findings[:most]]
    more = len(findings) - len(listed)
    return [*listed, f"There are {more:,} {MORE}; fix these first."] if more else listed


def keep_findings(records: Records, findings: Sequence[Finding]) -> None:
    """Keep the findings of a scan for the next one."""
    found = sorted({finding.line for finding in findings})
    if set(found) != standing_findings(records):
        records.store.put(_FINDINGS, json.dumps(found).encode())


def standing_findings(records: Records) -> set[str]:
    """Return the findings of the last scan as sentences; none if unreadable, so that they are reported again."""
    try:
        found = json.loads(records.store.read(_FINDINGS) or b"[]")
    except (ValueError, RecursionError, RecordsError, StoreUnavailableError):
        return set()
    return {each for each in found if isinstance(each, str)} if isinstance(found, list) else set()
