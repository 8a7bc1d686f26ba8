"""Multipart uploads of files larger than memory, which resume after a kill.

The links of an unfinished upload are permissions, so they are kept only in a private folder of this machine (mode
0700) until the file is complete; another machine starts the file from its beginning. Requests to the links carry no
token. Limits of the Files API: 1 to 250 parts, each but the last above 5 MiB and at most 4000 MiB; links are valid for
a week.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from capture360.cdf.client import CdfProject, cdf_errors
from capture360.cdf.images.files import SHA256, ClassicFiles
from capture360.cdf.json_answers import AnswerObject, OddAnswerError, json_object
from capture360.cdf.polling import wait_until
from capture360.cdf.three_d.journals import LargeFile, UploadJournals, UploadSession, part_size_of, parts_of
from capture360.cdf.three_d.parts import LinkExpiredError, send_parts
from capture360.errors import BadInputError, CdfError, CdfUnavailableError
from capture360.settings.files import FileSettings

if TYPE_CHECKING:
    from cognite.client import CogniteClient

Opener = Callable[[], AbstractContextManager[IO[bytes]]]
Log = Callable[[str], None]


class LargeUploads:
    """Uploads to one project. `journals` is the private folder of unfinished uploads, `space` that of file nodes."""

    def __init__(
        self, cdf: CdfProject, settings: FileSettings, log: Log, journals: Path | None = None, space: str = ""
    ) -> None:
        self._client: CogniteClient = cdf.client
        self._url = f"/api/v1/projects/{cdf.connection.project}/files"
        self._settings = settings
        self._files = ClassicFiles(cdf.client, settings)
        self._log = log
        folder = journals or Path(tempfile.gettempdir()) / f"capture360-uploads-{os.getuid()}"
        self._journals = UploadJournals(folder, *cdf.connection.identity, space)

    def put(self, file: LargeFile, open_content: Opener) -> int:
        """Upload the file unless CDF has it, and return its internal id once CDF reports it as uploaded.

        BadInputError if the content differs from what was validated; the unfinished upload is then discarded.
        """
        if self._is_uploaded(file):
            self._journals.forget(file)
            return self._id(file)
        session = self._journals.load(file)
        if session is not None:
            self._log(f"{file.name}: continuing after {len(session.done)} of {len(session.links)} parts")
            try:
                return self._finish(file, session, open_content)
            except LinkExpiredError:
                self._log(f"{file.name}: the unfinished upload has expired; starting again")
        try:
            return self._finish(file, self._start(file), open_content)
        except LinkExpiredError:
            raise CdfUnavailableError(f"Uploading {file.name}: the store refused the new links.") from None

    def _start(self, file: LargeFile) -> UploadSession:
        part_size = part_size_of(file)
        parts = parts_of(file, part_size)
        answer = self._initiated(file, parts)
        links = answer["uploadUrls"]
        if not isinstance(links, list) or len(links) != parts:
            raise OddAnswerError("CDF's answer has not a link for each part.", f"Starting the upload of {file.name}")
        session = UploadSession(file.sha256, part_size, str(answer["uploadId"]), tuple(map(str, links)), time.time())
        self._journals.save(file, session)
        return session

    def _initiated(self, file: LargeFile, parts: int) -> AnswerObject:
        """Create the file without its content, and return its `uploadId` and `uploadUrls`."""
        settings = self._settings
        body: dict[str, Any] = {
            "name": file.name,
            "externalId": file.external_id,
            "mimeType": file.mime_type,
            "metadata": {SHA256: file.sha256},
            "source": settings.source,
            "directory": settings.directory,
            "dataSetId": self._files.data_set_id,
            "labels": [{"externalId": label} for label in settings.labels] or None,
        }
        sent = {name: value for name, value in body.items() if value is not None}
        with cdf_errors(f"Starting the upload of {file.name}"):
            url = f"{self._url}/initmultipartupload"
            return json_object(self._client.post(url, sent, params={"parts": parts, "overwrite": "true"}))

    def _named(self, file: LargeFile) -> Mapping[str, Any]:
        """Return how requests name the file."""
        return {"externalId": file.external_id}

    def _finish(self, file: LargeFile, session: UploadSession, open_content: Opener) -> int:
        def keep(session: UploadSession) -> None:
            self._journals.save(file, session)
            self._log(f"{file.name}: {len(session.done)} of {len(session.links)} parts uploaded")

        try:
            with open_content() as content:
                send_parts(file, session, content, keep)
        except (BadInputError, LinkExpiredError):
            self._journals.forget(file)
            raise
        self._complete(file, session)
        self._journals.forget(file)
        return self._id(file)

    def _complete(self, file: LargeFile, session: UploadSession) -> None:
        """Join the parts. A lost answer does not matter: the file itself shows whether it is complete."""
        body = {**self._named(file), "uploadId": session.upload_id}
        try:
            with cdf_errors(f"Completing {file.name}"):
                self._client.post(f"{self._url}/completemultipartupload", body)
        except CdfUnavailableError:
            self._log(f"{file.name}: no answer to the completion; asking whether the file is there")
        except CdfError:
            # If an earlier completion succeeded and its answer was lost, this one is refused and the file is complete.
            if not self._is_uploaded(file):
                self._journals.forget(file)
                raise
        if not wait_until(lambda: self._is_uploaded(file)):
            raise CdfUnavailableError(f"{file.name} was sent completely, but CDF does not report it as uploaded.")

    def _is_uploaded(self, file: LargeFile) -> bool:
        return bool(self._files.uploaded({file.external_id: file.sha256}))

    def _id(self, file: LargeFile) -> int:
        with cdf_errors(f"Looking for {file.name}"):
            found = self._client.files.retrieve(external_id=file.external_id)
        if found is None or found.id is None:
            raise CdfUnavailableError(f"{file.name} was deleted from CDF meanwhile. Run the upload again.")
        return int(found.id)
