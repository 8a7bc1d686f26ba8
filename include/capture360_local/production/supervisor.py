"""Supervisor of the composition's services, like Docker Compose: in order, each once those before it are healthy.

It leads a session of its own. A service whose process ends is restarted unless the composition says otherwise; its
leftover processes are ended first, as at the end of a container. The standard input takes `kill NAME`,
`stop NAME` and `start NAME`; its end stops everything.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType

import psutil

from capture360_local.production.composition import Service
from capture360_local.production.machine import Machine
from capture360_local.stack.processes import Session
from capture360_local.stack.profile import write_privately

STATUS = "stack.json"
_MARK = "CAPTURE360_SERVICE"
"""Variable that identifies a service's processes, since Airflow puts tasks in groups of their own."""
_HEALTHY_WITHIN_S = 400.0
_LONGEST_CHECK_S = 20.0
"""As in docker-compose.yaml."""
_GRACE_S = 10.0
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 60.0
_LASTED_S = 10.0
"""Uptime after which the growing restart delay is reset, as by Docker."""


class Stopped(Exception):
    """The supervisor was asked to stop."""


class ServiceError(Exception):
    """A service did not become healthy or did not succeed."""


@dataclass(slots=True)
class Container:
    """One service's process, and the history of its restarts."""

    name: str
    service: Service
    process: subprocess.Popen[bytes] | None = None
    wanted: bool = True
    starts: int = 0
    since: float = 0.0
    pause: float = _FIRST_PAUSE_S
    due: float = 0.0
    codes: list[int] = field(default_factory=list)


class Supervisor:
    """All services of a composition."""

    def __init__(self, services: Mapping[str, Service], machine: Machine) -> None:
        self.services = services
        self.machine = machine
        self.session = Session.own()
        self.containers: dict[str, Container] = {}
        self.phase = "starting"

    def run(self) -> int:
        """Run until stopped (0) or until a required service fails (1). No process of theirs lives afterwards."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, _raise_stopped)
        reason = None
        try:
            self.machine.prepare()
            self.machine.make_database(self.services["postgres"].environment["POSTGRES_PASSWORD"])
            for service in _in_order(self.services):
                self._wait_for(service)
                self._start(service)
            for service in self.services.values():
                if service.restarts and service.health:
                    self._until_healthy(service)
            self._report("running")
            while True:
                self._watch(0.2)
        except Stopped:
            pass
        except ServiceError as error:
            reason = str(error)
            print(reason, file=sys.stderr)
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            self._stop_all()
            self._report("failed" if reason else "stopped", reason)
        return 1 if reason else 0

    def _wait_for(self, service: Service) -> None:
        for name, condition in service.after.items():
            if condition == "service_healthy":
                self._until_healthy(self.services[name])
            elif condition == "service_completed_successfully":
                container = self.containers[name]
                while not container.codes:
                    self._watch(0.1)
                if container.codes[-1]:
                    raise ServiceError(f"{name} failed with exit code {container.codes[-1]}; see {self._log(name)}.")

    def _until_healthy(self, service: Service) -> None:
        self._report(f"waiting for {service.name}")
        deadline = time.monotonic() + _HEALTHY_WITHIN_S
        for name in _names(service):
            while not self.is_healthy(service, name):
                if time.monotonic() > deadline:
                    raise ServiceError(f"{name} is not healthy after {_HEALTHY_WITHIN_S:.0f} s; see {self._log(name)}.")
                self._watch(0.5)

    def is_healthy(self, service: Service, name: str) -> bool:
        """Return whether the service's health check succeeds."""
        try:
            check = subprocess.run(  # noqa: S603 - the composition's own command
                self.machine.health(service),
                env=self.machine.environment(service, name),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
                timeout=_LONGEST_CHECK_S,
            )
        except subprocess.TimeoutExpired:
            return False
        return check.returncode == 0

    def _start(self, service: Service) -> None:
        for name in _names(service):
            self.containers[name] = container = Container(name, service)
            self._spawn(container)

    def _spawn(self, container: Container) -> None:
        name, service = container.name, container.service
        with self._log(name).open("ab") as log:
            container.process = subprocess.Popen(  # noqa: S603 - the composition's own command
                self.machine.command(service, name),
                env={**self.machine.environment(service, name), _MARK: name},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        container.starts += 1
        container.since = time.monotonic()

    def _log(self, name: str) -> Path:
        return self.machine.folder / "logs" / f"{name}.log"

    def _watch(self, seconds: float) -> None:
        """Carry out commands for that time, then restart what has ended."""
        if select.select([sys.stdin], [], [], seconds)[0]:
            orders = os.read(sys.stdin.fileno(), 1 << 16).decode()
            if not orders:
                raise Stopped
            for line in orders.splitlines():
                self._obey(*line.split())
        changed = False
        for container in self.containers.values():
            if container.process and (code := container.process.poll()) is not None:
                changed = True
                self._ended(container, code)
            elif not container.process and container.wanted and time.monotonic() >= container.due:
                changed = True
                self._spawn(container)
        if changed:
            self._report(self.phase)

    def _ended(self, container: Container, code: int) -> None:
        self._kill(container)
        container.process = None
        container.codes.append(code)
        container.wanted = container.wanted and container.service.restarts
        lasted = time.monotonic() - container.since > _LASTED_S
        container.pause = _FIRST_PAUSE_S if lasted else min(2 * container.pause, _LONGEST_PAUSE_S)
        container.due = time.monotonic() + container.pause

    def _obey(self, order: str, name: str) -> None:
        container = self.containers[name]
        container.wanted = order != "stop"
        if order in {"stop", "kill"}:
            self._kill(container)

    def _kill(self, container: Container) -> None:
        """Kill every process of the service, as when its container is killed."""
        while processes := list(self._processes(container)):
            for process in processes:
                try:
                    process.kill()
                except psutil.NoSuchProcess:
                    continue
            if container.process:
                container.process.poll()
            psutil.wait_procs(processes, timeout=0.2)

    def _processes(self, container: Container) -> Iterator[psutil.Process]:
        """Yield the service's processes: its own with those below it, and others with its mark.

        Redis overwrites its environment and with it the mark; what a dead parent left behind has the mark alone.
        """
        if container.process and container.process.poll() is None:
            own = psutil.Process(container.process.pid)
            yield from (*own.children(recursive=True), own)
        for process in psutil.process_iter():
            try:
                if process.environ().get(_MARK) == container.name and self._is_ours(process):
                    yield process
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue

    def _is_ours(self, process: psutil.Process) -> bool:
        """Return whether the process belongs to this supervisor, not to one of another folder."""
        return bool(process.environ().get("HOME") == str(self.machine.folder / "tmp"))

    def _stop_all(self) -> None:
        """Stop the services in the reverse order of their start, the stores last."""
        for container in self.containers.values():
            container.wanted = False
            if container.process and container.service.name != "postgres":
                container.process.terminate()
        deadline = time.monotonic() + _GRACE_S
        for container in reversed(self.containers.values()):
            if container.process and container.service.name == "postgres":
                container.process.send_signal(signal.SIGINT)
            if container.process:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    container.process.wait(max(0.1, deadline - time.monotonic()))
            self._kill(container)
        self.session.kill()

    def _report(self, phase: str, reason: str | None = None) -> None:
        self.phase = phase
        write_privately(
            self.machine.folder / STATUS,
            {
                "phase": phase,
                "reason": reason,
                "session": asdict(self.session),
                "ports": dict(self.machine.ports),
                "services": {
                    each.name: {"pid": each.process.pid if each.process else None, "starts": each.starts}
                    for each in self.containers.values()
                },
            },
        )


def _names(service: Service) -> Sequence[str]:
    if service.replicas == 1:
        return (service.name,)
    return tuple(f"{service.name}-{number}" for number in range(1, service.replicas + 1))


def _in_order(services: Mapping[str, Service]) -> Sequence[Service]:
    """Sort services by their dependencies."""
    from graphlib import TopologicalSorter

    order = TopologicalSorter({name: set(service.after) for name, service in services.items()}).static_order()
    return [services[name] for name in order]


def _raise_stopped(_number: int, _frame: FrameType | None) -> None:
    raise Stopped
