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
    collections: Mapping[str, str],
    assets: Mapping[str, str],
) -> str:
    """Return the HTML of a plan: every name by kind, and addresses in CDF of collections and linked assets by name."""
    return page("retraction", key=key, removes=removes, stays=stays, unclear=unclear, in_cdf={**collections, **assets})
