"""Physical plates: their readings from all stations, and the decision on each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import degrees

from capture360.geometry.rays import Crossing
from capture360.matching.policy import ScoredMatch, Status, approve
from capture360.matching.readings import Reading
from capture360.model import Asset

ONE_PLACE_M = 0.15
"""Points this near may be one plate: twice the usual error of a mobile scanner at 3 m. Plates that no image shows side
by side are two only if they are farther apart."""
_ERRORS = 2
"""Standard deviations on each side within which two points may be one plate."""


def one_place_m(*errors_m: float) -> float:
    """Return the distance in metres up to which points with these standard deviations may be one plate."""
    return ONE_PLACE_M + _ERRORS * sum(errors_m)


@dataclass(slots=True)
class Plate:
    """A physical plate. `views` are indices of readings that show it; `near` those that may show it, or misread it.

    `crossing` is where the lines of sight of `views` meet, None for one view alone.
    """

    views: list[int]
    crossing: Crossing | None = None
    status: Status = "suggested"
    asset: Asset | None = None
    reason: str = ""
    near: list[int] = field(default_factory=list)

    @property
    def readings(self) -> tuple[int, ...]:
        """All readings of the plate, those of `views` first."""
        return (*self.views, *self.near)

    @property
    def residual_deg(self) -> float:
        """Angle in degrees by which the worst line of sight misses the plate; 0 for one view."""
        return 0.0 if self.crossing is None else degrees(float(self.crossing.residuals.max()))

    def link(self, asset: Asset, reason: str) -> None:
        """Decide that the plate names this asset."""
        self.status, self.asset, self.reason = "approved", asset, reason

    def give(self, number: int, other: Plate) -> None:
        """Move a reading to another plate that it may show; a plate with one view left has no position."""
        (self.views if number in self.views else self.near).remove(number)
        other.near.append(number)
        if len(self.views) < 2:
            self.crossing = None

    def keep_a_view(self) -> None:
        """Ask about a reading that may show the plate if no view is left that does."""
        if not self.views and self.near:
            self.views.append(self.near.pop(0))
            self.ask()

    def ask(self, reason: str = "") -> None:
        """Leave the plate to a person; the reason defaults to that of its best view."""
        self.status, self.asset, self.reason = "suggested", None, reason


def write_result(scored: list[ScoredMatch], plate: Plate, readings: Sequence[Reading], name: str) -> None:
    """Apply a plate's decision to the matches of its readings, in place; those of its views get its name."""
    for number in plate.views:
        for position in readings[number].positions:
            match = scored[position].match
            scored[position] = replace(scored[position], match=replace(match, plate=name))
    if plate.status == "approved" and plate.asset is not None:
        _write_link(scored, plate, plate.asset, readings)
    else:
        _write_question(scored, plate, readings, name)


def _write_link(scored: list[ScoredMatch], plate: Plate, asset: Asset, readings: Sequence[Reading]) -> None:
    for number in plate.readings:
        reading = readings[number]
        shows = number not in plate.near and reading.shows(asset.ref)
        for position in reading.positions:
            named = scored[position].match.asset
            if scored[position].manual:
                continue
            if not shows or named is None or named.ref != asset.ref:
                why = "another tag of this plate is linked" if shows else f"the plate is {asset.name}"
                _drop(scored, position, f"{why}; {scored[position].match.reason}")
            elif scored[position].match.status != "approved":
                alone = scored[position].match.reason
                scored[position] = approve(scored[position], f"{plate.reason}; alone: {alone}")


def _write_question(scored: list[ScoredMatch], plate: Plate, readings: Sequence[Reading], name: str) -> None:
    """Keep one suggestion, on the best view, with the tags of all views as candidates; manual matches stay.

    A plate that no view shows legibly is no question: a person could not read it either. It keeps its tags in question.
    """
    open_views = [number for number in plate.readings if not readings[number].is_manual and readings[number].named]
    if not open_views:
        return
    best = max(
        open_views,
        key=lambda number: (not readings[number].illegible, number in plate.views, readings[number].rank, -number),
    )
    shown = readings[best].positions[0]
    candidates = _candidates(scored, [position for number in open_views for position in readings[number].positions])
    why = (
        "no view of this plate is legible" if readings[best].illegible else "another view of this plate is asked about"
    )
    for number in open_views:
        for position in readings[number].positions:
            if position != shown:
                _drop(scored, position, f"{why}; {scored[position].match.reason}")
    match = scored[shown].match
    named = match.asset
    assert named is not None
    ordered = tuple(sorted(candidates, key=lambda pair: pair[0].ref != named.ref))
    reason = f"{plate.reason}; {match.reason}" if plate.reason else match.reason
    shown_match = replace(match, status="suggested", reason=reason, candidates=ordered, plate=name)
    if readings[best].illegible:
        seen = f"seen, not legible: {readings[best].illegible}; {reason}"
        shown_match = replace(shown_match, asset=None, status="dropped", reason=seen, cause="illegible")
    scored[shown] = replace(scored[shown], match=shown_match)


def _candidates(scored: Sequence[ScoredMatch], positions: Sequence[int]) -> tuple[tuple[Asset, float], ...]:
    """Return all candidate tags with their largest share, the likeliest first."""
    shares: dict[str, tuple[Asset, float]] = {}
    for position in positions:
        match = scored[position].match
        own = ((match.asset, match.confidence),) if match.asset is not None else ()
        for asset, share in (*match.candidates, *own):
            if asset.ref not in shares or shares[asset.ref][1] < share:
                shares[asset.ref] = (asset, share)
    return tuple(sorted(shares.values(), key=lambda pair: -pair[1]))


def _drop(scored: list[ScoredMatch], position: int, reason: str) -> None:
    match = scored[position].match
    scored[position] = replace(scored[position], match=replace(match, asset=None, status="dropped", reason=reason))
