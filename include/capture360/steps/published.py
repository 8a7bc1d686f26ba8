"""Notes of what is published of each capture of a site, which later deliveries are compared with.

The notes of a site are read concurrently, without reading deliveries or CDF.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from capture360 import names
from capture360.capture_document import capture_document, capture_from_document
from capture360.errors import RecordsError
from capture360.geometry.poses import near_pose
from capture360.model import Capture, CaptureKey, Station
from capture360.records import Records

NOTE = "published"
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Earlier:
    """A published capture without its files, and its last published delivery."""

    capture: Capture
    fingerprint: str


def note_published(records: Records, capture: Capture, fingerprint: str) -> None:
    """Note what is published now. Stations that are left out are dropped; their removal is already verified."""
    whole = published_with(records, capture)
    records.put_note(capture.key, NOTE, {"fingerprint": fingerprint, "capture": capture_document(whole)})


def published_with(records: Records, capture: Capture) -> Capture:
    """Return what is published of a capture, without files, once this delivery is published.

    Stations that were published before stay if the delivery confirms no change or holds them back.
    """
    before = published_capture(records, capture.key)
    if before is None:
        return replace(capture, media={}, scans={}, held_back=())
    confirmed = capture.revision > before.revision
    delivered, held_back = {station.id for station in capture.stations}, set(capture.held_back)
    kept = [
        station
        for station in before.stations
        if station.id not in delivered and (not confirmed or station.id in held_back)
    ]
    ids = dict.fromkeys(station.id for station in kept)
    still_held_back = ids.keys() if confirmed else set(before.held_back)
    return replace(
        capture,
        revision=max(capture.revision, before.revision),
        stations=(*kept, *capture.stations),
        media={},
        scans={},
        reused={**{each: node for each, node in before.reused.items() if each in ids}, **capture.reused},
        held_back=tuple(each for each in ids if each in still_held_back),
    )


def published_capture(records: Records, key: CaptureKey) -> Capture | None:
    """Return what is published of a capture, from whichever deliveries, without files; None if nothing is."""
    known = records.note(key, NOTE)
    return capture_from_document(known["capture"]) if known else None


def published_delivery(records: Records, key: CaptureKey) -> str | None:
    """Return the delivery that was published last; None if none is."""
    known = records.note(key, NOTE)
    return str(known["fingerprint"]) if known else None


def published_stations(records: Records, key: CaptureKey) -> Sequence[str]:
    """Return ids of the capture's published stations, from whichever deliveries."""
    whole = published_capture(records, key)
    return [station.id for station in whole.stations] if whole else []


def image_ids(records: Records, key: CaptureKey, fingerprint: str, stations: Iterable[str]) -> dict[str, str]:
    """Return external ids of the images of a published delivery by station, including those that CDF chose."""
    record = records.get(key, fingerprint, "publish")
    chosen = record.body.get("shown", {}) if record is not None else {}
    return {station: chosen.get(station) or names.image_id(key, station) for station in stations}


def earlier_captures(records: Records, site: str) -> tuple[Sequence[Earlier], Mapping[CaptureKey, RecordsError]]:
    """Return what is published of the site's captures, by when they were taken, and errors of damaged notes."""
    found, damaged = records.notes(site, NOTE, _earlier)
    return sorted(found.values(), key=lambda each: (_taken(each.capture), each.capture.key.capture)), damaged


def _earlier(_: CaptureKey, note: Mapping[str, Any]) -> Earlier:
    return Earlier(capture_from_document(note["capture"]), note["fingerprint"])


def to_compare(earlier: Sequence[Earlier], key: CaptureKey, fingerprint: str) -> Sequence[Capture]:
    """Return the captures that a delivery is compared with, which exclude the delivery itself."""
    return [each.capture for each in earlier if each.capture.key != key or each.fingerprint != fingerprint]


def with_reused_stations(capture: Capture, earlier: Sequence[Earlier]) -> Capture:
    """With `history`, let a station with the pose of an earlier capture's share its node; published ones stay.

    The oldest capture decides, as viewers show all images of a station with the pose of the first.
    """
    if not capture.history:
        return capture
    own = next((each.capture for each in earlier if each.capture.key == capture.key), None)
    published = {station.id for station in own.stations} if own else set()
    first: dict[str, tuple[Station, str]] = {}
    for each in earlier:
        if each.capture.key != capture.key:
            for station in each.capture.stations:
                first.setdefault(station.id, (station, names.station_node(each.capture, station.id)))
    reused = dict(own.reused) if own else {}
    for station in capture.stations:
        if station.id in first and station.id not in published:
            before, node = first[station.id]
            if near_pose(station.pose, before.pose):
                reused[station.id] = node
    return replace(capture, reused={s.id: reused[s.id] for s in capture.stations if s.id in reused})


def _taken(capture: Capture) -> datetime:
    return min((station.taken_at for station in capture.stations), default=_NEVER)
