"""Text for people, logs and documents: what comes from outside as one printable line, numbers, lists, and digests."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import islice

_NO_TEXT = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Categories of Unicode: control characters, surrogates, separators of lines and paragraphs."""
_MARKS = frozenset({"Mn", "Me"})
"""Categories of what is drawn over the letter before it."""
_FIRST_UNDECODED = 0xDC80
"""Python's surrogates for the bytes 0x80 to 0xFF that it cannot decode (PEP 383) begin here."""


_INVISIBLE = frozenset(
    chr(code)
    for first, last in (
        (0x034F, 0x034F),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x2800, 0x2800),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFFA0, 0xFFA0),
        (0xE0100, 0xE01EF),
    )
    for code in range(first, last + 1)
)
"""Letters and marks without a glyph (Unicode: Default_Ignorable_Code_Point), which `str.isprintable` lets pass."""
_MOST_MARKS = 8
"""Marks on one letter that are shown: no script needs more, and many of them cover the lines above."""
_MOST_DIGITS = 18
"""One more than tell any two numbers apart that a computer does."""
_LONGEST_NAME = 80
"""Characters of a name that somebody could have mistyped; comparing longer ones takes time by the square of both."""
_MOST_NAMES = 5_000
_WORD = re.compile(r"[^\s\"'<>]+")
_WEB = re.compile(r"(?i)https?://")
_SECRET_KEY = re.compile(r"(?i)sig|token|secret|passw|pwd|credential|key|code|auth|nonce")
_USER = re.compile(r"(?<=://)[^\s/?#\"'<>]*@")
_QUOTE = r"\\?[\"']?"
"""Or none; escaped where a document is quoted in another one."""
_QUOTED = "|".join(
    rf"(?<=\\{quote})[^{quote}\\\n]+|(?<=[^\\]{quote})(?:[^{quote}\\\n]|\\.)+(?={quote})" for quote in "\"'"
)
"""All within quotes, which may be escaped in it unless they are themselves."""
_NAMED = re.compile(
    r"(?i)(?<![a-z])("
    r"(?:client[_-]?secret|password|passwd|pwd|account_?key|shared_?access_?key|secret_?access_?key|api[_-]?key)"
    rf"{_QUOTE}\s*[=:]\s*{_QUOTE}"
    r"|(?:(?:access|refresh|id|session|security)[_-]?)?(?:token|nonce|sig|signature|secret)"
    rf"(?:{_QUOTE}\s*=\s*{_QUOTE}|\\?[\"']\s*:\s*{_QUOTE}|\s*:\s*(?=[^\s\"'&;,<>]{{16}}))"
    rf"|authorization{_QUOTE}\s*[=:,]\s*b?{_QUOTE}(?:basic|bearer|digest|token)\s+"
    r"|bearer\s+(?=[^\s\"']{16})"
    r"|basic\s+(?=[a-z0-9+/]{16,}=*(?![\w+/-]))(?-i:(?=\S*[a-z])(?=\S*[A-Z])(?=\S*[0-9=]))"
    rf")(?:{_QUOTED}|[^\s\"'&;,<>]+)"
)
"""Values beside names such as client_secret, and tokens of an Authorization header.

Words that stand in prose as well, such as token and basic, need the form of a secret behind them.
"""
_JWT = re.compile(r"\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*")
"""A token by its form (RFC 7519), whatever stands beside it."""


def without_secrets(text: str) -> str:
    """Remove what may be secret: logins and queries of URLs, which may be signatures, and values named as secrets."""
    return _NAMED.sub(r"\1…", _JWT.sub("…", _USER.sub("", _WORD.sub(_without_query, text))))


def _without_query(word: re.Match[str]) -> str:
    """Remove the query of an address of the web, and elsewhere one that may be a signature: names may hold a "?"."""
    path, _, query = word[0].partition("?")
    is_address = query != "" and _WEB.search(path) is not None
    return f"{path}?…" if is_address or ("=" in query and _SECRET_KEY.search(query)) else word[0]


def printable(text: str, length: int = 300) -> str:
    """Escape what cannot be printed or encoded in `text`, and cut it off at `length`.

    Names from an operating system may hold bytes that are no UTF-8 (which Python reads as lone surrogates), line
    breaks, control characters, and characters that are invisible or reorder others.
    """
    shown = visible(text[: length + 1])
    return shown if len(shown) <= length else f"{shown[: length - 1]}…"


def visible(text: str, kept: str = "") -> str:
    """Escape what reorders, hides or overlays other text; the control characters in `kept` stay."""
    if text.isascii() and text.isprintable():
        return text
    shown, marks = [], 0
    for each in text:
        marks = marks + 1 if unicodedata.category(each) in _MARKS else 0
        shown.append(each if each in kept or (_is_shown(each) and marks <= _MOST_MARKS) else _escaped(each))
    return "".join(shown)


def counted(number: int, what: str, several: str = "") -> str:
    """Return a number with what it counts: "1 station", "1,200 stations". `several` is a plural that adds no s."""
    return f"{number:,} {noun(number, what, several)}"


def below(number: float, limit: float, digits: int = 2, form: str = "f") -> str:
    """Return a number below a limit with so many digits, or with as many more as tell it from the limit."""
    shown = [f"{number:.{more}{form}}" for more in range(digits, _MOST_DIGITS)]
    return next((each for more, each in enumerate(shown, digits) if each != f"{limit:.{more}{form}}"), shown[-1])


def noun(number: int, what: str, several: str = "") -> str:
    """Return what a number counts: "station" for 1, else "stations" or `several`."""
    return what if number == 1 else several or f"{what}s"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return the first `most` names, and the number of the others."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def digest_of(document: object) -> str:
    """Return a digest of a JSON document in sixteen hex digits."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:16]


def is_text(name: str) -> bool:
    """Return whether a file's name is plain text: valid UTF-8 without line breaks and control characters."""
    return name.isprintable() or not any(unicodedata.category(each) in _NO_TEXT for each in name)


def _is_shown(character: str) -> bool:
    is_printable = character.isprintable() or unicodedata.category(character) == "Zs"
    return is_printable and character not in _INVISIBLE


def _escaped(character: str) -> str:
    byte = ord(character) - _FIRST_UNDECODED
    return f"\\x{byte + 0x80:02x}" if 0 <= byte < 0x80 else character.encode("unicode_escape").decode("ascii")


def near_misses(word: str, known: Iterable[str], most: int = 1, cutoff: float = 0.6) -> list[str]:
    """Return the known names that are nearest to a word, best first, in bounded time whatever is delivered."""
    if len(word) > _LONGEST_NAME:
        return []
    short = (each for each in known if len(each) <= _LONGEST_NAME)
    return difflib.get_close_matches(word, list(islice(short, _MOST_NAMES)), most, cutoff)
