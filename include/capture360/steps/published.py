"""What was published of a site's captures: one small note a capture, so that the next one is compared with it.

The notes of a site are read side by side, without looking into deliveries or at CDF.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from capture360 import names
from capture360.checks.captures import agrees
from capture360.checks.validation import capture_document, capture_from_document
from capture360.model import Capture, CaptureKey, Station
from capture360.records import Records

NOTE = "published"
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Earlier:
    """A published capture without its files, and the delivery that was published last."""

    capture: Capture
    fingerprint: str


def note_published(records: Records, capture: Capture, fingerprint: str) -> None:
    """Keep what is published now. Stations that are left out are forgotten here: their removal was read back before."""
    whole = published_with(records, capture)
    records.put_note(capture.key, NOTE, {"fingerprint": fingerprint, "capture": capture_document(whole)})


def published_with(records: Records, capture: Capture) -> Capture:
    """What is published of a capture, without files, once this delivery is.

    Stations that were published before stay if the delivery confirms no change, or holds them back.
    """
    before = published_capture(records, capture.key)
    if before is None:
        return replace(capture, media={}, scans={}, held_back=())
    confirmed = capture.revision > before.revision
    delivered = {station.id for station in capture.stations}
    kept = [
        station
        for station in before.stations
        if station.id not in delivered and (not confirmed or station.id in capture.held_back)
    ]
    ids = [station.id for station in kept]
    return replace(
        capture,
        revision=max(capture.revision, before.revision),
        stations=(*kept, *capture.stations),
        media={},
        scans={},
        reused={**{each: node for each, node in before.reused.items() if each in ids}, **capture.reused},
        held_back=tuple(ids if confirmed else [each for each in ids if each in before.held_back]),
    )


def published_capture(records: Records, key: CaptureKey) -> Capture | None:
    """What is published of a capture now, whichever deliveries brought it, without files; None if nothing is."""
    known = records.note(key, NOTE)
    return capture_from_document(known["capture"]) if known else None


def published_stations(records: Records, key: CaptureKey) -> Sequence[str]:
    """Ids of the capture's stations that are published now, whichever delivery brought them."""
    whole = published_capture(records, key)
    return [station.id for station in whole.stations] if whole else []


def earlier_captures(records: Records, site: str) -> Sequence[Earlier]:
    """What was published of the site's captures, by when they were taken."""
    notes = records.notes(site, NOTE).values()
    found = [Earlier(capture_from_document(note["capture"]), note["fingerprint"]) for note in notes]
    return sorted(found, key=lambda each: (_taken(each.capture), each.capture.key.capture))


def to_compare(earlier: Sequence[Earlier], key: CaptureKey, fingerprint: str) -> Sequence[Capture]:
    """The captures that a delivery is compared with: all but itself, when it runs again."""
    return [each.capture for each in earlier if each.capture.key != key or each.fingerprint != fingerprint]


def with_reused_stations(capture: Capture, earlier: Sequence[Earlier]) -> Capture:
    """With `history` a station that stands as in an earlier capture shares its station node; what is published stays.

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
            if agrees(station.pose, before.pose):
                reused[station.id] = node
    return replace(capture, reused={s.id: reused[s.id] for s in capture.stations if s.id in reused})


def _taken(capture: Capture) -> datetime:
    return min((station.taken_at for station in capture.stations), default=_NEVER)
