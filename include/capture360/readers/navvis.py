"""NavVis: `pano/pano-poses.csv` with its panoramas beside it (knowledge.navvis.com, panorama image poses).

The header is a comment line, `# pano poses v1.0: ID; filename; ...`, or a plain one. Rotations are quaternions, w
first, camera to world; positions are metres with Z up; times are Unix seconds. Where in the picture the pose's forward
axis lies is not published: like E57 the centre is taken, and `rotation.image_yaw_offset_deg` corrects it.
"""

from __future__ import annotations

import codecs
import io
import re
from typing import Any

from capture360.landing.folder import CaptureFolder
from capture360.readers.columns import STATION_COLUMNS, canonical, station_columns
from capture360.readers.delimited import read_delimited
from capture360.readers.detected_encoding import encoding_of
from capture360.readers.expansion import unreadable
from capture360.readers.manifest import Manifest
from capture360.readers.near_misses import alike_elsewhere
from capture360.readers.pictures import panoramas
from capture360.readers.problem import Unreadable
from capture360.readers.tables import Tables
from capture360.rules.structure import S03
from capture360.rules.tables import S05
from capture360.settings.checks import CheckSettings

PLACES = ("pano/pano-poses.csv", "pano-poses.csv")
_CANONICAL = {
    "filename": "pano_file",
    "timestamp": "time_taken",
    **{f"pano_pos_{axis}": axis for axis in "xyz"},
    **{f"pano_ori_{part}": f"q{part}" for part in "wxyz"},
}
_HEAD = 1 << 16
"""Bytes in which the header and the first row must begin."""
_DELIMITERS = (";", "\t", ",")
DEFAULTS: dict[str, Any] = {
    "kind": "panorama",
    "source_format": "navvis",
    "frame": {"name": "site", "up": "z", "unit": "m", "handedness": "right"},
    "rotation": {"kind": "quaternion", "quaternion_order": "wxyz", "direction": "camera_to_world"},
    "time": {"base": "unix_s"},
}


def poses_file(folder: CaptureFolder) -> str | None:
    """Path of the dataset's table of poses; None if the folder is no NavVis dataset."""
    return next((path for path in PLACES if folder.exists(path)), None)


def read(folder: CaptureFolder, manifest: Manifest, settings: CheckSettings) -> Tables:
    """Stations and panoramas of a NavVis dataset.

    Station ids are the numbers of the file names, zeros kept, unless the table holds others.
    """
    path = poses_file(folder)
    if path is None:
        near = alike_elsewhere(folder, PLACES[0])[:1]
        fix = f"Deliver the dataset so that it is {PLACES[0]}."
        found = [S03.finding(other, other, message="near", fix=fix) for other in near]
        raise Unreadable(*found or [S03.finding(message="none", wanted=PLACES[0])])
    header, skip = _header(folder, path)
    table = read_delimited(
        folder,
        path,
        max_rows=settings.max_table_rows,
        max_columns=settings.max_table_columns,
        max_bytes=settings.max_table_bytes,
        header=header,
        skip=skip,
    )
    if table.frame.empty:
        raise Unreadable(S05.finding(path, message="empty"))
    required = tuple(name for name in station_columns(manifest) if name != "station_id")
    stations = canonical(table, manifest, STATION_COLUMNS, (*required, "pano_file"), _CANONICAL)
    directory = path.rpartition("/")[0]
    frame = stations.frame
    if "station_id" not in frame.columns or not frame["station_id"].any():
        stem = frame["pano_file"].str.replace("\\", "/", regex=False).str.rsplit("/", n=1).str[-1]
        number = stem.str.extract(r"^(\d+|.+?)(?:-pano)?\.[^.]*$", expand=False).fillna("")
        frame = frame.assign(station_id=number.astype("str"))
    frame = frame.assign(pano_file=(f"{directory}/" if directory else "") + frame["pano_file"])
    return Tables(manifest, frame, panoramas(folder, frame), path, path, stations.findings)


def _header(folder: CaptureFolder, path: str) -> tuple[tuple[str, ...], int]:
    """Column names and the number of lines above the first row; the comment that names most of them counts."""
    with folder.open(path) as stream:
        encoding = encoding_of(stream, path)
        stream.seek(0)
        head = stream.read(_HEAD)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    lines = io.StringIO(text.removeprefix("\ufeff"), newline="").readlines()
    names: tuple[str, ...] = ()
    for number, line in enumerate(lines):
        if not line.lstrip().startswith("#"):
            if line.strip() and not names:
                return _cells(line), number + 1
            return names, number
        if any(delimiter in line for delimiter in _DELIMITERS):
            cells = _cells(re.sub(r"^\s*#(?:[^:;]*:)?", "", line))
            names = max(names, cells, key=lambda each: sum(name.casefold() in _CANONICAL for name in each))
    if len(head) == _HEAD:
        problem, fix = f"its first {_HEAD >> 10} KB are comments", "Remove those that do not name the columns."
        raise unreadable(path, "a table of poses", problem, fix)
    return names, len(lines)


def _cells(line: str) -> tuple[str, ...]:
    delimiter = next((each for each in _DELIMITERS if each in line), ",")
    return tuple(cell.strip() for cell in line.split(delimiter))
