"""Capabilities of a token, by space or data set."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from cdf_sandbox.core.errors import MissingCapability
from cdf_sandbox.core.http import StrictModel, without_nulls

ALL_ACLS: dict[str, tuple[str, ...]] = {
    "annotationsAcl": ("READ", "WRITE", "SUGGEST", "REVIEW"),
    "assetsAcl": ("READ", "WRITE"),
    "dataModelInstancesAcl": ("READ", "WRITE", "WRITE_PROPERTIES"),
    "dataModelsAcl": ("READ", "WRITE"),
    "datasetsAcl": ("READ", "WRITE", "OWNER"),
    "extractionPipelinesAcl": ("READ", "WRITE"),
    "extractionRunsAcl": ("READ", "WRITE"),
    "filesAcl": ("READ", "WRITE"),
    "groupsAcl": ("LIST", "READ", "CREATE", "UPDATE", "DELETE"),
    "labelsAcl": ("READ", "WRITE"),
    "projectsAcl": ("LIST", "READ"),
    "securityCategoriesAcl": ("MEMBEROF", "LIST", "CREATE", "UPDATE", "DELETE"),
    "sessionsAcl": ("LIST", "CREATE", "DELETE"),
    "threedAcl": ("READ", "CREATE", "UPDATE", "DELETE"),
}
"""The ACLs that decide about requests here, and their actions."""
FURTHER_ACLS = frozenset(
    f"{name}Acl"
    for name in (
        "agents", "analytics", "appConfig", "appHosting", "auditlog", "chartsAdmin", "cogUnits", "dataProducts",
        "diagramParsing", "digitalTwin", "documentFeedback", "documentPipelines", "entitymatching", "events",
        "experiment", "extractionConfigs", "filePipelines", "functions", "generics", "geospatial", "geospatialCrs",
        "hostedExtractors", "integrationConfigs", "integrations", "locationFilters", "modelHosting",
        "monitoringTasks", "notifications", "pipelines", "postgresGateway", "raw", "relationships", "robotics",
        "sapWriteback", "sapWritebackRequests", "scheduledCalculations", "seismic", "sequences", "simulators", "sla",
        "streamRecords", "streams", "subscribeSignals", "templateGroups", "templateInstances", "timeSeries",
        "timeSeriesSubscriptions", "transformations", "transformationsExternalDataSources", "types", "userProfiles",
        "visionModel", "wells", "workflowOrchestration",
    )
)  # fmt: skip
"""ACLs of services that the sandbox lacks; groups may grant them."""
_DATA_SETS = "datasetsAcl"


class _Grant(StrictModel):
    """What one capability allows, and where."""

    actions: Annotated[list[str], Field(min_length=1)]
    scope: dict[str, Any]
    version: int | None = None


def _checked(capability: dict[str, Any]) -> dict[str, Any]:
    """ValueError unless `capability` is one ACL with actions that it has and one scope."""
    capability = without_nulls(capability)
    (name, grant), *others = capability.items() or [("", None)]
    if others or (name not in ALL_ACLS and name not in FURTHER_ACLS):
        raise ValueError(f"a capability is one ACL of CDF, not {', '.join(capability) or 'nothing'}")
    checked = _Grant.model_validate(grant)
    unknown = sorted(set(checked.actions) - set(ALL_ACLS.get(name, checked.actions)))
    if unknown:
        raise ValueError(f"{name} has no action {', '.join(unknown)}")
    if len(checked.scope) != 1 or not isinstance(next(iter(checked.scope.values())), dict):
        raise ValueError(f"{name} has one scope, such as {{'all': {{}}}}")
    for scope, parts in checked.scope.items():
        if not all(isinstance(part, list | dict) for part in parts.values()):
            raise ValueError(f"{name} names the parts of its {scope} in a list")
    return capability


Capability = Annotated[dict[str, Any], AfterValidator(_checked)]
"""One ACL with the actions that are granted, and where."""


def all_capabilities(project: str) -> list[dict[str, Any]]:
    """Every capability with scope `all`, in the shape of token/inspect."""
    return [
        {acl: {"actions": list(actions), "scope": {"all": {}}}, "projectScope": {"projects": [project]}}
        for acl, actions in ALL_ACLS.items()
    ]


@dataclass(frozen=True)
class Access:
    """What one request's token may do.

    `protected` are the ids (as text) of the data sets with write protection, `groups` those of the caller's groups.
    """

    client_id: str
    capabilities: list[dict[str, Any]]
    protected: frozenset[str] = frozenset()
    groups: tuple[int, ...] = ()

    def scopes(self, acl: str, action: str) -> list[Mapping[str, Any]]:
        """Scopes in which `action` is granted; everything that is asked of a token is asked here."""
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

    def categories(self) -> frozenset[str] | None:
        """Ids (as text) of the security categories that the caller is a member of; `None` means all."""
        allowed: set[str] = set()
        for name in ("idscope", "idScope"):
            narrowed = self._narrowed("securityCategoriesAcl", "MEMBEROF", name, "ids")
            if narrowed is None:
                return None
            allowed |= narrowed
        return frozenset(allowed)

    def require_categories(self, category_ids: Iterable[int]) -> None:
        """Refuse with 403 unless the caller is a member of every category."""
        member = self.categories()
        denied = sorted({str(each) for each in category_ids} - member) if member is not None else []
        if denied:
            raise MissingCapability("securityCategoriesAcl", "MEMBEROF", f"security categories {', '.join(denied)}")

    def _narrowed(self, acl: str, action: str, scope_name: str, key: str) -> frozenset[str] | None:
        allowed: set[str] = set()
        for scope in self.scopes(acl, action):
            if "all" in scope:
                return None
            allowed.update(str(value) for value in scope.get(scope_name, {}).get(key, ()))
        return frozenset(allowed)

    def allows(self, acl: str, action: str) -> bool:
        """Whether `action` is allowed in some scope."""
        return bool(self.scopes(acl, action))

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
