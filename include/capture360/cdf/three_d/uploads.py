"""Multipart uploads of files larger than memory: parts are retried one by one, and uploads resume after a kill.

The links of an unfinished upload are permissions, so they are kept only in a private folder of this machine (mode
0700) until the file is complete; another machine starts the file from its beginning. Requests to the links carry no
token. Limits of the Files API: 1 to 250 parts, each but the last above 5 MiB and at most 4000 MiB; links are valid for
a week.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import httpx
from pydantic import Field, FiniteFloat, TypeAdapter, ValidationError

from capture360.cdf.client import CdfProject, cdf_errors
from capture360.cdf.images.files import SHA256, ClassicFiles
from capture360.cdf.json_answers import AnswerObject, OddAnswerError, json_object
from capture360.cdf.polling import wait_until
from capture360.errors import BadInputError, CdfError, CdfUnavailableError, ConfigError
from capture360.settings.files import FileSettings

if TYPE_CHECKING:
    from cognite.client import CogniteClient

MIB = 1024 * 1024
_MAX_PARTS = 250
MIN_PART = 16 * MIB
_MAX_PART = 4000 * MIB
_BLOCK = MIB
_ATTEMPTS = 6
_LINKS_LIVE_S = 6 * 86400.0
_DEAD_LINK = frozenset({400, 401, 403, 404, 410})

Opener = Callable[[], AbstractContextManager[IO[bytes]]]
Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class LargeFile:
    """A file to upload. `size` in bytes; `sha256` of the whole content, as it was validated."""

    external_id: str
    name: str
    mime_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class UploadSession:
    """An unfinished upload. Not to be logged: the links are permissions."""

    sha256: str
    part_size: int
    upload_id: str
    links: tuple[Annotated[str, Field(pattern="^https?://")], ...]
    started: FiniteFloat
    done: tuple[int, ...] = ()


_SESSION = TypeAdapter(UploadSession)


def part_size_of(file: LargeFile) -> int:
    """Return the bytes of every part but the last; BadInputError if the file exceeds CDF's limits."""
    part_size = max(MIN_PART, -(-file.size // _MAX_PARTS // MIB) * MIB)
    if part_size > _MAX_PART:
        most = _MAX_PARTS * _MAX_PART // (1024 * MIB)
        raise BadInputError(f"{file.name} is larger than CDF accepts ({most} GiB). Export it in several files.")
    return part_size


class _LinkExpiredError(Exception):
    """The store refuses a link of this session."""


def _parts(file: LargeFile, part_size: int) -> int:
    return max(1, -(-file.size // part_size))


class LargeUploads:
    """Uploads to one project. `journals` is the private folder of unfinished uploads."""

    def __init__(self, cdf: CdfProject, settings: FileSettings, log: Log, journals: Path | None = None) -> None:
        self._client: CogniteClient = cdf.client
        self._url = f"/api/v1/projects/{cdf.connection.project}/files"
        self._settings = settings
        self._files = ClassicFiles(cdf.client, settings)
        self._log = log
        self._journals = UploadJournals(journals or Path(tempfile.gettempdir()) / f"capture360-uploads-{os.getuid()}")

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
            except _LinkExpiredError:
                self._log(f"{file.name}: the unfinished upload has expired; starting again")
        try:
            return self._finish(file, self._start(file), open_content)
        except _LinkExpiredError:
            raise CdfUnavailableError(f"Uploading {file.name}: the store refused the new links.") from None

    def _start(self, file: LargeFile) -> UploadSession:
        part_size = part_size_of(file)
        parts = _parts(file, part_size)
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
        digest = hashlib.sha256()
        with open_content() as content, httpx.Client(timeout=httpx.Timeout(60, write=600, read=600)) as http:
            for part, link in enumerate(session.links):
                start = part * session.part_size
                length = min(session.part_size, file.size - start)
                if part in session.done:
                    for block in _blocks(content, start, length, file):
                        digest.update(block)
                else:
                    digest = self._put_part(http, link, content, start, length, digest, file)
                    session = replace(session, done=(*session.done, part))
                    self._journals.save(file, session)
                self._log(f"{file.name}: {(start + length) // MIB} of {-(-file.size // MIB)} MiB uploaded")
            if digest.hexdigest() != file.sha256 or content.read(1):
                self._journals.forget(file)
                raise BadInputError(f"{file.name} changed while it was uploaded. Deliver it again, complete.")
        self._complete(file, session)
        self._journals.forget(file)
        return self._id(file)

    def _put_part(
        self,
        http: httpx.Client,
        link: str,
        content: IO[bytes],
        start: int,
        length: int,
        before: hashlib._Hash,
        file: LargeFile,
    ) -> hashlib._Hash:
        """Send one part, from its beginning after each interruption; return the digest that includes it."""
        problem = ""
        for attempt in range(_ATTEMPTS):
            digest = before.copy()

            def blocks(digest: hashlib._Hash = digest) -> Iterator[bytes]:
                for block in _blocks(content, start, length, file):
                    digest.update(block)
                    yield block

            try:
                # A known length: stores refuse chunked bodies.
                answer = http.put(link, content=blocks(), headers={"Content-Length": str(length)})
            except httpx.TransportError as error:
                problem = type(error).__name__
            else:
                if answer.is_success:
                    return digest
                if answer.status_code in _DEAD_LINK:
                    self._journals.forget(file)
                    raise _LinkExpiredError
                problem = f"status {answer.status_code}"
            if attempt < _ATTEMPTS - 1:
                time.sleep(min(30.0, 0.25 * 2**attempt))  # backs off before the part is sent again
        raise CdfUnavailableError(f"Uploading {file.name}: a part failed {_ATTEMPTS} times, at last with {problem}.")

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


class UploadJournals:
    """Unfinished uploads, one file each, readable by this user only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, file: LargeFile) -> UploadSession | None:
        """Return the session of the same content, unless its links have expired."""
        self._checked_folder()
        try:
            session = _SESSION.validate_json(self._path(file).read_bytes(), strict=True)
        except (OSError, ValidationError):
            return None
        fresh = 0 <= time.time() - session.started < _LINKS_LIVE_S
        part_size = part_size_of(file)
        whole = session.part_size == part_size and len(session.links) == _parts(file, part_size)
        return session if fresh and whole and session.sha256 == file.sha256 else None

    def save(self, file: LargeFile, session: UploadSession) -> None:
        self._checked_folder()
        path = self._path(file)
        half = path.with_suffix(".half")
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            json.dump(asdict(session), stream)
        half.replace(path)

    def _checked_folder(self) -> None:
        """Create the private folder; ConfigError if another user owns it or can read or write it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = self._folder.lstat()
        if owner.st_uid != os.getuid() or owner.st_mode & 0o077:
            raise ConfigError(f"{self._folder} can be read by others. Remove it, or make it private (chmod 700).")

    def forget(self, file: LargeFile) -> None:
        self._path(file).unlink(missing_ok=True)

    def _path(self, file: LargeFile) -> Path:
        return self._folder / f"{file.external_id}.json"


def _blocks(content: IO[bytes], start: int, length: int, file: LargeFile) -> Iterator[bytes]:
    content.seek(start)
    left = length
    while left:
        block = content.read(min(_BLOCK, left))
        if not block:
            raise BadInputError(f"{file.name} became shorter while it was uploaded. Deliver it again, complete.")
        left -= len(block)
        yield block
