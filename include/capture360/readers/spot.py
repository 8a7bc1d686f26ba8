"""Missions of a Spot robot, as its data acquisition stores them (spot-sdk, docs/concepts/data_acquisition_output.md).

Each folder with a `metadata.json` is a mission; its actions name the panoramas of channel `spot-cam-pano` and carry
the robot's frame tree. The pose is that of frame `body` in the frame that the manifest names: `seed` is the map and
the only one that is stable between missions. How the picture is turned against the body is
`rotation.image_yaw_offset_deg`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, ValidationError

from capture360 import lfs
from capture360.landing.folder import CaptureFolder
from capture360.model import slug
from capture360.readers.expansion import too_large, unreadable
from capture360.readers.manifest import MANIFEST, Manifest
from capture360.readers.near_misses import alike_elsewhere
from capture360.readers.pictures import panoramas
from capture360.readers.problem import Unreadable
from capture360.readers.spot_poses import Part, frames, pose
from capture360.readers.station_names import NumberedIds, distinct_slugs
from capture360.readers.tables import Tables
from capture360.rules.cameras import S15
from capture360.rules.finding import Finding
from capture360.rules.manifest import S09
from capture360.rules.structure import S03
from capture360.settings.checks import CheckSettings
from capture360.text import printable

CHANNEL = "spot-cam-pano"
METADATA = "metadata.json"
DEFAULTS: dict[str, Any] = {
    "kind": "panorama",
    "source_format": "spot",
    "rotation": {"kind": "quaternion", "quaternion_order": "xyzw", "direction": "camera_to_world"},
    "time": {"base": "utc"},
}
_COLUMNS = ("station_id", "station_name", "pano_file", "x", "y", "z", "qw", "qx", "qy", "qz", "time_taken", "file")
_OF_ONE_MISSION = ("odom", "vision", "body", "flat_body")
_FRAMES_SHOWN = 10
_LARGEST = 200_000_000
_MOST = {"values": 10_000_000, "actions": 300_000, "panoramas": 100_000}
"""Of all missions of a capture: each value takes up to a hundred times its bytes in memory, each panorama thousands."""
_AGAIN = "Download the mission again."


def missions(folder: CaptureFolder) -> list[str]:
    """Return the paths of the missions' metadata files."""
    return [entry.path for entry in folder.files if entry.path.rpartition("/")[2] == METADATA]


def read(folder: CaptureFolder, manifest: Manifest, _: CheckSettings) -> Tables:
    """Return one station for each panorama; a pose that the mission lacks stays empty, and the rules report it."""
    import pandas as pd

    paths = missions(folder)
    read_missions, broken = _read_missions(folder, paths)
    _refuse_unknown_frame(read_missions, manifest.frame.name)
    labels = distinct_slugs({path: path.rpartition("/")[0] for path in paths}, "mission")
    rows: list[tuple[str, ...]] = []
    findings: list[Finding] = []
    unread = {path: f"{labels[path]}-" for path in broken}
    ids = NumberedIds()
    for path, mission in read_missions:
        label = labels[path] if len(paths) > 1 else ""
        for row, problem in _rows(path, mission, manifest, label, ids):
            rows.append(row)
            if problem:
                findings.append(_unplaced(path, row, problem))
        found = list(_unread(path, mission, label))
        unread |= {str(finding.station): f"{label}-" if label else "" for finding in found}
        findings += found
    if not rows and broken:
        raise Unreadable(*[finding for each in broken.values() for finding in each.findings], *findings)
    if not rows:
        if findings:
            raise unreadable(str(findings[0].path), "a Spot mission", _other_form(findings[0].value), _AGAIN)
        near = [path for path in alike_elsewhere(folder, METADATA) if path not in paths][:1]
        if near:
            raise Unreadable(S03.finding(near[0], near[0], message="near", fix=f"Rename it to {METADATA}."))
        wanted = f"a {METADATA} that names panoramas of channel {CHANNEL}"
        raise Unreadable(S03.finding(message="none", wanted=wanted))
    columns = zip(_COLUMNS, zip(*rows, strict=True), strict=True)
    frame = pd.DataFrame({name: pd.array(column, dtype="str") for name, column in columns})
    frame["row"] = 0
    findings += [
        S15.finding(path, where=path, message="mission", station=path, sentence=each.findings[0].message)
        for path, each in broken.items()
    ]
    file = read_missions[0][0]
    return Tables(manifest, frame, panoramas(folder, frame), file, file, tuple(findings), unread=unread)


def _read_missions(
    folder: CaptureFolder, paths: Sequence[str]
) -> tuple[list[tuple[str, _Mission]], dict[str, Unreadable]]:
    """Return the missions that can be read, and why the others cannot.

    Beside a mission, a file of this name that belongs to something else is passed over as any other file.
    """
    found: list[tuple[str, _Mission]] = []
    broken: dict[str, Unreadable] = {}
    damaged: set[str] = set()
    held: Counter[str] = Counter()
    for path in paths:
        try:
            found.append((path, _mission(folder, path, held)))
        except Unreadable as error:
            broken[path] = error
            if not isinstance(error, _NoMissionError):
                damaged.add(path)
        except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
            broken[path] = unreadable(path, "a file", error.strerror or type(error).__name__, _AGAIN)
            damaged.add(path)
    return found, {path: error for path, error in broken.items() if path in damaged or not found}


_Some = TypeVar("_Some", bound=Part)


def _text_or_none(value: Any) -> Any:
    """Numbers as text; what is no text at all is missing in its own row, and must not void the mission."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None


_Text = Annotated[str | None, BeforeValidator(_text_or_none)]


class _Identity(Part):
    action_name: _Text = None
    timestamp: _Text = None


class _Picture(Part):
    filename: _Text = None


class _Data(Part):
    pictures: list[Any] | None = Field(None, validation_alias=CHANNEL)


class _Action(Part):
    action_id: _Identity | None = None
    data: _Data | None = None
    metadata: Any = None


def _pictures(action: _Action | str) -> Sequence[Any]:
    return (isinstance(action, _Action) and action.data and action.data.pictures) or ()


class _Mission(Part):
    """A mission as far as all of it must be sound; each action is taken by itself."""

    actions: list[Any]

    @cached_property
    def read_actions(self) -> Mapping[int, _Action | str]:
        """The actions by their place; of one that cannot be read, the place of what is wrong in it."""
        return {place: _part(_Action, raw, f"actions.{place}") for place, raw in enumerate(self.actions)}


def _part(kind: type[_Some], raw: Any, place: str) -> _Some | str:
    """Return a part of a mission, or the place of what is wrong in it."""
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        return ".".join([place, *(str(part) for part in error.errors(include_url=False)[0]["loc"])])


def _mission(folder: CaptureFolder, path: str, held: Counter[str]) -> _Mission:
    """Return a mission, and count what it holds; Unreadable if with it all missions hold too much."""
    size = folder.sizes[path]
    if size > _LARGEST:
        raise too_large(path, size, _LARGEST)
    content = folder.read(path)
    if content.startswith(lfs.POINTER):
        raise unreadable(path, "JSON", f"it is {lfs.WHAT}", lfs.FETCH)
    _count(path, held, "values", sum(map(content.count, (b",", b"[", b"{"))))
    try:
        document = json.loads(content, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        fix = "Save it as UTF-8." if isinstance(error, UnicodeDecodeError) else _AGAIN
        raise unreadable(path, "JSON", _in_words(error, size), fix) from None
    try:
        mission = _Mission.model_validate(document)
    except ValidationError as error:
        at = ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"])
        problem = unreadable(path, "a Spot mission", _other_form(at or "the whole of it"), _AGAIN)
        if isinstance(document, dict) and document.get("actions") is None and not _has_panoramas(folder, path):
            raise _NoMissionError(*problem.findings) from None
        raise problem from None
    _count(path, held, "actions", len(mission.actions))
    _count(path, held, "panoramas", sum(len(_pictures(action)) for action in mission.read_actions.values()))
    return mission


def _count(path: str, held: Counter[str], what: str, number: int) -> None:
    if held[what] + number > _MOST[what]:
        problem = f"with it the capture holds more than {_MOST[what]:,} {what}"
        raise unreadable(path, "a Spot mission", problem, "Deliver the missions as several captures.")
    held[what] += number


class _NoMissionError(Unreadable):
    """The document has no actions, and no panorama lies beside it that they would name."""


def _has_panoramas(folder: CaptureFolder, path: str) -> bool:
    inside = path.removesuffix(METADATA)
    return any(entry.path.startswith(inside) and CHANNEL in entry.path[len(inside) :] for entry in folder.files)


class _TwiceError(ValueError):
    """A key is there twice, of which JSON would keep the last one."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise _TwiceError(f'the key "{printable(twice, 40)}" is there twice in one object')
    return found


def _other_form(part: str) -> str:
    return f"{part} has another form than in a mission of Spot"


def _in_words(error: Exception, size: int) -> str:
    """Word why a file is no JSON."""
    if not size:
        return "it is empty"
    if isinstance(error, json.JSONDecodeError):
        return f"it breaks off or is damaged in line {error.lineno}, column {error.colno}"
    if isinstance(error, _TwiceError):
        return str(error)
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else "a number in it has too many digits"


def _refuse_unknown_frame(missions: Sequence[tuple[str, _Mission]], frame: str) -> None:
    """Unreadable if no frame tree of the missions has the manifest's frame, or it is another one in each of them."""
    if len(missions) > 1 and frame in _OF_ONE_MISSION:
        problem = f'frame.name "{frame}" begins anew in each mission, and {len(missions)} are delivered'
        fix = "Write seed, the map of all missions, or deliver each mission as a capture."
        raise Unreadable(S09.finding(MANIFEST, frame, column="frame.name", problem=problem, fix=fix))
    known = dict.fromkeys(
        name
        for _, mission in missions
        for action in mission.read_actions.values()
        if isinstance(action, _Action)
        for name in frames(action.metadata)
    )
    if known and frame not in known:
        shown = ", ".join(list(known)[:_FRAMES_SHOWN])
        near = next((name for name in known if name.casefold() == frame.casefold()), "")
        fix = f"Did you mean {near}?" if near else "Name one of them; seed is the map, and the same in all missions."
        problem = f'frame.name "{frame}" is no frame of the mission, which has {shown}'
        raise Unreadable(S09.finding(MANIFEST, frame, column="frame.name", problem=problem, fix=fix))


def _unplaced(path: str, row: tuple[str, ...], problem: str) -> Finding:
    """A finding about a row whose action gives no pose."""
    station, name, file, *_ = row
    fix = "Was the robot localised on its map there? Else download" if "has no frame" in problem else "Download"
    value = f'the action "{printable(name, 80)}"' if name else file
    return S15.finding(path, value, message="pose", station=station, problem=problem, fix=f"{fix} the mission again.")


def _rows(
    path: str, mission: _Mission, manifest: Manifest, label: str, ids: NumberedIds
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Rows of a mission, and what keeps the pose of each from being known.

    `label` is put before the names of actions; `ids` gives none twice.
    """
    directory = path.rpartition("/")[0]
    for action in mission.read_actions.values():
        if not isinstance(action, _Action):
            continue
        identity = action.action_id or _Identity()
        name, time = _encodable(identity.action_name or ""), _encodable(identity.timestamp or "")
        placed, problem = pose(action.metadata, manifest.frame.name)
        for number, raw in enumerate(_pictures(action), 1):
            picture = _part(_Picture, raw, "")
            if isinstance(picture, _Picture):
                file = _encodable(picture.filename or "")
                named = slug(name) or slug(file.rpartition("/")[2].rpartition(".")[0]) or "action"
                station = ids.take(slug(f"{label} {named}"), number)
                where = f"{directory}/{file}" if directory else file
                yield (station, name, where, *placed, time, where), problem


def _unread(path: str, mission: _Mission, label: str) -> Iterator[Finding]:
    """Findings about actions that cannot be read, each as a station that is held back."""
    for place, action in mission.read_actions.items():
        named = f"actions.{place}.data.{CHANNEL}"
        parts = [_part(_Picture, raw, f"{named}.{at}") for at, raw in enumerate(_pictures(action))]
        for problem in [action, *parts]:
            if isinstance(problem, str):
                yield S15.finding(path, problem, station=slug(f"{label} {problem}"))


def _encodable(text: str) -> str:
    """Replace halves of characters, which JSON can escape and no table can hold."""
    return text.encode("utf-8", "replace").decode()
