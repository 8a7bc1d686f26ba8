"""Check a project before the first write: capabilities, mode, views, spaces, data set, labels, limit of instances."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from capture360.cdf.capabilities import EVERYWHERE, TO_INSPECT, Need, capabilities, in_data_set, in_space, lacking
from capture360.cdf.client import CdfProject, cdf_errors
from capture360.cdf.images.files import ClassicFiles
from capture360.cdf.instances import View
from capture360.cdf.json_answers import items_of
from capture360.cdf.project_mode import PROJECT_KINDS, modes_of_kind
from capture360.errors import CdfUnavailableError, ConfigError
from capture360.rules.finding import Finding
from capture360.rules.project import D01, D02, D03, D04, D05, D06, D08, WHERE
from capture360.settings.site import Site

if TYPE_CHECKING:
    from cognite.client.data_classes.data_modeling import Space

_SERVER_ERROR = 500
READ_SCHEMAS = Need("dataModelsAcl", "READ")
FOR_PREFLIGHT = (*TO_INSPECT, READ_SCHEMAS)
FOR_LABELS = Need("labelsAcl", "READ")
_BESIDE_PANORAMAS = 4
"""Collection, 360° model, scene and its edge."""


@dataclass(frozen=True, slots=True)
class Required:
    """Requirements of publishing: views, spaces and capabilities of the image model, and the number of instances.

    `published` counts the panoramas of the capture that CDF has; it is called only near the limit of instances.
    """

    views: Sequence[View]
    spaces: Sequence[str]
    needs: Sequence[Need]
    panoramas: int
    instances_each: int
    published: Callable[[], int]
    classic_files: bool


def missing_parts(cdf: CdfProject, site: Site, required: Required) -> Sequence[Finding]:
    """Return a finding for everything that the project lacks. Reads only; missing capabilities end the check."""
    granted = capabilities(cdf)
    denied = lacking(granted, needs_for(site, required))
    if denied:
        return [_not_granted(cdf, need) for need in denied]
    return [
        *_wrong_mode(cdf),
        *_views(cdf, required.views),
        *_spaces(cdf, site, required.spaces, granted),
        *(_classic_files(cdf, site, granted) if required.classic_files else ()),
        *(_labels(cdf, site) if required.classic_files else ()),
        *_room(cdf, required),
    ]


def needs_for(site: Site, required: Required) -> Sequence[Need]:
    """Return the capabilities that publishing needs, but for those of a space or data set that is still to be found."""
    for_files = [Need("datasetsAcl", "READ")] if required.classic_files and site.files.data_set else []
    if required.classic_files and site.files.labels:
        for_files.append(FOR_LABELS)
    return [*FOR_PREFLIGHT, *required.needs, *in_spaces(required.spaces), *for_files]


def in_spaces(spaces: Iterable[str]) -> list[Need]:
    """Return the capabilities to read and write instances of these spaces."""
    return [
        Need("dataModelInstancesAcl", action, in_space(space))
        for space in dict.fromkeys(spaces)
        for action in ("READ", "WRITE")
    ]


def extraction_needs(work: Sequence[Need], space: str) -> Sequence[Need]:
    """Return the capabilities that CDF's extraction of E57 files into `space` needs, those of its `work` included."""
    return [*FOR_PREFLIGHT, *work, *in_spaces([space])]


def missing_for_extraction(cdf: CdfProject, site: Site, work: Sequence[Need], space: str) -> Sequence[Finding]:
    """Return a finding for every missing capability that CDF's extraction of E57 files into `space` needs."""
    granted = capabilities(cdf)
    denied = lacking(granted, extraction_needs(work, space))
    return [_not_granted(cdf, need) for need in denied] or [*_spaces(cdf, site, [space], granted)]


def space_exists(cdf: CdfProject, space: str) -> bool:
    """Return whether the instance space exists and the credentials may read it."""
    return _space(cdf, space) is not None


def _space(cdf: CdfProject, space: str) -> Space | None:
    with cdf_errors(f'Looking for space "{space}"'):
        return cdf.client.data_modeling.spaces.retrieve(space)


@contextmanager
def missing_space_behind_500(cdf: CdfProject, spaces: Iterable[str]) -> Iterator[None]:
    """Raise ConfigError for a 500 of CDF's 3D APIs if one of `spaces` is missing: that is how they say so.

    A retry would not change it. Any other error passes.
    """
    try:
        yield
    except CdfUnavailableError as error:
        if error.status != _SERVER_ERROR:
            raise
        missing = [space for space in dict.fromkeys(spaces) if not space_exists(cdf, space)]
        if not missing:
            raise
        named = ", ".join(f'"{space}"' for space in missing)
        raise ConfigError(
            f"{error.message} CDF's 3D APIs answer so when a space is missing, and space {named} is not in project "
            f"{cdf.connection.project}. Create it, or correct the setting that names it."
        ) from error


def ensure_space(cdf: CdfProject, space: str, *, create: bool) -> None:
    """Create the space if it does not exist and `create` allows it; ConfigError if it does not."""
    from cognite.client.data_classes.data_modeling import SpaceApply

    found = _space(cdf, space)
    if found is not None and found.is_global:
        raise ConfigError(D04.finding(where=WHERE, value=space, message="global").message)
    if found is not None:
        return
    if not create:
        raise ConfigError(f'Space "{space}" is not in the project. Create it, or set create_space.')
    with cdf_errors(f'Creating space "{space}"'):
        cdf.client.data_modeling.spaces.apply(SpaceApply(space, description="360° captures"))


def _wrong_mode(cdf: CdfProject) -> Iterator[Finding]:
    project = cdf.connection.project
    with cdf_errors("Asking for the project's data modeling status"):
        listed = items_of(cdf.client.get("/api/v1/projects", params={"withDataModelingStatus": "true"}))
    kind = next((each.get("dataModelingStatus") for each in listed if each["urlName"] == project), None)
    if kind is not None and kind != PROJECT_KINDS[cdf.connection.mode]:
        fitting = " or ".join(modes_of_kind(kind)) or "none that is known here"
        yield D02.finding(where=WHERE, value=kind, project=project, mode=f"mode {cdf.connection.mode}", fitting=fitting)


def _views(cdf: CdfProject, views: Sequence[View]) -> Iterator[Finding]:
    wanted = [(view.space, view.external_id, view.version) for view in views]
    with cdf_errors("Looking for the views of 360° images"):
        found = cdf.client.data_modeling.views.retrieve(wanted, include_inherited_properties=False)
    there = {(view.space, view.external_id, view.version) for view in found}
    absent: dict[str, list[str]] = {}
    for view, key in zip(views, wanted, strict=True):
        if key not in there:
            absent.setdefault(view.space, []).append(str(view))
    for space, missing in absent.items():
        named = ", ".join(missing)
        message = "" if len(missing) == 1 else "several"
        yield D03.finding(where=WHERE, value=named, message=message, project=cdf.connection.project, space=space)


def _spaces(
    cdf: CdfProject, site: Site, spaces: Sequence[str], granted: Sequence[Mapping[str, Any]]
) -> Iterator[Finding]:
    for space in dict.fromkeys(spaces):
        found = _space(cdf, space)
        if found is not None:
            if found.is_global:
                yield D04.finding(where=WHERE, value=space, message="global")
            continue
        if not site.create_space:
            yield D04.finding(where=WHERE, value=space, project=cdf.connection.project)
        for need in lacking(granted, [Need("dataModelsAcl", "WRITE", in_space(space))] if site.create_space else []):
            yield _not_granted(cdf, need)


def _classic_files(cdf: CdfProject, site: Site, granted: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    name = site.files.data_set
    try:
        data_set = ClassicFiles(cdf.client, site.files).data_set_id
    except ConfigError as error:
        yield D05.finding(where=WHERE, value=name, sentence=str(error))
        return
    scope = EVERYWHERE if data_set is None else in_data_set(data_set, str(name))
    for need in lacking(granted, [Need("filesAcl", "READ", scope), Need("filesAcl", "WRITE", scope)]):
        yield _not_granted(cdf, need)


def _labels(cdf: CdfProject, site: Site) -> Iterator[Finding]:
    wanted = list(dict.fromkeys(site.files.labels))
    if not wanted:
        return
    with cdf_errors("Looking for the labels of the files"):
        found = cdf.client.labels.retrieve(external_id=wanted, ignore_unknown_ids=True)
    there = {label.external_id for label in found}
    missing = ", ".join(f'"{name}"' for name in wanted if name not in there)
    if missing:
        yield D08.finding(where=WHERE, value=missing, project=cdf.connection.project)


def _room(cdf: CdfProject, required: Required) -> Iterator[Finding]:
    with cdf_errors("Asking how many instances the project may hold"):
        held = cdf.client.data_modeling.statistics.project().instances
    there = held.instances + held.soft_deleted_instances
    free = held.instances_limit - there
    wanted = required.panoramas
    if free < wanted * required.instances_each + _BESIDE_PANORAMAS:
        wanted -= required.published()
    more = wanted * required.instances_each + _BESIDE_PANORAMAS if wanted > 0 else 0
    if free < more:
        yield D06.finding(
            where=WHERE,
            value=f"{there} of {held.instances_limit}",
            project=cdf.connection.project,
            held=f"{there:,}",
            limit=f"{held.instances_limit:,}",
            panoramas=f"{wanted:,}",
            more=f"{more:,}",
        )


def require(cdf: CdfProject, needs: Iterable[Need]) -> None:
    """Raise ConfigError that names each of the needs that is not granted."""
    denied = lacking(capabilities(cdf), needs)
    if denied:
        raise ConfigError(" ".join(_not_granted(cdf, need).message for need in denied))


def _not_granted(cdf: CdfProject, need: Need) -> Finding:
    return D01.finding(where=WHERE, value=need, project=cdf.connection.project)
