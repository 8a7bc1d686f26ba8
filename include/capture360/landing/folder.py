"""Read-only view of one capture's folder, which no path can leave."""

from __future__ import annotations

import io
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any

from typing_extensions import override

from capture360.errors import BadInputError, StoreUnavailableError
from capture360.landing.local_open import OtherFileError, open_once, real_path
from capture360.landing.tree import Found, LeftOut, local_tree, no_text
from capture360.store import is_local, is_of_store, opened_store, written_at
from capture360.streams import StreamOver
from capture360.text import is_text, printable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

IGNORED_NAMES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini"})
_COMPANIONS = frozenset({
    "__macosx", "@eadir", "@recycle", "@recently-snapshot", "#recycle", "#snapshot", "~snapshot", "$recycle.bin",
    "system volume information",
})  # fmt: skip
"""Folders that systems and storage devices lay beside what people deliver: companions, thumbnails, deleted files."""
_OF_VOLUMES = frozenset({"lost+found", "found.000"})
"""Those at the top of a volume whose names people may give to an area or a station further down."""
UNFINISHED_SUFFIXES = (
    ".tmp", ".temp", ".part", ".partial", ".crdownload", ".filepart", ".download", ".opdownload", ".fdmdownload",
    ".aria2", ".!ut", ".!qb", ".uploading", ".inprogress", ".incomplete", ".unfinished",
)  # fmt: skip
"""How browsers and programs for copying name a file until they have all of it."""
_UNFINISHED = re.compile(
    r"\..+\.(?:jpe?g|png|csv|tsv|txt|xlsx|parquet|ya?ml|json|e57|zip)\.[A-Za-z0-9]{6}", re.IGNORECASE
)
"""As rsync names it."""
_TEMPORARY = re.compile(r"(?:~[^$].*|.+\.(?:tmp|temp|part|partial))\.e57", re.IGNORECASE)
"""As programs name a scan while they write it: of pictures and tables one cannot tell."""
_UNENDED = "is a copy that did not end. Copy it again, and remove what is left of it"
_NO_PATH = "has a key with an empty part, which is no path of a file. Rename it"
_LONGEST_PATH = 4_096
"""Characters: PATH_MAX of Linux, four times that of a key of S3."""
MOST_FILES = 2_000_000
"""Paths are held in memory; a capture of a million faces is within the limit."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of the folder: relative path, size in bytes, and a version that changes with the content.

    `written` is when it came here in seconds since 1970, 0 if the store does not say.
    """

    path: str
    size: int
    version: str
    written: float = 0.0


@dataclass(frozen=True, slots=True)
class _Hidden:
    """A file at the folder's top that is not part of the delivery."""

    name: str
    written: float


class OutsideError(BadInputError):
    """A path leaves the capture folder; `problem` states how, and the fix."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f'"{printable(path)}" {problem}.')
        self.problem = problem


class CaptureFolder:
    """Read-only access to the files below one folder of an fsspec store. Paths are relative, with forward slashes.

    On local and mounted file systems links to folders are not followed, and links out of the folder are not read.
    """

    def __init__(self, url: str, *, most_files: int = MOST_FILES, **storage_options: Any) -> None:
        self.url = url.rstrip("/")
        self._most_files = most_files
        self._fs, self._root = opened_store(self.url, **storage_options)
        self._root = self._root.rstrip("/")
        self._is_local = is_local(self._fs)

    @property
    def name(self) -> str:
        """The folder's own name, printable."""
        return printable(posixpath.basename(self._root))

    @property
    def files(self) -> Sequence[FileEntry]:
        """All files, sorted by path; hidden, half-copied and system files left out. Listed once.

        BadInputError if the folder cannot be listed or holds too many files.
        """
        return self._listing[0]

    @property
    def left_out(self) -> Sequence[LeftOut]:
        """Entries that are not read, sorted by path: links out of the folder, and folders without permission."""
        return self._listing[1]

    @property
    def hidden(self) -> Mapping[str, float]:
        """Names at the folder's top that are not part of the delivery, and when each was written.

        One may be its ready file.
        """
        return self._listing[2]

    @cached_property
    def _listing(self) -> tuple[Sequence[FileEntry], Sequence[LeftOut], Mapping[str, float]]:
        files: list[FileEntry] = []
        left_out: list[LeftOut] = []
        hidden: dict[str, float] = {}
        for number, entry in enumerate(self._walk()):
            if number >= self._most_files:
                raise BadInputError(
                    f"{self.url} holds more than {self._most_files:,} files. Deliver the capture by level or area."
                )
            if isinstance(entry, _Hidden):
                hidden[entry.name] = entry.written
            elif isinstance(entry, LeftOut):
                left_out.append(entry)
            else:
                files.append(entry)
        by_path = tuple(sorted(files, key=lambda file: file.path))
        return by_path, tuple(sorted(left_out, key=lambda each: each.path)), hidden

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Size in bytes by path."""
        return {entry.path: entry.size for entry in self.files}

    def _walk(self) -> Iterator[FileEntry | LeftOut | _Hidden]:
        """Yield files, entries that are not read, and ignored files at the folder's top."""
        for found in local_tree(self._root) if self._is_local else self._stored():
            entry = _entry(found) if isinstance(found, Found) else found
            if is_unfinished(entry.path):
                version = f"{entry.size} {entry.version}" if isinstance(entry, FileEntry) else ""
                yield LeftOut(entry.path, _UNENDED, version=version)
            if is_ignored(entry.path):
                if "/" not in entry.path and isinstance(entry, FileEntry):
                    yield _Hidden(entry.path, entry.written)
            else:
                yield entry

    def _stored(self) -> Iterator[FileEntry | LeftOut]:
        """Yield the objects below the folder. A key is any text; one that is no path would stand for another file."""
        for full, info in self._objects():
            path = full[len(self._root) :].removeprefix("/")
            size = int(info.get("size") or 0)
            if not is_text(path):
                yield no_text(path)
            elif size == 0 and _is_placeholder(path):
                continue
            elif "" in path.split("/"):
                yield LeftOut(path or "/", _NO_PATH)
            else:
                when = written_at(info)
                yield FileEntry(path, size, _version(info), when.timestamp() if when else 0.0)

    def _objects(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield keys and properties of the objects: on S3 page by page, so that the limit ends the listing."""
        list_page = getattr(self._fs, "call_s3", None)
        if list_page is None:
            with store_errors(self.url, "listed"):
                found = self._fs.find(self._root, detail=True)
            yield from found.items()
            return
        bucket, folder, _ = self._fs.split_path(self._root)
        more = {"Bucket": bucket, "Prefix": f"{folder}/" if folder else ""}
        while more:
            with store_errors(self.url, "listed"):
                page = list_page("list_objects_v2", **more, **self._fs.req_kw)
            yield from (
                (f"{bucket}/{each['Key']}", {**each, "size": each["Size"]}) for each in page.get("Contents", ())
            )
            more = {**more, "ContinuationToken": page["NextContinuationToken"]} if page.get("IsTruncated") else {}

    def resolve(self, path: str) -> str:
        """`path` normalised; OutsideError if it is absolute or too long, leaves the folder, or goes through a link out.

        A listed path is returned unchanged, since file names may contain colons and backslashes.
        """
        clean = self._normalised(path)
        if self._is_local and not real_path(self._root, clean).is_relative_to(real_path(self._root)):
            raise OutsideError(path, "is a link that leaves the capture folder. Deliver the file itself")
        return clean

    def _normalised(self, path: str) -> str:
        """`path` normalised as text, links not followed; OutsideError as of `resolve`."""
        is_listed = path in self.sizes
        if not is_listed and len(path) > _LONGEST_PATH:  # each of its parts would be looked for
            raise OutsideError(path, "is longer than the path of any file. Correct it")
        clean = path if is_listed else posixpath.normpath(path.replace("\\", "/"))
        leaves = not path or clean.startswith(("/", "..")) or ":" in clean.split("/")[0] or "\x00" in clean
        if leaves and not is_listed:
            raise OutsideError(path, "points outside the capture folder. Name files relative to capture.yaml")
        return clean

    def exists(self, path: str) -> bool:
        """Return whether the file can be opened; False for a path or a link that leaves the folder."""
        return path in self.sizes or posixpath.normpath(path.replace("\\", "/")) in self.sizes

    @contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        """Open a file as a seekable binary stream; FileNotFoundError or PermissionError if that is not possible.

        Both have the relative path as `filename`. StoreUnavailableError for whatever else a store or a mounted file
        system raises, while it is read as well: an outage is no fault of the delivery.
        """
        clean = self._normalised(path)  # open_once follows links, and refuses those that leave the folder
        url = f"{self.url}/{clean}"
        if not self._is_local:
            with store_errors(url, "read", clean):
                stored = self._fs.open(f"{self._root}/{clean}", "rb")
            with stored, io.BufferedReader(_StoredFile(stored, url, clean)) as buffered:
                yield buffered
            return
        try:
            with store_errors(url, "read", clean):
                opened = open_once(self._root, clean, lambda handle, mode: _MountedFile(handle, mode, url, clean))
        except OtherFileError as error:
            raise OutsideError(path, str(error)) from None
        with opened as stream:
            yield stream

    def read(self, path: str, limit: int | None = None) -> bytes:
        """Read the file, or its first `limit` bytes."""
        with self.open(path) as stream:
            return bytes(stream.read() if limit is None else stream.read(limit))


class _StoredFile(StreamOver):
    """A file of an object store. Its errors are not those of the content, which readers take for damage."""

    def __init__(self, stream: IO[bytes], url: str, path: str) -> None:
        super().__init__(stream)
        self._url, self._path = url, path

    @override
    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        with store_errors(self._url, "read", self._path):
            block = self._stream.read(len(view))
        view[: len(block)] = block
        return len(block)


class _MountedFile(io.FileIO):
    """A file of a local or mounted file system, whose errors are not those of the content either."""

    def __init__(self, handle: int, mode: str, url: str, path: str) -> None:
        super().__init__(handle, mode)
        self._url, self._path = url, path

    @override
    def readinto(self, buffer: WriteableBuffer, /) -> int:
        with store_errors(self._url, "read", self._path):
            return super().readinto(buffer)

    @override
    def readall(self) -> bytes:
        with store_errors(self._url, "read", self._path):
            return super().readall()


@contextmanager
def store_errors(url: str, done: str, path: str = "") -> Iterator[None]:
    """Raise what an object store raises as StoreUnavailableError; errors about one file, with its path, pass."""
    try:
        yield
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise _renamed(error, path) from None
    except Exception as error:
        if not is_of_store(error):
            raise
        said = printable(str(getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"))
        raise StoreUnavailableError(f"{url} cannot be {done} ({said}).", url=url) from None


def _renamed(error: OSError, path: str) -> OSError:
    return type(error)(error.errno, error.strerror or "not there to be read", path)


def is_ignored(path: str) -> bool:
    """Return whether a path is ignored: hidden, half-copied, or a companion file of an operating system."""
    name = posixpath.basename(path)
    return _is_hidden(path) or name.casefold() in IGNORED_NAMES or _is_temporary(name)


def is_unfinished(path: str) -> bool:
    """Return whether a path is named as programs name a file of the delivery while they copy it."""
    folder, name = posixpath.split(path)
    is_named_so = _is_temporary(name) or _UNFINISHED.fullmatch(name) is not None
    return is_named_so and not name.startswith("~$") and not _is_hidden(folder)


def _is_temporary(name: str) -> bool:
    return name.lower().endswith(UNFINISHED_SUFFIXES) or _TEMPORARY.fullmatch(name) is not None


def _is_hidden(path: str) -> bool:
    parts = path.casefold().split("/")
    return parts[0] in _OF_VOLUMES or any(part.startswith((".", "~$")) or part in _COMPANIONS for part in parts)


def _is_placeholder(path: str) -> bool:
    """Return whether an empty object stands for a folder, as consoles of object stores make it."""
    return not path or (path.endswith("/") and "" not in path[:-1].split("/"))


def _entry(found: Found) -> FileEntry:
    return FileEntry(found.path, found.size, str(found.changed), found.written)


def _version(info: Mapping[str, Any]) -> str:
    """Return a text that changes with the content. Each store names it differently."""
    for name in ("ETag", "etag", "md5Hash", "content_md5", "mtime", "LastModified", "last_modified", "updated"):
        if info.get(name):
            return str(info[name])
    return ""
