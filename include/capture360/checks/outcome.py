"""The validated capture and its validation, put together from what the stages settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from capture360.checks.labels import for_people
from capture360.checks.parsed_capture import ParsedStations
from capture360.checks.rules import CAPTURE_RULES
from capture360.checks.validation import PlanPoint, RuleCount, Validation
from capture360.checks.verdict import Settled
from capture360.checks.violations import Frame
from capture360.model import Capture, CaptureKey, CaptureKind, Pose, Station, StationMedia
from capture360.readers.manifest_keys import extracted_here
from capture360.rules.scans import SCANS
from capture360.settings.site import Site


def validation_of(
    key: CaptureKey,
    table: ParsedStations,
    faces: Frame,
    settled: Settled,
    site: Site | None,
    scans: Mapping[str, str],
) -> Validation:
    """The outcome, with the capture of the accepted stations. `scans` has the sha256 of each E57 file by path."""
    capture = _capture(key, table, faces, settled, site) if settled.accepted else None
    total = {"capture": 1, "station": len(table), "face": len(faces.frame), "file": len(faces.frame)}
    counts = tuple(
        RuleCount(rule.id, max(total[rule.scope], settled.failed.get(rule.id, 0)), settled.failed.get(rule.id, 0))
        for rule in CAPTURE_RULES
        if rule.id in settled.failed or rule.family != SCANS.letter or table.manifest.kind is CaptureKind.E57
    )
    ids = table.stations.frame["station_id"]
    places = zip(ids, table.position[:, 0].tolist(), table.position[:, 1].tolist(), strict=True)
    placed = [(name, x, y) for (name, x, y), known in zip(places, table.placed, strict=True) if known]
    return Validation(
        key=key,
        verdict=settled.verdict,
        capture=replace(capture, scans=scans) if capture else None,
        findings=settled.findings,
        bad_rows=settled.bad_rows,
        quarantined=settled.quarantined,
        counts=counts,
        plan=tuple(PlanPoint(name, x, y, name in settled.quarantined) for name, x, y in placed),
        stations=settled.total,
    )


def _capture(key: CaptureKey, table: ParsedStations, faces: Frame, settled: Settled, site: Site | None) -> Capture:
    manifest = table.manifest
    return Capture(
        key=key,
        kind=manifest.kind,
        site_name=manifest.site_name or (site.name if site else manifest.site_id),
        label=manifest.collection_label or manifest.capture_id,
        stations=_stations(table, settled),
        media=_media(manifest.kind, faces, settled),
        revision=manifest.revision,
        supersedes=manifest.supersedes,
        history=manifest.history,
        held_back=tuple(sorted(settled.quarantined)),
        extracted_here=extracted_here(manifest),
    )


def _stations(table: ParsedStations, settled: Settled) -> tuple[Station, ...]:
    frame = table.stations.frame
    ids = frame["station_id"].tolist()
    names = frame["station_name"].tolist() if "station_name" in frame.columns else ids
    parts = frame["collection_id"].tolist() if "collection_id" in frame.columns else [""] * len(ids)
    taken = table.times.utc.dt.to_pydatetime()
    positions, rotations = table.position.tolist(), table.rotation.tolist()
    return tuple(
        Station(
            id=ids[at],
            name=for_people(names[at]) or ids[at],
            pose=Pose(_triple(positions[at]), _quadruple(rotations[at])),
            taken_at=taken[at],
            collection=for_people(parts[at]),
        )
        for at in range(len(ids))
        if ids[at] in settled.accepted
    )


def _media(kind: CaptureKind, faces: Frame, settled: Settled) -> dict[str, StationMedia]:
    found: dict[str, dict[Any, str]] = {}
    frame = faces.frame
    for station, face, file in zip(frame["station_id"], frame["face"], frame["file"], strict=True):
        if station in settled.accepted:
            found.setdefault(station, {})[face] = file
    if kind is CaptureKind.CUBEMAP:
        return {station: StationMedia(faces=files) for station, files in found.items()}
    return {station: StationMedia(panorama=next(iter(files.values()))) for station, files in found.items()}


def _triple(values: Sequence[float]) -> tuple[float, float, float]:
    x, y, z = values
    return x, y, z


def _quadruple(values: Sequence[float]) -> tuple[float, float, float, float]:
    w, x, y, z = values
    return w, x, y, z
