"""This capture against earlier ones of the same site."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from capture360.checks.labels import for_people
from capture360.checks.parsed_capture import ParsedStations
from capture360.checks.rules import RULES
from capture360.checks.violations import FindingGroup, RowViolations
from capture360.geometry.rotation import angle_between, matrix_from_quaternion
from capture360.model import Capture, CaptureKey, CaptureKind, Pose
from capture360.rules.finding import Finding

if TYPE_CHECKING:
    import pandas as pd

_SAME_PLACE_M = 1.0
_SAME_POSE_M, _SAME_POSE_DEG = 0.01, 0.1
_ROUNDING_M, _ROUNDING_DEG = 1e-6, 1e-4
_NAMES_SHOWN = 5


def agrees(one: Pose, other: Pose) -> bool:
    """Whether a station with the one pose may share its history with a station of the other."""
    metres = float(np.linalg.norm(np.subtract(one.position, other.position)))
    turn = angle_between(matrix_from_quaternion(one.rotation), matrix_from_quaternion(other.rotation))
    return metres <= _SAME_POSE_M and float(np.degrees(turn)) <= _SAME_POSE_DEG


def against_earlier(
    key: CaptureKey, table: ParsedStations, ids: pd.Series[str], earlier: Sequence[Capture]
) -> Iterator[RowViolations | FindingGroup]:
    """C02 and C03 against what was ingested under the same key; I05 and C05 against the site's other captures.

    `ids` are those of all delivered stations, of what cannot be used too; empty for a row that has none.
    """
    same = _same(key, earlier)
    if same is not None:
        yield from _against_itself(table, ids, same)
    others = [capture for capture in earlier if capture.key != key]
    if others:
        yield from _against_others(table, others)


def still_shown(
    key: CaptureKey, table: ParsedStations, held_back: Collection[str], earlier: Sequence[Capture]
) -> Iterator[Finding]:
    """C06 for stations that are held back and were ingested before."""
    same = _same(key, earlier)
    shown = [station.id for station in same.stations if station.id in held_back] if same else []
    if same and shown:
        revision = max(same.revision, table.manifest.revision) + 1
        yield RULES["C06"].finding(table.stations.file, f"{len(shown)} ({_some(shown)})", revision=revision)


def _same(key: CaptureKey, earlier: Sequence[Capture]) -> Capture | None:
    return max((capture for capture in earlier if capture.key == key), key=lambda c: c.revision, default=None)


def _rows(table: ParsedStations) -> dict[str, int]:
    known = table.placed & ~np.isnan(table.rotation).any(axis=1)
    ids = table.stations.frame["station_id"].tolist()
    return {ids[at]: at for at in np.flatnonzero(known).tolist()}


def _difference(table: ParsedStations, at: int, pose: Pose) -> tuple[float, float]:
    """Metres and degrees between a row and an earlier pose."""
    metres = float(np.linalg.norm(table.position[at] - np.array(pose.position)))
    turn = angle_between(matrix_from_quaternion(table.rotation[at]), matrix_from_quaternion(pose.rotation))
    return metres, float(np.degrees(turn))


def _against_itself(table: ParsedStations, ids: pd.Series[str], before: Capture) -> Iterator[FindingGroup]:
    """A change of a station that the ingested revision held back was confirmed with that revision."""
    rows, parts = _rows(table), _collections(table)
    open_changes = set(before.held_back)
    moved = []
    for station in before.stations:
        if station.id in rows and station.id not in open_changes:
            metres, turn = _difference(table, rows[station.id], station.pose)
            if metres > _ROUNDING_M or turn > _ROUNDING_DEG:
                moved.append(station.id)
    regrouped = [
        station.id
        for station in before.stations
        if parts.get(station.id, station.collection) != station.collection and station.id not in open_changes
    ]
    delivered = set(ids)
    gone = [station.id for station in before.stations if station.id not in delivered]
    file, revision = table.stations.file, table.manifest.revision
    changes = (moved, "moved or turned"), (regrouped, "in another collection"), (gone, "gone")
    told = ", ".join(f"{len(some)} {word} ({_some(some)})" for some, word in changes if some)
    nameless = int((ids == "").sum())
    kind = "scans" if table.manifest.kind is CaptureKind.E57 else ""
    if told and revision <= before.revision:
        yield FindingGroup([RULES["C03"].finding(file, told, message=kind, revision=before.revision + 1)])
    elif gone and nameless:
        lost = f"{len(gone)} gone ({_some(gone)})"
        yield FindingGroup([RULES["C03"].finding(file, lost, message="nameless", nameless=nameless)])
    elif not told and not open_changes and len(rows) == len(before.stations) and revision == before.revision:
        yield FindingGroup([RULES["C02"].finding(file, len(rows))])


def _collections(table: ParsedStations) -> dict[str, str]:
    """The collection of each delivered station, as it would be published."""
    frame = table.stations.frame
    ids = frame["station_id"].tolist()
    parts = frame["collection_id"].tolist() if "collection_id" in frame.columns else [""] * len(ids)
    return {station: for_people(part) for station, part in zip(ids, parts, strict=True)}


def _some(ids: list[str]) -> str:
    return ", ".join(ids[:_NAMES_SHOWN]) + (", ..." if len(ids) > _NAMES_SHOWN else "")


def _against_others(table: ParsedStations, others: Sequence[Capture]) -> Iterator[RowViolations]:
    rows = _rows(table)
    found: dict[int, tuple[float, float, str]] = {}
    for capture in others:
        for station in capture.stations:
            if station.id in rows:
                at = rows[station.id]
                metres, turn = _difference(table, at, station.pose)
                if at not in found or (metres, turn) > found[at][:2]:
                    found[at] = metres, turn, capture.key.capture

    def words(at: int) -> dict[str, object]:
        metres, turn, capture = found[at]
        return {"distance": f"{metres:.1f}", "turn": f"{turn:.2f}", "capture": capture}

    if table.manifest.history:
        left = [at for at, (metres, turn, _) in found.items() if metres > _SAME_POSE_M or turn > _SAME_POSE_DEG]
        if left:
            positions = np.array(sorted(left), dtype=np.int64)
            yield RowViolations("C05", table.stations, positions, value=lambda at: f"{found[at][0]:.3f}", words=words)
        return
    left = [at for at, (metres, _, _) in found.items() if metres > _SAME_PLACE_M]
    if left:
        yield RowViolations(
            "I05", table.stations, np.array(sorted(left), dtype=np.int64), column="station_id", words=words
        )
