"""Runs the two origins of a sandbox in one process and announces them in ``connection.json``."""

import asyncio
import contextlib
import fcntl
import ipaddress
import json
import os
import secrets
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from cdf_sandbox.core.app import create_app, create_link_app, create_sandbox
from cdf_sandbox.core.auth import TOKEN_PATH, register_client
from cdf_sandbox.core.background import Background
from cdf_sandbox.core.options import Options
from cdf_sandbox.core.protocol import SandboxProtocol
from cdf_sandbox.core.sandbox import Sandbox
from cdf_sandbox.services.three_d import extraction, text_detection
from cdf_sandbox.services.vision import worker as vision_work

CONNECTION_FILE = "connection.json"
_CLIENT_ID = "capture360"


class CannotServe(Exception):
    """The sandbox cannot start; the message says why and what to do."""


def listen(host: str, port: int, *, public: bool) -> socket.socket:
    """A listening socket; addresses that other machines can reach need ``public``."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise CannotServe(f"Cannot resolve the host {host!r}: {error.strerror}") from error
    if not public and not ipaddress.ip_address(address[0]).is_loopback:
        raise CannotServe(
            f"{host} can be reached by other machines, and the sandbox protects nothing."
            " Bind to 127.0.0.1, or pass --public if the network is yours alone."
        )
    # asyncio switches Nagle's algorithm off only on sockets that say they are TCP; with it every answer waits 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise CannotServe(f"Cannot listen on {host}:{port}: {error.strerror}. Is a sandbox running already?") from error
    listener.listen(1024)
    return listener


def _write_privately(path: Path, content: dict[str, Any]) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w") as stream:
        json.dump(content, stream, indent=2)
        stream.write("\n")
    Path(temporary).replace(path)


def _take_secret(path: Path) -> str | None:
    """The secret of the last start, so that a restart does not lock clients out; its file speaks of a gone socket."""
    with contextlib.suppress(OSError, ValueError):
        known = json.loads(path.read_text())
        path.unlink()
        if isinstance(known, dict) and isinstance(known.get("client_secret"), str):
            return str(known["client_secret"])
    return None


def _cluster(data: Path) -> str:
    """A name that stays with the data, whichever port they are served on."""
    path = data / "cluster"
    if not path.exists():
        path.write_text(f"sandbox-{secrets.token_hex(6)}")
    return path.read_text()


@contextlib.contextmanager
def _sole_owner(data: Path) -> Iterator[None]:
    """Hold the lock of a data directory; the system frees it however the process ends."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CannotServe(f"Another sandbox serves {data} already. Stop it, or pass another --data.") from error
        yield


class _Server(uvicorn.Server):
    """One of two servers in a process: signals are the business of :func:`run`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _uvicorn(app: ASGIApp) -> uvicorn.Server:
    config = uvicorn.Config(
        app, http=SandboxProtocol, ws="none", lifespan="off", access_log=False, log_level="warning",
        proxy_headers=False, timeout_graceful_shutdown=5, timeout_keep_alive=75, date_header=False, server_header=False,
    )  # fmt: skip
    return _Server(config)


def _workers(sandbox: Sandbox) -> list[Background[int]]:
    """Start what works on after answers."""
    extractions = Background("extraction", sandbox, extraction.unfinished_revisions, extraction.process)
    jobs = Background("3D jobs", sandbox, text_detection.unfinished_jobs, text_detection.detect_texts)
    vision = Background("vision", sandbox, vision_work.unfinished_jobs, vision_work.look_at_images)
    sandbox.extract, sandbox.detect_texts, sandbox.see = extractions.add, jobs.add, vision.add
    workers = [extractions, jobs, vision]
    for worker in workers:
        worker.start()
    return workers


@contextlib.asynccontextmanager
async def serving(options: Options) -> AsyncIterator[tuple[Sandbox, dict[str, str]]]:
    """Serve both origins for the length of the block; yields the sandbox and what ``connection.json`` says."""
    with (
        _sole_owner(options.data),
        contextlib.closing(listen(options.host, options.port, public=options.public)) as api_socket,
        contextlib.closing(listen(options.host, options.link_port, public=options.public)) as link_socket,
    ):
        connection_file = options.data / CONNECTION_FILE
        secret = _take_secret(connection_file)
        sandbox = create_sandbox(options)
        sandbox.link_port = link_socket.getsockname()[1]
        workers = _workers(sandbox)
        servers = [_uvicorn(create_app(options, sandbox)), _uvicorn(create_link_app(sandbox))]
        tasks = [
            asyncio.create_task(server.serve([sock]))
            for server, sock in zip(servers, (api_socket, link_socket), strict=True)
        ]
        try:
            while not all(server.started for server in servers):
                for task in tasks:
                    if task.done():
                        task.result()
                        raise CannotServe("The server stopped while it was starting")
                await asyncio.sleep(0.01)
            host = options.advertised_host or options.host
            base_url = f"http://{f'[{host}]' if ':' in host else host}:{api_socket.getsockname()[1]}"
            connection = {
                "base_url": base_url,
                "project": options.project,
                "cluster": _cluster(options.data),
                "token_url": base_url + TOKEN_PATH,
                "client_id": _CLIENT_ID,
                "client_secret": register_client(sandbox, _CLIENT_ID, secret=secret),
            }
            _write_privately(connection_file, connection)
            yield sandbox, connection
        finally:
            for server in servers:
                server.should_exit = True
            await asyncio.gather(*tasks, return_exceptions=True)
            for worker in workers:
                await asyncio.to_thread(worker.stop)
            sandbox.storage.close()


def run(options: Options, announce: Callable[[dict[str, str]], None]) -> None:
    """Serve in the foreground until SIGINT or SIGTERM; ``announce`` is called once the sockets answer."""

    async def until_stopped() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)
        async with serving(options) as (_, connection):
            announce(connection)
            await stopped.wait()

    asyncio.run(until_stopped())
