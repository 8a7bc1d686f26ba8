"""Extraction by 3D revisions, in asset-centric and hybrid projects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from typing_extensions import override

from capture360.cdf.client import CdfProject
from capture360.cdf.images.files import ClassicFiles
from capture360.cdf.three_d.extraction import Extracted, Extraction
from capture360.cdf.three_d.journals import LargeFile
from capture360.cdf.three_d.revisions import Revision, Revisions
from capture360.cdf.three_d.scans import (
    START_WORK,
    Id,
    KnownScans,
    ScanExtraction,
    ScansMade,
    StartedWork,
    UploadedScan,
    Work,
)
from capture360.cdf.three_d.uploads import LargeUploads, Opener
from capture360.model import CaptureKey
from capture360.settings.site import Site


class RevisionScans(ScanExtraction):
    """ScanExtraction by one revision for each file."""

    needs = START_WORK
    noun = "revision"
    finds_by_place = True

    def __init__(self, cdf: CdfProject, site: Site) -> None:
        self._cdf = cdf
        self._site = site
        self._files = ClassicFiles(cdf.client, site.files)
        self._revisions = Revisions(cdf, site.e57)

    @override
    def upload(self, file: LargeFile, open_content: Opener, space: str, log: Callable[[str], None]) -> int:
        return LargeUploads(self._cdf, self._site.files, log).put(file, open_content)

    @override
    def start(self, key: CaptureKey, label: str, scans: Mapping[str, UploadedScan], space: str) -> StartedWork:
        model = self._revisions.model(key, label, self._files.data_set_id)
        started = {path: self._revisions.start(model, scan.id, space) for path, scan in scans.items()}
        return StartedWork(model, {path: _work(revision) for path, revision in started.items()})

    @override
    def look(self, model: Id, work: Sequence[Id], space: str) -> Sequence[Work]:
        return [_work(self._revisions.read(int(model), int(each))) for each in work]

    @override
    def failure(self, model: Id, work: Id) -> str:
        return self._revisions.failure(int(model), int(work))

    @override
    def describe(self, model: Id, work: str) -> str:
        return f"revision {work} of 3D model {model}"

    @override
    def extracted(self, key: CaptureKey, model: Id, space: str) -> Extracted:
        return Extraction(self._cdf, space)

    @override
    def known(self, key: CaptureKey, files: Mapping[str, LargeFile], space: str) -> KnownScans:
        model = self._revisions.find_model(key)
        stored = self._files.uploaded({file.external_id: file.sha256 for file in files.values()})
        ids = self._files.ids(sorted(stored))
        started = frozenset(
            path
            for path, file in files.items()
            if model is not None
            and file.external_id in ids
            and self._revisions.find(model, ids[file.external_id], space)
        )
        return KnownScans(frozenset(path for path, file in files.items() if file.external_id in stored), started)

    @override
    def made(self, key: CaptureKey, models: Sequence[Id], scans: Sequence[str], space: str) -> ScansMade:
        files = self._files.ids(scans)
        own = self._revisions.own_model(key)
        every = {int(model) for model in models} | ({own} if own is not None else set())
        there = [model for model in sorted(every) if self._revisions.has_model(model)]
        # A file that was stored anew has another id than its revision says, so all revisions of the own model count.
        of = {model: None if model == own else set(files.values()) for model in there}
        revisions = [each for model in there for each in self._revisions.of_files(model, of[model])]
        return ScansMade(
            work=frozenset((each.model, each.id) for each in revisions),
            own=frozenset() if own is None else frozenset({own}),
            files=frozenset(files),
            began=min((each.created for each in revisions), default=None),
        )

    @override
    def unused(self, key: CaptureKey, scans: Sequence[str], space: str) -> frozenset[str]:
        files, model = self._files.ids(scans), self._revisions.find_model(key)
        started = set() if model is None else {each.file for each in self._revisions.of_files(model, None)}
        return frozenset(name for name, number in files.items() if number not in started)

    @override
    def remove(self, made: ScansMade, space: str) -> None:
        for model in sorted({int(model) for model, _ in made.work}):
            self._revisions.remove(model, {int(number) for of, number in made.work if of == model})
        for own in made.own:
            self._revisions.remove_model(int(own))
        if made.files:
            self._files.remove(sorted(made.files))


def _work(revision: Revision) -> Work:
    return Work(revision.id, revision.status, revision.created)
