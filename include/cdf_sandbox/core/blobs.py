"""File contents on disk, each written completely under a new name or not at all."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_COPY_CHUNK = 1024 * 1024


class Blobs:
    """A folder of immutable blobs; a blob stays in `incoming` until it is written completely."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        """Return the path of the blob called `name`."""
        return self._root / name[:2] / name

    @contextmanager
    def incoming(self) -> Iterator[tuple[str, BinaryIO]]:
        """Open a stream to write a blob to, and its later name; if the block raises, nothing is kept."""
        name = uuid.uuid4().hex
        temporary = self._incoming / name
        try:
            with temporary.open("wb") as stream:
                yield name, stream
                stream.flush()
                os.fsync(stream.fileno())
            target = self.path(name)
            target.parent.mkdir(exist_ok=True)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)

    def join(self, names: Iterable[str]) -> str:
        """Create a blob from the contents of `names`, concatenated; return its name."""
        with self.incoming() as (joined, stream):
            for name in names:
                with self.path(name).open("rb") as part:
                    shutil.copyfileobj(part, stream, _COPY_CHUNK)
        return joined

    def put(self, content: bytes) -> str:
        """Create a blob with `content`; return its name."""
        with self.incoming() as (name, stream):
            stream.write(content)
        return name

    @contextmanager
    def unless_failed(self) -> Iterator[Callable[[bytes], str]]:
        """Yield `put` for blobs that are removed again if the block raises."""
        made: list[str] = []

        def put(content: bytes) -> str:
            made.append(self.put(content))
            return made[-1]

        try:
            yield put
        except BaseException:
            self.remove(made)
            raise

    def remove(self, names: Iterable[str]) -> None:
        """Remove blobs that nothing refers to; readers that have opened them can still read."""
        for name in names:
            self.path(name).unlink(missing_ok=True)

    def remove_orphans(self, referenced: set[str]) -> None:
        """Remove the leftovers of a killed process: unfinished blobs and those that no row refers to."""
        for leftover in self._incoming.iterdir():
            leftover.unlink()
        for blob in self._root.glob("??/*"):
            if blob.name not in referenced:
                blob.unlink()
