"""CDF's own extraction of panoramas from scans: the protocol of its two ways, 3D revisions and Optimizer jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from capture360.cdf.capabilities import Need
from capture360.cdf.three_d.extraction import Extracted
from capture360.cdf.three_d.journals import LargeFile
from capture360.cdf.three_d.uploads import Opener
from capture360.model import CaptureKey

START_WORK = (Need("threedAcl", "READ"), Need("threedAcl", "CREATE"), Need("sessionsAcl", "CREATE"))
Id = int | str
"""Id of a model, revision or job: numbers in the classic API, external ids in data modeling projects."""
WorkStatus = Literal["Queued", "Processing", "Done", "Failed"]


@dataclass(frozen=True, slots=True)
class UploadedScan:
    """A file of scans in CDF by its internal and its external id."""

    id: int
    external_id: str


@dataclass(frozen=True, slots=True)
class Work:
    """CDF's work on one file of scans: a revision or a job."""

    id: Id
    status: WorkStatus
    created: datetime


@dataclass(frozen=True, slots=True)
class StartedWork:
    """The model that the images come out under, and the work on each file by its path."""

    model: Id
    work: Mapping[str, Work]


@dataclass(frozen=True, slots=True)
class KnownScans:
    """Paths of files that CDF has, and of those whose extraction was started."""

    stored: frozenset[str] = frozenset()
    started: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ScansMade:
    """A capture's scans in CDF. `work` are pairs of model and revision or job, `own` models of the capture.

    `files` are external ids, `began` is the time of the earliest work; None if images are found
    without it, or if no work is left.
    """

    work: frozenset[tuple[Id, Id]] = frozenset()
    own: frozenset[Id] = frozenset()
    files: frozenset[str] = frozenset()
    began: datetime | None = None

    def __or__(self, other: ScansMade) -> ScansMade:
        times = [each.began for each in (self, other) if each.began is not None]
        return ScansMade(
            self.work | other.work, self.own | other.own, self.files | other.files, min(times, default=None)
        )


class ScanExtraction(Protocol):
    """How CDF extracts the panoramas of a capture's scans into an instance space."""

    needs: Sequence[Need]
    """Capabilities for the work, but for those of the space."""
    noun: str
    """What the work on one file is called: `revision` or `3D job`."""
    finds_by_place: bool
    """Whether `extracted` yields all images of a space, so that place and time say which of them a scan gave."""

    def upload(self, file: LargeFile, open_content: Opener, space: str, log: Callable[[str], None]) -> int:
        """Upload a file of scans unless CDF has it; return its internal id."""
        ...

    def start(self, key: CaptureKey, label: str, scans: Mapping[str, UploadedScan], space: str) -> StartedWork:
        """Find or start the work on each file, given by its path; work that failed is started again."""
        ...

    def look(self, model: Id, work: Sequence[Id], space: str) -> Sequence[Work]:
        """Return how far the work is, in the order of `work`."""
        ...

    def failure(self, model: Id, work: Id) -> str:
        """Return why the work failed, as a part of a sentence."""
        ...

    def describe(self, model: Id, work: str) -> str:
        """Return how a person finds work in CDF; `work` names one or several."""
        ...

    def extracted(self, key: CaptureKey, model: Id, space: str) -> Extracted:
        """Return what came out."""
        ...

    def known(self, key: CaptureKey, files: Mapping[str, LargeFile], space: str) -> KnownScans:
        """Return what CDF has of these files, given by their paths. Reads only."""
        ...

    def made(self, key: CaptureKey, models: Sequence[Id], scans: Sequence[str], space: str) -> ScansMade:
        """Return what is there of these files, given by external ids, and of the models. Reads only."""
        ...

    def unused(self, key: CaptureKey, scans: Sequence[str], space: str) -> frozenset[str]:
        """Return those of these files, given by external ids, that are there and can go. Reads only.

        Complete or not; one that a revision extracts stays, since the revision is found by it.
        """
        ...

    def remove(self, made: ScansMade, space: str) -> None:
        """Remove work, models of the capture that hold nothing else, and files."""
        ...
