"""Views of assets' plates, the best first, from the records of matching. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from capture360.matching.normalise import key as comparable
from capture360.model import Asset, CaptureKey
from capture360.records import Records
from capture360.reports.views import View
from capture360.steps.asset_list import AssetList, asset_list
from capture360.steps.matched_captures import MatchedCapture, matched_captures


@dataclass(frozen=True, slots=True)
class SiteViews:
    """The views of the assets of a site by reference, best first, with the captures that were looked at.

    `left_out` is the reason, by capture, why a published one is not among them.
    """

    site: str
    assets: AssetList | None
    looked: Sequence[MatchedCapture]
    left_out: Mapping[CaptureKey, str]
    named: Sequence[Asset] = ()
    views: Mapping[str, Sequence[View]] = field(default_factory=dict)

    def known(self) -> Sequence[Asset]:
        """The site's assets; only those that plates name if the list was not kept."""
        if self.assets is not None:
            return self.assets.assets
        return self.seen()

    def seen(self) -> Sequence[Asset]:
        """Return the assets that plates name, by name."""
        seen = {asset.ref: asset for each in self.looked for plate in each.plates for asset in plate.assets}
        return sorted(seen.values(), key=lambda asset: (asset.name, asset.ref))


def site_views(
    records: Records, site: str, pages: str = "", only: CaptureKey | None = None, tag: str = ""
) -> SiteViews:
    """Return the views of the assets that a tag names, or of all, of all published captures of a site or of one.

    `pages` is the address of capture360's pages in Airflow, empty if it is not known: views then have no panorama. A
    capture whose records cannot be read is left out and named.
    """
    looked, left_out = matched_captures(records, site, only)
    assets = asset_list(records, site)
    empty = SiteViews(site, assets, looked, left_out)
    named = assets_named(empty.known(), tag) if tag else empty.seen()
    wanted = {asset.ref for asset in named}
    if not looked:
        return replace(empty, named=named)
    from capture360.steps.ranked_views import ranked_views  # with numpy

    found: dict[str, list[tuple[bool, tuple[bool, float], View]]] = {}
    for capture in looked:
        for plate in capture.plates:
            for asset in (each for each in plate.assets if each.ref in wanted):
                for view, rank in ranked_views(capture, plate, asset, assets, pages):
                    found.setdefault(asset.ref, []).append((plate.result == "linked", rank, view))
    ordered = {
        ref: [view for _, _, view in sorted(some, key=lambda each: each[:2], reverse=True)]
        for ref, some in found.items()
    }
    return SiteViews(site, assets, looked, left_out, named, ordered)


def assets_named(assets: Sequence[Asset], tag: str) -> list[Asset]:
    """The assets with that reference, name or tag; without any, those whose tag differs in case or signs alone."""
    exact = [asset for asset in assets if tag in (asset.ref, asset.name, *asset.tags)]
    wanted = comparable(tag)
    if exact or not wanted:
        return exact
    return [asset for asset in assets if wanted in map(comparable, (asset.name, *asset.tags))]
