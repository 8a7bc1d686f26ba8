"""The page with the whole plan of a retraction, which the people who approve it can open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from capture360.model import CaptureKey
from capture360.reports.page import page


def render_plan(
    key: CaptureKey,
    removes: Mapping[str, Sequence[str]],
    stays: Sequence[str],
    unclear: Sequence[str],
    in_cdf: Sequence[tuple[str, str]],
) -> str:
    """Return the HTML of a plan: every name by kind, and collections and linked assets with their addresses."""
    return page("retraction", key=key, removes=removes, stays=stays, unclear=unclear, in_cdf=in_cdf)
