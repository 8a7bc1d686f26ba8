"""The example in docs/how-to/sandbox.md runs as written."""

import json
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from local_cdf import PLAIN
from waiting import eventually

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "sandbox.md"


@pytest.fixture(scope="module")
def page():
    return PAGE.read_text()


def test_the_python_of_the_page(running, page, tmp_path, monkeypatch):
    folder = tmp_path / ".local" / "my-cdf"
    folder.mkdir(parents=True)
    (folder / "connection.json").write_text(json.dumps(running.connection))
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict = {}
    exec(compile(code, str(PAGE), "exec"), names)
    assert names["client"].files.download_bytes(external_id="front") == b"..."


def test_the_fault_of_the_page(running, page):
    (command,) = re.findall(r"^curl .*?\\\n.*?$", page, re.MULTILINE)
    words = shlex.split(command.replace("\\\n", " "))
    order = json.loads(words[words.index("-d") + 1])
    answer = PLAIN.post(f"{running.base_url}/sandbox/faults", json=order)
    assert answer.status_code == 201
    PLAIN.delete(f"{running.base_url}/sandbox/faults")


def test_the_container_of_the_page(page, tmp_path):
    """What the container runs, as a process here: the program, its options, its ports and its folder."""
    (block,) = re.findall(r"```\n(docker build.*?)```", page, re.DOTALL)
    build, run, read = block.replace("\\\n", " ").splitlines()
    words = shlex.split(run)
    image = shlex.split(build)[-2]
    program = words[words.index("--entrypoint") + 1]
    arguments = words[words.index(image, words.index(program) + 1) + 1 :]
    options = dict(zip(arguments[2::2], arguments[3::2], strict=True))
    ports = [options["--port"], options["--link-port"]]
    assert [words[at + 1] for at, word in enumerate(words) if word == "-p"] == [f"127.0.0.1:{p}:{p}" for p in ports]
    (volume,) = (words[at + 1] for at, word in enumerate(words) if word == "-v")
    assert volume.partition(":")[2] == options["--data"]
    assert shlex.split(read)[2:] == [words[words.index("--name") + 1], "cat", f"{options['--data']}/connection.json"]
    dockerfile = (PAGE.parents[2] / "Dockerfile").read_text()
    assert re.search(rf"mkdir -p .*{options['--data']} && chown .*{options['--data']}$", dockerfile, re.MULTILINE)

    mine = dict(zip(ports, free_ports(2), strict=True)) | {options["--data"]: str(tmp_path)}
    here = [str(mine.get(word, word)) for word in arguments]
    file = tmp_path / "connection.json"
    started = subprocess.Popen([Path(sys.executable).with_name(program), *here], stdout=subprocess.DEVNULL)
    try:
        known = json.loads(eventually(lambda: file.exists() and file.read_text(), "connection.json"))
        form = {"grant_type": "client_credentials", "client_id": known["client_id"], "scope": "s"}
        form["client_secret"] = known["client_secret"]
        assert httpx.URL(known["token_url"]).host == "localhost"
        token = PLAIN.post(known["token_url"], data=form).json()["access_token"]
        url = f"{known['base_url']}/api/v1/projects/{known['project']}/files"
        headers = {"authorization": f"Bearer {token}"}
        made = PLAIN.post(url, json={"name": "n"}, headers=headers).json()
        assert str(httpx.URL(made["uploadUrl"]).port) == here[here.index("--link-port") + 1]
        PLAIN.put(made["uploadUrl"], content=b".").raise_for_status()
    finally:
        started.terminate()
        assert started.wait(30) == 0


def free_ports(number):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def test_the_options_and_requests_of_the_page_exist(running, page):
    from typer.main import get_command

    from capture360_cli.main import app

    known = {name for parameter in get_command(app).commands["sandbox"].params for name in parameter.opts}
    known |= {name for parameter in get_command(app).commands["sandbox"].params for name in parameter.secondary_opts}
    of_docker = {"--name", "--entrypoint", "--profile"}
    assert set(re.findall(r"--[a-z][a-z-]+", page)) - of_docker <= known
    for method, path in re.findall(r"^\| `(GET|POST) (/sandbox/[a-z/]+)", page, re.MULTILINE):
        answer = PLAIN.request(method, running.base_url + path)
        assert answer.status_code in (200, 400), f"{method} {path}"
