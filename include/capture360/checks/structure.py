"""Structure rules (S) about the whole delivery; `rules.structure` and its neighbours have those of the readers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath

import numpy as np

from capture360.checks.number_hints import fix_of
from capture360.checks.parsed_capture import MOST_PIXELS, CheckInput, ParsedStations
from capture360.checks.violations import FindingGroup, Frame, Group, RowViolations, where
from capture360.landing.folder import CaptureFolder, OutsideError, is_unfinished
from capture360.landing.ready import delivered_files, ready_files
from capture360.landing.tree import FOLDER_AS_FILE
from capture360.model import FARTHEST_M, CaptureKey, CaptureKind
from capture360.readers.gpano import THE_PICTURES
from capture360.readers.manifest import MANIFEST, Manifest
from capture360.readers.near_misses import alike_key, files_alike
from capture360.readers.pictures import PICTURE
from capture360.rules.finding import Disposition, Finding
from capture360.rules.rule import CAPTURE_FOLDER, says
from capture360.rules.structure import S07, STRUCTURE
from capture360.settings.landing import READY_MARKERS

_SUSPECT_PATH = r"(?:^|/)\.\.?(?:/|$)|//|^/|:|\x00"
_COPY_OF_PICTURE = re.compile(r"(?i)\.(?:jpe?g|png)\.[^/]+\Z")

S02 = STRUCTURE.rule(
    "S02",
    "Folder, site and manifest agree on whose capture this is",
    why="A capture in the wrong folder would be published under a wrong name.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="gate",
    judges="capture_id and site_id, and the name of the folder",
    messages={
        **says(
            '{where}: capture_id "{value}" differs from the folder "{folder}". Rename one of them.',
            bad="capture_id: 2026-04-18 in the folder 2026-04-17",
            where="capture.yaml",
            value="2026-04-18",
            folder="2026-04-17",
        ),
        **says(
            '{where}: site_id "{value}" differs from the site "{site}" that the folder belongs to. '
            "Correct site_id, or deliver to the other site's folder.",
            name="site",
            bad="site_id: hall-8 in the folder of hall-7",
            where="capture.yaml",
            value="hall-8",
            site="hall-7",
        ),
    },
)

S06 = STRUCTURE.rule(
    "S06",
    "Every cell of a numeric column is a number",
    why="A number that cannot be read is a station in an unknown place.",
    disposition=Disposition.QUARANTINE,
    scope="station",
    stage="gate",
    judges="cells of columns of numbers, in plain notation",
    frame="delivered",
    messages={
        **says(
            '{where}: {column} "{value}" is not a number. {fix}',
            bad="12,5",
            where="stations.csv row 3 (s-02)",
            column="x",
            value="12,5",
            fix="Decimal comma? Write 12.5, or separate the columns with semicolons.",
        ),
        **says(
            '{where}: resolution "{value}" is no number of pixels. Write a whole number, or leave the cell empty.',
            name="pixels",
            bad="resolution: 512.5",
            where="stations.csv row 3 (s-02)",
            value="512.5",
        ),
        **says(
            '{where}: position_accuracy "{value}" is no accuracy, and is passed over. Write metres, or leave the cell '
            "empty.",
            name="accuracy",
            disposition=Disposition.WARN,
            bad="position_accuracy: -1",
            where="stations.csv row 3 (s-02)",
            value="-1",
        ),
    },
)

S08 = STRUCTURE.rule(
    "S08",
    "As many stations and files arrived as were promised",
    why="An upload that broke off half way looks like a small capture.",
    disposition=Disposition.STOP,
    scope="capture",
    stage="gate",
    judges="rows of the stations table and files of the folder",
    messages={
        **says(
            "{where} promises {expected} stations, {file} has {value}. Is the upload complete? "
            "Copy the rest, or correct expected_stations.",
            bad="expected_stations: 10, but 8 rows",
            where="capture.yaml",
            expected="10",
            value="8",
            file="stations.csv",
        ),
        **says(
            "{where} promises {expected} files, {value} are there. Copy the rest, then write {where} again.",
            name="files",
            bad='_READY holds {"files": 26}, 20 files are there',
            where="_READY",
            expected="26",
            value="20",
        ),
    },
)


def gate(given: CheckInput) -> Iterator[Group]:
    """Check S02, S08, S06 and S07."""
    table, folder = given.table, given.folder
    markers = given.site.landing.ready_markers if given.site else READY_MARKERS
    unusable = len(given.ids) - len(table)
    yield from _identity(table.manifest, folder, given.expected_key)
    yield from _promised(given, unusable, markers)
    yield from _numbers(table)
    if table.manifest.kind is not CaptureKind.E57:
        yield from _files(folder, given.faces)


def left_out(folder: CaptureFolder, stations_file: str) -> Iterator[FindingGroup]:
    """Check S07: entries of the folder that are not read. A link out of it stops the capture, unless it is a picture.

    A picture is of one station, which then lacks it. Where stations are named by their pictures alone, nothing else
    would say that one was delivered, so that it would count as left out: then what is or may hold one stops as well.
    """
    names_stations = stations_file == THE_PICTURES
    stops: list[Finding] = []
    rest: list[Finding] = []
    for each in folder.left_out:
        is_copy = is_unfinished(each.path) and _COPY_OF_PICTURE.search(each.path)
        is_picture = PICTURE.search(each.path) is not None or bool(is_copy)
        if each.outside and (names_stations or not is_picture):
            found = S07.finding(each.path, each.path, where=CAPTURE_FOLDER, message="outside", problem=each.problem)
            stops.append(replace(found, disposition=Disposition.STOP))
            continue
        if names_stations and (is_picture or each.may_hold_files):
            stops.append(S07.finding(each.path, each.path, message="may_be_station", problem=each.problem))
        else:
            rest.append(S07.finding(each.path, each.path, message="left_out", problem=each.problem))
    yield from (FindingGroup(group) for group in (stops, rest) if group)


def _identity(manifest: Manifest, folder: CaptureFolder, key: CaptureKey | None) -> Iterator[FindingGroup]:
    """Check S02: manifest, folder and landing zone name the same capture."""
    name = key.capture if key else folder.name
    if manifest.capture_id != name:
        yield FindingGroup([S02.finding(MANIFEST, manifest.capture_id, column="capture_id", folder=name)])
    if key and manifest.site_id != key.site:
        yield FindingGroup([S02.finding(MANIFEST, manifest.site_id, message="site", column="site_id", site=key.site)])


def _promised(given: CheckInput, unusable: int, markers: tuple[str, ...]) -> Iterator[FindingGroup]:
    """Check S08: numbers of stations and files as stated by manifest and ready file; `unusable` stations count.

    Of what cannot be read nobody knows how many stations it holds.
    """
    manifest, folder, stations = given.table.manifest, given.folder, given.delivered
    expected, delivered = manifest.expected_stations, len(stations.frame) + unusable
    if given.table.tables.unread and expected is not None:
        delivered = max(expected, len(stations.frame))
    if expected is not None and expected != delivered:
        yield FindingGroup([S08.finding(MANIFEST, delivered, expected=expected, file=stations.file)])
    there = delivered_files(folder, markers)
    for ready in ready_files(folder, markers):
        if ready.files is not None and there < ready.files:
            yield FindingGroup([S08.finding(ready.name, there, message="files", expected=ready.files)])


def _numbers(table: ParsedStations) -> Iterator[RowViolations]:
    """Check S06: every cell of a numeric column is a number."""
    for column, found in table.numbers.items():
        if found.wrong.any():
            text = table.stations.frame[column]
            commas = bool(text[found.wrong].str.contains(",", regex=False).any())
            yield RowViolations(
                S06,
                table.stations,
                where(found.wrong),
                column=column,
                words=partial(lambda cells, name, at: {"fix": fix_of(str(cells.iat[at]), name)}, text, column),
                cause=" Was the table saved with decimal commas?" if commas else "",
            )
    if "resolution" in table.numbers:
        pixels = table.numbers["resolution"].values
        known = ~np.isnan(pixels)
        odd = known & ((pixels < 0) | (pixels > MOST_PIXELS) | (pixels != np.round(pixels)))
        if odd.any():
            yield RowViolations(S06, table.stations, where(odd), "pixels", "resolution")
    if "position_accuracy" in table.numbers:
        metres = table.numbers["position_accuracy"].values
        odd = ~np.isnan(metres) & ((metres < 0) | (metres > FARTHEST_M))
        if odd.any():
            yield RowViolations(S06, table.stations, where(odd), "accuracy", "position_accuracy")


def _files(folder: CaptureFolder, pictures: Frame) -> Iterator[RowViolations]:
    """Check S07: every named file exists, and no path leaves the folder."""
    frame = pictures.frame
    if frame.empty:
        return
    named = frame["file"]
    holding = {each.rpartition("/")[0] for each in folder.sizes} - {""}
    folders = holding | {str(parent) for each in holding for parent in PurePosixPath(each).parents}
    shut = dict.fromkeys(folders, f"is a {FOLDER_AS_FILE}")
    shut |= {each.path: each.problem for each in folder.left_out}
    problems = {at: shut[str(named.iat[at])] for at in where(named.isin(list(shut))).tolist()}
    for position in where(named.str.contains(_SUSPECT_PATH, regex=True)).tolist():
        try:
            folder.resolve(str(named.iat[position]))
        except OutsideError as error:
            problems[position] = error.problem
    outside = np.array(sorted(problems), dtype=np.int64)
    if len(outside):
        yield RowViolations(S07, pictures, outside, "outside", "file", words=lambda at: {"problem": problems[at]})
    missing = ~named.isin(list(folder.sizes)).to_numpy() & (named != "").to_numpy()
    missing[outside] = False
    if not missing.any():
        return
    alike = files_alike(folder)
    near = {at: alike.get(alike_key(str(named.iat[at])), "") for at in where(missing).tolist()}
    lost = np.array([at for at, path in near.items() if not path], dtype=np.int64)
    found = np.array([at for at, path in near.items() if path], dtype=np.int64)
    if len(lost):
        yield RowViolations(S07, pictures, lost, column="file")
    if len(found):
        yield RowViolations(S07, pictures, found, "near", "file", words=lambda at: {"near": near[at]})
