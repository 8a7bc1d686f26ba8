"""Files whose names almost match what a reader expects: other case, other suffix, other folder."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from capture360.landing.folder import CaptureFolder

_SPREADSHEETS = ("xls", "xlsm", "xlsb", "ods", "numbers")
_TABLE = rf"(?:\.(?:csv|tsv|txt|parquet|xlsx|{'|'.join(_SPREADSHEETS)})){{1,2}}"
_YAML = r"\.ya?ml(?:\.txt|\.ya?ml)?"


def near_manifests(folder: CaptureFolder, name: str) -> list[str]:
    """Return files at the folder's top named almost like the manifest, such as capture.yml or capture.yaml.txt."""
    return _near(folder, name.partition(".")[0], _YAML)


def near_tables(folder: CaptureFolder, stem: str) -> list[str]:
    """Return files at the folder's top named almost like the table `stem`, such as Stations.CSV or stations.ods."""
    return _near(folder, stem, _TABLE)


def advice(found: str, stem: str) -> str:
    """Return the fix for a table of another name or form."""
    suffix = found.rpartition(".")[2].casefold()
    if suffix in _SPREADSHEETS:
        return f"Save it as {stem}.csv or {stem}.xlsx."
    return f"Rename it to {stem}.{suffix}."


def alike_key(path: str) -> str:
    """Equal for paths that differ only in case, Unicode form, blanks or the suffix of a picture."""
    name = unicodedata.normalize("NFKC", path.replace("\\", "/")).casefold()
    return re.sub(r"\.(?:jpe?g|png)(?:\.(?:jpe?g|png))?$", "", re.sub(r"[\s_]+", "", name))


def files_alike(folder: CaptureFolder) -> Mapping[str, str]:
    """A path of the folder by `alike_key`."""
    return {alike_key(entry.path): entry.path for entry in folder.files}


def _near(folder: CaptureFolder, stem: str, suffix: str) -> list[str]:
    """Files of the stem, in singular or plural and perhaps with the number of a copy."""
    copy = r"[ _.-]?(?:\([0-9]{1,3}\)|[0-9]{1,3}|copy|final)?"
    wanted = re.compile(rf"(?i){stem.rstrip('s')}s?{copy}{suffix}")
    return [entry.path for entry in folder.files if wanted.fullmatch(entry.path)]
