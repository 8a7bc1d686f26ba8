"""Removal of everything that a run may have left, by the run's name, however it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from capture360.errors import Capture360Error
from capture360.text import counted
from capture360_local.conformance.case import Own, at
from capture360_local.conformance.cases import ALL_CASES, cases_for
from capture360_local.conformance.project import Answer, Project
from cdf_sandbox.core.options import ProjectMode

_PASSES = 3
_MOST_PAGES = 100
_PAUSE_S = 1.0
_PAGE = 1000
_MODELS = "/models"
_KINDS = ("edge", "node")


class _Refused(Exception):
    """The project did not do it; the message has its answer."""


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


def leftovers(project: Project, name: str, areas: Collection[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return what `clean` would remove, and sentences about what could not be read. Reads only."""
    there: list[str] = []
    unread: list[str] = []
    for area, read in _LEFTOVERS:
        if area in areas:
            unread += _try(lambda *of, read=read: there.extend(read(*of)), project, name)
    return there, unread


def _try(step: Callable[[Project, str], None], project: Project, name: str) -> Iterator[str]:
    try:
        step(project, name)
    except (_Refused, Capture360Error) as error:
        yield str(error)
    except (LookupError, TypeError) as error:
        yield f"An answer of the project cannot be read ({type(error).__name__})"


def _must(answer: Answer, what: str, done: str = "removed") -> Any:
    if not answer.is_success:
        message = at(answer.body, "error.message") or "without a message"
        raise _Refused(f"{what} could not be {done}: {answer.status or 'no answer'}, {message}")
    return answer.body


def _items(project: Project, path: str, body: Any, what: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _must(project.send("POST", path, body), what, "read")["items"]
    return found


def _three_d_models_of(project: Project, name: str) -> list[dict[str, Any]]:
    what = f"3D models named {name}_..."
    query: dict[str, Any] = {"limit": _PAGE}
    found: list[dict[str, Any]] = []
    for _ in range(_MOST_PAGES):
        page = _must(project.send("GET", "/3d/models", query=query), what, "read")
        found += [each for each in page["items"] if str(each["name"]).startswith(f"{name}_")]
        if not page.get("nextCursor"):
            break
        query["cursor"] = page["nextCursor"]
    return found


def _three_d_models(project: Project, name: str) -> None:
    if found := [{"id": each["id"]} for each in _three_d_models_of(project, name)]:
        _must(project.send("POST", "/3d/models/delete", {"items": found}), f"3D models named {name}_...")


def _created(project: Project, name: str, path: str, what: str) -> list[dict[str, Any]]:
    """Return what is there of the external ids that cases create below an endpoint."""
    return _items(project, f"{path}/byids", {"items": _ids(name, path), "ignoreUnknownIds": True}, what)


def _ids(name: str, path: str) -> list[dict[str, str]]:
    return [{"externalId": f"{name}_{suffix}"} for suffix in _created_in(path)]


def _files_of(project: Project, name: str) -> list[dict[str, Any]]:
    return _created(project, name, "/files", f"Files with external ids {name}_...")


def _files(project: Project, name: str) -> None:
    """Remove files and the annotations on them."""
    found = _files_of(project, name)
    if not found:
        return
    if on_them := [{"id": each["id"]} for each in _annotations_on(project, name, found)]:
        _must(project.send("POST", "/annotations/delete", {"items": on_them}), f"Annotations of the files {name}_...")
    body = {"items": _ids(name, "/files"), "ignoreUnknownIds": True}
    _must(project.send("POST", "/files/delete", body), f"Files with external ids {name}_...")


def _annotations_on(project: Project, name: str, files: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    ids = [{"id": each["id"]} for each in files]
    of_files = {"annotatedResourceType": "file", "annotatedResourceIds": ids}
    listed = project.send("POST", "/annotations/list", {"filter": of_files, "limit": _PAGE})
    if listed.is_refusal:
        return []  # the credentials see none, so the run wrote none
    found: list[dict[str, Any]] = _must(listed, f"Annotations of the files {name}_...", "read")["items"]
    return found


def _assets(project: Project, name: str) -> None:
    body = {"items": _ids(name, "/assets"), "ignoreUnknownIds": True, "recursive": True}
    _must(project.send("POST", "/assets/delete", body), f"Assets with external ids {name}_...")


def _instances_of(project: Project, name: str, kind: str) -> list[dict[str, Any]]:
    """Return the first instances of the space."""
    of_space = {"filter": {"equals": {"property": [kind, "space"], "value": name}}}
    body = {"with": {"ours": {f"{kind}s": of_space, "limit": _PAGE}}, "select": {"ours": {}}}
    answer = project.send("POST", f"{_MODELS}/instances/query", body)
    found: list[dict[str, Any]] = _must(answer, f'Instances of space "{name}"', "read")["items"]["ours"]
    return found


def _instances(project: Project, name: str) -> None:
    what = f'Instances of space "{name}"'
    for kind in _KINDS:
        for _ in range(_MOST_PAGES):
            found = _instances_of(project, name, kind)
            if not found:
                break
            items = [{"instanceType": kind, "space": name, "externalId": each["externalId"]} for each in found]
            if not _must(project.send("POST", f"{_MODELS}/instances/delete", {"items": items}), what)["items"]:
                raise _Refused(f"{what} are listed and cannot be deleted")


def _schemas(project: Project, name: str) -> None:
    """Remove the data model, the view, the container and then the space; missing ones are ignored."""
    for what, path, item in _schema_parts(name):
        _must(project.send("POST", f"{_MODELS}/{path}/delete", {"items": [item]}), what)


def _schema_parts(name: str) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    versioned = {"space": name, "version": "v1"}
    yield f'The data model of space "{name}"', "datamodels", versioned | {"externalId": "Things"}
    yield f'The view of space "{name}"', "views", versioned | {"externalId": "Thing"}
    yield f'The container of space "{name}"', "containers", {"space": name, "externalId": "Thing"}
    yield f'Throwaway space "{name}"', "spaces", {"space": name}


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


def _named_models(project: Project, name: str) -> Iterator[str]:
    yield from (f"3D model {each['name']}" for each in _three_d_models_of(project, name))


def _named_files(project: Project, name: str) -> Iterator[str]:
    files = _files_of(project, name)
    yield from (f"file {each['externalId']}" for each in files)
    if files and (on_them := _annotations_on(project, name, files)):
        yield counted(len(on_them), "annotation on these files", "annotations on these files")


def _named_assets(project: Project, name: str) -> Iterator[str]:
    found = _created(project, name, "/assets", f"Assets with external ids {name}_...")
    yield from (f"asset {each['externalId']}" for each in found)


def _named_instances(project: Project, name: str) -> Iterator[str]:
    for kind in _KINDS:
        yield from (f"{kind} {name}/{each['externalId']}" for each in _instances_of(project, name, kind))


def _named_schemas(project: Project, name: str) -> Iterator[str]:
    for what, path, item in _schema_parts(name):
        if _items(project, f"{_MODELS}/{path}/byids", {"items": [item]}, what):
            yield f"{what[0].lower()}{what[1:]}"


_LEFTOVERS: Sequence[tuple[str, Callable[[Project, str], Iterator[str]]]] = (
    ("3d", _named_models),
    ("files", _named_files),
    ("assets", _named_assets),
    ("models", _named_instances),
    ("models", _named_schemas),
)
"""What `leftovers` reads, in the order of `_STEPS`."""


def areas_of(mode: ProjectMode) -> Collection[str]:
    """Return the areas of a project of this mode in which a run may leave something."""
    return {case.path.split("/")[1] for case in cases_for(mode) if case.writes}
