"""Run the two origins of a sandbox in one process and announce them in `connection.json`."""

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
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import uvicorn
from anyio.from_thread import start_blocking_portal
from starlette.types import ASGIApp
from typing_extensions import override

from cdf_sandbox.core.app import create_app, create_link_app, create_sandbox
from cdf_sandbox.core.auth import TOKEN_PATH, register_client
from cdf_sandbox.core.background import Background
from cdf_sandbox.core.options import Options
from cdf_sandbox.core.protocol import SandboxProtocol
from cdf_sandbox.core.sandbox import Sandbox
from cdf_sandbox.core.storage import OtherVersion
from cdf_sandbox.services.three_d import extraction
from cdf_sandbox.services.three_d import jobs as three_d_jobs
from cdf_sandbox.services.vision import worker as vision_worker

CONNECTION_FILE = "connection.json"
_CLIENT_ID = "capture360"
_STARTS_WITHIN_S = 120


class CannotServe(Exception):
    """The sandbox cannot start; the message gives the reason and what to do."""


def listen(host: str, port: int, *, public: bool) -> socket.socket:
    """Open a listening socket; addresses that other machines can reach need `public`."""
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


def _set_aside(path: Path) -> tuple[Path, str | None]:
    """Rename the connection file of the last start, whose socket is closed; return its new path and client secret.

    Clients keep their secret across restarts. The renamed file stays until a new one is written, so that a start that
    fails or is killed does not lose it.
    """
    previous = path.with_name(f".{path.name}.previous")
    if path.exists():
        path.replace(previous)
    try:
        known = json.loads(previous.read_text())
    except (OSError, ValueError):
        return previous, None
    secret = known.get("client_secret") if isinstance(known, dict) else None
    return previous, secret if isinstance(secret, str) else None


def _cluster(data: Path) -> str:
    """Return the name that identifies the data directory, whichever port it is served on."""
    path = data / "cluster"
    if not path.exists():
        path.write_text(f"sandbox-{secrets.token_hex(6)}")
    return path.read_text()


@contextlib.contextmanager
def _sole_owner(data: Path) -> Iterator[None]:
    """Hold the lock of a data directory; the operating system releases it when the process ends."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CannotServe(f"Another sandbox serves {data} already. Stop it, or pass another --data.") from error
        yield


class _Server(uvicorn.Server):
    """One of two servers in a process; `run` handles the signals."""

    @contextlib.contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:
        yield


def _uvicorn(app: ASGIApp) -> uvicorn.Server:
    config = uvicorn.Config(
        app, http=SandboxProtocol, ws="none", lifespan="off", access_log=False, log_level="warning",
        proxy_headers=False, timeout_graceful_shutdown=5, timeout_keep_alive=75, date_header=False, server_header=False,
    )  # fmt: skip
    return _Server(config)


@contextlib.asynccontextmanager
async def _workers(sandbox: Sandbox) -> AsyncIterator[None]:
    """Run the background work of the services for the length of the block."""
    extractions = Background(
        "extraction", sandbox, extraction.unfinished_revisions, extraction.process_revision, extraction.fail
    )
    jobs = Background("3D jobs", sandbox, three_d_jobs.unfinished_jobs, three_d_jobs.process_job, three_d_jobs.fail)
    vision = Background("vision", sandbox, vision_worker.unfinished_jobs, vision_worker.process_job, vision_worker.fail)
    sandbox.queue_extraction, sandbox.queue_3d_job, sandbox.queue_vision_job = (
        extractions.add,
        jobs.add,
        vision.add,
    )
    async with contextlib.AsyncExitStack() as stack:
        for worker in (extractions, jobs, vision):
            worker.start()
            stack.push_async_callback(asyncio.to_thread, worker.stop)
        stack.callback(sandbox.clock.stop)
        yield


@contextlib.asynccontextmanager
async def _started(servers: Sequence[uvicorn.Server], sockets: Sequence[socket.socket]) -> AsyncIterator[None]:
    """Serve each of `sockets` for the length of the block, which begins once all servers answer."""
    tasks = [asyncio.create_task(server.serve([listener])) for server, listener in zip(servers, sockets, strict=True)]
    try:
        try:
            async with asyncio.timeout(_STARTS_WITHIN_S):
                while not all(server.started for server in servers):
                    for task in tasks:
                        if task.done():
                            task.result()
                            raise CannotServe("The server stopped while it was starting")
                    await asyncio.sleep(0.01)  # uvicorn has no event for having started
        except TimeoutError:
            raise CannotServe(f"The server did not start within {_STARTS_WITHIN_S} s") from None
        yield
    finally:
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def serving(options: Options) -> AsyncIterator[tuple[Sandbox, dict[str, str]]]:
    """Serve both origins for the length of the block; yield the sandbox and the content of `connection.json`."""
    with (
        _sole_owner(options.data),
        contextlib.closing(listen(options.host, options.port, public=options.public)) as api_socket,
        contextlib.closing(listen(options.host, options.link_port, public=options.public)) as link_socket,
    ):
        connection_file = options.data / CONNECTION_FILE
        previous, secret = _set_aside(connection_file)
        try:
            sandbox = create_sandbox(options)
        except OtherVersion:
            raise CannotServe(
                f"{options.data} was made by another version of the sandbox. Delete it, or pass another --data."
            ) from None
        sandbox.link_port = link_socket.getsockname()[1]
        with contextlib.closing(sandbox.storage):
            servers = [_uvicorn(create_app(options, sandbox)), _uvicorn(create_link_app(sandbox))]
            async with _workers(sandbox), _started(servers, (api_socket, link_socket)):
                host = options.advertised_host or options.host
                base_url = f"http://{f'[{host}]' if ':' in host else host}:{api_socket.getsockname()[1]}"
                connection = {
                    "base_url": base_url,
                    "project": options.project,
                    "mode": options.mode.value,
                    "cluster": _cluster(options.data),
                    "token_url": base_url + TOKEN_PATH,
                    "client_id": _CLIENT_ID,
                    "client_secret": register_client(sandbox, _CLIENT_ID, secret=secret),
                }
                _write_privately(connection_file, connection)
                previous.unlink(missing_ok=True)
                yield sandbox, connection


@contextlib.contextmanager
def serving_in_thread(options: Options) -> Iterator[tuple[Sandbox, dict[str, str]]]:
    """Serve as `serving` does, in a thread of this process."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serving(options)) as served:
        yield served


def run(options: Options, announce: Callable[[dict[str, str]], None]) -> None:
    """Serve in the foreground until SIGINT or SIGTERM; `announce` is called once the sockets answer."""

    async def until_stopped() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)
        async with serving(options) as (_, connection):
            announce(connection)
            await stopped.wait()

    asyncio.run(until_stopped())
