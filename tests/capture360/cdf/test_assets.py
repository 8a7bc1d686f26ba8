"""All assets of a site are read, however many roots it names."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from cognite.client.data_classes import AssetWrite

from capture360.cdf.assets import ClassicAssets
from suggested_links import world_of


def test_more_roots_than_a_request_takes_are_read_each_asset_once(tmp_path: Path) -> None:
    with ExitStack() as stack:
        world = world_of(stack, "asset_centric", tmp_path)
        roots = tuple(f"root-{number}" for number in range(101))
        below = [AssetWrite("pump", "pump", parent_external_id=roots[0])]
        world.cdf.client.assets.create([*(AssetWrite(each, each) for each in roots), *below])
        settings = world.site.links.model_copy(update={"asset_subtrees": (*roots, "pump")})
        found = [asset.name for asset in ClassicAssets(world.cdf, settings).assets()]
        assert sorted(found) == sorted([*roots, "pump"])
