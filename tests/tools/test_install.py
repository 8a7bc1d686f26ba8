"""The installer hands pip's configuration to uv, and gives way to pip where uv cannot."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT / "tools/install.py"
_spec = importlib.util.spec_from_file_location("install", FILE)
assert _spec and _spec.loader
install = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(install)


def test_the_options_of_pip_come_from_its_files_and_its_environment(tmp_path, monkeypatch) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    config = tmp_path / "pip.conf"
    config.write_text(
        "[global]\nindex-url = https://me:secret@index.example/simple\ntimeout = 7\n"
        "trusted-host = index.example\n    mirror.example:8443\n"
        "[install]\ntimeout = 8\n[download]\nproxy = http://not.this:1\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.setenv("PIP_PROXY", "http://proxy.example:3128")
    handed = install.uv_environment(install.pip_options(), {})
    assert handed["UV_DEFAULT_INDEX"] == "https://me:secret@index.example/simple"
    assert handed["UV_HTTP_TIMEOUT"] == "8"
    assert handed["UV_INSECURE_HOST"] == "index.example mirror.example:8443"
    assert handed["HTTPS_PROXY"] == "http://proxy.example:3128"
    assert "--no-index" not in list(install.uv_arguments(install.pip_options()))


def test_places_on_this_disk_that_do_not_exist_are_left_out(tmp_path) -> None:
    there = tmp_path.as_uri()
    options = {
        "extra-index-url": f"file:///not/there {there} https://a.example/simple",
        "find-links": f"/not/there {there}",
    }
    assert install.uv_environment(options, {})["UV_INDEX"] == f"{there} https://a.example/simple"
    assert install.uv_environment(options, {})["UV_FIND_LINKS"] == there
    assert list(install.uv_arguments(options)) == [], "where all would see its logins"


def test_places_to_look_in_are_listed_as_uv_reads_them() -> None:
    links = install.uv_environment({"find-links": "https://a.example\n  https://b.example"}, {})["UV_FIND_LINKS"]
    assert links == "https://a.example,https://b.example"


def test_certificates_are_those_of_pip_and_what_uv_is_configured_with_stays() -> None:
    assert install.uv_environment({"cert": "/a.pem"}, {"SSL_CERT_FILE": "/b.pem"})["SSL_CERT_FILE"] == "/a.pem"
    assert install.uv_environment({}, {"REQUESTS_CA_BUNDLE": "/c.pem"})["SSL_CERT_FILE"] == "/c.pem"
    assert install.uv_environment({}, {})["UV_SYSTEM_CERTS"] == "true"
    kept = install.uv_environment({"index-url": "https://a.example"}, {"UV_DEFAULT_INDEX": "https://b.example"})
    assert kept["UV_DEFAULT_INDEX"] == "https://b.example"


def test_one_package_of_the_lock_is_taken_with_its_hashes() -> None:
    uv = "uv==2 ; python_version > '3' \\\n    --hash=sha256:2 \\\n    --hash=sha256:3\n"
    lock = f"a==1 \\\n    --hash=sha256:1\n{uv}z==3\n"
    assert install.requirement(lock, "uv") == uv
    assert install.requirement(lock, "z") == "z==3\n"
    assert install.requirement(lock, "u") is None


def _wheel(folder: Path, name: str) -> str:
    """A wheel with one module, and its hash."""
    info = f"{name}-1.0.dist-info"
    file = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{name}.py", "here = True\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A new environment with uv that sees pip of this one, a wheel, and pip configured to know only its folder."""
    home = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    site = next((home / "lib").glob("python*")) / "site-packages"
    outer = Path(sysconfig.get_path("purelib"))
    (site / "outer.pth").write_text(str(outer))
    for part in (outer / "uv", *outer.glob("uv-*.dist-info")):
        shutil.copytree(part, site / part.name)
    (home / "bin/uv").symlink_to(Path(sysconfig.get_path("scripts"), "uv"))
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    digest = _wheel(tmp_path, "tiny_module")
    config = tmp_path / "pip.conf"
    config.write_text(
        f"[global]\nno-index = true\nfind-links = {tmp_path.as_uri()} file:///not/there\n"
        f"constraint = {tmp_path / 'constraints.txt'}\n"
    )
    (tmp_path / "constraints.txt").write_text("tiny-module<2\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    uv = install.requirement((ROOT / "requirements.lock").read_text(), "uv")
    (tmp_path / "lock").write_text(f"{uv}tiny-module==1.0 \\\n    --hash=sha256:{digest}\n")
    return tmp_path, home / "bin/python", site


def _run(place) -> subprocess.CompletedProcess[str]:
    folder, python, _ = place
    return subprocess.run([python, FILE, folder / "lock"], capture_output=True, text=True, check=False)


def _installer(site: Path) -> str:
    return next(site.glob("tiny_module-*.dist-info/INSTALLER")).read_text().strip()


def test_uv_installs_what_pip_is_configured_to_find(place) -> None:
    done = _run(place)
    assert (done.returncode, done.stderr, _installer(place[2])) == (0, "", "uv")
    assert list(place[2].glob("__pycache__/tiny_module*.pyc")), "else each first start compiles it"


def test_a_constraint_against_the_lock_is_refused(place) -> None:
    (place[0] / "constraints.txt").write_text("tiny-module<1\n")
    done = _run(place)
    assert done.returncode
    assert "tiny-module<1" in done.stderr
    assert not list(place[2].glob("tiny_module*"))


def test_a_wrong_hash_installs_nothing(place) -> None:
    folder, _, site = place
    lock = folder / "lock"
    lock.write_text(lock.read_text()[:-65] + "0" * 64 + "\n")
    assert _run(place).returncode
    assert not list(site.glob("tiny_module*"))


def test_a_lock_without_uv_is_installed_by_pip(place) -> None:
    folder, _, site = place
    lock = folder / "lock"
    lock.write_text(lock.read_text()[lock.read_text().index("tiny-module") :])
    done = _run(place)
    assert (done.returncode, _installer(site)) == (0, "pip"), done.stderr
    assert "the lock does not hold it" in done.stderr
