"""All checks of one capture, in three stages: gate, Great Expectations, files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from capture360.checks import gate, labels
from capture360.checks.contents import checksums, copies
from capture360.checks.earlier import against_earlier, still_shown
from capture360.checks.mapping import face_hits, station_hits, table_hits
from capture360.checks.outcome import validation_of
from capture360.checks.parsed_capture import ParsedStations, measured
from capture360.checks.pictures import ImageRef, judged, look
from capture360.checks.suites import run_suite
from capture360.checks.suspicions import suspicions
from capture360.checks.validation import RuleCount, Validation
from capture360.checks.verdict import Group, settle, stopped
from capture360.checks.violations import FindingGroup, Frame, RowViolations, where
from capture360.landing.folder import CaptureFolder
from capture360.model import Capture, CaptureKey, CaptureKind, Verdict
from capture360.readers import Tables, read_tables
from capture360.readers.manifest import Manifest
from capture360.readers.pictures import PANORAMA
from capture360.rules.finding import Disposition
from capture360.settings.checks import CheckSettings
from capture360.settings.landing import READY_MARKERS
from capture360.settings.site import Site
from capture360.text import printable

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[int, int, str], None]
_STEPS = 4
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_CLOCK_SKEW = timedelta(hours=1)


def check_capture(
    folder: CaptureFolder,
    *,
    site: Site | None = None,
    key: CaptureKey | None = None,
    progress: Progress | None = None,
    earlier: Sequence[Capture] = (),
) -> Validation:
    """Everything that can be said about a delivered capture; a user's mistake is a finding, never an exception.

    BadInputError only if the folder itself cannot be listed.
    `site` gives thresholds, bounds and zone (defaults without it); `key` what the folder is meant to be (from its name
    and its parent's without it). `progress` is told (done, total, what). `earlier` are captures of the site that were
    ingested before, this one's former revisions included.
    """
    settings = site.checks if site else CheckSettings()
    say = progress or (lambda done, total, what: None)
    say(0, _STEPS, "reading the tables")
    tables = read_tables(folder, key=key, settings=settings)
    subject = key or _key(tables.manifest, folder)
    groups: list[Group] = [FindingGroup([finding]) for finding in tables.findings]
    groups += gate.left_out(folder)
    if tables.manifest is None or tables.stations.empty:
        return _rejected(subject, groups, settings)
    say(1, _STEPS, "checking structure")
    delivered = Frame(tables.stations, tables.stations_file)
    left_out = labels.skipped(delivered)
    table = measured(_without(tables, left_out), tables.manifest)
    ids = _station_ids(table, tables)
    faces, strangers = _of_known_stations(table, delivered)
    groups += strangers
    if len(left_out):
        groups.append(RowViolations("F06", delivered, left_out, "skipped", "valid"))
    groups += _gate(folder, table, faces, delivered, len(ids) - len(table), settings, site, key)
    groups += against_earlier(subject, table, ids, earlier)
    if not stopped(groups, settings):
        say(2, _STEPS, "checking stations and files")
        groups += _suites(table, faces, settings)
    if not stopped(groups, settings) and table.manifest.kind is not CaptureKind.E57:
        groups += _files(folder, table, faces, settings, progress)
    say(_STEPS, _STEPS, "done")
    settled = settle(groups, ids, settings)
    if settled.accepted:
        settled = settled.also(list(still_shown(subject, table, settled.quarantined, earlier)))
    return validation_of(subject, table, faces, settled, site, tables.scans)


def _gate(
    folder: CaptureFolder,
    table: ParsedStations,
    faces: Frame,
    delivered: Frame,
    unusable: int,
    settings: CheckSettings,
    site: Site | None,
    key: CaptureKey | None,
) -> Iterator[Group]:
    markers = site.landing.ready_markers if site else READY_MARKERS
    yield from gate.identity(table.manifest, folder, key)
    yield from gate.promised(table.manifest, folder, delivered, unusable, markers)
    yield from gate.numbers(table)
    if table.manifest.kind is not CaptureKind.E57:
        yield from gate.files(folder, faces)
    yield from gate.twins(table.stations)
    yield from gate.times(table)
    yield from labels.names(table)
    yield from labels.groups(table)
    yield from labels.dates(table, settings)
    yield from labels.captures(table, settings)
    yield from labels.orphans(folder, table, faces)
    yield from suspicions(table, settings, site)


def _files(
    folder: CaptureFolder, table: ParsedStations, faces: Frame, settings: CheckSettings, progress: Progress | None
) -> Iterator[Group]:
    named = list(_named(table, faces))
    seen = look(folder, named, len(named), settings, progress)
    gpano = table.manifest.source_format == "gpano"
    yield from judged(seen, table.manifest.kind, settings, table.stations.file, gpano)
    yield from copies(folder, named, progress)
    yield from checksums(folder, progress)


def _suites(table: ParsedStations, faces: Frame, settings: CheckSettings) -> Iterator[Group]:
    parameters: dict[str, Any] = {
        "quaternion_tolerance": settings.quaternion_tolerance,
        "duplicate_distance": settings.duplicate_distance_m,
        "outlier_distance": settings.outlier_distance_m,
        "max_tilt": settings.max_tilt_deg,
        "earliest_time": _EARLIEST.timestamp(),
        "latest_time": (datetime.now(UTC) + _CLOCK_SKEW).timestamp(),
    }
    if settings.bounds:
        for axis, low, high in zip("xyz", settings.bounds.minimum, settings.bounds.maximum, strict=True):
            parameters |= {f"minimum_{axis}": low, f"maximum_{axis}": high}
    results = run_suite(table.suite_frame(), "stations", parameters)
    yield from station_hits(table, results, settings)
    yield from table_hits(table, results)
    if table.manifest.kind is not CaptureKind.E57:
        columns = faces.frame[["station_id", "face", "file"]]
        yield from face_hits(table, faces, run_suite(columns, "faces", parameters))


def _without(tables: Tables, rows: NDArray[np.int64]) -> Tables:
    """The tables less the station rows that they mark as not valid."""
    if not len(rows):
        return tables
    return replace(tables, stations=tables.stations.drop(index=rows.tolist()).reset_index(drop=True))


def _of_known_stations(table: ParsedStations, delivered: Frame) -> tuple[Frame, list[RowViolations]]:
    """The faces of the stations table's stations, and F06 for rows of stations it does not know."""
    frame = table.faces.frame
    known = frame["station_id"].isin(table.stations.frame["station_id"])
    if known.all():
        return table.faces, []
    strange = where(~frame["station_id"].isin(delivered.frame["station_id"]) & (frame["row"] > 0))
    strangers = [RowViolations("F06", table.faces, strange, column="station_id")]
    return Frame(frame[known].reset_index(drop=True), table.faces.file), strangers


def _named(table: ParsedStations, faces: Frame) -> Iterator[ImageRef]:
    """The pictures to look at, a station's together."""
    import pandas as pd

    frame = faces.frame.sort_values("station_id", kind="stable")
    frame = frame[(frame["file"] != "")].drop_duplicates("file")
    stated = table.manifest.image.resolution or 0
    by_station: dict[str, float] = {}
    if "resolution" in table.numbers:
        by_station = dict(zip(table.stations.frame["station_id"], table.numbers["resolution"].values, strict=True))
    taken = dict(zip(table.stations.frame["station_id"], table.times.utc.dt.to_pydatetime(), strict=True))
    for station, face, file, row in zip(frame["station_id"], frame["face"], frame["file"], frame["row"], strict=True):
        time = taken.get(station) if face in ("front", PANORAMA) else None
        own = by_station.get(station, np.nan)
        named = 0 if pd.isna(own) or not np.isfinite(own) else int(own)
        source = f"{table.stations.file} resolution" if named else "capture.yaml image.resolution"
        known = time if time is not None and not pd.isna(time) else None
        yield ImageRef(file, station, face, faces.file, int(row), named or stated, source, known)


def _station_ids(table: ParsedStations, tables: Tables) -> pd.Series[str]:
    """One id per station row; spheres of E57 files that cannot be used count too."""
    import pandas as pd

    ids = table.stations.frame["station_id"]
    lost = [finding.station for finding in tables.findings if finding.disposition is Disposition.QUARANTINE]
    known = set(ids)
    extra = [name for name in dict.fromkeys(lost) if name and name not in known]
    return pd.concat([ids, pd.Series(extra, dtype="str")], ignore_index=True) if extra else ids


def _key(manifest: Manifest | None, folder: CaptureFolder) -> CaptureKey:
    if manifest:
        return CaptureKey(manifest.site_id, manifest.capture_id)
    return CaptureKey(printable(PurePosixPath(folder.url).parent.name) or "site", folder.name)


def _rejected(key: CaptureKey, groups: list[Group], settings: CheckSettings) -> Validation:
    import pandas as pd

    settled = settle(groups, pd.Series([], dtype="str"), settings)
    counts = tuple(RuleCount(rule, 1, failed) for rule, failed in settled.failed.items())
    return Validation(key, Verdict.REJECTED, None, settled.findings, counts=counts)
