"""Recursive listing of a local or mounted folder that never leaves it: links to folders are not followed."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from capture360.errors import BadInputError, StoreUnavailableError
from capture360.landing.local_open import real_path
from capture360.text import is_text, printable

_LINKED_FOLDER = "is a link to a folder, and such links are not followed. Deliver the folder itself"
_BROKEN = "is a link to a file that is not there. Deliver the file itself"
_OUTSIDE = "is a link that leaves the capture folder. Deliver the file itself"
FOLDER_AS_FILE = "folder with the name of a file. Deliver the file"
_SPECIAL = "is neither a file nor a folder. Put the file in its place, or remove it"
_EMPTY_FOLDER = f"is an empty {FOLDER_AS_FILE}"
_FILE = re.compile(r"(?i)\.(?:jpe?g|png|csv|tsv|txt|xlsx|parquet|ya?ml|e57)\Z")
_NO_TEXT = "has a name with line breaks, control characters or bytes that are not UTF-8. Rename it"

_OF_ENTRIES = frozenset({
    errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENAMETOOLONG,
})  # fmt: skip
"""Errors about a file or folder; all others are about the file system."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An entry that is not read, and why. `outside` if reading it would leave the folder.

    `version` changes with the content, of a file that is copied at the moment. `may_hold_files` of a folder, and of
    what may be one.
    """

    path: str
    problem: str
    outside: bool = False
    version: str = ""
    may_hold_files: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file, or a link to one inside the folder.

    `changed` is the time of its content, which copies may keep; `written` is when it came here, in seconds since 1970.
    """

    path: str
    size: int
    changed: float
    written: float


def local_tree(root: str) -> Iterator[Found | LeftOut]:
    """List everything below `root`, by relative path; nothing if it is no folder.

    BadInputError if `root` may not be listed; folders below it that may not are entries that are not read.
    StoreUnavailableError if the file system itself fails, as a mounted one does while its server is away.
    """
    real = os.path.realpath(root)
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            is_empty = True
            with os.scandir(f"{root}/{folder}") as entries:
                for entry in entries:
                    is_empty = False
                    path = f"{folder}/{entry.name}" if folder else entry.name
                    if not is_text(entry.name):
                        yield no_text(path, may_hold_files=entry.is_symlink() or entry.is_dir(follow_symlinks=False))
                    elif entry.is_dir(follow_symlinks=False):
                        folders.append(path)
                    else:
                        yield _found(entry, path, real)
            if is_empty and _FILE.search(folder):
                yield LeftOut(folder, _EMPTY_FOLDER)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            _refuse_outage(root, error)
            problem = f"cannot be listed ({error.strerror}). Let the reader of the landing zone read it"
            if not folder:
                raise BadInputError(f"{printable(root)} {problem}.") from None
            yield LeftOut(folder, problem, may_hold_files=True)


def no_text(path: str, *, may_hold_files: bool = False) -> LeftOut:
    """Return the entry of a file or folder whose name is no plain text, by its escaped path."""
    return LeftOut(printable(path), _NO_TEXT, may_hold_files=may_hold_files)


def _refuse_outage(root: str, error: OSError) -> None:
    """Raise StoreUnavailableError unless an entry is at fault: what does not answer may hold a sound delivery."""
    if error.errno not in _OF_ENTRIES:
        raise StoreUnavailableError(f"{printable(root)} cannot be listed ({error.strerror}).") from None


def _found(entry: os.DirEntry[str], path: str, root: str) -> Found | LeftOut:
    try:
        seen = entry.stat()
    except OSError as error:
        _refuse_outage(root, error)
        if entry.is_symlink():
            return LeftOut(path, _BROKEN, may_hold_files=True)
        problem = f"cannot be looked at ({error.strerror}). Copy it again"
        return LeftOut(path, problem, may_hold_files=True)
    if stat.S_ISDIR(seen.st_mode):
        return LeftOut(path, _LINKED_FOLDER, may_hold_files=True)
    if entry.is_symlink() and not real_path(entry.path).is_relative_to(root):
        return LeftOut(path, _OUTSIDE, outside=True)
    if not stat.S_ISREG(seen.st_mode):
        return LeftOut(path, _SPECIAL)
    return Found(path, seen.st_size, seen.st_mtime, seen.st_ctime)
