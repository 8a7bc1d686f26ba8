"""Clients of CDF that others wrote, unchanged, against the sandbox; each is skipped where it is not installed.

`make clients` installs them below `.local/clients`, the JavaScript SDK where npm is there.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cognite.client import CogniteClient
from cognite.client.data_classes import LabelDefinitionWrite
from cognite.client.data_classes.data_modeling import NodeId, SpaceApply, ViewId
from typer.testing import CliRunner

from capture360.model import CaptureKey
from capture360_cli.main import app
from captures import write_cubemap
from local_cdf import RunningSandbox, fast_options, run_sandbox

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
INSTALLED = ROOT / ".local/clients"


@pytest.fixture
def connection(running: RunningSandbox, tmp_path: Path) -> Path:
    """A connection.json of the module's sandbox."""
    file = tmp_path / "connection.json"
    file.write_text(json.dumps(running.connection))
    return file


def installed(client: str) -> Path:
    """The folder of a client; the test is skipped where there is none."""
    if not (INSTALLED / client / "ready").exists():
        pytest.skip(f"{client} is not installed: make clients, which .ci/run gives two minutes")
    return INSTALLED / client


def programs(client: str) -> Path:
    """The folder of the programs of a client in Python."""
    return installed(client) / "bin"


def run(command: Sequence[str | Path], folder: Path) -> str:
    """What the script of a client prints; it must not fail."""
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    return ended.stdout


def test_javascript_sdk(connection: Path) -> None:
    run(["node", HERE / "javascript/client.mjs", connection], installed("javascript"))


@pytest.mark.parametrize(
    ("client", "script"), [("extractor-utils", "extractor_utils.py"), ("pygen", "pygen_client.py")]
)
def test_python_client(connection: Path, tmp_path: Path, client: str, script: str) -> None:
    run([programs(client) / "python", HERE / script, connection], tmp_path)


def test_toolkit(running: RunningSandbox, connection: Path, tmp_path: Path) -> None:
    """It deploys our module, whose groups then grant what they say, and uploads data."""
    folder = programs("toolkit")
    client = running.client()
    with running.http() as http:
        group = {"name": "cognite_toolkit_service_principal", "sourceId": running.connection["client_id"]}
        own = http.get("/groups").json()["items"][0]
        http.post("/groups", json={"items": [group | {"capabilities": own["capabilities"]}]}).raise_for_status()
    client.data_modeling.spaces.apply(SpaceApply("plant_assets"))
    client.labels.create(LabelDefinitionWrite("label", "Label"))
    work = tmp_path / "work"
    work.mkdir()
    run(["sh", HERE / "toolkit.sh", connection, work, folder, ROOT / "cdf"], work)
    assert client.data_modeling.spaces.retrieve("captures360") is not None
    pipeline = client.extraction_pipelines.retrieve(external_id="captures360")
    assert pipeline is not None and pipeline.schedule == "Continuous"
    asked = {file.name.partition(".")[0] for file in (ROOT / "cdf/modules/capture360/auth").iterdir()}
    made = {group.name: group for group in client.iam.groups.list(all=True)}
    assert {name.removeprefix("capture360_hall-7_") for name in made if name.startswith("capture360_")} == asked
    granted = made["capture360_hall-7_ingest"].dump()["capabilities"]
    own_space = {"spaceIdScope": {"spaceIds": ["captures360"]}}
    assert {"dataModelInstancesAcl": {"actions": ["WRITE"], "scope": own_space}} in granted
    pump = client.assets.retrieve(external_id="pump")
    assert pump is not None and pump.parent_external_id == "root"
    assert [label.external_id for label in pump.labels or ()] == ["label"]
    assert client.files.download_bytes(external_id="classic-front.jpg") == b"a picture"
    assert client.files.download_bytes(instance_id=NodeId("captures360", "core-front.jpg")) == b"a picture"


LEGACY, CORE = "cdf_360_image_schema", "cdf_cdm"
SITE = "space: captures360\nlanding: {url: unused}\nchecks: {min_face_resolution: 16, min_file_bytes: 100}\n"
KEY = CaptureKey("hall-7", "may")
STATIONS, PROPERTIES = 3, 18


def ingested(running: RunningSandbox, root: Path) -> CogniteClient:
    """A client of a project that has the capture."""
    root.mkdir(exist_ok=True)
    connection, site = root / "connection.json", root / "site.yaml"
    connection.write_text(json.dumps(running.connection))
    site.write_text(SITE)
    folder = write_cubemap(root / "hall-7", KEY, stations=STATIONS).folder
    options = ["--connection", str(connection), "--site", str(site), "--records", str(root / "records")]
    done = CliRunner().invoke(app, ["ingest", str(folder), *options])
    assert done.exit_code == 0, done.output
    return running.client()


def properties(client: CogniteClient, space: str, view: str) -> dict[str, Mapping[str, Any]]:
    """The properties of all nodes of a view, by external id."""
    view_id = ViewId(space, view, "v1")
    nodes = client.data_modeling.instances.list("node", sources=view_id, space="captures360", limit=None)
    return {node.external_id: dict(node.properties[view_id]) for node in nodes}


def by_place(images: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [images[name] for name in sorted(images, key=lambda each: str(images[each]["translationX"]))]


def test_both_models_hold_the_same_by_the_toolkits_migration(tmp_path: Path) -> None:
    """Its command itself needs services that the sandbox lacks: events, and instance ids of files that are pending."""
    printed = run([programs("toolkit") / "python", HERE / "toolkit_mapping.py"], tmp_path)
    of_image, of_station = (json.loads(printed.splitlines()[-1])[view] for view in ("Image360", "Station360"))
    with (
        run_sandbox(fast_options(tmp_path / "hybrid", "hybrid")) as hybrid,
        run_sandbox(fast_options(tmp_path / "core", "data_modeling")) as core,
    ):
        old, new = ingested(hybrid, tmp_path / "old"), ingested(core, tmp_path / "new")
        stations = (properties(old, LEGACY, "Station360"), properties(new, CORE, "Cognite360ImageStation"))
        collections = (
            properties(old, LEGACY, "Image360Collection"), properties(new, CORE, "Cognite3DRevision"),
        )  # fmt: skip
        named = properties(new, CORE, "CogniteDescribable")
        assert len(collections[0]) == len(collections[1]) == 1
        assert {each["type"] for each in collections[1].values()} == {"Image360"}
        compared = 0
        images = zip(
            by_place(properties(old, LEGACY, "Image360")), by_place(properties(new, CORE, "Cognite360Image")),
            strict=True,
        )  # fmt: skip
        for before, after in images:
            for name, value in before.items():
                if name in of_image["dropped"]:
                    continue
                there = after[of_image["named"].get(name, name)]
                compared += 1
                if name.startswith("cubeMap"):
                    face = new.files.download_bytes(instance_id=NodeId(there["space"], there["externalId"]))
                    assert old.files.download_bytes(external_id=value) == face, name
                elif name == "station":
                    label = stations[0][value["externalId"]]["label"]
                    assert stations[1][there["externalId"]][of_station["named"]["label"]] == label
                elif name == "collection360":
                    label = collections[0][value["externalId"]]["label"]
                    assert named[there["externalId"]]["name"] == label
                elif name == "timeTaken":
                    assert datetime.fromisoformat(there) == datetime.fromisoformat(value)
                else:
                    assert there == pytest.approx(value, abs=1e-12), name
        assert compared == STATIONS * PROPERTIES
