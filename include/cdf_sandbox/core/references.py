"""Existence checks of the references in documents."""

import json
from collections.abc import Iterable
from sqlite3 import Connection
from typing import Any

from cdf_sandbox.core.errors import UnknownIds


def _absent(db: Connection, table: str, ids: Iterable[int]) -> list[int]:
    rows = db.execute(
        f"SELECT value FROM json_each(?) WHERE value NOT IN (SELECT id FROM {table})",  # noqa: S608 - the table is a constant below
        (json.dumps(sorted(set(ids))),),
    )
    return [row["value"] for row in rows]


def check_references(db: Connection, documents: Iterable[dict[str, Any]]) -> None:
    """400 unless the data sets and assets that `documents` name are there."""
    documents = list(documents)
    data_sets = _absent(db, "data_sets", (d["dataSetId"] for d in documents if "dataSetId" in d))
    if data_sets:
        raise UnknownIds([{"id": i} for i in data_sets], "Data set ids")
    assets = _absent(db, "assets", (i for d in documents for i in d.get("assetIds", ())))
    if assets:
        raise UnknownIds([{"id": i} for i in assets], "Asset ids")
