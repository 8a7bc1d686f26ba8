"""Removal of everything that a run may have left, by the run's name, however it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from capture360.errors import Capture360Error
from capture360_local.conformance.case import Own, at
from capture360_local.conformance.cases import ALL_CASES, cases_for
from capture360_local.conformance.project import Answer, Project
from cdf_sandbox.core.options import ProjectMode

_PASSES = 3
_MOST_PAGES = 100
_PAUSE_S = 1.0
_PAGE = 1000
_MODELS = "/models"


class _NotRemoved(Exception):
    """An item could not be removed; the message has the answer of the project."""


def clean(project: Project, name: str, areas: Collection[str]) -> Sequence[str]:
    """Remove what belongs to run `name` in those areas of the project (first parts of paths, e.g. `files`).

    Return sentences about what could not be removed; missing things are no failure. Dependent things are removed
    first, and failures are repeated, since CDF may lag.
    """
    steps = [step for area, step in _STEPS if area in areas]
    left: list[str] = []
    for number in range(_PASSES):
        if number:
            time.sleep(_PAUSE_S)  # CDF may answer for a while as before a deletion
        left = [failure for step in steps for failure in _try(step, project, name)]
        if not left:
            break
    return left


def _try(step: Callable[[Project, str], None], project: Project, name: str) -> Iterator[str]:
    try:
        step(project, name)
    except (_NotRemoved, Capture360Error) as error:
        yield str(error)
    except (LookupError, TypeError) as error:
        yield f"An answer of the project cannot be read ({type(error).__name__})"


def _must(answer: Answer, what: str) -> Any:
    if not answer.is_success:
        message = at(answer.body, "error.message") or "without a message"
        raise _NotRemoved(f"{what} could not be removed: {answer.status or 'no answer'}, {message}")
    return answer.body


def _three_d_models(project: Project, name: str) -> None:
    what = f"3D models named {name}_..."
    query: dict[str, Any] = {"limit": _PAGE}
    found: list[dict[str, int]] = []
    for _ in range(_MOST_PAGES):
        page = _must(project.send("GET", "/3d/models", query=query), what)
        found += [{"id": each["id"]} for each in page["items"] if str(each["name"]).startswith(f"{name}_")]
        if not page.get("nextCursor"):
            break
        query["cursor"] = page["nextCursor"]
    if found:
        _must(project.send("POST", "/3d/models/delete", {"items": found}), what)


def _files(project: Project, name: str) -> None:
    """Remove files and the annotations on them."""
    items = [{"externalId": f"{name}_{suffix}"} for suffix in _created_in("/files")]
    what = f"Files with external ids {name}_..."
    found = _must(project.send("POST", "/files/byids", {"items": items, "ignoreUnknownIds": True}), what)["items"]
    if not found:
        return
    _annotations(project, [{"id": each["id"]} for each in found], name)
    _must(project.send("POST", "/files/delete", {"items": items, "ignoreUnknownIds": True}), what)


def _annotations(project: Project, files: Sequence[Mapping[str, int]], name: str) -> None:
    of_files = {"annotatedResourceType": "file", "annotatedResourceIds": files}
    listed = project.send("POST", "/annotations/list", {"filter": of_files, "limit": _PAGE})
    if listed.is_refusal:
        return  # the credentials see none, so the run wrote none
    what = f"Annotations of the files {name}_..."
    found = [{"id": each["id"]} for each in _must(listed, what)["items"]]
    if found:
        _must(project.send("POST", "/annotations/delete", {"items": found}), what)


def _assets(project: Project, name: str) -> None:
    items = [{"externalId": f"{name}_{suffix}"} for suffix in _created_in("/assets")]
    body = {"items": items, "ignoreUnknownIds": True, "recursive": True}
    _must(project.send("POST", "/assets/delete", body), f"Assets with external ids {name}_...")


def _instances(project: Project, name: str) -> None:
    what = f'Instances of space "{name}"'
    for kind in ("edge", "node"):
        of_space = {"filter": {"equals": {"property": [kind, "space"], "value": name}}}
        body = {"with": {"ours": {f"{kind}s": of_space, "limit": _PAGE}}, "select": {"ours": {}}}
        for _ in range(_MOST_PAGES):
            found = _must(project.send("POST", f"{_MODELS}/instances/query", body), what)["items"]["ours"]
            if not found:
                break
            items = [{"instanceType": kind, "space": name, "externalId": each["externalId"]} for each in found]
            if not _must(project.send("POST", f"{_MODELS}/instances/delete", {"items": items}), what)["items"]:
                raise _NotRemoved(f"{what} are listed and cannot be deleted")


def _schemas(project: Project, name: str) -> None:
    """Remove the data model, the view, the container and then the space; missing ones are ignored."""
    versioned = {"space": name, "version": "v1"}
    for what, path, item in (
        ("The data model of", "datamodels", versioned | {"externalId": "Things"}),
        ("The view of", "views", versioned | {"externalId": "Thing"}),
        ("The container of", "containers", {"space": name, "externalId": "Thing"}),
        ("Throwaway", "spaces", {"space": name}),
    ):
        _must(project.send("POST", f"{_MODELS}/{path}/delete", {"items": [item]}), f'{what} space "{name}"')


def _created_in(path: str) -> Sequence[str]:
    """Return suffixes of the external ids that cases create below an endpoint, or that a project may create.

    Cases that are to be refused count: the project under test may take them.
    """
    bodies = [case.body for case in ALL_CASES if case.path.startswith(path)]
    items = [item for body in bodies if isinstance(body, Mapping) for item in body.get("items", [body])]
    ids = [
        item["externalId"] for item in items if isinstance(item, Mapping) and isinstance(item.get("externalId"), Own)
    ]
    return sorted({own.suffix for own in ids})


_STEPS: Sequence[tuple[str, Callable[[Project, str], None]]] = (
    ("3d", _three_d_models),
    ("files", _files),
    ("assets", _assets),
    ("models", _instances),
    ("models", _schemas),
)


def areas_of(mode: ProjectMode) -> Collection[str]:
    """Return the areas of a project of this mode in which a run may leave something."""
    return {case.path.split("/")[1] for case in cases_for(mode) if case.writes}
