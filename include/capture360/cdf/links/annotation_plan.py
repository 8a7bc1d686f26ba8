"""Plan the annotations of some files: what to create, to remove and to leave to people. Reads and sends nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from capture360.geometry.boxes import Box, is_centred_in, is_same_place
from capture360.model import Detection, Match

if TYPE_CHECKING:
    from cognite.client.data_classes import Annotation

CREATING_APP = "capture360"
"""`creatingApp` of capture360's annotations."""


@dataclass(frozen=True, slots=True)
class WantedAnnotation:
    """A link to write, on the face file with that internal id."""

    file: int
    status: Literal["approved", "suggested"]
    data: Mapping[str, Any]
    match: Match

    @property
    def key(self) -> tuple[int, str]:
        """The file and the asset that the link joins."""
        return self.file, asset_in(self.data)

    @property
    def box(self) -> Box:
        """Bounding box on the file, in 0..1 of its sides."""
        return box_of(self.data)


@dataclass(slots=True)
class AnnotationPlan:
    """What `Annotations.write` has to do; `remove` are ids."""

    create: list[WantedAnnotation]
    remove: list[int]
    kept: int = 0
    decided: int = 0


def plan_annotations(
    wanted: Sequence[WantedAnnotation],
    existing: Sequence[Annotation],
    deleted: Collection[str] = (),
    absent: AbstractSet[str] = frozenset(),
) -> AnnotationPlan:
    """Compare the wanted links with the annotations that are on their files, oldest first.

    What people approved of `deleted` assets leaves the plate to others, and so does an approved link of capture360 to
    an asset that is `absent`, or that is wanted there as well: a line may name several.
    """
    approved = {(link.file, plate_of(link.match), link.key[1]) for link in wanted if link.status == "approved"}

    def holds(item: Annotation, link: WantedAnnotation) -> bool:
        ref = asset_in(item.data)
        gives_way = is_ours(item) and (ref in absent or (link.file, plate_of(link.match), ref) in approved)
        return item.status == "approved" and ref not in deleted and not gives_way

    by_file: dict[int, list[Annotation]] = defaultdict(list)
    for item in existing:
        by_file[int(item.annotated_resource_id)].append(item)
    plan = AnnotationPlan(create=[], remove=[])
    fulfilled: set[int] = set()
    for link in wanted:
        near = [item for item in by_file[link.file] if is_at(item, link.box)]
        same = [item for item in near if asset_in(item.data) == link.key[1]]
        others = [item for item in near if holds(item, link)]
        if any(is_decided(item) for item in (*same, *others)):
            plan.decided += 1
            fulfilled.update(int(item.id) for item in same)
        elif kept := next((item for item in same if item.status == link.status), None):
            plan.kept += 1
            fulfilled.add(int(kept.id))
        else:
            plan.create.append(link)
    plan.remove = [
        int(item.id) for item in existing if is_ours(item) and not is_decided(item) and int(item.id) not in fulfilled
    ]
    return plan


def doubles_of(existing: Sequence[Annotation]) -> list[int]:
    """Return the ids of capture360's undecided links that repeat an older one of the same place and status."""
    doubles: list[int] = []
    for group in by_file_and_asset([item for item in existing if is_ours(item)]).values():
        kept: list[Annotation] = []
        for item in group:
            repeats = any(
                item.status == other.status and is_same_place(box_of(item.data), box_of(other.data)) for other in kept
            )
            if repeats and not is_decided(item):
                doubles.append(int(item.id))
            else:
                kept.append(item)
    return doubles


def by_file_and_asset(existing: Sequence[Annotation]) -> dict[tuple[int, str], list[Annotation]]:
    """Index annotations by file and asset."""
    found: dict[tuple[int, str], list[Annotation]] = defaultdict(list)
    for item in existing:
        found[int(item.annotated_resource_id), asset_in(item.data)].append(item)
    return found


def plate_of(match: Match) -> str | Detection:
    """Return what identifies the plate of a match: one that has no name is seen on this view alone."""
    return match.plate or match.detection


def box_of(data: Mapping[str, Any]) -> Box:
    """Return the place of an annotation on its face."""
    region = data["textRegion"]
    return region["xMin"], region["yMin"], region["xMax"], region["yMax"]


def asset_in(data: Mapping[str, Any]) -> str:
    """Return the asset that an annotation names, as `Asset.ref` does; empty if by the external id of a classic one."""
    if "assetRef" in data:
        return str(data["assetRef"].get("id") or "")
    instance = data.get("instanceRef") or {}
    return f"{instance.get('space')}/{instance.get('externalId')}"


def is_at(item: Annotation, box: Box) -> bool:
    """Return whether an annotation is at a place of its file; a rejection is about all that its outline holds."""
    there = box_of(item.data)
    return is_same_place(there, box) or (item.status == "rejected" and is_centred_in(there, box))


def is_ours(item: Annotation) -> bool:
    """Return whether this product created the annotation, by its `creatingApp`."""
    return item.creating_app == CREATING_APP


def is_decided(item: Annotation) -> bool:
    """Return whether a person decided on it: created elsewhere, rejected, or changed after its creation here."""
    return not is_ours(item) or item.status == "rejected" or item.last_updated_time != item.created_time


def is_answered(item: Annotation) -> bool:
    """Return whether a person decided on it so that nobody need be asked.

    A suggestion of ours that was only moved is open.
    """
    return is_decided(item) and not (is_ours(item) and item.status == "suggested")
