"""Limits on how far a compressed table may expand, checked before a library allocates memory for it."""

from __future__ import annotations

from capture360.readers.problem import Unreadable
from capture360.rules.structure import S03
from capture360.rules.tables import S10

_ALWAYS = 32 << 20
_RATIO = 50
"""Largest expansion that is accepted. Real tables expand 10 to 30 times; more is taken for a decompression bomb."""


def most_unpacked(size: int, limit: int) -> int:
    """Bytes that a compressed table of `size` bytes may take as text, where the site allows `limit`."""
    return min(limit, max(_ALWAYS, _RATIO * size))


def too_large(path: str, size: int, limit: int, unpacked: str = "") -> Unreadable:
    """Error for a file above the limit, both in bytes; `unpacked` says that `size` is that after unpacking."""
    return Unreadable(
        S10.finding(
            path,
            f"{size:,}",
            message="bytes",
            unpacked=unpacked,
            limit=f"{limit:,}",
            fix="Save it as plain CSV, or split the capture." if unpacked else "Split the capture by level or area.",
        )
    )


def too_long(path: str, limit: int, fix: str) -> Unreadable:
    """Error for a table of more than `limit` rows."""
    return Unreadable(S10.finding(path, limit=f"{limit:,}", fix=fix))


def too_wide(path: str, last: str, limit: int) -> Unreadable:
    """Error for a table of more than `limit` columns; `last` is the last one: a name, or an address such as XFD9000."""
    return Unreadable(S10.finding(path, last, message="columns", limit=f"{limit:,}"))


def unreadable(path: str, form: str, problem: str, fix: str) -> Unreadable:
    """Error for a file that is not what its name says, such as a workbook that is no zip archive."""
    return Unreadable(S03.finding(path, message="unreadable", form=form, problem=problem, fix=fix))
