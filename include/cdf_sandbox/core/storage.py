"""The SQLite database of a sandbox: many readers, one writer, one transaction per mutating request.

The journal is a write-ahead log with `synchronous=NORMAL`: a commit reaches the operating system before it is
acknowledged, so a killed process loses nothing. A power failure can lose the last commits, which a sandbox accepts.
"""

import queue
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cdf_sandbox.core.geo_relations import related


class OtherVersion(Exception):
    """A database was made by a sandbox with other tables."""


class Storage:
    """Connections to one database; `ddl` are scripts of `CREATE ... IF NOT EXISTS` statements, one per service.

    Raises OtherVersion for a database whose tables come from other scripts.
    """

    def __init__(self, path: Path, ddl: Iterable[str]) -> None:
        self._path = path
        self._write_lock = threading.Lock()
        self._readers: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = self._connect()
        self._writer.execute("PRAGMA journal_mode = WAL")
        self._make_tables(list(ddl))

    def _make_tables(self, ddl: Sequence[str]) -> None:
        version = zlib.crc32("\n".join(ddl).encode()) >> 1  # SQLite keeps 32 bits with a sign
        is_new = self._writer.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
        if not is_new and self._writer.execute("PRAGMA user_version").fetchone()[0] != version:
            self._writer.close()
            raise OtherVersion(self._path)
        for script in ddl:
            self._writer.executescript(script)
        self._writer.execute(f"PRAGMA user_version = {version}")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.create_function("geo_related", 3, related, deterministic=True)
        return connection

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one consistent state for the length of the block."""
        try:
            connection = self._readers.get_nowait()
        except queue.Empty:
            connection = self._connect()
            connection.execute("PRAGMA query_only = ON")
        try:
            connection.execute("BEGIN")
            yield connection
        finally:
            connection.rollback()
            self._readers.put(connection)

    @contextmanager
    def write(self, on_commit: Callable[[int], None] | None = None) -> Iterator[sqlite3.Connection]:
        """The one writing connection: committed when the block ends, rolled back when the block or the commit fails.

        `on_commit` receives the number of rows that the block changed. Not reentrant: pass the connection on.
        """
        with self._write_lock:
            before = self._writer.total_changes
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                self._writer.rollback()
                raise
            changed = self._writer.total_changes - before
        if on_commit is not None:
            on_commit(changed)

    def close(self) -> None:
        """Close every connection."""
        while not self._readers.empty():
            self._readers.get_nowait().close()
        self._writer.close()
