"""Sizes of the pages of a Parquet file, by the header of each, since the footer need not say the truth.

A page header is a struct of Thrift's compact protocol (thrift/doc/specs/thrift-compact-protocol.md) with the fields of
`PageHeader` in parquet.thrift of Apache Parquet. It is parsed as the library does, so that both see the same sizes.
"""

from __future__ import annotations

from typing import IO, Any

_MOST_PAGES = 200_000
_MOST_HEADER = 1 << 16
"""Bytes of a page header; statistics in it hold a text of a column."""
_DEPTH = 4
_I32, _DOUBLE, _BINARY, _STRUCT = 5, 7, 8, 12
_UNPACKED, _PACKED, _DATA, _DICTIONARY, _DATA_V2 = 2, 3, 5, 7, 8
_VALUES = 1
_ENCODING = {_DATA: 2, _DATA_V2: 4}
_DELTA_BYTE_ARRAY = 7
_DELTA_CODED = (5, 6, _DELTA_BYTE_ARRAY)
_ENTRY = 16
"""Bytes of memory that an entry of a dictionary takes beside its text."""
_Fields = dict[int, Any]


class PagesError(ValueError):
    """What is wrong with the pages of a Parquet file, as the middle of a sentence."""


class Pages:
    """What the pages of the file take: `unpacked` bytes, an upper bound; `delta_coded` are names of columns."""

    def __init__(self, stream: IO[bytes], metadata: Any, most: int) -> None:
        """Read the page headers until they take more than `most` bytes; PagesError if one is damaged."""
        self.unpacked = 0
        self.delta_coded: set[str] = set()
        self._left = _MOST_PAGES
        size = stream.seek(0, 2)
        for place in range(metadata.num_row_groups):
            group = metadata.row_group(place)
            for number in range(group.num_columns):
                self._add(stream, group.column(number), size, most)
                if self.unpacked > most:
                    return

    def _add(self, stream: IO[bytes], chunk: Any, size: int, most: int) -> None:
        at, values = chunk.data_page_offset, 0
        if chunk.has_dictionary_page and chunk.dictionary_page_offset and 0 < chunk.dictionary_page_offset < at:
            at = chunk.dictionary_page_offset
        while values < chunk.num_values and self.unpacked <= most:
            self._left -= 1
            if not self._left:
                raise PagesError(f"it has more than {_MOST_PAGES:,} pages")
            if not 0 <= at < size:
                raise PagesError("a page of it lies outside of the file")
            stream.seek(at)
            header = _Header(stream.read(_MOST_HEADER))
            unpacked, packed = header.fields.get(_UNPACKED, -1), header.fields.get(_PACKED, -1)
            if unpacked < 0 or packed < 0:
                raise PagesError("a page of it has no size")
            self.unpacked += unpacked
            dictionary = header.fields.get(_DICTIONARY, {})
            if dictionary:
                self.unpacked += _ENTRY * max(0, dictionary.get(_VALUES, 0))
            for kind, encoding in _ENCODING.items():
                page = header.fields.get(kind, {})
                count = max(0, page.get(_VALUES, 0))
                values += count
                if page.get(encoding) in _DELTA_CODED:
                    self.delta_coded.add(chunk.path_in_schema)
                if page.get(encoding) == _DELTA_BYTE_ARRAY:
                    self.unpacked += count * unpacked  # each text may repeat all of the one before at no cost
            at += header.length + packed


class _Header:
    """A struct at the beginning of some bytes: its whole numbers of 32 bits and structs, by number of the field."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.length = 0
        self.fields: _Fields = {}
        try:
            self._struct(self.fields, _DEPTH)
        except IndexError:
            raise PagesError("the header of a page is damaged") from None

    def _byte(self) -> int:
        self.length += 1
        return self._content[self.length - 1]

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise IndexError

    def _struct(self, fields: _Fields, depth: int) -> None:
        if not depth:
            raise IndexError
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else _signed(self._varint())
            kind = head & 15
            if kind == _I32:
                fields[number] = _signed(self._varint())
            elif kind == _STRUCT:
                inner = fields.get(number)
                fields[number] = inner if isinstance(inner, dict) else {}
                self._struct(fields[number], depth - 1)
            elif kind not in (1, 2):  # the head says all of what is true or false
                self._skip(kind, depth)

    def _skip(self, kind: int, depth: int) -> None:
        if kind in (4, 6):
            self._varint()
        elif kind in (1, 2, 3):
            self.length += 1
        elif kind == _DOUBLE:
            self.length += 8
        elif kind == _BINARY:
            length = self._varint()
            self.length += length
        else:  # collections, which no page header has
            raise IndexError


def _signed(value: int) -> int:
    """Return a whole number of 32 bits from its zigzag form."""
    value &= 0xFFFFFFFF
    return (value >> 1) ^ -(value & 1)
