"""The faces table: delivered, or derived from the paths of the files."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from capture360.landing.folder import CaptureFolder
from capture360.model import FACES
from capture360.readers.layouts import stations_named
from capture360.readers.manifest import MANIFEST, Faces, Manifest
from capture360.readers.near_misses import id_key, pictures_by_id
from capture360.rules.finding import Finding
from capture360.rules.manifest import S13

if TYPE_CHECKING:
    import pandas as pd

PANORAMA = "panorama"
PICTURE = re.compile(r"(?i)\.(?:jpe?g|png)\Z")
OTHER_PICTURE = re.compile(r"(?i)\.(?:webp|tiff?|bmp|gif|hei[cf]|avif|jfif|jpe|jp2|j2k|dng|insp|exr|tga)\Z")
"""Pictures under names that no reader takes."""
_SUFFIX = re.compile(r"(?i)\.(?:jpe?g|png|\*|\{ext\})\Z")
"""How a pattern ends."""
_BUILT_IN: dict[str, str] = {"up": "top", "down": "bottom", **dict(zip(FACES, FACES, strict=True))}


def face_name(delivered: str, aliases: Mapping[str, str]) -> str:
    """Return the face of a delivered name; the name itself if it is unknown.

    An alias counts in any case, also of a name that is built in, unless another one gives the name another face.
    """
    if delivered in aliases:
        return aliases[delivered]
    folded = delivered.casefold()
    same = {face for name, face in aliases.items() if name.casefold() == folded}
    return same.pop() if len(same) == 1 else _BUILT_IN.get(folded, delivered)


def _without_suffixes(aliases: Mapping[str, str]) -> Mapping[str, str]:
    """Return aliases with the names of pictures also as they are without suffix, unless two differ then."""
    meant: defaultdict[str, set[str]] = defaultdict(set)
    for alias, face in aliases.items():
        meant[_stem(alias)].add(face)
    return {stem: next(iter(faces)) for stem, faces in meant.items() if stem and len(faces) == 1} | {**aliases}


def named_faces(frame: pd.DataFrame, manifest: Manifest) -> pd.DataFrame:
    """Return a delivered faces table with canonical face names and forward slashes."""
    aliases = _without_suffixes(manifest.faces.aliases)
    mapping = {name: face_name(name, aliases) for name in frame["face"].unique()}
    return frame.assign(face=frame["face"].map(mapping).astype("str"), file=_forward(frame["file"]))


def derived_faces(folder: CaptureFolder, manifest: Manifest, stations: Iterable[str]) -> pd.DataFrame:
    """Find face files by the manifest's pattern. Files of unknown faces are left out, and reported as unused files.

    Where a name can be divided into station and face in two ways, the one that gives one of the `stations` counts. A
    pattern that fits no file is tried in any case, with any suffix of pictures.
    """
    known = frozenset(stations)
    return _frame(_found(folder, manifest.faces, known) or _found(folder, manifest.faces, known, is_strict=False))


def _found(
    folder: CaptureFolder, stated: Faces, known: frozenset[str], *, is_strict: bool = True
) -> list[tuple[str, str, str]]:
    """Station, face and path of the files that a pattern fits."""
    aliases = _without_suffixes(stated.aliases)
    patterns = [_pattern(stated.pattern, aliases, each, is_strict=is_strict) for each in ("[^/]+?", "[^/]+")]
    rows: list[tuple[str, str, str]] = []
    for entry in folder.files:
        found = [match for pattern in patterns if (match := pattern.fullmatch(entry.path))]
        if found:
            match = next((each for each in found if each["station"] in known), found[0])
            rows.append((match["station"], face_name(match["face"], aliases), entry.path))
    return rows


def dead_entries(
    folder: CaptureFolder, manifest: Manifest, faces: pd.DataFrame, stations: Iterable[str]
) -> Iterator[Finding]:
    """Findings about a stated pattern that matches no picture, and about aliases that no picture uses.

    Where pictures name one of the `stations`, rule F01 says so, with the pattern that fits.
    """
    stated = manifest.faces
    first = next((entry.path for entry in folder.files if PICTURE.search(entry.path)), None)
    ids = list(stations)
    pictures = (entry.path for entry in folder.files if PICTURE.search(entry.path))
    is_named = faces.empty and (
        not pictures_by_id(folder).keys().isdisjoint(map(id_key, ids)) or bool(stations_named(pictures, ids))
    )
    if faces.empty and first is not None and "pattern" in stated.model_fields_set and not is_named:
        yield S13.finding(MANIFEST, stated.pattern, message="pattern", first=first)
        return
    if faces.empty:
        return
    aliases = _without_suffixes(stated.aliases)
    patterns = [_pattern(stated.pattern, aliases, "[^/]+?", is_strict=strict) for strict in (True, False)]
    matches = [match for path in faces["file"] for each in patterns if (match := each.fullmatch(path))]
    delivered = {match["face"].casefold() for match in matches}
    stems = {stem.casefold(): stem for entry in folder.files if (stem := _stem(entry.path))}
    for alias in stated.aliases:
        if delivered.isdisjoint((alias.casefold(), _stem(alias).casefold())):
            near = stems.get(alias.casefold()) or stems.get(_stem(alias).casefold()) or ""
            fix = f'Did you mean "{near}"?' if near and near != alias else "Correct it, or remove it."
            yield S13.finding(MANIFEST, alias, message="alias", fix=fix)


def _stem(path: str) -> str:
    """Return the name of a picture without folder and suffix; empty if it is none."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[0] if PICTURE.search(name) else ""


def panoramas(folder: CaptureFolder, stations: pd.DataFrame) -> pd.DataFrame:
    """One row per station with a panorama: `pano_file` of the table, else `panos/<station_id>.<ext>`."""
    if "pano_file" in stations.columns:
        frame = stations[["station_id", "pano_file", "row"]].rename(columns={"pano_file": "file"})
        frame = frame[frame["file"] != ""].reset_index(drop=True)
        return frame.assign(face=PANORAMA, file=_forward(frame["file"]))[["station_id", "face", "file", "row"]]
    by_station: dict[str, list[str]] = defaultdict(list)
    for entry in folder.files:
        directory, _, name = entry.path.rpartition("/")
        if directory == "panos" and PICTURE.search(name):
            by_station[name.rpartition(".")[0]].append(entry.path)
    rows = [(station, PANORAMA, path) for station in stations["station_id"] for path in by_station.get(station, ())]
    return _frame(rows)


def no_faces() -> pd.DataFrame:
    """A table of faces without rows."""
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
    """Paths with forward slashes, without `.`, `..` and empty parts where these stay inside the folder."""
    forward = files.str.replace("\\", "/", regex=False).str.removeprefix("./")
    roundabout = forward.str.contains(r"(?:^|.)/\.{0,2}/", regex=True)
    roundabout &= ~forward.str.contains(":", regex=False)
    return forward.where(~roundabout, forward.map(posixpath.normpath)).astype("str")


def _pattern(text: str, aliases: Mapping[str, str], station: str, *, is_strict: bool) -> re.Pattern[str]:
    """The faces pattern with `station` for the ids. Faces are those that have a name: an id may hold any separator.

    If it is not strict, case and suffix are those of any picture.
    """
    own = [re.escape(name) for name in sorted(aliases, key=len, reverse=True)]
    faces = "|".join((*own, f"(?i:{'|'.join(_BUILT_IN)})"))
    places = {"{station}": f"(?P<station>{station})", "{face}": f"(?P<face>{faces})", "{ext}": "(?i:jpe?g|png)"}
    seen: set[str] = set()
    expression = ""
    if not is_strict:
        text = _SUFFIX.sub("", text) + ".{ext}"
    for piece in re.split(r"(\{station\}|\{face\}|\{ext\})", text):
        if piece in places and piece in seen and piece != "{ext}":
            expression += f"(?P={piece[1:-1]})"
        else:
            expression += places.get(piece) or re.escape(piece)
        seen.add(piece)
    return re.compile(expression, re.NOFLAG if is_strict else re.IGNORECASE)
