"""Instances in CDF: written only where CDF has something else, read in pages."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from capture360.cdf.client import cdf_errors
from capture360.errors import CdfError
from capture360.geometry.rotation import (
    angle_between,
    cdf_euler,
    matrix_from_cdf_euler,
    matrix_from_quaternion,
    quaternion_from_matrix,
)
from capture360.model import Pose

if TYPE_CHECKING:
    from cognite.client import CogniteClient

POSITION = ("translationX", "translationY", "translationZ")
ROTATION = ("eulerRotationX", "eulerRotationY", "eulerRotationZ")
SCALE = ("scaleX", "scaleY", "scaleZ")
SAME_ANGLE = 1e-6
"""Radians; above what single precision loses, and far below a pixel of a face."""
_SAME_NUMBER = 1e-6
_CONFLICT = 409
_ATTEMPTS = 3
WRITE_ITEMS = 1000
"""The most that one request writes."""
PAGE = 10_000
"""The most that one result set of a query holds."""


@dataclass(frozen=True, slots=True)
class View:
    """A view in the version that we write and read."""

    space: str
    external_id: str
    version: str = "v1"

    @property
    def ref(self) -> dict[str, str]:
        return {"type": "view", "space": self.space, "externalId": self.external_id, "version": self.version}

    def properties_of(self, node: Any) -> Mapping[str, Any]:
        """What the SDK's node has in this view; empty if it was not read with it, or has nothing in it."""
        from cognite.client.data_classes.data_modeling import ViewId

        return dict(node.properties.get(ViewId(self.space, self.external_id, self.version), {}))

    def __str__(self) -> str:
        return f"{self.space}/{self.external_id}/{self.version}"


@dataclass(frozen=True, slots=True)
class Node:
    """A node as it is to be: one view's properties as JSON values."""

    space: str
    external_id: str
    view: View
    properties: Mapping[str, Any]


def relation(space: str, external_id: str) -> dict[str, str]:
    """The value of a direct relation."""
    return {"space": space, "externalId": external_id}


def with_prefix(space: str, prefix: str) -> dict[str, Any]:
    """The filter for nodes of a space whose external ids begin so."""
    return {
        "and": [
            {"equals": {"property": ["node", "space"], "value": space}},
            {"prefix": {"property": ["node", "externalId"], "value": prefix}},
        ]
    }


def timestamp(moment: datetime) -> str:
    """A zoned time as CDF keeps it: milliseconds and an offset."""
    return moment.isoformat(timespec="milliseconds")


def pose_properties(pose: Pose) -> dict[str, float]:
    """Translation in metres, rotation as intrinsic X-Z-Y angles in radians, scale 1."""
    angles = cdf_euler(matrix_from_quaternion(pose.rotation))
    return {
        **dict(zip(POSITION, pose.position, strict=True)),
        **dict(zip(ROTATION, angles, strict=True)),
        **dict.fromkeys(SCALE, 1.0),
    }


def pose_of(properties: Mapping[str, Any]) -> Pose:
    """The pose that an instance's properties say."""
    x, y, z = (float(properties[name]) for name in POSITION)
    ex, ey, ez = (float(properties[name]) for name in ROTATION)
    return Pose((x, y, z), quaternion_from_matrix(matrix_from_cdf_euler(ex, ey, ez)))


def same_pose(one: Pose, other: Pose) -> bool:
    """Whether two poses are the same but for rounding. Rotations are compared, not angles."""
    near = all(
        math.isclose(a, b, rel_tol=_SAME_NUMBER, abs_tol=_SAME_NUMBER)
        for a, b in zip(one.position, other.position, strict=True)
    )
    turn = angle_between(matrix_from_quaternion(one.rotation), matrix_from_quaternion(other.rotation))
    return near and turn < SAME_ANGLE


class Instances:
    """The nodes of one project."""

    def __init__(self, client: CogniteClient) -> None:
        self._client = client

    def read(self, space: str, external_ids: Sequence[str], view: View) -> dict[str, Mapping[str, Any]]:
        """Properties in `view` by external id, of the nodes that are there; empty if a node has none in it."""
        from cognite.client.data_classes.data_modeling import NodeId, ViewId

        if not external_ids:
            return {}
        view_id = ViewId(view.space, view.external_id, view.version)
        with cdf_errors(f"Reading {view} instances"):
            found = self._client.data_modeling.instances.retrieve(
                nodes=[NodeId(space, external_id) for external_id in external_ids], sources=view_id
            )
        return {node.external_id: view.properties_of(node) for node in found.nodes}

    def stale(self, nodes: Sequence[Node]) -> list[Node]:
        """Those nodes that CDF has not, or has otherwise."""
        return [node for group in _by_view(nodes) for node in self._stale(group)]

    def write(self, nodes: Sequence[Node]) -> int:
        """Create or patch the stale ones of `nodes`; how many those were.

        Direct relations are never created on the way: what a node points at must be there. A version conflict, somebody
        else having written at the same moment, is answered by looking again at what is still stale.
        """
        for attempt in range(_ATTEMPTS):
            stale = self.stale(nodes)
            try:
                self._apply(stale)
            except CdfError as error:
                if getattr(error.__cause__, "code", None) != _CONFLICT or attempt == _ATTEMPTS - 1:
                    raise
            else:
                return len(stale)
        raise AssertionError("the last attempt returns or raises")

    def _apply(self, nodes: Sequence[Node]) -> None:
        from cognite.client.data_classes.data_modeling import NodeApply, NodeOrEdgeData, ViewId

        bodies = [
            NodeApply(
                node.space,
                node.external_id,
                sources=[
                    NodeOrEdgeData(
                        ViewId(node.view.space, node.view.external_id, node.view.version), dict(node.properties)
                    )
                ],
            )
            for node in nodes
        ]
        for start in range(0, len(bodies), WRITE_ITEMS):
            with cdf_errors(f"Writing {nodes[start].view} instances"):
                self._client.data_modeling.instances.apply(
                    nodes=bodies[start : start + WRITE_ITEMS], auto_create_direct_relations=False
                )

    def remove(self, space: str, external_ids: Sequence[str]) -> int:
        """Delete those nodes that are there."""
        from cognite.client.data_classes.data_modeling import NodeId

        if not external_ids:
            return 0
        ids = [NodeId(space, external_id) for external_id in external_ids]
        with cdf_errors("Removing instances"):
            there = [node.as_id() for node in self._client.data_modeling.instances.retrieve(nodes=ids).nodes]
            if there:
                self._client.data_modeling.instances.delete(nodes=there)
        return len(there)

    def found(self, space: str, prefix: str) -> list[str]:
        """External ids of the nodes of a space that begin so; lists may lag behind writes."""
        query = {
            "with": {"nodes": {"nodes": {"filter": with_prefix(space, prefix)}, "limit": PAGE}},
            "select": {"nodes": {}},
        }
        return [node.external_id for page in self.pages(query, "nodes") for node in page["nodes"]]

    def pages(self, query: Mapping[str, Any], paged: str) -> Iterator[Mapping[str, Sequence[Any]]]:
        """The result sets of a query, page by page of the set named `paged`; every selected set of each page."""
        from cognite.client.data_classes.data_modeling.query import Query

        cursors: Mapping[str, str | None] = {}
        while True:
            request = Query.load({**query, "cursors": {k: v for k, v in cursors.items() if v}})
            with cdf_errors("Reading instances"):
                answer = self._client.data_modeling.instances.query(request)
            yield {name: answer[name] for name in query["select"]}
            cursors = answer.cursors
            if not cursors.get(paged) or len(answer[paged]) < PAGE:
                return

    def _stale(self, nodes: Sequence[Node]) -> Iterator[Node]:
        have = self.read(nodes[0].space, [node.external_id for node in nodes], nodes[0].view)
        for node in nodes:
            properties = have.get(node.external_id)
            if properties is None or not _same(properties, node.properties):
                yield node


def _by_view(nodes: Sequence[Node]) -> Iterator[list[Node]]:
    groups: dict[tuple[str, View], list[Node]] = {}
    for node in nodes:
        groups.setdefault((node.space, node.view), []).append(node)
    yield from groups.values()


def _same(have: Mapping[str, Any], want: Mapping[str, Any]) -> bool:
    compared = set(want)
    if compared.issuperset(POSITION + ROTATION):
        if not all(name in have for name in POSITION + ROTATION) or not same_pose(pose_of(have), pose_of(want)):
            return False
        compared -= {*POSITION, *ROTATION}
    return all(_same_value(have.get(name), want[name]) for name in compared)


def _same_value(have: Any, want: Any) -> bool:
    if have == want:
        return True
    if isinstance(want, float) and isinstance(have, int | float):
        return math.isclose(have, want, rel_tol=_SAME_NUMBER, abs_tol=_SAME_NUMBER)
    if isinstance(have, str) and isinstance(want, str):
        return _same_time(have, want)
    return False


def _same_time(have: str, want: str) -> bool:
    try:
        return datetime.fromisoformat(have) == datetime.fromisoformat(want)
    except (ValueError, TypeError):
        return False
