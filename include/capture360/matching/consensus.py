"""Consensus: one decision for each physical plate, from the readings of all stations that see it.

One reading in forty is wrong, but two independent readings of one plate rarely agree on the same wrong text (one pair
in two thousand, measured on rendered plates with PP-OCRv6). So a second station compensates for a low engine score, and
a reading of much less weight than those it contradicts is ignored. Agreement does not compensate for evidence that is
wrong in the same way from everywhere: an ambiguous tag, a continued plate, look-alike letters. Such plates of a capture
are assigned jointly: each tag to one plate, each plate to one tag.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations

from capture360.matching.assignment import assign_look_alikes, assign_parts
from capture360.matching.chance import are_apart, are_surely_apart, set_chance_aside, set_unsure_aside
from capture360.matching.edits import EditIndex
from capture360.matching.plates import Plate, write_verdict
from capture360.matching.policy import ScoredMatch
from capture360.matching.readings import Reading, readings_of
from capture360.matching.sightings import Sighting, ray_misses, scattered, wrong_poses_of
from capture360.matching.sightlines import Sightlines
from capture360.model import Asset, Pose
from capture360.rules.finding import Finding
from capture360.rules.links import L01
from capture360.settings.matching import ConsensusSettings

_VETO = 0.5
"""Ratio of the weights of contradicting and agreeing readings from which a person decides."""


@dataclass(frozen=True, slots=True)
class Consensus:
    """The matches after all stations were compared, in the order given, where the plates are, and what is odd."""

    scored: list[ScoredMatch]
    sightings: list[Sighting]
    findings: list[Finding] = field(default_factory=list)


def resolve_consensus(
    scored: Sequence[ScoredMatch], poses: Mapping[str, Pose], settings: ConsensusSettings | None = None
) -> Consensus:
    """Decide on each plate from all its views. `poses` is by external id of the image; others' texts stay single."""
    return ConsensusResolver(scored, poses, settings or ConsensusSettings()).resolve()


class ConsensusResolver:
    """One resolution of all plates of a capture; see `resolve_consensus`."""

    def __init__(self, scored: Sequence[ScoredMatch], poses: Mapping[str, Pose], settings: ConsensusSettings) -> None:
        self._scored = list(scored)
        self._settings = settings
        self._readings = readings_of(scored)
        self._sight = Sightlines([reading.detection for reading in self._readings], poses, settings)
        self._by_asset: dict[str, list[int]] = defaultdict(list)
        for number, reading in enumerate(self._readings):
            for ref in reading.refs:
                self._by_asset[ref].append(number)
        self._plates: list[Plate] = []
        self._findings: list[Finding] = []
        self._are_poses_rough = False
        """Whether rays to one plate usually do not meet; then those that do may be of two."""
        self._are_poses_judged = False
        """Whether enough assets are seen from several stations to say so; if not, where plates are proves nothing."""

    def resolve(self) -> Consensus:
        """Decide on all plates; call it once."""
        misses = ray_misses(self._readings, self._by_asset, self._sight, self._settings)
        self._are_poses_judged = misses is not None
        self._are_poses_rough = misses is not None and misses.usual_deg > self._settings.max_residual_deg
        wrong_poses = wrong_poses_of(misses, self._settings)
        if wrong_poses is None:
            self._find_plates()
            self._judge()
        else:  # then where rays meet says nothing
            self._findings.append(wrong_poses)
            self._add_single_views(set())
        for number, plate in enumerate(self._plates, 1):
            write_verdict(self._scored, plate, self._readings, str(number))
        sightings = [self._sighting(plate) for plate in self._plates if plate.crossing is not None]
        if wrong_poses is None:
            self._findings.extend(scattered(sightings, self._scored, self._settings.apart_m))
        return Consensus(self._scored, sightings, self._findings)

    def _find_plates(self) -> None:
        taken: set[int] = set()
        for numbers in self._by_asset.values():
            for meeting in self._sight.meetings(numbers, taken):
                self._plates.append(Plate(list(meeting.members), meeting.crossing))
        self._add_single_views(taken)
        least = self._settings.min_score
        for plate in set_chance_aside(self._plates, self._readings, self._sight, self._siblings, least):
            self._judge_alone(plate)
        self._plates.sort(key=lambda plate: plate.views[0])

    def _add_single_views(self, taken: set[int]) -> None:
        for number in range(len(self._readings)):
            if number in taken:
                continue
            plate = Plate([number])
            self._judge_alone(plate)
            self._plates.append(plate)

    def _judge(self) -> None:
        for plate in self._plates:
            if plate.crossing is not None:
                self._judge_agreement(plate)
        self._resolve_contradictions()
        if self._are_poses_judged and not self._are_poses_rough:
            assign_look_alikes(self._plates, self._readings, self._sight)
            assign_parts(self._plates, self._readings, self._scored, self._sight)
        self._ask_once()

    def _judge_agreement(self, plate: Plate) -> None:
        """Link a plate that one view shows with certainty, or two well enough, to the tag of most weight.

        Where poses are rough, views only count by themselves.
        """
        if self._are_poses_rough:
            set_unsure_aside(plate, self._readings)
            self._place_anew(plate)
        weights: dict[str, float] = defaultdict(float)
        good: dict[str, list[Reading]] = defaultdict(list)
        for reading in self._of(plate):
            if reading.owner is not None and (reading.is_approved or reading.is_good(self._settings)):
                weights[reading.owner.ref] += reading.weight
                good[reading.owner.ref].append(reading)
        if not weights:
            return
        ref = max(sorted(weights), key=lambda each: weights[each])
        agreeing = good[ref]
        agree = len(agreeing) > 1 and not self._are_poses_rough and not all(reading.is_small for reading in agreeing)
        if agree or any(reading.is_approved for reading in agreeing):
            asset = agreeing[0].owner
            assert asset is not None
            by = f"{len(agreeing)} stations agree" if len(agreeing) > 1 else "another station reads it surely"
            plate.link(asset, by)

    def _judge_alone(self, plate: Plate) -> None:
        """Link a plate with a single view, if that shows it with certainty."""
        (reading,) = self._of(plate)
        if reading.is_approved and reading.owner is not None:
            plate.link(reading.owner, "")

    def _judge_again(self, plate: Plate) -> None:
        """Decide again on a linked plate that has lost a view."""
        if plate.verdict == "approved" and plate.views:
            plate.ask()
            if plate.crossing is None:
                self._judge_alone(plate)
            else:
                self._judge_agreement(plate)

    def _of(self, plate: Plate) -> list[Reading]:
        return [self._readings[number] for number in plate.views]

    def _place_anew(self, plate: Plate) -> None:
        """Place a plate that has lost views by those that are left, if they still meet."""
        if plate.crossing is not None:
            plate.crossing = self._sight.met(plate.views) or plate.crossing

    # Contradictions

    def _resolve_contradictions(self) -> None:
        """Weigh readings of a similar tag at the position of a plate that is read otherwise."""
        plate_of = {number: plate for plate in self._plates for number in plate.readings}
        for plate in self._plates:
            if plate.crossing is None:  # or has none any more, since one before took its views
                continue
            others = sorted(self._misreadings(plate, plate_of))
            if others:
                self._weigh(plate, others, plate_of)
        self._plates = [plate for plate in self._plates if plate.views]
        singles = [plate.views[0] for plate in self._plates if plate.crossing is None and not plate.near]
        for one, other in self._contradicting_pairs(singles):
            if plate_of[one] is not plate_of[other]:
                self._weigh_pair(one, other, plate_of)
        self._plates = [plate for plate in self._plates if plate.views]

    @cached_property
    def _siblings(self) -> Mapping[str, frozenset[str]]:
        """Return for each tag key those at most one edit away, itself included."""
        tag_keys = sorted({tag_key for reading in self._readings for tag_key in reading.keys})
        near = EditIndex(tag_keys).near(tag_keys)
        return {
            tag_key: frozenset(tag_keys[place] for place in some) for tag_key, some in zip(tag_keys, near, strict=True)
        }

    def _misreadings(self, plate: Plate, plate_of: Mapping[int, Plate]) -> Iterator[int]:
        """Return readings that may be of this plate and name another, similar tag: at its position and of its size."""
        assert plate.crossing is not None
        point = plate.crossing.point
        refs = {reading.owner.ref for reading in self._of(plate) if reading.owner is not None}
        near_keys = {each for reading in self._of(plate) for one in reading.keys for each in self._siblings[one]}
        agreeing = {reading.detection.image for reading in self._of(plate)}
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

    def _weigh(self, plate: Plate, others: Sequence[int], plate_of: dict[int, Plate]) -> None:
        ref = plate.asset.ref if plate.asset else None
        agreeing = sum(reading.weight for reading in self._of(plate) if ref is None or reading.says(ref))
        contradicting = sum(self._readings[number].weight for number in others)
        if contradicting >= _VETO * agreeing:
            self._contradict([*plate.views, *others])
            plate.ask(f"stations disagree on this plate: {self._names([*plate.views, *others])}")
        elif plate.verdict != "approved":
            return
        for number in others:
            loser = plate_of[number]
            if loser is not plate:
                loser.give(number, plate)
                self._place_anew(loser)
                plate_of[number] = plate
                loser.keep_a_view()
                self._judge_again(loser)

    def _contradicting_pairs(self, singles: Sequence[int]) -> Iterable[tuple[int, int]]:
        """Return pairs of single views that read two similar tags of equal size where their rays meet."""
        holders: dict[str, list[int]] = defaultdict(list)
        for number in singles:
            for tag_key in self._readings[number].keys:
                holders[tag_key].append(number)
        found: set[tuple[int, int]] = set()
        for tag_key in sorted(holders):
            for sibling in sorted(self._siblings[tag_key]):
                if tag_key < sibling and sibling in holders:
                    pairs = self._sight.pairs(holders[tag_key], holders[sibling])
                    found.update(self._sight.meeting(pairs))
        for one, other in sorted(found):
            if self._readings[one].refs & self._readings[other].refs or self._see_both(one, other):
                continue
            met = self._sight.met([one, other])
            if met is not None and self._sight.are_of_one_size([one, other], met.point):
                yield one, other

    def _see_both(self, one: int, other: int) -> bool:
        """Return whether one of the two stations sees the other's tag as well, so that there are two plates."""
        for mine, theirs in ((one, other), (other, one)):
            here = self._sight.by_image[self._readings[mine].detection.image]
            if any(self._readings[number].refs & self._readings[theirs].refs for number in here):
                return True
        return False

    def _weigh_pair(self, one: int, other: int, plate_of: dict[int, Plate]) -> None:
        # Two rays meet somewhere by chance often enough; only a text that may be misread makes it a contradiction.
        if min(self._readings[each].detection.score for each in (one, other)) >= self._settings.sure_score:
            return
        weaker, stronger = sorted((one, other), key=lambda each: self._readings[each].weight)
        if self._readings[weaker].weight < _VETO * self._readings[stronger].weight:
            return
        self._contradict([one, other])
        plate, lost = plate_of[stronger], plate_of[weaker]
        plate.ask(f"stations disagree on this plate: {self._names([one, other])}")
        for number in lost.readings:
            lost.give(number, plate)
            plate_of[number] = plate

    def _names(self, numbers: Sequence[int]) -> str:
        return " and ".join(sorted({asset.name for number in numbers for asset in self._readings[number].named}))

    def _contradict(self, numbers: Sequence[int]) -> None:
        first = self._readings[numbers[-1]].detection
        self._findings.append(L01.finding(where=f"{first.image} {first.face}", value=self._names(numbers)))

    # Questions

    def _ask_once(self) -> None:
        """Join undecided readings that may show one plate, so that it is asked about once."""
        plate_of = {number: plate for plate in self._plates for number in plate.readings}
        for one, other in self._rough_pairs(plate_of):
            first, second = plate_of[one], plate_of[other]
            if first is second or "suggested" not in {first.verdict, second.verdict}:
                continue
            if second.verdict == "approved" or (first.verdict != "approved" and len(second.views) > len(first.views)):
                first, second = second, first
            if are_apart(first, second, self._readings, self._sight, rough=self._are_poses_rough):
                continue
            for number in second.readings:
                second.give(number, first)
                plate_of[number] = first
        self._plates = [plate for plate in self._plates if plate.views]

    def _rough_pairs(self, plate_of: Mapping[int, Plate]) -> Iterator[tuple[int, int]]:
        for ref, numbers in self._by_asset.items():
            some = [
                number
                for number in numbers
                if plate_of[number].verdict == "suggested"
                or ((asset := plate_of[number].asset) is not None and asset.ref == ref)
            ]
            if len(some) < 2:
                continue
            yield from self._sight.roughly_meeting(self._sight.pairs(some))
            here: dict[str, list[int]] = defaultdict(list)
            for number in some:
                here[self._readings[number].detection.image].append(number)
            for together in here.values():
                yield from (
                    pair
                    for pair in combinations(together, 2)
                    if self._sight.has(pair[0]) and self._sight.are_beside(*pair)
                )

    # Places and poses

    def _sighting(self, plate: Plate) -> Sighting:
        assert plate.crossing is not None
        asset = plate.asset or next(iter(self._readings[plate.views[0]].named))
        x, y, z = (round(float(value), 3) for value in plate.crossing.point)
        members = [self._position_of(number, asset) for number in plate.views]
        error = self._sight.error_m(plate.views)
        return Sighting(
            asset, (x, y, z), plate.residual_deg, None if error is None else round(error, 3), tuple(sorted(members))
        )

    def _position_of(self, number: int, asset: Asset) -> int:
        reading = self._readings[number]
        named = zip(reading.positions, reading.named, strict=True)
        return next((position for position, each in named if each.ref == asset.ref), reading.positions[0])
