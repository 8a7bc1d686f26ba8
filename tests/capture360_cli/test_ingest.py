"""`capture360 ingest` as a user meets it: exit codes, JSON on stdout, sentences, dry runs that write nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from capture360 import names
from capture360.errors import CdfError, ConfigError, LeaseHeldError
from capture360.model import FACES, CaptureKey
from capture360.records import Records
from capture360.steps import lease
from capture360_cli.main import app
from captures import write_cubemap
from cdf_sandbox.core.options import ProjectMode
from local_cdf import RunningSandbox, fast_options, run_sandbox

KEY = CaptureKey("hall-7", "may")
SITE = "space: captures360\nlanding: {url: unused}\nchecks: {min_face_resolution: 16, min_file_bytes: 100}\n"


class Shell:
    """A user's working folder with a connection file and a file of the site's settings."""

    def __init__(self, running: RunningSandbox, root: Path) -> None:
        self.running = running
        self.landing = root / "hall-7"
        self.connection = root / "connection.json"
        self.connection.write_text(json.dumps(running.connection))
        self.site = root / "site.yaml"
        self.site.write_text(SITE)
        self.records = root / "records"

    def ingest(self, folder: Path, *more: str) -> Result:
        common = ["--connection", str(self.connection), "--site", str(self.site), "--records", str(self.records)]
        return CliRunner().invoke(app, ["ingest", str(folder), *common, *more])


@pytest.fixture
def shell(running: RunningSandbox, tmp_path: Path) -> Shell:
    return Shell(running, tmp_path)


def test_json_says_what_cdf_holds_and_stdout_holds_nothing_else(shell: Shell) -> None:
    drop = write_cubemap(shell.landing, KEY)
    done = shell.ingest(drop.folder, "--json")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["verdict"] == "accepted"
    assert document["collection"] == {"space": "captures360", "externalId": names.collection_id(KEY)}
    assert [image["station"] for image in document["images"]] == ["001", "002"]
    client = shell.running.client()
    for image, station in zip(document["images"], drop.capture.stations, strict=True):
        assert image["externalId"] == names.image_id(KEY, station.id)
        assert image["pose"]["position"] == pytest.approx(station.pose.position)
        assert image["pose"]["rotation"] == pytest.approx(station.pose.rotation)
        assert set(image["faces"]) == set(FACES)
        for face in image["faces"].values():
            file = client.files.retrieve(id=face["id"])
            assert file is not None
            assert (file.external_id, file.uploaded) == (face["externalId"], True)


def test_a_second_time_writes_nothing(shell: Shell) -> None:
    drop = write_cubemap(shell.landing, KEY)
    shell.ingest(drop.folder)
    before = shell.running.mutating()
    again = shell.ingest(drop.folder)
    assert again.exit_code == 0
    assert "Faces: 0 uploaded, 12 were there" in again.stdout
    assert shell.running.mutating() == before


def test_a_dry_run_lists_and_writes_nothing(shell: Shell) -> None:
    drop = write_cubemap(shell.landing, CaptureKey("hall-7", "dry"))
    before = shell.running.mutating()
    done = shell.ingest(drop.folder, "--dry-run", "--json", "--space", "another")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    would = document["would_write"]
    assert all(set(finding) >= {"rule", "message"} for finding in document["findings"])
    assert (would["space"], len(would["files"]), len(would["instances"])) == ("another", 12, 5)
    assert shell.running.mutating() == before
    assert not shell.records.exists()
    shell.ingest(drop.folder, "--space", "another")
    after = shell.ingest(drop.folder, "--dry-run", "--space", "another")
    assert "Would write nothing." in after.stdout
    assert f"file {would['files'][0]}" not in after.stdout


def test_a_partial_capture_ends_with_3_and_names_the_station(shell: Shell) -> None:
    key = CaptureKey("hall-7", "partial")
    drop = write_cubemap(shell.landing, key, stations=6)
    (drop.folder / "images" / "002" / "top.jpg").unlink()
    done = shell.ingest(drop.folder, "--json")
    assert done.exit_code == 3, done.output
    document = json.loads(done.stdout)
    assert document["verdict"] == "partial"
    assert list(document["quarantined"]) == ["002"]
    assert [image["station"] for image in document["images"]] == ["001", "003", "004", "005", "006"]


def test_a_rejected_capture_ends_with_4_and_nothing_of_it_reaches_cdf(shell: Shell) -> None:
    drop = write_cubemap(shell.landing, CaptureKey("hall-7", "rejected"))
    (drop.folder / "stations.csv").write_text("x,y\n1,2\n")
    before = shell.running.mutating()
    done = shell.ingest(drop.folder, "--json")
    assert done.exit_code == 4, done.output
    document = json.loads(done.stdout)
    assert (document["verdict"], document["collection"], document["images"]) == ("rejected", None, [])
    assert any("stations.csv" in finding["where"] for finding in document["findings"])
    assert Path(document["report"]).exists()
    assert shell.running.mutating() == before


def test_the_key_is_the_manifests_else_the_paths(shell: Shell, tmp_path: Path) -> None:
    drop = write_cubemap(shell.landing, KEY)
    moved = drop.folder.rename(tmp_path / "inbox")
    assert json.loads(shell.ingest(moved, "--json", "--dry-run").stdout)["capture"] == "hall-7/may"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere"], "nowhere is not there, or is empty"),
        (["--site", "no-such-site.yaml"], "no-such-site.yaml is not there"),
        (["--connection", "no.json"], "no.json is not there"),
    ],
)
def test_mistakes_of_the_command_line_are_told_in_words(shell: Shell, arguments: list[str], told: str) -> None:
    drop = write_cubemap(shell.landing, KEY)
    folder = shell.landing / arguments[0] if len(arguments) == 1 else drop.folder
    done = shell.ingest(folder, *(arguments if len(arguments) > 1 else []))
    assert isinstance(done.exception, ConfigError)
    assert told in str(done.exception)


def test_a_capture_in_work_is_left_alone(shell: Shell) -> None:
    drop = write_cubemap(shell.landing, KEY)
    lease.take(Records(str(shell.records)), KEY, "Airflow run 1", is_finished=lambda run: False)
    before = shell.running.mutating()
    done = shell.ingest(drop.folder)
    assert isinstance(done.exception, LeaseHeldError)
    assert "is being written by Airflow run 1" in str(done.exception)
    assert "add --take-over" in done.exception.remedy
    assert shell.running.mutating() == before


def test_a_lease_that_nobody_will_give_back_is_taken_over_on_demand(shell: Shell) -> None:
    drop = write_cubemap(shell.landing, KEY)
    records = Records(str(shell.records))
    gone = "command line on a laptop that was stolen, process 5, 2020-01-01T00:00:00Z"
    lease.take(records, KEY, gone, is_finished=lambda run: False)
    done = shell.ingest(drop.folder, "--take-over")
    assert done.exit_code == 0, done.output
    assert lease.holder(records, KEY) is None


def test_a_connection_that_fails_is_told_before_the_capture_is_checked(shell: Shell) -> None:
    drop = write_cubemap(shell.landing, KEY)
    shell.connection.write_text(json.dumps({**shell.running.connection, "client_secret": "wrong"}))
    done = shell.ingest(drop.folder)
    assert isinstance(done.exception, CdfError)
    assert "refused the client id or secret" in str(done.exception)
    assert not shell.records.exists()


def test_each_project_has_a_folder_of_records(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a trial left in one project says nothing about a capture in another."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    drop = write_cubemap(shell.landing, KEY)
    common = ["ingest", str(drop.folder), "--site", str(shell.site)]
    with run_sandbox(fast_options(tmp_path / "other")) as other:
        for running in (shell.running, other):
            shell.connection.write_text(json.dumps(running.connection))
            done = CliRunner().invoke(app, [*common, "--connection", str(shell.connection)])
            assert done.exit_code == 0, done.output
        clusters = {running.connection["cluster"] for running in (shell.running, other)}
    kept = tmp_path / "state" / "capture360" / "records"
    assert {path.name for path in kept.iterdir()} == clusters
    assert len(list(kept.glob(f"*/capture360/{KEY}"))) == 2


@pytest.mark.parametrize("mode", ProjectMode)
def test_the_sandboxs_connection_file_is_taken_as_it_is(mode: ProjectMode, tmp_path: Path) -> None:
    options = fast_options(tmp_path / "cdf", mode)
    with run_sandbox(options) as running:
        shell = Shell(running, tmp_path)
        shell.connection = options.data / "connection.json"
        done = shell.ingest(write_cubemap(shell.landing, KEY).folder, "--json")
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)["images"]) == 2
