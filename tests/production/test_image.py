"""The Dockerfile's steps, run one after the other in a fresh environment: all that can be tried without Docker."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from install import requirement

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.production


def steps() -> Iterator[tuple[str, str]]:
    """Instructions with their arguments, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, text.splitlines()):
        instruction, _, arguments = line.partition(" ")
        yield instruction, arguments


def reach_the_index(environment: Path, folder: Path, variables: dict[str, str]) -> None:
    """Skip the test where the index that pip is set to gives no package, since the first step takes all from there."""
    pinned = requirement((ROOT / "requirements.production.lock").read_text(), "packaging")
    assert pinned
    (folder / "one.txt").write_text(pinned)
    download = ["-m", "pip", "download", "--quiet", "--no-deps", "--retries", "1", "--timeout", "20", "--no-cache-dir"]
    command = [str(environment / "bin/python"), *download, "--dest", str(folder / "one"), "-r", str(folder / "one.txt")]
    tried = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"pip's index gives no package, such as without a network: {tried.stderr[-300:]}")


def test_the_steps_of_the_image_make_an_airflow_with_the_dags(tmp_path: Path) -> None:
    root = tmp_path / "root"
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    variables = {
        name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON", "VIRTUAL_ENV"))
    }
    variables["PATH"] = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"

    reach_the_index(environment, tmp_path, variables)

    def here(text: str) -> str:
        return re.sub(r"(?<![\w./])/(?=(opt|sandbox)\b)", f"{root}/", text)

    done = []
    for instruction, arguments in steps():
        done.append(instruction)
        if instruction == "COPY":
            *sources, target = (word for word in shlex.split(here(arguments)) if not word.startswith("--"))
            for source in sources:
                origin = ROOT / source
                if origin.is_dir():
                    shutil.copytree(origin, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
                else:
                    Path(target).mkdir(parents=True, exist_ok=True)
                    shutil.copy(origin, target)
        elif instruction == "RUN":
            command = re.sub(r"&& chown [^&]+", "", here(arguments))  # the image's user is not on this machine
            built = subprocess.run(["sh", "-euc", command], env=variables, capture_output=True, text=True, check=False)
            assert built.returncode == 0, built.stderr[-3000:]
        elif instruction == "ENV":
            name, _, value = here(arguments).partition("=")
            variables[name] = value
        else:
            assert instruction in {"FROM", "USER"}, instruction
    assert {"FROM", "COPY", "RUN", "ENV"} <= set(done)
    assert (root / "sandbox").is_dir()
    variables |= {
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(root / "opt/airflow/dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "CAPTURE360_HOME": str(tmp_path),
    }
    code = (
        "from airflow.dag_processing.dagbag import DagBag; import airflow_capture360, rapidocr, s3fs, psycopg2\n"
        "from airflow.providers.celery.executors.celery_executor import CeleryExecutor\n"
        "from airflow.providers_manager import ProvidersManager\n"
        "from capture360.settings.register import Register\n"
        "bag = DagBag(); assert not bag.import_errors, bag.import_errors\n"
        "assert 'cognite_cdf' in ProvidersManager().hooks, 'connection type'\n"
        "print(airflow_capture360.__file__); print(*sorted(bag.dags)); print(*Register().site_ids)"
    )
    python = str(environment / "bin/python")
    complete = subprocess.run(
        [python, "-m", "pip", "check"], env=variables, capture_output=True, text=True, check=False
    )
    assert complete.returncode == 0, complete.stdout
    subprocess.run([python, "-m", "airflow", "db", "migrate"], env=variables, check=True, capture_output=True)
    answer = subprocess.run([python, "-c", code], env=variables, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-3000:]
    where, dags, sites = answer.stdout.splitlines()[-3:]
    assert Path(where).is_relative_to(environment), "installed, not imported from the working tree"
    assert set(dags.split()) == {file.stem for file in (ROOT / "dags").glob("captures_*.py")}
    assert sites == "hall-7"
