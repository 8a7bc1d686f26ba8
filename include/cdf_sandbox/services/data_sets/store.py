"""The table of data sets."""

from sqlite3 import Row
from typing import Any

from cdf_sandbox.core.documents import Documents, document_json, documents_ddl

DDL = documents_ddl("data_sets")


DATA_SETS = Documents("data_sets", "Data set")


def data_set_json(row: Row) -> dict[str, Any]:
    """A data set as the API shows it: always with metadata."""
    return {"metadata": {}} | document_json(row)
