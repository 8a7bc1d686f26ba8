"""Delimited text tables: encoding and delimiter found out, every cell kept as text, every row counted."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from capture360.checks.rules import RULES
from capture360.landing.folder import CaptureFolder
from capture360.model import Finding
from capture360.readers.problem import Unreadable

if TYPE_CHECKING:
    import pandas as pd

_DELIMITERS = (",", ";", "\t")
_CHUNK = 1 << 20
_BLOCK = 8 << 20
_RAGGED_TOLD = 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Table:
    """A table as text. `row` is the line as a spreadsheet counts it, header = 1."""

    file: str
    header: tuple[str, ...]
    frame: pd.DataFrame
    decimal_comma: bool = False
    findings: tuple[Finding, ...] = ()


@dataclass
class _Rows:
    """Rows that pyarrow would refuse: blank ones are skipped, ragged ones told."""

    blank: list[int] = field(default_factory=list)
    ragged: list[tuple[int, int]] = field(default_factory=list)

    def __call__(self, row: Any) -> str:
        if not row.text.strip(" \t\r\n,;"):
            self.blank.append(row.number)
        else:
            self.ragged.append((row.number, row.actual_columns))
        return "skip"


def read_delimited(
    folder: CaptureFolder,
    path: str,
    *,
    max_rows: int,
    max_bytes: int,
    header: tuple[str, ...] | None = None,
    skip: int = 0,
) -> Table:
    """The table at `path`; Unreadable if it is no table of equal rows within the limits.

    With `header` given the first `skip` lines are passed over instead of being read as the header.
    """
    size = folder.sizes[path]
    if size > max_bytes:
        raise too_large(path, size, max_bytes)
    with folder.open(path) as stream:
        encoding = _encoding(stream)
        stream.seek(0)
        first = _first_lines(stream, encoding, skip + 1)
    delimiter = _delimiter(first[skip] if len(first) > skip else "")
    names = header or tuple(_split(first[0] if first else "", delimiter))
    with folder.open(path) as stream:
        frame, rows = _parsed(stream, path, encoding, delimiter, names, skip if header else 1, max_rows)
    if rows.ragged:
        raise Unreadable(*_ragged(path, rows.ragged, len(names)))
    findings = (RULES["S03"].finding(path, message="encoding"),) if encoding == "cp1252" else ()
    return Table(path, names, frame, delimiter != ",", findings)


def too_large(path: str, size: int, limit: int, unpacked: str = "") -> Unreadable:
    return Unreadable(
        RULES["S10"].finding(
            path,
            f"{size:,}",
            message="bytes",
            unpacked=unpacked,
            limit=f"{limit:,}",
            mend="Save it as Parquet, or split the capture.",
        )
    )


def too_long(path: str, limit: int, mend: str) -> Unreadable:
    return Unreadable(RULES["S10"].finding(path, limit=f"{limit:,}", mend=mend))


def unreadable(path: str, form: str, problem: str, mend: str) -> Unreadable:
    return Unreadable(RULES["S03"].finding(path, message="unreadable", form=form, problem=problem, mend=mend))


def _encoding(stream: IO[bytes]) -> str:
    start = stream.read(4096)
    for bom, encoding in _BOMS:
        if start.startswith(bom):
            return encoding
    if b"\x00" in start:
        even, odd = start[::2].count(0), start[1::2].count(0)
        return "utf-16-le" if odd > even else "utf-16-be"
    decoder = codecs.getincrementaldecoder("utf-8")()
    stream.seek(0)
    try:
        while chunk := stream.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _first_lines(stream: IO[bytes], encoding: str, count: int) -> list[str]:
    text = codecs.getincrementaldecoder(encoding)("replace").decode(stream.read(_CHUNK))
    return text.splitlines()[:count]


def _delimiter(line: str) -> str:
    """The delimiter that splits the header into most cells, quoted ones aside."""
    counts = {delimiter: len(_split(line, delimiter)) for delimiter in _DELIMITERS}
    return max(_DELIMITERS, key=lambda delimiter: counts[delimiter])


def _split(line: str, delimiter: str) -> list[str]:
    if len(line) > _CHUNK // 2:
        return []
    try:
        cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return []
    return [cell.strip().strip("﻿") for cell in cells]


def _parsed(
    stream: IO[bytes],
    path: str,
    encoding: str,
    delimiter: str,
    names: tuple[str, ...],
    skip: int,
    max_rows: int,
) -> tuple[pd.DataFrame, _Rows]:
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    if not names or not any(names):
        raise Unreadable(RULES["S05"].finding(path, message="empty"))
    places = [str(place) for place in range(len(names))]
    rows = _Rows()
    try:
        table = arrow_csv.read_csv(
            stream,
            read_options=arrow_csv.ReadOptions(
                use_threads=False,
                block_size=_BLOCK,
                skip_rows=skip,
                column_names=places,
                encoding="utf8" if encoding in ("utf-8", "utf-8-sig") else encoding,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=rows
            ),
            convert_options=arrow_csv.ConvertOptions(
                check_utf8=True,
                column_types={place: pa.large_string() for place in places},
                strings_can_be_null=False,
            ),
        )
    except (pa.ArrowException, UnicodeError, ValueError) as error:
        if "Empty CSV" in str(error) or "Could not skip" in str(error):
            raise Unreadable(RULES["S05"].finding(path, message="empty")) from None
        raise unreadable(
            path, "a text table", _first_sentence(error), "Look for an unclosed quote, and save it as UTF-8 CSV."
        ) from None
    if table.num_rows > max_rows:
        raise too_long(path, max_rows, "Split the capture by level or area.")
    frame = text_frame(table, names)
    skipped = np.sort(np.array([*rows.blank, *(number for number, _ in rows.ragged)], dtype=np.int64))
    numbers = np.arange(1, table.num_rows + len(skipped) + 1, dtype=np.int64) + skip
    if len(skipped):
        numbers = np.setdiff1d(numbers, skipped, assume_unique=True)
    frame["row"] = numbers[: table.num_rows]
    return without_blank_rows(frame), rows


def text_frame(table: Any, names: Iterable[str]) -> pd.DataFrame:
    """An arrow table of strings as a frame of trimmed text, columns named `names` (a name seen twice gets a suffix)."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    columns: dict[str, Any] = {}
    for place, name in enumerate(names):
        column = pc.utf8_trim_whitespace(table.column(place).cast(pa.large_string()).combine_chunks())
        columns[unique_name(name, columns)] = pd.array(column, dtype="str")
    return pd.DataFrame(columns, copy=False)


def without_blank_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Spreadsheets leave rows of nothing but delimiters behind."""
    import numpy as np

    blank = np.ones(len(frame), dtype=bool)
    for name in frame.columns.drop("row"):
        blank &= (frame[name] == "").to_numpy()
        if not blank.any():
            return frame
    return frame[~blank].reset_index(drop=True)


def unique_name(name: str, taken: Iterable[str]) -> str:
    taken = set(taken)
    return (
        name
        if name not in taken
        else next(f"{name}#{n}" for n in range(2, len(taken) + 3) if f"{name}#{n}" not in taken)
    )


def _ragged(path: str, ragged: list[tuple[int, int]], expected: int) -> list[Finding]:
    return [
        RULES["S05"].finding(f"{path} row {number}", actual, row=number, expected=expected)
        for number, actual in ragged[:_RAGGED_TOLD]
    ]


def _first_sentence(error: Exception) -> str:
    return str(error).splitlines()[0].removeprefix("CSV parse error: ")[:160]
