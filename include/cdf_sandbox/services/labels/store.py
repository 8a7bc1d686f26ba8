"""The table of labels; clients name them by their external ids alone."""

from collections.abc import Iterable
from sqlite3 import Connection, Row
from typing import Any

from cdf_sandbox.core.documents import Documents, document_json, documents_ddl
from cdf_sandbox.core.identifiers import ClassicId
from cdf_sandbox.services.labels.models import LabelId

DDL = documents_ddl("labels")
LABELS = Documents("labels", "Label", external_ids_noun="Label external ids")


def label_json(row: Row) -> dict[str, Any]:
    """A label as the API shows it."""
    hidden = ("id", "lastUpdatedTime")
    return {name: value for name, value in document_json(row).items() if name not in hidden}


def find_labels(db: Connection, items: Iterable[LabelId], *, ignore_unknown: bool = False) -> list[Row]:
    """The labels that are named, in their order; 400 naming those that are missing."""
    wanted = [ClassicId.model_validate({"externalId": item.external_id}) for item in items]
    return LABELS.find_all(db, wanted, ignore_unknown=ignore_unknown)
