"""The result of a validation, and its form as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from capture360.capture_document import capture_document, pose_of
from capture360.checks.parsed_capture import CheckInput, ParsedStations
from capture360.checks.rules import CAPTURE_RULES
from capture360.checks.stations import display_name
from capture360.checks.verdict import Settled, settle
from capture360.checks.violations import Frame, Group
from capture360.e57 import split_reference
from capture360.model import Capture, CaptureKey, CaptureKind, Station, StationMedia, Verdict
from capture360.readers.manifest_keys import extracted_here
from capture360.rules.finding import Disposition, Finding
from capture360.rules.scans import SCANS
from capture360.settings.checks import CheckSettings


@dataclass(frozen=True, slots=True)
class RuleCount:
    """Number of items that a rule checked, and of those that violate it."""

    rule: str
    checked: int
    failed: int


@dataclass(frozen=True, slots=True)
class PlanPoint:
    """A station on the floor plan, in metres of the site frame. `held_back` if a fault of its own quarantines it."""

    station: str
    x: float
    y: float
    held_back: bool
    name: str = ""
    """Its display name; empty if that is its id."""

    @property
    def called(self) -> str:
        """Its display name, as in CDF; with its id if it is held back, since findings name it by that."""
        if not self.name:
            return self.station
        return f"{self.name} ({self.station})" if self.held_back else self.name


@dataclass(frozen=True, slots=True)
class Validation:
    """Result of all checks of one capture.

    `capture` holds only publishable stations, and is None for a rejected capture. `findings` are ordered, the gravest
    first; many rows with one cause are one finding, and `bad_rows` holds them (at most 10,000 a rule; `counts` has the
    full numbers). `quarantined` maps a station to the rules that it violates. `suites` are Great Expectations' results.
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
    suites: tuple[Mapping[str, Any], ...] = ()

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


def validation_of(given: CheckInput, settled: Settled, scans: Mapping[str, str]) -> Validation:
    """Build the result, with the capture of the accepted stations. `scans` has the sha256 of each E57 file by path."""
    table, faces = given.table, given.faces
    capture = _capture(given, settled) if settled.accepted else None
    total = {"capture": 1, "station": len(table), "face": len(faces.frame), "file": len(faces.frame)}
    counts = tuple(
        RuleCount(rule.id, max(total[rule.scope], settled.failed.get(rule.id, 0)), settled.failed.get(rule.id, 0))
        for rule in CAPTURE_RULES
        if rule.id in settled.failed or rule.family != SCANS.letter or table.manifest.kind is CaptureKind.E57
    )
    ids = table.stations.frame["station_id"]
    places = zip(ids, table.position[:, :2].tolist(), _names(table), table.placed, strict=True)
    return Validation(
        key=given.key,
        verdict=settled.verdict,
        capture=_with_scans(capture, scans) if capture else None,
        findings=settled.findings,
        bad_rows=settled.bad_rows,
        quarantined=settled.quarantined,
        counts=counts,
        plan=tuple(
            PlanPoint(station, x, y, station in settled.quarantined, "" if name == station else name)
            for station, (x, y), name, is_placed in places
            if is_placed
        ),
        stations=settled.total,
    )


def rejected(key: CaptureKey, groups: Sequence[Group], settings: CheckSettings) -> Validation:
    """Build the result for a delivery whose tables cannot be read."""
    import pandas as pd

    settled = settle(groups, pd.Series([], dtype="str"), settings)
    counts = tuple(RuleCount(rule, 1, failed) for rule, failed in settled.failed.items())
    return Validation(key, Verdict.REJECTED, None, settled.findings, settled.bad_rows, counts=counts)


def validation_document(validation: Validation) -> dict[str, Any]:
    """Return the validation as JSON values."""
    return {
        "capture_key": str(validation.key),
        "verdict": validation.verdict.value,
        "headline": validation.headline,
        "stations": validation.stations,
        "accepted": [station.id for station in validation.capture.stations] if validation.capture else [],
        "quarantined": {station: list(rules) for station, rules in validation.quarantined.items()},
        "findings": [finding.document() for finding in validation.findings],
        "bad_rows": [finding.document() for finding in validation.bad_rows],
        "counts": [asdict(count) for count in validation.counts],
        "capture": capture_document(validation.capture) if validation.capture else None,
    }


def _capture(given: CheckInput, settled: Settled) -> Capture:
    manifest, site = given.table.manifest, given.site
    return Capture(
        key=given.key,
        kind=manifest.kind,
        site_name=manifest.site_name or (site.name if site else manifest.site_id),
        label=manifest.collection_label or manifest.capture_id,
        stations=_stations(given.table, settled),
        media=_media(manifest.kind, given.faces, settled),
        revision=manifest.revision,
        supersedes=manifest.supersedes,
        history=manifest.history,
        held_back=tuple(sorted(settled.quarantined)),
        extracted_here=extracted_here(manifest),
        camera_height=manifest.camera_height,
    )


def _with_scans(capture: Capture, scans: Mapping[str, str]) -> Capture:
    """Add the scans that hold a station: what is extracted of another one would be held back."""
    used = {split_reference(media.panorama)[0] for media in capture.media.values() if scans and media.panorama}
    return replace(capture, scans={path: sha256 for path, sha256 in scans.items() if path in used})


def _stations(table: ParsedStations, settled: Settled) -> tuple[Station, ...]:
    frame = table.stations.frame
    ids = frame["station_id"].tolist()
    names = _names(table)
    parts = frame["collection_id"].tolist() if "collection_id" in frame.columns else [""] * len(ids)
    taken = table.times.utc.dt.to_pydatetime()
    positions, rotations = table.position.tolist(), table.rotation.tolist()
    return tuple(
        Station(
            id=ids[at],
            name=names[at],
            pose=pose_of(positions[at], rotations[at]),
            taken_at=taken[at],
            collection=display_name(parts[at]),
        )
        for at in range(len(ids))
        if ids[at] in settled.accepted
    )


def _names(table: ParsedStations) -> list[str]:
    """Return the display names of all stations: their ids where there are none."""
    ids = table.stations.frame["station_id"].tolist()
    if "station_name" not in table.stations.frame.columns:
        return ids
    names = table.stations.frame["station_name"]
    return [display_name(name) or station for name, station in zip(names, ids, strict=True)]


def _media(kind: CaptureKind, faces: Frame, settled: Settled) -> dict[str, StationMedia]:
    found: dict[str, dict[Any, str]] = {}
    frame = faces.frame
    for station, face, file in zip(frame["station_id"], frame["face"], frame["file"], strict=True):
        if station in settled.accepted:
            found.setdefault(station, {})[face] = file
    if kind is CaptureKind.CUBEMAP:
        return {station: StationMedia(faces=files) for station, files in found.items()}
    return {station: StationMedia(panorama=next(iter(files.values()))) for station, files in found.items()}
