"""The wheel is whole: what an installed capture360 needs besides its modules."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PLACES = {
    "include/": "",
    "plugins/": "",
    "dags/": "airflow_capture360/dags/",
    "config/": "airflow_capture360/config/",
}


def test_the_wheel_holds_every_file_of_the_packages_the_dags_and_the_samples(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    listed = subprocess.run(["git", "ls-files", *PLACES], cwd=ROOT, check=True, capture_output=True, text=True)
    expected = {
        place + name.removeprefix(folder)
        for name in listed.stdout.splitlines()
        for folder, place in PLACES.items()
        if name.startswith(folder) and "/." not in name
    }
    assert {
        "airflow_capture360/dags/captures_sense.py",
        "airflow_capture360/config/pools.json",
        "cdf_sandbox/py.typed",
    } <= expected
    with zipfile.ZipFile(wheel) as archive:
        assert expected - set(archive.namelist()) == set()
