"""E57 files of uploads that broke off: listed, and removed by the next delivery, but for those that are in use."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from capture360.cdf.registry import mode_of
from capture360.cdf.three_d.scans import UploadedScan
from capture360.errors import BadInputError, CdfError
from capture360.model import CaptureKey
from capture360.names import e57_id
from capture360.steps import e57_extraction
from capture360.steps.ingest import ingest
from capture360.steps.reconcile import reconcile
from capture360.steps.unused_scans import unused_scans
from capture360.steps.validate import validate
from capture360.steps.validation_record import recorded_capture
from ingest_world import World
from local_cdf import fast_options, run_sandbox
from scans import scan, write_scans

MODES = ["asset_centric", "data_modeling"]


@pytest.fixture(params=MODES)
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    options = fast_options(tmp_path / "cdf", request.param, revision_queue=0, revision_processing=0)
    more = {"e57": {"extraction": "cdf"}} if request.param == "data_modeling" else {}
    with run_sandbox(options) as running:
        yield World(running, tmp_path, request.param, **more)


def stored(world: World, key: CaptureKey, names: list[str]) -> set[str]:
    scans = mode_of(world.cdf).scans(world.cdf, world.site)
    return set(scans.made(key, (), names, e57_extraction.extraction_space(world.site, key)).files)


def refuse_space(patch: pytest.MonkeyPatch, world: World, refused: list[str]) -> None:
    """Let CDF refuse to list what an earlier space holds."""
    backend = type(mode_of(world.cdf).scans(world.cdf, world.site))
    unused = backend.unused

    def asked(self: Any, key: CaptureKey, names: Sequence[str], space: str) -> Any:
        if space == "unreadable":
            refused.append(space)
            raise CdfError("Forbidden")
        return unused(self, key, names, space)

    patch.setattr(backend, "unused", asked)


def test_files_of_an_upload_that_broke_off_go_with_the_next_delivery(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop = write_scans(world.landing, "walk", {"a.e57": scan((1,)), "b.e57": scan((2,))})
    begun = validate(world.ctx(), drop.key).fingerprint
    capture = recorded_capture(world.records, drop.key, begun)
    name = {path: e57_id(drop.key, path, sha256) for path, sha256 in capture.scans.items()}
    (drop.folder / "b.e57").write_bytes(scan((2,), shade=90))
    with monkeypatch.context() as patch:
        patch.setattr(e57_extraction, "unchanged_folder", lambda ctx, key, fingerprint: ctx.folder(key))
        with pytest.raises(BadInputError):
            e57_extraction.upload_scans(world.ctx(), drop.key, begun)
    every = [*name.values()]
    assert stored(world, drop.key, every) >= {name["a.e57"]}
    assert unused_scans(world.ctx(), drop.key) == []
    (drop.folder / "a.e57").write_bytes(scan((1,), shade=90))
    with monkeypatch.context() as patch:
        patch.setattr("capture360.steps.collect.remove_unused_scans", lambda ctx, key: None)
        done = ingest(world.ctx(), drop.key)
    (finding,) = reconcile(world.ctx(), drop.key)
    assert finding.rule == "R04"
    assert name["a.e57"] in finding.message
    if world.cdf.connection.mode == "asset_centric":  # what a revision extracts stays: it is found by its file
        scans = mode_of(world.cdf).scans(world.cdf, world.site)
        file = world.cdf.client.files.retrieve(external_id=name["a.e57"])
        assert file is not None
        begun_work = scans.start(drop.key, "walk", {"a.e57": UploadedScan(file.id, name["a.e57"])}, world.site.space)
        assert name["a.e57"] not in unused_scans(world.ctx(), drop.key)
        numbers = [int(work.id) for work in begun_work.work.values()]
        world.cdf.client.three_d.revisions.delete(int(begun_work.model), numbers)
    refused: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr("capture360.steps.unused_scans.recorded_spaces", lambda records, key: ["unreadable"])
        refuse_space(patch, world, refused)
        ingest(world.ctx(), drop.key)  # a space that the group lost stops neither publishing nor the other spaces
    assert refused
    assert reconcile(world.ctx(), drop.key) == []
    assert stored(world, drop.key, every) == set()
    used = recorded_capture(world.records, drop.key, done.validated.fingerprint).scans.items()
    assert len(stored(world, drop.key, [e57_id(drop.key, path, sha256) for path, sha256 in used])) == 2
