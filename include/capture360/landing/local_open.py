"""Opening of files in a local folder without races between check and use.

An entry can be replaced between check and use. So every part of the path is opened without following links, the file
without blocking on a pipe, and the type is taken from the open file.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


class OtherFileError(Exception):
    """The entry is no regular file of the folder; the text states what it is, and the fix."""


def real_path(*parts: str) -> Path:
    """Return the path with all links followed as far as they lead; a link in a circle is left as it is."""
    return Path(os.path.realpath(Path(*parts)))  # Path.resolve raises for circles before Python 3.13


def open_once(root: str, path: str, opened: Callable[[int, str], io.FileIO] = io.FileIO) -> io.BufferedReader:
    """Open the file at `path` below `root`, or the target of a link inside the folder.

    FileNotFoundError, PermissionError and IsADirectoryError as of `open`; OtherFileError for links out of the folder,
    pipes, sockets and devices. `opened` makes the stream of a descriptor.
    """
    top, real = real_path(root), real_path(root, path)
    if not real.is_relative_to(top):
        raise OtherFileError("is a link that leaves the capture folder. Deliver the file itself")
    *folders, name = real.relative_to(top).parts or (".",)
    at = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder in folders:
            inner = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            os.close(at)
            at = inner
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
    except NotADirectoryError as error:
        raise FileNotFoundError(errno.ENOENT, error.strerror, path) from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise FileNotFoundError(errno.ENOENT, error.strerror, path) from None
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise OtherFileError("was replaced by a link or a device while it was read. Deliver it again") from None
        raise
    finally:
        with suppress(OSError):
            os.close(at)
    kind = os.fstat(handle).st_mode
    if stat.S_ISREG(kind):
        return io.BufferedReader(opened(handle, "rb"))
    os.close(handle)
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise OtherFileError("is neither a file nor a folder. Put the file in its place, or remove it")
