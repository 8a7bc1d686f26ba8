"""Transfer of decisions on plates from a capture's images in the old CDF project to those in the new one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from typing_extensions import override

from capture360.geometry.polygons import beyond, clipped
from capture360.geometry.poses import same_pose
from capture360.geometry.projection import face_directions
from capture360.geometry.rotation import matrix_from_quaternion
from capture360.geometry.same_place import at_same_place
from capture360.geometry.spherical_polygons import on_one_face
from capture360.matching.decisions import Decided
from capture360.model import Asset, CaptureKey, Detection, PublishedImage
from capture360.steps.annotate import link_writer, written_matches
from capture360.steps.context import StepContext
from capture360.steps.decisions_in_cdf import memory_of
from capture360.steps.move_assets import Counterparts
from capture360.steps.noticed import with_times
from capture360.steps.review_answers import unwritten


@dataclass(frozen=True, slots=True)
class NotCarried:
    """A decision that is not carried over: what was read where, who decided, and why it stays behind."""

    text: str
    asset: str
    status: str
    by: str
    station: str
    face: str
    reason: str

    @override
    def __str__(self) -> str:
        asset = f" as {self.asset}" if self.asset else ""
        return f'"{self.text}"{asset} at {self.station} {self.face}, {self.status} by {self.by}: {self.reason}'


@dataclass(frozen=True, slots=True)
class Carried:
    """Decisions for the new project, and those that are not carried over."""

    decisions: tuple[Decided, ...]
    left: tuple[NotCarried, ...]


def decisions_in_old(
    ctx: StepContext, key: CaptureKey, images: Sequence[PublishedImage]
) -> tuple[list[Decided], list[str]]:
    """Return the decisions on a capture from records and CDF, and those that cannot be carried.

    Of two on one link the newer counts, and what CDF says if they are of one time. RecordsError if decisions are lost.
    Reads only.
    """
    memory = memory_of(ctx, key)
    memory.ensure_whole()
    recorded = memory.decisions()
    writer = link_writer(ctx, key, reads_only=True)
    found, unclear = writer.decided(images, written_matches(ctx, key), recorded)
    in_cdf = with_times(ctx.records, key, found, reads_only=True)
    now = _by_image(in_cdf)
    kept = [
        each
        for each in recorded
        if all(
            one.status == each.status or one.moment < each.moment
            for one in _about(now[each.match.detection.image], each)
        )
    ]
    held = _by_image(kept)
    waiting = unwritten(ctx.records, key)
    sentences = [*unclear]
    if waiting:
        sentences.append(
            f"answers of the review page that are not in CDF yet: {waiting}. End that review and run the move again"
        )
    by_hand = [each for each in in_cdf if not _about(held[each.match.detection.image], each)]
    return [*kept, *by_hand], sentences


def carry(
    decisions: Sequence[Decided],
    stations: Mapping[str, str],
    before: Mapping[str, PublishedImage],
    after: Mapping[str, PublishedImage],
    counterparts: Counterparts,
) -> Carried:
    """Return the decisions with images and assets of the new project in place of the old ones.

    `stations` are those of the old images, `before` the old images by external id, `after` the new ones by station.
    """
    assets = counterparts.of({each.match.asset.ref for each in decisions if each.match.asset})
    found: list[Decided] = []
    left: list[NotCarried] = []
    for each in decisions:
        seen, asset = each.match.detection, each.match.asset
        station = stations.get(seen.image, "")
        counterpart = assets[asset.ref] if asset else "no asset is named"
        place = _place(seen, before.get(seen.image), after.get(station))
        if isinstance(counterpart, Asset) and isinstance(place, Detection):
            match = replace(each.match, detection=place, asset=counterpart, candidates=(), plate="")
            moved = replace(each, match=match)
            found.append(moved.on(after[station]) if each.is_of_file(before[seen.image]) else moved)
        else:
            reason = place if isinstance(place, str) else str(counterpart)
            name = asset.name if asset else ""
            left.append(NotCarried(seen.text, name, each.status, each.by, station or seen.image, seen.face, reason))
    return Carried(tuple(found), tuple(left))


def without_overruled(carried: Carried, known: Sequence[Decided], stations: Mapping[str, str]) -> Carried:
    """Return the carried decisions without those that people of the new project, who decided `known`, overruled.

    `stations` are those of the new images, by external id.
    """
    by_image = _by_image(known)
    kept: list[Decided] = []
    left = list(carried.left)
    for each in carried.decisions:
        seen, asset = each.match.detection, each.match.asset
        other = next((one for one in _about(by_image[seen.image], each) if one.status != each.status), None)
        if other is None:
            kept.append(each)
        else:
            name, station = asset.name if asset else "", stations.get(seen.image, seen.image)
            reason = f"{other.by} has {other.status} it in the new project"
            left.append(NotCarried(seen.text, name, each.status, each.by, station, seen.face, reason))
    return Carried(tuple(kept), tuple(left))


def new_to(known: Sequence[Decided], carried: Sequence[Decided]) -> list[Decided]:
    """Return the decisions to write: those on links that people of the new project have not decided themselves."""
    by_image = _by_image(known)
    return [each for each in carried if all(one == each for one in _about(by_image[each.match.detection.image], each))]


def _by_image(decisions: Sequence[Decided]) -> defaultdict[str, list[Decided]]:
    found = defaultdict[str, list[Decided]](list)
    for each in decisions:
        found[each.match.detection.image].append(each)
    return found


def _about(decisions: Sequence[Decided], one: Decided) -> list[Decided]:
    return [each for each in decisions if each.is_about(one.match)]


def _place(seen: Detection, before: PublishedImage | None, after: PublishedImage | None) -> Detection | str:
    """Return the same place on the new image, or why there is none.

    If the cube of the new image is rotated differently, the outline is transferred by its viewing directions.
    """
    if before is None:
        return "the old project no longer shows that image"
    if after is None:
        return "the new project does not show that station"
    if same_pose(before.pose, after.pose):
        return replace(seen, image=after.external_id)
    if not at_same_place(before.pose, after.pose):
        return "the station stands elsewhere in the new project"
    turn = matrix_from_quaternion(after.pose.rotation).T @ matrix_from_quaternion(before.pose.rotation)
    face, corners = on_one_face(face_directions(seen.face, seen.extent) @ turn.T)
    polygon = clipped(corners)
    if polygon is None:
        return "its outline has no place on one face of the new image"
    return replace(seen, image=after.external_id, face=face, polygon=polygon, outline=None, uncut=beyond(corners))
