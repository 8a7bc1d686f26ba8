"""E57 extraction by CDF: one 3D model, and exactly one revision of a file and of the settings it is extracted with.

Neither models nor revisions have a key of ours, so each is look, create, look: a model is found by the marker in its
metadata, a revision by its `fileId`, which never changes, and by what its marker says of the settings. The nonce of the
session is made in the call that spends it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, cast

from capture360.cdf.client import CdfProject, cdf_errors
from capture360.cdf.no_retry import found_after_all, post_without_retry
from capture360.errors import CdfUnavailableError
from capture360.model import CaptureKey
from capture360.settings.e57 import E57Settings

if TYPE_CHECKING:
    from cognite.client import CogniteClient

MARKER = "capture360"
"""Metadata key of models and revisions that we made: the capture's key, and a hash of the settings."""
_PAGE = 1000
_MOST_NAME = 255
_ERROR = 7

RevisionStatus = Literal["Queued", "Processing", "Done", "Failed"]


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision of a 3D model as CDF says it is. `made_with` is a hash of the settings; None if others made it."""

    model: int
    id: int
    file: int
    status: RevisionStatus
    created: datetime
    made_with: str | None


class Revisions:
    """3D models and their revisions in one project."""

    def __init__(self, cdf: CdfProject, settings: E57Settings) -> None:
        self._cdf = cdf
        self._client: CogniteClient = cdf.client
        self._root = f"/api/v1/projects/{cdf.connection.project}/3d/models"
        self._settings = settings

    def model(self, key: CaptureKey, label: str, data_set_id: int | None) -> int:
        """The model given in the settings, or the capture's own, found or created."""
        found = self.find_model(key)
        if found is not None:
            return found
        item: dict[str, Any] = {"name": label[:_MOST_NAME], "metadata": {MARKER: str(key)}}
        if data_set_id is not None:
            item["dataSetId"] = data_set_id
        try:
            post_without_retry(self._cdf, f"Creating a 3D model for {key}", "/3d/models", {"items": [item]})
        except CdfUnavailableError:
            found = found_after_all(lambda: self.find_model(key))
            if found is None:
                raise
            return found
        # Read back, lest two runs have made one each: the oldest is everybody's.
        found = self.find_model(key)
        if found is None:
            raise CdfUnavailableError(f"The 3D model of {key} was created, but CDF does not list it yet.")
        return found

    def find_model(self, key: CaptureKey) -> int | None:
        """The model given in the settings, or the one that was made for the capture; None if there is none yet."""
        if self._settings.model_id is not None:
            return self._settings.model_id
        with cdf_errors("Listing 3D models"):
            models = self._client.three_d.models.list(limit=None)
        ours = [model.id for model in models if (model.metadata or {}).get(MARKER) == str(key)]
        return min((int(model) for model in ours if model is not None), default=None)

    def find(self, model: int, file: int, space: str) -> Revision | None:
        """The oldest revision of a file that was made with these settings, or by somebody who left no marker.

        Failed ones are left out: CDF never takes them up again.
        """
        mine = {None, self._made_with(space)}
        ours = (each for each in self._list(model) if each.file == file and each.made_with in mine)
        found = [each for each in ours if each.status != "Failed"]
        return min(found, key=lambda revision: revision.id, default=None)

    def start(self, model: int, file: int, space: str) -> Revision:
        """The revision that extracts the panoramas of a file into a space: the one that is there, or a new one."""
        found = self.find(model, file, space)
        if found is not None:
            return found
        with cdf_errors("Creating a session for the extraction"):
            nonce = self._client.iam.sessions.create().nonce
        item = {
            "fileId": file,
            "nonce": nonce,
            "metadata": {MARKER: self._made_with(space)},
            "pipelineConfiguration": self._pipeline(space),
        }
        headers = {"cdf-version": self._settings.cdf_version} if self._settings.cdf_version else None
        path = f"/3d/models/{model}/revisions"
        try:
            answer = post_without_retry(self._cdf, "Starting the extraction", path, {"items": [item]}, headers)
        except CdfUnavailableError:
            found = found_after_all(lambda: self.find(model, file, space))
            if found is None:
                raise
            return found
        return _revision(model, answer["items"][0])

    def read(self, model: int, revision: int) -> Revision:
        """One revision as it is now."""
        with cdf_errors(f"Reading revision {revision} of model {model}"):
            return _revision(model, self._client.get(f"{self._root}/{model}/revisions/{revision}").json())

    def failure(self, model: int, revision: int) -> str:
        """What the revision's logs say went wrong."""
        with cdf_errors(f"Reading the logs of revision {revision}"):
            url = f"{self._root}/{model}/revisions/{revision}/logs"
            items = self._client.get(url, params={"severity": _ERROR}).json()["items"]
        told = [f"{item['type']}: {item['info']}" if item.get("info") else str(item["type"]) for item in items]
        return "; ".join(told) or "its logs hold no error"

    def _pipeline(self, space: str) -> dict[str, Any]:
        extract = "true" if self._settings.options == "text" else True
        options = {"extractPhotosphereImages": extract, "dmsInstancesSpaceId": space}
        version = self._settings.pipeline_version
        pipeline: dict[str, Any] = {"indexingOptions": {**options, **self._settings.indexing_options}}
        return {"version": version, **pipeline} if version else pipeline

    def _made_with(self, space: str) -> str:
        settings = [self._pipeline(space), self._settings.cdf_version]
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]

    def _list(self, model: int) -> Iterator[Revision]:
        """All revisions, published or not: the SDK would send `published=false` along."""
        cursor: str | None = None
        while True:
            params = {"limit": _PAGE, **({"cursor": cursor} if cursor else {})}
            with cdf_errors(f"Listing the revisions of model {model}"):
                page = self._client.get(f"{self._root}/{model}/revisions", params=params).json()
            yield from (_revision(model, item) for item in page["items"])
            cursor = page.get("nextCursor")
            if not cursor:
                return


def _revision(model: int, item: Mapping[str, Any]) -> Revision:
    return Revision(
        model,
        int(item["id"]),
        int(item["fileId"]),
        cast(RevisionStatus, item["status"]),
        datetime.fromtimestamp(item["createdTime"] / 1000, UTC),
        (item.get("metadata") or {}).get(MARKER),
    )
