"""Empty documents whose names say at which end sensing is done with a delivery, and when a capture was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime

from capture360.capture_state import Stage
from capture360.model import CAPTURE_LENGTH, SITE_LENGTH, CaptureKey, is_id
from capture360.store import DocumentStore

BY_DATE = "by-date"
BETWEEN = "~"
"""Separator in names of markers; not allowed in ids."""
_STAGES = {each.value: each for each in Stage}
_ENDS = tuple(each for each in Stage if each.is_end)


class DoneMarkers:
    """The markers below a folder of the records: <site>/<capture>~<fingerprint>~<stage>."""

    def __init__(self, store: DocumentStore, folder: str) -> None:
        self._store = store
        self._folder = folder

    def put(self, key: CaptureKey, fingerprint: str, stage: Stage) -> None:
        """Mark a delivery as done."""
        self._store.put(self._path(key, fingerprint, stage), b"")

    def remove(self, key: CaptureKey, fingerprint: str, stages: Sequence[Stage] = _ENDS) -> None:
        """Remove the marks of a delivery at these stages."""
        for stage in stages:
            self._store.remove(self._path(key, fingerprint, stage))

    def listed(self, site: str) -> tuple[Sequence[str], Mapping[tuple[str, str], Stage]]:
        """Return the names in the folder of a site's records, and the stages by capture and fingerprint.

        Marks of captures without records are left out. Takes two listings at once.
        """
        with ThreadPoolExecutor(2) as pool:
            names, marked = pool.map(self._store.names, (site, f"{self._folder}/{site}"))
        known = set(names)
        found: dict[tuple[str, str], Stage] = {}
        for name in marked:
            capture, _, rest = name.partition(BETWEEN)
            fingerprint, _, stage = rest.partition(BETWEEN)
            if capture in known and stage in _STAGES:
                found[capture, fingerprint] = _STAGES[stage]
        return names, found

    def of(self, key: CaptureKey, fingerprints: Sequence[str]) -> Stage | None:
        """Return the stage that one of these deliveries is marked with; None if none is."""
        ends = [(name, stage) for name in fingerprints for stage in _ENDS]
        found = self._store.read_all([self._path(key, name, stage) for name, stage in ends])
        return next((stage for (_, stage), content in zip(ends, found, strict=True) if content is not None), None)

    def since(self, site: str) -> Mapping[str, datetime | None]:
        """Return when each capture was marked, None where the store does not say. Takes one listing."""
        changed = self._store.changed(f"{self._folder}/{site}")
        return {name.partition(BETWEEN)[0]: at for name, at in changed.items()}

    def _path(self, key: CaptureKey, fingerprint: str, stage: Stage) -> str:
        return f"{self._folder}/{key.site}/{key.capture}{BETWEEN}{fingerprint}{BETWEEN}{stage}"


class DateMarkers:
    """The index by date, for backfills, below `BY_DATE` in the records: <capture date>/<site>/<capture>."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    def put(self, key: CaptureKey, capture_date: date) -> None:
        """Add the capture to its date."""
        path = f"{BY_DATE}/{capture_date.isoformat()}/{key}"
        if not self._store.exists(path):
            self._store.put(path, b"")

    def dates(self) -> Sequence[date]:
        """Return the dates of captures in order; foreign files in the index are ignored."""
        return sorted(day for name in self._store.names(BY_DATE) if (day := day_of(name)) is not None)

    def on(self, capture_date: date) -> Sequence[CaptureKey]:
        """Return the captures of a date, sorted."""
        folder = f"{BY_DATE}/{capture_date.isoformat()}"
        return [
            CaptureKey(site, capture)
            for site in self._store.names(folder)
            if is_id(site, SITE_LENGTH)
            for capture in self._store.names(f"{folder}/{site}")
            if is_id(capture, CAPTURE_LENGTH)
        ]


def day_of(name: str) -> date | None:
    """Return the date that a name is; None if it is none."""
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None
