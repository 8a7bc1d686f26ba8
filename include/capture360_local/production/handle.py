"""Handle of the composition on this machine: start, stop, and kill parts."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from capture360_local.production.machine import SERVICES, read_variables, remove_postgres
from capture360_local.production.supervisor import STATUS
from capture360_local.stack.airflow_api import AirflowApi
from capture360_local.stack.lifecycle import StackError
from capture360_local.stack.processes import free_port
from capture360_local.stack.profile import write_privately

_START_SECONDS = 1200.0
_SECRETS = (
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
    "AIRFLOW_SECRET_KEY",
    "AIRFLOW_ADMIN_PASSWORD",
    "AWS_SECRET_ACCESS_KEY",
)


class Production:
    """The composition, with all its state below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.folder / "logs").mkdir(exist_ok=True)
        self._supervisor: subprocess.Popen[bytes] | None = None
        if not (self.folder / ".env").exists():
            text = "".join(f"{name}={value}\n" for name, value in self._first_variables().items())
            write_privately(self.folder / ".env", text)

    def _first_variables(self) -> Mapping[str, str]:
        """Random secrets, and landing zone and records in the S3 store."""
        return {name: secrets.token_hex(16) for name in _SECRETS} | {
            "AIRFLOW_JWT_SECRET": secrets.token_hex(48),
            "AIRFLOW_FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "AWS_ACCESS_KEY_ID": "capture360",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_S3": "http://s3:9000",
            "CAPTURE360_HOME": "s3://captures",
            "NEW_DAGS_PAUSED": "False",
            "AIRFLOW_URL": self.url,
        }

    @cached_property
    def ports(self) -> Mapping[str, int]:
        """A free port for each service that others connect to, the same at every start."""
        file = self.folder / "ports.json"
        if not file.exists():
            write_privately(file, {service: free_port() for service in SERVICES})
        known: Mapping[str, int] = json.loads(file.read_text(encoding="utf-8"))
        return known

    @property
    def variables(self) -> Mapping[str, str]:
        """The variables of `.env`; the last one counts where a name occurs twice."""
        return dict(read_variables(self.folder / ".env"))

    def set(self, **variables: str) -> None:
        """Add variables to `.env`."""
        with (self.folder / ".env").open("a", encoding="utf-8") as stream:
            stream.writelines(f"{name}={value}\n" for name, value in variables.items())

    @property
    def url(self) -> str:
        """The address of Airflow's web server."""
        return f"http://127.0.0.1:{self.ports['api-server']}"

    @property
    def sandbox_url(self) -> str:
        """The address of the sandbox."""
        return f"http://127.0.0.1:{self.ports['sandbox']}"

    def api(self) -> AirflowApi:
        """Airflow's REST API as the administrator."""
        return AirflowApi(self.url, "admin", self.variables["AIRFLOW_ADMIN_PASSWORD"])

    def status(self) -> Mapping[str, Any]:
        """Return the supervisor's last status: phase, reason, and each service's process and number of starts."""
        try:
            known: Mapping[str, Any] = json.loads((self.folder / STATUS).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {"phase": "starting", "reason": None, "services": {}}
        return known

    @contextlib.contextmanager
    def running(self, say: Callable[[str], None]) -> Iterator[Production]:
        """Start everything, and stop it at the end of the block or of this process, however that ends.

        StackError if it runs already: two of them would end each other's services.
        """
        command = (sys.executable, "-m", "capture360_local.production", str(self.folder), "--supervise")
        with (self.folder / "lock").open("wb") as lock, (self.folder / "logs/supervisor.log").open("ab") as log:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StackError(
                    f"The composition of {self.folder} runs already.",
                    remedy="Stop it with Ctrl-C where it was started.",
                ) from None
            (self.folder / STATUS).unlink(missing_ok=True)
            self._supervisor = subprocess.Popen(  # noqa: S603 - our own module
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(lock.fileno(),),  # so the lock is held for as long as the supervisor lives
            )
        try:
            self._wait_until_running(say)
            yield self
        finally:
            if self._supervisor.stdin:
                self._supervisor.stdin.close()
            self._supervisor.wait()

    def _wait_until_running(self, say: Callable[[str], None]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        said = ""
        while (phase := self.status()["phase"]) != "running":
            self.check()
            if time.monotonic() > deadline:
                raise StackError(f"It is {phase} for {_START_SECONDS:.0f} s; see {self.folder / 'logs'}.")
            if phase != said:
                say(phase)
                said = phase
            time.sleep(0.2)  # the supervisor, another process, writes its phase to a file

    def check(self) -> None:
        """Raise StackError if the supervisor has ended."""
        if self._supervisor and self._supervisor.poll() is not None:
            reason = self.status()["reason"]
            raise StackError(reason or f"The supervisor ended; see {self.folder / 'logs/supervisor.log'}.")

    def wait(self) -> None:
        """Wait until the supervisor ends; StackError has the reason."""
        while True:
            self.check()
            time.sleep(0.5)  # the supervisor, another process, writes its phase to a file

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query to Airflow's database; psycopg2.OperationalError while it is down."""
        import psycopg2

        password = self.variables["POSTGRES_PASSWORD"]
        connection = psycopg2.connect(
            host="127.0.0.1", port=self.ports["postgres"], user="airflow", dbname="airflow", password=password
        )
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute(query)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    def order(self, order: str, service: str) -> None:
        """Have the supervisor `kill` a service, which restarts it, `stop` it, which leaves it down, or `start` it."""
        if not self._supervisor or not self._supervisor.stdin:
            raise StackError("It does not run.")
        self._supervisor.stdin.write(f"{order} {service}\n".encode())
        self._supervisor.stdin.flush()

    def remove(self) -> None:
        """Delete the files of PostgreSQL outside of `folder`."""
        remove_postgres(self.folder)
