"""The example in docs/how-to/sandbox.md runs as written."""

import json
import re
import shlex
from pathlib import Path

import httpx
import pytest

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
    answer = httpx.post(f"{running.base_url}/sandbox/faults", json=order, trust_env=False)
    assert answer.status_code == 201
    httpx.delete(f"{running.base_url}/sandbox/faults", trust_env=False)


def test_the_options_and_requests_of_the_page_exist(running, page):
    from typer.main import get_command

    from capture360_cli.main import app

    known = {name for parameter in get_command(app).commands["sandbox"].params for name in parameter.opts}
    known |= {name for parameter in get_command(app).commands["sandbox"].params for name in parameter.secondary_opts}
    assert set(re.findall(r"--[a-z][a-z-]+", page)) <= known
    for method, path in re.findall(r"^\| `(GET|POST) (/sandbox/[a-z/]+)", page, re.MULTILINE):
        answer = httpx.request(method, running.base_url + path, trust_env=False)
        assert answer.status_code in (200, 400), f"{method} {path}"
