"""Records of what the steps did: small JSON documents beside the landing zone.

    <url>/<site>/<capture>/<fingerprint>/<step>[.<batch>].json   one writer a name
    <url>/<site>/<capture>/<fingerprint>/<report>                HTML and CSV reports
    <url>/<site>/<capture>/notes/<name>.json                     what steps keep of a capture across its deliveries
    <url>/<site>/<capture>/notes/plates/<plate>-<version>.json   what people answered about a plate under review
    <url>/<site>/<capture>/memory/...                            what proves notes that could not be restored otherwise
    <url>/<site>/<capture>/leases/...                            which run writes the capture, see `steps.lease`
    <url>/by-date/<capture date>/<site>/<capture>                empty marker for backfills
    <url>/ocr-cache/...                                          texts by content of the face
    <url>/projects/<site>.json                                   the CDF project that the site's records belong to
    <url>/sensing/findings.json                                  the findings of the last sensing
    <url>/sensing/watched.json                                   when captures_watch looked last
    <url>/sensing/occurrences/, incidents/                       what people are alerted about, see `steps.incidents`
    <url>/sensing/alerts/<time>-<number>.json                    an alert that could not be posted yet
    <url>/sensing/sending/<alert>                                whoever created it sends that alert
    <url>/sensing/held/<site>~<capture>~<number>                 empty marker of a lease that was taken
    <url>/sensing/done/<site>/<capture>~<fingerprint>~<stage>    empty marker of a delivery that sensing is done with

A step that runs again writes its document again, with the same content but for time and run.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, overload

from capture360.capture_state import ORDERED_STEPS, CaptureState, Stage, StepRecord
from capture360.errors import ConfigError, RequestError
from capture360.model import CAPTURE_LENGTH, SITE_LENGTH, CaptureKey, is_id
from capture360.record_forms.check import wrong_form
from capture360.store import DocumentStore, StateDocument

BY_DATE = "by-date"
OCR_CACHE = "ocr-cache"
SENSING = "sensing"
PROJECTS = "projects"
HELD = f"{SENSING}/held"
_DONE = f"{SENSING}/done"
RESERVED = frozenset({BY_DATE, OCR_CACHE, SENSING, PROJECTS})
"""Folders beside those of the sites, so no site may have their names as its id."""
BETWEEN = "~"
"""No part of an id, so that the name of a marker comes apart in one way only."""
NOTES = "notes"
LEASES = "leases"
MEMORY = "memory"
_NO_DELIVERIES = frozenset({NOTES, LEASES, MEMORY})


class Records:
    """The records of all captures below one URL of any fsspec store."""

    def __init__(self, url: str, **storage_options: Any) -> None:
        self.store = DocumentStore(url, **storage_options)

    @property
    def url(self) -> str:
        return self.store.url

    def refuse_other_project(self, site: str, cluster: str, project: str) -> None:
        """ConfigError if what is recorded of a site happened in another CDF project than this one."""
        bound = self._checked("binding", "", _binding(site), self.store.document(_binding(site)))
        if bound is not None and (bound["cluster"], bound["project"]) != (cluster, project):
            raise ConfigError(
                f"{self.url} holds the records of site {site} in project {bound['project']} on {bound['cluster']}, "
                f"but the connection leads to project {project} on {cluster}. Use the connection that belongs to the "
                "records, or another folder for the records."
            )

    def bind(self, site: str, cluster: str, project: str) -> None:
        """Bind the site's records to this CDF project; ConfigError if they are bound to another."""
        document = {"cluster": cluster, "project": project, "at": datetime.now(UTC).isoformat()}
        if self.store.exists(_binding(site)) or not self.store.create(_binding(site), _json(document)):
            self.refuse_other_project(site, cluster, project)

    def put(
        self,
        key: CaptureKey,
        fingerprint: str,
        step: str,
        body: Mapping[str, Any],
        *,
        run: str,
        batch: int | None = None,
    ) -> None:
        """Record what a step did. `body` holds JSON values only."""
        document = {"at": datetime.now(UTC).isoformat(), "run": run, **body}
        self.store.put(f"{_folder(key, fingerprint)}/{_document_name(step, batch)}", _json(document))
        if step in ORDERED_STEPS:
            self.unmark_done(key, fingerprint)

    def mark_done(self, state: CaptureState) -> None:
        """Note that sensing has nothing left to do for a delivery, until a step records anew how far it got.

        The delivery that lies in the landing zone is the only one of its capture that is marked.
        """
        for other in self.fingerprints(state.key):
            if other != state.fingerprint:
                self.unmark_done(state.key, other)
        self.store.put(_done_marker(state.key, state.fingerprint, state.stage), b"")

    def done(self, site: str) -> Mapping[tuple[str, str], Stage]:
        """Stages of the deliveries of a site that sensing is done with, by capture and fingerprint: two listings.

        Captures whose records were removed are not among them.
        """
        known = set(self.store.names(site))
        found: dict[tuple[str, str], Stage] = {}
        for name in self.store.names(f"{_DONE}/{site}"):
            capture, _, rest = name.partition(BETWEEN)
            fingerprint, _, stage = rest.partition(BETWEEN)
            if capture in known and stage in {each.value for each in Stage}:
                found[capture, fingerprint] = Stage(stage)
        return found

    def get(self, key: CaptureKey, fingerprint: str, step: str, batch: int | None = None) -> StepRecord | None:
        """One record; None if the step did not run yet."""
        path = f"{_folder(key, fingerprint)}/{_document_name(step, batch)}"
        document = self.store.document(path)
        return None if document is None else self._record(path, step, batch, document)

    def has(self, key: CaptureKey, fingerprint: str, step: str) -> bool:
        """Whether there is a record of that name; it is not read."""
        return self.store.exists(f"{_folder(key, fingerprint)}/{_document_name(step, None)}")

    def load(
        self, key: CaptureKey, fingerprint: str | None = None, *, only: Collection[str] | None = None
    ) -> CaptureState | None:
        """The state of the capture's newest delivery, or of the one named; None without records.

        `only` names the steps whose records are read: `STAGE_STEPS` are enough for the stage of a large capture.
        """
        if fingerprint is not None:
            return self._state(key, fingerprint, only)
        states = [self._state(key, name, only) for name in self.fingerprints(key)]
        found = [state for state in states if state is not None]
        return max(found, key=lambda state: state.seen_at, default=None)

    def newest_with(self, key: CaptureKey, step: str) -> str | None:
        """The newest delivery that has a record of `step`; None if none has."""
        found = [(name, self.get(key, name, step)) for name in self.fingerprints(key)]
        dated = [(record.at, name) for name, record in found if record is not None]
        return max(dated)[1] if dated else None

    def fingerprints(self, key: CaptureKey) -> Sequence[str]:
        """All deliveries of a capture that the records know of."""
        return [name for name in self.store.names(_folder(key)) if name not in _NO_DELIVERIES]

    def keys(self) -> Iterator[CaptureKey]:
        """All captures that have records."""
        for site in self.store.names():
            if site in RESERVED or not is_id(site, SITE_LENGTH):
                continue
            yield from self.keys_of(site)

    def keys_of(self, site: str) -> Sequence[CaptureKey]:
        """The captures of one site that have records: one listing."""
        if site in RESERVED:
            return []
        return [CaptureKey(site, capture) for capture in self.store.names(site) if is_id(capture, CAPTURE_LENGTH)]

    def note(self, key: CaptureKey, name: str, folder: str = NOTES) -> Mapping[str, Any] | None:
        """The note kept under `name`, for steps that compare two runs; None if there is none."""
        path = f"{_folder(key)}/{folder}/{name}.json"
        return self._checked(folder.rpartition("/")[2], name, path, self.store.document(path))

    def notes(self, site: str, name: str) -> Mapping[CaptureKey, Mapping[str, Any]]:
        """The note kept under `name` of each capture of a site: one listing, and one read a capture."""
        keys = self.keys_of(site)
        paths = [f"{_folder(key)}/{NOTES}/{name}.json" for key in keys]
        found = zip(keys, paths, self.store.read_all(paths), strict=True)
        return {
            key: self._checked(NOTES, name, path, self.store.parsed(path, content))
            for key, path, content in found
            if content is not None
        }

    def holder_of(self, path: str) -> str | None:
        """The run that the document of a lease names; None if it is not there."""
        document = self._checked("lease", "", path, self.store.document(path))
        return None if document is None else str(document["run"])

    def put_note(self, key: CaptureKey, name: str, body: Mapping[str, Any], folder: str = NOTES) -> None:
        self.store.put(f"{_folder(key)}/{folder}/{name}.json", _json(body))

    def create_note(self, key: CaptureKey, name: str, body: Mapping[str, Any], folder: str) -> bool:
        """Keep a note under a new name; False, and nothing changed, if there is one."""
        return self.store.create(f"{_folder(key)}/{folder}/{name}.json", _json(body))

    def note_names(self, key: CaptureKey, folder: str) -> Sequence[str]:
        """The names of the notes in a folder: one listing."""
        names = self.store.names(f"{_folder(key)}/{folder}")
        return [name.removesuffix(".json") for name in names if name.endswith(".json")]

    def read_notes(self, key: CaptureKey, names: Sequence[str], folder: str) -> Sequence[Mapping[str, Any] | None]:
        """The notes of these names, read side by side; None for those that are not there."""
        paths = [f"{_folder(key)}/{folder}/{name}.json" for name in names]
        read = zip(paths, self.store.read_all(paths), strict=True)
        kind = folder.rpartition("/")[2]
        return [
            None if content is None else self._checked(kind, "", path, self.store.parsed(path, content))
            for path, content in read
        ]

    def put_report(self, key: CaptureKey, fingerprint: str, name: str, content: str | bytes) -> str:
        """Store a report such as `validation.html`; returns its URL."""
        path = f"{_folder(key, fingerprint)}/{name}"
        self.store.put(path, content.encode(errors="backslashreplace") if isinstance(content, str) else content)
        return self.store.url_of(path)

    def report(self, key: CaptureKey, fingerprint: str, name: str) -> bytes | None:
        """A stored report; None if there is none of that name."""
        if not is_id(fingerprint, 64) or not is_id(name, 100):
            return None
        return self.store.read(f"{_folder(key, fingerprint)}/{name}")

    def remove_note(self, key: CaptureKey, name: str) -> None:
        """Remove the note kept under `name`, if there is one."""
        path = f"{_folder(key)}/{NOTES}/{name}.json"
        if self.store.exists(path):
            self.store.remove(path)

    def mark_date(self, key: CaptureKey, capture_date: date) -> None:
        """Make the capture findable by its date, for backfills."""
        path = f"{BY_DATE}/{capture_date.isoformat()}/{key}"
        if not self.store.exists(path):
            self.store.put(path, b"")

    def dates(self) -> Sequence[date]:
        """The dates on which captures were taken, in order; what else lies beside them is passed over."""
        return sorted(day for name in self.store.names(BY_DATE) if (day := _date(name)) is not None)

    def on_date(self, capture_date: date) -> Sequence[CaptureKey]:
        """The captures taken on a date, sorted."""
        folder = f"{BY_DATE}/{capture_date.isoformat()}"
        return [
            CaptureKey(site, capture)
            for site in self.store.names(folder)
            if is_id(site, SITE_LENGTH)
            for capture in self.store.names(f"{folder}/{site}")
            if is_id(capture, CAPTURE_LENGTH)
        ]

    def unmark_done(self, key: CaptureKey, fingerprint: str) -> None:
        """Let sensing see the capture at every look again."""
        for stage in Stage:
            if stage.is_end:
                self.store.remove(_done_marker(key, fingerprint, stage))

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
        """The document; RecordsError if one of its values is not what we write there."""
        if document is not None and (problem := wrong_form(kind, name, document)):
            raise self.store.broken(path, problem)
        return document

    def _record(self, path: str, step: str, batch: int | None, document: StateDocument) -> StepRecord:
        self._checked("step", step, path, document)
        try:
            record = StepRecord(step, batch, datetime.fromisoformat(document["at"]), str(document["run"]), document)
            _ = record.stage
        except (ValueError, TypeError) as error:
            raise self.store.broken(path, error) from None
        if record.at.tzinfo is None:
            raise self.store.broken(path, "its time has no zone")
        del document["at"], document["run"]
        return record


def _date(name: str) -> date | None:
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None


def _done_marker(key: CaptureKey, fingerprint: str, stage: Stage) -> str:
    return f"{_DONE}/{key.site}/{key.capture}{BETWEEN}{fingerprint}{BETWEEN}{stage}"


def _binding(site: str) -> str:
    return f"{PROJECTS}/{site}.json"


def _folder(key: CaptureKey, fingerprint: str | None = None) -> str:
    if key.site in RESERVED:
        raise RequestError(f'"{key.site}" is kept for the records themselves. Give the site another id.')
    if fingerprint in _NO_DELIVERIES:
        raise RequestError(f'"{fingerprint}" is no delivery of {key}. Name one by its fingerprint.')
    return str(key) if fingerprint is None else f"{key}/{fingerprint}"


def _document_name(step: str, batch: int | None) -> str:
    return f"{step}.json" if batch is None else f"{step}.{batch}.json"


def _json(document: Mapping[str, Any]) -> bytes:
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode(errors="backslashreplace")  # a lone surrogate from a JSON or YAML escape stays that escape
