"""Great Expectations' Data Docs of a site: what is kept of a validation, and the pages that are built from it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from capture360.errors import BadInputError
from capture360.model import CaptureKey
from capture360.steps.gx_docs import gx_docs
from capture360.steps.validate import examine
from capture360.steps.validation_record import SUITES
from ingest_world import World

HOSTILE = '<script>alert(1)</script> ${row} "x'


class Page(HTMLParser):
    """The scripts that a page runs of its own, and its text."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.words: list[str] = []
        self.open = ""
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open = tag

    def handle_endtag(self, tag: str) -> None:
        self.open = ""

    def handle_data(self, data: str) -> None:
        (self.scripts if self.open == "script" else self.words).append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def spoilt(world: World, capture: str) -> CaptureKey:
    """A validated capture one of whose stations has a hostile id."""
    drop = world.drop(capture, stations=6)
    table = drop.folder / "stations.csv"
    quoted = HOSTILE.replace('"', '""')
    table.write_text(table.read_text().replace("003,Pump 003", f'"{quoted}",Pump 003'))
    examine(world.ctx(), drop.key)
    return drop.key


def test_the_pages_lead_from_the_index_to_the_expectation_that_failed(world: World, tmp_path: Path) -> None:
    key = spoilt(world, "walk-1")
    world.drop("walk-2")
    examine(world.ctx(), CaptureKey("hall-7", "walk-2"))
    done = gx_docs(world.records, "hall-7", tmp_path / "docs", 10)
    assert (done.deliveries, done.left_out, done.damaged) == (2, 0, [])
    index = done.index.read_text(encoding="utf-8")
    assert {"walk-1", "walk-2"} == set(re.findall(r"'run_name': '([^']+)'", index))
    assert {"stations", "faces"} == set(re.findall(r"'_expectation_suite_name_sort': '([^']+)'", index))
    pages = [
        done.index.parent / path for path in set(re.findall(r"'_table_row_link_path': '(validations[^']+)'", index))
    ]
    assert len(pages) == 4
    (failed,) = [path for path in pages if "stations" in path.parts and key.capture in path.parts]
    page = Page(failed)
    assert "Failed" in page.text
    assert "station_id" in page.text
    assert HOSTILE in page.text
    assert not any("alert(1)" in script for script in page.scripts)
    for file in done.index.parent.rglob("*.html"):
        assert "<script>alert" not in file.read_text(encoding="utf-8")


def test_what_is_kept_is_short_and_json(world: World) -> None:
    key = spoilt(world, "walk-1")
    (fingerprint,) = world.records.fingerprints(key)
    record = world.records.get(key, fingerprint, SUITES)
    assert record is not None
    results = record.body["results"]
    assert [each["suite_name"] for each in results] == ["stations", "faces"]
    text = json.dumps(results, allow_nan=False)
    assert "details" not in text
    assert "index_list" not in text
    broken = [each["expectation_config"]["meta"]["rule"] for each in results[0]["results"] if not each["success"]]
    assert "I01" in broken


def test_a_folder_with_other_files_is_left_alone(world: World, tmp_path: Path) -> None:
    spoilt(world, "walk-1")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").touch()
    with pytest.raises(BadInputError, match="holds other files"):
        gx_docs(world.records, "hall-7", mine, 10)
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]
    for _ in range(2):  # its own pages are written anew
        (done := gx_docs(world.records, "hall-7", tmp_path / "docs", 10)).index.read_bytes()
    assert done.deliveries == 1


def test_the_newest_deliveries_are_shown_and_damaged_ones_named(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    world = make_world()
    with pytest.raises(BadInputError, match="No validation result"):
        gx_docs(world.records, "hall-7", tmp_path / "docs", 10)
    keys = [spoilt(world, f"walk-{number}") for number in range(3)]
    (fingerprint,) = world.records.fingerprints(keys[0])
    world.records.store.put(f"{keys[0]}/{fingerprint}/{SUITES}.json", b"{")
    done = gx_docs(world.records, "hall-7", tmp_path / "docs", 1)
    assert (done.deliveries, done.left_out, len(done.damaged)) == (1, 1, 1)
    assert f"{keys[0]}/{fingerprint}/{SUITES}.json" in done.damaged[0]
    index = done.index.read_text(encoding="utf-8")
    assert set(re.findall(r"'run_name': '([^']+)'", index)) == {"walk-2"}
