"""Instances in CDF: write those that differ, read them in pages."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from capture360.batches import batched
from capture360.cdf.client import cdf_errors
from capture360.cdf.json_answers import OddAnswerError
from capture360.cdf.paging import PageSize
from capture360.errors import CdfError
from capture360.geometry.poses import SAME_NUMBER, same_pose
from capture360.geometry.rotation import (
    cdf_euler,
    matrix_from_cdf_euler,
    matrix_from_quaternion,
    quaternion_from_matrix,
)
from capture360.model import Pose

if TYPE_CHECKING:
    from cognite.client import CogniteClient
    from cognite.client.data_classes.data_modeling import ViewId
    from cognite.client.data_classes.data_modeling.query import QueryResult

POSITION = ("translationX", "translationY", "translationZ")
ROTATION = ("eulerRotationX", "eulerRotationY", "eulerRotationZ")
SCALE = ("scaleX", "scaleY", "scaleZ")
_TIMES = frozenset({"takenAt", "timeTaken"})
"""Properties that hold a time; texts that look like one elsewhere, such as names, are compared as texts."""
_CONFLICT = 409
_ATTEMPTS = 3
WRITE_ITEMS = 1000
"""The most that one request writes."""
PAGE = 10_000
"""The most that one result set of a query holds."""


@dataclass(frozen=True, slots=True)
class View:
    """A view in the version that is written and read."""

    space: str
    external_id: str
    version: str = "v1"

    @property
    def ref(self) -> dict[str, str]:
        """The reference to the view, as queries hold it."""
        return {"type": "view", "space": self.space, "externalId": self.external_id, "version": self.version}

    @property
    def versioned_id(self) -> str:
        """The key of the view's properties in a node's JSON, and in the properties that filters name."""
        return f"{self.external_id}/{self.version}"

    @property
    def id(self) -> ViewId:
        """The view's id, as the SDK has it."""
        from cognite.client.data_classes.data_modeling import ViewId

        return ViewId(self.space, self.external_id, self.version)

    def properties_of(self, node: Any) -> Mapping[str, Any]:
        """Return the SDK node's properties in this view; empty if it was read without it or has none."""
        return dict(node.properties.get(self.id, {}))

    @override
    def __str__(self) -> str:
        return f"{self.space}/{self.versioned_id}"


@dataclass(frozen=True, slots=True)
class Node:
    """A node to write, with the properties of one view as JSON values."""

    space: str
    external_id: str
    view: View
    properties: Mapping[str, Any]


def parsed_ref(ref: str) -> tuple[str, str]:
    """Return space and external id of a node that is named `<space>/<externalId>`."""
    space, _, external_id = ref.partition("/")
    return space, external_id


def relation(space: str, external_id: str) -> dict[str, str]:
    """Return the value of a direct relation."""
    return {"space": space, "externalId": external_id}


def with_prefix(space: str, *prefixes: str) -> dict[str, Any]:
    """Return the filter for nodes of a space whose external ids have one of the prefixes."""
    each = [{"prefix": {"property": ["node", "externalId"], "value": prefix}} for prefix in prefixes]
    return {
        "and": [
            {"equals": {"property": ["node", "space"], "value": space}},
            each[0] if len(each) == 1 else {"or": each},
        ]
    }


def timestamp(moment: datetime) -> str:
    """Format a zoned time as CDF stores it: milliseconds and an offset."""
    return moment.isoformat(timespec="milliseconds")


def pose_properties(pose: Pose) -> dict[str, float]:
    """Return translation in metres, rotation as intrinsic X-Z-Y angles in radians, and scale 1."""
    angles = cdf_euler(matrix_from_quaternion(pose.rotation))
    return {
        **dict(zip(POSITION, pose.position, strict=True)),
        **dict(zip(ROTATION, angles, strict=True)),
        **dict.fromkeys(SCALE, 1.0),
    }


def pose_of(properties: Mapping[str, Any]) -> Pose:
    """Return the pose in an instance's properties."""
    x, y, z = (float(properties[name]) for name in POSITION)
    ex, ey, ez = (float(properties[name]) for name in ROTATION)
    return Pose((x, y, z), quaternion_from_matrix(matrix_from_cdf_euler(ex, ey, ez)))


def existing_nodes(client: CogniteClient, refs: Iterable[str]) -> set[str]:
    """Return those of the nodes, each `<space>/<externalId>`, that exist."""
    ids = [parsed_ref(ref) for ref in sorted(set(refs))]
    return {
        f"{node.space}/{node.external_id}"
        for some in batched(ids, WRITE_ITEMS)
        for node in client.data_modeling.instances.retrieve(nodes=list(some)).nodes
    }


class Instances:
    """The nodes of one project."""

    def __init__(self, client: CogniteClient) -> None:
        self._client = client

    def read(self, space: str, external_ids: Sequence[str], view: View) -> dict[str, Mapping[str, Any]]:
        """Return the properties in `view` of the nodes that exist, by external id; empty for a node without any."""
        found = self.nodes([(space, external_id) for external_id in external_ids], view)
        return {node.external_id: view.properties_of(node) for node in found}

    def nodes(self, ids: Sequence[tuple[str, str]], view: View) -> Sequence[Any]:
        """Return the SDK's nodes that exist of these (space, external id), with their properties in `view`."""
        from cognite.client.data_classes.data_modeling import NodeId

        if not ids:
            return []
        with cdf_errors(f"Reading {view} instances"):
            found = self._client.data_modeling.instances.retrieve(
                nodes=[NodeId(space, external_id) for space, external_id in ids], sources=view.id
            )
        return list(found.nodes)

    def stale(self, nodes: Sequence[Node]) -> list[Node]:
        """Return the nodes that CDF lacks or has with other values."""
        return [node for group in _by_view(nodes) for node in self._stale(group)]

    def write(self, nodes: Sequence[Node]) -> int:
        """Create or patch the stale ones of `nodes` and return their number.

        Targets of direct relations are not created: they must exist. After a version conflict, caused by somebody who
        wrote at the same moment, the nodes are compared again.
        """
        for attempt in range(_ATTEMPTS):
            stale = self.stale(nodes)
            try:
                self._apply(stale)
            except CdfError as error:
                if error.status != _CONFLICT or attempt == _ATTEMPTS - 1:
                    raise
            else:
                return len(stale)
        raise AssertionError("the last attempt returns or raises")

    def _apply(self, nodes: Sequence[Node]) -> None:
        from cognite.client.data_classes.data_modeling import NodeApply, NodeOrEdgeData

        bodies = [
            NodeApply(
                node.space,
                node.external_id,
                sources=[NodeOrEdgeData(node.view.id, dict(node.properties))],
            )
            for node in nodes
        ]
        for some in batched(bodies, WRITE_ITEMS):
            with cdf_errors(f"Writing {', '.join(dict.fromkeys(str(node.view) for node in nodes))} instances"):
                self._client.data_modeling.instances.apply(nodes=some, auto_create_direct_relations=False)

    def remove(self, space: str, external_ids: Sequence[str]) -> int:
        """Delete the nodes that exist and return their number."""
        from cognite.client.data_classes.data_modeling import NodeId

        if not external_ids:
            return 0
        ids = [NodeId(space, external_id) for external_id in external_ids]
        with cdf_errors("Removing instances"):
            there = [node.as_id() for node in self._client.data_modeling.instances.retrieve(nodes=ids).nodes]
            if there:
                self._client.data_modeling.instances.delete(nodes=there)
        return len(there)

    def found(self, space: str, *prefixes: str) -> list[str]:
        """Return the external ids in a space that have one of the prefixes; lists may lag behind writes."""
        return self.matching(with_prefix(space, *prefixes))

    def matching(self, *filters: Mapping[str, Any]) -> list[str]:
        """Return the external ids of the nodes that match all of the filters."""
        query = {
            "with": {"nodes": {"nodes": {"filter": {"and": list(filters)}}, "limit": PAGE}},
            "select": {"nodes": {}},
        }
        return [node.external_id for page in self.pages(query, "nodes") for node in page["nodes"]]

    def pages(self, query: Mapping[str, Any], paged: str) -> Iterator[Mapping[str, Sequence[Any]]]:
        """Yield all selected result sets of a query for each page of the set named `paged`, which has a limit."""
        cursors: Mapping[str, str | None] = {}
        paged_set = query["with"][paged]
        size = PageSize(paged_set["limit"])

        def answered(limit: int) -> QueryResult:
            from cognite.client.data_classes.data_modeling.query import Query

            smaller = {**query["with"], paged: {**paged_set, "limit": limit}}
            request = {**query, "with": smaller, "cursors": {k: v for k, v in cursors.items() if v}}
            return self._client.data_modeling.instances.query(Query.load(request))

        while True:
            answer = size.ask("Reading instances", answered)
            with cdf_errors("Reading instances"):
                if not set(query["select"]) <= set(answer) or not isinstance(answer.cursors, dict):
                    raise OddAnswerError("CDF's answer lacks what was selected.")
                if cursors.get(paged) and answer.cursors.get(paged) == cursors[paged]:
                    raise OddAnswerError("CDF's answer leads to a page that was read before.")
            yield {name: answer[name] for name in query["select"]}
            cursors = answer.cursors
            if not cursors.get(paged):  # a page may be short though others follow
                return

    def _stale(self, nodes: Sequence[Node]) -> Iterator[Node]:
        have = self.read(nodes[0].space, [node.external_id for node in nodes], nodes[0].view)
        for node in nodes:
            properties = have.get(node.external_id)
            if properties is None or not same_properties(properties, node.properties):
                yield node


def _by_view(nodes: Sequence[Node]) -> Iterator[list[Node]]:
    groups: dict[tuple[str, View], list[Node]] = {}
    for node in nodes:
        groups.setdefault((node.space, node.view), []).append(node)
    yield from groups.values()


def same_properties(have: Mapping[str, Any], want: Mapping[str, Any]) -> bool:
    """Return whether an instance already has the properties to be written.

    A pose is compared as a whole, since several triples of Euler angles are one rotation; numbers to 1e-6; times in any
    form.
    """
    compared = set(want)
    if compared.issuperset(POSITION + ROTATION):
        if not all(name in have for name in POSITION + ROTATION) or not same_pose(pose_of(have), pose_of(want)):
            return False
        compared -= {*POSITION, *ROTATION}
    return all(_same_value(name, have.get(name), want[name]) for name in compared)


def _same_value(name: str, have: Any, want: Any) -> bool:
    if have == want:
        return True
    if isinstance(want, float) and isinstance(have, int | float):
        return math.isclose(have, want, rel_tol=SAME_NUMBER, abs_tol=SAME_NUMBER)
    if name in _TIMES and isinstance(have, str) and isinstance(want, str):
        return _same_time(have, want)
    return False


def _same_time(have: str, want: str) -> bool:
    try:
        return datetime.fromisoformat(have) == datetime.fromisoformat(want)
    except (ValueError, TypeError):
        return False
