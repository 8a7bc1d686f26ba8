"""E57 scans, also in zip archives: stations, poses and pictures are inside the files, found by `capture360.e57`.

A station of a capture of several files is called `<file>-<station>`, so that adding a file renames nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from capture360.e57 import preflight, verify, with_verification
from capture360.e57.photospheres import Photosphere
from capture360.errors import BadInputError
from capture360.landing.folder import CaptureFolder, OutsideError
from capture360.landing.scans import archives_in, open_scan, scans_in, scans_within
from capture360.readers.manifest import MANIFEST, Manifest
from capture360.readers.near_misses import UNPACK, packed
from capture360.readers.pictures import PANORAMA
from capture360.readers.problem import Unreadable
from capture360.readers.station_names import distinct_slugs
from capture360.readers.tables import Tables
from capture360.rules.finding import Finding
from capture360.rules.scans import E01
from capture360.rules.structure import S03, S07
from capture360.settings.checks import CheckSettings

DEFAULTS: dict[str, Any] = {
    "kind": "e57",
    "source_format": "e57",
    "frame": {"name": "site", "up": "z", "unit": "m", "handedness": "right"},
    "rotation": {"kind": "quaternion", "direction": "camera_to_world"},
    "time": {"base": "utc"},
}
"""The conventions of the format itself (ASTM E2807); times and rotations come out of `capture360.e57` as these."""
_NEAR = 5
"""Archives that are reported."""
_NOTHING = "The capture folder holds no E57 file, loose or in a zip archive. Add one."
_COLUMNS = ("station_id", "station_name", "x", "y", "z", "qw", "qx", "qy", "qz", "time_taken", "file")


def holds_scans(folder: CaptureFolder) -> bool:
    """Return whether the folder is a delivery of scans; zip archives count only if there is no manifest."""
    return bool(scans_in(folder)) or (bool(archives_in(folder)) and not folder.exists(MANIFEST))


def read(folder: CaptureFolder, manifest: Manifest, settings: CheckSettings) -> Tables:
    """Return the usable spheres as a stations table, rotations of the cube frame; faults of the files are findings."""
    import pandas as pd

    paths = [scan.path for scan in scans_in(folder)]
    findings: list[Finding] = []
    for archive in archives_in(folder):
        try:
            paths += [scan.path for scan in scans_within(folder, archive)]
        except BadInputError as error:
            findings.append(E01.finding(archive, folder.sizes[archive], sentence=str(error)))
    if not paths:
        unread = [S03.finding(path, path, message="near", fix=UNPACK) for path in packed(folder)[:_NEAR]]
        raise Unreadable(*findings or unread or [E01.finding(sentence=_NOTHING)])
    rows: list[tuple[str, ...]] = []
    hashes: dict[str, str] = {}
    for path, prefix in station_prefixes(paths).items():
        try:
            with open_scan(folder, path) as stream:
                found = preflight(stream, path, max_megapixels=settings.max_megapixels, decode=True)
                if found.usable:
                    # Every page, before anything is made of the file or a byte of it goes to CDF.
                    verified = verify(stream, where=path)
                    found = with_verification(found, verified)
                    hashes[path] = verified.sha256 or ""
        except OutsideError as error:
            findings.append(S07.finding(path, path, message="outside", problem=error.problem))
            continue
        except BadInputError as error:
            findings.append(E01.finding(path, sentence=str(error)))
            continue
        findings += [replace(one, station=one.station and prefix + one.station) for one in found.findings]
        rows += [_row(sphere, path, prefix) for sphere in found.photospheres]
    columns = list(zip(*rows, strict=True)) or [()] * len(_COLUMNS)
    frame = pd.DataFrame({name: pd.array(column, dtype="str") for name, column in zip(_COLUMNS, columns, strict=True)})
    frame["row"] = 0
    faces = frame[["station_id", "file", "row"]].assign(face=PANORAMA)
    return Tables(manifest, frame, faces, paths[0], "", findings=tuple(findings), scans=hashes)


def _row(sphere: Photosphere, path: str, prefix: str) -> tuple[str, ...]:
    numbers = [repr(float(value)) for value in (*sphere.pose.position, *sphere.pose.rotation)]
    time = sphere.taken_at.isoformat() if sphere.taken_at else ""
    return (prefix + sphere.station, sphere.name, *numbers, time, sphere.reference(path))


def station_prefixes(paths: Sequence[str]) -> Mapping[str, str]:
    """Return the prefix of station ids for each file; empty if there is only one file."""
    if len(paths) == 1:
        return {paths[0]: ""}
    names = distinct_slugs({path: path[: -len(".e57")] for path in paths}, "scan")
    return {path: f"{name}-" for path, name in names.items()}
