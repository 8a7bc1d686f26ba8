"""The fixture for tests of other projects, used as its module says."""

import subprocess
import sys
import textwrap

PROJECT = """
    def test_upload(cdf_sandbox):
        client = cdf_sandbox.client()
        client.files.upload_bytes(b"hello", name="a.txt", external_id="a")
        assert client.files.download_bytes(external_id="a") == b"hello"
        assert cdf_sandbox.connection["mode"] == "data_modeling"

    def test_each_test_has_its_own(cdf_sandbox):
        with cdf_sandbox.http() as http:
            assert http.post("/files/list", json={}).json()["items"] == []
"""


def test_a_project_has_a_sandbox_in_a_line(tmp_path):
    (tmp_path / "conftest.py").write_text(
        'import pytest\n\npytest_plugins = ["cdf_sandbox.testing"]\n\n\n@pytest.fixture\ndef cdf_sandbox_options():\n'
        '    return {"mode": "data_modeling"}\n'
    )
    (tmp_path / "test_project.py").write_text(textwrap.dedent(PROJECT))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 passed" in ran.stdout
