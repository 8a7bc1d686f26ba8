"""The project's own form: `capture.yaml`, a stations table, and face files or panoramas."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from capture360.landing.folder import CaptureFolder
from capture360.model import FACES, CaptureKind
from capture360.readers.columns import FACE_COLUMNS, MAPPABLE, STATION_COLUMNS, canonical, station_columns
from capture360.readers.delimited import Table, read_delimited
from capture360.readers.manifest import Manifest
from capture360.readers.near_misses import (
    UNPACK,
    advice,
    are_folders,
    far_tables,
    is_earlier,
    near_tables,
    packed,
    shut,
)
from capture360.readers.pictures import dead_entries, derived_faces, named_faces, panoramas
from capture360.readers.problem import Unreadable
from capture360.readers.sheet import read_excel, read_parquet
from capture360.readers.tables import Tables
from capture360.rules.finding import Disposition, Finding
from capture360.rules.structure import S03
from capture360.rules.tables import S05
from capture360.settings.checks import CheckSettings

if TYPE_CHECKING:
    import pandas as pd

_EXTENSIONS = ("csv", "tsv", "txt", "parquet", "xlsx")
_NEAR = 5
"""Misnamed files that are reported."""


def tables_named(folder: CaptureFolder, stem: str) -> list[str]:
    """Return the paths in the folder that are named like the table `stem`, in any form that is read."""
    return [f"{stem}.{extension}" for extension in _EXTENSIONS if folder.exists(f"{stem}.{extension}")]


def read(folder: CaptureFolder, manifest: Manifest, settings: CheckSettings) -> Tables:
    """Read the tables of a canonical capture; Unreadable if a table is missing or malformed."""
    has_faces = manifest.kind is not CaptureKind.PANORAMA and bool(tables_named(folder, "faces"))
    # The id is in both tables, and may be mapped for one of them alone.
    judged = MAPPABLE.difference(FACE_COLUMNS) if has_faces else MAPPABLE
    required = station_columns(manifest)
    stations = table_of_rows(folder, "stations", manifest, settings, STATION_COLUMNS, required, judged=judged)
    findings = stations.findings
    if manifest.kind is CaptureKind.PANORAMA:
        faces, faces_file = panoramas(folder, stations.frame), stations.file
    elif has_faces:
        mapped = manifest.columns.get("station_id") in stations.header
        judged = frozenset(FACE_COLUMNS[1:] if mapped else FACE_COLUMNS)
        required = ("station_id", "face", "file")
        table = table_of_rows(folder, "faces", manifest, settings, FACE_COLUMNS, required, judged=judged)
        faces, faces_file = named_faces(table.frame, manifest), table.file
        findings += tuple(_of_faces(table.findings, stations.frame))
    else:
        faces, faces_file = derived_faces(folder, manifest, stations.frame["station_id"]), ""
        is_whole = len(faces[["station_id", "face"]].drop_duplicates()) >= len(FACES) * len(stations.frame)
        findings += (
            *_spare(_misnamed(folder, "faces"), is_whole=is_whole),
            *dead_entries(folder, manifest, faces, stations.frame["station_id"]),
        )
    return Tables(manifest, stations.frame, faces, stations.file, faces_file, findings)


def read_table(folder: CaptureFolder, stem: str, settings: CheckSettings) -> Table:
    """Read the table `stem` from CSV, Parquet or Excel; Unreadable if there is none or more than one."""
    found = tables_named(folder, stem)
    if len(found) > 1:
        raise Unreadable(S03.finding("", ", ".join(found), count=len(found)))
    if not found:
        none = S03.finding(message="none", wanted="stations.csv, stations.parquet or stations.xlsx")
        far = list(far_tables(folder, stem).items())[:_NEAR]
        unread = [S03.finding(path, path, message="near", fix=UNPACK) for path in packed(folder)[:_NEAR]]
        names = [f"{stem}.{extension}" for extension in _EXTENSIONS]
        raise Unreadable(
            *[S03.finding(path, path, message="near", fix=why) for path, why in shut(folder, names).items()]
            or _misnamed(folder, stem)
            or [S03.finding(path, path, message="near", fix=fix) for path, fix in far]
            or [S03.finding(path, path, message="near", fix=fix) for path, fix in are_folders(folder, names).items()]
            or unread
            or [none]
        )
    path = found[0]
    rows, columns, size = settings.max_table_rows, settings.max_table_columns, settings.max_table_bytes
    if path.endswith(".parquet"):
        table = read_parquet(folder, path, max_rows=rows, max_columns=columns, max_bytes=size)
    elif path.endswith(".xlsx"):
        table = read_excel(
            folder, path, max_rows=settings.max_excel_rows, max_columns=columns, max_bytes=settings.max_excel_bytes
        )
    else:
        table = read_delimited(folder, path, max_rows=rows, max_columns=columns, max_bytes=size)
    beside = (S03.finding(other, path, message="beside") for other in near_tables(folder, stem)[:_NEAR])
    table = replace(table, findings=(*table.findings, *beside))
    if not any(table.header):
        raise Unreadable(S05.finding(path, message="empty"), *table.findings)
    return table


def table_of_rows(
    folder: CaptureFolder,
    stem: str,
    manifest: Manifest,
    settings: CheckSettings,
    known: Sequence[str],
    required: Sequence[str],
    *,
    judged: Collection[str] = MAPPABLE,
) -> Table:
    """The table `stem` under canonical names; Unreadable if it lacks a required column, or has no rows."""
    table = canonical(read_table(folder, stem, settings), manifest, known, required, judged=judged)
    if table.frame.empty:
        raise Unreadable(S05.finding(table.file, message="empty"), *table.findings)
    return table


def _of_faces(findings: Iterable[Finding], stations: pd.DataFrame) -> Iterator[Finding]:
    """Make findings on rows of unknown stations warnings: the station that lacks the face has a finding of its own."""
    known = set(stations["station_id"])
    for finding in findings:
        if finding.rule == S05.id and finding.station not in known:
            yield replace(finding, disposition=Disposition.WARN, station=None)
        else:
            yield finding


def _spare(near: Iterable[Finding], *, is_whole: bool) -> Iterator[Finding]:
    """Let what may be a faces table be a warning if it is of an earlier state, or if every picture is found without."""
    for finding in near:
        spare = is_whole or is_earlier(finding.path)
        message = f"{finding.message.removesuffix('.')}{' if it names the pictures' * spare}, or remove it."
        yield replace(finding, message=message, disposition=Disposition.WARN if spare else finding.disposition)


def _misnamed(folder: CaptureFolder, stem: str) -> list[Finding]:
    near = near_tables(folder, stem)[:_NEAR]
    return [S03.finding(path, path, message="near", fix=advice(path, stem)) for path in near]
