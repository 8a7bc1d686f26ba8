"""HTTP below ASGI: access to the connection for the middleware."""

import asyncio
import json
import socket
import struct

from starlette.types import Scope
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_KEY = "cdf_sandbox.transport"


class SandboxProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with the transport of the connection among the scope's extensions."""

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {_KEY: {"transport": self.transport}}

    @override
    def send_400_response(self, msg: str) -> None:
        """Answer invalid HTTP with CDF's envelope too."""
        body = json.dumps({"error": {"code": 400, "message": msg}}).encode()
        head = f"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(head.encode() + b"connection: close\r\n\r\n" + body)
        self.transport.close()


def reset_connection(scope: Scope) -> None:
    """Drop the connection at once, as a reset: what was not yet sent is lost."""
    transport: asyncio.Transport = scope["extensions"][_KEY]["transport"]
    connection = transport.get_extra_info("socket")
    if connection is not None:
        # Closing a socket that lingers for no time sends RST instead of FIN.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
