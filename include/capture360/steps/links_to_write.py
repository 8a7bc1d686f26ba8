"""Images whose links are still to follow what people decided in CDF, noted until they are written.

A run that ends in between has recorded the decisions, which are no news to the next one.
"""

from __future__ import annotations

from collections.abc import Iterable

from capture360.model import CaptureKey
from capture360.records import Records

TO_WRITE = "links-to-write"
"""Name of the note beside the capture's records."""


def images_to_write(records: Records, key: CaptureKey) -> set[str]:
    """Return the external ids of the images whose links are to be written."""
    return set((records.note(key, TO_WRITE) or {"images": ()})["images"])


def note_to_write(records: Records, key: CaptureKey, images: Iterable[str]) -> None:
    """Note that the links of these images are to be written; others stay noted."""
    known = images_to_write(records, key)
    if new := known.union(images) - known:
        records.put_note(key, TO_WRITE, {"images": sorted(known | new)})


def note_links_written(records: Records, key: CaptureKey) -> None:
    """Note that the links of all images are written."""
    if images_to_write(records, key):
        records.remove_note(key, TO_WRITE)
