"""Which certificates HTTPS is trusted by."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl


@cache
def trusted() -> ssl.SSLContext:
    """Return the TLS context of this process, by `SSL_CERT_FILE`, `SSL_CERT_DIR` or certifi.

    Reading all certificates takes more CPU than a request, so clients that live for a request or two share it.
    """
    import httpx

    return httpx.create_ssl_context()
