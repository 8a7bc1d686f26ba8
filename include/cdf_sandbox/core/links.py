"""Links that carry their own permission: signed, expiring, for one purpose, served by the second origin."""

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

from cdf_sandbox.core.clock import Clock
from cdf_sandbox.core.errors import LinkRefused


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Links:
    """Creation and verification of the tokens in link URLs."""

    def __init__(self, key: bytes, clock: Clock) -> None:
        self._key = key
        self._clock = clock

    def _signature(self, payload: bytes) -> bytes:
        return hmac.new(self._key, payload, hashlib.sha256).digest()

    def token(self, purpose: str, content: dict[str, Any], lifetime: float) -> str:
        """A token for `purpose` that holds `content` for `lifetime` seconds."""
        payload = json.dumps([purpose, self._clock.now() + lifetime, content]).encode()
        return f"{_encode(payload)}.{_encode(self._signature(payload))}"

    def open(self, purpose: str, token: str) -> dict[str, Any]:
        """The content of a token; 403 when it is forged, expired or for another purpose."""
        encoded, _, signature = token.partition(".")
        try:
            payload = _decode(encoded)
            genuine = hmac.compare_digest(_decode(signature), self._signature(payload))
        except (binascii.Error, ValueError):
            genuine = False
        if not genuine:
            raise LinkRefused("The link is not valid: its signature does not match")
        made_for, expires_at, content = json.loads(payload)
        if made_for != purpose:
            raise LinkRefused(f"The link is not valid for {purpose}")
        if expires_at <= self._clock.now():
            raise LinkRefused("The link has expired")
        return dict(content)
