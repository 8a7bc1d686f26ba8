"""The assets that links name: which of them exist, and which were deleted."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from capture360.cdf.capabilities import EVERYWHERE, Need, capabilities, in_space, lacking
from capture360.cdf.client import CdfProject, cdf_errors
from capture360.cdf.instances import existing_nodes

LinkType = Literal["images.AssetLink", "images.InstanceLink"]


class LinkedAssets:
    """Classic assets by id, or CogniteAsset nodes by `<space>/<externalId>`."""

    def __init__(self, cdf: CdfProject, link_type: LinkType) -> None:
        self._cdf = cdf
        self._are_classic = link_type == "images.AssetLink"

    def existing(self, refs: Collection[str]) -> set[str]:
        """Return those references whose assets exist: CDF takes a link to an asset that does not."""
        with cdf_errors("Looking for the assets of links"):
            if self._are_classic:
                ids = [int(ref) for ref in refs]
                found = self._cdf.client.assets.retrieve_multiple(ids=ids, ignore_unknown_ids=True)
                return {str(asset.id) for asset in found}
            return existing_nodes(self._cdf.client, refs)

    def deleted(self, refs: Collection[str]) -> set[str]:
        """Return those references whose assets are not there, and would be seen if they were."""
        granted = capabilities(self._cdf) if refs else ()
        readable = {ref for ref in refs if not lacking(granted, [need_to_read(ref)])}
        return readable - self.existing(readable) if readable else set()


def need_to_read(ref: str) -> Need:
    """Return the capability without which nobody sees whether this asset exists."""
    space, slash, _ = ref.partition("/")
    if slash:
        return Need("dataModelInstancesAcl", "READ", in_space(space))
    return Need("assetsAcl", "READ", EVERYWHERE)
