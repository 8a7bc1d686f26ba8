"""Folders, ports, secrets and environment of the processes of a local stack."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from capture360.errors import ConfigError
from capture360.settings.register import CONFIG_VARIABLE, Register
from capture360_local.stack.processes import free_port

PROJECT = Path(__file__).resolve().parents[3]
ADMIN = "admin"
HOME_VARIABLE = "CAPTURE360_HOME"
CONNECTION_ID = "cognite_cdf_default"


@dataclass(frozen=True)
class Home:
    """The folders of one stack; all its state is below `root`."""

    root: Path

    @cached_property
    def airflow(self) -> Path:
        """Airflow's home."""
        return self.root / "airflow"

    @cached_property
    def sandbox(self) -> Path:
        """The sandbox's data."""
        return self.root / "sandbox"

    @cached_property
    def landing(self) -> Path:
        """The landing zones."""
        return self.root / "landing"

    @cached_property
    def records(self) -> Path:
        """The records."""
        return self.root / "records"

    @cached_property
    def logs(self) -> Path:
        """Logs of the processes."""
        return self.root / "logs"

    @cached_property
    def register(self) -> Path:
        """The site register."""
        return self.root / "config" / "sites.yaml"

    @cached_property
    def status_file(self) -> Path:
        """The status that the supervisor keeps."""
        return self.root / "stack.json"

    @cached_property
    def _ports_file(self) -> Path:
        return self.root / "ports.json"

    @classmethod
    def of_connection(cls, connection: Path) -> Home | None:
        """Return the home of the stack whose sandbox wrote the file; None if no stack did."""
        sandbox = connection.resolve().parent
        home = cls(sandbox.parent)
        return home if sandbox == home.sandbox and home.status_file.is_file() and home.register.is_file() else None

    def site_register(self) -> Register:
        """Return the stack's register, read as its processes read it."""
        return Register(str(self.register), {**os.environ, HOME_VARIABLE: str(self.root)})

    def prepare(self) -> None:
        """Create the folders, for their owner only, and a missing register as the sample with its landing folder.

        ConfigError if capture360 does not run from a checkout, which has DAGs, sample and pools.
        """
        if not ((PROJECT / "dags").is_dir() and (PROJECT / "config").is_dir()):
            raise ConfigError(
                "The local stack runs from a checkout, and this capture360 is installed without one. "
                "Clone its repository, and run `make setup` there."
            )
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.airflow, self.sandbox, self.landing, self.records, self.logs, self.register.parent):
            folder.mkdir(exist_ok=True)
        if not self.register.exists():
            shutil.copyfile(PROJECT / "config" / "sites.yaml", self.register)
            register = self.site_register()
            for site in register.site_ids:
                Path(register.site(site).landing.url).mkdir(exist_ok=True)

    def choose_ports(self, api: int | None = None) -> Ports:
        """Return free ports, preferably those of the last start, so that bookmarks stay valid."""
        last = {
            name: port for name, port in _load(self._ports_file).items() if isinstance(port, int) and 0 < port < 1 << 16
        }
        ports = Ports(api=free_port(api or last.get("api", 8080)), sandbox=free_port(last.get("sandbox")))
        write_privately(self._ports_file, asdict(ports))
        return ports

    @cached_property
    def keys(self) -> Mapping[str, str]:
        """Random keys and the admin's password, created once and readable by the owner only."""
        path = self.airflow / "keys.json"
        known = _load(path)
        if not {"jwt_secret", "secret_key", "fernet_key", "password"} <= set(known):
            known = {
                "jwt_secret": secrets.token_urlsafe(64),
                "secret_key": secrets.token_urlsafe(32),
                "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
                "password": secrets.token_urlsafe(12),
            }
            write_privately(path, known)
        return known

    @property
    def passwords_file(self) -> Path:
        """Write the password file of Airflow's simple auth manager."""
        path = self.airflow / "passwords.json"
        write_privately(path, {ADMIN: self.keys["password"]})
        return path


@dataclass(frozen=True, slots=True)
class Ports:
    """Loopback ports."""

    api: int
    sandbox: int


def write_privately(path: Path, content: Mapping[str, Any] | str) -> None:
    """Write JSON, or a text as it is, that only the owner can read, atomically."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(content if isinstance(content, str) else json.dumps(content))
    temporary.replace(path)


def _load(path: Path) -> dict[str, Any]:
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return loaded if isinstance(loaded, dict) else {}


def base_environment(home: Home) -> dict[str, str]:
    """Return the caller's environment without Airflow settings, with no proxy for the loopback interface."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
    no_proxy = ",".join(filter(None, [inherited.get("NO_PROXY") or inherited.get("no_proxy"), "127.0.0.1,localhost"]))
    return {
        **inherited,
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
        HOME_VARIABLE: str(home.root),
        CONFIG_VARIABLE: str(home.register),
        "PYTHONUNBUFFERED": "1",
    }


def airflow_environment(home: Home, ports: Ports) -> dict[str, str]:
    """Return Airflow's settings for one machine.

    SQLite allows about four parallel tasks, not Airflow's 32. With a heartbeat of one second a task ends one second
    after its work instead of five, which shortens the time in which a deferred task can fail needlessly
    (apache/airflow #67287). Orphaned tasks of the last start are searched for every 20 s, not every 300 s, since the
    search at the start of a scheduler misses them while the last heartbeat of the dead one is younger than half a
    minute. DAG files that did not change are parsed every five minutes, since parsing all of them every half minute
    costs a seventh of a core; one that changed is parsed at once.
    """
    url = f"http://127.0.0.1:{ports.api}"
    return {
        "AIRFLOW_HOME": str(home.airflow),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(ports.api),
        "AIRFLOW__API__SECRET_KEY": home.keys["secret_key"],
        "AIRFLOW__API_AUTH__JWT_SECRET": home.keys["jwt_secret"],
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "2",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__EXECUTOR": "airflow_capture360.executor.PreloadedLocalExecutor",
        "AIRFLOW__CORE__FERNET_KEY": home.keys["fernet_key"],
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home.passwords_file),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin",
        "AIRFLOW__CORE__TASK_SUCCESS_OVERTIME": "45",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home.airflow / 'airflow.db'}",
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "20",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        "AIRFLOW__WORKERS__MAX_FAILED_HEARTBEATS": "20",
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    }


def connection_variable(connection: Mapping[str, str], mode: str) -> dict[str, str]:
    """Return the sandbox's `connection.json` as the variable that Airflow reads a connection from.

    In the environment of the processes the secret is in no database, and Airflow masks it in logs.
    """
    return {f"AIRFLOW_CONN_{CONNECTION_ID.upper()}": json.dumps(connection_document(connection, mode))}


def connection_document(connection: Mapping[str, str], mode: str) -> dict[str, Any]:
    """Return the sandbox's `connection.json` in Airflow's form."""
    return {
        "conn_type": "cognite_cdf",
        "host": connection["base_url"],
        "login": connection["client_id"],
        "password": connection["client_secret"],
        "extra": {
            "project": connection["project"],
            "token_url": connection["token_url"],
            "mode": mode,
            "cluster": connection.get("cluster", ""),
        },
    }
