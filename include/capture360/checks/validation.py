"""The outcome of a validation, and its form as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from capture360.model import Capture, CaptureKey, CaptureKind, Pose, Station, StationMedia, Verdict
from capture360.rules.finding import Disposition, Finding


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How many things a rule looked at, and how many broke it."""

    rule: str
    checked: int
    failed: int


@dataclass(frozen=True, slots=True)
class PlanPoint:
    """A station seen from above: metres in the site frame. `held_back` by a fault of its own."""

    station: str
    x: float
    y: float
    held_back: bool


@dataclass(frozen=True, slots=True)
class Validation:
    """What was found out about one capture.

    `capture` holds only the stations that may be published, and is None for a rejected capture. `findings` are the
    sentences to tell, the gravest first; a cause of many rows is told once, and `bad_rows` then holds those
    rows (at most 10,000 a rule; `counts` has the full numbers). `quarantined` maps a station to the rules it broke.
    """

    key: CaptureKey
    verdict: Verdict
    capture: Capture | None
    findings: tuple[Finding, ...]
    bad_rows: tuple[Finding, ...] = ()
    quarantined: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    counts: tuple[RuleCount, ...] = ()
    plan: tuple[PlanPoint, ...] = ()
    stations: int = 0

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        accepted = len(self.capture.stations) if self.capture else 0
        if self.verdict is Verdict.REJECTED:
            stops = [finding for finding in self.findings if finding.disposition is Disposition.STOP]
            more = f" (and {len(stops) - 1} more)" if len(stops) > 1 else ""
            return f"{self.key} rejected: {stops[0].message}{more}" if stops else f"{self.key} rejected."
        noun = "station" if self.stations == 1 else "stations"
        if self.verdict is Verdict.PARTIAL:
            return (
                f"{self.key} accepted in part: {accepted} of {self.stations} {noun}, {len(self.quarantined)} held back."
            )
        return f"{self.key} accepted: {accepted} {noun}."


def validation_document(validation: Validation) -> dict[str, Any]:
    """The validation as values that JSON can hold."""
    return {
        "capture_key": str(validation.key),
        "verdict": validation.verdict.value,
        "headline": validation.headline,
        "stations": validation.stations,
        "accepted": [station.id for station in validation.capture.stations] if validation.capture else [],
        "quarantined": {station: list(rules) for station, rules in validation.quarantined.items()},
        "findings": [_finding_document(finding) for finding in validation.findings],
        "bad_rows": [_finding_document(finding) for finding in validation.bad_rows],
        "counts": [asdict(count) for count in validation.counts],
        "capture": capture_document(validation.capture) if validation.capture else None,
    }


def _finding_document(finding: Finding) -> dict[str, Any]:
    """The finding as `capture360 check --json` prints it: `where` names the file."""
    document = asdict(finding)
    del document["path"]
    return document


def capture_document(capture: Capture) -> dict[str, Any]:
    """The capture as values that JSON can hold; `capture_from_document` is its inverse."""
    return {
        "key": str(capture.key),
        "kind": capture.kind.value,
        "site_name": capture.site_name,
        "label": capture.label,
        "revision": capture.revision,
        "supersedes": list(capture.supersedes),
        "history": capture.history,
        "scans": dict(capture.scans),
        "extracted_here": list(capture.extracted_here),
        "reused": dict(capture.reused),
        "held_back": list(capture.held_back),
        "stations": [
            {
                "id": station.id,
                "name": station.name,
                "position": list(station.pose.position),
                "rotation": list(station.pose.rotation),
                "taken_at": station.taken_at.isoformat(),
                "collection": station.collection,
            }
            for station in capture.stations
        ],
        "media": {
            station: {"faces": dict(media.faces), "panorama": media.panorama}
            for station, media in capture.media.items()
        },
    }


def capture_from_document(document: Mapping[str, Any]) -> Capture:
    """The capture that `capture_document` wrote."""
    return Capture(
        key=CaptureKey.parse(document["key"]),
        kind=CaptureKind(document["kind"]),
        site_name=document["site_name"],
        label=document["label"],
        revision=document["revision"],
        supersedes=tuple(document["supersedes"]),
        history=document["history"],
        scans=document["scans"],
        extracted_here=tuple(document["extracted_here"]),
        reused=document["reused"],
        held_back=tuple(document["held_back"]),
        stations=tuple(
            Station(
                id=row["id"],
                name=row["name"],
                pose=Pose(_triple(row["position"]), _quadruple(row["rotation"])),
                taken_at=datetime.fromisoformat(row["taken_at"]),
                collection=row["collection"],
            )
            for row in document["stations"]
        ),
        media={
            station: StationMedia(faces=media["faces"], panorama=media["panorama"])
            for station, media in document["media"].items()
        },
    )


def _triple(values: Sequence[float]) -> tuple[float, float, float]:
    x, y, z = values
    return x, y, z


def _quadruple(values: Sequence[float]) -> tuple[float, float, float, float]:
    w, x, y, z = values
    return w, x, y, z
