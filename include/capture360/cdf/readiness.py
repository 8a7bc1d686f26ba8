"""Check whether a connection can publish captures, and what to ask the administrator for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from capture360.cdf.capabilities import Need, capabilities, inspect, lacking
from capture360.cdf.client import CdfProject, Connection
from capture360.cdf.extraction_pipelines import ExtractionPipeline
from capture360.cdf.preflight import FOR_LABELS
from capture360.cdf.prerequisites import prerequisites
from capture360.cdf.probes import probes
from capture360.cdf.registry import cdf_extracts_scans, mode_of
from capture360.cdf.rights import (
    DAGS,
    REMOVE_3D,
    as_capabilities,
    decision_needs,
    link_needs,
    rights,
    scan_needs,
    status_needs,
)
from capture360.errors import Capture360Error, CdfError, CdfUnavailableError
from capture360.model import CaptureKey
from capture360.rules.finding import Finding
from capture360.rules.project import D01, D02, D03, D04, D05, D06, D07, D08
from capture360.settings.site import Site

_PUBLISHING = "publishing"
_STATUS = "status in CDF"
_SPACE_FOR_EACH = (
    "CDF extracts each capture of E57 scans into a space of its own. Where scans are delivered, set e57.space and "
    "print this list again, or grant dataModelInstancesAcl READ, WRITE and dataModelsAcl WRITE for all spaces."
)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Result of one check. `message` says what was found, or what to ask for."""

    what: str
    state: Literal["fit", "missing", "not asked"]
    needed_for: str
    message: str


def is_fit(found: Sequence[CheckResult]) -> bool:
    """Return whether captures can be published; requirements of links and scans may be unmet."""
    return all(row.state == "fit" for row in found if row.needed_for == _PUBLISHING)


def check_project(connection: Connection, site: Site, panoramas: int) -> Sequence[CheckResult]:
    """Check what publishing so many panoramas, linking, retracting and extracting E57 scans needs. Reads only."""
    cdf = CdfProject(connection)
    try:
        reached = inspect(connection)
        granted = capabilities(cdf)
        found = mode_of(cdf).images(cdf, site).missing(CaptureKey(site.id, "doctor"), panoramas)
    except (CdfError, CdfUnavailableError) as error:
        return [CheckResult("connection", "missing", _PUBLISHING, str(error))]
    return [
        CheckResult("connection", "fit", _PUBLISHING, reached),
        *_capabilities(granted, found),
        *_parts(found, _checked(connection, site, panoramas)),
        *_for_more(granted, "links", link_needs(cdf, site)),
        *_for_more(granted, "decisions in CDF", decision_needs(cdf, site) if site.links.enabled else ()),
        *_for_more(granted, "E57 scans", scan_needs(cdf, site)),
        *_for_more(granted, "retractions", [need for need in rights(cdf, site)["retract"] if need == REMOVE_3D]),
        *_for_more(granted, _STATUS, status_needs(site)),
        *(_pipeline(cdf, site) if not lacking(granted, status_needs(site)) else ()),
        *(
            CheckResult(each.what, "fit" if each.is_fit else "missing", each.needed_for, each.message)
            for each in probes(cdf, site)
        ),
    ]


def _capabilities(granted: Sequence[Mapping[str, Any]], found: Sequence[Finding]) -> Iterator[CheckResult]:
    denied = [finding for finding in found if finding.rule == D01.id]
    for finding in denied:
        yield CheckResult(finding.value, "missing", _PUBLISHING, finding.message)
    if not denied:
        yield CheckResult("capabilities", "fit", _PUBLISHING, "; ".join(_in_words(each) for each in granted))


def _in_words(capability: Mapping[str, Any]) -> str:
    """Describe a capability, e.g. `filesAcl READ, WRITE (datasetScope 12, 14)`."""
    parts = []
    for acl, grant in capability.items():
        if not acl.endswith("Acl"):
            continue
        scopes = [
            " ".join([name, ", ".join(str(each) for values in scope.values() for each in values)]).strip()
            for name, scope in grant["scope"].items()
        ]
        parts.append(f"{acl} {', '.join(grant['actions'])} ({'; '.join(scopes)})")
    return ", ".join(parts)


def _checked(connection: Connection, site: Site, panoramas: int) -> Mapping[str, tuple[str, str]]:
    """Return what the preflight checks once the capabilities suffice: name and message by the rule of its findings."""
    data_set = f'"{site.files.data_set}" is there' if site.files.data_set else "none is asked for"
    needs = mode_of(CdfProject(connection)).images(CdfProject(connection), site).needs
    labels = ", ".join(f'"{name}"' for name in site.files.labels)
    return {
        D02.id: ("project mode", f"the project is of the kind that {connection.mode} needs"),
        D03.id: ("views", "the views of 360° images are there"),
        D04.id: ("spaces", f'"{site.space}" is there or may be created'),
        D05.id: ("data set", data_set),
        **({D08.id: ("labels", f"{labels} found")} if FOR_LABELS in needs else {}),
        D06.id: ("limit of instances", f"there is room for {panoramas:,} panoramas"),
    }


def _parts(found: Sequence[Finding], checked: Mapping[str, tuple[str, str]]) -> Iterator[CheckResult]:
    by_part: dict[str, list[Finding]] = {}
    for finding in found:
        by_part.setdefault(finding.rule, []).append(finding)
    was_asked = set(by_part) != {D01.id}
    for rule, (part, fit) in checked.items():
        problems = by_part.pop(rule, [])
        for finding in problems:
            yield CheckResult(part, "missing", _PUBLISHING, finding.message)
        if not problems and was_asked:
            yield CheckResult(part, "fit", _PUBLISHING, fit)
        elif not problems:
            yield CheckResult(part, "not asked", _PUBLISHING, "The capabilities come first.")
    by_part.pop(D01.id, None)
    for rule, others in by_part.items():
        for finding in others:
            yield CheckResult("model" if rule == D07.id else rule, "missing", _PUBLISHING, finding.message)


def _for_more(granted: Sequence[Mapping[str, Any]], purpose: str, needs: Sequence[Need]) -> Iterator[CheckResult]:
    missing = lacking(granted, needs)
    for need in missing:
        yield CheckResult(str(need), "missing", purpose, f"{need} is not granted. Ask for it if {purpose} are wanted.")
    if needs and not missing:
        yield CheckResult("capabilities", "fit", purpose, ", ".join(str(need) for need in needs))


def _pipeline(cdf: CdfProject, site: Site) -> Iterator[CheckResult]:
    """Yield whether the site's extraction pipeline exists."""
    if site.extraction_pipeline is None:
        return
    what = f'extraction pipeline "{site.extraction_pipeline}"'
    try:
        ExtractionPipeline(cdf, site.extraction_pipeline).document()
    except Capture360Error as error:
        yield CheckResult(what, "missing", _STATUS, error.message)
    else:
        yield CheckResult(what, "fit", _STATUS, "is there")


def fix_list(connection: Connection, site: Site, found: Sequence[CheckResult]) -> Sequence[str]:
    """Return the lines of a to-do for an administrator: what is missing, and the groups that grant what is needed."""
    cdf = CdfProject(connection)
    project = connection.project
    missing: dict[str, list[CheckResult]] = {}
    for row in found:
        if row.state == "missing":  # a capability that several purposes need is one thing to do
            missing.setdefault(row.what if "Acl:" in row.what else row.message, []).append(row)
    lines = [f"# To do in CDF project {project} for site {site.id}", ""]
    for first, *more in missing.values():
        lines.append(f"- [ ] {first.message} (for {', '.join(row.needed_for for row in (first, *more))})")
    if not missing:
        lines.append("Nothing is missing.")
    if any((row.what, row.state) == ("connection", "fit") for row in found):
        lines += _to_be_there(cdf, site)
    lines += ["", "## Groups with exactly what each part needs", ""]
    for work, needs in rights(cdf, site).items():
        lines += [f"Group of {DAGS[work]}:", "", "```yaml", *_as_yaml(work, site, as_capabilities(needs)), "```", ""]
    if cdf_extracts_scans(cdf, site) and site.e57.space is None:
        lines += [_SPACE_FOR_EACH, ""]
    return lines[:-1]


def _to_be_there(cdf: CdfProject, site: Site) -> Iterator[str]:
    wanted = list(prerequisites(cdf, site))
    if not wanted:
        return
    yield from ("", "## What has to be there", "")
    if not all(each.is_seen for each in wanted):
        yield from ("Without a tick: not there, or not to be seen by these credentials yet.", "")
    for each in wanted:
        yield f"- [x] {each.what}" if each.is_seen else f"- [ ] {each.what}. {each.how}"


def _as_yaml(work: str, site: Site, capabilities: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a group in the form of Cognite's Toolkit."""
    import yaml

    document = {"name": f"capture360_{site.id}_{work}", "capabilities": list(capabilities)}
    yield from yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=110).rstrip().splitlines()
