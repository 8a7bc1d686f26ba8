"""All checks of one capture, in three stages: gate, Great Expectations, files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from capture360.checks import (
    angles,
    captures,
    declared,
    digests,
    files,
    neighbours,
    other_captures,
    picture_sizes,
    plausibility,
    poses,
    rotations,
    stations,
    structure,
    time_order,
    times,
    transforms,
    unused,
)
from capture360.checks.parsed_capture import CheckInput, ParsedStations, image_refs, parse_stations
from capture360.checks.pictures import inspect
from capture360.checks.suites import run_suite
from capture360.checks.unread import perhaps_unread
from capture360.checks.validation import Validation, rejected, validation_of
from capture360.checks.verdict import settle, stopped
from capture360.checks.violations import FindingGroup, Frame, Group, Progress, Results
from capture360.e57 import split_reference
from capture360.landing.folder import CaptureFolder
from capture360.landing.scans import archive_of
from capture360.model import Capture, CaptureKey, CaptureKind
from capture360.readers import Tables, read_tables
from capture360.readers.manifest import Manifest
from capture360.rules.finding import Disposition, Finding
from capture360.settings.checks import CheckSettings
from capture360.settings.site import Site
from capture360.text import printable

if TYPE_CHECKING:
    import pandas as pd

_STEPS = 4
_GATE: tuple[Callable[[CheckInput], Iterator[Group]], ...] = (
    unused.rows_left_out,
    structure.gate,
    stations.similar_ids,
    times.readable,
    stations.names,
    times.ambiguous,
    time_order.span,
    captures.gate,
    unused.orphans,
    unused.of_one_name,
    declared.cells,
    plausibility.gate,
    transforms.gate,
    angles.gate,
    rotations.gate,
    captures.against_itself,
    other_captures.against_others,
)
_STATIONS_SUITE: tuple[Callable[[CheckInput, Results], Iterator[Group]], ...] = (
    poses.places,
    stations.suite,
    poses.suite,
    angles.suite,
    rotations.suite,
    times.possible,
    neighbours.suite,
    time_order.in_order,
)


def check_capture(
    folder: CaptureFolder,
    *,
    site: Site | None = None,
    key: CaptureKey | None = None,
    progress: Progress | None = None,
    earlier: Sequence[Capture] = (),
) -> Validation:
    """Check a delivered capture by all rules; faults of the delivery are findings, not exceptions.

    `site` gives thresholds, bounds and zone, else defaults apply. `key` is the expected key, else that of the folder's
    and its parent's names. `progress` receives (done, total, what). `earlier` are ingested captures of the site, former
    revisions of this one included.

    Raises:
        BadInputError: the folder itself cannot be listed.
    """
    settings = site.checks if site else CheckSettings()
    report = progress or (lambda *_: None)
    report(0, _STEPS, "reading the tables")
    tables = read_tables(folder, key=key, settings=settings)
    subject = key or _key(tables.manifest, folder)
    groups: list[Group] = [FindingGroup([finding]) for finding in tables.findings]
    groups += structure.left_out(folder, tables.stations_file)
    if tables.manifest is None or tables.stations.empty:
        return rejected(subject, groups, settings)
    report(1, _STEPS, "checking structure")
    delivered = Frame(tables.stations, tables.stations_file)
    table = parse_stations(_valid_rows(tables, delivered), tables.manifest)
    ids = _station_ids(table, (finding for group in groups for finding in group.findings()))
    kept = perhaps_unread(table, ids, captures.ingested(subject, earlier))
    given = CheckInput(
        folder=folder,
        table=table,
        faces=_faces_of_stations(table),
        delivered=delivered,
        ids=_with(ids[~ids.isin(list(kept.values()))], list(kept)),
        key=subject,
        expected_key=key,
        site=site,
        settings=settings,
        earlier=earlier,
    )
    groups += captures.kept(given, kept)
    suites: list[Mapping[str, Any]] = []
    for check in _GATE:
        groups += check(given)
    if not stopped(groups, settings):
        report(2, _STEPS, "checking stations and files")
        groups += _suites(given, suites)
    if not stopped(groups, settings):
        groups += _files(given, progress)
    report(_STEPS, _STEPS, "done")
    settled = settle(groups, given.ids, settings)
    if settled.accepted:
        settled = settled.also(list(captures.still_shown(given, settled.quarantined.keys() - set(kept))))
    return replace(validation_of(given, settled, tables.scans), suites=tuple(suites))


def _suites(given: CheckInput, documents: list[Mapping[str, Any]]) -> Iterator[Group]:
    """The findings of both suites; their own results are added to `documents`."""
    settings = given.settings
    parameters = {name: value for name, value in settings if isinstance(value, int | float)} | times.limits()
    if settings.bounds:
        for axis, low, high in zip("xyz", settings.bounds.minimum, settings.bounds.maximum, strict=True):
            parameters |= {f"minimum_{axis}": low, f"maximum_{axis}": high}
    stations_run = run_suite(given.table.suite_frame(), "stations", parameters)
    documents += [stations_run.document] if stations_run.document else []
    for check in _STATIONS_SUITE:
        yield from check(given, stations_run.results)
    if given.table.manifest.kind is not CaptureKind.E57:
        columns = given.faces.frame[["station_id", "face", "file"]]
        faces_run = run_suite(columns, "faces", parameters)
        documents += [faces_run.document] if faces_run.document else []
        yield from files.suite(given, faces_run.results)


def _files(given: CheckInput, progress: Progress | None) -> Iterator[Group]:
    if given.table.manifest.kind is not CaptureKind.E57:
        images = list(image_refs(given.table, given.faces))
        yield from picture_sizes.evaluate(given, inspect(given.folder, images, len(images), given.settings, progress))
        yield from digests.copies(given.folder, images, progress)
    yield from digests.checksums(given.folder, progress, _users(given), given.table.tables.scans)


def _users(given: CheckInput) -> Mapping[str, Sequence[str]]:
    """Return the stations of each file of pictures: of a picture, a scan, or an archive of scans."""
    users: dict[str, dict[str, None]] = defaultdict(dict)
    frame = given.faces.frame
    is_e57 = given.table.manifest.kind is CaptureKind.E57
    for station, file in zip(frame["station_id"], frame["file"], strict=True):
        path = split_reference(file)[0] if is_e57 else file
        users[path if given.folder.exists(path) else archive_of(given.folder, path)][station] = None
    for part in given.table.tables.unread:  # held back by a finding of its own
        users[part if given.folder.exists(part) else archive_of(given.folder, part)][part] = None
    return {path: list(stations) for path, stations in users.items()}


def _valid_rows(tables: Tables, delivered: Frame) -> Tables:
    """Return the tables without station rows that they mark as not valid."""
    rows = unused.not_valid(delivered)
    if not len(rows):
        return tables
    return replace(tables, stations=tables.stations.drop(index=rows.tolist()).reset_index(drop=True))


def _faces_of_stations(table: ParsedStations) -> Frame:
    """Return the faces that belong to stations of the table."""
    frame = table.faces.frame
    known = frame["station_id"].isin(table.stations.frame["station_id"])
    return table.faces if known.all() else Frame(frame[known].reset_index(drop=True), table.faces.file)


def _station_ids(table: ParsedStations, findings: Iterable[Finding]) -> pd.Series[str]:
    """Return one id per station row; what findings of the readers hold back counts too, as one station each."""
    ids = table.stations.frame["station_id"]
    lost = [finding.station for finding in findings if finding.disposition is Disposition.QUARANTINE]
    known = set(ids)
    return _with(ids, [name for name in dict.fromkeys(lost) if name and name not in known])


def _with(ids: pd.Series[str], more: Sequence[str]) -> pd.Series[str]:
    import pandas as pd

    return pd.concat([ids, pd.Series(more, dtype="str")], ignore_index=True) if more else ids


def _key(manifest: Manifest | None, folder: CaptureFolder) -> CaptureKey:
    if manifest:
        return CaptureKey(manifest.site_id, manifest.capture_id)
    return CaptureKey(printable(PurePosixPath(folder.url).parent.name) or "site", folder.name)
