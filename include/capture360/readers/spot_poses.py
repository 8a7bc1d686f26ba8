"""Poses of a Spot robot: transforms of the frame tree that each action of a mission carries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, ValidationError

from capture360.geometry.rotation import RotationError, matrix_from_quaternion, quaternion_from_matrix
from capture360.text import printable

_BODY = "body"
_CHANNELS = ("detailed-position-data", "basic-position-data")
_DEEPEST = 50
_LENGTH_TOLERANCE = 0.01


class Part(BaseModel):
    """A part of a mission; what is not known of it is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("true is no number")
    return value


_Number = Annotated[FiniteFloat, BeforeValidator(_no_bool)]


class _Vector(Part):
    x: _Number = 0
    y: _Number = 0
    z: _Number = 0


class _Quaternion(_Vector):
    w: _Number = 0


class _Transform(Part):
    """An SE3Pose of protobuf, whose JSON omits zeros."""

    position: _Vector | None = None
    rotation: _Quaternion | None = None


class _Edge(Part):
    """Pose of a frame in its parent; the root has none."""

    parent: str = Field("", validation_alias=AliasChoices("parent_frame_name", "parentFrameName"))
    transform: _Transform | None = Field(None, validation_alias=AliasChoices("parent_tform_child", "parentTformChild"))


def frames(metadata: Any) -> Iterator[str]:
    """Yield the names of the frames in an action's metadata."""
    for channel in _CHANNELS:
        for entry in _list(_get(metadata, channel)):
            yield from (str(name) for name in _edges(_get(entry, "data")))


def pose(metadata: Any, frame: str) -> tuple[tuple[str, ...], str]:
    """Position and quaternion (w first) of the body in the frame, as texts, or empty ones and what keeps them so."""
    problem = "holds no frame tree"
    for channel in _CHANNELS:
        for entry in _list(_get(metadata, channel)):
            tree = _edges(_get(entry, "data"))
            try:
                with np.errstate(all="ignore"):
                    placed = np.linalg.inv(_in_root(tree, frame)) @ _in_root(tree, _BODY)
                    numbers = (*placed[:3, 3].tolist(), *quaternion_from_matrix(placed[:3, :3]))
            except (KeyError, ValueError, RotationError) as error:
                problem = _in_words(error) if tree else problem
                continue
            return tuple(repr(float(number)) for number in numbers), ""
    return ("",) * 7, problem


def _in_words(error: Exception) -> str:
    """Word why a frame tree gives no pose."""
    if isinstance(error, KeyError):
        return f'has no frame "{printable(str(error.args[0]), 40)}" in its frame tree'
    if isinstance(error, ValidationError | np.linalg.LinAlgError | RotationError):
        return "has numbers in its frame tree that are no pose"
    return f"has a frame tree {error}"


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
    """4 x 4 pose of a frame in the root of its tree; KeyError if it is not known, ValueError if that is broken."""
    placed = np.eye(4)
    for _ in range(_DEEPEST):
        edge = _Edge.model_validate(tree[frame])
        if not edge.parent:
            return placed
        if edge.transform is None:
            raise ValueError("with an edge that has no pose")
        placed = _matrix(edge.transform) @ placed
        frame = edge.parent
    raise ValueError("that ends in no root")


def _matrix(transform: _Transform) -> NDArray[np.float64]:
    """The transform as a 4 x 4 matrix."""
    turn, place = transform.rotation, transform.position
    if turn is None or place is None:
        raise ValueError("with a pose that lacks rotation or position")
    if abs(np.linalg.norm([turn.w, turn.x, turn.y, turn.z]) - 1) > _LENGTH_TOLERANCE:
        raise ValueError("with a rotation that is no unit quaternion")
    result = np.eye(4)
    result[:3, :3] = matrix_from_quaternion([turn.w, turn.x, turn.y, turn.z])
    result[:3, 3] = [place.x, place.y, place.z]
    return result


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
