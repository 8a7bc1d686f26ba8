"""Positions of linked plates as bounding boxes of their assets, if the site enables that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from capture360.cdf.links.boxes import NOTE, AssetBoxes, BoxNotes
from capture360.cdf.ports import AssetBox, BoxesWritten
from capture360.cdf.registry import mode_of
from capture360.matching.places import Place
from capture360.model import CaptureKey, Match
from capture360.steps.context import StepContext
from capture360.steps.earlier_plates import captures_before
from capture360.steps.plates import seen_plates
from capture360.text import counted

_ERRORS = 2
"""Standard deviations on each side of a point, which contain the plate in 95 % of cases."""
_LEAST_M = 0.05
"""Metres; least extent of a box."""


def write_positions(
    ctx: StepContext, key: CaptureKey, matches: Sequence[Match], places: Mapping[str, Place]
) -> BoxesWritten | None:
    """Write boxes around the plates of a capture's linked assets, and remove outdated ones.

    None if the site does not enable boxes and the capture has none, or the project cannot hold them. `matches`
    are those that people's decisions were applied to, `places` where plates are, by their names.
    """
    asked = ctx.site.links.asset_positions
    boxes = asset_boxes(ctx, key)
    if boxes is None:
        if asked:
            ctx.log("links.asset_positions has no effect: assets have no bounding boxes in a project of this mode")
        return None
    if not asked and ctx.records.note(key, NOTE) is None:
        return None
    wanted = boxes_of(matches, places, ctx.site.links.matching.consensus.apart_m) if asked else {}
    done = boxes.write(wanted)
    for sentence in done.refused:
        ctx.log(sentence)
    if done.of_others:
        ctx.log(f"Boxes that others set stay, for {counted(done.of_others, 'asset')}.")
    if done.without_object:
        ctx.log(f"No box yet for {counted(done.without_object, 'asset')}: no link has made a Cognite3DObject.")
    return done


def asset_boxes(ctx: StepContext, key: CaptureKey) -> AssetBoxes | None:
    """Return the writer of a capture's boxes, with what it wrote before; None if the project has no boxes."""
    make = mode_of(ctx.cdf).boxes
    if make is None:
        return None
    records = ctx.records
    notes = BoxNotes(
        lambda: records.note(key, NOTE),
        lambda document: records.put_note(key, NOTE, document),
        lambda: filter(None, (records.note(other.key, NOTE) for other in captures_before(records, key))),
    )
    return make(ctx.cdf, notes)


def boxes_of(matches: Sequence[Match], places: Mapping[str, Place], apart_m: float) -> dict[str, AssetBox]:
    """Return a box for each linked asset whose plates have places with known errors, by reference of the asset.

    An asset whose plates are further apart than `apart_m` has none: one of them is not at the asset.
    """
    found: dict[str, list[Place]] = defaultdict(list)
    for plate in seen_plates(matches):
        place = places.get(plate.name)
        if plate.result == "linked" and place is not None:
            for asset in plate.assets:
                found[asset.ref].append(place)
    boxes = {ref: _around(some) for ref, some in found.items()}
    return {ref: box for ref, box in boxes.items() if box is not None and _extent(found[ref]) <= apart_m}


def _around(places: Sequence[Place]) -> AssetBox | None:
    low, high = [float("inf")] * 3, [float("-inf")] * 3
    for place in places:
        if place.error_m is None:
            return None
        half = max(_ERRORS * place.error_m, _LEAST_M)
        low = [min(value, at - half) for value, at in zip(low, place.position, strict=True)]
        high = [max(value, at + half) for value, at in zip(high, place.position, strict=True)]
    (x_min, y_min, z_min), (x_max, y_max, z_max) = ([round(value, 3) for value in corner] for corner in (low, high))
    return AssetBox(x_min, x_max, y_min, y_max, z_min, z_max)


def _extent(places: Sequence[Place]) -> float:
    """Return the largest distance between two places along an axis."""
    points = [place.position for place in places]
    return max(max(point[axis] for point in points) - min(point[axis] for point in points) for axis in range(3))
