"""The faces table: delivered, or derived from where the files lie."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from capture360.landing.folder import CaptureFolder
from capture360.model import FACES
from capture360.readers.manifest import Manifest

if TYPE_CHECKING:
    import pandas as pd

PANORAMA = "panorama"
PICTURE = re.compile(r"(?i)\.(?:jpe?g|png)\Z")
_PLACES = {"{station}": r"(?P<station>[^/]+?)", "{face}": r"(?P<face>[^/]+?)", "{ext}": r"(?i:jpe?g|png)"}
_BUILT_IN: dict[str, str] = {"up": "top", "down": "bottom", **dict(zip(FACES, FACES, strict=True))}


def face_name(delivered: str, aliases: Mapping[str, str]) -> str:
    """The face meant by a delivered name; the name itself if nobody knows."""
    return aliases.get(delivered) or _BUILT_IN.get(delivered.casefold()) or delivered


def named_faces(frame: pd.DataFrame, manifest: Manifest) -> pd.DataFrame:
    """A delivered faces table with canonical face names and forward slashes."""
    aliases = manifest.faces.aliases
    mapping = {name: face_name(name, aliases) for name in frame["face"].unique()}
    return frame.assign(face=frame["face"].map(mapping).astype("str"), file=_forward(frame["file"]))


def derived_faces(folder: CaptureFolder, manifest: Manifest) -> pd.DataFrame:
    """Face files found by the manifest's pattern; files whose face nobody knows are left to the orphans."""
    pattern = _pattern(manifest.faces.pattern)
    rows: list[tuple[str, str, str]] = []
    for entry in folder.files:
        found = pattern.fullmatch(entry.path)
        if found and "face" in found.groupdict():
            face = face_name(found["face"], manifest.faces.aliases)
            if face in FACES:
                rows.append((found["station"], face, entry.path))
    return _frame(rows)


def panoramas(folder: CaptureFolder, stations: pd.DataFrame) -> pd.DataFrame:
    """One row per station with a panorama: `pano_file` of the table, else `panos/<station_id>.<ext>`."""
    if "pano_file" in stations.columns:
        frame = stations[["station_id", "pano_file", "row"]].rename(columns={"pano_file": "file"})
        frame = frame[frame["file"] != ""].reset_index(drop=True)
        return frame.assign(face=PANORAMA, file=_forward(frame["file"]))[["station_id", "face", "file", "row"]]
    by_station = dict(_panos_by_name(folder))
    return _frame(
        [(station, PANORAMA, by_station[station]) for station in stations["station_id"] if station in by_station]
    )


def _panos_by_name(folder: CaptureFolder) -> Iterator[tuple[str, str]]:
    for entry in folder.files:
        directory, _, name = entry.path.rpartition("/")
        if directory == "panos" and PICTURE.search(name):
            yield name.rsplit(".", 1)[0], entry.path


def no_faces() -> pd.DataFrame:
    return _frame([])


def _frame(rows: list[tuple[str, str, str]]) -> pd.DataFrame:
    import pandas as pd

    columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True)) or [(), (), ()]
    frame = pd.DataFrame(
        {
            name: pd.array(column, dtype="str")
            for name, column in zip(("station_id", "face", "file"), columns, strict=True)
        }
    )
    frame["row"] = 0
    return frame


def _forward(files: pd.Series[str]) -> pd.Series[str]:
    return files.str.replace("\\", "/", regex=False).str.removeprefix("./")


def _pattern(text: str) -> re.Pattern[str]:
    pieces = re.split(r"(\{station\}|\{face\}|\{ext\})", text)
    seen: set[str] = set()
    expression = ""
    for piece in pieces:
        expression += _PLACES[piece] if piece in _PLACES and piece not in seen else re.escape(piece)
        seen.add(piece)
    return re.compile(expression)
