"""Missions of a Spot robot, as its data acquisition stores them (spot-sdk, docs/concepts/data_acquisition_output.md).

Each folder with a `metadata.json` is a mission; its actions name the panoramas of channel `spot-cam-pano` and carry
the robot's frame tree. The pose is that of frame `body` in the frame that the manifest names: `seed` is the map and
the only one that is stable between missions. How the picture is turned against the body is
`rotation.image_yaw_offset_deg`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capture360.checks.rules import RULES
from capture360.landing.folder import CaptureFolder
from capture360.panorama.rotation import RotationError, matrix_from_quaternion, quaternion_from_matrix
from capture360.readers.expansion import too_large, unreadable
from capture360.readers.manifest import Manifest
from capture360.readers.pictures import panoramas
from capture360.readers.problem import Unreadable
from capture360.readers.tables import Tables
from capture360.settings import CheckSettings

CHANNEL = "spot-cam-pano"
METADATA = "metadata.json"
DEFAULTS: dict[str, Any] = {
    "kind": "panorama",
    "source_format": "spot",
    "rotation": {"kind": "quaternion", "quaternion_order": "xyzw", "direction": "camera_to_world"},
    "time": {"base": "utc"},
}
_COLUMNS = ("station_id", "station_name", "pano_file", "x", "y", "z", "qw", "qx", "qy", "qz", "time_taken", "file")
_BODY = "body"
_DEEPEST = 50
_LARGEST = 200_000_000


def missions(folder: CaptureFolder) -> list[str]:
    """Paths of the missions' metadata files."""
    return [entry.path for entry in folder.files if entry.path.rpartition("/")[2] == METADATA]


def read(folder: CaptureFolder, manifest: Manifest, settings: CheckSettings) -> Tables:
    """One station a panorama; a pose that the mission does not hold is left empty, for the rules to complain about."""
    import pandas as pd

    paths = missions(folder)
    rows = [row for path in paths for row in _mission(folder, path, manifest, len(paths) > 1)]
    if not rows:
        wanted = f"a {METADATA} that names panoramas of channel {CHANNEL}"
        raise Unreadable(RULES["S03"].finding("the capture folder", message="none", wanted=wanted))
    columns = zip(_COLUMNS, zip(*rows, strict=True), strict=True)
    frame = pd.DataFrame({name: pd.array(column, dtype="str") for name, column in columns})
    frame["row"] = 0
    return Tables(manifest, frame, panoramas(folder, frame), paths[0], paths[0])


def _mission(folder: CaptureFolder, path: str, manifest: Manifest, several: bool) -> Iterator[tuple[str, ...]]:
    size = folder.sizes[path]
    if size > _LARGEST:
        raise too_large(path, size, _LARGEST)
    try:
        document = json.loads(folder.read(path).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        problem = str(error).splitlines()[0][:160]
        raise unreadable(path, "JSON", problem, "Download the mission again.") from None
    directory = path.rpartition("/")[0]
    for action in _list(_get(document, "actions")):
        identity = _get(action, "action_id")
        name, time = str(_get(identity, "action_name") or ""), str(_get(identity, "timestamp") or "")
        pose = _pose(_get(action, "metadata"), manifest.frame.name)
        for number, picture in enumerate(_list(_get(_get(action, "data"), CHANNEL)), 1):
            file = str(_get(picture, "filename") or "")
            label = f"{directory.rpartition('/')[2]} {name}" if several else name
            station = _slug(f"{label} {number}" if number > 1 else label)
            where = f"{directory}/{file}" if directory else file
            yield (station, name, where, *pose, time, where)


def _pose(metadata: Any, frame: str) -> tuple[str, ...]:
    """Position and quaternion (w first) of the body in the frame, as texts; empty if the frame tree lacks them."""
    for channel in ("detailed-position-data", "basic-position-data"):
        for entry in _list(_get(metadata, channel)):
            tree = _edges(_get(entry, "data"))
            try:
                body, base = _in_root(tree, _BODY), _in_root(tree, frame)
            except (KeyError, TypeError, ValueError, RotationError):
                continue
            pose = np.linalg.inv(base) @ body
            numbers = (*pose[:3, 3].tolist(), *quaternion_from_matrix(pose[:3, :3]))
            return tuple(repr(float(number)) for number in numbers)
    return ("",) * 7


def _edges(data: Any) -> Mapping[str, Any]:
    """The first `child_to_parent_edge_map` anywhere in the data, in either spelling of proto's JSON."""
    waiting = [(data, 0)]
    while waiting:
        value, depth = waiting.pop()
        if not isinstance(value, dict) or depth > _DEEPEST:
            continue
        for name in ("child_to_parent_edge_map", "childToParentEdgeMap"):
            if isinstance(value.get(name), dict):
                edges: Mapping[str, Any] = value[name]
                return edges
        waiting += [(inner, depth + 1) for inner in value.values()]
    return {}


def _in_root(tree: Mapping[str, Any], frame: str) -> NDArray[np.float64]:
    """4 x 4 pose of a frame in the root of its tree; KeyError if the tree does not know it."""
    pose = np.eye(4)
    for _ in range(_DEEPEST):
        edge = tree[frame]
        parent = edge.get("parent_frame_name", edge.get("parentFrameName", ""))
        if not parent:
            return pose
        pose = _matrix(edge.get("parent_tform_child", edge.get("parentTformChild", {}))) @ pose
        frame = parent
    raise ValueError("a frame tree without a root")


def _matrix(transform: Mapping[str, Any]) -> NDArray[np.float64]:
    """A 4 x 4 matrix from a proto SE3Pose, whose JSON leaves zeros out."""
    turn, place = transform.get("rotation") or {"w": 1}, transform.get("position") or {}
    result = np.eye(4)
    result[:3, :3] = matrix_from_quaternion([float(turn.get(part, 0)) for part in "wxyz"])
    result[:3, 3] = [float(place.get(axis, 0)) for axis in "xyz"]
    return result


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")
