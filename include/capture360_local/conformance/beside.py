"""A temporary sandbox on free ports, to compare a project with."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from capture360.cdf.client import Connection
from capture360.errors import UnavailableError
from cdf_sandbox.core.options import Options, ProjectMode
from cdf_sandbox.core.server import serving

_START_S = 60


@contextmanager
def sandbox_beside(mode: ProjectMode, assumptions: Mapping[str, Any] | None = None) -> Iterator[Connection]:
    """Serve a sandbox in a thread for the length of the block, without lags and rate limits.

    `assumptions` are further options of it.
    """
    with tempfile.TemporaryDirectory(prefix="c360-conformance-") as folder:
        chosen = {"list_lag": 0, "uploaded_lag": 0, "syncer_delay": 0, "rate_limits": False, **(assumptions or {})}
        options = Options(data=Path(folder), mode=mode, **chosen)
        started: Future[tuple[dict[str, str], Callable[[], None]]] = Future()
        thread = threading.Thread(target=lambda: asyncio.run(_serve(options, started)), daemon=True)
        thread.start()
        try:
            connection, stop = started.result(_START_S)
        except TimeoutError:
            raise UnavailableError(f"The sandbox did not start within {_START_S} s.") from None
        try:
            yield Connection.from_mapping(connection | {"mode": mode.value}, "the sandbox")
        finally:
            stop()
            thread.join(_START_S)


async def _serve(options: Options, started: Future[tuple[dict[str, str], Callable[[], None]]]) -> None:
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop() -> None:
        loop.call_soon_threadsafe(stopped.set)

    try:
        async with serving(options) as (_, connection):
            started.set_result((connection, stop))
            await stopped.wait()
    except BaseException as error:
        if started.done():
            raise
        started.set_exception(error)
