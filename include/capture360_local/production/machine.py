"""Translation of a service to this machine: the same command and environment, other addresses and folders.

Containers have addresses and file systems of their own, processes have not. What else differs is in `Machine.command`:
PostgreSQL's image makes a database cluster when it starts, and an S3 server comes from moto.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from capture360.errors import ConfigError
from capture360_local.production.composition import Service
from capture360_local.stack.processes import free_port
from capture360_local.stack.profile import PROJECT

_LOOPBACK = "127.0.0.1"
SERVICES = {"postgres": 5432, "redis": 6379, "api-server": 8080, "s3": 9000, "sandbox": 8765, "scheduler": 8974}
"""Services that others connect to, with their port in the composition."""
_POSTGRES_PROGRAMS = "/usr/lib/postgresql/*/bin"
_POSTGRES_USER = "postgres"
_BIN = Path(sys.executable).parent


def missing() -> dict[str, str]:
    """Return the programs that this machine lacks, and the Debian package of each."""
    lacks = {}
    if not _postgres_programs():
        lacks["PostgreSQL"] = "postgresql"
    if not shutil.which("redis-server"):
        lacks["Redis"] = "redis-server"
    if not shutil.which("curl"):
        lacks["curl"] = "curl"
    return lacks


class Machine:
    """This machine, with the state of the services below `folder`, and a port for each of `SERVICES`."""

    def __init__(self, folder: Path, ports: Mapping[str, int]) -> None:
        self.folder = folder
        self.ports = ports
        lacks = missing()
        if lacks:
            raise ConfigError(f"These are not installed: {', '.join(lacks)}.")

    @property
    def postgres_folder(self) -> Path:
        """Folder of PostgreSQL's cluster."""
        return postgres_folder(self.folder)

    @cached_property
    def _folders(self) -> Mapping[str, str]:
        """Folders of containers, nested ones first."""
        return {
            "/opt/airflow/config/capture360": str(PROJECT / "config"),
            "/opt/airflow/logs": str(self.folder / "logs/tasks"),
            "/opt/captures": str(self.folder / "captures"),
            "/sandbox": str(self.folder / "sandbox"),
            "/data": str(self.folder / "redis"),
        }

    def prepare(self) -> None:
        """Create the folders that are volumes in the composition."""
        for folder in ("logs/tasks", "captures/landing", "captures/records", "sandbox", "redis", "tmp", "airflow"):
            (self.folder / folder).mkdir(parents=True, exist_ok=True)

    def adapted(self, text: str) -> str:
        """Replace addresses and folders in a text by those of this machine."""
        text = re.sub(
            rf"(?<![\w./-])({'|'.join(self._folders)})(?=[/\s'\"]|$)", lambda match: self._folders[match[1]], text
        )
        for service, port in SERVICES.items():
            here = f"{_LOOPBACK}:{self.ports[service]}"
            text = re.sub(rf"(?<=@){service}(?::{port})?(?=/)", here, text)
            text = re.sub(rf"(?<=://)(?:{service}|localhost|127\.0\.0\.1):{port}\b", here, text)
        return text

    def environment(self, service: Service, name: str) -> dict[str, str]:
        """Return the environment of a service: the composition's variables, and those a container has by default."""
        path = os.pathsep.join([str(_BIN), *_postgres_programs(), os.environ.get("PATH", os.defpath)])
        own = {
            "PATH": path,
            "HOME": str(self.folder / "tmp"),
            "TMPDIR": str(self.folder / "tmp"),
            "LANG": "C.UTF-8",
            "NO_PROXY": f"{_LOOPBACK},localhost",
            "no_proxy": f"{_LOOPBACK},localhost",
            "HOSTNAME": name,
            "PYTHONUNBUFFERED": "1",
            # Titles that Airflow and Celery give to processes would overwrite the environment that identifies them.
            "SPT_NOENV": "1",
            "PGHOST": _LOOPBACK,
            "PGPORT": str(self.ports["postgres"]),
        }
        adapted = {key: self.adapted(value) for key, value in service.environment.items()}
        return own | adapted | (self._airflow_addresses() if service.is_ours else {})

    def _airflow_addresses(self) -> dict[str, str]:
        return {
            "AIRFLOW_HOME": str(self.folder / "airflow"),
            "AIRFLOW__API__HOST": _LOOPBACK,
            "AIRFLOW__API__PORT": str(self.ports["api-server"]),
            "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.folder / "logs/tasks"),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST": _LOOPBACK,
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(self.ports["scheduler"]),
        }

    def command(self, service: Service, name: str) -> Sequence[str]:
        """Return the command of the service; `name` distinguishes its replicas."""
        port = str(self.ports.get(service.name, ""))
        if service.name == "postgres":
            server = ("postgres", "-D", str(self.postgres_folder), "-h", _LOOPBACK, "-p", port, "-k", "")
            return (*_as_postgres(), *server)
        if service.name == "s3":
            return (sys.executable, "-m", "moto.server", "-H", _LOOPBACK, "-p", port)
        words = [self.adapted(word) for word in service.command]
        if service.name == "redis":
            listen = rf"\g<0> --bind {_LOOPBACK} --port {port}"
            return [re.sub(r"\bredis-server \S+", listen, word) for word in words]
        if service.name == "sandbox":
            names = {"0.0.0.0": _LOOPBACK, "sandbox": _LOOPBACK, str(SERVICES["sandbox"]): port}  # noqa: S104 - a key to replace; nothing listens on it
            return [*words[:2], *(names.get(word, word) for word in words[2:])]
        if words[:2] == ["celery", "worker"]:
            words += ["--celery-hostname", f"celery@{name}"]
        if words[0] in {"bash", "sh", "python", "capture360"}:
            return words
        return (sys.executable, "-m", "airflow", *words)

    def health(self, service: Service) -> Sequence[str]:
        """Return the service's health check; the substitute of the S3 server has its own."""
        if service.name == "s3":
            return ("curl", "--fail", "--silent", f"http://{_LOOPBACK}:{self.ports['s3']}/moto-api/data.json")
        words = [self.adapted(word) for word in service.health]
        return [*words[:1], "-p", str(self.ports["redis"]), *words[1:]] if words[:1] == ["redis-cli"] else words

    def make_database(self, password: str) -> None:
        """Create a cluster with the user and database `airflow`, as PostgreSQL's image does for an empty volume.

        A cluster counts only with its mark in `folder`, written last: one that was not completed, or that belongs to a
        folder of this name that was removed since with its password, is set aside as `<name>.before`.
        """
        data, made = self.postgres_folder, self.folder / "postgres-made"
        if made.exists() and (data / "PG_VERSION").exists():
            return
        made.unlink(missing_ok=True)
        before = _set_aside(data)
        if data.exists():
            shutil.rmtree(before, ignore_errors=True)
            data.rename(before)
        data.mkdir(mode=0o700, parents=True)
        if not os.getuid():
            shutil.chown(data, _POSTGRES_USER)
        programs = Path(_postgres_programs()[0])
        as_user = _as_postgres()
        secret = _password_file(data)
        try:
            secret.touch(mode=0o600)
            secret.write_text(password)
            if not os.getuid():
                shutil.chown(secret, _POSTGRES_USER)
            order = ("-D", str(data), "--username", "airflow", "--auth", "scram-sha-256", "--pwfile", str(secret))
            _run([*as_user, str(programs / "initdb"), *order, "--encoding", "UTF8", "--locale", "C.UTF-8"])
        finally:
            secret.unlink()
        _run(
            [*as_user, str(programs / "postgres"), "--single", "-D", str(data), "postgres"], "CREATE DATABASE airflow;"
        )
        made.touch()


def postgres_folder(folder: Path) -> Path:
    """Return where a composition in `folder` keeps PostgreSQL's cluster.

    PostgreSQL refuses to run as root, and its own user may not be able to reach `folder`.
    """
    if os.getuid():
        return folder / "postgres"
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
    return Path("/var/tmp") / f"capture360-postgres-{name}"  # noqa: S108 - made by its owner, readable by nobody else


def remove_postgres(folder: Path) -> None:
    """Delete the cluster of a composition in `folder`, and all that `Machine.make_database` leaves beside it."""
    data = postgres_folder(folder)
    for each in (data, _set_aside(data)):
        shutil.rmtree(each, ignore_errors=True)
    _password_file(data).unlink(missing_ok=True)


def _set_aside(data: Path) -> Path:
    return data.with_name(f"{data.name}.before")


def _password_file(data: Path) -> Path:
    return data.with_name(f"{data.name}.password")


def _run(command: Sequence[str], text: str = "") -> None:
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd="/", check=False)  # noqa: S603 - our own commands
    if done.returncode:
        raise ConfigError(f"{Path(command[-2]).name} failed: {done.stderr.strip()[-500:]}")


def _as_postgres() -> Sequence[str]:
    if os.getuid():
        return ()
    return ("setpriv", "--reuid", _POSTGRES_USER, "--regid", _POSTGRES_USER, "--init-groups")


def _postgres_programs() -> list[str]:
    """Return folders of PostgreSQL's server programs, the newest version first."""
    found = sorted(Path("/").glob(_POSTGRES_PROGRAMS.lstrip("/")), key=_version, reverse=True)
    in_path = shutil.which("initdb")
    return [*(str(path) for path in found), *([str(Path(in_path).resolve().parent)] if in_path else [])]


def _version(path: Path) -> int:
    return int(path.parent.name) if path.parent.name.isdecimal() else 0


def read_variables(file: Path) -> Iterator[tuple[str, str]]:
    """Read the `NAME=value` lines of a `.env` file."""
    for line in file.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            yield name.strip(), value.strip()
