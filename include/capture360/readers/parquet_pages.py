"""Sizes of the pages of a Parquet file, by the header of each, since the footer need not say the truth.

A page header is a struct of Thrift's compact protocol (thrift/doc/specs/thrift-compact-protocol.md) with the fields of
`PageHeader` in parquet.thrift of Apache Parquet. Whatever the library could understand otherwise is refused: a page of
another type, with the header of another type beside its own, with a field twice or without one that it must have.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO, Any

from capture360.readers.parquet_deltas import DeltasError, repeated, unpack

_MOST_PAGES = 200_000
_MOST_HEADER = 1 << 16
"""Bytes of a page header; statistics in it hold a text of a column."""
_DEPTH = 4
_TRUE, _FALSE, _I32, _DOUBLE, _BINARY, _STRUCT = 1, 2, 5, 7, 8, 12
_TYPE, _UNPACKED, _PACKED = 1, 2, 3
_DATA, _DICTIONARY, _DATA_V2 = 5, 7, 8
_HEADERS = {0: _DATA, 2: _DICTIONARY, 3: _DATA_V2}
"""Field of the header that a page has by its type. No writer makes index pages, which are type 1."""
_VALUES = 1
_ENCODING = {_DATA: 2, _DICTIONARY: 2, _DATA_V2: 4}
_DELTA_LENGTHS, _DELTA_TEXTS = 6, 7
_DELTA_CODED = (5, _DELTA_LENGTHS, _DELTA_TEXTS)
_LEVEL_ENCODINGS, _LEVEL_SIZES, _IS_PACKED = (3, 4), (5, 6), 7
_RUNS = 3
"""The encoding of levels that writers use."""
_LENGTH = 32
"""Bytes of memory that the length of a text takes while it is read here: four whole numbers."""
_ENTRY = 16
"""Bytes of memory that an entry of a dictionary takes beside its text."""
_HIGHEST_FIELD = (1 << 15) - 1


class PagesError(ValueError):
    """What is wrong with the pages of a Parquet file, as the middle of a sentence."""


class Pages:
    """What the pages of the file take: `unpacked` bytes, an upper bound; `delta_coded` are names of columns."""

    def __init__(self, stream: IO[bytes], metadata: Any, most: int) -> None:
        """Read the page headers until they take more than `most` bytes; PagesError if one is damaged."""
        self.unpacked = 0
        self.delta_coded: set[str] = set()
        self._left = _MOST_PAGES
        self._packed = 0
        size = stream.seek(0, 2)
        for place in range(metadata.num_row_groups):
            group = metadata.row_group(place)
            for number in range(group.num_columns):
                column = metadata.schema.column(number)
                levels = [
                    number
                    for number, highest in zip(
                        _LEVEL_ENCODINGS, (column.max_definition_level, column.max_repetition_level), strict=True
                    )
                    if highest > 0
                ]
                self._add(stream, group.column(number), levels, size, most)
                if self.unpacked > most:
                    return

    def _add(self, stream: IO[bytes], chunk: Any, levels: list[int], size: int, most: int) -> None:
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
            numbers, structs = header.fields.numbers, header.fields.structs
            unpacked, packed = numbers.get(_UNPACKED, -1), numbers.get(_PACKED, -1)
            if unpacked < 0 or packed < 0:
                raise PagesError("a page of it has no size")
            kind = _HEADERS.get(numbers.get(_TYPE, -1))
            if kind is None or structs.keys() & _ENCODING.keys() != {kind}:
                raise PagesError("a page of it is of no known kind")
            count, encoding = (structs[kind].numbers.get(number, -1) for number in (_VALUES, _ENCODING[kind]))
            if count < 0:
                raise PagesError("a page of it does not say how many values it holds")
            is_plain = chunk.compression == "UNCOMPRESSED"
            if at + header.length + packed > size or (is_plain and packed != unpacked):
                raise PagesError("a page of it has another size than it says")
            self._packed += packed
            if self._packed > size:
                raise PagesError("its pages lie one over the other")
            self.unpacked += unpacked
            if kind == _DICTIONARY:
                self.unpacked += _ENTRY * count
            else:
                values += count
                if encoding in _DELTA_CODED:
                    self.delta_coded.add(chunk.path_in_schema)
                if encoding in (_DELTA_LENGTHS, _DELTA_TEXTS):
                    self.unpacked += _LENGTH * count
                    if self.unpacked > most:
                        return
                    stream.seek(at + header.length)
                    self.unpacked += _repeated(stream.read(packed), header.fields, chunk.compression, levels)
            at += header.length + packed


def _repeated(page: bytes, header: _Fields, codec: str, levels: list[int]) -> int:
    """Return the bytes that texts of a page repeat from the ones before.

    `levels` are the fields of the header with the encodings of the levels that the page holds.
    """
    size, structs = header.numbers[_UNPACKED], header.structs
    kind = _DATA_V2 if _DATA_V2 in structs else _DATA
    numbers, falses = structs[kind].numbers, structs[kind].falses
    if kind == _DATA_V2:
        above = sum(numbers.get(each, 0) for each in _LEVEL_SIZES)
        if not 0 <= above <= min(size, len(page)):
            raise PagesError("the header of a page is damaged")
        page, size, levels = page[above:], size - above, []
        codec = "UNCOMPRESSED" if _IS_PACKED in falses else codec
    elif any(numbers.get(each) != _RUNS for each in levels):
        raise PagesError("it is coded in a way that is not read")
    try:
        is_shared = numbers[_ENCODING[kind]] == _DELTA_TEXTS
        return repeated(unpack(page, size, codec), len(levels), numbers[_VALUES], with_beginnings=is_shared)
    except DeltasError as error:
        raise PagesError(str(error)) from None


@dataclass(frozen=True, slots=True)
class _Fields:
    """Whole numbers of 32 bits, structs, and what is false of a struct, by number of the field."""

    numbers: dict[int, int] = field(default_factory=dict)
    falses: set[int] = field(default_factory=set)
    structs: dict[int, _Fields] = field(default_factory=dict)


class _Header:
    """A struct at the beginning of some bytes."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.length = 0
        try:
            self.fields = self._struct(_DEPTH)
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

    def _struct(self, depth: int) -> _Fields:
        if not depth:
            raise IndexError
        fields, number = _Fields(), 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else _signed(self._varint())
            if not 0 < number <= _HIGHEST_FIELD or number in fields.numbers or number in fields.structs:
                raise IndexError
            kind = head & 15
            if kind == _I32:
                fields.numbers[number] = _signed(self._varint())
            elif kind == _STRUCT:
                fields.structs[number] = self._struct(depth - 1)
            elif kind == _FALSE:
                fields.falses.add(number)
            elif kind != _TRUE:  # the head says all of what is true or false
                self._skip(kind)
        return fields

    def _skip(self, kind: int) -> None:
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
