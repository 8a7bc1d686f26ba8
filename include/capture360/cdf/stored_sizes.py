"""How many bytes the store behind CDF holds of a file. CDF itself tells no size, so the download link is asked.

A signed link is good for GET alone, so the first byte is asked for: the answer's headers say of how many it is one. The
links are permissions and stand in no message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import httpx

from capture360.cdf.images.files import side_by_side
from capture360.errors import CdfUnavailableError

_FIRST_BYTE = {"Range": "bytes=0-0", "Accept-Encoding": "identity"}
_ATTEMPTS = 3
_Key = TypeVar("_Key")


def stored_sizes(links: Mapping[_Key, str]) -> dict[_Key, int]:
    """Bytes behind each download link; CdfUnavailableError if the store does not answer or names no size."""
    with httpx.Client(timeout=60, follow_redirects=True) as http:
        return dict(side_by_side(lambda pair: (pair[0], _size(http, pair[1])), list(links.items())))


def _size(http: httpx.Client, link: str) -> int:
    problem = ""
    for _ in range(_ATTEMPTS):
        try:
            with http.stream("GET", link, headers=_FIRST_BYTE) as answer:
                stated = _stated(answer)
                if stated is not None:
                    if answer.status_code != 200:
                        answer.read()  # Of a store that gives ranges this is a byte, and the connection is kept.
                    return stated
                problem = f"status {answer.status_code}"
        except httpx.HTTPError as error:
            problem = type(error).__name__
    raise CdfUnavailableError(f"Asking the store for the size of a face failed {_ATTEMPTS} times ({problem}).")


def _stated(answer: httpx.Response) -> int | None:
    """The size of the whole file: the end of Content-Range (RFC 9110, 14.4), or Content-Length of a whole answer."""
    if answer.status_code in (206, 416):
        text = answer.headers.get("content-range", "").rpartition("/")[2]
    elif answer.status_code == 200:
        text = answer.headers.get("content-length", "")
    else:
        return None
    return int(text) if text.isdecimal() else None
