"""An instance space that several captures have their scans extracted into (`e57.space`).

CDF does not say which scan an image was made of. Where an image is found by its place and time alone, one extraction at
a time runs into such a space, and what the records of another capture name is not this one's.
"""

from __future__ import annotations

from collections.abc import Callable

from capture360 import names
from capture360.cdf.registry import mode_of
from capture360.cdf.three_d.extraction import ExtractedImage
from capture360.errors import LeaseHeldError
from capture360.model import CaptureKey
from capture360.records import EXTRACTIONS
from capture360.steps import lease
from capture360.steps.context import StepContext
from capture360.steps.publish import STEP as PUBLISH
from capture360.steps.published import earlier_captures


def shared_space(ctx: StepContext) -> str | None:
    """Return the space whose images are found by place and time among those of other captures; None if there is none.

    A space of the capture's own holds nothing else, and jobs are asked for what they made.
    """
    finds_by_place = mode_of(ctx.cdf).scans(ctx.cdf, ctx.site).finds_by_place
    return ctx.site.e57.space if finds_by_place else None


def take_turn(ctx: StepContext, is_finished: Callable[[str], bool]) -> None:
    """Let this run alone extract into the shared space; LeaseHeldError while another run does."""
    space = shared_space(ctx)
    if space is None:
        return
    try:
        lease.take(ctx.records, _lease_of(space), ctx.run, is_finished=is_finished)
    except LeaseHeldError as error:
        raise LeaseHeldError(f"Space {space} (e57.space)", error.holder) from None


def end_turn(ctx: StepContext) -> None:
    """Let the next run extract into the shared space. Nothing happens if another run does."""
    space = shared_space(ctx)
    if space is not None:
        lease.release(ctx.records, _lease_of(space), ctx.run)


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


def _lease_of(space: str) -> CaptureKey:
    return CaptureKey(EXTRACTIONS, space)
