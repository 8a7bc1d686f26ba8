"""Process sessions: list their members and end all of them.

Airflow puts every running task in a process group of its own, so ending one group leaves tasks behind. All of them stay
in the session that the supervisor opened.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def start_of(process: int) -> str:
    """Return what tells a process from others that had its id: when it started, in ticks of this boot of the machine.

    A time of day would move with every step of the clock. psutil.NoSuchProcess if there is no such process.
    """
    if not _BOOT.exists():
        return str(psutil.Process(process).create_time())
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        raise psutil.NoSuchProcess(process) from None
    return f"{_BOOT.read_text(encoding='utf-8').strip()} {fields[19]}"


@dataclass(frozen=True, slots=True)
class Session:
    """A session by its leader's process id and what `start_of` says of the leader."""

    leader: int
    started: str

    @classmethod
    def own(cls) -> Session:
        """Return the session that this process leads."""
        return cls(os.getpid(), start_of(os.getpid()))

    @property
    def led(self) -> bool:
        """Whether the leader lives."""
        try:
            lives = psutil.Process(self.leader).status() != psutil.STATUS_ZOMBIE
            return lives and start_of(self.leader) == self.started
        except psutil.NoSuchProcess:
            return False

    def members(self) -> Sequence[psutil.Process]:
        """Return the living processes of the session, without the calling process.

        A system never gives a new process the id of a session that still has members, so a living process with the
        leader's id and another start means that the session has ended.
        """
        with contextlib.suppress(psutil.NoSuchProcess):
            if start_of(self.leader) != self.started:
                return ()
        return tuple(process for process in psutil.process_iter() if self._holds(process))

    def _holds(self, process: psutil.Process) -> bool:
        if process.pid == os.getpid():
            return False
        try:
            return bool(os.getsid(process.pid) == self.leader and process.status() != psutil.STATUS_ZOMBIE)
        except (ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            return False

    def kill(self, within: float = 10.0) -> Sequence[psutil.Process]:
        """Kill all members but the caller; returns those that still live after `within` seconds."""
        deadline = time.monotonic() + within
        while members := self.members():
            for process in members:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(members, timeout=0.5)
            if time.monotonic() > deadline:
                return self.members()
        return ()


def is_free(port: int) -> bool:
    """Return whether nothing listens on this loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(preferred: int | None = None) -> int:
    """Return `preferred` if it is free, else a port that the system picks."""
    if preferred and is_free(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
