"""Detector on CDF's Vision service, an option; Cognite has deprecated the service and will remove it.

A job takes a hundred files and a project runs twenty jobs at once. Each face of a failed batch of files becomes a
finding; the rest of the job is used.
"""

from __future__ import annotations

import warnings
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from capture360.batches import batched
from capture360.cdf.client import cdf_errors
from capture360.cdf.polling import growing_pauses
from capture360.detection.job_wait import JobWait
from capture360.detection.protocol import Detector
from capture360.errors import CdfError, CdfUnavailableError
from capture360.geometry.polygons import clipped
from capture360.model import MAX_TEXT_LENGTH, Detection, FaceName, FaceRef, PublishedImage
from capture360.rules.finding import Finding
from capture360.rules.links import L04
from capture360.settings.detection import VisionSettings
from capture360.text import digest_of

if TYPE_CHECKING:
    from cognite.client import CogniteClient
    from cognite.client.data_classes.contextualization import VisionExtractJob

DEPRECATED = "Vision is deprecated by Cognite and will be removed: prefer links.detector: ocr"
FILES_A_JOB = 100
JOBS_AT_ONCE = 20
_TOO_MANY = 429
_OVER = frozenset({"Completed", "Failed"})
_PAUSES_S = (0.2, 10.0)

FileIds = Callable[[Sequence[FaceRef]], Mapping[FaceRef, int]]
Place = tuple[PublishedImage, FaceName]


class VisionDetector(Detector):
    """Detector that reads the chosen faces of all images of a call and waits for the jobs."""

    def __init__(
        self,
        client: CogniteClient,
        file_ids: FileIds,
        faces: Collection[FaceName],
        settings: VisionSettings,
        wait: JobWait,
    ) -> None:
        self._client = client
        self._file_ids = file_ids
        self._faces = faces
        self._settings = settings
        self._wait = wait
        self.findings: list[Finding] = []

    @property
    @override
    def engine(self) -> str:
        return "cdf-vision/TextDetection"

    @property
    @override
    def images_at_once(self) -> int:
        return FILES_A_JOB * JOBS_AT_ONCE

    @override
    def detect(self, images: Sequence[PublishedImage]) -> Iterator[Detection]:
        """Yield the texts on the chosen faces. CdfError if the jobs do not end within the deadline.

        JobsPending if they run and the caller must not sleep: the next call continues with the same jobs.
        """
        places = self._places(images)
        files = sorted(places)
        waiting = deque(batched(files, FILES_A_JOB))
        running: list[tuple[VisionExtractJob[Any], Sequence[int]]] = []
        pauses = growing_pauses(*_PAUSES_S)
        while waiting or running:
            while waiting and len(running) < JOBS_AT_ONCE and (job := self._start(waiting[0], bool(running))):
                running.append((job, waiting.popleft()))
            over = [each for each in running if self._status(each[0]) in _OVER]
            for job, asked in over:
                yield from self._read(job, asked, places)
            running = [each for each in running if each not in over]
            if over or not running:
                pauses = growing_pauses(*_PAUSES_S)
                continue
            if self._wait.is_over(self._settings.deadline):
                raise CdfError(
                    f"Vision did not read {len(files)} faces within {self._settings.deadline}. Raise "
                    "links.vision.deadline, or choose links.detector: ocr."
                )
            self._wait.pause(next(pauses))

    def _places(self, images: Sequence[PublishedImage]) -> dict[int, list[Place]]:
        """Return the faces that show each file, by its internal id."""
        wanted = [(image, face, image.faces[face]) for image in images for face in image.faces if face in self._faces]
        ids = self._file_ids([ref for _, _, ref in wanted])
        places: dict[int, list[Place]] = defaultdict(list)
        for image, face, ref in wanted:
            if ref in ids:
                places[ids[ref]].append((image, face))
            else:
                self._unread(image, face, "no_file")
        return places

    def _start(self, files: Sequence[int], others_run: bool) -> VisionExtractJob[Any] | None:
        """Return the job that reads the files, from an earlier poll or started now.

        None if the project runs as many jobs as it may.
        """
        from cognite.client.data_classes.contextualization import (
            FeatureParameters,
            TextDetectionParameters,
            VisionFeature,
        )

        threshold = self._settings.threshold
        name = digest_of([list(files), threshold])
        if name in self._wait.jobs:
            number = self._wait.jobs[name]
            with cdf_errors(f"Asking for Vision job {number}"), _deprecation_known():
                return self._client.vision.get_extract_job(number)
        asked = FeatureParameters(text_detection_parameters=TextDetectionParameters(threshold=threshold))
        try:
            with cdf_errors("Starting a Vision job"), _deprecation_known():
                job = self._client.vision.extract(
                    VisionFeature.TEXT_DETECTION,
                    file_ids=list(files),
                    parameters=asked if threshold is not None else None,
                )
        except CdfUnavailableError as error:
            if others_run and error.status == _TOO_MANY:
                return None
            raise
        self._wait.jobs[name] = int(job.job_id)
        return job

    def _status(self, job: VisionExtractJob[Any]) -> str:
        with cdf_errors(f"Asking for Vision job {job.job_id}"):
            return job.update_status()

    def _read(
        self, job: VisionExtractJob[Any], asked: Sequence[int], places: Mapping[int, Sequence[Place]]
    ) -> Iterator[Detection]:
        from cognite.client.exceptions import CogniteModelFailedError

        result: Mapping[str, Any] = {}
        with cdf_errors(f"Reading Vision job {job.job_id}"), suppress(CogniteModelFailedError):
            result = job.get_result()
        answered = set()
        for item in result.get("items", ()):
            answered.add(item["fileId"])
            for image, face in places[item["fileId"]]:
                yield from _detections(image, face, item.get("predictions", {}).get("textPredictions", ()))
        failed = {
            item["fileId"]: str(batch.get("errorMessage"))
            for batch in result.get("failedItems", ())
            for item in batch.get("items", ())
        }
        for file in asked:
            if file not in answered:
                why = failed.get(file) or job.error_message or "the job did not answer for this face"
                for image, face in places[file]:
                    self._unread(image, face, "vision", error=why)

    def _unread(self, image: PublishedImage, face: FaceName, message: str, error: str = "") -> None:
        where, file = f"{image.external_id} {face}", image.faces[face].external_id
        self.findings.append(L04.finding(where=where, value=file, message=message, error=error))


@contextmanager
def _deprecation_known() -> Iterator[None]:
    """Silence the SDK's warning at every call, since the log states it once where Vision is chosen."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The Vision API will be removed", category=UserWarning)
        yield


def _detections(image: PublishedImage, face: FaceName, texts: Sequence[Mapping[str, Any]]) -> Iterator[Detection]:
    """Convert the texts of one face; a text without a confidence in 0..1 gets score 0, for a person to decide."""
    for text in texts:
        box = text["textRegion"]
        left, right, top, bottom = (box[name] for name in ("xMin", "xMax", "yMin", "yMax"))
        polygon = clipped([(left, top), (right, top), (right, bottom), (left, bottom)])
        words = str(text["text"]).strip()[:MAX_TEXT_LENGTH]
        score = float(text.get("confidence") or 0.0)
        if polygon is not None and words:
            known = score if 0 <= score <= 1 else 0.0
            yield Detection(image.external_id, face, words, round(known, 4), polygon)
