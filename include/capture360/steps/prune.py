"""Remove files beside the records that no step needs, once they are old.

These are the reports of deliveries that a newer one replaced, and the texts that were read on faces. Records,
notes, answers of people and the reports of the newest delivery, and of what CDF shows, are never removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from capture360.capture_state import PUBLISH, STAGE_STEPS
from capture360.errors import RecordsError
from capture360.model import CaptureKey
from capture360.records import OCR_CACHE, Records
from capture360.steps.review_due import ASKED

_DOCUMENT = ".json"
"""Suffix of records; reports have others."""


@dataclass(frozen=True, slots=True)
class Pruning:
    """Paths below the records that may be removed; `damaged` has a sentence for each capture that is left alone."""

    reports: Sequence[str]
    texts: Sequence[str]
    damaged: Sequence[str]


def plan_pruning(records: Records, sites: Sequence[str], before: datetime, *, texts: bool) -> Pruning:
    """Find what was written before a time: reports of these sites and, if asked, texts of faces, which all sites share.

    A file is kept if its store does not say when it was written.
    """
    reports: list[str] = []
    damaged: list[str] = []
    for site in sites:
        for key in records.keys_of(site):
            try:
                replaced = _replaced(records, key)
            except RecordsError as error:
                damaged.append(f"{key} is left alone. {error}")
                continue
            for fingerprint in replaced:
                found = _older(records, f"{key}/{fingerprint}", before)
                reports += (path for path in found if not path.endswith(_DOCUMENT))
    folders = records.store.names(OCR_CACHE) if texts else []
    read = [path for name in folders for path in _older(records, f"{OCR_CACHE}/{name}", before)]
    return Pruning(reports, read, damaged)


def prune(records: Records, planned: Pruning) -> None:
    """Remove what was planned. What another process removed meanwhile counts as removed."""
    records.store.remove_all([*planned.reports, *planned.texts])


def _replaced(records: Records, key: CaptureKey) -> Sequence[str]:
    """Return the deliveries of a capture but for the newest, what CDF shows, and what a review asked about last."""
    newest = records.load(key, only=STAGE_STEPS)
    asked = records.note(key, ASKED)
    shown = records.newest_with(key, PUBLISH)
    kept = {newest.fingerprint if newest else None, shown, asked["fingerprint"] if asked else None}
    return [fingerprint for fingerprint in records.fingerprints(key) if fingerprint not in kept]


def _older(records: Records, folder: str, before: datetime) -> Iterator[str]:
    for name, at in records.store.changed(folder).items():
        if at is not None and at < before:
            yield f"{folder}/{name}"
