"""The values of one namespace in a block of XMP: what is damaged beside them must not void them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

_NO_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]+|#x[0-9a-fA-F]+);)")
_QUOTED = re.compile(r"\"[^\"<>]*\"|'[^'<>]*'")
_WHOLE = re.compile(r"</(?:\w+:)?(?:xmpmeta|RDF)\s*>")
"""Without it a block breaks off, and what it does not state may be lost."""


def values_in(xmp: bytes, namespace: str, known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield names and values, written as attributes or elements; ValueError if they cannot be read.

    Document types are not read. Of a damaged block only what holds all of the `known` names that stand in it is read:
    of an angle that was lost nobody would know. So zeros that a name fits under are refused: where they begin in one
    text and end in another, what is left is sound XML.
    """
    shortest = min(map(len, known))
    if re.search(rb"\x00{%d,}" % shortest, xmp.strip(b"\x00 \r\n\t")):
        raise ValueError("the damage reaches the values")
    root = _parsed(xmp)
    if root is None:
        yield from _legible(_text(xmp), namespace, known)
        return
    start = f"{{{namespace}}}"
    for element in root.iter():
        for name, value in [*element.attrib.items(), (element.tag, element.text or "")]:
            if isinstance(name, str) and name.startswith(start):
                yield name.removeprefix(start), value.strip()


def _parsed(xmp: bytes) -> Any:
    """Return the root of the block, with bytes and characters replaced that void XML; None if that is not enough."""
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    text = _text(xmp)
    for block in (text if _encoding(xmp) != "utf-8" else xmp.strip(b"\x00 \r\n\t"), _BARE_AMPERSAND.sub("&amp;", text)):
        try:
            return fromstring(block, forbid_dtd=True)
        except DefusedXmlException:
            raise ValueError("it has a document type") from None
        except (ParseError, ValueError, LookupError):
            continue
    return None


def _text(xmp: bytes) -> str:
    """Return the block as text. Replaced, not dropped: a name with a damaged letter must not become another one."""
    text = xmp.decode(_encoding(xmp), "replace")
    return _NO_CHARACTER.sub("\ufffd", text.strip("\x00 \r\n\t\ufeff"))


def _encoding(xmp: bytes) -> str:
    """Return the encoding of the block, which is UTF-16 if a zero stands before or after its first character."""
    first = xmp.find(b"<")
    if xmp[first + 1 : first + 2] != b"\x00" or xmp[first + 2 : first + 3] == b"\x00":
        return "utf-8"
    return "utf-16-be" if first % 2 else "utf-16-le"


def _legible(text: str, namespace: str, known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the values in a text that is no XML; ValueError unless it is whole and each of its names is legible."""
    declared = re.search(rf"""xmlns:(\w+)\s*=\s*["']{re.escape(namespace)}["']""", text)
    if declared is None or not _WHOLE.search(text):
        raise ValueError("the damage reaches the values")
    start = f"{declared[1]}:"
    value = re.compile(
        rf"""(?<!\S){start}(\w+)\s*=\s*(?:"([^"<>]*)"|'([^'<>]*)')|<{start}(\w+)\s*>([^<>]*)</{start}\4\s*>"""
    )
    rest = value.sub("", text)
    if any(name in rest for name in (start, *known)) or "\ufffd" in _QUOTED.sub("", rest):
        raise ValueError("the damage reaches the values")
    for each in value.finditer(text):
        yield each[1] or each[4], (each[2] or each[3] or each[5] or "").strip()
