"""Face files in CDF's Files API, by external id: uploaded once and read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from capture360 import names
from capture360.batches import batched, once
from capture360.cdf.client import FILES_AT_ONCE, cdf_errors
from capture360.cdf.json_answers import OddAnswerError
from capture360.errors import ConfigError
from capture360.model import Capture, CaptureKey, EncodedFace, Station
from capture360.settings.files import FileSettings

if TYPE_CHECKING:
    from cognite.client import CogniteClient

SHA256 = "sha256"
_SUFFIX = {"image/jpeg": "jpg", "image/png": "png"}
_ATTEMPTS = 3
LINKS_AT_ONCE = 100
"""Most files per `POST /files/downloadlink`."""
_Id = TypeVar("_Id")
_T = TypeVar("_T")
_R = TypeVar("_R")


def face_name(station: Station, face: EncodedFace) -> str:
    """Return the file name, with the suffix that CDF's text detection requires; at most 256 characters."""
    return f"{station.id}_{face.face}.{_SUFFIX[face.mime_type]}"


def face_metadata(capture: Capture, station: Station, face: EncodedFace) -> dict[str, str]:
    """Return the seven keys of CDF's guide to 360° images, all text, and the sha256 of the content."""
    return {
        "site_id": capture.key.site,
        "site_name": capture.site_name,
        "station_id": station.id,
        "station_name": station.name,
        "image_type": "cubemap",
        "image_resolution": str(face.resolution),
        "face": face.face,
        SHA256: face.sha256,
    }


def link_of_each(asked: Sequence[_Id], links: Mapping[Any, str]) -> dict[_Id, str]:
    """Return the download link of each file that was asked for; OddAnswerError if the answer lacks one."""
    if any(each not in links for each in asked):
        raise OddAnswerError("CDF's answer lacks links.")
    return {each: links[each] for each in asked}


def side_by_side(work: Callable[[_T], _R], items: Sequence[_T]) -> list[_R]:
    """Apply `work` to every item in parallel; the first error is raised once all others are done."""
    if not items:
        return []
    with ThreadPoolExecutor(max_workers=min(len(items), FILES_AT_ONCE)) as pool:
        futures = [pool.submit(work, item) for item in items]
    return [future.result() for future in futures]


def with_fresh_links(upload: Callable[[], object], doing: str) -> None:
    """Call `upload`, and again from its beginning if its link was refused (expired, or a store at fault)."""
    from cognite.client.exceptions import CogniteFileUploadError

    with cdf_errors(doing):
        for attempt in range(_ATTEMPTS):
            try:
                upload()
            except CogniteFileUploadError:
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                return


class ClassicFiles:
    """Files by external id."""

    def __init__(self, client: CogniteClient, settings: FileSettings) -> None:
        self._client = client
        self._settings = settings

    @cached_property
    def data_set_id(self) -> int | None:
        """Id of the configured data set; ConfigError if it is not in the project."""
        name = self._settings.data_set
        if name is None:
            return None
        with cdf_errors(f'Looking for data set "{name}"'):
            found = self._client.data_sets.retrieve(external_id=name)
        if found is None or found.id is None:
            raise ConfigError(f'Data set "{name}" is not in the CDF project. Create it, or correct files.data_set.')
        return int(found.id)

    def uploaded(self, wanted: Mapping[str, str]) -> set[str]:
        """Return the external ids that CDF has uploaded with the given sha256."""
        if not wanted:
            return set()
        with cdf_errors("Reading back face files"):
            found = self._client.files.retrieve_multiple(external_ids=list(wanted), ignore_unknown_ids=True)
        return {
            file.external_id
            for file in found
            if file.external_id and file.uploaded and (file.metadata or {}).get(SHA256) == wanted[file.external_id]
        }

    def without_content(self, external_ids: Sequence[str]) -> Sequence[str]:
        """Return those of these files that are not there or were never uploaded."""
        if not external_ids:
            return ()
        with cdf_errors("Reading back face files"):
            found = self._client.files.retrieve_multiple(external_ids=once(external_ids), ignore_unknown_ids=True)
        uploaded = {file.external_id for file in found if file.uploaded}
        return [external_id for external_id in external_ids if external_id not in uploaded]

    def put(self, external_id: str, name: str, face: EncodedFace, metadata: dict[str, str]) -> None:
        """Create the file and upload its content, or finish an interrupted upload.

        A refused upload link (expired, or a store at fault) is requested again, and the whole content sent again.
        """
        fields = self._fields(face, metadata)
        with_fresh_links(
            lambda: self._client.files.upload_bytes(
                face.content, name=name, external_id=external_id, overwrite=True, **fields
            ),
            f"Uploading {name}",
        )

    def content(self, external_id: str) -> bytes:
        """Download the content."""
        with cdf_errors(f"Downloading {external_id}"):
            return self._client.files.download_bytes(external_id=external_id)

    def links(self, external_ids: Sequence[str]) -> dict[str, str]:
        """Return download links of uploaded files. They are permissions: not to be logged or recorded."""
        links: dict[str, str] = {}
        with cdf_errors("Asking for download links"):
            for some in batched(once(external_ids), LINKS_AT_ONCE):
                found = self._client.files.retrieve_download_urls(external_id=list(some))
                links |= link_of_each(list(some), found)
        return links

    def ids(self, external_ids: Sequence[str]) -> dict[str, int]:
        """Return the internal ids of the files that CDF has, uploaded or not."""
        if not external_ids:
            return {}
        with cdf_errors("Looking for face files"):
            found = self._client.files.retrieve_multiple(external_ids=once(external_ids), ignore_unknown_ids=True)
        return {file.external_id: file.id for file in found if file.external_id}

    def of_capture(self, key: CaptureKey) -> list[str]:
        """Return the external ids that begin as those of a capture's face files; lists may lag behind writes.

        Those of captures whose names begin alike are among them: nothing else of a classic file names its capture.
        """
        with cdf_errors("Looking for face files"):
            found = self._client.files.list(external_id_prefix=names.face_prefix(key), limit=None)
        return [file.external_id for file in found if file.external_id]

    def remove(self, external_ids: Sequence[str]) -> int:
        """Delete the files that exist and return their number."""
        there = list(self.ids(external_ids))
        if there:
            with cdf_errors("Removing face files"):
                self._client.files.delete(external_id=there, ignore_unknown_ids=True)
        return len(there)

    def _fields(self, face: EncodedFace, metadata: dict[str, str]) -> dict[str, Any]:
        from cognite.client.data_classes import Label

        settings = self._settings
        fields: dict[str, Any] = {
            "source": settings.source,
            "mime_type": face.mime_type,
            "metadata": metadata,
            "directory": settings.directory,
            "data_set_id": self.data_set_id,
            "labels": [Label(label) for label in settings.labels] or None,
        }
        return {name: value for name, value in fields.items() if value is not None}
