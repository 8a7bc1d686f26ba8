"""Sizes of Parquet pages: by their own headers, whatever the footer says."""

from __future__ import annotations

import io
import tracemalloc
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from capture360.landing.folder import CaptureFolder
from capture360.readers.parquet_deltas import DeltasError, repeated, unpack
from capture360.readers.parquet_pages import Pages, PagesError
from capture360.readers.problem import Unreadable
from capture360.readers.sheet import read_parquet

ROWS = 3000
TABLE = pa.table({"text": [f"text {number % 50} é" for number in range(ROWS)], "number": np.arange(ROWS) / 3})


def written(table: pa.Table, **options: Any) -> bytes:
    stream = io.BytesIO()
    parquet.write_table(table, stream, **options)
    return stream.getvalue()


def pages(content: bytes, most: int = 1 << 40) -> Pages:
    return Pages(io.BytesIO(content), parquet.ParquetFile(io.BytesIO(content)).metadata, most)


def test_levels_that_a_page_does_not_hold_may_state_any_encoding() -> None:
    """Of a flat column parquet-mr states levels of repetition in bits."""
    content = written(TABLE, use_dictionary=False, column_encoding={"text": "DELTA_LENGTH_BYTE_ARRAY"})
    stated = content.replace(b"\x15\x0c\x15\x06\x15\x06", b"\x15\x0c\x15\x06\x15\x08")
    assert stated != content
    assert pages(stated).unpacked == pages(content).unpacked


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"data_page_version": "2.0"},
        {"row_group_size": 100, "compression": "none", "write_page_checksum": True},
        {"use_dictionary": False, "column_encoding": {"text": "DELTA_LENGTH_BYTE_ARRAY"}, "data_page_size": 100},
        {"write_statistics": False},
    ],
)
def test_the_sizes_are_those_of_a_true_footer(options: dict[str, Any]) -> None:
    content = written(TABLE, **options)
    metadata = parquet.ParquetFile(io.BytesIO(content)).metadata
    stated = sum(metadata.row_group(place).total_byte_size for place in range(metadata.num_row_groups))
    assert 0.9 * stated < pages(content).unpacked < 3 * stated
    assert pages(content).delta_coded == ({"text"} if "column_encoding" in options else set())


def varint(value: int, length: int = 0) -> bytes:
    digits = [value >> 7 * place & 127 for place in range(max(length, -(-value.bit_length() // 7), 1))]
    return bytes(digit | 128 for digit in digits[:-1]) + bytes(digits[-1:])


def test_a_footer_that_makes_a_page_small_is_not_believed(tmp_path: Any) -> None:
    rows = 5_000_000
    table = pa.table({"x": np.zeros(rows, np.int64)})
    options = {"use_dictionary": False, "write_statistics": False, "store_schema": False, "compression": "zstd"}
    large = {"data_page_size": 1 << 30, "max_rows_per_page": rows, "write_batch_size": rows, "row_group_size": rows}
    content = written(table, **options, **large)
    at = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    footer = content[at:]
    size = parquet.ParquetFile(io.BytesIO(content)).metadata.row_group(0).total_byte_size
    for stated, told in ((rows, 3), (size, 100)):
        known = varint(2 * stated)
        footer = footer.replace(known, varint(2 * told, len(known)))
    (tmp_path / "stations.parquet").write_bytes(content[:at] + footer)
    folder = CaptureFolder(str(tmp_path))
    with pytest.raises(Unreadable) as refused:
        read_parquet(folder, "stations.parquet", max_rows=1000, max_columns=10, max_bytes=1 << 30)
    assert "40,000,0" in str(refused.value.findings[0].message)


@pytest.mark.parametrize("packed", [ROWS, 1 << 30])
def test_a_page_of_another_size_than_it_says_is_refused_before_it_is_read(packed: int) -> None:
    """Any number of pages might be the rest of the file, of which each would take a byte unpacked."""
    content = written(TABLE, compression="none")
    header = b"\x15\x00\x15\x02\x15" + varint(2 * packed) + b"\x2c" + DATA + b"\x00"
    with pytest.raises(PagesError, match="another size than it says"):
        pages(content[:4] + header + content[4 + len(header) :])


def test_a_page_that_several_columns_name_is_read_once() -> None:
    """Else a page that takes much and holds little would be unpacked for each of a thousand columns."""
    texts = np.random.default_rng(4).bytes(40 * ROWS).hex()
    own = pa.array([texts[place : place + 80] for place in range(0, 80 * ROWS, 80)])
    same = pa.array(["x"] * ROWS)
    content = written(
        pa.table({"a": own, "b": same, "c": same}), use_dictionary=False, compression="zstd", write_statistics=False
    )
    group = parquet.ParquetFile(io.BytesIO(content)).metadata.row_group(0)
    at = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    footer = content[at:]
    for place in (1, 2):
        known = varint(2 * group.column(place).data_page_offset)
        footer = footer.replace(known, varint(2 * group.column(0).data_page_offset, len(known)))
    with pytest.raises(PagesError, match="its pages lie one over the other"):
        pages(content[:at] + footer)


@pytest.mark.parametrize("header", [b"\xff" * 40, b"\x15\x00\x15\x01\x15\x10\x00", b"\x00", b"\x1c" * 30])
def test_a_damaged_page_header_is_a_sentence(header: bytes) -> None:
    content = written(TABLE, compression="none")
    with pytest.raises(PagesError):
        pages(content[:4] + header + content[4 + len(header) :])


ALL = b"\x15" + varint(2 * ROWS)
DATA, V2, DICTIONARY = ALL + b"\x15\x00\x15\x06\x15\x06\x00", ALL + b"\x00", ALL + b"\x15\x00\x00"


def page(kind: int, structs: bytes) -> bytes:
    return b"\x15" + varint(2 * kind) + b"\x15\x02\x15\x02" + structs + b"\x00"


@pytest.mark.parametrize(
    "header",
    [
        page(1, b"\x2c" + DATA),
        page(4, b"\x2c" + DATA),
        page(0, b"\x2c" + DATA + b"\x3c" + V2),
        page(0, b"\x5c" + V2),
        page(2, b"\x2c" + DATA + b"\x2c" + DICTIONARY),
        page(0, b"\x2c" + DATA + b"\x0c\x0a" + DATA),
        page(0, b"\x0c" + varint(2 * (5 + (1 << 16))) + DATA),
        b"\x15\x00\x1c\x00\x15\x00\x00",
        b"\x15\x15\x15\x10\x15\x10\x25\x02\x00",
        page(0, b"\x2c\x1c\x00\x00"),
        page(0, b"\x2c\x15\x01\x00"),
    ],
)
def test_a_header_that_the_library_would_understand_otherwise_is_refused(header: bytes) -> None:
    content = written(TABLE, compression="none")
    with pytest.raises(PagesError):
        pages(content[:4] + header + content[4 + len(header) :])


def test_a_field_of_any_other_kind_is_a_sentence_at_most() -> None:
    content = written(TABLE.slice(0, 1), compression="none", write_statistics=False, use_dictionary=False)
    refused = 0
    for at in range(4, 24):
        for kind in range(16):
            try:
                pages(content[:at] + bytes([content[at] & 0xF0 | kind]) + content[at + 1 :])
            except PagesError:
                refused += 1
    assert refused > 50


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"no Parquet", "it is cut off, damaged or of another format"),
        (b"PAR1\xff\xff\x0f\x07\x04\x00\x00\x00PAR1", "it is cut off, damaged or of another format"),
    ],
)
def test_what_is_no_parquet_is_told_in_plain_words(tmp_path: Any, content: bytes, said: str) -> None:
    (tmp_path / "stations.parquet").write_bytes(content)
    with pytest.raises(Unreadable) as refused:
        read_parquet(CaptureFolder(str(tmp_path)), "stations.parquet", max_rows=9, max_columns=9, max_bytes=1 << 20)
    assert said in str(refused.value.findings[0].message)


SHARED = pa.table({"text": [None if number % 7 == 3 else f"hall-7/level-2/{number:06d}" for number in range(20_000)]})


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
def test_texts_that_share_their_beginnings_are_counted(codec: str, version: str, encoding: str) -> None:
    options = {"use_dictionary": False, "column_encoding": {"text": encoding}, "data_page_version": version}
    content = written(SHARED, compression=codec, **options)
    text = sum(len(each or "") for each in SHARED["text"].to_pylist())
    assert text <= pages(content).unpacked - 32 * len(SHARED) < 2 * text


def hadoop_lz4(packed: bytes, size: int) -> bytes:
    return size.to_bytes(4, "big") + len(packed).to_bytes(4, "big") + packed


def test_lz4_with_and_without_the_frame_of_hadoop() -> None:
    content = bytes(range(100))
    packed = pa.Codec("lz4_raw").compress(content, asbytes=True)
    assert unpack(packed, 100, "LZ4") == unpack(hadoop_lz4(packed, 100), 100, "UNKNOWN") == content


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
def test_a_page_that_says_to_hold_more_texts_than_its_header_is_refused(encoding: str) -> None:
    """The library would allocate four bytes for each of two billion."""
    options = {"use_dictionary": False, "column_encoding": {"text": encoding}, "store_schema": False}
    content = written(TABLE.select(["text"]), compression="none", **options)
    start = varint(128) + varint(4)
    at = content.index(start + varint(ROWS))
    with pytest.raises(PagesError, match="texts that it stores as differences are damaged"):
        pages(content[:at] + start + varint((1 << 31) - 1) + content[at + 5 :])


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"\x80\x01\x04\x03",
        b"\x80\x01\x00\x02\x02",
        b"\x80\x01\x03\x02\x02",
        b"\x20\x01\x02\x02",
        b"\xff\xff\xff\xff\xff\xff\x01",
        b"\x80\x01\x04\x02\x01",
        b"\x80\x01\x04\x02\x02\x00\x21\x00\x00\x00" + bytes(200),
        b"\x80\x01\x04\x02\x02\x00\x08\x00\x00\x00",
        b"\x80\x01\x04\x02\x02\x00\x00",
        b"\x80\x01\x04\x01\x02" + b"\x80\x01\x04\x02\x02\x00\x00\x00\x00\x00",
    ],
)
def test_damaged_lengths_are_a_sentence(page: bytes) -> None:
    with pytest.raises(DeltasError):
        repeated(page, 0, 2, with_beginnings=True)


def test_lengths_of_one_large_block_take_little_memory() -> None:
    """Each bit takes eight bytes while it is unpacked."""
    count, width = 1 << 16, 32
    block = varint(count) + varint(1) + varint(count + 1) + b"\x00\x00" + bytes([width]) + bytes(count * width // 8)
    tracemalloc.start()
    try:
        assert repeated(block * 2, 0, count + 1, with_beginnings=True) == 0
        assert tracemalloc.get_traced_memory()[1] < 64 * count
    finally:
        tracemalloc.stop()
