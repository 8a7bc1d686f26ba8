"""Existence checks of the references in documents."""

import json
from collections.abc import Iterable
from sqlite3 import Connection
from typing import Any

from cdf_sandbox.core.errors import UnknownIds
from cdf_sandbox.core.sandbox import Sandbox


def _absent(db: Connection, table: str, ids: Iterable[int]) -> list[int]:
    rows = db.execute(
        f"SELECT value FROM json_each(?) WHERE value NOT IN (SELECT id FROM {table})",  # noqa: S608 - the table is a constant below
        (json.dumps(sorted(set(ids))),),
    )
    return [row["value"] for row in rows]


def _undefined(db: Connection, labels: Iterable[str]) -> list[str]:
    rows = db.execute(
        "SELECT value FROM json_each(?)"
        " WHERE value NOT IN (SELECT external_id FROM labels WHERE external_id IS NOT NULL)",
        (json.dumps(sorted(set(labels))),),
    )
    return [row["value"] for row in rows]


def check_attached(
    sandbox: Sandbox, db: Connection, document: dict[str, Any], before: dict[str, Any] | None = None
) -> None:
    """Refuse with 400 unless labels and security categories of `document` that `before` lacked exist.

    Attached ones remain when their definition is deleted.
    """
    had = before or {}
    labels = [each["externalId"] for each in document.get("labels", ()) if each not in had.get("labels", ())]
    unknown = _undefined(db, labels) if labels and sandbox.options.labels_must_exist else []
    if unknown:
        raise UnknownIds([{"externalId": each} for each in unknown], "Label external ids")
    wanted = [i for i in document.get("securityCategories", ()) if i not in had.get("securityCategories", ())]
    absent = _absent(db, "security_categories", wanted) if wanted else []
    if absent:
        raise UnknownIds([{"id": i} for i in absent], "Security category ids")


def check_references(db: Connection, documents: Iterable[dict[str, Any]], before: dict[str, Any] | None = None) -> None:
    """Refuse with 400 unless the data sets and assets that `documents` name, and `before` did not, exist.

    A document keeps the ids of assets that were deleted.
    """
    documents, had = list(documents), before or {}
    named = (d["dataSetId"] for d in documents if d.get("dataSetId") != had.get("dataSetId") and "dataSetId" in d)
    data_sets = _absent(db, "data_sets", named)
    if data_sets:
        raise UnknownIds([{"id": i} for i in data_sets], "Data set ids")
    kept = set(had.get("assetIds", ()))
    assets = _absent(db, "assets", (i for d in documents for i in d.get("assetIds", ()) if i not in kept))
    if assets:
        raise UnknownIds([{"id": i} for i in assets], "Asset ids")
