"""The site's assets of the last matching, kept beside the records for use without CDF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

from capture360.cdf.fusion import ProjectPages
from capture360.matching.documents import asset_document, asset_from_document
from capture360.model import Asset
from capture360.records import Records

if TYPE_CHECKING:
    from capture360.steps.context import StepContext


@dataclass(frozen=True, slots=True)
class AssetList:
    """Assets, and the pages of the CDF project that has them."""

    assets: Sequence[Asset]
    pages: ProjectPages


def keep_asset_list(ctx: StepContext, assets: Sequence[Asset], digest: str) -> None:
    """Keep the assets, unless the same ones and the same project's pages are kept already."""
    pages = list(astuple(ProjectPages.of(ctx.cdf.connection)))
    known = ctx.records.asset_list(ctx.site.id)
    if known is not None and (known["digest"], known["pages"]) == (digest, pages):
        return
    body = {"digest": digest, "pages": pages, "assets": [asset_document(asset) for asset in assets]}
    ctx.records.put_asset_list(ctx.site.id, body)


def asset_list(records: Records, site: str) -> AssetList | None:
    """Return the assets of a site; None if no texts of it were matched."""
    known = records.asset_list(site)
    if known is None:
        return None
    return AssetList([asset_from_document(each) for each in known["assets"]], ProjectPages(*known["pages"]))
