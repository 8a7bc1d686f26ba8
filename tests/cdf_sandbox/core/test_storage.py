"""Transactions: a commit that fails is rolled back, and the storage can be written to afterwards."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from cdf_sandbox.core.storage import OtherVersion, Storage

DDL = """
CREATE TABLE parents (id INTEGER PRIMARY KEY);
CREATE TABLE children (parent INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
"""


def test_a_commit_that_fails_is_rolled_back(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "sandbox.db", [DDL])
    counted: list[int] = []
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"), storage.write(counted.append) as db:
        db.execute("INSERT INTO children VALUES (1)")
    with storage.write(counted.append) as db:
        db.execute("INSERT INTO parents VALUES (1)")
    with storage.read() as db:
        assert db.execute("SELECT count(*) FROM children").fetchone()[0] == 0
        assert db.execute("SELECT count(*) FROM parents").fetchone()[0] == 1
    assert counted == [1]
    storage.close()


def test_a_read_that_fails_leaves_the_connection_usable(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "sandbox.db", [DDL])
    with pytest.raises(sqlite3.OperationalError, match="no such table"), storage.read() as db:
        db.execute("SELECT * FROM missing")
    with storage.read() as db:
        assert db.execute("SELECT count(*) FROM parents").fetchone()[0] == 0
    storage.close()


def test_tables_of_another_version_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    for _ in range(2):
        Storage(path, [DDL.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS")]).close()
    with pytest.raises(OtherVersion):
        Storage(path, [DDL.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS").replace("parent INTEGER", "p INT")])
