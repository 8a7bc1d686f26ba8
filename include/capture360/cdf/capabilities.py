"""Compare the capabilities of the credentials, from `GET /token/inspect`, with those that are needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from capture360.cdf.client import CdfProject, cdf_errors
from capture360.cdf.json_answers import OddAnswerError, json_object


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


def capabilities(cdf: CdfProject) -> Sequence[Mapping[str, Any]]:
    """Return all capabilities of the credentials in this project."""
    with cdf_errors("Asking what the credentials may do"):
        granted = json_object(cdf.client.get("/api/v1/token/inspect"))["capabilities"]
        if not isinstance(granted, list) or not all(isinstance(each, Mapping) for each in granted):
            raise OddAnswerError("CDF's answer has no list of capabilities.")
    return [each for each in granted if _reaches(each.get("projectScope") or {}, cdf.connection.project)]


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
