"""Ready files such as `_READY`, which mark a delivery as complete."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from capture360.landing.folder import CaptureFolder

_LARGEST = 65_536


@dataclass(frozen=True, slots=True)
class ReadyFile:
    """A ready file of the folder. `files` is the number of files that it states, None if it states none."""

    name: str
    files: int | None


def ready_files(folder: CaptureFolder, names: Sequence[str]) -> Iterator[ReadyFile]:
    """Return those of `names` that exist in the folder, in their order."""
    for name in names:
        if folder.exists(name) or name in folder.hidden:
            yield ReadyFile(name, _promised(folder, name))


def delivered_files(folder: CaptureFolder, names: Sequence[str]) -> int:
    """Return the number of files in the folder without ready files."""
    return sum(entry.path not in names for entry in folder.files)


def _promised(folder: CaptureFolder, name: str) -> int | None:
    """Return the stated number of files; None for any other content, since many tools write an empty file or a text."""
    try:
        document = json.loads(folder.read(name, _LARGEST))
    except (OSError, ValueError, RecursionError):
        return None
    files = document.get("files") if isinstance(document, dict) else None
    return files if isinstance(files, int) and not isinstance(files, bool) else None
