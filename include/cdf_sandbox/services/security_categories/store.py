"""The table of security categories."""

from collections.abc import Sequence
from sqlite3 import Connection, Row

from cdf_sandbox.core.documents import rows_by_id

DDL = "CREATE TABLE IF NOT EXISTS security_categories (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"


def find_categories(db: Connection, ids: Sequence[int]) -> list[Row]:
    """The categories with these ids; 409 for one that occurs twice, 400 naming those that are missing."""
    return rows_by_id(db, "SELECT * FROM security_categories WHERE id = ?", ids, "Security category ids")
