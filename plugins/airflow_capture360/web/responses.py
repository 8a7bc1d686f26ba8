"""Responses: pages, pictures that browsers ask about each time, and JSON of texts from outside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Header, Response
from fastapi.responses import JSONResponse
from typing_extensions import override

Held = Annotated[str, Header(alias="if-none-match", max_length=1000)]
"""The header in which browsers name the tags of contents that they hold."""


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


def unless_held(tag: str, held: str, headers: Mapping[str, str]) -> tuple[dict[str, str], Response | None]:
    """Return the headers of a content with this tag, and the whole answer if the browser holds that.

    It asks each time, since what it holds may have been retracted meanwhile.
    """
    tagged = {**headers, "Cache-Control": "private, no-cache", "ETag": f'"{tag}"'}
    tags = {each.strip().removeprefix("W/") for each in held.split(",")}
    return tagged, Response(status_code=304, headers=tagged) if tagged["ETag"] in tags else None
