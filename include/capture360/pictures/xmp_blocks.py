"""The blocks of XMP in a picture that speak of a panorama, however they are cut up or packed."""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from itertools import accumulate

_XMP = b"http://ns.adobe.com/xap/1.0/\x00"
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\x00"
_GPANO = b"http://ns.google.com/photos/1.0/panorama/"
_NAMES_EXTENSION = re.compile(rb"HasExtendedXMP[\"'\s=>]{1,9}([0-9A-Fa-f]{32})")
_DIGEST, _NUMBER = 32, 4
_MOST_HELD = 16 << 20
"""Cameras keep the picture of the other eye in extended XMP."""
_MOST_READ = 1 << 20
"""Largest text that is read as XML."""


class XmpBlocks:
    """XMP as the segments of a JPEG and the chunks of a PNG bring it (XMP part 3, 1.1.3.1 and 1.1.5)."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._parts: defaultdict[bytes, dict[int, bytes]] = defaultdict(dict)
        self._lengths: dict[bytes, int] = {}
        self._held = 0
        self.fault = ""
        """What is wrong with the XMP as a whole, as "XMP metadata of which parts are missing"; empty if nothing is."""

    def add_segment(self, payload: bytes) -> None:
        """Add the payload of a segment of a JPEG, if it is one of XMP."""
        if payload.startswith(_XMP):
            self._add(payload[len(_XMP) :])
        elif payload.startswith(_EXTENDED) and self._has_room(payload):
            rest = payload[len(_EXTENDED) :]
            digest, numbers = rest[:_DIGEST].lower(), rest[_DIGEST : _DIGEST + 2 * _NUMBER]
            self._lengths[digest] = int.from_bytes(numbers[:_NUMBER])
            self._parts[digest][int.from_bytes(numbers[_NUMBER:])] = rest[_DIGEST + 2 * _NUMBER :]

    def add_text(self, data: bytes) -> None:
        """Add what follows the keyword in a text chunk of a PNG (ISO/IEC 15948, 11.3.4.5).

        Flag and method of compression, language and translated keyword come before the text.
        """
        text = data[2:].split(b"\x00", 2)[-1]
        if data[:1] == b"\x01" and self._has_room(text):
            unpacker = zlib.decompressobj()
            try:
                text = unpacker.decompress(text, _MOST_READ + 1)
            except zlib.error:
                text = b""
            if not (unpacker.eof or len(text) > _MOST_READ):
                text = b""
                self.fault = "XMP metadata whose compression is damaged"
        self._add(text)

    def of_panorama(self) -> tuple[bytes, ...]:
        """Return the blocks that speak of a panorama, or the first one if none does.

        With a fault these are the ones that are whole.
        """
        blocks = [*self._blocks, *self._extensions()]
        # Text in UTF-16 is the same, zeros apart.
        speaking = dict.fromkeys(block for block in blocks if _GPANO in block.replace(b"\x00", b""))
        chosen = tuple(speaking) or (() if self.fault else tuple(blocks[:1]))
        sizes = accumulate(map(len, chosen))
        read = tuple(block for block, size in zip(chosen, sizes, strict=True) if size <= _MOST_READ)
        if len(read) < len(chosen):
            self.fault = f"more than {_MOST_READ:,} bytes of XMP metadata"
        return read

    def _extensions(self) -> list[bytes]:
        """Return the extended blocks that the others name by their digests, each joined from its parts."""
        found = {
            name.lower() for block in self._blocks for name in _NAMES_EXTENSION.findall(block.replace(b"\x00", b""))
        }
        joined = []
        for digest in sorted(found):
            whole = bytearray()
            for offset, part in sorted(self._parts[digest].items()):
                whole += part if offset == len(whole) else b""
            if not whole or len(whole) != self._lengths[digest]:
                self.fault = self.fault or "extended XMP metadata of which parts are missing"
            else:
                joined.append(bytes(whole))
        return joined

    def _add(self, block: bytes) -> None:
        if self._has_room(block):
            self._blocks.append(block)

    def _has_room(self, data: bytes) -> bool:
        """Count what is held; above that the blocks so far are kept, and no parts of extended ones."""
        self._held += len(data)
        if self._held > _MOST_HELD:
            self._parts = defaultdict(dict)
            self.fault = f"more than {_MOST_HELD:,} bytes of XMP metadata"
        return self._held <= _MOST_HELD
