"""Decisions of people outlive the images and face files that they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from capture360.cdf.capabilities import capabilities, lacking
from capture360.cdf.registry import mode_of
from capture360.errors import ConfigError
from capture360.matching.decisions import Decided
from capture360.model import CaptureKey, PublishedImage
from capture360.steps.context import StepContext
from capture360.steps.decisions_in_cdf import memory_of
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
