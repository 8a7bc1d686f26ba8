"""Extraction by Optimizer jobs (beta), in data modeling projects.

One job for each file makes 360° images and a point cloud, each under a model that the job names. A collection is found
by its model, since CDF does not document the ids of what a job makes. Job ids follow from the file and from the
settings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from typing_extensions import override

from capture360.cdf.client import CdfProject
from capture360.cdf.core_views import FILE, IMAGE, MODEL_3D, REVISION_3D
from capture360.cdf.images.core import published_image
from capture360.cdf.images.core_files import CoreFiles
from capture360.cdf.images.core_model import CoreModels
from capture360.cdf.instances import PAGE, Instances, relation
from capture360.cdf.ports import Collection, PointCloud
from capture360.cdf.preflight import ensure_space, space_exists
from capture360.cdf.three_d.core_uploads import CoreLargeUploads
from capture360.cdf.three_d.extraction import Extracted, ExtractedImage, created_time
from capture360.cdf.three_d.jobs import FOR_JOBS, Job, Jobs
from capture360.cdf.three_d.journals import LargeFile
from capture360.cdf.three_d.scans import (
    START_WORK,
    Id,
    KnownScans,
    ScanExtraction,
    ScansMade,
    StartedWork,
    UploadedScan,
    Work,
    WorkStatus,
)
from capture360.cdf.three_d.uploads import Opener
from capture360.errors import CdfError, ConfigError
from capture360.model import CaptureKey, FaceRef, PublishedImage
from capture360.settings.site import Site
from capture360.text import digest_of

_STATUSES: Mapping[str, WorkStatus] = {
    "Scheduled": "Queued",
    "Started": "Processing",
    "Succeeded": "Done",
    "Failed": "Failed",
    "Cancelled": "Failed",
}
_JOB = "_job_"


class JobScans(ScanExtraction):
    """ScanExtraction by one Optimizer job for each file."""

    needs = (*START_WORK, *FOR_JOBS)
    noun = "3D job"
    finds_by_place = False

    def __init__(self, cdf: CdfProject, site: Site) -> None:
        self._cdf = cdf
        self._site = site
        self._jobs = Jobs(cdf)
        self._instances = Instances(cdf.client)

    @override
    def upload(self, file: LargeFile, open_content: Opener, space: str, log: Callable[[str], None]) -> int:
        if self._site.e57.model_id is not None:
            raise ConfigError(
                f"e57.model_id is {self._site.e57.model_id}, but in data modeling projects a capture has models of its "
                "own. Remove it."
            )
        ensure_space(self._cdf, space, create=self._site.create_space)
        return CoreLargeUploads(self._cdf, self._site.files, space, log).put(file, open_content)

    @override
    def start(self, key: CaptureKey, label: str, scans: Mapping[str, UploadedScan], space: str) -> StartedWork:
        images, _ = self._images(space).ensure(key)
        clouds, _ = self._clouds(space).ensure(key)
        configuration: dict[str, Any] = {
            "image360ModelInstanceId": relation(space, images),
            "pointCloudModelInstanceId": relation(space, clouds),
            **self._pipeline(),
        }
        started = {}
        for path, scan in scans.items():
            item = {
                "space": space,
                "externalId": self._job_id(scan.external_id),
                "name": f"{label}, {path}"[:255],
                "type": "Optimizer",
                "source": {"type": "CogniteFile", "instanceId": relation(space, scan.external_id)},
                "configuration": configuration,
            }
            started[path] = work_of(self._found_or_started(item))
        return StartedWork(images, started)

    def _found_or_started(self, item: Mapping[str, Any]) -> Job:
        found = self._jobs.find(item["space"], item["externalId"])
        if found is not None and not found.is_lost:
            return found
        if found is not None:
            self._jobs.remove(found)
        return self._jobs.start_as(item, {"cdf-version": self._site.data_modeling.cdf_version})

    @override
    def look(self, model: Id, work: Sequence[Id], space: str) -> Sequence[Work]:
        found = {job.external_id: job for job in self._jobs.all(space)}
        for each in work:
            if each not in found:
                raise CdfError(
                    f"3D job {each} was deleted from space {space} while it was waited for. Clear the task that "
                    "starts the extraction: it starts the job again."
                )
        return [work_of(found[str(each)]) for each in work]

    @override
    def failure(self, model: Id, work: Id) -> str:
        return "CDF gives no reason for a failed job; capture360 e57 FILE --full shows what is wrong with a file"

    @override
    def describe(self, model: Id, work: str) -> str:
        return f"3D job {work} with 3D model {model}"

    @override
    def extracted(self, key: CaptureKey, model: Id, space: str) -> Extracted:
        return JobExtraction(self._cdf, self._site, key, space, str(model))

    @override
    def known(self, key: CaptureKey, files: Mapping[str, LargeFile], space: str) -> KnownScans:
        if not space_exists(self._cdf, space):
            return KnownScans()
        shas = {_ref(space, file.external_id): file.sha256 for file in files.values()}
        stored = CoreFiles(self._cdf.client, self._site.files).uploaded(shas)
        running = {job.external_id for job in self._jobs.all(space) if not job.is_lost}
        return KnownScans(
            frozenset(path for path, file in files.items() if _ref(space, file.external_id) in stored),
            frozenset(path for path, file in files.items() if self._job_id(file.external_id) in running),
        )

    @override
    def made(self, key: CaptureKey, models: Sequence[Id], scans: Sequence[str], space: str) -> ScansMade:
        if not space_exists(self._cdf, space):
            return ScansMade()
        prefixes = tuple(f"{scan}{_JOB}" for scan in scans)
        images, clouds = self._images(space), self._clouds(space)
        listed = list(images.listed())
        jobs = [job.external_id for job in self._jobs.all(space) if job.external_id.startswith(prefixes)]
        model = min(images.all(key, listed), default="")
        return ScansMade(
            work=frozenset((model, job) for job in jobs),
            own=frozenset([*images.made(key, listed), *clouds.made(key, listed)]),
            files=frozenset(self._instances.read(space, scans, FILE)),
        )

    @override
    def unused(self, key: CaptureKey, scans: Sequence[str], space: str) -> frozenset[str]:
        if not space_exists(self._cdf, space):
            return frozenset()
        started = [job.external_id for job in self._jobs.all(space) if not job.is_lost]
        files = self._instances.read(space, scans, FILE)
        return frozenset(name for name in files if not any(job.startswith(f"{name}{_JOB}") for job in started))

    @override
    def remove(self, made: ScansMade, space: str) -> None:
        if not space_exists(self._cdf, space):
            return
        wanted = {work for _, work in made.work}
        for job in [job for job in self._jobs.all(space) if job.external_id in wanted]:
            self._jobs.remove(job)
        models = sorted(self._instances.read(space, [str(model) for model in made.own], MODEL_3D))
        clouds = point_clouds_of(self._instances, space, models)
        self._instances.remove(space, [cloud.revision for cloud in clouds if cloud.space == space])
        self._images(space).remove(models)
        self._instances.remove(space, sorted(made.files))

    def _images(self, space: str) -> CoreModels:
        return CoreModels(self._cdf, space)

    def _clouds(self, space: str) -> CoreModels:
        return CoreModels(self._cdf, space, "PointCloud")

    def _job_id(self, scan: str) -> str:
        """Return the id of the job of a file: the same file with other settings is another job."""
        return f"{scan}{_JOB}{digest_of(self._pipeline())[:8]}"

    def _pipeline(self) -> dict[str, Any]:
        """Return nothing unless the site asks for something: CDF calls its own choice the most future-proof."""
        settings = self._site.e57
        if settings.pipeline_version is None and not settings.indexing_options:
            return {}
        options = {"indexingOptions": dict(settings.indexing_options)} if settings.indexing_options else {}
        return {"pipelineConfiguration": {"version": settings.pipeline_version or "v1", **options}}


class JobExtraction(Extracted):
    """Results of a capture's jobs: collections and point clouds by their models, in any space."""

    def __init__(self, cdf: CdfProject, site: Site, key: CaptureKey, space: str, model: str) -> None:
        self._cdf = cdf
        self._site = site
        self._key = key
        self._space = space
        self._model = model
        self._instances = Instances(cdf.client)

    @override
    def images(self) -> Iterator[ExtractedImage]:
        """Yield every 360° image in a collection of the model."""
        if not space_exists(self._cdf, self._space):
            return
        through = {"source": IMAGE.ref, "identifier": "collection360"}
        of_model = _of_models(self._space, [self._model], "Image360")
        query = {
            "with": {
                "collections": {"nodes": {"filter": of_model}, "limit": PAGE},
                "images": {"nodes": {"from": "collections", "through": through, "direction": "inwards"}, "limit": PAGE},
            },
            "select": {"images": {"sources": [{"source": IMAGE.ref, "properties": ["*"]}]}},
        }
        for page in self._instances.pages(query, "images"):
            for node in page["images"]:
                of = IMAGE.properties_of(node)["collection360"]
                collection = Collection(of["space"], of["externalId"])
                yield ExtractedImage(published_image(node), collection, created_time(node))

    @override
    def point_clouds(self) -> Sequence[PointCloud]:
        models = CoreModels(self._cdf, self._space, "PointCloud").all(self._key)
        return point_clouds_of(self._instances, self._space, models)

    @override
    def without_content(self, images: Sequence[PublishedImage]) -> Sequence[str]:
        refs = [ref for image in images for ref in image.faces.values()]
        return CoreFiles(self._cdf.client, self._site.files).without_content(refs)


def point_clouds_of(instances: Instances, space: str, models: Sequence[str]) -> Sequence[PointCloud]:
    """Return the point clouds that these models of a space have, in whichever space they are."""
    if not models:
        return []
    query = {
        "with": {"revisions": {"nodes": {"filter": _of_models(space, models, "PointCloud")}, "limit": PAGE}},
        "select": {"revisions": {"sources": [{"source": REVISION_3D.ref, "properties": ["model3D"]}]}},
    }
    return [
        PointCloud(node.space, node.external_id, REVISION_3D.properties_of(node)["model3D"]["externalId"])
        for page in instances.pages(query, "revisions")
        for node in page["revisions"]
    ]


def _of_models(space: str, models: Sequence[str], kind: str) -> dict[str, Any]:
    def of(name: str) -> list[str]:
        return [REVISION_3D.space, f"{REVISION_3D.external_id}/{REVISION_3D.version}", name]

    return {
        "and": [
            {"in": {"property": of("model3D"), "values": [relation(space, model) for model in models]}},
            {"equals": {"property": of("type"), "value": kind}},
        ]
    }


def work_of(job: Job) -> Work:
    """Return a job as work on a file; one with a status that is not known here goes on."""
    return Work(job.external_id, _STATUSES.get(job.status, "Processing"), job.created)


def _ref(space: str, external_id: str) -> FaceRef:
    """Return a file as a reference of `CoreFiles`, whose face does not matter here."""
    return FaceRef("front", external_id, space)
