"""E57 scans, also in zip archives: stations, poses and pictures are inside the files, found by `capture360.e57`.

A station of a capture of several files is called `<file>-<station>`, so that adding a file renames nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from capture360.e57 import preflight, verify, with_verification
from capture360.e57.photospheres import Photosphere
from capture360.e57.preflight import is_of_file
from capture360.errors import BadInputError
from capture360.landing.folder import CaptureFolder, OutsideError
from capture360.landing.scans import NoScansError, archives_in, open_scan, scans_in, scans_within
from capture360.readers.manifest import MANIFEST, Manifest
from capture360.readers.near_misses import UNPACK, in_place_of_scans, packed
from capture360.readers.pictures import PANORAMA
from capture360.readers.problem import Unreadable
from capture360.readers.station_names import distinct_slugs
from capture360.readers.tables import Tables
from capture360.rules.finding import Disposition, Finding
from capture360.rules.scans import E01, E02, E04, E05
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
_NOTHING = "The capture folder holds no E57 file, loose or in a zip archive."
_SHUT = (FileNotFoundError, PermissionError, IsADirectoryError)
_OF_FILES = (E01.id, E02.id, E04.id, S07.id)
_COLUMNS = ("station_id", "station_name", "x", "y", "z", "qw", "qx", "qy", "qz", "time_taken", "file")


def holds_scans(folder: CaptureFolder) -> bool:
    """Return whether the folder is a delivery of scans; zip archives count only if there is no manifest."""
    return bool(scans_in(folder)) or (bool(archives_in(folder)) and not folder.exists(MANIFEST))


def read(folder: CaptureFolder, manifest: Manifest, settings: CheckSettings) -> Tables:
    """Return the usable spheres as a stations table, rotations of the cube frame; faults of the files are findings.

    A file or archive that cannot be used is a finding of its own, unless there is nothing else.
    """
    import pandas as pd

    paths, findings, unread = _listed(folder)
    if not paths:
        near = [S03.finding(path, path, message="near", fix=UNPACK) for path in packed(folder)[:_NEAR]]
        nothing = E01.finding(sentence=f"{_NOTHING} {in_place_of_scans(folder) or 'Add one.'}")
        raise Unreadable(*[_stops(one) for one in findings or near or [nothing]])
    scans = [_read(folder, path, settings) for path in paths]
    copies = _copies(scans)
    own = [scan for scan in scans if scan.path not in copies]
    findings += [E05.finding(path, first) for path, first in copies.items()]
    rows: list[tuple[str, ...]] = []
    prefixes = station_prefixes([scan.path for scan in own], is_part=bool(unread))
    for scan in own:
        prefix = prefixes[scan.path]
        known = [replace(one, station=one.station and prefix + one.station) for one in scan.findings]
        if any(is_of_file(one) for one in known) and not any(one.station for one in known):
            known = [replace(one, station=scan.path) if is_of_file(one) else one for one in known]
        if any(one.station == scan.path or is_of_file(one) for one in known):
            unread[scan.path] = prefix
        findings += known
        rows += [_row(sphere, scan.path, prefix) for sphere in scan.spheres]
    if not rows:
        whole = {None, *unread}
        findings = [_stops(one) if one.station in whole else one for one in findings]
    columns = list(zip(*rows, strict=True)) or [()] * len(_COLUMNS)
    frame = pd.DataFrame({name: pd.array(column, dtype="str") for name, column in zip(_COLUMNS, columns, strict=True)})
    frame["row"] = 0
    faces = frame[["station_id", "file", "row"]].assign(face=PANORAMA)
    hashes = {scan.path: scan.sha256 for scan in own if scan.spheres}
    return Tables(manifest, frame, faces, own[0].path, "", tuple(findings), hashes, unread)


def _listed(folder: CaptureFolder) -> tuple[list[str], list[Finding], dict[str, str]]:
    """Return the paths of all scans, findings about archives, and those of them whose scans are not known."""
    paths = [scan.path for scan in scans_in(folder)]
    findings: list[Finding] = []
    unread: dict[str, str] = {}
    for archive in archives_in(folder):
        try:
            paths += [scan.path for scan in scans_within(folder, archive)]
        except NoScansError as error:
            findings.append(replace(E01.finding(archive, sentence=str(error)), disposition=Disposition.WARN))
        except (BadInputError, *_SHUT) as error:
            findings.append(E01.finding(archive, where=archive, station=archive, sentence=_in_words(archive, error)))
            unread[archive] = ""
    return paths, findings, unread


@dataclass(frozen=True, slots=True)
class _Scan:
    """What was read of an E57 file; stations in `findings` have no prefix yet."""

    path: str
    spheres: tuple[Photosphere, ...] = ()
    findings: tuple[Finding, ...] = ()
    sha256: str = ""


def _read(folder: CaptureFolder, path: str, settings: CheckSettings) -> _Scan:
    try:
        with open_scan(folder, path) as stream:
            found = preflight(stream, path, max_megapixels=settings.max_megapixels, decode=True)
            if not found.usable:
                return _Scan(path, findings=found.findings)
            # Every page, before anything is made of the file or a byte of it goes to CDF.
            verified = verify(stream, where=path)
    except OutsideError as error:
        return _Scan(path, findings=(S07.finding(path, path, message="outside", problem=error.problem),))
    except (BadInputError, *_SHUT) as error:
        return _Scan(path, findings=(E01.finding(path, sentence=_in_words(path, error)),))
    found = with_verification(found, verified)
    return _Scan(path, found.photospheres, found.findings, verified.sha256 or "")


def _in_words(path: str, error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{path} cannot be opened ({error.strerror or type(error).__name__}). Copy it again."
    return str(error)


def _copies(scans: Sequence[_Scan]) -> Mapping[str, str]:
    """Return the files whose content another one has too, with the path of that one.

    That is the nearest to the top, and of these the one with the shortest name: `scan - Copy.e57` is the copy.
    """
    first: dict[str, str] = {}
    copies: dict[str, str] = {}
    for scan in sorted(scans, key=lambda scan: (scan.path.count("/"), len(scan.path), scan.path)):
        if scan.sha256 and first.setdefault(scan.sha256, scan.path) != scan.path:
            copies[scan.path] = first[scan.sha256]
    return copies


def _stops(finding: Finding) -> Finding:
    """Return the finding about a file as one that stops the capture, where nothing else is delivered."""
    return replace(finding, disposition=Disposition.STOP, station=None) if finding.rule in _OF_FILES else finding


def _row(sphere: Photosphere, path: str, prefix: str) -> tuple[str, ...]:
    numbers = [repr(float(value)) for value in (*sphere.pose.position, *sphere.pose.rotation)]
    time = sphere.taken_at.isoformat() if sphere.taken_at else ""
    return (prefix + sphere.station, sphere.name, *numbers, time, sphere.reference(path))


def station_prefixes(paths: Sequence[str], *, is_part: bool = False) -> Mapping[str, str]:
    """Return the prefix of station ids for each file; empty if there is only one file, which is no part of more."""
    if len(paths) == 1 and not is_part:
        return {paths[0]: ""}
    names = distinct_slugs({path: path[: -len(".e57")] for path in paths}, "scan")
    return {path: f"{name}-" for path, name in names.items()}
