"""Which of a site's assets its captures have seen: a small note a capture, and the site as a whole over time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from capture360.errors import ConfigError
from capture360.matching.coverage import Coverage, CoverageTable
from capture360.matching.critical_list import critical_assets, read_critical_list
from capture360.model import Asset, CaptureKey, Match
from capture360.records import Records
from capture360.rules.finding import Finding
from capture360.rules.links import L07
from capture360.rules.reconciliation import R01
from capture360.settings.site import Site
from capture360.steps.asset_list import asset_list
from capture360.steps.plates import seen_plates
from capture360.text import counted

NOTE = "coverage"


@dataclass(frozen=True, slots=True)
class Seen:
    """The assets that one capture or several have seen, by reference; those asked about are not linked there."""

    linked: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()

    @classmethod
    def of(cls, matches: Sequence[Match]) -> Seen:
        """Return what the matches of a capture say, with people's decisions applied to them."""
        refs: dict[str, set[str]] = {"linked": set(), "asked": set(), "dropped": set()}
        for plate in seen_plates(matches):
            refs[plate.result].update(asset.ref for asset in plate.assets)
        return cls(frozenset(refs["linked"]), frozenset(refs["asked"] - refs["linked"]))

    def __or__(self, other: Seen) -> Seen:
        linked = self.linked | other.linked
        return Seen(linked, (self.asked | other.asked) - linked)


@dataclass(frozen=True, slots=True)
class CaptureSeen:
    """What a capture has seen, with the date it was taken on, empty if the records do not tell it."""

    key: CaptureKey
    captured_on: str
    seen: Seen
    extent: Mapping[str, Any] | None = None
    """Where its plates are, as the document of an `Extent`; None if the note is older than that."""


@dataclass(frozen=True, slots=True)
class Step:
    """The coverage by one capture, and by all up to it in order of capture dates; critical ones if the site has any."""

    key: CaptureKey
    captured_on: str
    own: Coverage
    so_far: Coverage
    critical: Coverage | None
    critical_so_far: Coverage | None

    def document(self) -> dict[str, Any]:
        """Return it as a value that JSON can hold."""
        parts = {"own": self.own, "so_far": self.so_far, "critical": self.critical,
                 "critical_so_far": self.critical_so_far}  # fmt: skip
        counts = {name: each.document() if each else None for name, each in parts.items()}
        return {"capture": str(self.key), "captured_on": self.captured_on, **counts}


@dataclass(frozen=True, slots=True)
class Critical:
    """The critical assets of a site by reference, and what is wrong with the list."""

    refs: frozenset[str] | None
    findings: Sequence[Finding] = ()


@dataclass(frozen=True, slots=True)
class SiteCoverage:
    """A site's coverage by capture, oldest first. The lists name the assets that no capture has seen."""

    steps: Sequence[Step]
    total: Coverage
    critical: Coverage | None
    never_seen: Sequence[str]
    critical_never_seen: Sequence[str]
    findings: Sequence[Finding]


def note_coverage(records: Records, key: CaptureKey, fingerprint: str, matches: Sequence[Match]) -> None:
    """Keep what a capture has seen; `matches` are those that people's decisions were applied to."""
    validation, matched = (records.get(key, fingerprint, step) for step in ("validate", "match"))
    seen = Seen.of(matches)
    absent = set(matched.body.get("absent", ())) if matched else set()
    body = {
        "captured_on": str(validation.body.get("captured_on") or "") if validation else "",
        "assets": int(matched.body.get("candidates", 0)) if matched else 0,
        "linked": sorted(seen.linked - absent),
        "asked": sorted(seen.asked - absent),
        "critical": matched.body.get("critical") if matched else None,
        "extent": matched.body.get("extent") if matched else None,
    }
    if records.note(key, NOTE) != body:
        records.put_note(key, NOTE, body)


def seen_by_captures(records: Records, site: str) -> tuple[list[CaptureSeen], Sequence[Finding]]:
    """Return what each capture of a site has seen, by capture date, and findings about captures with a damaged note.

    Takes one listing, and one small note a capture.
    """
    found, damaged = records.notes(site, NOTE, _capture_seen)
    findings = [R01.finding(where=str(key), sentence=str(error)) for key, error in damaged.items()]
    return sorted(found.values(), key=lambda each: (each.captured_on, each.key.capture)), findings


def capture_coverage(records: Records, key: CaptureKey) -> tuple[Coverage, Coverage | None] | None:
    """Return the coverage of the site's assets by one capture, and of critical ones; None if it was not contextualized.

    The assets are those of the capture's last matching.
    """
    note = records.note(key, NOTE)
    if note is None:
        return None
    critical = note["critical"]
    return (
        Coverage(note["assets"], len(note["linked"]), len(note["asked"])),
        None if critical is None else Coverage.of(critical, note["linked"], note["asked"]),
    )


def critical_of(site: Site, assets: Sequence[Asset]) -> Critical:
    """Return the site's critical assets; without references if the site names no list, or the list is wrong."""
    url = site.links.critical_assets
    if url is None:
        return Critical(None)
    try:
        tags = read_critical_list(url)
    except ConfigError as error:
        return Critical(None, [L07.finding(where=site.id, error=error.message)])
    refs, unknown = critical_assets(tags, assets)
    if not unknown:
        return Critical(refs)
    return Critical(refs, [L07.finding(message="unknown", where=site.id, value=unknown[0], count=f"{len(unknown):,}")])


def over_time(captures: Sequence[CaptureSeen], assets: Sequence[Asset], critical: frozenset[str] | None) -> list[Step]:
    """Return the coverage by each capture and by all before it, the oldest first."""
    known = frozenset(asset.ref for asset in assets)
    before, steps = Seen(), []
    for each in captures:
        before |= each.seen
        own, so_far = (Coverage.of(known, some.linked, some.asked) for some in (each.seen, before))
        both = (
            [Coverage.of(critical, some.linked, some.asked) for some in (each.seen, before)]
            if critical is not None
            else [None, None]
        )
        steps.append(Step(each.key, each.captured_on, own, so_far, *both))
    return steps


def coverage_table(
    records: Records, key: CaptureKey, matches: Sequence[Match], assets: Sequence[Asset], critical: Critical
) -> CoverageTable:
    """Return the coverage by a capture, and by all of its site with it, for its report.

    `matches` are those that people's decisions were applied to.
    """
    own = Seen.of(matches)
    others = [each.seen for each in seen_by_captures(records, key.site)[0] if each.key != key]
    whole = reduce(or_, others, own)
    parts: list[tuple[str, Collection[str]]] = [("assets", [asset.ref for asset in assets])]
    if critical.refs is not None:
        parts.append(("critical assets", critical.refs))
    seen = [("this capture", own), (f"the site's {counted(len(others) + 1, 'capture')}", whole)]
    rows = [
        (f"{which}, {by}", Coverage.of(refs, some.linked, some.asked)) for which, refs in parts for by, some in seen
    ]
    left = (critical.refs or frozenset()) - whole.linked - whole.asked
    return CoverageTable(rows, sorted(asset.name or asset.ref for asset in assets if asset.ref in left))


def site_coverage(records: Records, site: Site) -> SiteCoverage:
    """Return the coverage of a site's assets, as its texts were matched to them last. Reads the records alone."""
    known = asset_list(records, site.id)
    assets = known.assets if known else []
    critical = critical_of(site, assets)
    captures, damaged = seen_by_captures(records, site.id)
    seen = Seen()
    for each in captures:
        seen |= each.seen
    names = {asset.ref: asset.name or asset.ref for asset in assets}
    unseen = names.keys() - seen.linked - seen.asked
    return SiteCoverage(
        over_time(captures, assets, critical.refs),
        Coverage.of(names, seen.linked, seen.asked),
        Coverage.of(critical.refs, seen.linked, seen.asked) if critical.refs is not None else None,
        sorted(names[ref] for ref in unseen),
        sorted(names[ref] for ref in unseen & (critical.refs or frozenset())),
        [*critical.findings, *damaged],
    )


def _capture_seen(key: CaptureKey, note: Mapping[str, Any]) -> CaptureSeen:
    seen = Seen(frozenset(note["linked"]), frozenset(note["asked"]))
    return CaptureSeen(key, note["captured_on"], seen, note.get("extent"))
