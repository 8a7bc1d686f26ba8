"""A scan that is broken, fixed and broken again: the others are published all the while, and nothing is removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture360.model import Verdict
from capture360.steps.ingest import ingest
from cdf_sandbox.core.options import ProjectMode
from ingest_world import CORE_IMAGE, IMAGE_VIEW, World
from local_cdf import fast_options, run_sandbox
from scans import scan, write_scans

EAST, WEST = scan((1, 2)), scan((3,), shade=80)


@pytest.mark.parametrize("mode", ["asset_centric", "hybrid", "data_modeling"])
def test_a_broken_scan_holds_back_itself_in_every_mode(tmp_path: Path, mode: str) -> None:
    options = {"revision_queue": 0, "revision_processing": 0}
    kind = ProjectMode.DATA_MODELING if mode == "data_modeling" else ProjectMode.ASSET_CENTRIC
    with run_sandbox(fast_options(tmp_path / "cdf", kind, **options)) as running:
        world = World(running, tmp_path, mode, checks={"max_quarantine_fraction": 0.5})
        view = CORE_IMAGE if mode == "data_modeling" else IMAGE_VIEW
        shown = []
        for west, revision in ((WEST[:3000], None), (WEST, None), (WEST[:3000], 2), (WEST, 2)):
            drop = write_scans(world.landing, "walk", {"east.e57": EAST, "west.e57": west}, revision=revision)
            done = ingest(world.ctx(), drop.key)
            is_whole = west is WEST
            assert done.validated.verdict is (Verdict.ACCEPTED if is_whole else Verdict.PARTIAL)
            shown.append(len(world.nodes(view, "")))
        assert shown == [2, 3, 3, 3]
