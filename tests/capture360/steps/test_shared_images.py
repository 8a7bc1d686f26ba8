"""Images that other extractions make in the space of one capture are neither published nor retracted with it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from capture360.errors import CdfError
from capture360.model import CaptureKey
from capture360.names import space_id
from capture360.steps import collect as collecting
from capture360.steps import e57_extraction
from capture360.steps.collect import Collected, collect
from capture360.steps.ingest import ingest
from capture360.steps.reconcile import reconcile
from capture360.steps.retract import plan_retraction, retract
from capture360.steps.validate import validate
from captures import small_site
from ingest_world import World
from local_cdf import fast_options, run_sandbox
from other_extractions import extract_by_hand, nodes
from scans import scan, write_scans

KEY = CaptureKey("hall-7", "walk")
SPACE = space_id(KEY)
NOTHING = ["Nothing of it is in CDF."]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(collecting, "LATE_S", 0.3)
    monkeypatch.setattr(e57_extraction, "FIRST_PAUSE_S", 0.1)
    with run_sandbox(fast_options(tmp_path / "cdf", revision_queue=0, revision_processing=0)) as running:
        yield World(running, tmp_path)


def begin(world: World) -> str:
    """Extract the capture's scan, and collect nothing."""
    write_scans(world.landing, KEY.capture)
    fingerprint = validate(world.ctx(), KEY).fingerprint
    e57_extraction.upload_scans(world.ctx(), KEY, fingerprint)
    e57_extraction.start_revisions(world.ctx(), KEY, fingerprint)
    e57_extraction.wait(world.ctx(), KEY, fingerprint)
    return fingerprint


def assert_retracted(world: World, theirs: set[tuple[str, str]]) -> None:
    """A retraction removes everything but `theirs`, and says that the space stays."""
    files = len(world.cdf.client.files.list(limit=None))
    plan = plan_retraction(world.ctx(), KEY)
    assert plan.holders == ()
    assert not plan.made.images & theirs
    retract(world.ctx(), KEY, approved=plan.digest, by="Ada")
    assert nodes(world) == theirs
    assert f"stays, since others use it: {SPACE}" in plan.lines()
    assert len(world.cdf.client.files.list(limit=None)) == files - 3 * 6 - 1
    assert not plan_retraction(world.ctx(), KEY).made


def assert_own(done: Collected | None, world: World, fingerprint: str, theirs: set[tuple[str, str]]) -> None:
    assert done is not None
    assert (done.images, done.others, done.missing) == (3, 0, ())
    record = world.records.get(KEY, fingerprint, "publish")
    assert record is not None
    assert not {*record.body["shown"].values(), *record.body["others"]} & {name for _, name in theirs}


def test_images_of_another_scan_are_not_taken(world: World) -> None:
    fingerprint = begin(world)
    theirs = extract_by_hand(world, SPACE, 7, 8)
    assert_own(collect(world.ctx(), KEY, fingerprint), world, fingerprint, theirs)
    (finding,) = reconcile(world.ctx(), KEY)
    assert finding.rule == "R04"
    assert_retracted(world, theirs)


def test_images_of_another_scan_are_not_removed_where_nothing_was_collected(world: World) -> None:
    begin(world)
    assert_retracted(world, extract_by_hand(world, SPACE, 7, 8))


def test_images_that_came_after_the_publication_are_not_removed(world: World) -> None:
    """At the same places as well: the capture's own are recorded."""
    write_scans(world.landing, KEY.capture)
    ingest(world.ctx(), KEY)
    assert_retracted(world, extract_by_hand(world, SPACE, 1, 2, 7))


def test_of_images_at_the_same_places_none_is_taken(world: World) -> None:
    """CDF does not say whose they are, so a retraction leaves them and says so."""
    fingerprint = begin(world)
    theirs = extract_by_hand(world, SPACE, 1, 7)
    with pytest.raises(CdfError, match=f"more images than its scans give were made at their places in space {SPACE}"):
        collect(world.ctx(), KEY, fingerprint)
    plan = plan_retraction(world.ctx(), KEY)
    assert not plan.made.images & theirs
    assert len(plan.unclear) >= 2
    (line,) = [line for line in plan.lines() if line.startswith("left in CDF: ")]
    assert "another extraction" in line
    world.cdf.client.data_modeling.instances.delete(nodes=sorted(theirs))
    assert_own(collect(world.ctx(), KEY, fingerprint), world, fingerprint, theirs)
    assert len(plan_retraction(world.ctx(), KEY).made.images) == 3


def test_another_capture_that_is_extracted_into_the_space_keeps_its_images(world: World) -> None:
    """Its site names that space as `e57.space`."""
    own = world.site
    write_scans(world.landing, KEY.capture)
    ingest(world.ctx(), KEY)
    before = nodes(world)
    world.site = own.model_copy(update={"e57": own.e57.model_copy(update={"space": SPACE})})
    other = write_scans(world.landing, "beside", {"scan.e57": scan(shade=90)})
    ingest(world.ctx(), other.key)
    theirs, world.site = nodes(world) - before, own
    collect(world.ctx(), KEY, world.records.fingerprints(KEY)[0])
    retract(world.ctx(), KEY, approved=None, by="Ada")
    assert nodes(world) == theirs


def test_what_was_extracted_into_two_spaces_is_removed(world: World) -> None:
    """The site was given an `e57.space` between two deliveries, whose revisions are of one model."""
    write_scans(world.landing, KEY.capture)
    ingest(world.ctx(), KEY)
    world.site = small_site(world.landing, e57={"space": "scans"})
    write_scans(world.landing, KEY.capture, {"scan.e57": scan(shade=90)}, revision=2)
    ingest(world.ctx("run 2"), KEY)
    assert {space for space, _ in nodes(world)} == {SPACE, "scans"}
    retract(world.ctx(), KEY, approved=None, by="Ada")
    assert nodes(world) == set()
    assert plan_retraction(world.ctx(), KEY).lines() == NOTHING
