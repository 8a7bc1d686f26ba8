"""Capabilities of a token, by space or data set."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cdf_sandbox.core.errors import MissingCapability

ALL_ACLS: dict[str, tuple[str, ...]] = {
    "annotationsAcl": ("READ", "WRITE", "SUGGEST", "REVIEW"),
    "assetsAcl": ("READ", "WRITE"),
    "dataModelInstancesAcl": ("READ", "WRITE", "WRITE_PROPERTIES"),
    "dataModelsAcl": ("READ", "WRITE"),
    "datasetsAcl": ("READ", "WRITE", "OWNER"),
    "extractionPipelinesAcl": ("READ", "WRITE"),
    "extractionRunsAcl": ("READ", "WRITE"),
    "filesAcl": ("READ", "WRITE"),
    "projectsAcl": ("LIST", "READ"),
    "sessionsAcl": ("LIST", "CREATE", "DELETE"),
    "threedAcl": ("READ", "CREATE", "UPDATE", "DELETE"),
}
_DATA_SETS = "datasetsAcl"


def all_capabilities(project: str) -> list[dict[str, Any]]:
    """Every capability with scope `all`, in the shape of token/inspect."""
    return [
        {acl: {"actions": list(actions), "scope": {"all": {}}}, "projectScope": {"projects": [project]}}
        for acl, actions in ALL_ACLS.items()
    ]


@dataclass(frozen=True)
class Access:
    """The capabilities of one request's token, and the ids (as text) of the data sets that are write protected."""

    client_id: str
    capabilities: list[dict[str, Any]]
    protected: frozenset[str] = frozenset()

    def _scopes(self, acl: str, action: str) -> list[Mapping[str, Any]]:
        return [
            capability[acl]["scope"]
            for capability in self.capabilities
            if acl in capability and action in capability[acl]["actions"]
        ]

    def spaces(self, acl: str, action: str) -> frozenset[str] | None:
        """Spaces in which `action` is allowed; `None` means every space."""
        return self._narrowed(acl, action, "spaceIdScope", "spaceIds")

    def data_sets(self, acl: str, action: str) -> frozenset[str] | None:
        """Data set ids (as text) for which `action` is allowed; `None` means all, those without one included."""
        return self._narrowed(acl, action, "datasetScope", "ids")

    def _narrowed(self, acl: str, action: str, scope_name: str, key: str) -> frozenset[str] | None:
        allowed: set[str] = set()
        for scope in self._scopes(acl, action):
            if "all" in scope:
                return None
            allowed.update(str(value) for value in scope.get(scope_name, {}).get(key, ()))
        return frozenset(allowed)

    def allows(self, acl: str, action: str) -> bool:
        """Whether `action` is allowed in some scope."""
        return bool(self._scopes(acl, action))

    def require(self, acl: str, action: str) -> None:
        """Refuse with 403 unless `action` is allowed in some scope."""
        if not self.allows(acl, action):
            raise MissingCapability(acl, action)

    def require_spaces(self, acl: str, action: str, spaces: Iterable[str]) -> None:
        """Refuse with 403 unless `action` is allowed in each of `spaces`."""
        self.require(acl, action)
        allowed = self.spaces(acl, action)
        denied = sorted(set(spaces) - allowed) if allowed is not None else []
        if denied:
            raise MissingCapability(acl, action, f"spaces {', '.join(denied)}")

    def require_data_sets(self, acl: str, action: str, data_set_ids: Iterable[int | None]) -> None:
        """Refuse with 403 unless `action` is allowed for each data set; `None` stands for having none.

        Changes in a data set with write protection need an owner of the data set.
        """
        data_set_ids = list(data_set_ids)
        self.require(acl, action)
        if action != "READ" and acl != _DATA_SETS:
            self._require_owner(self.protected & {str(i) for i in data_set_ids})
        allowed = self.data_sets(acl, action)
        if allowed is None:
            return
        denied = sorted({"without data set" if i is None else str(i) for i in data_set_ids if str(i) not in allowed})
        if denied:
            raise MissingCapability(acl, action, f"data sets {', '.join(denied)}")

    def _require_owner(self, protected: frozenset[str]) -> None:
        owned = self.data_sets(_DATA_SETS, "OWNER")
        denied = sorted(protected - owned) if owned is not None else []
        if denied:
            raise MissingCapability(_DATA_SETS, "OWNER", f"write protected data sets {', '.join(denied)}")
