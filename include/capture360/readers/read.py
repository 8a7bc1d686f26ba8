"""Choice of the reader for a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from capture360.landing.folder import CaptureFolder
from capture360.model import SITE_LENGTH, CaptureKey, CaptureKind, is_id
from capture360.readers import canonical, e57, gpano, navvis, spot
from capture360.readers.manifest import MANIFEST, Manifest
from capture360.readers.manifest_file import load_document, read_manifest
from capture360.readers.near_misses import UNPACK, are_folders, far_manifests, is_earlier, near_manifests, packed, shut
from capture360.readers.pictures import no_faces
from capture360.readers.problem import Unreadable
from capture360.readers.tables import Tables
from capture360.rules.finding import Disposition, Finding
from capture360.rules.manifest import S01
from capture360.rules.structure import S03
from capture360.settings.checks import CheckSettings
from capture360.text import printable

_NEAR = 5
"""Files named almost like the manifest that are reported."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reader of one form of delivery. `recognises` detects its folder without a manifest, which `defaults` replaces."""

    recognises: Callable[[CaptureFolder], bool]
    defaults: Mapping[str, Any]
    read: Callable[[CaptureFolder, Manifest, CheckSettings], Tables]


READERS: Mapping[str, Reader] = {
    "canonical": Reader(lambda _: False, {}, canonical.read),
    "navvis": Reader(lambda folder: navvis.poses_file(folder) is not None, navvis.DEFAULTS, navvis.read),
    "gpano": Reader(lambda _: False, gpano.DEFAULTS, gpano.read),
    "spot": Reader(lambda _: False, spot.DEFAULTS, spot.read),
    "e57": Reader(e57.holds_scans, e57.DEFAULTS, e57.read),
}


def read_tables(
    folder: CaptureFolder, *, key: CaptureKey | None = None, settings: CheckSettings | None = None
) -> Tables:
    """Read a capture as text tables; what cannot be read is a finding, never an exception.

    `key` is what the folder is meant to be, for deliveries without a manifest (folder and parent name without it);
    `settings` holds the limits.
    """
    manifest = None
    try:
        document = load_document(folder) if folder.exists(MANIFEST) else _no_manifest(folder)
        form = _form(folder, document)
        if not form:
            far = far_manifests(folder, MANIFEST)
            near = far or {path: UNPACK for path in packed(folder) if path.count("/") <= 1}
            found = [S01.finding(path, path, message="near", fix=fix) for path, fix in list(near.items())[:_NEAR]]
            raise Unreadable(*found, *[] if far else [S01.finding(MANIFEST, message="missing")])
        reader = READERS[form]
        known = {**_identity(folder, key), **reader.defaults} if reader.defaults else {}
        manifest = read_manifest(document, known)
        tables = reader.read(folder, manifest, settings or CheckSettings())
        return replace(tables, findings=(*tables.findings, *_beside(folder)))
    except Unreadable as stop:
        findings = stop.findings
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        # Gone or shut since the folder was listed.
        where, problem = str(error.filename), error.strerror or "it is not there"
        rule = S03
        findings = (rule.finding(where, message="unreadable", form="a file", problem=problem, fix="Copy it again."),)
    frame = no_faces()
    return Tables(manifest, frame, frame, "", "", findings=findings)


def _no_manifest(folder: CaptureFolder) -> dict[str, Any]:
    """Return an empty manifest; Unreadable if a file is named almost like one, and the delivery may need it."""
    near = shut(folder, [MANIFEST]) or are_folders(folder, [MANIFEST]) or near_manifests(folder, MANIFEST)
    if near and not (all(map(is_earlier, near)) and _form(folder, {})):
        path, fix = next(iter(near.items()))
        raise Unreadable(S01.finding(path, path, message="near", fix=fix))
    return {}


def _beside(folder: CaptureFolder) -> Iterator[Finding]:
    """Find what is named almost like the manifest beside it, or beside a delivery that needs none."""
    for path, fix in [each for each in near_manifests(folder, MANIFEST).items() if "/" not in each[0]][:_NEAR]:
        if folder.exists(MANIFEST):
            yield S01.finding(path, path, message="beside")
        else:
            fix = f"{fix.removesuffix('.')} if it is of this delivery, or remove it."
            yield replace(S01.finding(path, path, message="near", fix=fix), disposition=Disposition.WARN)


def _form(folder: CaptureFolder, document: Mapping[str, Any]) -> str:
    """Return the reader's name: as stated, else by what the folder holds; empty if none fits."""
    stated = "e57" if document.get("kind") == "e57" else document.get("source_format")
    if isinstance(stated, str) and stated in READERS:
        return stated
    if not canonical.tables_named(folder, "stations"):
        for name, reader in READERS.items():
            # A manifest of another kind is that of what lies beside; a word that is no kind is a mistake.
            kind = reader.defaults.get("kind")
            others = [each for each in CaptureKind if each != kind]
            if document.get("kind") not in others and reader.recognises(folder):
                return name
    return "canonical" if document else ""


def _identity(folder: CaptureFolder, key: CaptureKey | None) -> dict[str, str]:
    """Return site and capture id of a delivery without a manifest: from its key, else names of parent and folder."""
    if key is None:
        parent = printable(PurePosixPath(folder.url.replace("\\", "/")).parent.name)
        key = CaptureKey(parent if is_id(parent, SITE_LENGTH) else "site", folder.name)
    return {"schema": "capture/1", "site_id": key.site, "capture_id": key.capture}
