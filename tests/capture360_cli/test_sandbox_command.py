"""``capture360 sandbox`` in a process of its own."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from local_cdf import PLAIN
from waiting import eventually

COMMAND = [str(Path(sys.executable).with_name("capture360")), "sandbox"]


def test_serves_until_interrupted(tmp_path):
    connection = tmp_path / "data" / "connection.json"
    process = subprocess.Popen(
        [
            *COMMAND,
            "--port",
            "0",
            "--data",
            str(tmp_path / "data"),
            "--mode",
            "data_modeling",
            "--assume",
            "write_blocked_status=418",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:

        def serves() -> bool:
            assert process.poll() is None, process.stderr.read()
            return connection.exists()

        eventually(serves, "the sandbox to start", 60)
        known = json.loads(connection.read_text())
        page = PLAIN.get(known["base_url"]).text
        assert "data modeling" in page
        assert blocked_status(known) == 418
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert known["base_url"] in out
    assert known["client_secret"] not in out + err


def test_refuses_public_addresses_in_words(tmp_path):
    done = subprocess.run(
        [*COMMAND, "--port", "0", "--data", str(tmp_path), "--host", "0.0.0.0"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "--public" in done.stderr
    assert "Traceback" not in done.stderr


def blocked_status(known):
    credentials = {"grant_type": "client_credentials", "client_id": known["client_id"],
                   "client_secret": known["client_secret"], "scope": f"{known['base_url']}/.default"}  # fmt: skip
    token = PLAIN.post(known["token_url"], data=credentials).json()["access_token"]
    url = f"{known['base_url']}/api/v1/projects/{known['project']}/assets"
    headers = {"authorization": f"Bearer {token}"}
    return PLAIN.post(url, json={"items": [{"name": "a"}]}, headers=headers).status_code


def test_refuses_what_is_no_assumption_in_words(tmp_path):
    command = [*COMMAND, "--port", "0", "--data", str(tmp_path), "--assume", "latency=3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, "COLUMNS": "200"})
    assert done.returncode == 2
    assert '"latency" is no assumption' in done.stderr
