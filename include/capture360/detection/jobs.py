"""Detector on CDF's 3D job ImageTextDetection, an option in data modeling projects.

One job reads a whole collection. Its id is derived from the delivery, so all batches of images and all repetitions use
the same job.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from typing_extensions import override

from capture360.cdf.polling import growing_pauses
from capture360.cdf.ports import Collection
from capture360.cdf.three_d.jobs import Job, Result, TextJobs
from capture360.detection.job_results import FoundText, UnknownResultError, parse
from capture360.detection.job_wait import JobWait
from capture360.detection.protocol import Detector
from capture360.errors import CdfError
from capture360.geometry.polygons import beyond, clipped
from capture360.geometry.spherical_polygons import on_one_face
from capture360.model import MAX_TEXT_LENGTH, Detection, PublishedImage
from capture360.rules.finding import Finding
from capture360.rules.links import L06
from capture360.settings.detection import JobSettings
from capture360.text import digest_of

_NAME = "Tag plates"
_ALL = 1_000_000
_PAUSES_S = (0.2, 15.0)

Keep = Callable[[str, bytes], str]
"""Stores a file under a name, for people to inspect, and returns its URL."""


class JobDetector(Detector):
    """Detector that yields the texts of the jobs of some collections. `collections` are job ids by collection."""

    def __init__(
        self,
        jobs: TextJobs,
        collections: Mapping[Collection, str],
        space: str,
        settings: JobSettings,
        keep: Keep,
        log: Callable[[str], None],
        wait: JobWait,
    ) -> None:
        self._jobs = jobs
        self._collections = collections
        self._space = space
        self._settings = settings
        self._keep = keep
        self._log = log
        self._wait = wait
        self.findings: list[Finding] = []

    @property
    @override
    def engine(self) -> str:
        return "cdf-3d-job/ImageTextDetection"

    @property
    @override
    def images_at_once(self) -> int:
        return _ALL

    @override
    def detect(self, images: Sequence[PublishedImage]) -> Iterator[Detection]:
        """Yield the texts that the jobs found on these images, without those that people rejected in CDF.

        CdfError if a job fails or does not end in time, UnknownResultError if its result cannot be read, JobsPending
        if it runs and the caller must not sleep.
        """
        wanted = {(image.space, image.external_id) for image in images}
        for collection, external_id in self._collections.items():
            job = self._finished(collection, external_id)
            for result in self._jobs.results(job):
                texts = self._texts(job, result)
                rejected = self._jobs.rejected_keys(job, result)
                for text in texts:
                    if (text.space, text.image) in wanted and text.key not in rejected:
                        yield from self._detection(text)

    def _finished(self, collection: Collection, external_id: str) -> Job:
        job = self._jobs.find(self._space, external_id)
        if job is not None and job.is_lost:
            self._log(f"3D job {external_id} ended as {job.status}: starting it again")
            self._jobs.remove(job)
            job = None
        if job is None:
            job = self._jobs.start(self._space, external_id, _NAME, collection)
            self._log(f"3D job {external_id} started in space {self._space}")
        pauses = growing_pauses(*_PAUSES_S)
        while job.status != "Succeeded":
            if job.is_lost:
                raise CdfError(
                    f"3D job {external_id} in space {self._space} ended as {job.status}. CDF does not say why. "
                    "Clear this task to start it again, ask Cognite support, or choose links.detector: ocr."
                )
            if self._wait.is_over(self._settings.deadline):
                raise CdfError(
                    f"3D job {external_id} in space {self._space} is still {job.status} after "
                    f"{self._settings.deadline}. Raise links.cdf_3d_job.deadline and clear this task: it continues to "
                    "wait."
                )
            self._wait.pause(next(pauses))
            found = self._jobs.find(self._space, external_id)
            if found is None:
                raise CdfError(f"3D job {external_id} was deleted while this task waited for it. Clear this task.")
            job = found
        return job

    def _texts(self, job: Job, result: Result) -> list[FoundText]:
        content = self._jobs.content(result)
        try:
            return parse(content)
        except UnknownResultError as error:
            url = self._keep(f"result-{digest_of(result.external_id)}.json", content)
            self._log(f"Structure of {result.external_id}:\n{error.structure}")
            raise UnknownResultError(
                f"The result {result.external_id} of 3D job {job.external_id} has an unknown format ({error}). "
                f"It is kept at {url}, and the log shows its structure. Choose links.detector: ocr meanwhile.",
                error.structure,
            ) from None

    def _detection(self, found: FoundText) -> Iterator[Detection]:
        face, corners = on_one_face(found.outline)
        polygon = clipped(corners)
        text = found.text.strip()[:MAX_TEXT_LENGTH]
        if polygon is None:
            self.findings.append(L06.finding(where=found.image, value=text))
        elif text:
            yield Detection(found.image, face, text, round(found.confidence, 4), polygon, uncut=beyond(corners))
