"""The file that says a delivery is complete, such as `_READY`; the one parser of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from capture360.landing.folder import CaptureFolder

_LARGEST = 65_536


@dataclass(frozen=True, slots=True)
class ReadyFile:
    """A ready file that lies in the folder. `files` is how many files it promises, None if it says nothing of them."""

    name: str
    files: int | None


def ready_files(folder: CaptureFolder, names: Sequence[str]) -> Iterator[ReadyFile]:
    """Those of `names` that lie in the folder, in their order."""
    for name in names:
        if folder.exists(name) or name in folder.hidden:
            yield ReadyFile(name, _promised(folder, name))


def delivered_files(folder: CaptureFolder, names: Sequence[str]) -> int:
    """How many files the folder holds, ready files not counted."""
    return sum(entry.path not in names for entry in folder.files)


def _promised(folder: CaptureFolder, name: str) -> int | None:
    """Anything but a count of files promises nothing: many tools leave an empty file, or words of their own."""
    try:
        document = json.loads(folder.read(name, _LARGEST))
    except (OSError, ValueError, RecursionError):
        return None
    files = document.get("files") if isinstance(document, dict) else None
    return files if isinstance(files, int) and not isinstance(files, bool) else None
