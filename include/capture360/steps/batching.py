"""How the stations of a capture are divided into batches, each a mapped task of its own."""

from __future__ import annotations

import math

from capture360.capture_state import VALIDATE
from capture360.errors import MissingStepError
from capture360.model import CaptureKey
from capture360.records import Records

_MOST_BATCHES = 20
_SMALLEST_BATCH = 50


def batch_size(stations: int) -> int:
    """Return the number of stations of a batch: at most 20 batches for a capture, of a minimum size."""
    return max(_SMALLEST_BATCH, math.ceil(stations / _MOST_BATCHES))


def batch_count(stations: int) -> int:
    """Return the number of batches of a capture with so many stations."""
    return math.ceil(stations / batch_size(stations))


def recorded_batches(records: Records, key: CaptureKey, fingerprint: str) -> int:
    """Return the number of batches as validated, so that runs survive an upgrade that changes it."""
    record = records.get(key, fingerprint, VALIDATE)
    if record is None:
        raise MissingStepError(key, f"delivery {fingerprint} has no accepted validation", "validate")
    return int(record.body["batches"])
