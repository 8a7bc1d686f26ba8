"""The base of binary streams that read through another one."""

from __future__ import annotations

import io
import os
from typing import IO

from typing_extensions import override


class StreamOver(io.RawIOBase):
    """Seekable stream at the position of another one, which a subclass reads. Closing it leaves the other open."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True

    @override
    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return self._stream.seek(offset, whence)

    @override
    def tell(self) -> int:
        return self._stream.tell()
