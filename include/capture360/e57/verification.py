"""Verification of an E57 file in one pass: the checksum of every page, and the sha256 of the file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import IO

from capture360.e57.checksums import PAGE
from capture360.e57.pages import BLOCK, PageChecker
from capture360.rules.finding import Finding
from capture360.rules.scans import E01

Source = str | PathLike[str] | IO[bytes]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome of reading every page."""

    where: str
    size: int
    pages: int
    bad_pages: int
    first_bad: int | None
    complete: bool
    sha256: str | None

    @property
    def finding(self) -> Finding | None:
        """E01 if a page is damaged or the file ends within one."""
        if self.bad_pages and self.first_bad is not None:
            pages = "page" if self.bad_pages == 1 else "pages"
            message = (
                f"{self.where} is damaged: the checksums of {self.bad_pages:,} of {self.pages:,} {pages} are wrong, "
                f"the first at byte {self.first_bad * PAGE:,}. Copy it again."
            )
            return E01.finding(self.where, self.bad_pages, sentence=message)
        if not self.complete:
            message = f"{self.where} is cut off: {self.size:,} bytes are no whole number of pages. Copy it again."
            return E01.finding(self.where, self.size, sentence=message)
        return None


def verify(
    source: Source, progress: Progress | None = None, where: str | None = None, *, sha256: bool = True
) -> Verification:
    """Check every page's checksum and, unless switched off, compute the sha256, in one pass in blocks.

    `progress` is called with (bytes read, bytes in all) after each block.
    """
    with opened(source, where) as (stream, name):
        size = stream.seek(0, 2)
        stream.seek(0)
        checker, digest, done = PageChecker(), hashlib.sha256() if sha256 else None, 0
        while block := stream.read(BLOCK):
            checker.update(block)
            if digest:
                digest.update(block)
            done += len(block)
            if progress:
                progress(done, size)
        return Verification(
            name,
            done,
            checker.pages,
            checker.bad,
            checker.first_bad,
            checker.complete,
            digest.hexdigest() if digest else None,
        )


@contextmanager
def opened(source: Source, where: str | None = None) -> Iterator[tuple[IO[bytes], str]]:
    """Open a source; yield its stream and its name for messages. A stream that was passed in stays open."""
    if isinstance(source, str | PathLike):
        path = fspath(source)
        name = where or path.rstrip("/").rsplit("/", 1)[-1]
        if ":" not in path:
            with Path(path).expanduser().open("rb") as file:
                yield file, name
            return
        import fsspec

        with fsspec.open(path, "rb") as stream:
            yield stream, name
    else:
        yield source, where or str(getattr(source, "name", "the file")).rsplit("/", 1)[-1]
