"""Start, stop and inspect a stack."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ValidationError

from capture360.cdf.project_mode import DEFAULT_MODE, ModeName
from capture360.errors import Capture360Error
from capture360_local import LOCAL_STATE
from capture360_local.stack.processes import Session
from capture360_local.stack.profile import ADMIN, PROJECT, Home, base_environment

if TYPE_CHECKING:
    from capture360_local.stack.airflow_api import AirflowApi

START_SECONDS = 300.0
STOP_SECONDS = 30.0


class _Session(BaseModel):
    leader: int
    started: Annotated[str, BeforeValidator(str)]


class _Ports(BaseModel):
    api: int
    sandbox: int


class _Owned(BaseModel):
    """What any supervisor writes, that of the composition as well."""

    session: _Session


class _Status(_Owned):
    """What the supervisor writes."""

    phase: str
    reason: str | None
    ports: _Ports
    children: dict[str, int]


_Written = TypeVar("_Written", bound=_Owned)


class StackError(Capture360Error):
    """A stack did not start, or died."""

    remedy = "Read the log of the part that failed, then start the stack again."


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

    def command(self, verb: str) -> str:
        """Return the command line that starts, stops or inspects this very stack, as a shell in this folder runs it."""
        state = self.home.root if self.mode == DEFAULT_MODE else self.home.root.parent
        words = [_program(), "stack", verb]
        words += [] if state == LOCAL_STATE.resolve() else ["--state", str(state)]
        words += [] if self.mode == DEFAULT_MODE else ["--mode", self.mode]
        return shlex.join(words)

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
            phase, reason = "failed", f"The supervisor was killed; `{self.command('down')}` ends what it left behind."
        return StackStatus(
            phase,
            reason,
            f"http://127.0.0.1:{ports['api']}",
            f"http://127.0.0.1:{ports['sandbox']}",
            known["children"],
        )

    def _known(self) -> dict[str, Any]:
        status = _written(self.home.status_file, _Status)
        return status.model_dump() if status else {}

    def api(self) -> AirflowApi:
        """Return Airflow's REST API as the administrator."""
        from capture360_local.stack.airflow_api import AirflowApi

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
            raise StackError(
                f"A stack is running already with {self.home.root}.", remedy=f"Stop it with `{self.command('down')}`."
            )
        if known := self._known():
            _kill(Session(**known["session"]))
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
            missing = self._missing(started) if status.running else status.phase
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
            time.sleep(0.5)  # the supervisor, another process, writes its phase to a file

    def warnings(self) -> Sequence[str]:
        """Return the warnings of Airflow, with a fix where the stack has one; that it does not answer is one too."""
        import httpx

        from capture360_local.stack.airflow_api import MISSING_POOL

        try:
            with self.api() as api:
                found = api.warnings()
        except httpx.HTTPError as error:
            return [
                f"Airflow does not answer ({type(error).__name__}). It may be starting still; see {self.home.logs}."
            ]
        fix = f". `{self.command('down')}` and `{self.command('up')}` create it."
        return [text + fix if kind == MISSING_POOL else text for kind, text in found]

    def _missing(self, started: datetime) -> str:
        """Return what a running stack still waits for, empty if nothing."""
        import httpx

        from capture360_local.stack.airflow_api import COMPONENTS

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
        ran = _end(Session(**known["session"]), starter)
        if starter:
            starter.wait()
        return ran

    @contextlib.contextmanager
    def running(self, report: Callable[[str], None]) -> Iterator[Stack]:
        """Run the stack for the length of the block."""
        self.up(report)
        try:
            yield self
        finally:
            self.down()


def end_all(state: Path) -> Sequence[Path]:
    """End every stack and composition that has its state in this folder or below; return the folders of those that ran.

    StackError names a damaged file, or survivors.
    """
    files = sorted(file for depth in ("", "*/", "*/*/") for file in state.glob(f"{depth}stack.json"))
    found = [(file.parent, _written(file, _Owned)) for file in files]
    return [folder for folder, status in found if status and _end(Session(**status.session.model_dump()))]


def _program() -> str:
    """Return what starts the command line: its name where a shell finds this one, else its path."""
    own = Path(sys.prefix) / "bin" / "capture360"
    found = shutil.which("capture360")
    if not own.exists() or (found and Path(found).resolve() == own.resolve()):
        return "capture360"
    return os.path.relpath(own) if own.is_relative_to(Path.cwd()) else str(own)


def _written(file: Path, form: type[_Written]) -> _Written | None:
    """Return what a supervisor has written; None if there is no such file."""
    try:
        return form.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError:
        raise StackError(
            f"{file} is damaged, so nobody knows which processes belong to this stack.",
            remedy="End them by hand, then remove the file.",
        ) from None


def _end(session: Session, starter: subprocess.Popen[bytes] | None = None) -> bool:
    """Ask a supervisor to stop, and kill what is left of its session in time; return whether there was anything."""
    ran = session.led
    if ran:
        with contextlib.suppress(ProcessLookupError):
            os.kill(session.leader, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while session.led and time.monotonic() < deadline:
            if starter:
                starter.poll()
            time.sleep(0.1)  # the session is of another process, which cannot be waited for
    return _kill(session) or ran


def _kill(session: Session) -> bool:
    """Kill what a supervisor left behind; return whether there was anything."""
    if not session.members():
        return False
    if survivors := session.kill():
        numbers = ", ".join(str(process.pid) for process in survivors)
        raise StackError(f"These processes could not be ended: {numbers}.", remedy="End them by hand.")
    return True


def _is_alive(component: Mapping[str, Any], started: datetime) -> bool:
    """Healthy by a sign of life of this start; the last start's heartbeat counts as healthy for half a minute."""
    if component.get("status") != "healthy":
        return False
    beats = [value for name, value in component.items() if name.startswith("latest_") and value]
    return not beats or datetime.fromisoformat(beats[0]) >= started


def _pools() -> dict[str, Any]:
    pools: dict[str, Any] = json.loads((PROJECT / "config" / "pools.json").read_text(encoding="utf-8"))
    return pools
