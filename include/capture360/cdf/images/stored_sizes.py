"""Sizes of uploaded files in the store behind CDF, from their download links, since CDF reports no size.

A signed link allows GET only, so the first byte is requested: the headers of the answer state the whole size. The links
are permissions and appear in no message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import httpx

from capture360.cdf.images.files import side_by_side
from capture360.errors import CdfUnavailableError
from capture360.tls import trusted

_FIRST_BYTE = {"Range": "bytes=0-0", "Accept-Encoding": "identity"}
_ATTEMPTS = 3
_DIGITS = 18
_Key = TypeVar("_Key")


def stored_sizes(links: Mapping[_Key, str]) -> dict[_Key, int]:
    """Return the bytes behind each download link; CdfUnavailableError if the store does not answer or state a size."""
    with httpx.Client(timeout=60, follow_redirects=True, verify=trusted()) as http:
        return dict(side_by_side(lambda pair: (pair[0], _size(http, pair[1])), list(links.items())))


def _size(http: httpx.Client, link: str) -> int:
    problem = ""
    for _ in range(_ATTEMPTS):
        try:
            with http.stream("GET", link, headers=_FIRST_BYTE) as answer:
                stated = _stated(answer)
                if stated is not None:
                    if answer.status_code == 206 and answer.headers.get("content-length") == "1":
                        answer.read()  # One byte from a store that supports ranges, and the connection stays open.
                    return stated
                problem = f"status {answer.status_code}"
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            problem = type(error).__name__
    raise CdfUnavailableError(f"Asking the store for the size of a face failed {_ATTEMPTS} times ({problem}).")


def _stated(answer: httpx.Response) -> int | None:
    """Return the size of the whole file: the end of Content-Range (RFC 9110, 14.4), else Content-Length."""
    if answer.status_code in (206, 416):
        text = answer.headers.get("content-range", "").rpartition("/")[2]
    elif answer.status_code == 200:
        text = answer.headers.get("content-length", "")
    else:
        return None
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else None
