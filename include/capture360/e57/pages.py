"""The page layer of an E57 file (ASTM E2807 section 7): 1020 bytes of payload and a CRC32C, 1024 bytes a page.

Offsets in the file are *physical* (checksums counted), lengths are *logical* (without them). The checksum is CRC-32C
(Castagnoli), stored big-endian, unlike every other number in the file.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np
from typing_extensions import override

from capture360 import lfs
from capture360.e57.checksums import PAGE, PAYLOAD, wrong_pages
from capture360.errors import BadInputError
from capture360.streams import Window

SIGNATURE = b"ASTM-E57"
BLOCK = 1024 * PAGE
"""Bytes read at a time; bounds the memory of everything that streams."""
_HEADER = struct.Struct("<8sIIQQQQ")


class E57Error(BadInputError):
    """The file is no E57, cut off, or damaged."""


class DamagedError(E57Error):
    """The checksum of a page is wrong."""


@dataclass(frozen=True, slots=True)
class Header:
    """The 48 bytes at the start. Length and XML offset are physical, the XML length is logical."""

    length: int
    xml_offset: int
    xml_length: int


class PageChecker:
    """Incremental check of pages, fed with pieces of any size, for passes that also upload or hash the file."""

    def __init__(self) -> None:
        self.pages = 0
        self.bad = 0
        self.first_bad: int | None = None
        self._rest = b""

    def update(self, data: bytes) -> None:
        """Check the next bytes of the file."""
        if self._rest:
            data = self._rest + data
        whole = len(data) - len(data) % PAGE
        self._rest = data[whole:]
        if not whole:
            return
        wrong = wrong_pages(data[:whole])
        if wrong.size:
            self.bad += int(wrong.size)
            if self.first_bad is None:
                self.first_bad = self.pages + int(wrong[0])
        self.pages += whole // PAGE

    @property
    def complete(self) -> bool:
        """Whether the bytes so far end at a page boundary."""
        return not self._rest


class PagedFile:
    """Logical view of an E57 file over any seekable binary stream; every page that is read is checked."""

    def __init__(self, stream: IO[bytes], where: str) -> None:
        self.where = where
        self._stream = stream
        self.size = stream.seek(0, io.SEEK_END)
        self.header = self._read_header()

    def _read_header(self) -> Header:
        self._stream.seek(0)
        start = self._stream.read(PAGE)
        if not start:
            raise E57Error(f"{self.where} is empty. Was the transfer broken? Copy it again.")
        if start[:8] != SIGNATURE[: len(start)]:
            if start.startswith(lfs.POINTER):
                raise E57Error(f"{self.where} is no E57 file: it is {lfs.WHAT}. {lfs.FETCH}")
            raise E57Error(
                f"{self.where} is no E57 file: it starts with {start[:8].hex(' ')}, not with ASTM-E57. "
                "Export it as E57."
            )
        if len(start) < PAGE:
            raise E57Error(
                f"{self.where} is cut off: it has {self.size:,} bytes, not even one page of {PAGE:,}. Copy it again."
            )
        _, major, minor, length, xml_offset, xml_length, page_size = _HEADER.unpack_from(start)
        header = Header(length, xml_offset, xml_length)
        if major != 1:
            raise E57Error(f"{self.where} is E57 version {major}.{minor}; only version 1 is known. Export it again.")
        if page_size != PAGE:
            raise E57Error(f"{self.where} has pages of {page_size:,} bytes, not {PAGE:,}. Export it again.")
        self._check(start, 0)
        if length != self.size:
            state = "is cut off" if length > self.size else "is longer than it should be"
            raise E57Error(
                f"{self.where} {state}: header says {length:,} bytes, file has {self.size:,}. Copy it again."
            )
        if self.size % PAGE:
            raise E57Error(f"{self.where} has {self.size:,} bytes, no whole number of pages. Copy it again.")
        if not xml_length or not self.fits(xml_offset, xml_length):
            raise E57Error(f"{self.where}: its XML section lies outside the file. Export it again.")
        return header

    def fits(self, offset: int, length: int) -> bool:
        """Whether `length` logical bytes from the physical `offset` lie inside the file, none of them a checksum."""
        page, inside = divmod(offset, PAGE)
        if offset < 0 or length < 0 or inside >= PAYLOAD:
            return False
        pages = -(-(inside + length) // PAYLOAD)
        return (page + pages) * PAGE <= self.size

    def blocks(self, offset: int, length: int) -> Iterator[bytes]:
        """`length` logical bytes from the physical `offset`, at most a block at a time; E57Error at a bad checksum."""
        if not self.fits(offset, length):
            raise E57Error(f"{self.where}: bytes {offset:,} and on lie outside the file. Export it again.")
        page, skip = divmod(offset, PAGE)
        left = length
        while left:
            pages = min(BLOCK // PAGE, -(-(skip + left) // PAYLOAD))
            self._stream.seek(page * PAGE)
            data = self._stream.read(pages * PAGE)
            if len(data) < pages * PAGE:
                raise E57Error(f"{self.where} became shorter while it was read. Copy it again.")
            self._check(data, page)
            payload = np.frombuffer(data, np.uint8).reshape(-1, PAGE)[:, :PAYLOAD].tobytes()
            piece = payload[skip : skip + left]
            yield piece
            left -= len(piece)
            page, skip = page + pages, 0

    def open(self, offset: int, length: int) -> io.BufferedReader:
        """The same bytes as a seekable stream that reads what is asked for."""
        return io.BufferedReader(_Section(self, offset, length), buffer_size=4 * PAYLOAD)

    def _check(self, data: bytes, first_page: int) -> None:
        checker = PageChecker()
        checker.update(data)
        if checker.first_bad is not None:
            page = first_page + checker.first_bad
            raise DamagedError(
                f"{self.where} is damaged: the checksum of page {page:,} (byte {page * PAGE:,}) is wrong. "
                "Copy it again."
            )


class _Section(Window):
    def __init__(self, file: PagedFile, offset: int, length: int) -> None:
        super().__init__(length)
        page, inside = divmod(offset, PAGE)
        self._file = file
        self._start = page * PAYLOAD + inside

    @override
    def _read_at(self, position: int, count: int) -> bytes:
        page, inside = divmod(self._start + position, PAYLOAD)
        return next(self._file.blocks(page * PAGE + inside, count))
