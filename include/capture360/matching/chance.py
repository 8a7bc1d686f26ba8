"""Views that may have met by chance: two lines of sight to two plates side by side, of which one was misread.

Stations are about equally high, and so are the plates of siblings, so that their lines of sight lie in one plane, where
any two of them meet. Three seldom do. So a plate of two views does not keep a view whose text approves nothing by
itself, if that may as well be another plate's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from capture360.matching.plates import ONE_PLACE_M, Plate, one_place_m
from capture360.matching.readings import Reading
from capture360.matching.sightlines import Sightlines


def set_chance_aside(
    plates: Sequence[Plate], readings: Sequence[Reading], sight: Sightlines, siblings: Mapping[str, frozenset[str]],
    min_score: float,
) -> list[Plate]:  # fmt: skip
    """Remove doubtful views from plates of two views; return the plates that lost one.

    A view is doubtful if its image shows another plate that it may be of, or if it was hardly read and another station
    reads a sibling of its tag there.
    """
    alone = {plate.views[0] for plate in plates if plate.crossing is None and sight.has(plate.views[0])}
    partners = {
        one: other
        for plate in plates
        if len(plate.views) == 2 and plate.crossing is not None
        for one, other in (plate.views, plate.views[::-1])
        if not (readings[one].is_approved or readings[one].is_manual)
    }
    doubted = {
        number for number, partner in partners.items() if _is_read_twice(number, partner, alone, readings, sight)
    }
    weak = {number for number in partners if readings[number].detection.score < min_score}
    doubted |= _siblings_in_line(weak - doubted, alone, readings, sight, siblings)
    changed = []
    for plate in plates:
        lost = [number for number in plate.views if number in doubted]
        for number in lost[: len(plate.views) - 1]:
            plate.give(number, plate)
        if lost:
            changed.append(plate)
    return changed


def _is_read_twice(number: int, partner: int, alone: set[int], readings: Sequence[Reading], sight: Sightlines) -> bool:
    """Return whether the image has another reading of the tag that meets the other view as well."""
    mine = readings[number]
    return any(
        other != number and readings[other].refs & mine.refs and sight.met([other, partner]) is not None
        for other in sight.by_image[mine.detection.image]
        if other in alone
    )


def _siblings_in_line(
    numbers: set[int], alone: set[int], readings: Sequence[Reading], sight: Sightlines,
    siblings: Mapping[str, frozenset[str]],
) -> set[int]:  # fmt: skip
    """Return views that meet a single view of a similar tag, which their own image does not show."""
    by_key, alone_by_key = _by_key(numbers, readings), _by_key(alone, readings)
    pairs = {
        pair
        for tag_key, some in by_key.items()
        for sibling in siblings[tag_key] & alone_by_key.keys()
        for pair in sight.meeting(sight.pairs(some, alone_by_key[sibling]))
    }
    found = set()
    for pair in pairs:
        number, other = pair if pair[0] in numbers else pair[::-1]
        mine, theirs = readings[number], readings[other]
        here = (readings[each].refs for each in sight.by_image[mine.detection.image])
        if mine.refs & theirs.refs or any(refs & theirs.refs for refs in here):
            continue
        met = sight.met(pair)
        if met is not None and sight.are_of_one_size(pair, met.point):
            found.add(number)
    return found


def _by_key(numbers: set[int], readings: Sequence[Reading]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for number in sorted(numbers):
        for tag_key in readings[number].keys:
            found[tag_key].append(number)
    return found


def set_unsure_aside(plate: Plate, readings: Sequence[Reading]) -> None:
    """Remove the uncertain views of a plate that has a view whose text is certain by itself."""
    unsure = [number for number in plate.views if not readings[number].is_approved]
    if len(unsure) < len(plate.views):
        for number in unsure:
            plate.give(number, plate)


def are_apart(one: Plate, other: Plate, readings: Sequence[Reading], sight: Sightlines, *, rough: bool) -> bool:
    """Return whether two plates of one tag are two: by their positions, or side by side in one image.

    One of a single view is apart from a position that its line of sight passes by, unless poses are `rough`. Pumps have
    plates of one tag in front and behind.
    """
    if one.crossing is not None and other.crossing is not None:
        return float(np.linalg.norm(one.crossing.point - other.crossing.point)) > 2 * ONE_PLACE_M
    for known, single in ((one, other), (other, one)):
        if known.crossing is not None and not rough and sight.has(single.views[0]):
            error_m = sight.error_m(known.views) or 0.0
            if not sight.passes(single.views[0], known.crossing.point, error_m):
                return True
    return any(
        readings[mine].detection.image == readings[theirs].detection.image
        and not (sight.has(mine) and sight.are_beside(mine, theirs))
        for mine in one.views
        for theirs in other.views
    )


def are_surely_apart(one: Plate, other: Plate, sight: Sightlines) -> bool:
    """Return whether two plates are two by where they are, with all that their lines of sight may be off.

    They are not if all views of one may go through the place of the other. One of a single view may be
    anywhere along it.
    """
    if one.crossing is None or other.crossing is None:
        return False
    errors = sight.error_m(one.views), sight.error_m(other.views)
    if errors[0] is None or errors[1] is None:
        return False
    if float(np.linalg.norm(one.crossing.point - other.crossing.point)) <= one_place_m(errors[0], errors[1]):
        return False
    return not any(
        all(sight.passes(number, place.point, error_m) for number in plate.views)
        for plate, place, error_m in ((one, other.crossing, errors[1]), (other, one.crossing, errors[0]))
    )
