"""Changes to the HTTP clients that the SDK makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2


def on_each_client(change: Callable[[httpx2.AsyncClient], None]) -> None:
    """Apply a change to all clients of the SDK in this process, those to come included.

    The SDK (8.22) offers no place for it: its pools are made by one function of its own.
    """
    from cognite.client import _http_client

    for client in _http_client._global_async_httpx_clients.values():
        change(client)
    make = _http_client._build_httpx_client

    def made() -> httpx2.AsyncClient:
        client = make()
        change(client)
        return client

    _http_client._build_httpx_client = made
