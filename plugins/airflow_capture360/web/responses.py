"""Responses: pages, and JSON of texts from outside."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse
from typing_extensions import override


class Json(JSONResponse):
    """JSON in ASCII, since a text from outside may hold half a character, which UTF-8 cannot."""

    @override
    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


def html_page(content: tuple[str, str]) -> Response:
    """Return a response with a page and its content security policy."""
    text, policy = content
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "private, no-store",
    }
    return Response(text.encode(errors="backslashreplace"), media_type="text/html; charset=utf-8", headers=headers)
