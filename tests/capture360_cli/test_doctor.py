"""`capture360 doctor` names everything that a connection lacks, and asks nothing twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from capture360.store import DocumentStore
from capture360_cli.main import app
from cdf_sandbox.core.options import ProjectMode
from local_cdf import PLAIN, RunningSandbox, fast_options, run_sandbox

Granting = Callable[[list[dict[str, Any]]], Path]


@pytest.fixture
def connect(running: RunningSandbox, tmp_path: Path) -> Callable[..., Path]:
    """A connection file with changes to that of the sandbox."""

    def write(**changes: str) -> Path:
        file = tmp_path / "connection.json"
        file.write_text(json.dumps(running.connection | changes))
        return file

    return write


@pytest.fixture
def granted(running: RunningSandbox, connect: Callable[..., Path]) -> Granting:
    """A connection whose client has these capabilities: access control list, actions, scope."""

    def make(capabilities: list[dict[str, Any]]) -> Path:
        order = {"clientId": "limited", "capabilities": capabilities}
        made = PLAIN.post(f"{running.base_url}/sandbox/clients", json=order).raise_for_status().json()
        return connect(client_id=made["clientId"], client_secret=made["clientSecret"], mode="asset_centric")

    return make


IN_PROJECT = {"projectScope": {"projects": ["capture360"]}}


def acl(name: str, *actions: str, **scope: Any) -> dict[str, Any]:
    return {name: {"actions": list(actions), "scope": scope or {"all": {}}}, **IN_PROJECT}


PUBLISHING = [
    acl("projectsAcl", "LIST"),
    acl("groupsAcl", "LIST"),
    acl("dataModelsAcl", "READ", "WRITE"),
    acl("filesAcl", "READ", "WRITE"),
    acl("dataModelInstancesAcl", "READ", "WRITE", spaceIdScope={"spaceIds": ["captures360"]}),
]


def doctor(file: Path, *more: str) -> Result:
    return CliRunner(env={"COLUMNS": "250"}).invoke(app, ["doctor", "--connection", str(file), *more])


def row(done: Result, what: str) -> str:
    """The line of the table that begins with it."""
    (line,) = (line for line in done.output.splitlines() if line.startswith(what))
    return line


def rows_changed(running: RunningSandbox) -> int:
    """What was written so far: the probes are requests that would write, but name nothing."""
    return int(running.sandbox.counters.snapshot()["rowsChanged"])


def test_a_fit_connection(running: RunningSandbox, connect: Callable[..., Path]) -> None:
    changed = rows_changed(running)
    done = doctor(connect())
    assert done.exit_code == 0, done.output
    assert 'fit to publish into space "captures360"' in done.output
    assert "missing" not in done.output
    assert rows_changed(running) == changed


def test_just_what_publishing_needs_is_fit_though_links_and_scans_lack_theirs(granted: Granting) -> None:
    done = doctor(granted(PUBLISHING))
    assert done.exit_code == 0, done.output
    for need in ("annotationsAcl:READ", "annotationsAcl:WRITE", "assetsAcl:READ"):
        assert "missing" in row(done, need)
        assert "links" in row(done, need)
    assert "E57 scans" in row(done, "sessionsAcl:CREATE")
    assert "retractions" in row(done, "threedAcl:DELETE")
    assert "spaceIdScope captures360" in done.output


@pytest.mark.parametrize("left_out", range(len(PUBLISHING)))
def test_every_missing_capability_is_named(granted: Granting, left_out: int) -> None:
    done = doctor(granted([each for place, each in enumerate(PUBLISHING) if place != left_out]))
    name = next(iter(PUBLISHING[left_out]))
    missing = [line for line in done.output.splitlines() if line.startswith(f"{name}:") and "publishing" in line]
    assert done.exit_code == 1
    assert missing
    assert all("administrator" in line for line in missing)
    assert "not asked" in row(done, "views")


def test_a_capability_for_another_space_is_not_enough(granted: Granting) -> None:
    done = doctor(granted(PUBLISHING), "--space", "elsewhere")
    assert done.exit_code == 1
    assert 'space "elsewhere"' in row(done, "dataModelInstancesAcl:WRITE")


def test_the_mode_must_fit_the_project(connect: Callable[..., Path]) -> None:
    done = doctor(connect(mode=ProjectMode.DATA_MODELING.value))
    assert done.exit_code == 1
    assert "missing" in row(done, "project mode")
    assert "HYBRID" in row(done, "project mode")


def test_room_for_the_panoramas(connect: Callable[..., Path]) -> None:
    done = doctor(connect(), "--panoramas", "5000000")
    assert done.exit_code == 1
    assert "5,000,000 panoramas" in row(done, "limit of instances")


def test_the_settings_of_a_site(connect: Callable[..., Path], tmp_path: Path) -> None:
    site = tmp_path / "hall.yaml"
    site.write_text("space: halls\nlanding: {url: unused}\ncreate_space: false\nfiles: {data_set: scans}\n")
    done = doctor(connect(), "--site", str(site))
    assert done.exit_code == 1
    assert 'Space "halls" is not in project' in row(done, "spaces")
    assert "scans" in row(done, "data set")


def test_the_store_of_the_records_of_a_registered_site(
    connect: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register = tmp_path / "sites.yaml"
    register.write_text(
        f"records: {tmp_path}/records\nsites: {{hall: {{space: captures360, landing: {{url: {tmp_path}}}}}}}\n"
    )
    monkeypatch.setenv("CAPTURE360_CONFIG", str(register))
    assert "creates a document once" in row(doctor(connect(), "--site", "hall"), "records")
    create = DocumentStore.create
    monkeypatch.setattr(DocumentStore, "create", lambda *given: bool(create(*given)) or True)
    done = doctor(connect(), "--site", "hall")
    assert "lies in a store that overwrites" in row(done, "records")
    assert done.exit_code == 1


def test_a_store_of_records_that_this_machine_does_not_reach_is_not_what_publishing_lacks(
    connect: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    register = tmp_path / "sites.yaml"
    site = f"{{space: captures360, landing: {{url: {tmp_path}}}}}"
    register.write_text(f"records: {tmp_path}/file/records\nsites: {{hall: {site}}}\n")
    monkeypatch.setenv("CAPTURE360_CONFIG", str(register))
    done = doctor(connect(), "--site", "hall")
    assert "not asked" in row(done, "records")
    assert done.exit_code == 0


def test_labels_that_the_settings_name_are_looked_for(connect: Callable[..., Path], tmp_path: Path) -> None:
    site = tmp_path / "hall.yaml"
    site.write_text("space: halls\nlanding: {url: unused}\nfiles: {labels: [surveys-of-nobody]}\n")
    done = doctor(connect(), "--site", str(site))
    assert done.exit_code == 1
    assert 'has no label "surveys-of-nobody"' in row(done, "labels")
    assert "files.labels" not in doctor(connect(), "--space", "halls").output


def test_a_space_of_cdf_itself_is_named(connect: Callable[..., Path]) -> None:
    done = doctor(connect(), "--space", "cdf_cdm")
    assert done.exit_code == 1
    assert 'Space "cdf_cdm" belongs to CDF itself (global)' in row(done, "spaces")


@pytest.mark.parametrize(
    ("mode", "shown"), [("hybrid", 'names "plant", which project capture360 does not have'), ("asset_centric", None)]
)
def test_spaces_of_assets_that_are_not_there(
    connect: Callable[..., Path], tmp_path: Path, mode: str, shown: str | None
) -> None:
    """In modes that read assets as instances: lists of instances pass over unknown spaces."""
    site = tmp_path / "hall.yaml"
    site.write_text("space: halls\nlanding: {url: unused}\nlinks: {asset_spaces: [cdf_cdm, plant]}\n")
    done = doctor(connect(mode=mode), "--site", str(site))
    assert done.exit_code == 0, "captures can be published all the same"
    assert ("spaces of assets" in done.output) is (shown is not None)
    if shown is not None:
        assert shown in row(done, "spaces of assets")


def test_what_a_project_allows_is_told(connect: Callable[..., Path]) -> None:
    done = doctor(connect())
    assert "off: 3D models cannot be migrated" in row(done, "3D migration flag")
    assert "deleted ones count for 3 days" in row(done, "quota")
    assert "at once 4 writes, 2 deletes and 8 reads" in row(done, "limits")
    assert "link endpoint" not in done.output


@pytest.mark.parametrize("version", ["20230101-beta", "20230101"])
def test_the_endpoint_of_links_is_tried_in_data_modeling_projects(tmp_path: Path, version: str) -> None:
    site = tmp_path / "hall.yaml"
    site.write_text(f"space: halls\nlanding: {{url: unused}}\ndata_modeling: {{cdf_version: '{version}'}}\n")
    with run_sandbox(fast_options(tmp_path / "cdf", ProjectMode.DATA_MODELING)) as core:
        file = tmp_path / "connection.json"
        file.write_text(json.dumps(core.connection))
        changed = rows_changed(core)
        done = doctor(file, "--site", str(site))
        assert rows_changed(core) == changed
    is_open = version.endswith("beta")
    assert ("is open (cdf-version" if is_open else "Ask Cognite to open") in row(done, "link endpoint")
    assert done.exit_code == 0


def test_a_pipeline_that_is_not_there(connect: Callable[..., Path], tmp_path: Path) -> None:
    site = tmp_path / "hall.yaml"
    site.write_text("space: halls\nlanding: {url: unused}\nextraction_pipeline: halls\n")
    done = doctor(connect(), "--site", str(site))
    assert done.exit_code == 0
    assert 'Extraction pipeline "halls" is not in project' in row(done, 'extraction pipeline "halls"')


def test_the_to_do_names_what_is_missing_and_the_groups(granted: Granting, tmp_path: Path) -> None:
    site = tmp_path / "hall.yaml"
    site.write_text("space: halls\nlanding: {url: unused}\ncreate_space: false\n")
    done = doctor(granted([*PUBLISHING[:4], acl("dataModelInstancesAcl", "READ")]), "--site", str(site), "--fix-list")
    assert done.exit_code == 1
    assert '- [ ] dataModelInstancesAcl:WRITE for space "halls" is not granted in project capture360.' in done.output
    assert "- [ ] annotationsAcl:WRITE is not granted." in done.output
    blocks = done.output.split("```yaml\n")[1:]
    groups = [yaml.safe_load(block.split("```")[0]) for block in blocks]
    assert [group["name"] for group in groups] == [
        "capture360_doctor_ingest",
        "capture360_doctor_contextualize",
        "capture360_doctor_reconcile",
        "capture360_doctor_retract",
    ]
    assert "set e57.space" in done.output
    scope = {"spaceIdScope": {"spaceIds": ["halls"]}}
    assert {"dataModelInstancesAcl": {"actions": ["READ", "WRITE"], "scope": scope}} in groups[0]["capabilities"]


def test_the_to_do_names_all_that_has_to_be_there_before_anything_is_granted(granted: Granting, tmp_path: Path) -> None:
    site = tmp_path / "hall.yaml"
    site.write_text(
        "space: halls\nlanding: {url: unused}\ncreate_space: false\nextraction_pipeline: halls\n"
        "scene: {external_id: plant, space: scenes}\nfiles: {data_set: scans, labels: [surveys]}\n"
    )
    done = doctor(granted([]), "--site", str(site), "--fix-list")
    assert done.exit_code == 1
    lines = done.output.splitlines()
    named = [line for line in lines if line.startswith("- [ ] ") and "Acl:" not in line]
    for what in (
        'space "halls"', 'space "scenes"', 'views of scenes in space "scene"', 'data set "scans"', 'label "surveys"',
        'extraction pipeline "halls"',
    ):  # fmt: skip
        assert any(line.startswith(f"- [ ] {what}. ") for line in named), what
    needs = [line.partition(" is not granted")[0] for line in lines if line.startswith("- [ ] ") and "Acl:" in line]
    assert len(needs) == len(set(needs)), "each capability is asked for once"
    assert any("(for publishing, " in line for line in lines)


def test_the_to_do_of_a_fit_project_is_empty(connect: Callable[..., Path]) -> None:
    done = doctor(connect(), "--fix-list")
    assert done.exit_code == 0
    assert "Nothing is missing." in done.output


@pytest.mark.parametrize("change", [{"client_secret": "wrong"}, {"project": "elsewhere"}])
def test_a_connection_that_does_not_reach_its_project(
    running: RunningSandbox, connect: Callable[..., Path], change: dict[str, str]
) -> None:
    done = doctor(connect(**change))
    assert done.exit_code == 1
    assert "missing" in row(done, "connection")
    assert running.connection["client_secret"] not in done.output
    assert "Traceback" not in done.output


def test_a_connection_file_that_is_not_there(tmp_path: Path) -> None:
    done = doctor(tmp_path / "no.json")
    assert done.exit_code == 1
    assert "is not there" in str(done.exception)
