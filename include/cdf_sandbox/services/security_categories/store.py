"""The table of security categories."""

from collections.abc import Sequence
from sqlite3 import Connection, Row

from cdf_sandbox.core.errors import UnknownIds
from cdf_sandbox.core.identifiers import check_each_given_once

DDL = "CREATE TABLE IF NOT EXISTS security_categories (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"


def find_categories(db: Connection, ids: Sequence[int]) -> list[Row]:
    """The categories with these ids; 409 for one that occurs twice, 400 naming those that are missing."""
    check_each_given_once({"id": each} for each in ids)
    found = {each: db.execute("SELECT * FROM security_categories WHERE id = ?", (each,)).fetchone() for each in ids}
    unknown = [{"id": each} for each, row in found.items() if row is None]
    if unknown:
        raise UnknownIds(unknown, "Security category ids")
    return list(found.values())
