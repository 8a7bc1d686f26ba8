"""Pages of list answers and the cursors that continue them."""

import base64
import binascii
import json
import zlib
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeVar

from pydantic import model_validator

from cdf_sandbox.core.errors import BadRequest, InvalidCursor
from cdf_sandbox.core.http import PAGED_BY, Json, StrictModel, listed, narrowed
from cdf_sandbox.core.identifiers import MAX_ID

Item = TypeVar("Item")


def encode_cursor(position: Any) -> str:
    """Return the cursor of a page that starts after `position`, any JSON value; opaque to clients, but no secret.

    It is good for what the request at hand lists alone.
    """
    content = json.dumps([_token(), position], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> Any:
    """Return the position in a cursor; 400 for a text that `encode_cursor` did not make for this list."""
    try:
        content = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        json.dumps(content, ensure_ascii=False).encode()  # half of a surrogate pair is no text of ours
    except (binascii.Error, ValueError, RecursionError):
        raise InvalidCursor from None
    if not isinstance(content, list) or len(content) != 2 or content[0] != _token():
        raise InvalidCursor
    return content[1]


def _token() -> int:
    return zlib.crc32(f"{listed.get()} {narrowed.get()}".encode())


class PageRequest(StrictModel):
    """A body that asks for a page; its cursors are good for bodies alone that differ in limit and cursor."""

    @model_validator(mode="after")
    def _say_what_is_listed(self) -> Self:
        said = self.model_dump(by_alias=True, exclude_unset=True, exclude=set(PAGED_BY))
        narrowed.set(json.dumps({name: value for name, value in said.items() if value != {}}, sort_keys=True))
        return self


def cursor_id(cursor: str | None) -> int:
    """Return the internal id after which a page starts; 0 without a cursor."""
    position = 0 if cursor is None else decode_cursor(cursor)
    if type(position) is not int or not 0 <= position <= MAX_ID:
        raise InvalidCursor
    return position


def _id_of(item: Any) -> Any:
    return item["id"]


def first_page(
    found: Sequence[Item], limit: int, position: Callable[[Item], Any] = _id_of
) -> tuple[Sequence[Item], Any]:
    """Return the first `limit` of `found`, and the position of the last one if there are more."""
    return found[:limit], position(found[limit - 1]) if len(found) > limit else None


def list_answer(items: Sequence[Any], after: Any = None, **fields: Any) -> Json:
    """Answer a page of `items`; `after` is the position at which it ends, `None` for the last page."""
    return Json({"items": items, **fields, **({} if after is None else {"nextCursor": encode_cursor(after)})})


def partition_of(text: str | None) -> tuple[int, int] | None:
    """Return `"m/n"` as (remainder, divisor) over internal ids, 1 <= m <= n <= 10."""
    if text is None:
        return None
    part, slash, count = text.partition("/")
    if not (slash and part.isdecimal() and count.isdecimal() and len(text) <= 5 and 1 <= int(part) <= int(count) <= 10):
        raise BadRequest(f"Invalid partition {text[:20]!r}: expected m/n with 1 <= m <= n <= 10")
    return int(part) - 1, int(count)
