"""States of constraints, which may be put on data that violate them: these stay, and new ones are refused."""

from collections.abc import Mapping
from sqlite3 import Connection
from typing import Any

from cdf_sandbox.services.data_modeling.ids import ContainerId
from cdf_sandbox.services.data_modeling.schema_store import BUILTIN

_LIVE = "FROM dms_data d JOIN dms_instance i ON i.id = d.instance WHERE i.deleted_time IS NULL AND d.container = ?"
_LIMITS = {
    "maxListSize": "json_array_length(d.doc, ?) > ?",
    "maxTextSize": "EXISTS (SELECT 1 FROM json_each(d.doc, ?) WHERE length(CAST(value AS BLOB)) > ?)",
}


class ConstraintStates:
    """The states in one transaction: `current`, `failed`, or `pending`."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def of_property(self, container: ContainerId, name: str, prop: Mapping[str, Any]) -> dict[str, str]:
        """The states of what is demanded of the values of a property; `pending` not to be null if there is no data."""
        path = f'$."{name}"'
        limits = {key: prop["type"][key] for key in _LIMITS if key in prop["type"]}
        found = {key: self._state(container, _LIMITS[key], path, limit) for key, limit in limits.items()}
        return found if prop["nullable"] else found | {"nullability": self._nullability(container, path)}

    def _nullability(self, container: ContainerId, path: str) -> str:
        if not _is_builtin(container) and not self._is_any(f"SELECT 1 {_LIVE}", container):
            return "pending"
        return self._state(container, "json_extract(d.doc, ?) IS NULL", path)

    def of_constraint(self, container: ContainerId, name: str, constraint: Mapping[str, Any]) -> str:
        """The state of a constraint of a container."""
        if constraint["constraintType"] == "requires":
            required = ContainerId(constraint["require"]["space"], constraint["require"]["externalId"])
            lacking = "NOT EXISTS (SELECT 1 FROM dms_data r WHERE r.instance = d.instance AND r.container = ?)"
            return self._state(container, lacking, str(required))
        twice = "SELECT 1 FROM dms_unique WHERE container = ? AND name = ? GROUP BY value HAVING count(*) > 1"
        return "failed" if self._is_any(twice, container, name) else "current"

    def _state(self, container: ContainerId, violation: str, *values: Any) -> str:
        violated = not _is_builtin(container) and self._is_any(f"SELECT 1 {_LIVE} AND {violation}", container, *values)
        return "failed" if violated else "current"

    def _is_any(self, query: str, container: ContainerId, *values: Any) -> bool:
        return self._db.execute(f"{query} LIMIT 1", (str(container), *values)).fetchone() is not None


def _is_builtin(container: ContainerId) -> bool:
    return (*container, "") in BUILTIN["container"]
