"""Records of steps: small JSON documents beside the landing zone.

    <url>/<site>/<capture>/<fingerprint>/<step>[.<batch>].json   one writer a name
    <url>/<site>/<capture>/<fingerprint>/<report>                HTML and CSV reports, and pictures
    <url>/<site>/<capture>/notes/<name>.json                     state of a capture across its deliveries
    <url>/<site>/<capture>/notes/plates/<plate>-<version>.json   what people answered about a plate under review
    <url>/<site>/<capture>/notes/noticed/<digest>.json           when a deletion in CDF was noticed first
    <url>/<site>/<capture>/memory/...                            what reveals lost decisions of people
    <url>/<site>/<capture>/leases/...                            which run writes the capture, see `steps.lease`
    <url>/by-date/<capture date>/<site>/<capture>                empty marker for backfills
    <url>/ocr-cache/...                                          texts by content of the face
    <url>/projects/<site>.json                                   the CDF project and mode of the site's records
    <url>/extractions/<cluster>.<project>.<space>/leases/...     which run extracts scans into a shared space
    <url>/asset-lists/<site>.json                                the assets that the site's texts were matched to last
    <url>/sensing/findings.json                                  the findings of the last sensing
    <url>/sensing/scanned.json                                   when the last sensing began
    <url>/sensing/watched.json, ahead.json                       when captures_watch looked last, first saw times ahead
    <url>/sensing/watcher.json                                   the last sign of life of what watches the landing zones
    <url>/sensing/occurrences/, incidents/                       what people are alerted about, see `steps.incidents`
    <url>/sensing/alerts/<time>-<number>.json                    an alert that could not be posted yet
    <url>/sensing/sending/<alert>                                whoever created it sends that alert
    <url>/sensing/held/<site>~<capture>~<number>                 empty marker of a lease that was taken
    <url>/sensing/asked/<site>/<capture>                         empty marker of a review that waits for answers
    <url>/sensing/exclusive                                      empty, tells whether the store creates a document once
    <url>/sensing/open/<site>/<capture>                          number of plates that nobody has decided on
    <url>/sensing/done/<site>/<capture>~<fingerprint>~<stage>    empty marker of a delivery that sensing is done with

A step that runs again writes its document again, with the same content but for time and run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, overload

from capture360.bindings import PROJECTS, Bindings
from capture360.capture_state import STAGE_STEPS, CaptureState, Stage, StepRecord
from capture360.errors import RecordsError, RequestError
from capture360.markers import BY_DATE, DateMarkers, DoneMarkers
from capture360.model import CAPTURE_LENGTH, SITE_LENGTH, CaptureKey, is_id
from capture360.record_forms.check import wrong_form
from capture360.store import DocumentStore, StateDocument, json_content

OCR_CACHE = "ocr-cache"
SENSING = "sensing"
ASSET_LISTS = "asset-lists"
EXTRACTIONS = "extractions"
HELD = f"{SENSING}/held"
RESERVED = frozenset({BY_DATE, OCR_CACHE, SENSING, PROJECTS, ASSET_LISTS, EXTRACTIONS})
"""Folders beside those of the sites, so no site may have their names as its id."""
NOTES = "notes"
LEASES = "leases"
MEMORY = "memory"
LOOK = "look"
_LAST_RECORD = "last-record"
"""Note of the time of a capture's last record."""
_REPORT_LENGTH = 100
_CHANGING_STEPS = STAGE_STEPS - {"sense"}
"""The steps after which sensing looks at a capture again."""
_Read = TypeVar("_Read")
_NO_DELIVERIES = frozenset({NOTES, LEASES, MEMORY})


class Records:
    """The records of all captures below one URL of any fsspec store."""

    def __init__(self, url: str, **storage_options: Any) -> None:
        self.store = DocumentStore(url, **storage_options)
        self.by_date = DateMarkers(self.store)
        self.bindings = Bindings(self.store)
        self._done = DoneMarkers(self.store, f"{SENSING}/done")

    @property
    def url(self) -> str:
        """The folder of all records."""
        return self.store.url

    def asset_list(self, site: str) -> Mapping[str, Any] | None:
        """The assets that the site's texts were matched to last; None if none were. See `steps.asset_list`."""
        path = f"{ASSET_LISTS}/{site}.json"
        return self._checked("asset-list", "", path, self.store.document(path))

    def put_asset_list(self, site: str, body: Mapping[str, Any]) -> None:
        """Keep the site's assets in place of those before."""
        self.store.put(f"{ASSET_LISTS}/{site}.json", json_content(body))

    def put(
        self,
        key: CaptureKey,
        fingerprint: str,
        step: str,
        body: Mapping[str, Any],
        *,
        run: str,
        batch: int | None = None,
        also: Sequence[str] = (),
    ) -> None:
        """Record what a step did, with a delivery and `also` with others. `body` holds JSON values only.

        Its time is later than that of each record of the capture before, though a clock was ahead: the order of times
        tells which delivery is the newest, and how far it got.
        """
        at = self._time_of_next(key)
        recorded, document = (fingerprint, *also), json_content({"at": at.isoformat(), "run": run, **body})
        for each in recorded:
            self.store.put(f"{_folder(key, each)}/{_document_name(step, batch)}", document)
        if batch is None:
            self.put_note(key, _LAST_RECORD, {"at": at.isoformat()})
        if step not in _CHANGING_STEPS:
            return
        for each in recorded:
            self.unmark_done(key, each)
        for each in self._others(key, recorded):
            if step == "validate":  # a verdict makes this the delivery that counts
                self.unmark_done(key, each)
            else:  # sensing must look again although a later delivery was marked as rejected
                self._done.remove(key, each, [Stage.REJECTED])

    def mark_done(self, state: CaptureState) -> None:
        """Mark what lies in the landing zone as done, and no other delivery, until a step records a new stage.

        One that a retraction keeps out is marked although it has no records.
        """
        for other in self._others(state.key, [state.fingerprint]):
            self.unmark_done(state.key, other)
        self._done.put(state.key, state.fingerprint, state.stage)

    def done(self, site: str) -> Mapping[tuple[str, str], Stage]:
        """Return the stages of done deliveries of captures with records, by capture and fingerprint: two listings."""
        return self._done.listed(site)[1]

    def ends(self, site: str) -> Mapping[CaptureKey, Stage | None]:
        """Return the captures of a site that have records, with the end that sensing has marked. Takes two listings."""
        names, done = self._done.listed(site)
        ends = {capture: stage for (capture, _), stage in done.items()}
        return {CaptureKey(site, name): ends.get(name) for name in names if is_id(name, CAPTURE_LENGTH)}

    def end_of(self, key: CaptureKey, fingerprints: Sequence[str]) -> Stage | None:
        """Return the end that sensing has marked of one of these, or of what it saw last; None if there is none."""
        return self._done.of(key, [*fingerprints, *self._seen_last(key)])

    def done_since(self, site: str) -> Mapping[str, datetime | None]:
        """When sensing was done with each capture, None where the store does not say: one listing."""
        return self._done.since(site)

    def get(self, key: CaptureKey, fingerprint: str, step: str, batch: int | None = None) -> StepRecord | None:
        """Return one record; None if the step did not run yet."""
        path = f"{_folder(key, fingerprint)}/{_document_name(step, batch)}"
        document = self.store.document(path)
        return None if document is None else self._record(path, step, batch, document)

    def has(self, key: CaptureKey, fingerprint: str, step: str) -> bool:
        """Return whether a record exists, without reading it."""
        return self.store.exists(f"{_folder(key, fingerprint)}/{_document_name(step, None)}")

    def written_at(self, key: CaptureKey, fingerprint: str, step: str) -> datetime | None:
        """Return when a record was written by the store's clock; None if it is not there, or the store has no times."""
        return self.store.changed(_folder(key, fingerprint)).get(_document_name(step, None))

    def load(
        self, key: CaptureKey, fingerprint: str | None = None, *, only: Collection[str] | None = None
    ) -> CaptureState | None:
        """Return the state of the named delivery, else of the newest; None without records.

        `only` limits the records to those of these steps; `STAGE_STEPS` suffice to determine the stage.
        """
        if fingerprint is not None:
            return self._state(key, fingerprint, only)
        found = [state for name in self.fingerprints(key) if (state := self._state(key, name, only)) is not None]
        return max(found, key=lambda state: state.seen_at, default=None)

    def newest_with(self, key: CaptureKey, step: str) -> str | None:
        """Return the newest delivery that has a record of `step`; None if none has."""
        found = [(name, self.get(key, name, step)) for name in self.fingerprints(key)]
        dated = [(record.at, name) for name, record in found if record is not None]
        return max(dated)[1] if dated else None

    def fingerprints(self, key: CaptureKey) -> Sequence[str]:
        """Return all recorded deliveries of a capture."""
        return [name for name in self.store.names(_folder(key)) if name not in _NO_DELIVERIES]

    def keys(self) -> Iterator[CaptureKey]:
        """Return all captures that have records."""
        for site in self.store.names():
            if site in RESERVED or not is_id(site, SITE_LENGTH):
                continue
            yield from self.keys_of(site)

    def keys_of(self, site: str) -> Sequence[CaptureKey]:
        """Return the captures of one site that have records. Takes one listing."""
        if site in RESERVED:
            return []
        return [CaptureKey(site, capture) for capture in self.store.names(site) if is_id(capture, CAPTURE_LENGTH)]

    def note(self, key: CaptureKey, name: str, folder: str = NOTES) -> Mapping[str, Any] | None:
        """Return the note kept under `name`; None if there is none."""
        path = f"{_folder(key)}/{folder}/{name}.json"
        return self._checked(folder.rpartition("/")[2], name, path, self.store.document(path))

    def notes(
        self, site: str, name: str, read: Callable[[CaptureKey, Mapping[str, Any]], _Read]
    ) -> tuple[dict[CaptureKey, _Read], dict[CaptureKey, RecordsError]]:
        """Return what `read` makes of each note `name` of a site, by capture, and the errors of damaged ones.

        Takes one listing, and one read for each capture.
        """
        keys = self.keys_of(site)
        paths = [f"{_folder(key)}/{NOTES}/{name}.json" for key in keys]
        whole: dict[CaptureKey, _Read] = {}
        damaged: dict[CaptureKey, RecordsError] = {}
        for key, path, content in zip(keys, paths, self.store.read_all(paths), strict=True):
            if content is None:
                continue
            try:
                whole[key] = read(key, self._checked(NOTES, name, path, self.store.parsed(path, content)))
            except RecordsError as error:
                damaged[key] = error
        return whole, damaged

    def holder_of(self, path: str) -> str | None:
        """Return the run that a lease document names; None if the document is missing."""
        document = self._checked("lease", "", path, self.store.document(path))
        return None if document is None else str(document["run"])

    def put_note(self, key: CaptureKey, name: str, body: Mapping[str, Any], folder: str = NOTES) -> None:
        """Keep a note under `name`, in place of the one before."""
        self.store.put(f"{_folder(key)}/{folder}/{name}.json", json_content(body))

    def create_note(self, key: CaptureKey, name: str, body: Mapping[str, Any], folder: str) -> bool:
        """Create a note; return False, and change nothing, if the name is taken."""
        return self.store.create(f"{_folder(key)}/{folder}/{name}.json", json_content(body))

    def note_names(self, key: CaptureKey, folder: str) -> Sequence[str]:
        """Return the names of the notes in a folder. Takes one listing."""
        names = self.store.names(f"{_folder(key)}/{folder}")
        return [name.removesuffix(".json") for name in names if name.endswith(".json")]

    def read_notes(self, key: CaptureKey, names: Sequence[str], folder: str) -> Sequence[Mapping[str, Any] | None]:
        """Read several notes concurrently; None for missing ones."""
        paths = [f"{_folder(key)}/{folder}/{name}.json" for name in names]
        read = zip(paths, self.store.read_all(paths), strict=True)
        kind = folder.rpartition("/")[2]
        return [
            None if content is None else self._checked(kind, "", path, self.store.parsed(path, content))
            for path, content in read
        ]

    def put_report(self, key: CaptureKey, fingerprint: str, name: str, content: str | bytes) -> str:
        """Store a report such as `validation.html`; returns its URL. ValueError if the name is none of a report."""
        if not is_id(name, _REPORT_LENGTH):
            raise ValueError(f"a report cannot be named {name!r}")
        path = f"{_folder(key, fingerprint)}/{name}"
        self.store.put(path, content.encode(errors="backslashreplace") if isinstance(content, str) else content)
        return self.store.url_of(path)

    def report(self, key: CaptureKey, fingerprint: str, name: str) -> bytes | None:
        """Return a stored report; None if there is none of that name."""
        if not is_id(fingerprint, 64) or not is_id(name, _REPORT_LENGTH):
            return None
        return self.store.read(f"{_folder(key, fingerprint)}/{name}")

    def remove_note(self, key: CaptureKey, name: str, folder: str = NOTES) -> None:
        """Remove the note kept under `name`, if there is one."""
        self.store.remove(f"{_folder(key)}/{folder}/{name}.json")

    def unmark_done(self, key: CaptureKey, fingerprint: str) -> None:
        """Remove the marker of a done delivery, so that sensing considers it again."""
        self._done.remove(key, fingerprint)

    def _others(self, key: CaptureKey, some: Collection[str]) -> Set[str]:
        return {*self.fingerprints(key), *self._seen_last(key)} - {*some}

    def _seen_last(self, key: CaptureKey) -> Sequence[str]:
        """Return the delivery that sensing saw last, none if that is unknown: what is kept out has no records."""
        try:
            seen = str((self.note(key, LOOK) or {}).get("fingerprint", ""))
            return [seen] if is_id(seen, 64) else []
        except RecordsError:
            return []

    def _time_of_next(self, key: CaptureKey) -> datetime:
        now = datetime.now(UTC)
        try:
            last = self.note(key, _LAST_RECORD)
            return now if last is None else max(now, datetime.fromisoformat(last["at"]) + timedelta(microseconds=1))
        except (RecordsError, OverflowError):
            return now

    def _state(self, key: CaptureKey, fingerprint: str, only: Collection[str] | None) -> CaptureState | None:
        folder = _folder(key, fingerprint)
        records = []
        for name in self.store.names(folder):
            stem, dot, suffix = name.rpartition(".")
            if suffix != "json" or not dot:
                continue
            step, _, batch = stem.partition(".")
            if (only is not None and step not in only) or not (batch == "" or batch.isdecimal()):
                continue
            path = f"{folder}/{name}"
            document = self.store.document(path)
            if document is not None:
                records.append(self._record(path, step, int(batch) if batch else None, document))
        return CaptureState.from_records(key, fingerprint, records) if records else None

    @overload
    def _checked(self, kind: str, name: str, path: str, document: StateDocument) -> StateDocument: ...
    @overload
    def _checked(self, kind: str, name: str, path: str, document: StateDocument | None) -> StateDocument | None: ...
    def _checked(self, kind: str, name: str, path: str, document: StateDocument | None) -> StateDocument | None:
        """Return the document; RecordsError if one of its values has the wrong form."""
        if document is not None and (problem := wrong_form(kind, name, document)):
            raise self.store.broken(path, problem)
        return document

    def _record(self, path: str, step: str, batch: int | None, document: StateDocument) -> StepRecord:
        self._checked("step", step, path, document)
        try:
            record = StepRecord(step, batch, datetime.fromisoformat(document["at"]), str(document["run"]), document)
            _ = record.stage
        except (ValueError, TypeError):
            raise self.store.broken(path, "its time or its verdict is none") from None
        if record.at.tzinfo is None:
            raise self.store.broken(path, "its time has no zone")
        del document["at"], document["run"]
        return record


def _folder(key: CaptureKey, fingerprint: str | None = None) -> str:
    if key.site in RESERVED:
        raise RequestError(f'"{key.site}" is kept for the records themselves. Give the site another id.')
    if fingerprint in _NO_DELIVERIES:
        raise RequestError(f'"{fingerprint}" is no delivery of {key}. Name one by its fingerprint.')
    return str(key) if fingerprint is None else f"{key}/{fingerprint}"


def _document_name(step: str, batch: int | None) -> str:
    return f"{step}.json" if batch is None else f"{step}.{batch}.json"
