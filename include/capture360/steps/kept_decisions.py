"""Decisions that people make in CDF are kept with the others, and outlive the images and face files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from capture360.capture_state import MATCH
from capture360.cdf.capabilities import capabilities, lacking
from capture360.cdf.ports import SOMEBODY
from capture360.cdf.registry import mode_of
from capture360.errors import ConfigError
from capture360.matching.decisions import Decided, Images, added, by_face, by_plate
from capture360.matching.documents import match_from_document
from capture360.matching.manual import BY_HAND
from capture360.matching.questions import tags_of
from capture360.model import CaptureKey, Detection, Match, PublishedImage
from capture360.steps.context import StepContext
from capture360.steps.decisions_in_cdf import memory_of, refreshed
from capture360.steps.left_links import left_links, note_taken
from capture360.steps.link_state import LinkMemory
from capture360.steps.plates import decided_in, images_of_record
from capture360.text import counted


def keep_decided_in_cdf(ctx: StepContext, key: CaptureKey, images: Sequence[PublishedImage]) -> None:
    """Record what people decided in CDF about links on images, before their face files are removed with the links.

    Their later files get links by what is recorded. ConfigError if links may be there that cannot be read.
    """
    if not images:
        return
    writer = mode_of(ctx.cdf).links(ctx.cdf, ctx.site, {})
    if denied := lacking(capabilities(ctx.cdf), writer.needs_to_read):
        if any(ctx.records.has(key, each, "match") for each in ctx.records.fingerprints(key)):
            needs = ", ".join(map(str, denied))
            raise ConfigError(f"{key}: images with links are to be removed, but {needs} is not granted. Ask for it.")
        return
    memory = memory_of(ctx, key)
    known = memory.decisions()
    found, _ = writer.decided(images, [])
    new = [each for each in found if not any(_is_same(one, each) for one in known)]
    if new:
        memory.decide(new)
        what = counted(len(new), "decision")
        ctx.log(f"{what} that people made in CDF on faces that are removed: kept in the records")


def refreshed_from_cdf(ctx: StepContext, key: CaptureKey) -> LinkMemory:
    """Return the decisions on a capture's links with those that people made in CDF, for the holder of its lease.

    RecordsError if any are lost. Idempotent.
    """
    memory = refreshed(ctx, key)
    if new := decided_in_cdf(ctx, key, memory.decisions()):
        memory.decide(new)
        ctx.log(f"{counted(len(new), 'decision')} that people made on links in CDF: kept with the others")
    rejected = [each.match for each in memory.decisions() if each.status == "rejected" and each.by == SOMEBODY]
    note_taken(ctx.records, key, {(each.asset.ref, each.detection.image) for each in rejected if each.asset})
    return memory


def decided_in_cdf(ctx: StepContext, key: CaptureKey, known: Sequence[Decided]) -> list[Decided]:
    """Return what people decided in CDF about capture360's links of the last matching and is not `known`.

    That is what they rejected, unlinked, or changed and left approved; as in a review it is about all views of the
    plate. Of two decisions on one link the newer counts. What may only be hidden from these credentials is no decision,
    and neither are links that others made: these come and go with what made them. Reads only.
    """
    newest = ctx.records.newest_with(key, MATCH)
    record = ctx.records.get(key, newest, MATCH) if newest else None
    if record is None:
        return []
    left = left_links(ctx.records, key)
    writer = mode_of(ctx.cdf).links(ctx.cdf, ctx.site, left)
    if lacking(capabilities(ctx.cdf), writer.needs_to_read):
        return []
    shown = images_of_record(record.body)
    images = [
        PublishedImage(name, image.space, image.station, image.pose, image.faces) for name, image in shown.items()
    ]
    found, _ = writer.decided(images, decided_in(ctx.records, key, record.body, known))
    if left_links(ctx.records, key) != left:
        return []  # the run that holds the lease has removed links meanwhile
    ours = [each for each in found if each.status == "rejected" or each.by == SOMEBODY]
    matches = [match_from_document(document) for document in record.body["matches"]]
    return _new(_of_whole_plates(ours, matches, shown), known)


def _of_whole_plates(decisions: Sequence[Decided], matches: Sequence[Match], images: Images) -> Iterator[Decided]:
    """Yield decisions, the oldest first, each on all views of its plate; only those about assets that were matched."""
    assets = {asset.ref: asset for match in matches for asset, _ in tags_of(match)}
    views: dict[str, dict[Detection, Match]] = defaultdict(dict)
    for match in matches:
        if match.plate and match.detection.image in images and match.reason != BY_HAND:
            views[match.plate].setdefault(match.detection, match)
    for each in sorted(decisions, key=lambda one: one.moment):
        asset = assets.get(each.match.asset.ref) if each.match.asset else None
        if asset is None:
            continue
        yield replace(each, match=replace(each.match, asset=asset))
        for plate in by_plate(matches, [each]):
            for seen, view in views[plate].items():
                if not each.is_at(view):
                    yield replace(each, match=replace(view, asset=asset)).on(images[seen.image])


def _new(found: Iterable[Decided], known: Sequence[Decided]) -> list[Decided]:
    """Return the newest decision on each link, the oldest first, unless it is known, or older than a known one."""
    on_faces = by_face(known)
    new: dict[tuple[str, str], list[Decided]] = defaultdict(list)
    for each in found:
        face = each.match.detection.image, each.match.detection.face
        about = [one for one in on_faces.get(face, ()) if one.is_about(each.match) or each.is_about(one.match)]
        if not any(_is_same(one, each) or one.moment > each.moment for one in about):
            new[face] = added(new[face], [each])
    return sorted((each for some in new.values() for each in some), key=lambda one: one.moment)


def follow_images(ctx: StepContext, key: CaptureKey, shown: Mapping[str, PublishedImage]) -> None:
    """Let decisions follow the images of their stations: CDF gives other ids to what it extracts anew.

    `shown` are the images by station. Earlier ones are those of all recorded publications.
    """
    records = (ctx.records.get(key, each, "publish") for each in ctx.records.fingerprints(key))
    stations = {
        name: station
        for record in records
        if record is not None
        for station, name in record.body.get("shown", {}).items()
    }
    memory = memory_of(ctx, key)
    known = memory.decisions()
    followed = [_followed(each, shown.get(stations.get(each.match.detection.image, ""))) for each in known]
    new = [each for each in followed if each is not None and not any(one.is_about(each.match) for one in known)]
    if new:
        memory.decide(new)
        ctx.log(f"{counted(len(new), 'decision')} of people on images that were extracted anew")


def _is_same(known: Decided, found: Decided) -> bool:
    return known.status == found.status and known.file == found.file and known.is_about(found.match)


def _followed(decision: Decided, image: PublishedImage | None) -> Decided | None:
    """Return the decision as one on another image; None if it is on that image already, or there is none."""
    seen = decision.match.detection
    if image is None or image.external_id == seen.image:
        return None
    return replace(decision, match=replace(decision.match, detection=replace(seen, image=image.external_id)))
