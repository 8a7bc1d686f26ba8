"""Keys that a sandbox creates once and keeps, so that links stay valid after a restart."""

import secrets
from sqlite3 import Connection

DDL = "CREATE TABLE IF NOT EXISTS keys (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"


def kept_key(db: Connection, name: str) -> bytes:
    """The key called `name`, made on first use."""
    db.execute("INSERT INTO keys VALUES (?, ?) ON CONFLICT DO NOTHING", (name, secrets.token_bytes(32)))
    row = db.execute("SELECT value FROM keys WHERE name = ?", (name,)).fetchone()
    return bytes(row["value"])
