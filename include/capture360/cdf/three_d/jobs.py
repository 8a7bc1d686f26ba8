"""3D jobs of data modeling projects: find, start, watch, and read the results of ImageTextDetection.

The client chooses a job's external id, so that every run finds the same job. The API has neither a filter nor a
look-up: a job is found by reading all pages. The nonce of a session is created in the call that uses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from capture360.cdf import core_views
from capture360.cdf.capabilities import Need, in_space
from capture360.cdf.client import CdfProject, cdf_errors
from capture360.cdf.instances import relation
from capture360.cdf.json_answers import documented_form, first_item
from capture360.cdf.paging import all_items
from capture360.cdf.ports import Collection
from capture360.cdf.preflight import missing_space_behind_500
from capture360.errors import CdfError, CdfUnavailableError

if TYPE_CHECKING:
    from cognite.client import CogniteClient

FOR_JOBS = tuple(Need("dataModelsAcl", "READ", in_space(each)) for each in (core_views.SPACE, "cdf_cdm_3d"))
"""Capabilities that every request about jobs needs."""


@dataclass(frozen=True, slots=True)
class Job:
    """State of a job in CDF. `status` is Scheduled, Started, Failed, Succeeded or Cancelled, unless CDF adds others."""

    space: str
    external_id: str
    status: str
    created: datetime

    @property
    def is_lost(self) -> bool:
        """Whether the job ended without a result."""
        return self.status in ("Failed", "Cancelled")


@dataclass(frozen=True, slots=True)
class Result:
    """A CogniteFile that a job created."""

    space: str
    external_id: str


class Jobs:
    """Jobs of one project, of any type."""

    def __init__(self, cdf: CdfProject) -> None:
        self._cdf = cdf
        self._client: CogniteClient = cdf.client
        self._root = f"/api/v1/projects/{cdf.connection.project}/3d"

    def find(self, space: str, external_id: str) -> Job | None:
        """Return the job of that id, or None."""
        return next((job for job in self.all(space) if job.external_id == external_id), None)

    def all(self, space: str) -> Iterator[Job]:
        """Yield all jobs of a space."""
        for item in self._pages("/jobs/list", {}, "Listing 3D jobs"):
            if item["space"] == space:
                yield Job(space, str(item["externalId"]), str(item["status"]), _time(item["createdAt"]))

    def start_as(self, item: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Job:
        """Start the job that `item` describes but for its nonce, or return the one that exists under its id."""
        space, external_id = item["space"], item["externalId"]
        with cdf_errors("Creating a session for a 3D job"):
            nonce = self._client.iam.sessions.create().nonce
        try:
            with missing_space_behind_500(self._cdf, [space]), cdf_errors("Starting a 3D job"):
                body = {"items": [{**item, "nonce": nonce}]}
                answer = self._client.post(f"{self._root}/jobs", body, headers=dict(headers or {}))
                started = first_item(answer)["createdAt"]
        except (CdfError, CdfUnavailableError):
            # The answer was lost, perhaps, and the SDK repeated the request with an id and a nonce that are used up.
            found = self.find(space, external_id)
            if found is None:
                raise
            return found
        return Job(space, external_id, "Scheduled", _time(started))

    def remove(self, job: Job) -> None:
        """Delete a job; its results stay."""
        with cdf_errors(f"Removing 3D job {job.external_id}"):
            self._client.post(f"{self._root}/jobs/delete", {"items": [_ref(job)]})

    def _pages(self, path: str, body: Mapping[str, Any], doing: str) -> Iterator[Mapping[str, Any]]:
        return all_items(doing, lambda cursor: self._client.post(f"{self._root}{path}", {**body, **cursor}))


class TextJobs(Jobs):
    """Jobs ImageTextDetection, which read the texts of a collection."""

    def start(self, space: str, external_id: str, name: str, collection: Collection) -> Job:
        """Start the job that reads a collection, or return the one that exists under that id."""
        source = {
            "type": "Cognite360ImageCollection",
            "instanceId": relation(collection.space, collection.external_id),
        }
        return self.start_as(
            {
                "space": space,
                "externalId": external_id,
                "name": name,
                "type": "ImageTextDetection",
                "source": source,
                "configuration": {},
            }
        )

    def results(self, job: Job) -> Iterator[Result]:
        """Yield the files that a job created; CdfError if it created anything else."""
        for item in self._pages("/job/results/list", {"job": _ref(job)}, f"Listing results of {job.external_id}"):
            if item["type"] != "CogniteFile":
                raise CdfError(f"3D job {job.external_id} made a {item['type']}, which is not supported.")
            with documented_form(f"Listing results of {job.external_id}"):
                result = Result(item["instanceId"]["space"], item["instanceId"]["externalId"])
            yield result

    def rejected_keys(self, job: Job, result: Result) -> set[str]:
        """Return the keys within a result that people rejected in CDF."""
        body = {"job": _ref(job), "result": {"instanceId": relation(result.space, result.external_id)}}
        items = self._pages("/job/result/rejections/list", body, f"Listing rejections of {job.external_id}")
        return {str(item["rejectedKey"]) for item in items}

    def content(self, result: Result) -> bytes:
        """Download a result; CdfUnavailableError while CDF lists it and has no content of it yet."""
        from cognite.client.data_classes.data_modeling import NodeId

        try:
            with cdf_errors(f"Downloading {result.external_id}"):
                return self._client.files.download_bytes(instance_id=NodeId(result.space, result.external_id))
        except CdfError as error:
            if error.absent:
                raise CdfUnavailableError(error.message) from None
            raise


def _time(milliseconds: Any) -> datetime:
    with documented_form("Reading the time of a 3D job"):
        return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _ref(job: Job) -> dict[str, str]:
    return {"space": job.space, "externalId": job.external_id}
