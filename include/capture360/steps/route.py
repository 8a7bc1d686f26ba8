"""The route of a capture into CDF: its faces are uploaded, or CDF extracts them from its scans."""

from __future__ import annotations

from typing import Literal

from capture360 import names
from capture360.capture_state import VALIDATE
from capture360.cdf.registry import cdf_extracts_scans
from capture360.errors import MissingStepError
from capture360.model import Capture, CaptureKey, CaptureKind
from capture360.records import Records
from capture360.settings.site import Site
from capture360.steps.context import StepContext

Route = Literal["faces", "revision"]


def route_of(ctx: StepContext, capture: Capture) -> Route:
    """Return whether the capture's faces are uploaded, or CDF extracts them from its scans.

    CDF's extraction ignores the manifest, so scans with keys that it cannot apply are extracted here.
    """
    here = not cdf_extracts_scans(ctx.cdf, ctx.site) or capture.extracted_here
    return "revision" if capture.kind is CaptureKind.E57 and not here else "faces"


def recorded_route(records: Records, key: CaptureKey, fingerprint: str) -> Route:
    """Return the route as validated, so that a run ends on the one it began, whatever the settings say by then."""
    record = records.get(key, fingerprint, VALIDATE)
    if record is None:
        raise MissingStepError(key, f"delivery {fingerprint} has no accepted validation", "validate")
    return "revision" if record.body["route"] == "revision" else "faces"


def extraction_space(site: Site, key: CaptureKey) -> str:
    """Return the instance space that CDF extracts into."""
    return site.e57.space or names.space_id(key)
