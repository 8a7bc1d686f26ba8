"""Consensus: one decision for each physical plate, from the readings of all stations that see it.

One reading in forty is wrong, but two independent readings of one plate rarely agree on the same wrong text (one pair
in two thousand, measured on rendered plates with PP-OCRv6). So a second station compensates for a low engine score, and
a reading of much less weight than those it contradicts is ignored. Agreement does not compensate for evidence that is
wrong in the same way from everywhere: an ambiguous tag, a continued plate, look-alike letters. Such plates of a capture
are assigned jointly: each tag to one plate, each plate to one tag.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from capture360.matching.assignment import assign_look_alikes, assign_parts
from capture360.matching.chance import are_apart, set_chance_aside, set_unsure_aside
from capture360.matching.contradictions import Contradictions
from capture360.matching.plates import Plate, write_result
from capture360.matching.policy import ScoredMatch
from capture360.matching.readings import Reading, readings_of, strangers_of
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
        named = readings_of(scored)
        self._readings = [*named, *strangers_of(scored, named)]
        self._named = len(named)
        self._sight = Sightlines([reading.detection for reading in self._readings], poses, settings)
        self._contradictions = Contradictions(self._readings, self._sight, settings.sure_score)
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
            write_result(self._scored, plate, self._readings, str(number))
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
        for plate in set_chance_aside(self._plates, self._readings, self._sight, self._contradictions.siblings, least):
            self._judge_alone(plate)
        self._plates.sort(key=lambda plate: plate.views[0])

    def _add_single_views(self, taken: set[int]) -> None:
        for number in range(self._named):
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
        if plate.status == "approved" and plate.views:
            plate.ask()
            if plate.crossing is None:
                self._judge_alone(plate)
            else:
                self._judge_agreement(plate)
                self._weigh(plate, [], {})

    def _of(self, plate: Plate) -> list[Reading]:
        return [self._readings[number] for number in plate.views]

    def _place_anew(self, plate: Plate) -> None:
        """Place a plate that has lost views by those that are left, if they still meet."""
        if plate.crossing is not None:
            plate.crossing = self._sight.met(plate.views) or plate.crossing

    # Contradictions

    def _resolve_contradictions(self) -> None:
        """Weigh readings of a similar tag, listed or not, at the position of a plate that is read otherwise."""
        plate_of = {
            number: plate for plate in (*self._plates, *self._contradictions.strangers) for number in plate.readings
        }
        for plate in self._plates:
            if plate.crossing is not None:  # which it may have no more, since one before took its views
                self._weigh(plate, sorted(self._contradictions.misreadings(plate, plate_of)), plate_of)
        self._plates = [plate for plate in self._plates if plate.views]
        singles = [plate.views[0] for plate in self._plates if plate.crossing is None and not plate.near]
        for number, others in self._contradictions.of_strangers(singles, plate_of).items():
            self._weigh(plate_of[number], others, plate_of)
        for one, other in self._contradictions.pairs(singles):
            if plate_of[one] is not plate_of[other]:
                self._weigh_pair(one, other, plate_of)
        self._plates = [plate for plate in self._plates if plate.views]

    def _weigh(self, plate: Plate, others: Sequence[int], plate_of: dict[int, Plate]) -> None:
        """Ask about a plate if what stations read otherwise weighs half as much as what agrees, or add it to it."""
        owners = {reading.owner for reading in self._of(plate) if reading.owner is not None}
        asset = plate.asset or (owners.pop() if len(owners) == 1 else None)
        linked = plate.asset
        agreeing = sum(reading.weight for reading in self._of(plate) if linked is None or reading.says(linked.ref))
        against = {number: self._weight_against(number, asset) for number in others}
        if linked is not None:
            against |= {number: self._readings[number].weight_against(linked) for number in plate.views}
        contradicting = [number for number, weight in against.items() if weight]
        if contradicting and sum(against.values()) >= _VETO * agreeing:
            self._contradict([*plate.views, *contradicting], asset)
            plate.ask(f"stations disagree on this plate: {self._names([*plate.views, *contradicting], asset)}")
        elif plate.status != "approved":
            return
        for number in (each for each in others if against[each]):
            loser = plate_of[number]
            if loser is not plate:
                loser.give(number, plate)
                self._place_anew(loser)
                plate_of[number] = plate
                loser.keep_a_view()
                self._judge_again(loser)

    def _weight_against(self, number: int, asset: Asset | None) -> float:
        reading = self._readings[number]
        if reading.named:
            return reading.weight
        return reading.weight_against(asset) if asset is not None else 0.0

    def _weigh_pair(self, one: int, other: int, plate_of: dict[int, Plate]) -> None:
        if self._contradictions.are_sure(one, other):
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

    def _names(self, numbers: Sequence[int], asset: Asset | None = None) -> str:
        """Return the tags that stations read, and what they read that is none, or more than the tag of an asset."""
        read: set[str] = set()
        for reading in (self._readings[number] for number in numbers):
            if not reading.named or (
                asset is not None and reading.refs == {asset.ref} and reading.weight_against(asset)
            ):
                read.add(reading.detection.on_one_line)
            else:
                read.update(named.name for named in reading.named)
        return " and ".join(sorted(read))

    def _contradict(self, numbers: Sequence[int], asset: Asset | None = None) -> None:
        first = self._readings[numbers[-1]].detection
        self._findings.append(L01.finding(where=f"{first.image} {first.face}", value=self._names(numbers, asset)))

    # Questions

    def _ask_once(self) -> None:
        """Join undecided readings that may show one plate, so that it is asked about once."""
        plate_of = {number: plate for plate in self._plates for number in plate.readings}
        for one, other in self._rough_pairs(plate_of):
            first, second = plate_of[one], plate_of[other]
            if first is second or "suggested" not in {first.status, second.status}:
                continue
            if second.status == "approved" or (first.status != "approved" and len(second.views) > len(first.views)):
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
                if plate_of[number].status == "suggested"
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
