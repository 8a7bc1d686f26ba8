"""Bases of seekable binary streams that read through something else."""

from __future__ import annotations

import io
import os
from abc import ABC, abstractmethod
from typing import IO, TYPE_CHECKING

from typing_extensions import override

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class _Seekable(io.RawIOBase):
    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True


class StreamOver(_Seekable):
    """Stream at the position of another one, which a subclass reads. Closing it leaves the other open."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    @override
    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return self._stream.seek(offset, whence)


class Window(_Seekable, ABC):
    """Stream of `size` bytes within something larger."""

    def __init__(self, size: int) -> None:
        self._size, self._at = size, 0

    @abstractmethod
    def _read_at(self, position: int, count: int) -> bytes:
        """Return at least one and at most `count` bytes from a position in the window; fewer only at a broken end."""

    @override
    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    @override
    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        count = min(len(view), self._size - self._at)
        block = self._read_at(self._at, count) if count > 0 else b""
        view[: len(block)] = block
        self._at += len(block)
        return len(block)
