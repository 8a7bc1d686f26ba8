"""Verify that viewers show what was published: nothing that they silently leave out, and the switch they need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from capture360.cdf.images.scenes import Scene
from capture360.cdf.ports import Collection, Image360Store, ViewerSource
from capture360.errors import CdfError
from capture360.model import Capture
from capture360.steps.context import StepContext
from capture360.steps.scene import STEP as SCENE

MARKER_BELOW_M = 1.45
"""Distance in metres at which viewers draw the marker of a station below its image (cognitedata/reveal 4.35)."""
SAME_FLOOR_M = 1.0
"""Difference of height in metres up to which viewers take stations for one floor."""
_MISPLACED_M = SAME_FLOOR_M / 2
SWITCHES: Mapping[ViewerSource, str] = {
    "classic": "leave useCoreDm off (the classic source of 360° images)",
    "core": "set useCoreDm: true (the source of 360° images in the core data model)",
}
_SHOWN = 5


def verify_for_viewers(
    ctx: StepContext,
    model: Image360Store,
    capture: Capture,
    fingerprint: str,
    collections: Sequence[Collection],
    fix: str,
) -> Sequence[str]:
    """Return sentences about what viewers show otherwise than intended, though it was published correctly.

    CdfError names what was published and is silently left out by viewers; `fix` is its last sentence.
    """
    found = model.viewer_report(collections)
    refused, reported = list(found.refused), list(found.reported)
    if (scene := _scene_with(ctx, capture, fingerprint)) is not None:
        in_scene = scene.viewer_report(collections)
        refused += in_scene.refused
        reported += in_scene.reported
    if refused:
        more = [f"And {len(refused) - _SHOWN} more of the kind."] if len(refused) > _SHOWN else []
        raise CdfError(" ".join([f"{capture.key}:", *refused[:_SHOWN], *more, fix]))
    reported += marker_problems(capture, ctx.site.camera_height)
    for sentence in reported[:_SHOWN]:
        ctx.log(f"Warning: {sentence}")
    if len(reported) > _SHOWN:
        ctx.log(f"{len(reported) - _SHOWN} more warnings are in the record.")
    if len(levels := floors(capture)) > 1:
        named = ", ".join(f"{count} from {lowest:g} m" for lowest, count in levels)
        ctx.log(f"Viewers show its stations on {len(levels)} floors by their heights: {named}.")
    ctx.log(f"To see it in a viewer, {SWITCHES[model.viewer_source]}.")
    return reported


def _scene_with(ctx: StepContext, capture: Capture, fingerprint: str) -> Scene | None:
    """Return the site's scene if this delivery was placed in it."""
    if ctx.site.scene is None:
        return None
    scene = Scene(ctx.cdf, ctx.site, ctx.site.scene)
    record = ctx.records.get(capture.key, fingerprint, SCENE)
    placed = record is not None and (record.body["space"], record.body["scene"]) == (scene.space, scene.external_id)
    return scene if placed else None


def floors(capture: Capture) -> Sequence[tuple[float, int]]:
    """Return the height in metres of the lowest camera of each floor as viewers tell floors apart, and its stations."""
    found: list[tuple[float, int]] = []
    before = float("-inf")
    for height in sorted(station.pose.position[2] for station in capture.stations):
        if height - before > SAME_FLOOR_M:
            found.append((height, 0))
        lowest, count = found[-1]
        found[-1] = (lowest, count + 1)
        before = height
    return found


def marker_problems(capture: Capture, site_height: float | None) -> Sequence[str]:
    """Return a sentence if viewers draw the markers far from the floor; none if nobody states the camera's height."""
    height = capture.camera_height or site_height
    if height is None or abs(off := height - MARKER_BELOW_M) <= _MISPLACED_M:
        return []
    where = "above" if off > 0 else "below"
    stated = "capture.yaml" if capture.camera_height else "the register"
    floor = ", on what looks like another floor" if abs(off) > SAME_FLOOR_M else ""
    return [
        f"camera_height in {stated} is {height:g} m, and viewers draw the marker of a station {MARKER_BELOW_M:g} m "
        f"below its image: it appears {abs(off):.2f} m {where} the floor{floor}. Mount the camera near "
        f"{MARKER_BELOW_M:g} m, or correct camera_height."
    ]
