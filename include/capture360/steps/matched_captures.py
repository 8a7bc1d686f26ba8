"""The published captures of a site with their last matches, from the records. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from capture360.errors import Capture360Error
from capture360.matching.places import Place
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.steps.plates import PlateImage, SeenPlate, images_of_record, last_matching, plates_of_record
from capture360.steps.published import NOTE as PUBLISHED


@dataclass(frozen=True, slots=True)
class MatchedCapture:
    """A published capture with its last matches. `stale` describes later changes."""

    key: CaptureKey
    captured_on: str
    matched_at: datetime
    stale: str
    plates: Sequence[SeenPlate]
    images: Mapping[str, PlateImage]
    places: Mapping[str, Place]
    """Of plates that several stations see, by their names."""
    resolution: int
    link: str


def matched_captures(
    records: Records, site: str, only: CaptureKey | None = None
) -> tuple[list[MatchedCapture], dict[CaptureKey, str]]:
    """The published captures whose texts were matched, by capture date, and why the others are not among them."""
    looked: list[MatchedCapture] = []
    left_out: dict[CaptureKey, str] = {}
    published, damaged = records.notes(site, PUBLISHED, lambda _, note: str(note["fingerprint"]))
    left_out.update((key, error.message) for key, error in damaged.items() if only in {None, key})
    for key, fingerprint in published.items():
        if only not in {None, key}:
            continue
        try:
            found = _matched(records, key, fingerprint)
        except Capture360Error as error:
            left_out[key] = error.message
            continue
        if found is None:
            left_out[key] = "its texts were not matched"
        else:
            looked.append(found)
    return sorted(looked, key=lambda each: (each.captured_on, str(each.key))), left_out


def _matched(records: Records, key: CaptureKey, published: str) -> MatchedCapture | None:
    last = last_matching(records, key, published)
    if last is None:
        return None
    record, publication = last.record, last.publication
    validation = records.get(key, published, "validate")
    return MatchedCapture(
        key,
        str(validation.body.get("captured_on") or "") if validation else "",
        record.at,
        "published again since its texts were matched" if last.is_stale else "",
        plates_of_record(records, key, record.body),
        images_of_record(record.body),
        {name: Place.from_document(place) for name, place in record.body["plates"].items()},
        record.body["resolution"],
        str(publication.body["link"] or "") if publication else "",
    )
