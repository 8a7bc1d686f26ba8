"""E57 captures killed around any write, between the parts of a file, and while waiting: one file, one revision."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simplejpeg

from capture360.capture_state import Stage
from capture360.cdf.three_d import journals, parts
from capture360.cdf.three_d.journals import MIB
from capture360.e57.images import ScannerPose
from capture360.model import CaptureKey
from capture360.names import space_id
from capture360.steps import e57_extraction
from capture360.steps.ingest import ingest
from capture360.steps.retract import retract
from capture360.steps.validate import validate
from captures import TAKEN, small_site
from e57_writer import E57Writer
from ingest_world import IMAGE_VIEW, World
from kill_points import points
from local_cdf import RunningSandbox
from other_extractions import extract_by_hand, nodes
from scans import ScanDrop, scan, write_scans
from writes import Killed, Writes, kill, watched

SPACE = "captures360"


@pytest.fixture(scope="module")
def sandbox_options() -> dict[str, Any]:
    return {"revision_queue": 0.2, "revision_processing": 0}


@pytest.fixture
def world(running: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setattr(e57_extraction, "FIRST_PAUSE_S", 0.1)
    made = World(running, tmp_path, space=SPACE, e57={"space": SPACE})
    yield made
    made.wipe()


def end(world: World, drop: ScanDrop) -> dict[str, Any]:
    """What is to be there, but for the ids that CDF chose."""
    client = world.cdf.client
    url = f"/api/v1/projects/{client.config.project}/3d/models"
    models = client.three_d.models.list(limit=None)
    state = world.records.load(drop.key)
    assert state is not None
    images = world.nodes(IMAGE_VIEW, "").values()
    scans = [file for file in client.files.list(limit=None) if file.mime_type == "model/e57"]
    return {
        "models": [model.metadata for model in models],
        "revisions": sum(len(client.get(f"{url}/{model.id}/revisions").json()["items"]) for model in models),
        "scans": [(file.external_id, file.uploaded) for file in scans],
        "images": sorted(tuple(image[f"translation{axis}"] for axis in "XYZ") for image in images),
        "state": state.stage,
        "steps": sorted({record.step for record in state.records}),
        "left": sorted(path.name for path in Path(tempfile.gettempdir()).rglob("*.json")),
    }


def test_killed_after_every_write(world: World) -> None:
    drop = write_scans(world.landing, "killed")
    with watched(Writes()) as writes:
        ingest(world.ctx(), drop.key)
    undisturbed = end(world, drop)
    assert (undisturbed["revisions"], len(undisturbed["images"]), undisturbed["left"]) == (1, 3, [])
    log = writes.log
    assert sum("/3d/models" in line for line in log) == 2
    assert any(line.startswith("PUT") for line in log)
    for number in points(len(log)):
        world.wipe()
        with watched(Writes(number, kill)), pytest.raises(Killed):
            ingest(world.ctx(), drop.key)
        ingest(world.ctx(), drop.key)
        assert end(world, drop) == undisturbed, f"killed after write {number}: {log[number]}"


def test_killed_between_the_parts_of_a_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "MIN_PART", 6 * MIB)
    monkeypatch.setattr(parts, "AT_ONCE", 1)
    drop = write_scans(world.landing, "parts", {"scan.e57": large_scan(13 * MIB)})
    fingerprint = validate(world.ctx(), drop.key).fingerprint
    with watched(Writes()) as writes:
        e57_extraction.upload_scans(world.ctx(), drop.key, fingerprint)
    puts = [number for number, line in enumerate(writes.log) if line.startswith("PUT")]
    assert len(puts) > 2
    for number in puts:
        world.wipe()
        validate(world.ctx(), drop.key)
        with watched(Writes(number, kill)) as killed, pytest.raises(Killed):
            e57_extraction.upload_scans(world.ctx(), drop.key, fingerprint)
        with watched(Writes()) as again:
            e57_extraction.upload_scans(world.ctx(), drop.key, fingerprint)
        begun, more = ({line for line in run.log if line.startswith("PUT")} for run in (killed, again))
        assert len(begun | more) == len(puts)
        assert killed.log[number] in more
        assert len(begun & more) <= 2  # under way at the kill: one part, and a second once the file is read
        (file,) = world.cdf.client.files.list(limit=None)
        assert world.cdf.client.files.download_bytes(id=file.id) == (drop.folder / "scan.e57").read_bytes()


def test_killed_while_waiting(world: World) -> None:
    drop = write_scans(world.landing, "waiting")
    ctx = world.ctx()
    fingerprint = validate(ctx, drop.key).fingerprint
    e57_extraction.upload_scans(ctx, drop.key, fingerprint)
    first = e57_extraction.start_revisions(ctx, drop.key, fingerprint)
    with pytest.raises(Killed):
        e57_extraction.wait(ctx, drop.key, fingerprint, pause=lambda seconds: kill())
    again = e57_extraction.start_revisions(ctx, drop.key, fingerprint)
    assert again == first
    e57_extraction.wait(ctx, drop.key, fingerprint)
    ingest(ctx, drop.key)
    assert end(world, drop)["revisions"] == 1


def test_a_retraction_beside_another_extraction_is_killed_after_every_write(world: World) -> None:
    """Images that somebody had CDF extract into the capture's own space meanwhile stay whole."""
    world.site = small_site(world.landing)
    key = CaptureKey("hall-7", "beside")
    theirs = set[tuple[str, str]]()

    def published(revision: int) -> None:
        files = {"scan.e57": scan(shade=revision)}
        drop = write_scans(world.landing, key.capture, files, revision=revision)
        ingest(world.ctx(), drop.key)
        theirs.update(extract_by_hand(world, space_id(key), 1, 7, name=f"theirs-{revision}"))

    def undo() -> None:
        retract(world.ctx(), key, approved=None, by="Ada")

    published(1)
    with watched(Writes()) as writes:
        undo()
    assert nodes(world) == theirs
    for revision, number in enumerate(points(len(writes.log)), 2):
        published(revision)
        with watched(Writes(number, kill)), pytest.raises(Killed):
            undo()
        undo()
        assert nodes(world) == theirs, f"killed after write {number}: {writes.log[number]}"
        state = world.records.load(key)
        assert state is not None
        assert state.stage is Stage.RETRACTED
    world.cdf.client.data_modeling.instances.delete(nodes=sorted(theirs))


def large_scan(size: int) -> bytes:
    """A scan of at least so many bytes: pictures of noise hardly shrink."""
    noise = np.random.default_rng(1).integers(0, 256, (1024, 2048, 3), np.uint8)
    picture = simplejpeg.encode_jpeg(noise, quality=98)
    stream = io.BytesIO()
    with closing(E57Writer(stream)) as writer:
        for number in range(size // len(picture) + 1):
            pose = ScannerPose((1.0, 0.0, 0.0, 0.0), (float(number), 0.0, 0.0))
            writer.add_spherical(picture, name=f"Stop {number}", pose=pose, acquired_at=TAKEN)
    return stream.getvalue()
