"""A capture that is published in the space that its site named before is neither doubled nor left behind."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from capture360.errors import ConfigError
from capture360.steps.retract import plan_retraction, retract
from suggested_links import CERTAIN, TAGS, hall_in, world_of


@pytest.mark.parametrize("mode", ["asset_centric", "data_modeling"])
def test_another_space_is_refused_until_the_capture_is_retracted(tmp_path: Path, mode: str) -> None:
    with ExitStack() as stack:
        world = world_of(stack, mode, tmp_path)
        hall = hall_in(world, 2, read=False)
        hall.read(CERTAIN, TAGS[:3])
        before, other = world.site, world.site.model_copy(update={"space": "captures2"})
        drop = world.drop(hall.key.capture, stations=2)
        world.site = other
        said = f"published in space {before.space}, but site hall-7 names space: captures2"
        with pytest.raises(ConfigError, match=said):
            world.ingest(drop, "run 2")
        with pytest.raises(ConfigError, match=said):
            plan_retraction(world.ctx(), hall.key)
        with pytest.raises(ConfigError, match=f"Set space: {before.space} again"):
            retract(world.ctx(), hall.key, approved=None, by="Ada")
        world.site = before
        assert plan_retraction(world.ctx(), hall.key).made.images
        retract(world.ctx(), hall.key, approved=None, by="Ada")
        world.site = other
        assert plan_retraction(world.ctx(), hall.key).lines() == ["Nothing of it is in CDF."]
