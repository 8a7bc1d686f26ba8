"""E57 extraction by CDF: one 3D model, and exactly one revision per file and settings of the extraction.

Neither models nor revisions take a key of the client, so each is looked up, created and looked up again: a model by the
marker in its metadata, a revision by its `fileId`, which never changes, and the hash of the settings in its marker. The
nonce of a session is created in the call that uses it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, cast

from capture360.cdf.client import CdfProject, cdf_errors
from capture360.cdf.json_answers import documented_form, first_item, items_of, json_object
from capture360.cdf.no_retry import found_after_all, post_without_retry
from capture360.cdf.paging import all_items
from capture360.errors import CdfUnavailableError
from capture360.model import CaptureKey
from capture360.settings.e57 import E57Settings
from capture360.text import digest_of

if TYPE_CHECKING:
    from cognite.client import CogniteClient

MARKER = "capture360"
"""Metadata key of capture360's models and revisions; its value is the capture's key, or a hash of the settings."""
_PAGE = 1000
_MOST_NAME = 255
_ERROR = 7

RevisionStatus = Literal["Queued", "Processing", "Done", "Failed"]


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision of a 3D model. `made_with` is a hash of the settings; None if others made it."""

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
        """Return the model named in the settings, or find or create the capture's own."""
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
        # Read back: if two runs created one each, both use the older one.
        found = self.find_model(key)
        if found is None:
            raise CdfUnavailableError(f"The 3D model of {key} was created, but CDF does not list it yet.")
        return found

    def find_model(self, key: CaptureKey) -> int | None:
        """Return the model named in the settings, or the one created for the capture; None if there is none yet."""
        if self._settings.model_id is not None:
            return self._settings.model_id
        models = all_items(
            "Listing 3D models", lambda cursor: self._client.get(self._root, params={"limit": _PAGE, **cursor})
        )
        with documented_form("Listing 3D models"):
            ours = [int(model["id"]) for model in models if (model.get("metadata") or {}).get(MARKER) == str(key)]
        return min(ours, default=None)

    def own_model(self, key: CaptureKey) -> int | None:
        """Return the model that was created for the capture; None if there is none, or the settings name a model."""
        return None if self._settings.model_id is not None else self.find_model(key)

    def of_files(self, model: int, files: Collection[int] | None) -> list[Revision]:
        """Return capture360's revisions of these files, or of any file, failed ones included."""
        ours = (each for each in self._list(model) if each.made_with is not None)
        return [each for each in ours if files is None or each.file in files]

    def has_model(self, model: int) -> bool:
        """Return whether the project has this 3D model."""
        with cdf_errors(f"Looking for 3D model {model}"):
            return self._client.three_d.models.retrieve(model) is not None

    def remove(self, model: int, revisions: Collection[int]) -> None:
        """Delete those of these revisions that the model has; nothing if a run that broke off has removed the model."""
        if not self.has_model(model):
            return
        there = [{"id": each.id} for each in self._list(model) if each.id in revisions]
        if there:
            with cdf_errors("Removing 3D revisions"):
                self._client.post(f"{self._root}/{model}/revisions/delete", {"items": there})

    def remove_model(self, model: int) -> bool:
        """Delete a model without revisions; return whether it was deleted."""
        if not self.has_model(model) or next(self._list(model), None) is not None:
            return False
        with cdf_errors("Removing a 3D model"):
            self._client.post(f"{self._root}/delete", {"items": [{"id": model}]})
        return True

    def find(self, model: int, file: int, space: str) -> Revision | None:
        """Return the oldest revision of a file with these settings or without a marker, which others made.

        Failed ones are left out: CDF never retries them.
        """
        mine = {None, self._made_with(space)}
        ours = (each for each in self._list(model) if each.file == file and each.made_with in mine)
        found = [each for each in ours if each.status != "Failed"]
        return min(found, key=lambda revision: revision.id, default=None)

    def start(self, model: int, file: int, space: str) -> Revision:
        """Find or start the revision that extracts the panoramas of a file into a space."""
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
        with cdf_errors("Starting the extraction"):
            return _revision(model, first_item(answer))

    def read(self, model: int, revision: int) -> Revision:
        """Read one revision."""
        with cdf_errors(f"Reading revision {revision} of model {model}"):
            return _revision(model, json_object(self._client.get(f"{self._root}/{model}/revisions/{revision}")))

    def failure(self, model: int, revision: int) -> str:
        """Return the errors in the revision's logs as one sentence part."""
        with cdf_errors(f"Reading the logs of revision {revision}"):
            url = f"{self._root}/{model}/revisions/{revision}/logs"
            items = items_of(self._client.get(url, params={"severity": _ERROR}))
        errors = [f"{item['type']}: {item['info']}" if item.get("info") else str(item["type"]) for item in items]
        return "; ".join(errors) or "its logs hold no error"

    def _pipeline(self, space: str) -> dict[str, Any]:
        extract = "true" if self._settings.options == "text" else True
        options = {"extractPhotosphereImages": extract, "dmsInstancesSpaceId": space}
        version = self._settings.pipeline_version
        pipeline: dict[str, Any] = {"indexingOptions": {**options, **self._settings.indexing_options}}
        return {"version": version, **pipeline} if version else pipeline

    def _made_with(self, space: str) -> str:
        return digest_of([self._pipeline(space), self._settings.cdf_version])

    def _list(self, model: int) -> Iterator[Revision]:
        """Yield all revisions, published or not; the SDK would ask for unpublished ones only."""
        items = all_items(
            f"Listing the revisions of model {model}",
            lambda cursor: self._client.get(f"{self._root}/{model}/revisions", params={"limit": _PAGE, **cursor}),
        )
        return (_revision(model, item) for item in items)


def _revision(model: int, item: Mapping[str, Any]) -> Revision:
    with documented_form(f"Reading the revisions of model {model}"):
        return Revision(
            model,
            int(item["id"]),
            int(item["fileId"]),
            cast(RevisionStatus, item["status"]),
            datetime.fromtimestamp(item["createdTime"] / 1000, UTC),
            (item.get("metadata") or {}).get(MARKER),
        )
