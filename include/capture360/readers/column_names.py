"""Names of columns that are meant by others: with units, in other words, in letters of another alphabet."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from capture360.readers.manifest import MANIFEST, Manifest
from capture360.readers.ragged import quoted
from capture360.rules.finding import Finding
from capture360.rules.manifest import S09
from capture360.text import near_misses

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_ALIKE = str.maketrans("хуѕаеорсі", "xysaeopci")
"""Cyrillic letters that look like Latin ones."""
_WORDS: Mapping[str, frozenset[str]] = {
    "x": frozenset({"easting", "east", "e", "rechtswert", "ost", "øst", "este", "東距", "東"}),
    "y": frozenset({"northing", "north", "n", "hochwert", "nord", "norte", "北距", "北"}),
    "z": frozenset({"elevation", "height", "elev", "h", "höhe", "hoehe", "høyde", "up", "altura", "altitud", "cota",
                    "elevación", "elevacion", "標高", "高さ", "z座標"}),
    "station_id": frozenset({"id", "name", "station", "standpunkt", "punkt", "point", "scan", "waypoint", "nr",
                             "estación", "estacion", "punto", "測点", "測点名", "点名", "点番"}),
    "time_taken": frozenset({"time", "timestamp", "datetime", "date", "taken_at", "zeitpunkt", "zeit", "tidspunkt",
                             "capture_time", "fecha", "hora", "日時", "撮影日時", "時刻"}),
    "pano_file": frozenset({"filename", "file_name", "image", "picture", "photo", "panorama", "bild", "archivo"}),
    "heading": frozenset({"azimuth", "bearing", "azimut", "hdg"}),
    **{f"q{part}": frozenset({part, f"q{at}"}) for at, part in enumerate("wxyz")},
}  # fmt: skip
"""Words of other programs and languages. X座標 is none: Japan's surveys have X north."""
_ROTATION_WORDS = frozenset({"rot", "rotation", "quat", "quaternion", "ori", "orientation", "q", "dir", "normal"})
_OF_NO_PLACE = _ROTATION_WORDS | _WORDS["time_taken"] | {"axis"}
"""Words beside which a single letter is no coordinate, such as the Spanish "fecha y hora"."""
_NEVER: Mapping[str, frozenset[str]] = {
    "station_id": _WORDS["time_taken"],
    "pano_file": _WORDS["time_taken"] | {"width", "height", "size"},
    "z": frozenset({"instrument", "instrumento", "antenna", "antena"}),
}
"""Words of columns that are about something else: the height of an instrument is about the same everywhere."""
_GLUED = re.compile(r"(pos|position|coord|loc|location|center|rot|rotation|quat|quaternion|axis|scan|station)([a-z]+)")
_UNORDERED = ("q1", "q2", "q3", "q4")
_LENGTHS = {"mm": "mm", "cm": "cm", "m": "m", "metres": "m", "meters": "m", "ft": "ft", "feet": "ft", "us_ft": "us_ft"}
_LENGTHS |= {"usft": "us_ft", "ftus": "us_ft", "in": "in", "inch": "in", "km": "km"}
_ANGLES = {"deg": "deg", "degrees": "deg", "°": "deg", "rad": "rad", "radians": "rad", "gon": "gon", "grad": "gon"}
_UNIT = re.compile(r"[\[( _]([a-z_°]+)[\])]?$")
_LONGEST_UNIT = 20
"""Characters at the end of a name in which its unit is looked for."""
_FEET = frozenset({"ft", "us_ft"})


def plain_name(name: str) -> str:
    """Return a delivered name without case, invisible characters and other forms of the same letters."""
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", name)).strip().casefold()


def nearest(name: str, strangers: Sequence[str]) -> str:
    """Return the unknown column that is probably meant by a missing one; empty if there is none."""
    parts = {other: _words_of(other) for other in strangers}
    parts = {other: words for other, words in parts.items() if not words & _NEVER.get(name, frozenset())}
    strangers = list(parts)
    holding = [other for other, words in parts.items() if name in words]
    if len(name) == 1:
        holding = [other for other in holding if not parts[other] & _OF_NO_PLACE]
    elif len(name) == 2 and name.startswith("q"):
        holding += [other for other, words in parts.items() if name[1] in words and words & _ROTATION_WORDS]
    bare = {other: other[: found.start()].strip() if (found := _unit_of(other)) else other for other in strangers}
    meant = [other for other in strangers if other in _WORDS.get(name, ())]
    meant += [other for other in strangers if bare[other] in _WORDS.get(name, ()) or other.translate(_ALIKE) == name]
    meant += [other for other, words in parts.items() if len(name) > 2 and words & _WORDS.get(name, frozenset())]
    close = near_misses(name, strangers, 1, 0.6) if len(name) > 3 else []
    return next(iter([*holding, *close, *meant]), "")


def meant_by(word: str, known: Sequence[str]) -> str:
    """Return the known column of which a name is another word; empty if there is none."""
    plain = plain_name(word)
    return next((name for name, words in _WORDS.items() if name in known and plain in words), "")


def _words_of(name: str) -> frozenset[str]:
    """Return the words of a plain name, those of PosX or ScanName apart."""
    words = frozenset(re.split(r"[^\w]+|_", name))
    return words.union(*(found.groups() for word in words if (found := _GLUED.fullmatch(word))))


def _unit_of(name: str) -> re.Match[str] | None:
    """Return where a plain name ends in a unit, such as "east (m)"."""
    return _UNIT.search(name, max(0, len(name) - _LONGEST_UNIT))


def fix_of(name: str, strangers: Mapping[str, str]) -> str:
    """Return what to do about a missing column: the one that was probably meant, or those that are not known.

    `strangers` are the unknown columns as delivered, by their plain names.
    """
    if name in ("qw", "qx", "qy", "qz") and strangers.keys() >= set(_UNORDERED):
        return (
            f"Found {quoted([strangers[each] for each in _UNORDERED])}, of which the first or the last is the scalar "
            "part: rename that one to qw and the others to qx, qy and qz, or map them in capture.yaml under columns."
        )
    near = nearest(name, list(strangers))
    found = strangers.get(near, near)[:60]
    if near and near.translate(_ALIKE) != near and near.translate(_ALIKE).isascii():
        return f'Found "{found}", in letters of another alphabet: type it anew.'
    if near:
        return f'Found "{found}": rename it, or map it in capture.yaml under columns.'
    if strangers:
        return f"Add it, or map one of {quoted(strangers.values())} to it in capture.yaml under columns."
    return "Add it, or map another column to it in capture.yaml under columns."


def contradictions(manifest: Manifest) -> Iterator[Finding]:
    """Findings about mapped columns whose names contradict unit, kind of rotation or handedness of the manifest."""
    names = {canon: plain_name(name) for canon, name in manifest.columns.items()}
    frame, kind = manifest.frame, manifest.rotation.kind
    for canon, name in names.items():
        found = _unit_of(name)
        word = found[1] if found else ""
        if canon in ("x", "y", "z") and word in _LENGTHS and not _same_length(_LENGTHS[word], frame.unit):
            yield _finding(manifest, canon, f"names another unit than frame.unit {frame.unit}", "Correct one of them.")
        if canon in ("ex", "ey", "ez", "heading", "pitch", "roll") and word in _ANGLES and _ANGLES[word] not in kind:
            fix = "Export degrees." if _ANGLES[word] == "gon" else "Correct one of them."
            yield _finding(manifest, canon, f"names another unit than rotation.kind {kind}", fix)
    plan = [_direction(names.get(axis, "")) for axis in "xy"]
    if plan == ["y", "x"] and frame.up == "z":
        problem = f'and columns.y "{manifest.columns["y"]}" make a left-handed frame (x north, y east, z up)'
        yield _finding(manifest, "x", problem, "Map x to the easting and y to the northing.")


def mapped_together(manifest: Manifest, known: Sequence[str], header: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Return the known names that the manifest maps to one column of a table, by the name of that column."""
    by_name: dict[str, list[str]] = {}
    for canon, name in manifest.columns.items():
        if canon in known and name in header:
            by_name.setdefault(name, []).append(canon)
    return {name: canons for name, canons in by_name.items() if len(canons) > 1}


def together_finding(name: str, canons: Sequence[str]) -> Finding:
    """A finding about entries of `columns` that name one column."""
    entries = " and ".join(f"columns.{canon}" for canon in canons)
    problem = f"{entries} {'both' if len(canons) == 2 else 'all'} name {quoted([name])}"
    return S09.finding(
        MANIFEST,
        name,
        column=f"columns.{canons[-1]}",
        problem=problem,
        fix="Name the column of each, or remove all but one.",
    )


def _finding(manifest: Manifest, canon: str, problem: str, fix: str) -> Finding:
    name = manifest.columns[canon]
    return S09.finding(
        MANIFEST, name, column=f"columns.{canon}", problem=f'columns.{canon} "{name}" {problem}', fix=fix
    )


def _same_length(named: str, stated: str) -> bool:
    return named == stated or {named, stated} == _FEET


def _direction(name: str) -> str:
    words = set(re.split(r"[^\w]+|_", name))
    return next((axis for axis in "xy" if words & _WORDS[axis]), "")
