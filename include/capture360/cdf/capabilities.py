"""Compare the capabilities of the credentials, from `GET /token/inspect`, with those that are needed.

Credentials that may not inspect their token see them in the groups that they are members of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from capture360.cdf.client import CdfProject, Connection, cdf_errors
from capture360.cdf.json_answers import AnswerObject, OddAnswerError, items_of, json_object
from capture360.errors import CdfError


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of a project that a capability must reach: one space, one data set, or everything."""

    name: str
    key: str = ""
    value: str = ""
    phrase: str = ""


SOMEWHERE = Scope("")
EVERYWHERE = Scope("all", phrase=" with scope all")


def in_space(space: str) -> Scope:
    """Scope of one instance space."""
    return Scope("spaceIdScope", "spaceIds", space, f' for space "{space}"')


def in_data_set(data_set: int, external_id: str) -> Scope:
    """Scope of one data set: `data_set` is its id, which CDF compares; messages show the external id."""
    return Scope("datasetScope", "ids", str(data_set), f' for data set "{external_id}"')


@dataclass(frozen=True, slots=True)
class Need:
    """One action of one access control list, in a scope."""

    acl: str
    action: str
    scope: Scope = SOMEWHERE

    @override
    def __str__(self) -> str:
        return f"{self.acl}:{self.action}{self.scope.phrase}"


TO_INSPECT = (Need("projectsAcl", "LIST"), Need("groupsAcl", "LIST"))
"""Needs of `GET /token/inspect`, which begins every kind of work."""
_FORBIDDEN = 403


def inspect(connection: Connection) -> str:
    """Try the connection and describe what it reaches; CdfError or CdfUnavailableError if it fails."""
    cdf = CdfProject(connection)
    with cdf_errors(f"Connecting to {connection.base_url}"):
        token = _inspected(cdf)
        if token is None:
            _of_own_groups(cdf)
            projects = [connection.project]
        else:
            projects = sorted(each["projectUrlName"] for each in token["projects"])
    if connection.project not in projects:
        known = ", ".join(projects) or "none"
        raise CdfError(f'The credentials do not reach project "{connection.project}" (they reach: {known}).')
    return f'Connected to project "{connection.project}" at {connection.base_url} ({connection.mode}).'


def capabilities(cdf: CdfProject) -> Sequence[Mapping[str, Any]]:
    """Return all capabilities of the credentials in this project."""
    with cdf_errors("Asking what the credentials may do"):
        token = _inspected(cdf)
        granted = _of_own_groups(cdf) if token is None else token["capabilities"]
        if not isinstance(granted, list) or not all(isinstance(each, Mapping) for each in granted):
            raise OddAnswerError("CDF's answer has no list of capabilities.")
    return [each for each in granted if _reaches(each.get("projectScope") or {}, cdf.connection.project)]


def _inspected(cdf: CdfProject) -> AnswerObject | None:
    """Return what CDF answers about the token; None if the credentials may not ask."""
    return _unless_forbidden(cdf, "/api/v1/token/inspect")


def _of_own_groups(cdf: CdfProject) -> list[Any]:
    """Return the capabilities of the groups that the credentials are members of."""
    answer = _unless_forbidden(cdf, f"/api/v1/projects/{cdf.connection.project}/groups")
    if answer is None:
        needed = " and ".join(map(str, TO_INSPECT))
        raise CdfError(
            f"CDF does not tell the credentials what they may do in project {cdf.connection.project}, since "
            f"{needed} are not both granted. Ask its administrator for them."
        )
    return [capability for group in items_of(answer) for capability in group.get("capabilities") or ()]


def _unless_forbidden(cdf: CdfProject, path: str) -> AnswerObject | None:
    from cognite.client.exceptions import CogniteAPIError

    try:
        return json_object(cdf.client.get(path))
    except CogniteAPIError as error:
        if error.code != _FORBIDDEN:
            raise
        return None


def lacking(granted: Sequence[Mapping[str, Any]], needs: Iterable[Need]) -> list[Need]:
    """Return the needs that no capability meets, each once."""
    return [need for need in dict.fromkeys(needs) if not any(_meets(capability, need) for capability in granted)]


def _reaches(scope: Mapping[str, Any], project: str) -> bool:
    return "projects" not in scope or project in scope["projects"]


def _meets(capability: Mapping[str, Any], need: Need) -> bool:
    granted = capability.get(need.acl)
    if granted is None or need.action not in granted["actions"]:
        return False
    scope = granted["scope"]
    if "all" in scope or need.scope == SOMEWHERE:
        return True
    values = scope.get(need.scope.name, {}).get(need.scope.key, ())
    return need.scope.value in {str(value) for value in values}
