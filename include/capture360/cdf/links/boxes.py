"""Bounding boxes of assets in data modeling projects: where the plates of an asset are.

An asset's Cognite3DObject holds a box (`xMin` to `zMax`, metres). Nodes do not record who wrote these values, so
capture360 notes its boxes before it writes them. A box that differs from the noted one is another's and is left
unchanged. Each node is written only in the version that was read, so that a value set in between is not replaced.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from capture360.batches import batched
from capture360.cdf.client import CdfProject, cdf_errors
from capture360.cdf.core_views import ASSET, OBJECT_3D
from capture360.cdf.instances import Instances, View, parsed_ref
from capture360.cdf.ports import AssetBox, BoxesWritten
from capture360.errors import CdfError
from capture360.text import counted

if TYPE_CHECKING:
    from cognite.client import CogniteClient

NOTE = "boxes"
"""Name of the note beside the capture's records."""
PROPERTIES = ("xMin", "xMax", "yMin", "yMax", "zMin", "zMax")
AT_ONCE = 1000
_ATTEMPTS = 3
_CONFLICT = 409
_DENIED = frozenset({401, 403})
_SAME_M = 1e-6


class BoxNotes:
    """The boxes that one capture wrote, by `<space>/<externalId>` of the object. Every change is stored at once.

    An object has two noted boxes while one replaces the other: either may be in CDF. `earlier` returns the notes of
    captures that were taken before, whose boxes this capture replaces; it is called if a box is not of this capture.
    """

    def __init__(
        self,
        read: Callable[[], Mapping[str, Any] | None],
        save: Callable[[Mapping[str, Any]], None],
        earlier: Callable[[], Iterable[Mapping[str, Any]]] = tuple,
    ) -> None:
        self._save = save
        self._earlier = earlier
        self._boxes = _noted(read() or {"boxes": {}})

    def __contains__(self, name: str) -> bool:
        return name in self._boxes

    @property
    def objects(self) -> Sequence[str]:
        """The names of the objects with a noted box."""
        return sorted(self._boxes)

    def is_ours(self, name: str, box: AssetBox) -> bool:
        """Return whether the box of an object is one that was noted."""
        return any(_same(box, each) for each in self._boxes.get(name, ()))

    def is_of_earlier(self, name: str, box: AssetBox) -> bool:
        """Return whether the box of an object is one that a capture noted which was taken before."""
        return any(_same(box, each) for boxes in self._of_earlier for each in boxes.get(name, ()))

    @cached_property
    def _of_earlier(self) -> Sequence[Mapping[str, Sequence[AssetBox]]]:
        return [_noted(note) for note in self._earlier()]

    def change(self, boxes: Mapping[str, Sequence[AssetBox]]) -> None:
        """Store the boxes that CDF may hold for these objects; an empty entry removes an object."""
        changed = {name: some for name, some in {**self._boxes, **boxes}.items() if some}
        if changed != self._boxes:
            self._save({"boxes": {name: [list(each) for each in some] for name, some in sorted(changed.items())}})
            self._boxes = {name: list(some) for name, some in changed.items()}

    def of(self, name: str) -> Sequence[AssetBox]:
        """Return the boxes that CDF may hold for an object."""
        return self._boxes.get(name, ())


@dataclass(frozen=True, slots=True)
class _Object:
    """A Cognite3DObject as it was read; `box` is None without any value."""

    version: int
    box: AssetBox | tuple[float | None, ...] | None

    def has(self, box: AssetBox) -> bool:
        return self.box is not None and None not in self.box and _same(_box(self.box), box)


class AssetBoxes:
    """Writer of the boxes of one capture's assets."""

    def __init__(self, cdf: CdfProject, notes: BoxNotes) -> None:
        self._client: CogniteClient = cdf.client
        self._notes = notes

    def write(self, wanted: Mapping[str, AssetBox]) -> BoxesWritten:
        """Write these boxes, by the assets' references, and remove noted boxes from all other assets.

        Boxes of others are kept. Assets without an object are skipped, since a link creates it. CdfError if CDF fails;
        spaces without write access are named in the result.
        """
        objects = self._objects_of(list(wanted))
        boxes = {name: wanted[ref] for ref, name in objects.items()}
        done = self._set({**dict.fromkeys(self._notes.objects), **boxes})
        return BoxesWritten(
            written=done.written, kept=done.kept, removed=done.removed, of_others=done.of_others,
            without_object=len(wanted) - len(objects), refused=done.refused,
        )  # fmt: skip

    def drift(self) -> tuple[Sequence[str], Sequence[str]]:
        """Return the objects whose noted box was emptied, and those that have another box since. Reads only.

        An object that was deleted is in neither: the links that began at it are lost with it.
        """
        there = self._read(self._notes.objects)
        emptied = [name for name, node in there.items() if node.box is None]
        return emptied, [name for name, node in there.items() if node.box and not self._is_ours(name, node)]

    def remove(self, *, dry_run: bool) -> Sequence[str]:
        """Remove every noted box; return the objects, or those that have one if `dry_run`."""
        there = self._read(self._notes.objects)
        ours = [name for name, each in there.items() if self._is_ours(name, each)]
        if not dry_run:
            done = self._set(dict.fromkeys(self._notes.objects))
            if done.refused:
                raise CdfError(" ".join(done.refused))
        return [f"box of {name}" for name in ours]

    def _set(self, targets: Mapping[str, AssetBox | None]) -> BoxesWritten:
        kept, changed, others, refused = 0, 0, 0, []
        removed = 0
        left = dict(targets)
        for attempt in range(_ATTEMPTS):
            there = self._read(list(left))
            changes: dict[str, AssetBox | None] = {}
            forget: list[str] = []
            settled: dict[str, Sequence[AssetBox]] = {}
            for name, box in left.items():
                node = there.get(name)
                if node is None or (node.box is None and box is None):
                    forget.append(name)
                elif node.box is not None and not self._is_replaced(name, node, box):
                    forget.append(name)
                    others += box is not None
                elif box is not None and node.has(box):
                    kept += 1
                    settled[name] = [box]
                else:
                    changes[name] = box
            settled |= {name: () for name in forget if name in self._notes}
            planned = {name: [*self._notes.of(name), box] for name, box in changes.items() if box is not None}
            self._notes.change({**settled, **planned})
            conflicts: dict[str, AssetBox | None] = {}
            written: dict[str, Sequence[AssetBox]] = {}
            for some in _by_space(changes):
                try:
                    self._apply(some, there)
                except CdfError as error:
                    if error.status == _CONFLICT and attempt < _ATTEMPTS - 1:
                        conflicts |= some
                        continue
                    if error.status not in _DENIED:
                        raise
                    space = next(iter(some)).partition("/")[0]
                    refused.append(
                        f"{counted(len(some), 'box', 'boxes')} of assets in space {space} may not be written: {error}"
                    )
                    continue
                written |= {name: () if box is None else [box] for name, box in some.items()}
                removed += sum(box is None for box in some.values())
                changed += sum(box is not None for box in some.values())
            self._notes.change(written)  # once: it is one document, and until then either box counts as ours
            left = conflicts
            if not left:
                break
        return BoxesWritten(changed, kept, removed, others, 0, tuple(refused))

    def _is_ours(self, name: str, node: _Object) -> bool:
        return node.box is not None and None not in node.box and self._notes.is_ours(name, _box(node.box))

    def _is_replaced(self, name: str, node: _Object, box: AssetBox | None) -> bool:
        """Return whether the box is removed, or replaced by another one, which may be of an earlier capture as well."""
        if self._is_ours(name, node):
            return True
        is_whole = node.box is not None and None not in node.box
        return box is not None and is_whole and self._notes.is_of_earlier(name, _box(node.box or ()))

    def _objects_of(self, assets: Sequence[str]) -> dict[str, str]:
        """Return the objects of the assets that have one, both as `<space>/<externalId>`."""
        found = {}
        for node in self._retrieve(assets, ASSET):
            related = ASSET.properties_of(node).get("object3D")
            if related:
                found[f"{node.space}/{node.external_id}"] = f"{related['space']}/{related['externalId']}"
        return found

    def _read(self, objects: Sequence[str]) -> dict[str, _Object]:
        return {
            f"{node.space}/{node.external_id}": _Object(node.version, _box_of(OBJECT_3D.properties_of(node)))
            for node in self._retrieve(objects, OBJECT_3D)
        }

    def _retrieve(self, names: Sequence[str], view: View) -> Iterator[Any]:
        for some in batched(list(names), AT_ONCE):
            yield from Instances(self._client).nodes([parsed_ref(name) for name in some], view)

    def _apply(self, boxes: Mapping[str, AssetBox | None], there: Mapping[str, _Object]) -> None:
        from cognite.client.data_classes.data_modeling import NodeApply, NodeOrEdgeData

        nodes = [
            NodeApply(
                *parsed_ref(name),
                existing_version=there[name].version,
                sources=[NodeOrEdgeData(OBJECT_3D.id, dict(zip(PROPERTIES, box or (None,) * 6, strict=True)))],
            )
            for name, box in boxes.items()
        ]
        with cdf_errors("Writing boxes of assets"):
            self._client.data_modeling.instances.apply(nodes=nodes, auto_create_direct_relations=False)


def _noted(note: Mapping[str, Any]) -> dict[str, list[AssetBox]]:
    return {name: [_box(each) for each in some] for name, some in note["boxes"].items()}


def _by_space(boxes: Mapping[str, AssetBox | None]) -> Iterator[dict[str, AssetBox | None]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name in boxes:
        groups[name.partition("/")[0]].append(name)
    for names in groups.values():
        for some in batched(names, AT_ONCE):
            yield {name: boxes[name] for name in some}


def _box_of(properties: Mapping[str, Any]) -> tuple[float | None, ...] | None:
    values = tuple(properties.get(name) for name in PROPERTIES)
    return None if all(value is None for value in values) else values


def _box(values: Sequence[Any]) -> AssetBox:
    return AssetBox(*(float(value) for value in values))


def _same(one: AssetBox, other: AssetBox) -> bool:
    return all(math.isclose(a, b, rel_tol=0, abs_tol=_SAME_M) for a, b in zip(one, other, strict=True))
