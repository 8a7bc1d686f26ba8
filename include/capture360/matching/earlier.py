"""Plates that earlier captures of a site saw, by their places: what people decided there, and what was moved since.

A text that is read in the place of an earlier plate may be of that plate, and a person's decision on it is known. It is
never taken for a reading: at most it links what a person approved for the same text there, and it asks, or keeps away,
where a person rejected what would be linked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import dist
from statistics import median
from typing import Literal

from capture360.matching.decisions import moment_of
from capture360.matching.manual import ROWS
from capture360.matching.nearby import Nearby, allowed_m, are_one
from capture360.matching.normalise import key
from capture360.matching.places import Place
from capture360.matching.questions import is_tie
from capture360.matching.sights import Sight
from capture360.model import Asset, Detection, Match
from capture360.rules.finding import Finding
from capture360.rules.links import L10

_LEAST_COMMON = 8
"""Assets that two captures need in common before their frames are compared."""


@dataclass(frozen=True, slots=True)
class EarlierPlate:
    """A plate of an earlier capture, once for each asset that it was linked to or that a person decided on.

    Its status is `seen` if there is no such asset, `linked` if the machine linked it.
    """

    place: Place
    asset: Asset | None = None
    texts: frozenset[str] = frozenset()
    """Keys of the texts that were read on it."""
    status: Literal["approved", "rejected", "linked", "seen"] = "seen"
    by: str = ""
    at: str = ""
    capture: str = ""
    """The capture that it was decided in, if that is another one, which handed it on."""


@dataclass(frozen=True, slots=True)
class EarlierSight:
    """A person's decision in an earlier capture on a plate without a place, by the line of sight that it is on."""

    sight: Sight
    asset: Asset
    status: Literal["approved", "rejected"]
    by: str
    at: str


@dataclass(frozen=True)
class EarlierCapture:
    """An earlier capture of the site, with its plates that have a place, and decisions on those that have none."""

    name: str
    plates: Sequence[EarlierPlate]
    sights: Sequence[EarlierSight] = ()

    def places_of(self, ref: str) -> Sequence[Place]:
        """Return the places of the plates that are linked to an asset."""
        return self._linked.get(ref, ())

    def near(self, place: Place) -> list[EarlierPlate]:
        """Return the plates that may be the one in a place."""
        return [self.plates[number] for number in self._nearby.of_one(place)]

    @cached_property
    def _linked(self) -> Mapping[str, Sequence[Place]]:
        found: dict[str, list[Place]] = defaultdict(list)
        for each in self.plates:
            if each.asset is not None and each.status in ("approved", "linked"):
                found[each.asset.ref].append(each.place)
        return found

    @cached_property
    def _nearby(self) -> Nearby:
        return Nearby([each.place for each in self.plates])


_Decision = tuple[EarlierCapture, EarlierPlate]


@dataclass(frozen=True, slots=True)
class _OnLine:
    """A decision in a place or along a line of sight, and the name of its capture."""

    capture: str
    decided: EarlierPlate | EarlierSight
    where: Place | Sight


Applied = Mapping[str, Sequence[EarlierPlate]]
"""Decisions of people in earlier captures that were applied, by the plate of this capture that they were applied to."""


def with_earlier(
    matches: Sequence[Match],
    places: Mapping[str, Place],
    earlier: Sequence[EarlierCapture],
    sights: Mapping[str, Sequence[Sight]] | None = None,
) -> tuple[list[Match], list[Finding], Applied]:
    """Return the matches after comparison with earlier captures, the oldest first, what was moved, and what applied.

    `places` are those of the plates of `matches`, by their names, and `sights` the lines of sight of those without a
    place. All is left as it is if an earlier capture is in another frame.
    """
    linked = _places_of_linked(matches, places)
    findings: list[Finding] = []
    comparable: list[EarlierCapture] = []
    for capture in earlier:
        if (off := _usual_distance(linked, capture)) is not None:
            findings.append(L10.finding(message="frame", where=capture.name, value=f"{off:.1f} m"))
        else:
            comparable.append(capture)
    findings += _moved(linked, comparable)
    views: dict[str, list[int]] = defaultdict(list)
    for number, match in enumerate(matches):
        if match.plate:
            views[match.plate].append(number)
    decided: dict[str, list[_Decision]] = defaultdict(list)
    for capture in comparable:
        for plate in capture.plates:
            if plate.by and plate.asset is not None:
                decided[plate.asset.ref].append((capture, plate))
    result = list(matches)
    nearby = Nearby(list(places.values()))
    on_lines = _decided_on_lines(comparable)
    applied = {
        name: _judge(result, numbers, places[name], nearby, decided, on_lines)
        for name, numbers in views.items()
        if name in places
    }
    for name, numbers in views.items():
        asked = _ask_on_lines(result, numbers, places.get(name), (sights or {}).get(name, ()), on_lines)
        applied[name] = [each for each in applied.get(name, ()) if each.asset is None or each.asset.ref not in asked]
    return result, findings, {name: some for name, some in applied.items() if some}


def _judge(
    matches: list[Match],
    views: Sequence[int],
    place: Place,
    nearby: Nearby,
    decisions: Mapping[str, Sequence[_Decision]],
    on_lines: Mapping[str, Sequence[_OnLine]],
) -> list[EarlierPlate]:
    """Apply what people decided in the place of a plate to its views in the list; return what was applied for sure.

    `nearby` are the places of all plates. Of what was decided `on_lines` since it only doubts a rejection.
    """
    applied: list[EarlierPlate] = []
    shown = [number for number in views if matches[number].asset is not None and matches[number].status != "dropped"]
    for ref in dict.fromkeys(asset.ref for number in shown if (asset := matches[number].asset) is not None):
        mine = [number for number in shown if (asset := matches[number].asset) and asset.ref == ref]
        if any(matches[number].cause == "by hand" for number in mine):
            continue
        found = [pair for pair in decisions.get(ref, ()) if are_one(pair[1].place, place)]
        if not found:
            continue
        newest = max(found, key=lambda pair: moment_of(pair[1].at))
        capture, decided = newest
        is_undone = any(
            other is not capture and not each.capture and each.status != decided.status
            for other, each in found[found.index(newest) :]
        )  # in a later capture, which shows what hangs there since
        are_others = any(each.place != decided.place for each in capture.near(place))
        is_alone = not are_others and len(nearby.of_one(decided.place)) == 1  # which is this one
        texts = {key(matches[number].detection.text) for number in mine}
        decided = replace(decided, place=place, capture=decided.capture or capture.name)
        said = f"{decided.by} {decided.status} it in this place in {decided.capture}"
        if decided.status == "rejected":
            is_alone = is_alone and not is_undone and not _is_approved_since(decided, place, on_lines.get(ref, ()))
            is_same = is_alone and bool(texts & decided.texts) and not any(is_tie(matches[number]) for number in mine)
            _reject(matches, mine, said, keep=not is_same)
        elif is_undone:
            is_same = False
            _reject(matches, mine, said, keep=True)
        else:
            # as the site lists it now: a text that was its tag then may be another's
            asset = matches[mine[0]].asset
            is_same = is_alone and asset is not None and _is_tag(asset, decided, texts)
            if is_same:
                decided = replace(decided, asset=asset)
                _approve(matches, views, mine[0], decided, said)
        if is_same:
            applied.append(decided)
    return applied


def _decided_on_lines(earlier: Sequence[EarlierCapture]) -> Mapping[str, Sequence[_OnLine]]:
    """Return what people decided on plates, by asset: in a place, or along a line of sight."""
    found: dict[str, list[_OnLine]] = defaultdict(list)
    for capture in earlier:
        for plate in capture.plates:
            if plate.by and plate.asset is not None:
                found[plate.asset.ref].append(_OnLine(plate.capture or capture.name, plate, plate.place))
        for each in capture.sights:
            found[each.asset.ref].append(_OnLine(capture.name, each, each.sight))
    return found


def _ask_on_lines(
    matches: list[Match],
    views: Sequence[int],
    place: Place | None,
    sights: Sequence[Sight],
    decisions: Mapping[str, Sequence[_OnLine]],
) -> set[str]:
    """Ask about a linked plate if people rejected its tag on a plate that may be the same, by a line of sight.

    Returns the references of the assets that it asked about. Where on the line either is, is not known, so nothing is
    linked or dropped by it.
    """
    asked: set[str] = set()
    linked = [number for number in views if matches[number].status == "approved"]
    for ref in dict.fromkeys(asset.ref for number in linked if (asset := matches[number].asset) is not None):
        mine = [number for number in linked if (asset := matches[number].asset) and asset.ref == ref]
        found = [each for each in decisions.get(ref, ()) if _may_be_one(place, sights, each.where)]
        if not found or any(matches[number].cause == "by hand" for number in mine):
            continue
        newest = max(found, key=lambda each: moment_of(each.decided.at))
        if newest.decided.status == "rejected":
            where = "line of sight" if isinstance(newest.where, Sight) else "place"
            said = f"{newest.decided.by} rejected it in this {where} in {newest.capture}"
            _reject(matches, mine, said, keep=True)
            asked.add(ref)
    return asked


def _may_be_one(place: Place | None, sights: Sequence[Sight], where: Place | Sight) -> bool:
    """Return whether a plate may be one that was decided on."""
    if isinstance(where, Sight):
        return where.may_show(place) if place else any(where.may_meet(each) for each in sights)
    return are_one(where, place) if place else any(each.may_show(where) for each in sights)


def _is_approved_since(rejected: EarlierPlate, place: Place, decisions: Sequence[_OnLine]) -> bool:
    """Return whether people approved the tag later on a line of sight that the plate in a place may be on."""
    return any(
        isinstance(each.where, Sight)
        and each.decided.status == "approved"
        and moment_of(each.decided.at) > moment_of(rejected.at)
        and each.where.may_show(place)
        for each in decisions
    )


def _reject(matches: list[Match], numbers: Sequence[int], said: str, *, keep: bool) -> None:
    """Drop an approved tag, or `keep` it as a question on its best view; what is a question already stays one."""
    if keep and all(matches[number].status != "approved" for number in numbers):
        return
    best = max(numbers, key=lambda number: (matches[number].confidence, matches[number].detection.score, -number))
    for number in numbers:
        match = matches[number]
        if keep and number == best:
            matches[number] = replace(match, status="suggested", reason=f"{said}; {match.reason}")
        else:
            why = f"another view of this plate is asked about; {match.reason}" if keep else said
            matches[number] = replace(match, asset=None, status="dropped", reason=why)


def _approve(matches: list[Match], views: Sequence[int], asked: int, decided: EarlierPlate, said: str) -> None:
    """Link the views that show the text which a person approved, each once, and leave out its other tags."""
    if matches[asked].status == "approved":
        return
    linked: dict[Detection, Match] = {}
    for number in views:
        match = matches[number]
        if key(match.detection.text) not in decided.texts or match.cause in ROWS:
            continue
        if match.detection in linked:
            matches[number] = replace(match, asset=None, status="dropped", reason="another tag of this plate is linked")
        else:
            linked[match.detection] = match
            matches[number] = replace(match, asset=decided.asset, status="approved", reason=said)


def _is_tag(asset: Asset, decided: EarlierPlate, texts: set[str]) -> bool:
    """Return whether all that is read is what the person saw, and a tag of the asset: no part, and no look-alike."""
    return bool(texts) and texts <= (decided.texts & {key(tag) for tag in asset.tags})


def _places_of_linked(matches: Sequence[Match], places: Mapping[str, Place]) -> dict[str, tuple[Asset, list[Place]]]:
    found: dict[str, tuple[Asset, dict[str, Place]]] = {}
    for match in matches:
        if match.asset is not None and match.status == "approved" and match.plate in places:
            found.setdefault(match.asset.ref, (match.asset, {}))[1][match.plate] = places[match.plate]
    return {ref: (asset, list(some.values())) for ref, (asset, some) in found.items()}


def _nearest(ones: Sequence[Place], others: Sequence[Place]) -> tuple[float, float]:
    """Return by how much the nearest two places are farther apart than one plate may be, and how far apart they are."""
    pairs = ((one, other) for one in ones for other in others)
    apart = ((dist(one.position, other.position), allowed_m(one, other)) for one, other in pairs)
    return min((far - allowed, far) for far, allowed in apart)


def _usual_distance(linked: Mapping[str, tuple[Asset, list[Place]]], capture: EarlierCapture) -> float | None:
    """Return how far the plates of two captures usually are apart, if that is more than the errors allow."""
    both = [(places, before) for ref, (_, places) in linked.items() if (before := capture.places_of(ref))]
    if len(both) < _LEAST_COMMON:
        return None
    nearest = [_nearest(places, before) for places, before in both]
    return median(far for _, far in nearest) if median(over for over, _ in nearest) > 0 else None


def _moved(linked: Mapping[str, tuple[Asset, list[Place]]], earlier: Sequence[EarlierCapture]) -> Iterator[Finding]:
    """Yield a finding for each linked asset none of whose plates is where the last capture that saw it has one."""
    for ref, (asset, places) in linked.items():
        newest = next((capture for capture in reversed(earlier) if capture.places_of(ref)), None)
        if newest is None:
            continue
        over, far = _nearest(places, newest.places_of(ref))
        if over > 0:
            yield L10.finding(where=asset.name, value=f"{far:.1f} m", capture=newest.name)
