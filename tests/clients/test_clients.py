"""Clients of CDF that others wrote, unchanged, against the sandbox; each is skipped where it is not installed.

`make clients` installs them below `.local/clients`. The JavaScript SDK is installed by the test where npm is there.
"""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from cognite.client.data_classes.data_modeling import NodeId

from local_cdf import RunningSandbox

HERE = Path(__file__).parent
INSTALLED = HERE.parents[1] / ".local/clients"


@pytest.fixture
def connection(running: RunningSandbox, tmp_path: Path) -> Path:
    """A connection.json of the module's sandbox."""
    file = tmp_path / "connection.json"
    file.write_text(json.dumps(running.connection))
    return file


def programs(client: str) -> Path:
    """The folder of the programs of a client in Python; the test is skipped where there is none."""
    folder = INSTALLED / client / "bin"
    if not folder.is_dir():
        pytest.skip(f"{client} is not installed: make clients")
    return folder


def run(command: Sequence[str | Path], folder: Path) -> str:
    """What the script of a client prints; it must not fail."""
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    return ended.stdout


def test_javascript_sdk(connection: Path) -> None:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("npm and node are not there")
    folder = INSTALLED / "javascript"
    if not (folder / "node_modules/@cognite/sdk").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text("{}")
        command = [npm, "install", "--no-audit", "--no-fund", "--silent", "@cognite/sdk@10"]
        installed = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        if installed.returncode != 0:
            pytest.skip(f"npm did not install @cognite/sdk: {installed.stderr[-300:]}")
    run([node, HERE / "javascript.mjs", connection], folder)


@pytest.mark.parametrize(
    ("client", "script"), [("extractor-utils", "extractor_utils.py"), ("pygen", "pygen_client.py")]
)
def test_python_client(connection: Path, tmp_path: Path, client: str, script: str) -> None:
    run([programs(client) / "python", HERE / script, connection], tmp_path)


def test_toolkit(running: RunningSandbox, connection: Path, tmp_path: Path) -> None:
    folder = programs("toolkit")
    with running.http() as http:
        group = {"name": "cognite_toolkit_service_principal", "sourceId": running.connection["client_id"]}
        own = http.get("/groups").json()["items"][0]
        http.post("/groups", json={"items": [group | {"capabilities": own["capabilities"]}]}).raise_for_status()
    work = tmp_path / "work"
    work.mkdir()
    run(["sh", HERE / "toolkit.sh", connection, work, folder], work)
    client = running.client()
    asset = client.assets.retrieve(external_id="small-asset")
    assert asset is not None and [label.external_id for label in asset.labels or ()] == ["small-label"]
    assert client.data_modeling.views.retrieve(("small", "Thing", "v1"))[0].external_id == "Thing"
    pump = client.assets.retrieve(external_id="small-pump")
    assert pump is not None and pump.parent_external_id == "small-root"
    assert client.files.download_bytes(external_id="small-front.jpg") == b"a picture"
    assert client.files.download_bytes(instance_id=NodeId("small", "core-front.jpg")) == b"a picture"
    assert "small-readers" in {group.name for group in client.iam.groups.list(all=True)}
