"""Findings: violations of rules, with their place and their disposition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, ClassVar


class Disposition(StrEnum):
    """What a broken rule does: stop the capture, quarantine the station, warn, or only note a repair."""

    STOP = "stop"
    QUARANTINE = "quarantine"
    WARN = "warn"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation of a rule. Reports, the command line and alerts render it and read its fields, never its text."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    """For the check of recorded findings, see `record_forms.values`."""

    rule: str
    disposition: Disposition
    where: str
    """The place as `message` words it."""
    value: str
    message: str
    station: str | None = None
    row: int | None = None
    column: str | None = None
    path: str = ""
    """The file that is wrong, relative to the capture folder; for a table row, the table. Empty if it is no file."""
    table: str = ""
    """The table whose `row` names the file. Empty where `path` is the table itself."""

    @property
    def line(self) -> str:
        """Place and message on one line, for logs and alerts."""
        return f"{self.where}: {self.message}"

    def document(self) -> dict[str, Any]:
        """Return the finding as records and `--json` hold it; `where` names file and table there."""
        document = asdict(self)
        del document["path"], document["table"]
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Finding:
        """Build a finding from its `document`."""
        return cls(**{**document, "disposition": Disposition(document["disposition"])})
