"""Small documents on any fsspec store: written whole or not at all, created exclusively, listed without caches."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fsspec

from capture360.errors import ConfigError, RecordsError

_HIDDEN = "."
_SIDE_BY_SIDE = 16


def opened_store(url: str, **storage_options: Any) -> tuple[Any, str]:
    """The fsspec file system of a URL, and the path in it; ConfigError if there is no such kind of store here."""
    try:
        found: tuple[Any, str] = fsspec.core.url_to_fs(url, **storage_options)
    except (ValueError, ImportError) as error:
        raise ConfigError(f"{url} lies in no store that is known here: {error}.") from None
    return found


class StateDocument(dict[str, Any]):
    """A JSON object that we wrote once. A key that is missing now is an error about the file, not about the code."""

    def __init__(self, values: Mapping[str, Any], url: str) -> None:
        super().__init__(values)
        self.url = url

    def __missing__(self, name: str) -> Any:
        raise _broken(self.url, f"{name} is missing")


def _broken(url: str, why: object) -> RecordsError:
    return RecordsError(f"{url} is broken ({why}). Restore it from a backup.")


class DocumentStore:
    """Documents below one folder, by relative path. A document is seen complete or not at all.

    On a local or mounted file system that is a temporary file and a rename (a hard link for exclusive creation, which
    unlike an exclusive open never leaves an empty document behind). Object stores put whole objects anyway; exclusive
    creation is there a conditional put (If-None-Match on S3, if-generation-match on GCS, If-None-Match on Azure).
    """

    def __init__(self, url: str, **storage_options: Any) -> None:
        self.url = url.rstrip("/")
        self._fs, root = opened_store(self.url, **storage_options)
        self._root = root.rstrip("/")
        protocol = self._fs.protocol
        self._is_local = "file" in ((protocol,) if isinstance(protocol, str) else protocol)

    def url_of(self, path: str) -> str:
        """The full URL of a document, for people and links."""
        return f"{self.url}/{path}"

    def put(self, path: str, content: bytes) -> None:
        """Create or replace a document."""
        full = self._full(path)
        if not self._is_local:
            self._fs.pipe_file(full, content)
            return
        temporary = _written_beside(Path(full), content)
        try:
            temporary.replace(full)
        finally:
            temporary.unlink(missing_ok=True)

    def create(self, path: str, content: bytes) -> bool:
        """Create a document; False, and nothing changed, if it is there already."""
        full = self._full(path)
        try:
            if self._is_local:
                _link_new(Path(full), content)
            else:
                self._fs.pipe_file(full, content, mode="create")
        except FileExistsError:
            return False
        except OSError as error:
            if _says_exists(error):
                return False
            raise
        return True

    def read(self, path: str) -> bytes | None:
        """The document; None if it is not there."""
        try:
            return bytes(self._fs.cat_file(self._full(path)))
        except FileNotFoundError:
            return None

    def document(self, path: str) -> StateDocument | None:
        """A JSON object of ours; None if it is not there, RecordsError with the one sentence if it is damaged."""
        content = self.read(path)
        return None if content is None else self.parsed(path, content)

    def parsed(self, path: str, content: bytes) -> StateDocument:
        """What `document` makes of the bytes that were read from `path`."""
        try:
            parsed = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise self.broken(path, error) from None
        if not isinstance(parsed, dict):
            raise self.broken(path, "it is no JSON object")
        return StateDocument(parsed, self.url_of(path))

    def broken(self, path: str, why: object) -> RecordsError:
        """The error about a document of ours that nobody can use as it is."""
        return _broken(self.url_of(path), why)

    def read_all(self, paths: Sequence[str]) -> list[bytes | None]:
        """Documents side by side, in the order named; None for those that are not there."""
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            return list(pool.map(self.read, paths))

    def exists(self, path: str) -> bool:
        full = self._full(path)
        self._fs.invalidate_cache(full)
        return bool(self._fs.exists(full))

    def remove(self, path: str) -> None:
        """Remove a document; nothing happens if it is not there."""
        try:
            self._fs.rm_file(self._full(path))
        except FileNotFoundError:
            return

    def names(self, folder: str = "") -> list[str]:
        """Names of the documents and folders right below `folder`, sorted."""
        full = self._full(folder).rstrip("/")
        self._fs.invalidate_cache(full)
        try:
            entries = self._fs.ls(full, detail=False)
        except (FileNotFoundError, NotADirectoryError):
            return []
        names = {str(entry).rstrip("/").rpartition("/")[2] for entry in entries if str(entry).rstrip("/") != full}
        return sorted(name for name in names if name and not name.startswith(_HIDDEN))

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root


def _written_beside(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=_HIDDEN, suffix=".tmp", dir=path.parent)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    return Path(name)


def _link_new(path: Path, content: bytes) -> None:
    temporary = _written_beside(path, content)
    try:
        os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _says_exists(error: OSError) -> bool:
    """Stores that answer 412 without saying to which condition: the only one we send is "must not exist"."""
    cause = error.__cause__
    response = getattr(cause, "response", None) or {}
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return error.errno == errno.EEXIST or code in ("PreconditionFailed", "412", "ConditionalRequestConflict")
