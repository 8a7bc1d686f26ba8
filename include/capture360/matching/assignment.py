"""Joint assignment of similar tags to plates: each tag has one plate and each plate one tag.

A tag that differs from another only by look-alikes, or that begins another, is never certain by itself. If the plates
of all the tags in question are seen, and several stations read each as one tag alone, only one assignment remains.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np

from capture360.matching.chance import are_surely_apart
from capture360.matching.evidence import EvidenceKind
from capture360.matching.plates import ONE_PLACE_M, Plate
from capture360.matching.policy import ScoredMatch
from capture360.matching.readings import LOOK_ALIKES, Reading
from capture360.matching.sightlines import Sightlines
from capture360.model import Asset

_VETO = 0.25
"""Ratio of the weight of contradicting views to that of clear ones, from which a plate stays undecided."""
_PART_VIEWS = 3
"""Number of pictures that show all of a tag that begins others: what stands close in front hides an end from two."""


def assign_look_alikes(plates: Sequence[Plate], readings: Sequence[Reading], sight: Sightlines) -> None:
    """Link the plates of look-alike tags if each tag is read on exactly one plate, by at least two clear views."""
    groups: dict[frozenset[str], list[Plate]] = defaultdict(list)
    for plate in plates:
        views = [readings[number] for number in plate.readings]
        if any(reading.kind in LOOK_ALIKES for reading in views):
            groups[frozenset().union(*(reading.refs for reading in views))].append(plate)
    uses = Counter(ref for refs in groups for ref in refs)
    for refs, some in groups.items():
        if any(uses[ref] > 1 for ref in refs) or len(some) != len(refs) or not _are_distinct(some, readings, sight):
            continue
        if not all(readings[number].names_all for plate in some for number in plate.readings):
            continue  # the text may also name an asset outside of the group
        read = [_read_alike(plate, readings) for plate in some]
        if {asset.ref for asset in read if asset is not None} == refs:
            for plate, asset in zip(some, read, strict=True):
                assert asset is not None
                plate.link(asset, "all tags that look alike are seen, each on a plate of its own")


def _read_alike(plate: Plate, readings: Sequence[Reading]) -> Asset | None:
    """Return the tag that two views of a plate read clearly, if contradicting views weigh little; else None."""
    views = [readings[number] for number in plate.readings]
    clear = [reading for reading in views if not reading.is_doubted and reading.kind is EvidenceKind.LOOK_ALIKE]
    if len(clear) < 2 or clear[0].owner is None:
        return None
    read = clear[0].owner
    others = sum(reading.weight for reading in views if not reading.says(read.ref))
    agreeing = sum(reading.weight for reading in clear)
    return read if others < _VETO * agreeing and all(reading.says(read.ref) for reading in clear) else None


def assign_parts(
    plates: Sequence[Plate], readings: Sequence[Reading], scored: Sequence[ScoredMatch], sight: Sightlines
) -> None:
    """Link a plate whose tag begins or ends others, if all of those have other plates and are linked there.

    If two plates read as that tag alone, one of them is misread in part, and neither is linked. Nor is one that fewer
    than three views read so: something in front may hide the rest of a tag that hangs twice, or that the list lacks.
    """
    linked: dict[str, list[Plate]] = defaultdict(list)
    for plate in plates:
        if plate.status == "approved" and plate.asset is not None:
            linked[plate.asset.ref].append(plate)
    read_as: dict[str, list[tuple[Plate, Asset]]] = defaultdict(list)
    for plate in plates:
        views = [readings[number] for number in plate.readings]
        if plate.status != "suggested" or any(reading.kind is not EvidenceKind.PART for reading in views):
            continue
        clear = [reading for reading in views if not reading.is_doubted]
        owners = {reading.owner.ref for reading in views if reading.owner is not None}
        cut = any(reading.detection.whole is False for reading in views)
        if not clear or len(owners) != 1 or cut or plate.reason:
            continue
        asset = clear[0].owner
        assert asset is not None
        longer = _longer(views, asset, scored)
        elsewhere = [each for ref in longer for each in linked[ref]]
        if (
            longer
            and all(linked[ref] for ref in longer)
            and not linked[asset.ref]
            and all(are_two(plate, each, readings, sight) for each in elsewhere)
        ):
            read_as[asset.ref].append((plate, asset))
    for some in read_as.values():
        if not _are_several([plate for plate, _ in some], readings, sight):
            for plate, asset in (pair for pair in some if len(_images(pair[0], readings)) >= _PART_VIEWS):
                plate.link(asset, "the longer tags that begin or end with it hang elsewhere")


def _longer(views: Iterable[Reading], asset: Asset, scored: Sequence[ScoredMatch]) -> set[str]:
    """Return the tags of which this one may be a part; empty if there may be more than are known."""
    found: set[str] = set()
    for reading in views:
        if not reading.names_all:
            return set()
        found.update(each.ref for each, _ in scored[reading.positions[0]].match.candidates)
    return found - {asset.ref}


def _are_distinct(plates: Sequence[Plate], readings: Sequence[Reading], sight: Sightlines) -> bool:
    """Return whether all plates are pairwise distinct: seen side by side in one image, or surely apart."""
    return all(are_two(one, other, readings, sight) for one, other in combinations(plates, 2))


def are_two(one: Plate, other: Plate, readings: Sequence[Reading], sight: Sightlines) -> bool:
    """Return whether two plates are distinct: seen side by side in one image, or surely apart."""
    return bool(_images(one, readings) & _images(other, readings)) or are_surely_apart(one, other, sight)


def _are_several(plates: Sequence[Plate], readings: Sequence[Reading], sight: Sightlines) -> bool:
    """Return whether any two of the plates may be two: side by side in one image, or apart by their lines of sight."""
    shown = Counter(image for plate in plates for image in _images(plate, readings))
    return max(shown.values()) > 1 or any(_may_be_two(one, other, sight) for one, other in combinations(plates, 2))


def _may_be_two(one: Plate, other: Plate, sight: Sightlines) -> bool:
    """Return whether two plates may be two by where they are; nothing tells where a view without a pose is."""
    if one.crossing is not None and other.crossing is not None:
        return float(np.linalg.norm(one.crossing.point - other.crossing.point)) > ONE_PLACE_M
    views = (one.views[0], other.views[0])
    if not all(map(sight.has, views)):
        return False
    for known, single in ((one, views[1]), (other, views[0])):
        if known.crossing is not None:
            return not sight.passes(single, known.crossing.point, sight.error_m(known.views) or 0.0)
    return not sight.roughly_meeting(np.array([views]))


def _images(plate: Plate, readings: Sequence[Reading]) -> set[str]:
    """Return the images that show a plate; what may be of another plate does not tell two plates apart."""
    return {readings[number].detection.image for number in plate.views}
