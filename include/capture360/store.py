"""Small documents on any fsspec store: written whole or not at all, created exclusively, listed without caches."""

from __future__ import annotations

import errno
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec

from capture360.errors import ConfigError, RecordsError, StoreUnavailableError
from capture360.text import printable, without_secrets

_STORE_PACKAGES = frozenset({"botocore", "aiobotocore", "aiohttp", "google", "gcsfs", "azure", "adlfs", "s3fs"})
"""Packages whose errors fsspec passes through unchanged, such as those about missing credentials."""
_HIDDEN = "."
_UNFINISHED = ".tmp"
TEMPORARY = f"{_HIDDEN}*{_UNFINISHED}"
"""Pattern of the names of files that are being written to a local store."""
_SIDE_BY_SIDE = 16


def opened_store(url: str, **storage_options: Any) -> tuple[Any, str]:
    """Return the fsspec file system of a URL and the path in it; ConfigError for an unsupported scheme."""
    try:
        found: tuple[Any, str] = fsspec.core.url_to_fs(url, **storage_options)
    except (ValueError, ImportError) as error:
        raise ConfigError(f"{url} cannot be opened, since its URL scheme is not supported: {error}.") from None
    return found


def is_local(fs: Any) -> bool:
    """Return whether an fsspec file system is that of this machine, or mounted on it."""
    return "file" in ((fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol)


def is_of_store(error: Exception) -> bool:
    """Return whether a store raised the error: an OSError, or one of a package behind fsspec."""
    return isinstance(error, OSError) or type(error).__module__.partition(".")[0] in _STORE_PACKAGES


def read_file(url: str, most_bytes: int, fix: str) -> bytes:
    """Return the content of a file at any fsspec URL that people maintain.

    ConfigError, which ends with the sentence `fix`, if it is missing, too large or cannot be read;
    StoreUnavailableError if its store does not answer.
    """
    content = read_file_if_there(url, most_bytes, fix)
    if content is None:
        raise ConfigError(f"{url} is not there. {fix}")
    return content


def read_file_if_there(url: str, most_bytes: int, fix: str) -> bytes | None:
    """Return what `read_file` does, but None for a missing file: only that its store says so counts as missing."""
    try:
        fs, path = fsspec.core.url_to_fs(url)
        # fsspec takes any failure to ask for the size over HTTP for a missing file, so a size is given.
        unasked = {"block_size": 0, "size": 1} if "http" in fs.protocol else {}
        with fs.open(path, "rb", **unasked) as stream:
            content = bytes(stream.read(most_bytes + 1))
    except FileNotFoundError:
        return None
    except (PermissionError, IsADirectoryError, NotADirectoryError, ValueError, ImportError) as error:
        said = getattr(error, "strerror", None) or error
        raise ConfigError(f"{url} cannot be read ({said}). {fix}") from None
    except Exception as error:
        if not is_of_store(error):
            raise
        raise StoreUnavailableError(f"{url} cannot be read ({type(error).__name__}: {error}).", url=url) from None
    if len(content) > most_bytes:
        raise ConfigError(f"{url} is larger than {most_bytes:,} bytes. Shorten it. {fix}")
    return content


def password_in(url: str) -> str:
    """Return what is wrong with a URL that holds a password, with the fix; empty if it holds none."""
    found = re.search(r"([^:/]*)://[^\s/@]*:[^\s/]*@", url)
    if found is None:
        return ""
    variable = f"FSSPEC_{found[1].upper()}_PASSWORD"
    return f"holds a password, which records and logs would show. Remove it, and set {variable}"


class StateDocument(dict[str, Any]):
    """A JSON object from a store. A missing key raises RecordsError, which names the file as damaged."""

    def __init__(self, values: Mapping[str, Any], url: str) -> None:
        super().__init__(values)
        self.url = url

    def __missing__(self, name: str) -> Any:
        raise _broken(self.url, f"{name} is missing")


def _broken(url: str, why: object) -> RecordsError:
    return RecordsError(f"{url} is broken ({why}). Restore it from a backup.")


class DocumentStore:
    """Documents below one folder, by relative path. A document is seen complete or not at all.

    Whatever the store raises becomes StoreUnavailableError, or RecordsError where a folder, or a link
    to itself, lies in a document's place.

    On a local or mounted file system it is written to a temporary file and renamed; exclusive creation uses a hard
    link, which unlike an exclusive open never leaves an empty document behind. Object stores write whole objects;
    exclusive creation is a conditional put there (If-None-Match on S3, if-generation-match on GCS, If-None-Match on
    Azure).
    """

    def __init__(self, url: str, **storage_options: Any) -> None:
        self.url = url.rstrip("/")
        self._fs, root = opened_store(self.url, **storage_options)
        self._root = root.rstrip("/")
        self._is_local = is_local(self._fs)

    def url_of(self, path: str) -> str:
        """Return the full URL of a document."""
        return f"{self.url}/{path}"

    def put(self, path: str, content: bytes) -> None:
        """Create or replace a document."""
        full = self._full(path)
        with self._answering("written", path):
            if not self._is_local:
                self._fs.pipe_file(full, content)
                return
            with _written_beside(Path(full), content) as temporary:
                temporary.replace(full)

    def create(self, path: str, content: bytes) -> bool:
        """Create a document; return False, and change nothing, if it exists."""
        full = self._full(path)
        with self._answering("written", path):
            if self._is_local:
                return _link_new(Path(full), content)
            try:
                self._fs.pipe_file(full, content, mode="create")
            except OSError as error:
                if not _says_exists(error):
                    raise
                return False
            return True

    def read(self, path: str) -> bytes | None:
        """Return the document; None if it does not exist."""
        with self._answering("read", path):
            try:
                return bytes(self._fs.cat_file(self._full(path)))
            except FileNotFoundError:
                return None

    def document(self, path: str) -> StateDocument | None:
        """Return a JSON object; None if it does not exist, RecordsError if it is damaged."""
        content = self.read(path)
        return None if content is None else self.parsed(path, content)

    def parsed(self, path: str, content: bytes) -> StateDocument:
        """Parse the bytes that were read from `path`, as `document` does."""
        try:
            parsed = json.loads(content)
        except (ValueError, RecursionError):
            parsed = None
        if not isinstance(parsed, dict):
            raise self.broken(path, "it is no JSON object")
        return StateDocument(parsed, self.url_of(path))

    def broken(self, path: str, why: object) -> RecordsError:
        """Return the error for a damaged document."""
        return _broken(self.url_of(path), why)

    def read_all(self, paths: Sequence[str]) -> list[bytes | None]:
        """Read documents concurrently, in the order given; None for missing ones."""
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            return list(pool.map(self.read, paths))

    def exists(self, path: str) -> bool:
        """Return whether a document exists."""
        full = self._full(path)
        with self._answering("read", path):
            self._fs.invalidate_cache(full)
            return bool(self._fs.exists(full))

    def remove(self, path: str) -> None:
        """Remove a document if it exists."""
        with self._answering("removed", path):
            try:
                self._fs.rm_file(self._full(path))
            except FileNotFoundError:
                return

    def remove_all(self, paths: Sequence[str]) -> None:
        """Remove documents concurrently."""
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            list(pool.map(self.remove, paths))

    def names(self, folder: str = "") -> list[str]:
        """Return the names of documents and folders directly below `folder`, sorted."""
        full = self._full(folder).rstrip("/")
        paths = (str(entry).rstrip("/") for entry in self._entries(folder, detail=False))
        names = {path.rpartition("/")[2] for path in paths if path != full}
        return sorted(name for name in names if name and not name.startswith(_HIDDEN))

    def changed(self, folder: str) -> dict[str, datetime | None]:
        """When each document right below `folder` was written; None where the store does not say. One listing."""
        entries = self._entries(folder, detail=True)
        named = {str(entry["name"]).rstrip("/").rpartition("/")[2]: entry for entry in entries}
        return {name: written_at(entry) for name, entry in named.items() if name and not name.startswith(_HIDDEN)}

    def _entries(self, folder: str, *, detail: bool) -> Sequence[Any]:
        """List a folder: full paths, or fsspec's details of them; empty if there is no such folder."""
        full = self._full(folder).rstrip("/")
        with self._answering("listed", folder):
            self._fs.invalidate_cache(full)
            try:
                return list(self._fs.ls(full, detail=detail))
            except (FileNotFoundError, NotADirectoryError):
                return []

    @contextmanager
    def _answering(self, done: str, path: str) -> Iterator[None]:
        """Raise what the store raises with the URL of the document, and how it was to be used."""
        try:
            yield
        except IsADirectoryError:
            raise self.broken(path, "a folder lies in its place") from None
        except Exception as error:  # noqa: BLE001 - stores raise what they like
            if isinstance(error, OSError) and error.errno == errno.ELOOP:
                raise self.broken(path, "it is a link that leads to itself") from None
            reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
            said = without_secrets(printable(str(reason)))
            url = without_secrets(printable(self.url_of(path)))
            raise StoreUnavailableError(f"{url} cannot be {done} ({said}).", url=self.url) from None

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root


def written_at(entry: Mapping[str, Any]) -> datetime | None:
    """Return the time in an entry of fsspec: each store names it as it likes, and in its own form."""
    for name in ("mtime", "LastModified", "last_modified", "updated", "created"):
        value = entry.get(name)
        try:
            if isinstance(value, int | float):
                return datetime.fromtimestamp(value, UTC)
            at = datetime.fromisoformat(value) if isinstance(value, str) else value
        except (ValueError, OSError, OverflowError):
            continue
        if isinstance(at, datetime):
            return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    return None


@contextmanager
def _written_beside(path: Path, content: bytes) -> Iterator[Path]:
    """Yield a temporary file with the content, which is removed at the end unless it was renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=_HIDDEN, suffix=_UNFINISHED, dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _link_new(path: Path, content: bytes) -> bool:
    with _written_beside(path, content) as temporary:
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
    return True


def _says_exists(error: OSError) -> bool:
    """Return whether the error means that the object exists. A 412 does: no other condition is sent.

    gcsfs, adlfs and fsspec itself raise a FileExistsError that has no errno.
    """
    cause = error.__cause__
    response = getattr(cause, "response", None) or {}
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return isinstance(error, FileExistsError) or code in ("PreconditionFailed", "412", "ConditionalRequestConflict")


def json_content(document: Mapping[str, Any]) -> bytes:
    """Return a document as JSON in UTF-8; half a character from an escape stays that escape."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode(errors="backslashreplace")
