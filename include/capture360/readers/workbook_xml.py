"""Streaming of the XML parts of a workbook, whose cost is bounded by their size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from xml.parsers import expat

_BLOCK = 1 << 16
_DEEPEST = 64
"""Elements within one another; sheets have about ten. The parser holds memory for each that is open."""
Start = Callable[[str, dict[str, str]], None]


class WorkbookError(ValueError):
    """The archive is no workbook."""


def parse(
    content: bytes, start: Start, end: Callable[[str], None] | None = None, text: Callable[[str], None] | None = None
) -> None:
    """Stream an XML part; prefixes are dropped from the names of elements. A document type is refused."""
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise WorkbookError("it declares a document type")

    open_elements = 0

    def started(name: str, attributes: dict[str, str]) -> None:
        nonlocal open_elements
        open_elements += 1
        if open_elements > _DEEPEST:
            raise WorkbookError("its XML is nested too deep")
        start(name.rpartition(":")[2], attributes)

    def ended(name: str) -> None:
        nonlocal open_elements
        open_elements -= 1
        if end is not None:
            end(name.rpartition(":")[2])

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = started
    parser.EndElementHandler = ended
    if text is not None:
        parser.CharacterDataHandler = text
    try:
        for block in _blocks(content):
            parser.Parse(block)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise WorkbookError(f"its XML is damaged in line {error.lineno}") from None


def _blocks(content: bytes) -> Iterator[bytes]:
    for at in range(0, len(content), _BLOCK):
        yield content[at : at + _BLOCK]
