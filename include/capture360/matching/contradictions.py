"""Contradictions: readings that may be of a plate that others read otherwise, by where they are and how they read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from capture360.matching.chance import are_surely_apart
from capture360.matching.edits import EditIndex
from capture360.matching.plates import Plate
from capture360.matching.readings import Reading
from capture360.matching.sightlines import Sightlines


class Contradictions:
    """Finds contradictions among the readings of a capture.

    Those that name no tag are strangers: what they stand on may be a plate of its own, which nobody is asked about.
    `sure_score` is the engine score from which two texts are no contradiction because two lines of sight meet.
    """

    def __init__(self, readings: Sequence[Reading], sight: Sightlines, sure_score: float) -> None:
        self._readings = readings
        self._sight = sight
        self._sure_score = sure_score

    @cached_property
    def strangers(self) -> list[Plate]:
        """Return the plates of the readings that name no tag, each of one text."""
        by_text: dict[str, list[int]] = defaultdict(list)
        for number, reading in enumerate(self._readings):
            if not reading.named:
                by_text[reading.text_key].append(number)
        taken: set[int] = set()
        found = []
        for numbers in by_text.values():
            found += [Plate(list(met.members), met.crossing) for met in self._sight.meetings(numbers, taken)]
            found += [Plate([number]) for number in numbers if number not in taken]
        return found

    @cached_property
    def siblings(self) -> Mapping[str, frozenset[str]]:
        """Return for each tag key those at most one edit away, itself included."""
        tag_keys = sorted({tag_key for reading in self._readings for tag_key in reading.keys})
        near = EditIndex(tag_keys).near(tag_keys)
        return {
            tag_key: frozenset(tag_keys[place] for place in some) for tag_key, some in zip(tag_keys, near, strict=True)
        }

    def misreadings(self, plate: Plate, plate_of: Mapping[int, Plate]) -> Iterator[int]:
        """Return readings that may be of this plate and say another, similar tag: at its position and of its size."""
        assert plate.crossing is not None
        point = plate.crossing.point
        views = [self._readings[number] for number in plate.views]
        refs = {reading.owner.ref for reading in views if reading.owner is not None}
        near_keys = {each for reading in views for one in reading.keys for each in self.siblings[one]}
        agreeing = {reading.detection.image for reading in views}
        for image in self._sight.images_near(point):
            here = self._sight.by_image[image]
            # A station that sees this tag by itself as well sees two plates.
            if image in agreeing or any(self._readings[number].refs & refs for number in here):
                continue
            for number in here:
                if not self._readings[number].keys & near_keys or not self._sight.is_at(number, point):
                    continue
                if self._is_elsewhere(number, plate_of[number], plate):
                    continue
                if self._sight.are_of_one_size([number, *plate.views], point):
                    yield number

    def _is_elsewhere(self, number: int, mine: Plate, plate: Plate) -> bool:
        """Return whether a reading's own plate is known to be another one than a plate that it lies on.

        Two lines of sight meet by chance often enough; so it takes three, or a text that is certain by itself.
        """
        return (len(mine.views) > 2 or self._readings[number].is_approved) and are_surely_apart(
            mine, plate, self._sight
        )

    def of_strangers(self, singles: Sequence[int], plate_of: Mapping[int, Plate]) -> Mapping[int, Sequence[int]]:
        """Return for single views the readings of other stations that name no tag, are similar, and may be of it."""
        holders: dict[str, set[int]] = defaultdict(set)
        for number in singles:
            for tag_key in self._readings[number].keys:
                holders[tag_key].add(number)
        against: dict[int, list[int]] = defaultdict(list)
        for stranger in self.strangers:
            keys = self._readings[stranger.readings[0]].keys if stranger.views else ()
            similar = {number for one in keys for each in self.siblings[one] for number in holders.get(each, ())}
            if stranger.crossing is not None:
                here = similar.intersection(self.misreadings(stranger, plate_of)) if similar else ()
            else:
                pairs = self._meeting_pairs(self._sight.pairs(stranger.views, sorted(similar)))
                here = {number for pair in pairs if not self.are_sure(*pair) for number in pair} & similar
            for number in here:
                against[number].extend(stranger.views)
        return against

    def pairs(self, singles: Sequence[int]) -> Iterable[tuple[int, int]]:
        """Return pairs of single views that read two similar tags of equal size where their rays meet."""
        holders: dict[str, list[int]] = defaultdict(list)
        for number in singles:
            for tag_key in self._readings[number].keys:
                holders[tag_key].append(number)
        found: set[tuple[int, int]] = set()
        for tag_key in sorted(holders):
            for sibling in sorted(self.siblings[tag_key]):
                if tag_key < sibling and sibling in holders:
                    found.update(self._meeting_pairs(self._sight.pairs(holders[tag_key], holders[sibling])))
        return sorted(found)

    def _meeting_pairs(self, pairs: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
        """Return the pairs of views of different tags that may be of one plate."""
        for one, other in self._sight.meeting(pairs):
            if self._readings[one].refs & self._readings[other].refs or self._see_both(one, other):
                continue
            met = self._sight.met([one, other])
            if met is not None and self._sight.are_of_one_size([one, other], met.point):
                yield one, other

    def _see_both(self, one: int, other: int) -> bool:
        """Return whether one of the two stations sees the other's tag as well, so that there are two plates."""
        pair = self._readings[one], self._readings[other]
        for mine, theirs in (pair, pair[::-1]):
            here = [self._readings[number] for number in self._sight.by_image[mine.detection.image]]
            if any(each.refs & theirs.refs or each.text_key == theirs.text_key for each in here):
                return True
        return False

    def are_sure(self, one: int, other: int) -> bool:
        """Return whether neither text may be misread; two lines of sight meet somewhere by chance often enough."""
        return min(self._readings[each].detection.score for each in (one, other)) >= self._sure_score
