"""Start, stop and inspect a stack."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from capture360.cdf.project_mode import DEFAULT_MODE, ModeName
from capture360.errors import Capture360Error
from capture360_local.stack.airflow_api import COMPONENTS, AirflowApi
from capture360_local.stack.processes import Session
from capture360_local.stack.profile import ADMIN, PROJECT, Home, base_environment

START_SECONDS = 300.0
STOP_SECONDS = 30.0


class _Session(BaseModel):
    leader: int
    started: float


class _Ports(BaseModel):
    api: int
    sandbox: int


class _Status(BaseModel):
    """What the supervisor writes."""

    phase: str
    reason: str | None
    session: _Session
    ports: _Ports
    children: dict[str, int]


_STATUS = TypeAdapter(_Status)


class StackError(Capture360Error):
    """A stack did not start, or died."""

    remedy = "Read the named log, then start the stack again."


@dataclass(frozen=True, slots=True)
class StackStatus:
    """`phase` is running, stopped, failed or a phrase about what is under way; `reason` says why it failed."""

    phase: str
    reason: str | None
    url: str
    sandbox_url: str
    children: Mapping[str, int]

    @property
    def running(self) -> bool:
        """Whether everything runs."""
        return self.phase == "running"


class Stack:
    """One stack with everything it keeps under `root`. Several roots may run at once. `mode` is the CDF project's."""

    def __init__(self, root: Path, mode: ModeName = DEFAULT_MODE) -> None:
        self.home = Home(root.resolve())
        self.mode = mode
        self._starter: subprocess.Popen[bytes] | None = None

    @property
    def user(self) -> str:
        """Name of the administrator."""
        return ADMIN

    @property
    def password(self) -> str:
        """Password of the administrator."""
        return self.home.keys["password"]

    def status(self) -> StackStatus:
        """Return the last status of the supervisor, corrected if it was killed."""
        known = self._known()
        if not known:
            return StackStatus("starting" if self._starter else "stopped", None, "", "", {})
        ports = known["ports"]
        phase, reason = known["phase"], known["reason"]
        if phase not in {"stopped", "failed"} and not Session(**known["session"]).led:
            phase, reason = "failed", "The supervisor was killed; `capture360 stack down` ends what it left behind."
        return StackStatus(
            phase,
            reason,
            f"http://127.0.0.1:{ports['api']}",
            f"http://127.0.0.1:{ports['sandbox']}",
            known["children"],
        )

    def _known(self) -> dict[str, Any]:
        file = self.home.status_file
        try:
            return _STATUS.validate_json(file.read_bytes()).model_dump()
        except FileNotFoundError:
            return {}
        except ValidationError:
            raise StackError(
                f"{file} is damaged, so nobody knows which processes belong to this stack. End them by hand, then "
                "remove the file."
            ) from None

    def api(self) -> AirflowApi:
        """Return Airflow's REST API as the administrator."""
        return AirflowApi(self.status().url, self.user, self.password)

    def sandbox_connection(self) -> dict[str, str]:
        """Return the connection file of the sandbox: base_url, project, token_url, client_id, client_secret."""
        path = self.home.sandbox / "connection.json"
        connection: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        return connection

    def up(
        self,
        report: Callable[[str], None],
        *,
        attached: bool = True,
        api_port: int | None = None,
    ) -> None:
        """Start and wait until every component is healthy and the DAGs are read; StackError names what failed.

        An attached stack ends with this process, however that ends; one that is not runs until `down`.
        """
        if self.status().running:
            raise StackError(f"A stack is running already with {self.home.root}. Stop it with `capture360 stack down`.")
        self._end_leftovers()
        self.home.prepare()
        self.home.status_file.unlink(missing_ok=True)
        started = datetime.now(UTC)
        command = [sys.executable, "-m", "capture360_local.stack.supervisor", str(self.home.root), self.mode]
        command += ["--attached"] if attached else []
        command += ["--api-port", str(api_port)] if api_port else []
        with (self.home.logs / "supervisor.log").open("wb") as log:
            self._starter = subprocess.Popen(  # noqa: S603 - our own module, no shell
                command,
                env=base_environment(self.home),
                stdin=subprocess.PIPE if attached else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_healthy(report, started)
        except BaseException:
            self.down()
            raise

    def _wait_until_healthy(self, report: Callable[[str], None], started: datetime) -> None:
        deadline = time.monotonic() + START_SECONDS
        reported = ""
        while time.monotonic() < deadline:
            self.check()
            status = self.status()
            missing = self._missing(status, started) if status.running else status.phase
            if not missing:
                return
            if missing != reported:
                report(missing)
                reported = missing
            time.sleep(0.3)  # the supervisor, another process, writes its phase to a file
        raise StackError(f"The stack is not ready after {START_SECONDS:.0f} s ({reported}); see {self.home.logs}.")

    def check(self) -> None:
        """StackError with the reason if the stack has died."""
        status = self.status()
        if status.phase == "failed":
            raise StackError(status.reason or f"The stack failed; see {self.home.logs}.")
        if self._starter and self._starter.poll() is not None:
            raise StackError(f"The supervisor ended; see {self.home.logs / 'supervisor.log'}.")

    def wait(self) -> None:
        """Wait until the stack dies (StackError says why) or is stopped elsewhere."""
        while self.status().phase != "stopped":
            self.check()
            time.sleep(0.5)  # as above

    def warnings(self) -> Sequence[str]:
        """Return the warnings of Airflow, each with its fix."""
        with self.api() as api:
            return [
                f"{warning}. Create it with `airflow pools import config/pools.json`." for warning in api.warnings()
            ]

    def _missing(self, status: StackStatus, started: datetime) -> str:
        """Return what a running stack still waits for, empty if nothing."""
        try:
            with self.api() as api:
                health = api.health()
                waiting = [name for name in COMPONENTS if not _is_alive(health.get(name) or {}, started)]
                if waiting:
                    return f"waiting for {', '.join(waiting).replace('_', '-')}"
                if errors := api.import_errors():
                    raise StackError(f"{errors[0]['filename']} cannot be read: {errors[0]['stack_trace']}")
                wanted = {path.stem for path in (PROJECT / "dags").glob("captures_*.py")}
                unread = wanted - {str(dag["dag_id"]) for dag in api.dags()}
                if unread:
                    return f"waiting for {', '.join(sorted(unread))} to be read"
                for name, pool in _pools().items():
                    api.ensure_pool(name, pool["slots"], pool["description"])
        except httpx.HTTPError:
            return "waiting for the api-server"
        return ""

    def down(self) -> bool:
        """Stop the stack and wait for its processes; False if nothing ran. StackError names survivors."""
        known = self._known()
        starter, self._starter = self._starter, None
        if starter and starter.stdin:
            starter.stdin.close()
        if not known:
            if starter:
                starter.terminate()
                starter.wait()
            return starter is not None
        session = Session(**known["session"])
        ran = session.led
        if ran:
            with contextlib.suppress(ProcessLookupError):
                os.kill(session.leader, signal.SIGTERM)
            deadline = time.monotonic() + STOP_SECONDS
            while session.led and time.monotonic() < deadline:
                if starter:
                    starter.poll()
                time.sleep(0.1)  # the session is of another process, which cannot be waited for
        ran = self._end_leftovers() or ran
        if starter:
            starter.wait()
        return ran

    def _end_leftovers(self) -> bool:
        """Kill what a killed supervisor left behind; returns whether there was anything."""
        known = self._known()
        if not known:
            return False
        session = Session(**known["session"])
        if not session.members():
            return False
        if survivors := session.kill():
            numbers = ", ".join(str(process.pid) for process in survivors)
            raise StackError(f"These processes could not be ended: {numbers}. End them by hand.")
        return True

    @contextlib.contextmanager
    def running(self, report: Callable[[str], None]) -> Iterator[Stack]:
        """Run the stack for the length of the block."""
        self.up(report)
        try:
            yield self
        finally:
            self.down()


def _is_alive(component: Mapping[str, Any], started: datetime) -> bool:
    """Healthy by a sign of life of this start; the last start's heartbeat counts as healthy for half a minute."""
    if component.get("status") != "healthy":
        return False
    beats = [value for name, value in component.items() if name.startswith("latest_") and value]
    return not beats or datetime.fromisoformat(beats[0]) >= started


def _pools() -> dict[str, Any]:
    pools: dict[str, Any] = json.loads((PROJECT / "config" / "pools.json").read_text(encoding="utf-8"))
    return pools
