"""Multipart uploads to CogniteFile nodes: the node is written first, and CDF creates its file some time later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from typing_extensions import override

from capture360.cdf.client import CdfProject, cdf_errors
from capture360.cdf.core_views import FILE
from capture360.cdf.images.core_files import CoreFiles
from capture360.cdf.images.files import SHA256
from capture360.cdf.instances import Instances, Node, relation
from capture360.cdf.json_answers import AnswerObject, first_item
from capture360.cdf.three_d.journals import LargeFile
from capture360.cdf.three_d.uploads import LargeUploads
from capture360.errors import CdfUnavailableError
from capture360.model import FaceRef
from capture360.settings.files import FileSettings


class CoreLargeUploads(LargeUploads):
    """Uploads to nodes of one space."""

    def __init__(
        self,
        cdf: CdfProject,
        settings: FileSettings,
        space: str,
        log: Callable[[str], None],
        journals: Path | None = None,
    ) -> None:
        super().__init__(cdf, settings, log, journals, space)
        self._space = space
        self._instances = Instances(cdf.client)
        self._nodes = CoreFiles(cdf.client, settings)

    @override
    def _initiated(self, file: LargeFile, parts: int) -> AnswerObject:
        properties: dict[str, Any] = {
            "name": file.name,
            "mimeType": file.mime_type,
            "sourceId": file.sha256,
            "sourceContext": SHA256,
        }
        if self._settings.directory is not None:
            properties["directory"] = self._settings.directory
        if self._settings.labels:
            properties["tags"] = list(self._settings.labels)
        self._instances.write([Node(self._space, file.external_id, FILE, properties)])
        self._nodes.wait_for_syncer([self._ref(file)])
        with cdf_errors(f"Starting the upload of {file.name}"):
            body = {"items": [self._named(file)]}
            return first_item(self._client.post(f"{self._url}/multiuploadlink", body, params={"parts": parts}))

    @override
    def _named(self, file: LargeFile) -> Mapping[str, Any]:
        return {"instanceId": relation(self._space, file.external_id)}

    @override
    def _is_uploaded(self, file: LargeFile) -> bool:
        return bool(self._nodes.uploaded({self._ref(file): file.sha256}))

    @override
    def _id(self, file: LargeFile) -> int:
        found = self._nodes.ids([self._ref(file)])
        if not found:
            raise CdfUnavailableError(f"{file.name} was deleted from CDF meanwhile. Run the upload again.")
        return found[self._ref(file)]

    def _ref(self, file: LargeFile) -> FaceRef:
        """Return the file as a reference of `CoreFiles`, whose face does not matter here."""
        return FaceRef("front", file.external_id, self._space)
