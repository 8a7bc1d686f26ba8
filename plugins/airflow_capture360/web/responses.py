"""Responses that are pages."""

from __future__ import annotations

from fastapi import Response


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
