"""Index of the captures with plates that nobody has decided on, so that they are counted without reading records.

A document `sensing/open/<site>/<capture>` holds the number of those plates.
"""

from __future__ import annotations

from collections.abc import Mapping

from capture360.model import CaptureKey
from capture360.records import SENSING, Records

_OPEN = f"{SENSING}/open"


def note_open(records: Records, key: CaptureKey, plates: int) -> None:
    """Keep the number of a capture's undecided plates."""
    path = f"{_OPEN}/{key}"
    if plates:
        records.store.put(path, str(plates).encode())
    else:
        records.store.remove(path)


def open_plates(records: Records, site: str) -> Mapping[CaptureKey, int]:
    """Return the number of undecided plates of each capture of a site that has any."""
    known = set(records.keys_of(site))
    keys = [key for name in records.store.names(f"{_OPEN}/{site}") if (key := CaptureKey(site, name)) in known]
    read = records.store.read_all([f"{_OPEN}/{key}" for key in keys])
    return {key: int(text) for key, text in zip(keys, read, strict=True) if text is not None and text.isdigit()}
