"""The process that owns a stack: starts its children, ends all of them when one dies or on request.

`python -m capture360_local.stack.supervisor HOME MODE` leads a session of its own. With `--attached` it also stops when
its standard input closes, which happens however its starter ends.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from capture360_local.stack.processes import Session
from capture360_local.stack.profile import Home, Ports, airflow_environment, base_environment, connection_variable
from capture360_local.stack.profile import write_privately as write

GRACE_SECONDS = 5.0
_SANDBOX_SECONDS = 60.0
_AIRFLOW = (sys.executable, "-m", "airflow")


class _Stop(Exception):
    """The stack was asked to stop."""


class _Broken(Exception):
    """The stack cannot continue; the text says why."""


@dataclass(frozen=True, slots=True)
class Child:
    """A running service of the stack."""

    name: str
    process: subprocess.Popen[bytes]


class Supervisor:
    """Children in the order of their start; the last started is stopped first."""

    def __init__(self, home: Home, mode: str, ports: Ports, *, attached: bool) -> None:
        self.home = home
        self.mode = mode
        self.ports = ports
        self.attached = attached
        self.session = Session.own()
        self.children: list[Child] = []

    def run(self) -> int:
        """Run until stopped (0) or broken (1). Only this process of the session lives afterwards."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, _raise_stop)
        reason: str | None = None
        try:
            self._start()
            self._report("running")
            while True:
                self._watch(0.5)
        except _Stop:
            pass
        except _Broken as broken:
            reason = str(broken)
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            self._report("stopping", reason)
            self._stop_all()
            self._report("failed" if reason else "stopped", reason)
        return 1 if reason else 0

    def _start(self) -> None:
        environment = base_environment(self.home)
        self._report("starting the sandbox")
        announcement = self.home.sandbox / "connection.json"
        before = _stamp(announcement)
        sandbox = (sys.executable, "-m", "capture360_local.stack.sandbox", str(self.home.sandbox))
        self._spawn("sandbox", (*sandbox, "--port", str(self.ports.sandbox), "--mode", self.mode), environment)
        deadline = time.monotonic() + _SANDBOX_SECONDS
        while _stamp(announcement) in {before, None}:
            self._watch(0.1)
            if time.monotonic() > deadline:
                raise _Broken(f"The sandbox gave no sign within {_SANDBOX_SECONDS:.0f} s; see {self._log('sandbox')}.")
        connection = json.loads(announcement.read_text(encoding="utf-8"))
        environment |= airflow_environment(self.home, self.ports) | connection_variable(connection, self.mode)
        self._migrate(environment)
        self._report("starting Airflow")
        api_server = ("api-server", "--host", "127.0.0.1", "--port", str(self.ports.api))
        self._spawn("api-server", (*_AIRFLOW, *api_server), environment)
        self._spawn("scheduler", (*_AIRFLOW, "scheduler", "--skip-serve-logs"), environment)
        self._spawn("dag-processor", (*_AIRFLOW, "dag-processor"), environment)
        self._spawn("triggerer", (*_AIRFLOW, "triggerer", "--skip-serve-logs"), environment)

    def _migrate(self, environment: Mapping[str, str]) -> None:
        """Migrate the metadata database to the installed version; a marker saves the time if it is current."""
        from importlib.metadata import version

        marker = self.home.airflow / f".migrated-{version('apache-airflow-core')}"
        if marker.exists() and (self.home.airflow / "airflow.db").exists():
            return
        self._report("preparing Airflow's database")
        self._spawn("migration", (*_AIRFLOW, "db", "migrate"), environment)
        migration = self.children[-1].process
        while migration.poll() is None:
            self._watch(0.1)
        self.children.pop()
        if migration.returncode:
            raise _Broken(f"Airflow's database could not be prepared; see {self._log('migration')}.")
        marker.touch()

    def _spawn(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        with self._log(name).open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own fixed commands, no shell
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        self.children.append(Child(name, process))

    def _log(self, name: str) -> Path:
        return self.home.logs / f"{name}.log"

    def _watch(self, seconds: float) -> None:
        """Wait this long for the starter to end, then check whether a child has died."""
        if not self.attached:
            time.sleep(seconds)  # a signal interrupts it
        elif select.select([sys.stdin], [], [], seconds)[0] and not os.read(sys.stdin.fileno(), 1024):
            raise _Stop
        for child in self.children:
            code = child.process.poll()
            if code is not None and child.name != "migration":
                raise _Broken(f"The {child.name} died ({_cause(code)}); see {self._log(child.name)}.")

    def _stop_all(self) -> None:
        for child in reversed(self.children):
            if child.process.poll() is None:
                child.process.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        for child in self.children:
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
        survivors = self.session.kill()
        for child in self.children:
            child.process.wait()
        if survivors:
            names = ", ".join(f"{process.pid}" for process in survivors)
            print(f"These processes could not be ended: {names}", file=sys.stderr)

    def _report(self, phase: str, reason: str | None = None) -> None:
        status: dict[str, Any] = {
            "phase": phase,
            "reason": reason,
            "session": asdict(self.session),
            "ports": asdict(self.ports),
            "children": {child.name: child.process.pid for child in self.children},
        }
        write(self.home.status_file, status)


def _raise_stop(_number: int, _frame: FrameType | None) -> None:
    raise _Stop


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _cause(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    return f"signal {signal.Signals(-code).name}"


def main() -> int:
    """Run the stack until it is stopped; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m capture360_local.stack.supervisor")
    parser.add_argument("home", type=Path)
    parser.add_argument("mode")
    parser.add_argument("--attached", action="store_true")
    parser.add_argument("--api-port", type=int)
    arguments = parser.parse_args()
    home = Home(arguments.home)
    home.prepare()
    return Supervisor(home, arguments.mode, home.choose_ports(arguments.api_port), attached=arguments.attached).run()


if __name__ == "__main__":
    sys.exit(main())
