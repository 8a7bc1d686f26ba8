"""Scans as whole captures: each gets one sentence and no byte of a bad one goes to CDF."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from capture360.checks.check import check_capture
from capture360.landing.folder import CaptureFolder
from capture360.model import CaptureKey, Verdict
from capture360.steps.ingest import ingest
from ingest_world import World
from local_cdf import fast_options, run_sandbox
from scans import scan, write_scans

SENTENCES = {
    "InvalidCVHeader": "holds no images",
    "PinholeImageWithDistortionParameters": "holds 3 images but no 360 panorama (only single photos)",
    "bad-crc": "is damaged: the checksum of page 0",
    "corrupt_crc": "is damaged: the checksum of page 33",
    "empty": "holds no images",
    "pumpAVisualReferenceImage": "holds 1 image but no 360 panorama (only reference photos)",
    "read_error": "holds no images",
    "tiny_pc_and_images": "holds no usable one of 1 photosphere",
}
MUTATIONS = 60


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("verdicts")
    options = fast_options(home / "cdf", revision_queue=0, revision_processing=0)
    with run_sandbox(options) as running:
        yield World(running, home)


def test_every_real_scan_is_rejected_in_one_sentence_and_stays_here(shared: Path, world: World) -> None:
    before = world.running.mutating()
    told = {}
    for file in sorted((shared / "data/e57").glob("*.e57")):
        folder = world.landing / file.stem
        folder.mkdir(parents=True)
        shutil.copyfile(file, folder / file.name)
        done = ingest(world.ctx(), CaptureKey("hall-7", file.stem))
        assert done.validated.verdict is Verdict.REJECTED
        told[file.stem] = done.validated.headline
    assert set(told) == set(SENTENCES)
    for name, sentence in SENTENCES.items():
        assert f"rejected: {name}.e57 {sentence}" in told[name]
        assert told[name].endswith(".")
        assert "\n" not in told[name]
    assert world.running.mutating() == before


def test_a_mutated_scan_is_rejected_or_held_back_in_words(tmp_path: Path) -> None:
    """Any byte is under a checksum, so a change is always found."""
    rng = np.random.default_rng(5)
    content = scan((1, 2))
    for number in range(MUTATIONS):
        damaged = bytearray(content)
        if number % 3:
            damaged[int(rng.integers(len(damaged)))] ^= int(rng.integers(1, 256))
        else:
            damaged = damaged[: int(rng.integers(len(damaged)))]
        drop = write_scans(tmp_path, f"walk-{number}", {"scan.e57": bytes(damaged)})
        validation = check_capture(CaptureFolder(str(drop.folder)), key=drop.key)
        assert validation.verdict is Verdict.REJECTED, number
        assert "scan.e57" in validation.headline
        assert validation.headline.endswith(".")
