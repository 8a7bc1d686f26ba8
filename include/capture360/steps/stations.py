"""Ids of all stations that a capture ever had: what finds its files in CDF where no record names them."""

from __future__ import annotations

from capture360.capture_state import VALIDATE
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.steps.published import published_stations
from capture360.steps.validation_record import validated_capture


def known_stations(records: Records, key: CaptureKey) -> frozenset[str]:
    """Return the ids of the stations of every delivery, quarantined ones among them, and of what is published."""
    found = set(published_stations(records, key))
    for fingerprint in records.fingerprints(key):
        capture = validated_capture(records, key, fingerprint)
        found.update(station.id for station in (capture.stations if capture is not None else ()))
        verdict = records.get(key, fingerprint, VALIDATE)
        found.update(verdict.body.get("quarantined", ()) if verdict is not None else ())
    return frozenset(found)
