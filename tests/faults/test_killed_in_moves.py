"""Kill a move after any write to the new project or its records, run again: the same end, and the old one only read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from capture360.cdf.links.decision_nodes import DecisionNodes
from capture360.model import CaptureKey
from capture360_local.demo.container import deploy_container
from kill_points import Undisturbed, kill_points, undisturbed
from moved_site import PLATES, MovedSite, links, moved_site, name_assets
from suggested_links import TAGS
from writes import Killed, Writes, kill, watched

WRITES = 98
"""Writes of a move of one station, downloads of its faces included."""


@dataclass
class Moving:
    """A site of one reviewed capture whose files are gone."""

    site: MovedSite
    key: CaptureKey
    pictures: Path

    def state(self) -> dict[str, Any]:
        state = self.site.new.state()
        store = DecisionNodes(self.site.new.cdf, self.site.new.site)
        for path, document in state["records"].items():
            if path.endswith("/annotate.json"):  # what a run made, the next one found
                document["approved"] += document.pop("kept")
            if path.endswith("/left-links.json"):
                for image in document["images"].values():
                    del image["created"]  # a time that CDF chose
        return {
            **state,
            "links": links(self.site.new, self.key),
            "decisions": list(store.read(self.key).values()),
            "left": sorted(path.name for path in self.site.work.rglob("*")),
        }

    def begin_again(self) -> None:
        """Leave nothing but the assets in the new project, and nothing on the disk."""
        new = self.site.new
        new.wipe()
        name_assets(new, [("plant", tag, tag) for tag in TAGS])
        self.site.let_read(new, self.pictures)
        shutil.rmtree(self.site.work, ignore_errors=True)


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moving]:
    root = tmp_path_factory.mktemp("moves")
    with ExitStack() as stack:
        site = moved_site(stack, root, "hybrid")
        deploy_container(site.new.cdf.client)
        hall = site.reviewed("walk")
        pictures = shutil.copytree(site.old.landing / "walk", root / "kept")
        site.lose_files(site.old.landing / "walk")
        yield Moving(site, hall.key, pictures)


@pytest.fixture(scope="module")
def clean(moving: Moving) -> Undisturbed:
    made = undisturbed(moving.site.run, moving.state)
    moving.begin_again()
    return made


def test_every_write_is_a_kill_point(clean: Undisturbed) -> None:
    assert clean.end["links"] == {PLATES[0]: "approved"}
    assert clean.end["left"] == []
    assert [each.status for each in clean.end["decisions"]] == ["approved", "rejected"]
    assert len(clean.log) == WRITES, "\n".join(clean.log)


@kill_points(WRITES)
def test_the_next_run_ends_the_same(moving: Moving, clean: Undisturbed, number: int) -> None:
    quiet = moving.site.old.running.mutating()
    try:
        with watched(Writes(number, kill)), pytest.raises(Killed):
            moving.site.run()
        (done,) = moving.site.run()
        assert done.is_whole
        assert moving.state() == clean.end, clean.log[number]
    finally:
        moving.begin_again()
    assert moving.site.old.running.mutating() == quiet
