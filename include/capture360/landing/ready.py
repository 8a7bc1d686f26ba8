"""Ready files such as `_READY`, which mark a delivery as complete."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from capture360.landing.folder import CaptureFolder

_LARGEST = 65_536
_DIGITS = 10


@dataclass(frozen=True, slots=True)
class ReadyFile:
    """A ready file of the folder. `files` is the number of files that it states, None if it states none.

    `unclear` if it states one that cannot be read. `written` is when it came here in seconds since 1970, 0 if unknown.
    """

    name: str
    files: int | None
    unclear: bool
    written: float


def ready_files(folder: CaptureFolder, names: Sequence[str]) -> Iterator[ReadyFile]:
    """Return those of `names` that exist in the folder, in their order."""
    for name in names:
        if folder.exists(name) or name in folder.hidden:
            yield _ready_file(folder, name)


def delivered_files(folder: CaptureFolder, names: Sequence[str]) -> int:
    """Return the number of files in the folder without ready files."""
    return sum(entry.path not in names for entry in folder.files)


def _ready_file(folder: CaptureFolder, name: str) -> ReadyFile:
    """Read a ready file. One without a key `files` states nothing: many tools write an empty file or a text."""
    written = folder.hidden.get(name) or next((each.written for each in folder.files if each.path == name), 0.0)
    try:
        document = json.loads(folder.read(name, _LARGEST))
    except (OSError, ValueError, RecursionError):
        document = None
    stated = document.get("files") if isinstance(document, dict) else None
    files = _whole_number(stated)
    return ReadyFile(name, files, unclear=stated is not None and files is None, written=written)


def _whole_number(stated: object) -> int | None:
    """Return a number of files that is written as a number or as a text; None for anything else."""
    if isinstance(stated, str):
        text = stated.strip()
        return int(text) if text.isdecimal() and len(text) < _DIGITS else None
    if isinstance(stated, bool) or not isinstance(stated, int | float):
        return None
    return int(stated) if stated == stated // 1 else None
