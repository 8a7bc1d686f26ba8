"""`capture360 ingest` of E57 scans: it waits for CDF, says how far it is, and plans without writing."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from capture360.model import FACES
from capture360_cli.main import app
from local_cdf import RunningSandbox
from scans import write_scans


@pytest.fixture(scope="module")
def sandbox_options() -> dict[str, Any]:
    return {"revision_queue": 0.3, "revision_processing": 0.1, "extraction_names": "random_ids"}


@pytest.fixture(autouse=True)
def own_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unfinished uploads of this test only."""
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))


def run(running: RunningSandbox, root: Path, *more: str, settings: str = "") -> Result:
    connection = {**running.connection, "mode": "hybrid"}
    (root / "connection.json").write_text(json.dumps(connection))
    (root / "site.yaml").write_text(f"space: captures360\nlanding: {{url: unused}}\n{settings}")
    common = ["--connection", str(root / "connection.json"), "--site", str(root / "site.yaml")]
    return CliRunner().invoke(app, ["ingest", *common, "--records", str(root / "records"), *more])


def test_it_waits_and_says_what_came_out(running: RunningSandbox, tmp_path: Path) -> None:
    drop = write_scans(tmp_path / "hall-7", "walk")
    before = running.mutating()
    planned = run(running, tmp_path, str(drop.folder), "--dry-run")
    assert planned.exit_code == 0, planned.output
    assert "3D revision that extracts the panoramas of scan.e57" in planned.stdout
    assert planned.stdout.endswith("what they replace are known once CDF has extracted.\n")
    assert running.mutating() == before
    done = run(running, tmp_path, str(drop.folder), "--json")
    assert done.exit_code == 0, done.output
    assert "revisions done (Queued): 0 of 1" in done.stderr
    document = json.loads(done.stdout)
    assert document["verdict"] == "accepted"
    assert len(document["collections"]) == 1
    assert document["missing"] == []
    assert len(document["images"]) == 3
    assert len({image["station"] for image in document["images"]} - {None}) == 3
    assert all(set(image["faces"]) == set(FACES) for image in document["images"])
    before = running.mutating()
    again = run(running, tmp_path, str(drop.folder))
    assert again.exit_code == 0
    assert "Extracted by CDF: 3 images" in again.stdout
    assert running.mutating() == before
    assert "Would write nothing." in run(running, tmp_path, str(drop.folder), "--dry-run").stdout


def test_extraction_here_needs_one_setting(running: RunningSandbox, tmp_path: Path) -> None:
    drop = write_scans(tmp_path / "hall-7", "cut-here")
    done = run(running, tmp_path, str(drop.folder), settings="e57: {extraction: local}\n")
    assert done.exit_code == 0, done.output
    assert "Faces: 18 uploaded" in done.stdout


def test_stations_that_cdf_left_out_make_it_partial(
    running: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from capture360.steps import collect
    from cdf_sandbox.services.three_d import extraction

    real = extraction.extracted_spheres
    monkeypatch.setattr(extraction, "extracted_spheres", lambda *how: (s for n, s in enumerate(real(*how)) if n))
    monkeypatch.setattr(collect, "LATE_S", 0.2)
    drop = write_scans(tmp_path / "hall-7", "short")
    done = run(running, tmp_path, str(drop.folder))
    assert done.exit_code == 3, done.output
    assert "CDF left out: " in done.stdout


def test_a_scan_without_panoramas_is_rejected(running: RunningSandbox, tmp_path: Path) -> None:
    from scans import scan

    drop = write_scans(tmp_path / "hall-7", "points", {"scan.e57": scan(())})
    before = running.mutating()
    done = run(running, tmp_path, str(drop.folder))
    assert done.exit_code == 4
    assert "holds no images" in done.stdout
    assert running.mutating() == before
