"""The ACLs of CDF, their actions and their scopes, as its SDK and its specification have them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

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
    "projectsAcl": ("LIST", "READ", "CREATE", "UPDATE", "DELETE"),
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

_ALL = {"all": ""}
_DATA_SETS = {"datasetScope": "ids"}
_SPACES = {"spaceIdScope": "spaceIds"}
_IDS = {"idScope": "ids", "idscope": "ids"}
_PIPELINES = {"extractionPipelineScope": "ids", "extractionpipelinescope": "ids"}
_CURRENT_USER = {"currentuserscope": ""}
_INSTANCES = {"instancesScope": "instances"}
_SCOPES: dict[str, dict[str, str]] = {
    **dict.fromkeys(
        (
            "assetsAcl", "eventsAcl", "filesAcl", "labelsAcl", "relationshipsAcl", "roboticsAcl", "sequencesAcl",
            "simulatorsAcl", "templateGroupsAcl", "templateInstancesAcl", "threedAcl", "timeSeriesSubscriptionsAcl",
            "transformationsAcl", "transformationsExternalDataSourcesAcl", "workflowOrchestrationAcl",
        ),
        _ALL | _DATA_SETS,
    ),
    **dict.fromkeys(("dataModelInstancesAcl", "dataModelsAcl", "streamRecordsAcl"), _ALL | _SPACES),
    **dict.fromkeys(("datasetsAcl", "locationFiltersAcl", "securityCategoriesAcl"), _ALL | _IDS),
    **dict.fromkeys(("extractionConfigsAcl", "extractionRunsAcl"), _ALL | _DATA_SETS | _PIPELINES),
    **dict.fromkeys(("groupsAcl", "subscribeSignalsAcl"), _ALL | _CURRENT_USER),
    **dict.fromkeys(("sapWritebackAcl", "sapWritebackRequestsAcl"), _ALL | _INSTANCES),
    "appConfigAcl": _ALL | {"appScope": "apps"},
    "appHostingAcl": _ALL | {"appExternalIdScope": "externalIds"},
    "dataProductsAcl": _ALL | {"dataProductScope": "externalIds"},
    "experimentAcl": {"experimentscope": "experiments"},
    "extractionPipelinesAcl": _ALL | _DATA_SETS | _IDS,
    "postgresGatewayAcl": _ALL | {"usersScope": "usernames"},
    "rawAcl": _ALL | {"tableScope": "dbsToTables"},
    "seismicAcl": _ALL | {"partition": "partitionIds"},
    "timeSeriesAcl": _ALL | _DATA_SETS | _IDS | {"assetRootIdScope": "rootIds"},
}  # fmt: skip
"""The scopes of each ACL and the name of their one part; ACLs that are not named have `all` alone."""
_NUMBERS = frozenset({"ids", "partitionIds", "rootIds"})


class _Grant(StrictModel):
    """What one capability allows, and where."""

    actions: Annotated[list[str], Field(min_length=1)]
    scope: dict[str, Any]
    version: int | None = None


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return value.isascii() and value.isdecimal()
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _check_scope(acl: str, scope: Mapping[str, Any]) -> None:
    """ValueError unless `scope` is one that `acl` has, with the part that it has."""
    has = _SCOPES.get(acl, _ALL)
    ((name, parts),) = scope.items() if len(scope) == 1 else [("", None)]
    if name not in has or not isinstance(parts, dict):
        raise ValueError(f"{acl} has one of the scopes {', '.join(has)}")
    key = has[name]
    if set(parts) != ({key} if key else set()):
        raise ValueError(f"the scope {name} has " + (f"{key} alone" if key else "no parts"))
    values = parts.get(key, [])
    if key == "dbsToTables":
        fits = isinstance(values, dict)
    else:
        fits = isinstance(values, list) and all(
            _is_number(each) if key in _NUMBERS else isinstance(each, str) for each in values
        )
    if not fits:
        raise ValueError(f"{acl} names the {key} of its {name} in a list")


def _checked(capability: dict[str, Any]) -> dict[str, Any]:
    """ValueError unless `capability` is one ACL with actions and a scope that it has."""
    capability = without_nulls(capability)
    (name, grant), *others = capability.items() or [("", None)]
    if others or (name not in ALL_ACLS and name not in FURTHER_ACLS):
        raise ValueError(f"a capability is one ACL of CDF, not {', '.join(capability) or 'nothing'}")
    checked = _Grant.model_validate(grant)
    unknown = sorted(set(checked.actions) - set(ALL_ACLS.get(name, checked.actions)))
    if unknown:
        raise ValueError(f"{name} has no action {', '.join(unknown)}")
    _check_scope(name, checked.scope)
    return capability


Capability = Annotated[dict[str, Any], AfterValidator(_checked)]
"""One ACL with the actions that are granted, and where."""


def all_capabilities(project: str) -> list[dict[str, Any]]:
    """Every capability with scope `all`, in the shape of token/inspect."""
    return [
        {acl: {"actions": list(actions), "scope": {"all": {}}}, "projectScope": {"projects": [project]}}
        for acl, actions in ALL_ACLS.items()
    ]


_KINDS: Mapping[str, str] = {
    **dict.fromkeys(_SPACES, "spaces"), **dict.fromkeys(_DATA_SETS, "data_sets"),
    **dict.fromkeys(_PIPELINES, "extraction_pipelines"),
}  # fmt: skip
_KINDS_OF_IDS: Mapping[str, str] = {
    "datasetsAcl": "data_sets",
    "extractionPipelinesAcl": "extraction_pipelines",
    "securityCategoriesAcl": "security_categories",
}


def scoped(acl: str, scope: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a scope names, as its kind (such as `spaces` or `data_sets`) and its id as text."""
    for name, parts in scope.items():
        kind = _KINDS_OF_IDS.get(acl) if name in _IDS else _KINDS.get(name)
        if kind is not None:
            for value in parts[_SCOPES[acl][name]]:
                yield kind, str(value)


def named_in(capabilities: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """Return all that the scopes of `capabilities` name, as `scoped` yields it."""
    return {
        each for capability in capabilities for acl, grant in capability.items() for each in scoped(acl, grant["scope"])
    }
