"""The plates of a capture with their places, as later captures of its site compare theirs with them.

One small note a capture, written with its links. A matching reads those of the few newest earlier captures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from capture360.capture_state import MATCH
from capture360.matching.decisions import Decided, added, by_plate, decisions_that_hold
from capture360.matching.documents import asset_document, asset_from_document, match_from_document
from capture360.matching.earlier import Applied, EarlierCapture, EarlierPlate, EarlierSight
from capture360.matching.extent import Extent
from capture360.matching.normalise import key as comparable
from capture360.matching.places import Place
from capture360.matching.sights import Sight
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.steps.context import StepContext
from capture360.steps.coverage import CaptureSeen, seen_by_captures
from capture360.steps.kept_decisions import decided_in_cdf
from capture360.steps.link_state import noted_decisions
from capture360.steps.plates import SeenPlate, decided_in, images_of_record, seen_plates

NOTE = "placed-plates"
_MOST = 5
"""Earlier captures that are compared with, of those whose plates have places where this one's have, and of others."""


def note_plates(records: Records, key: CaptureKey, body: Mapping[str, Any]) -> None:
    """Keep the plates that have a place, and what people decided on others; `body` is that of the last matching."""
    seen = _seen(records, key, body, noted_decisions(records, key), 0.0)
    note = {
        "plates": [_document(each) for each in seen.plates],
        "sights": [_sight_document(one) for one in seen.sights],
    }
    if records.note(key, NOTE) != note:
        records.put_note(key, NOTE, note)


def earlier_plates(
    ctx: StepContext, key: CaptureKey, fingerprint: str, extent: Extent, linked: Set[str]
) -> list[EarlierCapture]:
    """Return the newest captures of the same place that were taken before, the oldest first; none without a date.

    `extent` is where this capture's plates are, and `linked` are the references of their assets. What people decided in
    CDF since those were linked is included. Takes one listing, a small note a capture, and a larger one for each of
    those, with what CDF has on the faces that show its plates.
    """
    before = _of_the_place(captures_before(ctx.records, key, fingerprint), extent, linked)
    return [seen for other in before if (seen := _seen_now(ctx, other.key)) is not None]


def _of_the_place(before: Sequence[CaptureSeen], extent: Extent, linked: Set[str]) -> Iterator[CaptureSeen]:
    """Yield the captures to compare with, in their order: a site has more of other places.

    Those that share an asset alone are of another frame, or saw a plate that was moved since.
    """
    near, others = [], []
    for each in before:
        theirs = Extent.from_document(each.extent) if each.extent is not None else None
        if theirs is None or theirs.shares_places(extent):
            near.append(each.key)
        elif theirs.may_share(extent) or each.seen.linked & linked:
            others.append(each.key)
    chosen = {*near[-_MOST:], *others[-_MOST:]}
    yield from (each for each in before if each.key in chosen)


def captures_before(records: Records, key: CaptureKey, fingerprint: str | None = None) -> list[CaptureSeen]:
    """Return the captures of the site that were linked, and taken before, the oldest first; none without a date.

    The date is that of a delivery, by default the one that was matched last.
    """
    fingerprint = fingerprint or records.newest_with(key, MATCH)
    validation = records.get(key, fingerprint, "validate") if fingerprint else None
    captured_on = str(validation.body.get("captured_on") or "") if validation else ""
    captures, _ = seen_by_captures(records, key.site) if captured_on else ([], ())
    mine = (captured_on, key.capture)
    return [each for each in captures if each.captured_on and (each.captured_on, each.key.capture) < mine]


def _seen_now(ctx: StepContext, other: CaptureKey) -> EarlierCapture | None:
    """Return what a capture's note holds, after what people decided in CDF since; None if it has no note."""
    note = ctx.records.note(other, NOTE)
    if note is None:
        return None
    reach_m = ctx.site.links.matching.consensus.max_depth_m
    known = noted_decisions(ctx.records, other)
    newest = ctx.records.newest_with(other, MATCH)
    record = ctx.records.get(other, newest, MATCH) if newest else None
    if record is not None and (new := decided_in_cdf(ctx, other, known)):
        return _seen(ctx.records, other, record.body, added(known, new), reach_m)
    sights = [_sight(each, reach_m) for each in note.get("sights", ())]
    return EarlierCapture(str(other), [_plate(each) for each in note["plates"]], sights)


def _seen(
    records: Records, key: CaptureKey, body: Mapping[str, Any], decisions: Sequence[Decided], reach_m: float
) -> EarlierCapture:
    """Return the plates of a matching that have a place, with these decisions applied, and those on other plates."""
    matches = [match_from_document(document) for document in body["matches"]]
    holding = decisions_that_hold(matches, decisions, images_of_record(body), frozenset(body.get("absent", ())))
    of_plates = by_plate(matches, holding)
    applied = {name: [_plate(each) for each in some] for name, some in body.get("earlier", {}).items()}
    plates: list[EarlierPlate] = []
    for plate in seen_plates(decided_in(records, key, body, decisions)):
        if plate.name in body["plates"]:
            place = Place.from_document(body["plates"][plate.name])
            plates += _entries(plate, place, of_plates.get(plate.name, ()), applied.get(plate.name, ()))
    placed = {id(each) for name, some in of_plates.items() if name in body["plates"] for each in some}
    sights = [
        EarlierSight(
            Sight.of(each.pose, each.match.detection, reach_m), each.match.asset, each.status, each.by, each.at
        )
        for each in holding
        if id(each) not in placed and not each.of_view and each.pose is not None and each.match.asset is not None
    ]
    return EarlierCapture(str(key), plates, sights)


def applied_documents(applied: Applied) -> dict[str, Any]:
    """Return the decisions of earlier captures that a matching applied, as JSON values for its record."""
    return {name: [_document(each) for each in some] for name, some in applied.items()}


def _entries(
    plate: SeenPlate, place: Place, decisions: Sequence[Decided], applied: Sequence[EarlierPlate]
) -> Iterator[EarlierPlate]:
    """Yield the plate once for each asset that it is linked to or that was decided on, or once without one.

    What was decided in earlier captures and `applied` here is handed on, unless people have decided here since: on the
    asset, or that the plate is another's.
    """
    texts = frozenset(comparable(view.detection.text) for view in plate.views)
    newest = {each.match.asset.ref: each for each in decisions if each.match.asset}
    for each in newest.values():
        yield EarlierPlate(place, each.match.asset, texts, each.status, each.by, each.at)
    is_named = any(each.status == "approved" for each in newest.values())
    handed_on = {
        each.asset.ref: each
        for each in applied
        if each.asset and each.asset.ref not in newest and not (is_named and each.status == "approved")
    }
    yield from handed_on.values()
    known = newest.keys() | handed_on.keys()
    linked = [asset for asset in plate.assets if plate.result == "linked" and asset.ref not in known]
    for asset in linked:
        yield EarlierPlate(place, asset, texts, "linked")
    if not known and not linked:
        yield EarlierPlate(place)


def _document(plate: EarlierPlate) -> dict[str, Any]:
    return {
        "place": plate.place.document(),
        "asset": asset_document(plate.asset) if plate.asset else None,
        "texts": sorted(plate.texts),
        "status": plate.status,
        "by": plate.by,
        "at": plate.at,
        "capture": plate.capture,
    }


def _sight_document(seen: EarlierSight) -> dict[str, Any]:
    decided = {"asset": asset_document(seen.asset), "status": seen.status, "by": seen.by, "at": seen.at}
    return {"sight": seen.sight.document(), **decided}


def _sight(document: Mapping[str, Any], reach_m: float) -> EarlierSight:
    return EarlierSight(
        Sight.from_document(document["sight"], reach_m),
        asset_from_document(document["asset"]),
        document["status"],
        document["by"],
        document["at"],
    )


def _plate(document: Mapping[str, Any]) -> EarlierPlate:
    return EarlierPlate(
        Place.from_document(document["place"]),
        asset_from_document(document["asset"]) if document["asset"] else None,
        frozenset(document["texts"]),
        document["status"],
        document["by"],
        document["at"],
        document.get("capture", ""),
    )
