"""Joins of neighbouring texts, since OCR returns each line of a plate of two lines separately."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import cos, radians

from capture360.geometry.boxes import Box, Polygon, bounds, contains
from capture360.geometry.polygons import (
    along_and_across,
    around,
    beyond,
    centre,
    is_upright,
    reading_direction,
    rectangle,
)
from capture360.model import Detection

_MAX_GAP = 1.0
"""Largest gap between two lines, in heights of the lower one."""
_MIN_OVERLAP = 0.5
"""Least share of the shorter line that lies below, or beside, the other one."""
_MAX_HEIGHT_RATIO = 2.0
_MOST_BELOW = 8
"""Lines below one line from which none of them is taken for its next: a text that is returned many times."""


@dataclass(frozen=True, slots=True)
class Join:
    """Detections read as one, two or three; `parts` are their indices, in reading order."""

    detection: Detection
    parts: tuple[int, ...]
    on_one_plate: bool | None
    """Whether one's outline holds the other, or ends before it though it is whole; None if neither is seen."""


def joins(detections: Sequence[Detection], direction_delta: float) -> list[Join]:
    """Return pairs of a face that are below or beside each other like lines of a plate; vertical ones twice."""
    faces: dict[tuple[str, str], list[int]] = defaultdict(list)
    for position, detection in enumerate(detections):
        faces[detection.image, detection.face].append(position)
    least_cosine = cos(radians(direction_delta))
    return [join for positions in faces.values() for join in _of_face(detections, positions, least_cosine)]


def chains(pairs: Sequence[Join], detections: Sequence[Detection], free: Collection[int]) -> Iterator[Join]:
    """Yield three lines below each other, of the `free` ones: of pairs of which one ends where the other begins."""
    below = [pair for pair in pairs if "\n" in pair.detection.text and all(part in free for part in pair.parts)]
    by_first: dict[int, list[Join]] = defaultdict(list)
    for pair in below:
        by_first[pair.parts[0]].append(pair)
    few = {first: pairs for first, pairs in by_first.items() if len(pairs) <= _MOST_BELOW}
    for upper in (pair for pairs in few.values() for pair in pairs):
        for lower in few.get(upper.parts[1], ()):
            last = lower.parts[1]
            if last in upper.parts:
                continue
            direction = reading_direction(upper.detection.polygon)
            both = (upper.detection, detections[last])
            polygon = around([each.polygon for each in both], direction)
            uncut = beyond(rectangle([each.extent for each in both], direction))
            joined = _joined(both, (0, 1), "\n", polygon, uncut)
            known = {upper.on_one_plate, lower.on_one_plate}
            on_one_plate = known.pop() if len(known) == 1 else False if False in known else None
            yield replace(joined, parts=(*upper.parts, last), on_one_plate=on_one_plate)


def _of_face(detections: Sequence[Detection], positions: Sequence[int], least_cosine: float) -> Iterator[Join]:
    directions = {position: reading_direction(detections[position].polygon) for position in positions}
    boxes = {position: bounds(detections[position].polygon) for position in positions}
    for one, other in combinations(positions, 2):
        if not _are_near(boxes[one], boxes[other]):
            continue
        # One character has a box of any shape, and so no direction of its own: 21-PT-1019 above A.
        single = {each for each in (one, other) if len(detections[each].text.strip()) < 2}
        if not single and float(directions[one] @ directions[other]) < least_cosine:
            continue
        leading = other if one in single else one
        direction = directions[leading]
        found = _in_order(one, other, along_and_across(detections[one].polygon, direction),
                          along_and_across(detections[other].polygon, direction))  # fmt: skip
        if found is None:
            continue
        first, second, glue = found
        polygon = around([detections[one].polygon, detections[other].polygon], direction)
        uncut = beyond(rectangle([detections[one].extent, detections[other].extent], direction))
        yield _joined(detections, (first, second), glue, polygon, uncut)
        if is_upright(detections[leading].polygon):
            yield _joined(detections, (second, first), glue, polygon, uncut)


def _are_near(one: Box, other: Box) -> bool:
    """Return whether upright boxes are no farther apart than the height of their lines allows."""
    reach = _MAX_GAP * min(max(box[2] - box[0], box[3] - box[1]) for box in (one, other))
    across = max(one[0], other[0]) - min(one[2], other[2])
    down = max(one[1], other[1]) - min(one[3], other[3])
    return max(across, down) < reach


def _joined(
    detections: Sequence[Detection], parts: tuple[int, int], glue: str, polygon: Polygon, uncut: Polygon | None
) -> Join:
    first, second = (detections[part] for part in parts)
    text = f"{first.text}{glue}{second.text}"
    outline, whole = _plate_of(first, second)
    return Join(
        replace(
            first,
            text=text,
            score=min(first.score, second.score),
            polygon=polygon,
            outline=outline,
            whole=whole,
            cap_px=min((each.cap_px for each in (first, second) if each.cap_px is not None), default=None),
            uncut=uncut,
        ),
        parts,
        _are_on_one_plate(first, second),
    )


def _are_on_one_plate(first: Detection, second: Detection) -> bool | None:
    both = ((first, second), (second, first))
    holds = [(one, contains(bounds(one.outline), centre(other.polygon))) for one, other in both if one.outline]
    if any(held for _, held in holds):
        return True
    return False if any(one.whole for one, _ in holds) else None


def _plate_of(first: Detection, second: Detection) -> tuple[Polygon | None, bool | None]:
    """Return the outline of both lines, and whether they are whole: one shows the plate's ends, the other no cut."""
    for one, other in ((first, second), (second, first)):
        if one.whole and one.outline and contains(bounds(one.outline), centre(other.polygon)):
            return one.outline, other.whole is not False
    return None, False if False in (first.whole, second.whole) else None


def _in_order(
    one: int, other: int, of_one: tuple[float, float, float, float], of_other: tuple[float, float, float, float]
) -> tuple[int, int, str] | None:
    """Return the pair in reading order with its separator, if they are close and of similar size."""
    heights = sorted((of_one[3] - of_one[2], of_other[3] - of_other[2]))
    if heights[0] <= 0 or heights[1] > _MAX_HEIGHT_RATIO * heights[0]:
        return None
    widths = min(of_one[1] - of_one[0], of_other[1] - of_other[0])
    gap_along, overlap_along = _gap_and_overlap(of_one[0], of_one[1], of_other[0], of_other[1])
    gap_across, overlap_across = _gap_and_overlap(of_one[2], of_one[3], of_other[2], of_other[3])
    if overlap_along > _MIN_OVERLAP * widths and gap_across < _MAX_GAP * heights[0] and of_one[2] != of_other[2]:
        return (one, other, "\n") if of_one[2] < of_other[2] else (other, one, "\n")
    if overlap_across > _MIN_OVERLAP * heights[0] and gap_along < _MAX_GAP * heights[0] and of_one[0] != of_other[0]:
        return (one, other, " ") if of_one[0] < of_other[0] else (other, one, " ")
    return None


def _gap_and_overlap(first: float, last: float, other_first: float, other_last: float) -> tuple[float, float]:
    overlap = min(last, other_last) - max(first, other_first)
    return max(-overlap, 0.0), max(overlap, 0.0)
