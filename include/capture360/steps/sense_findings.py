"""Findings of sensing: word them for logs and alerts, and keep them from one sensing to the next."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Set

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


def keep_findings(records: Records, findings: Sequence[Finding], run: str | None) -> None:
    """Keep the findings of a sensing for the next one, each with the run that found it first.

    A run that was killed before people were alerted finds its own again.
    """
    known = known_findings(records)
    found = {line: known.get(line, run) for line in sorted({finding.line for finding in findings})}
    if found != known:
        records.store.put(_FINDINGS, json.dumps(found).encode())


def standing_findings(records: Records) -> Set[str]:
    """Return the findings of the last sensing as sentences; none if unreadable, so that they are reported again."""
    return known_findings(records).keys()


def is_found(records: Records, where: str) -> bool:
    """Return whether the last sensing had a finding about a site or a capture."""
    return any(line.startswith(f"{where}: ") for line in known_findings(records))


def known_findings(records: Records) -> Mapping[str, str | None]:
    """Return the runs that first found the findings of the last sensing, by sentence; none if unreadable."""
    try:
        found = json.loads(records.store.read(_FINDINGS) or b"{}")
    except (ValueError, RecursionError, RecordsError, StoreUnavailableError):
        return {}
    if isinstance(found, list):
        return {each: None for each in found if isinstance(each, str)}
    known = found.items() if isinstance(found, dict) else ()
    return {line: run if isinstance(run, str) else None for line, run in known}
