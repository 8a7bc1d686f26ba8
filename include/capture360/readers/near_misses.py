"""Files whose names almost match what a reader expects: other case, other suffix, other folder."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from contextlib import suppress

from capture360.errors import BadInputError
from capture360.landing.folder import UNFINISHED_SUFFIXES, CaptureFolder, is_unfinished
from capture360.landing.scans import ZIP, archives_in, names_within
from capture360.text import near_misses

_SPREADSHEETS = ("xls", "xlsm", "xlsb", "ods", "numbers")
_READ = ("csv", "tsv", "txt", "parquet", "xlsx")
_PACKED = ("gz", "zip", "7z", "bz2", "xz", "rar")
_ARCHIVE = re.compile(
    r"(?i)\.(?:7z|rar|zipx|tar|tgz|tbz2?|txz|gz|bz2|xz|zst|lz|lz4|lzma|lzh|cab|arj|iso|sitx?|[rz][0-9]{2}|"
    r"(?:7z|rar|zip|tar|gz)\.[0-9]{3})\Z"
)
_POINT_CLOUD = re.compile(r"(?i)\.(?:fls|fws|las|laz|lsproj|pcd|ply|pts|ptx|rcp|rcs|rdbx|rxp|zfs)\Z")
"""Scans as other programs keep them."""
UNPACK = "It is an archive: unpack it, and deliver what is in it."
_TEXT = ("tab", "dat", "asc", "prn", "psv")
_OTHER_FORMS = (
    "json",
    "geojson",
    "jsonl",
    "feather",
    "arrow",
    "shp",
    "dbf",
    "kml",
    "gpkg",
    "xml",
    "html",
    "pdf",
    "docx",
)
_MOVE = "Move it, and all that belongs to it, to the top of the capture folder"
_PART = re.compile(r"\Apart[-.][0-9]|\.c[0-9]{3}\.|\A[0-9]{6}_[0-9]|\Adata_[0-9]|\A[0-9]+\.[a-z]+\Z")
"""Names of part files, as Spark, Dask, Hive, DuckDB and others give them."""
_COPY_AGAIN = "It is a copy that did not end: copy it again."
_PICTURE = re.compile(r"(?i)\.(?:jpe?g|png|webp|tiff?|e57)\Z")
_ALIKE = str.maketrans("ѕаеорсі", "saeopci")
"""Cyrillic letters that look like Latin ones."""
_SEPARATORS = "[\\s_.\u00ad\u200b-\u200f\u2010-\u2015\u2060\u2212\ufeff-]+"
_TABLE = rf"(?:\.(?:csv|tsv|txt|parquet|xlsx|{'|'.join(_SPREADSHEETS)})){{1,2}}"
_YAML = r"\.ya?ml?(?:\.txt|\.ya?ml)?"
_MARKS = re.compile(
    r"(?<![^\W_])(?:copy|kopie|kopia|kopi|copia|c\u00f3pia|copie|kopio|of|von|van|de|di|av|v?[0-9]{1,3}|final|old|new|neu|alt|bak)"
    r"(?![^\W_])"
)
"""What systems and people add to the name of a copy or of another state."""
_EARLIER = re.compile(r"(?i)(?<![^\W_])(?:old|alt|bak|orig)(?![^\W_])|~\Z")
_CLOSE, _SHORT = 0.8, 5


def near_manifests(folder: CaptureFolder, name: str) -> Mapping[str, str]:
    """Return the fix by file named almost like the manifest, such as capture.yml or x/capture.yaml."""
    stem = name.partition(".")[0]
    near = {path: f"Rename it to {name}." for path in _near(folder, stem, _YAML) if path != name}
    for path in _candidates(folder):
        directory, _, base = path.rpartition("/")
        if directory and base == name:
            near[path] = (
                f"Move it, and all that belongs to it, into the capture folder, or deliver the folder {directory}."
            )
        elif directory.count("/"):
            continue
        elif base.casefold().startswith(f"{name}.") and base.casefold().rpartition(".")[2] in _OTHER_FORMS:
            near[path] = f"Save it as plain text under the name {name}."
        elif base.casefold().endswith(UNFINISHED_SUFFIXES) and base.startswith(name):
            near[path] = _COPY_AGAIN
        elif base != name and re.fullmatch(
            rf"{re.escape(name)}(?:~|\.bak|\.old|\.orig)|manifest\.ya?ml", base, re.IGNORECASE
        ):
            near[path] = f"Rename it to {name}."
    return near


def is_earlier(path: str) -> bool:
    """Return whether a name has the mark of an earlier state, as capture_old.yaml has: others may be complete."""
    return bool(_EARLIER.search(path))


def far_manifests(folder: CaptureFolder, name: str) -> Mapping[str, str]:
    """Return the fix by file that may be the manifest in another form, where nothing says what was delivered."""
    stem = name.partition(".")[0]
    far: dict[str, str] = {}
    for entry in folder.files:
        suffix = entry.path.casefold().removeprefix(stem)
        if suffix in ("", ".json", ".txt", ".text"):
            far[entry.path] = f"Is it the manifest? Rename it to {name}."
        elif suffix.removeprefix(".") in (*_OTHER_FORMS, "toml", "ini", "cfg", "md", "doc", "odt", "rtf"):
            far[entry.path] = f"Is it the manifest? Write what it says into {name}."
    return far


def near_tables(folder: CaptureFolder, stem: str) -> list[str]:
    """Return files at the folder's top named almost like the table `stem`, such as Stations.CSV or stations.ods."""
    return [path for path in _near(folder, stem, _TABLE) if not re.fullmatch(rf"{stem}\.(?:{'|'.join(_READ)})", path)]


def far_tables(folder: CaptureFolder, stem: str) -> Mapping[str, str]:
    """Return the fix by file that may be the table `stem`, by its name or its form, if no other is nearer."""
    word = stem.rstrip("s")
    named: dict[str, str] = {}
    others: dict[str, str] = {}
    for path in _candidates(folder):
        base = path.rpartition("/")[2].casefold()
        suffix = base.rpartition(".")[2] if "." in base else ""
        is_named = base.translate(_ALIKE).startswith(word) or (word in base and path.count("/") <= 1)
        if not is_named:
            directory = path.partition("/")[0]
            is_part = suffix in _READ and (_PART.search(base) or f"{directory}/_SUCCESS" in folder.sizes)
            if is_part and re.fullmatch(rf"{word}s?(?:\.[a-z]+)?", directory.casefold()):
                parts = "It is a folder of part files, as Spark and others write a table: write one file (in Spark"
                named[directory] = f"{parts} after coalesce(1)), and deliver that file as {stem}.{suffix}."
            elif "/" not in path and suffix in (*_READ, *_SPREADSHEETS):
                others[path] = f"Is it the {stem} table? {advice(path, stem)}"
            elif suffix in (*_READ, *_SPREADSHEETS) and re.fullmatch(rf"{word}s?(?:\.[a-z]+)?", directory.casefold()):
                others[path] = f"Is it the {stem} table? {_MOVE}, as {stem}.{suffix}."
        elif base.endswith(UNFINISHED_SUFFIXES):
            named[path] = _COPY_AGAIN
        elif suffix in _PACKED:
            named[path] = f"Unpack it to {stem}.csv."
        elif suffix in _READ and "/" in path:
            named[path] = f"{_MOVE}, as {stem}.{suffix}."
        elif suffix in (*_READ, *_SPREADSHEETS):
            named[path] = advice(path, stem)
        elif suffix in _TEXT:
            named[path] = f"Rename it to {stem}.txt."
        elif suffix in _OTHER_FORMS:
            named[path] = f"Save it as {stem}.csv."
        elif suffix in ("", "bak", "old", "orig") or base.endswith("~"):
            named[path] = f"Rename it to {stem}.csv."
        elif base.translate(_ALIKE).startswith(word) and "/" not in path:
            named[path] = f"Is it the {stem} table? Save it as {stem}.csv."
    return named or others


def packed(folder: CaptureFolder) -> list[str]:
    """Return archives other than zip archives, those at the top first: none of them is read."""
    return sorted((entry.path for entry in folder.files if _ARCHIVE.search(entry.path)), key=_depth)


def in_place_of_pictures(folder: CaptureFolder, pattern: str, stations: Collection[str]) -> str:
    """Return what pictures may be in, and how to fix it: an archive, or a copy that did not end; empty if nothing.

    If stations are named, those alone lack pictures: what counts has their name, or that of the folder of `pattern`.
    """
    zipped = [entry.path for entry in folder.files if entry.path.lower().endswith(ZIP)]
    found = {path: f"{path} is not read. {UNPACK}" for path in [*packed(folder), *zipped]}
    found |= {each.path: f"{each.path} {each.problem}." for each in folder.left_out if is_unfinished(each.path)}
    keys, top = {id_key(name) for name in stations}, pattern.partition("{")[0].partition("/")[0].casefold()
    for path, fix in found.items():
        names = {id_key(part.partition(".")[0]) for part in path.split("/")}
        if not stations or names & keys or (top and path.casefold().startswith(top)):
            return fix
    return ""


def in_place_of_scans(folder: CaptureFolder) -> str:
    """Return what lies there in place of E57 files, and how to fix it; empty if nothing does."""
    for each in folder.left_out:
        if is_unfinished(each.path):
            return f"{each.path} {each.problem}."
    clouds = sorted((entry.path for entry in folder.files if _POINT_CLOUD.search(entry.path)), key=_depth)
    return f"{clouds[0]} is of another format: export its scans as E57, with their panoramas." if clouds else ""


def packed_twice(folder: CaptureFolder) -> list[str]:
    """Return archives in readable zip archives: nothing is read from them."""
    found: list[str] = []
    for archive in archives_in(folder):
        with suppress(BadInputError, OSError):
            names = names_within(folder, archive)
            found += [f"{archive}/{name}" for name in names if _ARCHIVE.search(name) or name.lower().endswith(ZIP)]
    return found


def alike_elsewhere(folder: CaptureFolder, wanted: str) -> list[str]:
    """Return files named like `wanted` but for case, separators and folder."""
    key = id_key(wanted.rpartition("/")[2])
    return [entry.path for entry in folder.files if id_key(entry.path.rpartition("/")[2]) == key]


def shut(folder: CaptureFolder, names: Collection[str]) -> Mapping[str, str]:
    """Return why each entry that has one of these names is not read, such as a link out of the folder."""
    return {each.path: f"It {each.problem}." for each in folder.left_out if each.path in names}


def are_folders(folder: CaptureFolder, names: Collection[str]) -> Mapping[str, str]:
    """Return the fix by folder that has one of these names of files."""
    within = {entry.path.partition("/")[0] for entry in folder.files if "/" in entry.path}
    return {name: "It is a folder. Deliver the file itself under this name." for name in names if name in within}


def advice(found: str, stem: str) -> str:
    """Return the fix for a table of another name or form."""
    suffix = found.rpartition(".")[2].casefold().strip()
    if suffix in _SPREADSHEETS:
        return f"Save it as {stem}.csv or {stem}.xlsx."
    return f"Rename it to {stem}.{suffix}."


def alike_key(path: str) -> str:
    """Equal for paths that differ only in case, Unicode form, blanks or the suffix of a picture."""
    name = unicodedata.normalize("NFKC", path.replace("\\", "/")).casefold()
    return re.sub(r"\.(?:jpe?g|png)(?:\.(?:jpe?g|png))?$", "", re.sub(r"[\s_]+", "", name))


def id_key(name: str) -> str:
    """Equal for ids that differ only in case, separators, what is invisible, zeros in front of numbers, or .0."""
    plain = re.sub(_SEPARATORS, "", re.sub(r"(?<=[0-9])\.0$", "", unicodedata.normalize("NFKC", name).casefold()))
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", plain)


def pictures_by_id(folder: CaptureFolder) -> Mapping[str, str]:
    """A picture of the folder by `id_key` of its name without suffix, and of each folder that holds it."""
    found: dict[str, str] = {}
    for entry in folder.files:
        if _PICTURE.search(entry.path):
            for key in id_keys(entry.path):
                found.setdefault(key, entry.path)
    return found


def id_keys(path: str) -> list[str]:
    """Return the `id_key` of each folder of a picture's path, and of its name without suffix."""
    *folders, base = path.split("/")
    return [id_key(name) for name in (*folders, base.rpartition(".")[0])]


def files_alike(folder: CaptureFolder) -> Mapping[str, str]:
    """A path of the folder by `alike_key`."""
    return {alike_key(entry.path): entry.path for entry in folder.files}


def _candidates(folder: CaptureFolder) -> list[str]:
    """Files by their depth, copies that did not end at the folder's top among them; no pictures."""
    files = sorted((entry.path for entry in folder.files if not _PICTURE.search(entry.path)), key=_depth)
    return [*files, *sorted(name for name in folder.hidden if name.casefold().endswith(UNFINISHED_SUFFIXES))]


def _depth(path: str) -> int:
    return path.count("/")


def _near(folder: CaptureFolder, stem: str, suffix: str) -> list[str]:
    """Files at the folder's top of the stem, but for a slip of the keyboard or what marks a copy; hidden ones too."""
    hidden = [name for name in folder.hidden if name.startswith(".") and not name.startswith("._")]
    wanted = re.compile(rf"(?is)(.*?){suffix}\s*")
    names = [entry.path for entry in folder.files if "/" not in entry.path] + sorted(hidden)
    found = ((name, wanted.fullmatch(name)) for name in names)
    return [name for name, match in found if match and _is_slip(_bare(match[1]), stem)]


def _bare(stem: str) -> str:
    """Return what a name is without what is put around it: marks of a copy, separators, case."""
    plain = unicodedata.normalize("NFKC", stem).casefold().translate(_ALIKE)
    return re.sub(r"[\W_]+", "", _MARKS.sub("", plain))


def _is_slip(name: str, stem: str) -> bool:
    """Return whether one letter is missing, added or moved, or, in a long name, replaced behind the first letter.

    `races` is not taken for `faces`, nor `rotations` for `stations`.
    """
    if len(name) == len(stem) <= _SHORT and sorted(name) != sorted(stem):
        return False
    if len(stem) > _SHORT and name[:1] != stem[:1]:
        return False
    return abs(len(name) - len(stem)) <= 1 and bool(near_misses(name, [stem], 1, _CLOSE))
