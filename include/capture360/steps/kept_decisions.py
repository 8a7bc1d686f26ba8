"""Decisions that people make in CDF are kept with the others, and outlive the images and face files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from capture360.capture_state import ANNOTATE, MATCH
from capture360.cdf.capabilities import capabilities, lacking
from capture360.cdf.link_ports import SOMEBODY, LeftLinks, LinkWriter
from capture360.cdf.links.linked_assets import need_to_read
from capture360.cdf.registry import mode_of
from capture360.errors import ConfigError
from capture360.matching.decisions import Decided, Images, added, by_face, is_outdone, with_plates
from capture360.matching.documents import match_from_document
from capture360.matching.questions import in_question, tags_of
from capture360.model import Asset, CaptureKey, Match, PublishedImage
from capture360.records import Records
from capture360.steps.context import StepContext
from capture360.steps.decisions_in_cdf import memory_of, refreshed
from capture360.steps.left_links import left_links
from capture360.steps.link_state import LinkMemory
from capture360.steps.links_to_write import note_to_write
from capture360.steps.noticed import with_times
from capture360.steps.plates import PlateImage, decided_in, images_of_record
from capture360.steps.review_due import match_digest
from capture360.text import counted


def keep_decided_in_cdf(ctx: StepContext, key: CaptureKey, images: Sequence[PublishedImage]) -> None:
    """Record what people decided in CDF about links on images, before their face files are removed with the links.

    Their later files get links by what is recorded. ConfigError if links may be there that cannot be read.
    """
    if not images:
        return
    matched = _last_matched(ctx.records, key)
    writer = mode_of(ctx.cdf).links(ctx.cdf, ctx.site, _left_of_last_match(ctx.records, key))
    granted = capabilities(ctx.cdf)
    if denied := lacking(granted, writer.needs_to_read):
        if matched is not None:
            needs = ", ".join(map(str, denied))
            raise ConfigError(f"{key}: images with links are to be removed, but {needs} is not granted. Ask for it.")
        return
    memory = memory_of(ctx, key)
    known = memory.decisions()
    matched = matched or _Matched()
    # All images are read: a deleted link is known by others that CDF shows, and these may be on images that stay.
    found, _ = writer.decided(_with(matched.shown, images), matched.decided(ctx.records, key, known), known)
    going = {(image.external_id, face) for image in images for face in image.faces}
    found = [each for each in found if (each.match.detection.image, each.match.detection.face) in going]
    found = with_times(ctx.records, key, found)
    seen, rest = list[Decided](), list[Decided]()
    for each in found:
        asset = each.match.asset if each.by == SOMEBODY else None
        is_seen = asset is not None and not lacking(granted, [need_to_read(asset.ref)])
        (seen if is_seen else rest).append(each)
    found = [*_named(ctx, seen, matched.matches), *rest]
    if new := newly_decided(found, known, matched.matches, matched.images):
        memory.decide(new)
        what = counted(len(new), "decision")
        ctx.log(f"{what} that people made in CDF on faces that are removed: kept in the records")


def refreshed_from_cdf(ctx: StepContext, key: CaptureKey) -> LinkMemory:
    """Return the decisions on a capture's links with those that people made in CDF, for the holder of its lease.

    Their images are noted until their links are written. A link that somebody approved stays rejected in CDF if
    somebody has rejected its plate on another view since. RecordsError if any decisions are lost. Idempotent.
    """
    memory = refreshed(ctx, key)
    known = memory.decisions()
    found = _found_in_cdf(ctx, key, known)
    if new := found.new(known):
        note_to_write(ctx.records, key, (each.match.detection.image for each in new))
        known = memory.decide(new)
        ctx.log(f"{counted(len(new), 'decision')} that people made on links in CDF: kept with the others")
    if overruled := list(_overruled(found.decisions, known, found.matched.matches)):
        found.writer.overrule(list(_on_faces_of(overruled, found.images)), overruled)
    return memory


def decided_in_cdf(ctx: StepContext, key: CaptureKey, known: Sequence[Decided]) -> list[Decided]:
    """Return what people decided in CDF about capture360's links of the last matching and is not `known`.

    That is what they rejected, unlinked, or changed and left approved; as in a review it is about all views of the
    plate. Of two decisions on one link the newer counts. What may only be hidden from these credentials is no decision,
    and neither are links that others made: these come and go with what made them. Writes no more than when it noticed
    what CDF gives no time.
    """
    return _found_in_cdf(ctx, key, known).new(known)


@dataclass(frozen=True, slots=True)
class _Matched:
    """The last matching of a capture: the body of its record, its matches, and the images that these are on."""

    body: Mapping[str, Any] = field(default_factory=lambda: {"matches": (), "images": {}})
    matches: Sequence[Match] = ()
    images: Mapping[str, PlateImage] = field(default_factory=dict)

    @property
    def shown(self) -> list[PublishedImage]:
        """The images, with the faces that show plates."""
        return [
            PublishedImage(name, image.space, image.station, image.pose, image.faces)
            for name, image in self.images.items()
        ]

    def decided(self, records: Records, key: CaptureKey, known: Sequence[Decided]) -> list[Match]:
        """Return the matches with the decisions that are known."""
        return decided_in(records, key, self.body, known)


@dataclass(frozen=True, slots=True)
class _InCdf:
    """Decisions of people about capture360's links in CDF, and the images and matching that these are of."""

    writer: LinkWriter
    decisions: Sequence[Decided] = ()
    images: Sequence[PublishedImage] = ()
    matched: _Matched = field(default_factory=_Matched)

    def new(self, known: Sequence[Decided]) -> list[Decided]:
        """Return what is not known of them, on all views of its plates."""
        return newly_decided(self.decisions, known, self.matched.matches, self.matched.images)


def _last_matched(records: Records, key: CaptureKey) -> _Matched | None:
    newest = records.newest_with(key, MATCH)
    record = records.get(key, newest, MATCH) if newest else None
    if record is None:
        return None
    matches = [match_from_document(document) for document in record.body["matches"]]
    return _Matched(record.body, matches, images_of_record(record.body))


def _found_in_cdf(ctx: StepContext, key: CaptureKey, known: Sequence[Decided]) -> _InCdf:
    left = _left_of_last_match(ctx.records, key)
    writer = mode_of(ctx.cdf).links(ctx.cdf, ctx.site, left)
    matched = _last_matched(ctx.records, key)
    if matched is None or lacking(capabilities(ctx.cdf), writer.needs_to_read):
        return _InCdf(writer)
    found, _ = writer.decided(matched.shown, matched.decided(ctx.records, key, known), known)
    if _left_of_last_match(ctx.records, key) != left:
        return _InCdf(writer)  # the run that holds the lease has removed links meanwhile
    ours = [each for each in with_times(ctx.records, key, found) if each.by == SOMEBODY]
    return _InCdf(writer, list(_named(ctx, ours, matched.matches)), matched.shown, matched)


def _left_of_last_match(records: Records, key: CaptureKey) -> LeftLinks:
    """Return what the last run left, if it linked the last matching: a link that was removed says what it linked."""
    left, newest = left_links(records, key), records.newest_with(key, MATCH)
    annotated = records.get(key, newest, ANNOTATE) if newest else None
    if newest is None or annotated is None or annotated.body["match"] != match_digest(records, key, newest):
        return {}
    return left


def _with(images: Iterable[PublishedImage], others: Iterable[PublishedImage]) -> list[PublishedImage]:
    """Return all of the images once, each with all its faces; of two files of a face that of the others."""
    found = {image.external_id: image for image in images}
    for image in others:
        known = found.get(image.external_id, image)
        found[image.external_id] = replace(image, faces={**known.faces, **image.faces})
    return list(found.values())


def _named(ctx: StepContext, decisions: Sequence[Decided], matches: Sequence[Match]) -> Iterator[Decided]:
    """Yield the decisions with their assets as the site lists them; those about assets that do not exist are none."""
    assets = {asset.ref: asset for match in matches for asset, _ in tags_of(match)}
    refs = {each.match.asset.ref for each in decisions if each.match.asset} - assets.keys()
    if refs:  # a person gave the link an asset that nothing had read
        named = mode_of(ctx.cdf).assets(ctx.cdf, ctx.site.links).identities(sorted(refs))
        assets |= {ref: Asset(ref, identity.name, (identity.name,)) for ref, identity in named.items()}
    for each in decisions:
        if each.match.asset and (asset := assets.get(each.match.asset.ref)):
            yield replace(each, match=replace(each.match, asset=asset))


def newly_decided(
    found: Iterable[Decided], known: Sequence[Decided], matches: Sequence[Match], images: Images
) -> list[Decided]:
    """Return the decisions in CDF that are not known, the oldest first, each on all views of its plate.

    A decision is about the plate that its link was of. So one that is known says nothing about views that were brought
    together with its own since, and of two on one link the newer counts. An approval of another asset than the
    link had rejects those that were linked to its plate, in question or approved before. What was decided on links of
    others is about their own view. `matches` are those of the last matching, `images` by external id.
    """
    known_on, new = by_face(known), defaultdict[tuple[str, str], list[Decided]](list)

    def decided_at(match: Match) -> Iterator[Decided]:
        face = match.detection.image, match.detection.face
        there = (*known_on.get(face, ()), *new.get(face, ()))
        return (one for one in there if one.is_at(match))

    def is_news(decision: Decided) -> bool:
        seen = decision.match.detection
        there = (*known_on.get((seen.image, seen.face), ()), *new.get((seen.image, seen.face), ()))
        about = (one for one in there if one.is_about(decision.match) or decision.is_about(one.match))
        return not any(_is_same(one, decision) or one.moment > decision.moment for one in about)

    ordered = sorted(found, key=lambda one: one.moment)
    for each, plates in with_plates(matches, ordered):
        seen = each.match.detection
        on_face = known_on.get((seen.image, seen.face), ())
        if not is_news(each) or is_outdone(each, on_face, [view for some in plates for view in some]):
            continue
        views = [each, *(_on_other_views(each, plates, images) if each.by == SOMEBODY else ())]
        before = (one for view in views for one in decided_at(view.match))
        for one in (*views, *_instead_of(views, plates, before)):
            if is_news(one):
                face = one.match.detection.image, one.match.detection.face
                new[face] = added(new[face], [one])
    return sorted((each for some in new.values() for each in some), key=lambda one: one.moment)


def _on_other_views(decision: Decided, plates: Iterable[Sequence[Match]], images: Images) -> Iterator[Decided]:
    """Yield the decision on each other view of the plates, but for those that manual matches decide on."""
    views = {view.detection: view for views in plates for view in views if view.cause != "by hand"}
    for seen, view in views.items():
        if seen.image in images and not decision.is_at(view):
            yield replace(decision, match=replace(view, asset=decision.match.asset)).on(images[seen.image])


def _instead_of(
    views: Sequence[Decided], plates: Iterable[Sequence[Match]], before: Iterable[Decided]
) -> list[Decided]:
    """Return rejections of the other assets of a plate that somebody approved an asset on, on the same views.

    They are those that people had approved `before`, and, if its link was given another asset, those that the plate was
    linked to or asked about: an approval as it was suggested judges no other. Where a line names several tags, that of
    one of them takes none from the plate. Manual matches stay.
    """
    decision = views[0]
    if decision.status != "approved" or decision.by != SOMEBODY or decision.match.asset is None:
        return []
    open_views = [view for some in plates for view in some if view.status != "dropped" and view.cause != "by hand"]
    ref = decision.match.asset.ref
    if any(view.cause == "several" and any(asset.ref == ref for asset, _ in tags_of(view)) for view in open_views):
        return []
    is_as_read = any(view.asset and view.asset.ref == ref for view in open_views)
    others = {
        asset.ref: asset
        for view in ([] if is_as_read else open_views)
        for asset in (in_question(view) if view.status == "suggested" else [view.asset])
        if asset is not None
    }
    others |= {one.match.asset.ref: one.match.asset for one in before if one.match.asset and one.status == "approved"}
    return [
        replace(view, match=replace(view.match, asset=asset), status="rejected")
        for other, asset in others.items()
        if other != ref
        for view in views
    ]


def _overruled(found: Iterable[Decided], known: Sequence[Decided], matches: Sequence[Match]) -> Iterator[Match]:
    """Yield the links whose approval in CDF is older than what is known of their plate.

    That is a rejection of its link on another view, or an approval of another asset.
    """
    on_faces, matched = by_face(known), defaultdict[tuple[str, str], list[Match]](list)
    for match in matches:
        matched[match.detection.image, match.detection.face].append(match)
    for each in found:
        face = each.match.detection.image, each.match.detection.face
        there = on_faces.get(face, ())
        later = (one for one in there if one.moment > each.moment)
        is_rejected = any(one.status == "rejected" and one.is_about(each.match) for one in later)
        if each.status == "approved" and (is_rejected or is_outdone(each, there, matched[face])):
            yield each.match


def _on_faces_of(matches: Iterable[Match], images: Iterable[PublishedImage]) -> Iterator[PublishedImage]:
    """Yield the images of these matches with the faces of these alone: others may have been replaced since."""
    shown = {(match.detection.image, match.detection.face) for match in matches}
    for image in images:
        faces = {face: ref for face, ref in image.faces.items() if (image.external_id, face) in shown}
        if faces:
            yield replace(image, faces=faces)


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
    known_on, on = by_face(known), defaultdict[tuple[str, str], list[Decided]](list)
    for decision in known:
        each = _followed(decision, shown.get(stations.get(decision.match.detection.image, "")))
        if each is None:
            continue
        face = each.match.detection.image, each.match.detection.face
        if not any(one.is_about(each.match) for one in known_on.get(face, ())):
            on[face] = added(on[face], [each])  # of those on several earlier images of the station the last one
    if new := [each for some in on.values() for each in some]:
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
