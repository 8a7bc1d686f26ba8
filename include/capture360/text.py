"""Text for people, logs and documents: what comes from outside as one printable line, and numbers with their nouns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_NO_TEXT = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Categories of Unicode: control characters, surrogates, separators of lines and paragraphs."""
_FIRST_UNDECODED = 0xDC80
"""Python's surrogates for the bytes 0x80 to 0xFF that it cannot decode (PEP 383) begin here."""


_NAMES_SHOWN = 5
_QUERY = re.compile(r"\?[\w.~%$-]+=[^\s\"'<>]+")
_USER = re.compile(r"(?<=://)[^\s/@]+@")


def without_secrets(text: str) -> str:
    """Remove logins and queries from the URLs in `text`, since these may hold secrets and signatures."""
    return _USER.sub("", _QUERY.sub("?…", text))


def printable(text: str, length: int = 300) -> str:
    """Escape what cannot be printed or encoded in `text`, and cut it off at `length`.

    Names from an operating system may hold bytes that are no UTF-8 (which Python reads as lone surrogates), line breaks
    and control characters.
    """
    shown = "".join(each if _is_shown(each) else _escaped(each) for each in text[: length + 1])
    return shown if len(shown) <= length else f"{shown[: length - 1]}…"


def counted(number: int, what: str, several: str = "") -> str:
    """Return a number with what it counts: "1 station", "1,200 stations". `several` is a plural that adds no s."""
    return f"{number:,} {noun(number, what, several)}"


def noun(number: int, what: str, several: str = "") -> str:
    """Return what a number counts: "station" for 1, else "stations" or `several`."""
    return what if number == 1 else several or f"{what}s"


def first_of(names: Sequence[str]) -> str:
    """List the first five names."""
    return ", ".join(names[:_NAMES_SHOWN]) + (", ..." if len(names) > _NAMES_SHOWN else "")


def is_text(name: str) -> bool:
    """Return whether a file's name is plain text: valid UTF-8 without line breaks and control characters."""
    return name.isprintable() or not any(unicodedata.category(each) in _NO_TEXT for each in name)


def _is_shown(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _escaped(character: str) -> str:
    byte = ord(character) - _FIRST_UNDECODED
    return f"\\x{byte + 0x80:02x}" if 0 <= byte < 0x80 else character.encode("unicode_escape").decode("ascii")
