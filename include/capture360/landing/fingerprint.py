"""Fingerprints, which identify the deliveries of a capture."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from capture360.landing.folder import CaptureFolder


def fingerprint(folder: CaptureFolder, markers: Collection[str] = ()) -> str:
    """Hash path, size and version of every file, and what is not read, to 32 hex digits; ready markers do not count.

    The version is the store's ETag or checksum, on file systems the time of the last change.
    """
    digest = hashlib.sha256()
    for entry in folder.files:
        if entry.path not in markers:
            digest.update(f"{entry.path}\x00{entry.size}\x00{entry.version}\n".encode())
    for left in (each for each in folder.left_out if each.path not in markers):
        version = f"\x00{left.version}" if left.version else ""
        digest.update(f"{left.path}\x00{left.problem}{version}\n".encode())
    return digest.hexdigest()[:32]
