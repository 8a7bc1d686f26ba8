"""A folder of panoramas from a 360° camera: heading from the GPano block, time from EXIF.

Positions come from a stations table that names the files, or from GPS around `frame.origin` (latitude, longitude,
height of the site frame's origin, degrees and metres; X east, Y north). Without either a station has no place.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from capture360.errors import BadInputError
from capture360.landing.folder import CaptureFolder
from capture360.pictures.exif import Place, camera_notes
from capture360.pictures.gpano import NAMESPACE, GPano, read_gpano
from capture360.pictures.jpeg import ImageError, read_header
from capture360.readers.canonical import table_of_rows, tables_named
from capture360.readers.columns import ROTATIONS, STATION_COLUMNS
from capture360.readers.manifest import MANIFEST, Manifest
from capture360.readers.pictures import PICTURE, panoramas
from capture360.readers.problem import Unreadable
from capture360.readers.station_names import distinct_slugs
from capture360.readers.tables import Tables
from capture360.rules.cameras import S12, S14
from capture360.rules.finding import Finding
from capture360.rules.manifest import S09
from capture360.rules.structure import S03
from capture360.settings.checks import CheckSettings

if TYPE_CHECKING:
    import pandas as pd

DEFAULTS: dict[str, Any] = {
    "kind": "panorama",
    "source_format": "gpano",
    "rotation": {"kind": "heading_pitch_roll_deg", "direction": "camera_to_world"},
}
_COLUMNS = ("station_id", "pano_file", "x", "y", "z", "heading", "pitch", "roll", "time_taken")
THE_PICTURES = "the pictures"
"""Name of the stations table where there is none."""
_DAMAGED = "damaged XMP metadata, which is no valid XML"
_ALTITUDE_ERROR_M = 20.0
"""How far an altitude of a camera may be off."""
_WGS84_A, _WGS84_F = 6_378_137.0, 1 / 298.257223563


def read(folder: CaptureFolder, manifest: Manifest, settings: CheckSettings) -> Tables:
    """Return one station for each picture. Values that a picture lacks stay empty; the rules report them."""
    paths = [entry.path for entry in folder.files if PICTURE.search(entry.path)]
    if not paths:
        raise Unreadable(S03.finding(message="none", wanted="panoramas as .jpg files"))
    # Files that differ only by suffix and case are one picture twice: they share an id, which the rules refuse.
    stems = {path: path.rpartition(".")[0] for path in paths}
    ids = distinct_slugs({stem.casefold(): stem for stem in reversed(stems.values())}, "picture")
    rows = [_row(folder, path, ids[stem.casefold()], manifest) for path, stem in stems.items()]
    rows = without_zeros(rows)
    frame = _frame([row.cells for row in rows])
    lacking = {row.path: row.lacking for row in rows if row.lacking}
    from_pictures = manifest.rotation.kind == "heading_pitch_roll_deg"
    unturned = {row.path: row.unturned for row in rows if row.unturned and from_pictures}
    file = THE_PICTURES
    if tables_named(folder, "stations"):
        table = table_of_rows(folder, "stations", manifest, settings, STATION_COLUMNS, ("pano_file",))
        frame, file = _joined(frame, table.frame), table.file
        _refuse_without_rotation(frame, manifest, file)
        findings = (*table.findings, *_unplaced(frame, lacking), *_unturned(frame, unturned))
        return Tables(manifest, frame, panoramas(folder, frame), file, file, findings)
    _refuse_without_rotation(frame, manifest, file)
    faces = panoramas(folder, frame)
    findings = (*_unplaced(frame, lacking), *_unturned(frame, unturned))
    return Tables(manifest, frame.assign(file=frame["pano_file"]), faces, file, file, findings)


def _unplaced(frame: pd.DataFrame, lacking: Mapping[str, str]) -> Iterator[Finding]:
    """Findings about stations whose GPS values are missing or incomplete."""
    empty = (frame["x"] == "") | (frame["y"] == "") | (frame["z"] == "")
    for station, path in zip(frame.loc[empty, "station_id"], frame.loc[empty, "pano_file"], strict=True):
        if path in lacking:
            yield S12.finding(path, station=station, problem=lacking[path])


def _unturned(frame: pd.DataFrame, unturned: Mapping[str, str]) -> Iterator[Finding]:
    """Findings about stations without a heading, pitch or roll that their pictures should give."""
    empty = (frame["heading"] == "") | (frame["pitch"] == "") | (frame["roll"] == "")
    for station, path in zip(frame.loc[empty, "station_id"], frame.loc[empty, "pano_file"], strict=True):
        if path in unturned:
            yield S14.finding(path, station=station, problem=unturned[path])


@dataclass(frozen=True, slots=True)
class Row:
    """Metadata of one picture as cells of a stations table, and what its GPS values and its heading lack."""

    path: str
    cells: tuple[str, ...]
    lacking: str = ""
    unturned: str = ""
    altitude: float | None = None


def without_zeros(rows: list[Row]) -> list[Row]:
    """Take the altitude 0 for none where the others lie far from it: cameras write it for what they do not know."""
    others = [row.altitude for row in rows if row.altitude]
    if not others or abs(statistics.median(others)) <= _ALTITUDE_ERROR_M:
        return rows
    lacking = "gives the GPS altitude 0, which cameras write without one"
    z = _COLUMNS.index("z")
    return [
        replace(row, cells=(*row.cells[:z], "", *row.cells[z + 1 :]), lacking=lacking) if row.altitude == 0 else row
        for row in rows
    ]


def _refuse_without_rotation(frame: pd.DataFrame, manifest: Manifest, file: str) -> None:
    """Raise Unreadable if the manifest states a kind of rotation that neither the pictures nor the table hold."""
    kind = manifest.rotation.kind
    missing = [name for name in ROTATIONS[kind] if name not in frame.columns]
    if missing:
        problem = f'rotation.kind "{kind}" needs the columns {", ".join(missing)}, missing in {file}'
        fix = "Add the columns to a stations table, or write heading_pitch_roll_deg."
        raise Unreadable(S09.finding(MANIFEST, kind, column="rotation.kind", problem=problem, fix=fix))


def _row(folder: CaptureFolder, path: str, station: str, manifest: Manifest) -> Row:
    heading: tuple[str, str, str] = ("", "", "")
    taken = ""
    place: tuple[str, str, str] = ("", "", "")
    notes, block, unturned = None, None, ""
    try:
        with folder.open(path) as stream:
            notes = camera_notes(stream)
            # F08 judges the size.
            header = read_header(stream, path, math.inf)
            unturned = f"has {header.xmp_fault or _DAMAGED}, so that its heading cannot be read"
            block = read_gpano(header, path)
            unturned = _without_turn(block, b"".join(header.xmp))
    except (ImageError, BadInputError, OSError):
        pass
    if block is not None and block.heading is not None:
        heading = (_angle(block.heading % 360), _angle(block.pitch or 0.0), _angle(block.roll or 0.0))
    if notes is not None:
        taken = notes.unread if notes.taken is None else notes.taken.isoformat()
    lacking, altitude = "", None
    if notes is not None and manifest.frame.origin is not None:
        lacking = notes.lacking
        if notes.place is not None:
            place = _local_cells(notes.place, manifest.frame.origin)
            altitude = notes.place[2]
    return Row(path, (station, path, *place, *heading, taken), lacking, unturned, altitude)


def _without_turn(block: GPano | None, xmp: bytes) -> str:
    """Word what keeps the picture's heading, pitch and roll from being read; empty if nothing does."""
    is_near = b"poseheadingdegrees" in xmp.lower()
    if block is None:
        lacks = "XMP metadata but no GPano block" if xmp else "no XMP metadata"
        near = f" (PoseHeadingDegrees has another namespace than {NAMESPACE})" if is_near else ""
        return f"has {lacks}{near}, so that it gives no heading"
    if block.heading is None:
        near = " (it is written otherwise)" if is_near else ""
        return f"has a GPano block without PoseHeadingDegrees{near}, so that it gives no heading"
    angles = (("Heading", block.heading), ("Pitch", block.pitch), ("Roll", block.roll))
    for name, angle in angles:
        if angle is not None and math.isnan(angle):
            key = f"Pose{name}Degrees"
            return f"gives {block.faults.get(key, 'no number as')} {key} in its GPano block"
    return ""


def _local_cells(place: Place, origin: tuple[float, float, float]) -> tuple[str, str, str]:
    """Cells x, y and z; z is empty where the camera gave no altitude, and x and y are those at the origin's height."""
    latitude, longitude, height = place
    east, north, up = local((latitude, longitude, origin[2] if height is None else height), origin)
    return repr(east), repr(north), "" if height is None else repr(up)


def _angle(degrees: float) -> str:
    """Cell of an angle; empty for nan, which the rules report."""
    return "" if math.isnan(degrees) else repr(degrees)


def _frame(rows: list[tuple[str, ...]]) -> pd.DataFrame:
    import pandas as pd

    columns = zip(_COLUMNS, zip(*rows, strict=True), strict=True)
    frame = pd.DataFrame({name: pd.array(column, dtype="str") for name, column in columns})
    frame["row"] = 0
    return frame


def _joined(frame: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The table's rows, their empty cells filled from the picture that `pano_file` names, by path or bare name."""
    names = table["pano_file"].str.replace("\\", "/", regex=False)
    by_path = frame.set_index("pano_file")
    by_name = frame.set_index(frame["pano_file"].str.rpartition("/")[2])
    by_name = by_name[~by_name.index.duplicated(keep=False)]
    path = names.where(names.isin(by_path.index), names.map(by_name["pano_file"]).fillna(names)).astype("str")
    result = table.assign(pano_file=path)
    known = by_path[~by_path.index.duplicated()]
    # x and y of a place have one source: a cell that was forgotten is not filled from a less exact one.
    surveyed = (table[[name for name in "xy" if name in table.columns]] != "").any(axis=1)
    for name in _COLUMNS:
        if name == "pano_file":
            continue
        found = path.map(known[name]).fillna("").astype("str")
        if name in "xy":
            found = found.mask(surveyed, "")
        result[name] = result[name].where(result[name] != "", found) if name in result.columns else found
    return result


def local(place: tuple[float, float, float], origin: tuple[float, float, float]) -> tuple[float, float, float]:
    """Metres east, north and up of `place` from `origin`, both latitude, longitude (degrees) and height (metres).

    Converts through geocentric coordinates of WGS 84 (EPSG method 9837, topocentric conversions).
    """
    latitude, longitude = math.radians(origin[0]), math.radians(origin[1])
    dx, dy, dz = (one - other for one, other in zip(_geocentric(place), _geocentric(origin), strict=True))
    sin_lat, cos_lat, sin_lon, cos_lon = (
        math.sin(latitude),
        math.cos(latitude),
        math.sin(longitude),
        math.cos(longitude),
    )
    return (
        -sin_lon * dx + cos_lon * dy,
        -sin_lat * cos_lon * dx - sin_lat * sin_lon * dy + cos_lat * dz,
        cos_lat * cos_lon * dx + cos_lat * sin_lon * dy + sin_lat * dz,
    )


def _geocentric(place: tuple[float, float, float]) -> tuple[float, float, float]:
    latitude, longitude, height = math.radians(place[0]), math.radians(place[1]), place[2]
    squared = _WGS84_F * (2 - _WGS84_F)
    radius = _WGS84_A / math.sqrt(1 - squared * math.sin(latitude) ** 2)
    return (
        (radius + height) * math.cos(latitude) * math.cos(longitude),
        (radius + height) * math.cos(latitude) * math.sin(longitude),
        (radius * (1 - squared) + height) * math.sin(latitude),
    )
