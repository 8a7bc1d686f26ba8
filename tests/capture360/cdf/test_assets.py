"""All assets of a site are read, however many roots it names and however slow CDF is."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import httpx
from cognite.client.data_classes import AssetWrite
from cognite.client.data_classes.data_modeling import NodeApply, NodeOrEdgeData, SpaceApply

from capture360.cdf.assets import ClassicAssets, CoreAssets
from capture360.cdf.core_views import ASSET
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


def test_a_list_that_takes_too_long_goes_on_at_the_same_cursor_with_half_the_limit(tmp_path: Path) -> None:
    with ExitStack() as stack:
        world = world_of(stack, "data_modeling", tmp_path)
        names = [f"pump-{number:03}" for number in range(600)]
        data = [NodeOrEdgeData(ASSET.id, {"name": name}) for name in names]
        nodes = [NodeApply("yard", name, sources=[said]) for name, said in zip(names, data, strict=True)]
        world.cdf.client.data_modeling.spaces.apply(SpaceApply("yard"))
        world.cdf.client.data_modeling.instances.apply(nodes=nodes)
        for nth in (1, 3):
            fault = {"effect": "status", "path": "*/instances/list", "status": 408, "nth": nth}
            httpx.post(f"{world.running.base_url}/sandbox/faults", json=fault, trust_env=False).raise_for_status()
        settings = world.site.links.model_copy(update={"asset_spaces": ("yard",)})
        assert [asset.name for asset in CoreAssets(world.cdf, settings).assets()] == names
