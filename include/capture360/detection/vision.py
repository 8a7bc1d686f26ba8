"""CDF's Vision service as a detector, by choice: Cognite has deprecated it and will remove it.

A job takes a hundred files and a project runs twenty jobs at once. A batch of files that fails is told by its faces;
the rest of its job counts.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from capture360.cdf.client import cdf_errors
from capture360.detection.job_wait import JobWait
from capture360.errors import CdfError, CdfUnavailableError
from capture360.geometry.polygons import clipped
from capture360.model import MAX_TEXT_LENGTH, Detection, FaceName, FaceRef, PublishedImage
from capture360.rules.finding import Disposition, Finding
from capture360.settings.detection import VisionSettings

if TYPE_CHECKING:
    from cognite.client import CogniteClient
    from cognite.client.data_classes.contextualization import VisionExtractJob

DEPRECATED = "Vision is deprecated by Cognite and will be removed: prefer links.detector: ocr"
FILES_A_JOB = 100
JOBS_AT_ONCE = 20
_TOO_MANY = 429
_OVER = frozenset({"Completed", "Failed"})
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0

FileIds = Callable[[Sequence[FaceRef]], Mapping[FaceRef, int]]
Place = tuple[PublishedImage, FaceName]


class VisionDetector:
    """Reads the wanted faces of all images that a call is given; waits for the jobs."""

    def __init__(
        self,
        client: CogniteClient,
        file_ids: FileIds,
        faces: Collection[FaceName],
        settings: VisionSettings,
        patience: JobWait,
    ) -> None:
        self._client = client
        self._file_ids = file_ids
        self._faces = faces
        self._settings = settings
        self._patience = patience
        self._findings: list[Finding] = []

    @property
    def engine(self) -> str:
        return "cdf-vision/TextDetection"

    @property
    def images_at_once(self) -> int:
        return FILES_A_JOB * JOBS_AT_ONCE

    @property
    def findings(self) -> Sequence[Finding]:
        """Faces that Vision could not read, and why."""
        return self._findings

    def detect(self, images: Sequence[PublishedImage]) -> Iterator[Detection]:
        """The texts on the wanted faces. CdfError if the jobs do not end within the deadline.

        StillReading if they run and the wait is not to be spent here: called again, it goes on with the same jobs.
        """
        places = self._places(images)
        files = sorted(places)
        waiting = deque(files[start : start + FILES_A_JOB] for start in range(0, len(files), FILES_A_JOB))
        running: list[tuple[VisionExtractJob[Any], Sequence[int]]] = []
        pause = _FIRST_PAUSE_S
        while waiting or running:
            while waiting and len(running) < JOBS_AT_ONCE and (job := self._start(waiting[0], bool(running))):
                running.append((job, waiting.popleft()))
            over = [each for each in running if self._status(each[0]) in _OVER]
            for job, asked in over:
                yield from self._read(job, asked, places)
            running = [each for each in running if each not in over]
            if over or not running:
                pause = _FIRST_PAUSE_S
                continue
            if self._patience.is_over(self._settings.deadline):
                raise CdfError(
                    f"Vision did not read {len(files)} faces within {self._settings.deadline}. Raise "
                    "links.vision.deadline, or choose links.detector: ocr."
                )
            self._patience.pause(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _places(self, images: Sequence[PublishedImage]) -> dict[int, list[Place]]:
        """Where the files are shown, by their internal ids."""
        wanted = [(image, face, image.faces[face]) for image in images for face in image.faces if face in self._faces]
        ids = self._file_ids([ref for _, _, ref in wanted])
        places: dict[int, list[Place]] = defaultdict(list)
        for image, face, ref in wanted:
            if ref in ids:
                places[ids[ref]].append((image, face))
            else:
                self._tell(image, face, f"The file of this face, {ref.external_id}, is not in CDF.")
        return places

    def _start(self, files: Sequence[int], others_run: bool) -> VisionExtractJob[Any] | None:
        """The job that reads the files: that of an earlier look, or a new one.

        None if the project has no room for one until another has ended.
        """
        from cognite.client.data_classes.contextualization import (
            FeatureParameters,
            TextDetectionParameters,
            VisionFeature,
        )

        threshold = self._settings.threshold
        name = hashlib.sha256(json.dumps([list(files), threshold]).encode()).hexdigest()[:16]
        if name in self._patience.jobs:
            number = self._patience.jobs[name]
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
            if others_run and getattr(error.__cause__, "code", None) == _TOO_MANY:
                return None
            raise
        self._patience.jobs[name] = int(job.job_id)
        return job

    def _status(self, job: VisionExtractJob[Any]) -> str:
        with cdf_errors(f"Asking for Vision job {job.job_id}"):
            return job.update_status()

    def _read(
        self, job: VisionExtractJob[Any], asked: Sequence[int], places: Mapping[int, Sequence[Place]]
    ) -> Iterator[Detection]:
        result = job.get_result()
        told = set()
        for item in result.get("items", ()):
            told.add(item["fileId"])
            for image, face in places[item["fileId"]]:
                yield from _detections(image, face, item.get("predictions", {}).get("textPredictions", ()))
        failed = {
            item["fileId"]: str(batch.get("errorMessage"))
            for batch in result.get("failedItems", ())
            for item in batch.get("items", ())
        }
        for file in asked:
            if file not in told:
                why = failed.get(file) or job.error_message or "it said nothing of this face"
                for image, face in places[file]:
                    self._tell(image, face, f"Vision could not read this face: {why}. Its texts are missing.")

    def _tell(self, image: PublishedImage, face: FaceName, message: str) -> None:
        place = f"{image.external_id} {face}"
        value = image.faces[face].external_id
        self._findings.append(Finding("face_unreadable", Disposition.WARN, place, value, message))


@contextmanager
def _deprecation_known() -> Iterator[None]:
    """The SDK warns at every call; it is said once where Vision was chosen."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The Vision API will be removed", category=UserWarning)
        yield


def _detections(image: PublishedImage, face: FaceName, texts: Sequence[Mapping[str, Any]]) -> Iterator[Detection]:
    """A text without a confidence has none: whatever it says is for a person."""
    for text in texts:
        box = text["textRegion"]
        left, right, top, bottom = (box[name] for name in ("xMin", "xMax", "yMin", "yMax"))
        polygon = clipped([(left, top), (right, top), (right, bottom), (left, bottom)])
        words = str(text["text"]).strip()[:MAX_TEXT_LENGTH]
        if polygon is not None and words:
            yield Detection(image.external_id, face, words, round(float(text.get("confidence") or 0.0), 4), polygon)
