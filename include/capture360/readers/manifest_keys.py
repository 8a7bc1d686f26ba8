"""The table of which key of `capture.yaml` applies to which kind of delivery.

A key takes effect, or the manifest is refused. CDF's own extraction of E57 scans ignores the manifest, so a capture
that states a key which only the extraction here applies is extracted here, whatever the project's mode.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, get_args

from capture360.model import CaptureKind
from capture360.readers.manifest import METRES, Manifest, Offset

Way = Literal["cubemap", "panorama", "navvis", "gpano", "gps", "spot", "e57"]
"""Kind and form of a delivery. `gps` are panoramas placed by GPS around `frame.origin`, `gpano` those with a table."""
WAYS: tuple[Way, ...] = get_args(Way)
WHAT: Mapping[Way, str] = {
    "cubemap": "cube maps",
    "panorama": "panoramas with a table",
    "navvis": "NavVis exports",
    "gpano": "pictures of a 360° camera",
    "gps": "pictures placed by GPS",
    "spot": "Spot missions",
    "e57": "E57 scans",
}


class Use(Enum):
    """What is done with a key of the manifest."""

    WORKS = "works"
    HERE = "works, and the scans are extracted here"
    NOTED = "checked only"


@dataclass(frozen=True, slots=True)
class Only:
    """Values that are accepted since they change nothing; any other is refused, with the reason and a fix."""

    values: tuple[object, ...]
    why: str
    fix: str


Cell = Use | Only
_METRES = Only(("m",), "its positions are metres", "Remove it, or scale with frame.transform.")
_UPRIGHT = Only(("z",), "its positions have Z up", "Remove it, or turn with frame.transform.")
_OWN_QUATERNION = Only(("quaternion",), "its rotations are quaternions", "Remove it.")
_OWN_DIRECTION = Only((None, "camera_to_world"), "its rotations are camera_to_world", "Remove it.")
_NO_ANGLES = Only((None,), "its rotations are quaternions", "Remove it.")
_NO_ORIGIN = Only((None,), "its positions do not come from GPS", "Remove it, or move with frame.transform.")
_IS_PANORAMA = Only((CaptureKind.PANORAMA,), "it holds panoramas", "Write panorama.")


def _row(cell: Cell = Use.WORKS, **others: Cell) -> Mapping[Way, Cell]:
    return {way: others.get(way, cell) for way in WAYS}


_FACES = _row(
    Only(
        (None,),
        "it has no face files",
        "Remove it; panoramas are named in pano_file or lie in panos/.",
    ),
    cubemap=Use.WORKS,
)
KEYS: Mapping[str, Mapping[Way, Cell]] = {
    "schema": _row(),
    "site_id": _row(),
    "site_name": _row(),
    "capture_id": _row(),
    "collection_label": _row(),
    "kind": _row(
        navvis=_IS_PANORAMA,
        gpano=_IS_PANORAMA,
        gps=_IS_PANORAMA,
        spot=_IS_PANORAMA,
        e57=Only((CaptureKind.E57,), "source_format says that it is E57", "Write e57, or correct source_format."),
    ),
    "source_format": _row(e57=Only(("e57", "canonical"), "kind says that it is E57", "Remove it, or correct kind.")),
    "frame.name": _row(),
    "frame.up": _row(gps=_UPRIGHT, spot=_UPRIGHT, e57=_UPRIGHT),
    "frame.unit": _row(gps=_METRES, spot=_METRES, e57=_METRES),
    "frame.handedness": _row(),
    "frame.origin": _row(_NO_ORIGIN, gpano=Use.WORKS, gps=Use.WORKS),
    "frame.transform": _row(e57=Use.HERE),
    "rotation.kind": _row(spot=_OWN_QUATERNION, e57=_OWN_QUATERNION),
    "rotation.direction": _row(gpano=_OWN_DIRECTION, gps=_OWN_DIRECTION, spot=_OWN_DIRECTION, e57=_OWN_DIRECTION),
    "rotation.quaternion_order": _row(Use.NOTED),
    "rotation.euler_order": _row(spot=_NO_ANGLES, e57=_NO_ANGLES),
    "rotation.image_yaw_offset_deg": _row(e57=Use.HERE),
    "time.base": _row(
        spot=Only(("utc",), "a mission's times are UTC", "Remove it."),
        e57=Only(("utc",), "the times of scans are GPS times by the standard", "Remove it."),
    ),
    "time.zone": _row(
        spot=Only((None,), "a mission's times are UTC", "Remove it."),
        e57=Only((None,), "the times of scans are GPS times by the standard", "Remove it."),
    ),
    "time.clock_offset_s": _row(e57=Use.HERE),
    "image.resolution": _row(Use.NOTED, cubemap=Use.WORKS),
    "image.format": _row(Use.NOTED),
    "faces.pattern": _FACES,
    "faces.aliases": _FACES,
    "columns": _row(
        spot=Only(({},), "a mission has no table", "Remove it."),
        e57=Only(({},), "scans have no table", "Remove it."),
    ),
    "numbers.decimal": _row(
        spot=Only((None,), "a mission has no table", "Remove it."),
        e57=Only((None,), "scans have no table", "Remove it."),
    ),
    "camera.make": _row(Use.NOTED),
    "camera.model": _row(Use.NOTED),
    "camera.serial": _row(Use.NOTED),
    "camera_height": _row(),
    "operator": _row(Use.NOTED),
    "mission_id": _row(Use.NOTED),
    "robot": _row(Use.NOTED),
    "notes": _row(Use.NOTED),
    "privacy": _row(),
    "expected_stations": _row(),
    "revision": _row(),
    "supersedes": _row(),
    "history": _row(e57=Use.HERE),
}
"""Columns name themselves, so that `quaternion_order` adds nothing. Where CDF extracts scans it names collections and
faces itself: `collection_label` is then the name of the 3D model, and `site_name` is on nothing."""


def way_of(manifest: Manifest) -> Way:
    """Return how the capture was delivered."""
    if manifest.kind is CaptureKind.E57 or manifest.source_format == "e57":
        return "e57"
    if manifest.source_format == "canonical":
        return "cubemap" if manifest.kind is CaptureKind.CUBEMAP else "panorama"
    if manifest.source_format == "gpano" and manifest.frame.origin is not None:
        return "gps"
    return manifest.source_format


def works(manifest: Manifest, key: str) -> bool:
    """Return whether another value of the key than its default is accepted for this capture."""
    return not isinstance(KEYS[key][way_of(manifest)], Only)


def keys_of_lengths(manifest: Manifest) -> str:
    """Name the keys that turn delivered lengths into metres for this capture."""
    unit = f"frame.unit (now {manifest.frame.unit}) or " if works(manifest, "frame.unit") else ""
    return f"{unit}frame.transform"


def unit_fix(manifest: Manifest, unit: str) -> str:
    """Name the key and value by which positions are read in another unit; empty where no unit can be wrong.

    A transform that is stated already would have to be written anew as a whole, for which no single value is right.
    """
    if works(manifest, "frame.unit"):
        return f"frame.unit: {unit}"
    if way_of(manifest) != "e57" or manifest.frame.transform is not None:
        return ""
    return f"frame.transform: {{scale: {METRES[unit]:g}}}"


def refused(manifest: Manifest) -> Iterator[tuple[str, str, str, str]]:
    """Key, value, problem and fix of each key that cannot work for this capture."""
    way = way_of(manifest)
    for key, cells in KEYS.items():
        cell, value = cells[way], _value(manifest, key)
        if isinstance(cell, Only) and value != _unstated(key) and value not in cell.values:
            shown = str(value) if isinstance(value, str | int | float) else ""
            quoted = f' "{shown}"' if shown else ""
            yield key, shown, f"{key}{quoted} cannot be used with {WHAT[way]}: {cell.why}", cell.fix


def extracted_here(manifest: Manifest) -> tuple[str, ...]:
    """Return the stated keys that CDF's own extraction cannot apply."""
    way = way_of(manifest)
    stated = [key for key, cells in KEYS.items() if cells[way] is Use.HERE]
    return tuple(key for key in stated if _value(manifest, key) not in (_unstated(key), Offset()))


def _value(manifest: Manifest, key: str) -> Any:
    value: Any = manifest
    for part in key.split("."):
        value = getattr(value, _field(part))
    return value


def _unstated(key: str) -> Any:
    """Default of a key; `...` if it must be stated."""
    model: Any = Manifest
    *parts, last = key.split(".")
    for part in parts:
        model = model.model_fields[part].annotation
    field = model.model_fields[_field(last)]
    return ... if field.is_required() else field.get_default(call_default_factory=True)


def _field(part: str) -> str:
    return "schema_" if part == "schema" else part
