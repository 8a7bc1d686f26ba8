"""Opening a file of a local folder so that what is judged is what is read.

A name can be given to something else between looking at it and opening it. So every part of the path is opened without
following links, the file without waiting for the other end of a pipe, and the open file itself says what it is.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import IO


class OtherFileError(Exception):
    """What stands under the name is no file of the folder; the text says what it is and what to do."""


def open_once(root: str, path: str) -> IO[bytes]:
    """The file at `path` below `root`, or where a link there leads inside the folder.

    FileNotFoundError, PermissionError and IsADirectoryError as `open` has them; OtherFileError for links out of the
    folder, and for pipes, sockets and devices.
    """
    top = Path(root).resolve()
    real = Path(root, path).resolve()
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
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise OtherFileError("was replaced by a link or a device while it was read. Deliver it again") from None
        raise
    finally:
        with suppress(OSError):
            os.close(at)
    kind = os.fstat(handle).st_mode
    if stat.S_ISREG(kind):
        return os.fdopen(handle, "rb")
    os.close(handle)
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise OtherFileError("is neither a file nor a folder. Remove it")
