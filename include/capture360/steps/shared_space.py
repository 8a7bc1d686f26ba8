"""An instance space that several captures have their scans extracted into (`e57.space`).

CDF does not say which scan an image was made of. Where an image is found by its place and time alone, one extraction at
a time runs into such a space, and what the records of another capture name is not this one's.
"""

from __future__ import annotations

from collections.abc import Callable

from capture360 import names
from capture360.capture_state import PUBLISH
from capture360.cdf.registry import mode_of
from capture360.cdf.three_d.extraction import ExtractedImage
from capture360.errors import LeaseHeldError
from capture360.model import CaptureKey, slug
from capture360.records import EXTRACTIONS
from capture360.steps import lease
from capture360.steps.context import StepContext
from capture360.steps.published import earlier_captures


def is_shared(ctx: StepContext, key: CaptureKey, space: str) -> bool:
    """Return whether captures take turns to have images extracted into this space, which are found by place and time.

    A space of the capture's own is meant for nothing else, and jobs are asked for what they made. `space` is the
    recorded one of a delivery: the register may name another one by now.
    """
    return space != names.space_id(key) and mode_of(ctx.cdf).scans(ctx.cdf, ctx.site).finds_by_place


def take_turn(ctx: StepContext, key: CaptureKey, space: str, is_finished: Callable[[str], bool]) -> None:
    """Let this run alone extract into the space if it is shared; LeaseHeldError while another run does."""
    if not is_shared(ctx, key, space):
        return
    of = _lease_of(ctx, space)
    try:
        lease.take(ctx.records, of, ctx.run, is_finished=is_finished, capture=key)
    except LeaseHeldError as error:
        hangs = lease.if_it_hangs(error.holder, "space", lease.held_for(ctx.records, of) or "its capture")
        remedy = f"Wait for that run to end; {hangs}"
        raise LeaseHeldError(f"Space {space} (e57.space)", error.holder, remedy=remedy) from None


def end_turn(ctx: StepContext, key: CaptureKey, space: str) -> None:
    """Let the next run extract into the space. Nothing happens if another run does, or if it is not shared."""
    if is_shared(ctx, key, space):
        lease.release(ctx.records, _lease_of(ctx, space), ctx.run)


class ImagesOfOthers:
    """Images that cannot be what CDF extracted for this capture: published from here, or recorded by another one."""

    def __init__(self, ctx: StepContext, key: CaptureKey) -> None:
        self._recorded: set[str] = set()
        keys = ctx.records.keys()
        for site in sorted({each.site for each in keys}):
            for other in earlier_captures(ctx.records, site)[0]:
                if other.capture.key != key:
                    record = ctx.records.get(other.capture.key, other.fingerprint, PUBLISH)
                    body = record.body if record is not None else {}
                    self._recorded.update(body.get("shown", {}).values(), body.get("others", ()), body.get("left", ()))

    def __contains__(self, each: object) -> bool:
        external_id = each.image.external_id if isinstance(each, ExtractedImage) else ""
        return external_id.startswith(names.IMAGE_PREFIX) or external_id in self._recorded


def _lease_of(ctx: StepContext, space: str) -> CaptureKey:
    cluster, project = ctx.cdf.connection.identity
    return CaptureKey(EXTRACTIONS, f"{slug(cluster)}.{project}.{space}")
