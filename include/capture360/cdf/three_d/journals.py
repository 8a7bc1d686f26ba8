"""Unfinished uploads, kept on this machine so that a killed upload goes on with the parts that are missing."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, FiniteFloat, TypeAdapter, ValidationError

from capture360.errors import BadInputError, ConfigError
from capture360.text import digest_of

MIB = 1024 * 1024
MIN_PART = 16 * MIB
_MAX_PARTS = 250
_MAX_PART = 4000 * MIB
_LINKS_LIVE_S = 6 * 86400.0


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
    done: tuple[tuple[int, int], ...] = ()
    """Number of each part that was sent, and the CRC32C of what was sent."""


_SESSION = TypeAdapter(UploadSession)


def part_size_of(file: LargeFile) -> int:
    """Return the bytes of every part but the last; BadInputError if the file exceeds CDF's limits."""
    part_size = max(MIN_PART, -(-file.size // _MAX_PARTS // MIB) * MIB)
    if part_size > _MAX_PART:
        most = _MAX_PARTS * _MAX_PART // (1024 * MIB)
        raise BadInputError(f"{file.name} is larger than CDF accepts ({most} GiB). Export it in several files.")
    return part_size


def parts_of(file: LargeFile, part_size: int) -> int:
    """Return the number of parts."""
    return max(1, -(-file.size // part_size))


class UploadJournals:
    """Unfinished uploads, one file each, readable by this user only.

    `target` says which project, and which space of it, they go to: links of one are of no use for another.
    """

    def __init__(self, folder: Path, *target: str) -> None:
        self._folder = folder
        self._target = digest_of(target)

    def load(self, file: LargeFile) -> UploadSession | None:
        """Return the session of the same content, unless its links have expired."""
        self._checked_folder()
        try:
            session = _SESSION.validate_json(self._path(file).read_bytes(), strict=True)
        except (OSError, ValidationError):
            return None
        fresh = 0 <= time.time() - session.started < _LINKS_LIVE_S
        part_size = part_size_of(file)
        parts = parts_of(file, part_size)
        whole = session.part_size == part_size and len(session.links) == parts
        whole = whole and all(0 <= part < parts for part, _ in session.done)
        return session if fresh and whole and session.sha256 == file.sha256 else None

    def save(self, file: LargeFile, session: UploadSession) -> None:
        """Keep the session of a file; a kill leaves the old one or the new one."""
        self._checked_folder()
        path = self._path(file)
        half = path.with_suffix(".half")
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            json.dump(asdict(session), stream)
        half.replace(path)

    def _checked_folder(self) -> None:
        """Create the private folder; ConfigError if another user owns it or can read or write it, or it is none."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            owner = self._folder.lstat()
        except (FileExistsError, NotADirectoryError):
            found = next(each for each in (self._folder, *self._folder.parents) if each.is_symlink() or each.exists())
            raise ConfigError(f"{found} is no folder. Remove it.") from None
        if owner.st_uid != os.getuid() or owner.st_mode & 0o077:
            raise ConfigError(f"{self._folder} can be read by others. Remove it, or make it private (chmod 700).")

    def forget(self, file: LargeFile) -> None:
        """Remove the session of a file, if there is one."""
        self._path(file).unlink(missing_ok=True)

    def _path(self, file: LargeFile) -> Path:
        return self._folder / f"{file.external_id}-{self._target}.json"
