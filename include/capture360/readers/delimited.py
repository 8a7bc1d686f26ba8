"""Delimited text tables: detects encoding and delimiter, keeps cells as text, and counts rows as spreadsheets do."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from capture360 import lfs
from capture360.landing.folder import CaptureFolder
from capture360.readers.detected_encoding import ASCII, encoding_of
from capture360.readers.encodings import ASSUMED
from capture360.readers.expansion import too_large, too_long, too_wide, unreadable
from capture360.readers.problem import Unreadable
from capture360.readers.ragged import UNCLOSED, Ragged, first_cell, refuse_doubt, refuse_swallowed
from capture360.rules.finding import Finding
from capture360.rules.tables import S05

if TYPE_CHECKING:
    import pandas as pd

_DELIMITERS = (",", ";", "\t", "|")
_STATED = re.compile(r"[ \ufeff]*\"?sep=(.)\"?[ \t,;|]*(?:\r\n|\r|\n)", re.IGNORECASE)
"""A first line in which Excel states the delimiter; spreadsheets do not count it."""
_CHUNK = 1 << 20
_BLOCK = 8 << 20
_NOTHING = " \t\r\n,;|\x1a"
"""Characters of a line without values; old programs end a file with 0x1A."""
_RULE = "-+:="
"""Characters of the lines that Markdown, psql and others draw between rows."""
_FOOTER = re.compile(r"\([0-9]{1,9} \w{1,20}\)|[0-9]{1,9} rows? in set(?: \([0-9.]+ sec\))?")
"""How many rows there are, as psql and MySQL write it below them."""
_SPLIT = "Split the capture by level or area."
_DELETE = "Most of them are empty: delete the empty rows."
_ZEROS = "\0" * 4
_BROKEN = ", as after a transfer that broke"
_OTHER_FORMS = (
    (
        b"PK\x03\x04",
        "an Excel workbook or another zip archive",
        "Name it .xlsx if it is a workbook, or save it as CSV.",
    ),
    (b"\xd0\xcf\x11\xe0", "a workbook of old Excel, or one with a password", "Save it as CSV."),
    (b"PAR1", "a Parquet table", "Name it .parquet."),
    (b"\x1f\x8b", "a gzip archive", "Unpack it."),
    (lfs.POINTER, lfs.WHAT, lfs.FETCH),
    (b"\x00" * 8, f"full of zero bytes{_BROKEN}", "Copy it again."),
)
"""First bytes of other files, with their names and the fix."""


@dataclass(frozen=True)
class Table:
    """A table as text. `row` is the line as a spreadsheet counts it, header = 1."""

    file: str
    header: tuple[str, ...]
    frame: pd.DataFrame
    comma_delimited: bool = False
    typed: frozenset[int] = frozenset()
    """Indices of columns that the file stores as numbers, so that their notation is not in question."""
    encoding: str = ""
    """Of a text table that does not state its encoding: its letters are in question. Empty for any other."""
    findings: tuple[Finding, ...] = ()
    ragged: tuple[Ragged, ...] = ()
    """Rows of another length than the header, which are not in `frame`."""


@dataclass
class _Rows:
    """Handler of rows that pyarrow refuses: blank ones are skipped, ragged ones are collected for findings.

    Reading stops once they are more than `most`.
    """

    most: int
    blank: list[int] = field(default_factory=list)
    ragged: list[Ragged] = field(default_factory=list)
    delimiter: str = ","
    runs_on: list[int] = field(default_factory=list)
    """Rows of another length that hold a line break, so that a quote may have swallowed the rows below."""
    zeros: list[int] = field(default_factory=list)
    """Rows of another length in which bytes are zero."""

    @property
    def too_many(self) -> bool:
        """Whether there are more than the limit, so that reading stopped."""
        return max(len(self.blank), len(self.ragged)) > self.most

    @property
    def fix(self) -> str:
        """What to do about too many of them."""
        return _DELETE if len(self.blank) > self.most else _SPLIT

    def __call__(self, row: Any) -> str:
        if _ZEROS in row.text:
            self.zeros.append(row.number)
        if not row.text.strip(_NOTHING + _RULE) or _FOOTER.fullmatch(row.text.strip()):
            self.blank.append(row.number)
        else:
            self.ragged.append(Ragged(row.number, row.actual_columns, first_cell(row.text, self.delimiter)))
            if "\n" in row.text.rstrip("\r\n") or "\r" in row.text.rstrip("\r\n"):
                self.runs_on.append(row.number)
        return "error" if self.too_many else "skip"


def read_delimited(
    folder: CaptureFolder,
    path: str,
    *,
    max_rows: int,
    max_columns: int,
    max_bytes: int,
    header: tuple[str, ...] | None = None,
    skip: int = 0,
) -> Table:
    """Read the table at `path`; Unreadable if its rows differ in length or it exceeds a limit.

    With `header` given the first `skip` lines are passed over instead of being read as the header.
    """
    size = folder.sizes[path]
    if size > max_bytes:
        raise too_large(path, size, max_bytes)
    with folder.open(path) as stream:
        _refuse_other_forms(stream, path)
        encoding = encoding_of(stream, path)
        stream.seek(0)
        head = _head(path, _start(stream, encoding), header, skip)
    if len(head.names) > max_columns:
        raise too_wide(path, f'column "{head.names[-1][:40]}"', max_columns)
    with folder.open(path) as stream:
        frame, rows = _parsed(stream, path, encoding, head, max_rows)
    shift = head.rows - head.lines
    _refuse_zeros(path, frame, [number + shift for number in rows.zeros])
    ragged = [each._replace(row=each.row + shift) for each in rows.ragged]
    if ragged:
        with folder.open(path) as stream:
            ends = _ends(stream, size)
        runs_on = [number + shift for number in rows.runs_on]
        refuse_doubt(path, head, frame, ragged, runs_on=runs_on, ends=ends)
    refuse_swallowed(path, head, frame)
    return Table(path, head.names, frame, head.delimiter == ",", encoding=_in_question(encoding), ragged=tuple(ragged))


def _in_question(encoding: str) -> str:
    return encoding if encoding in (ASSUMED, "utf-8") else ""


def _refuse_other_forms(stream: IO[bytes], path: str) -> None:
    """Unreadable for a file of another form under the name of a text table."""
    start = stream.read(24)
    stream.seek(0)
    for signature, form, fix in _OTHER_FORMS:
        if start.startswith(signature):
            raise unreadable(path, "a text table", f"it is {form}", fix)


def _refuse_zeros(path: str, frame: pd.DataFrame, rows: list[int]) -> None:
    """Unreadable if a stretch of a row is zero: a copy that broke off leaves what it did not write."""
    for name in frame.columns.drop("row"):
        rows += frame.loc[frame[name].str.contains(_ZEROS, regex=False), "row"].head(1).tolist()
    if rows:
        raise unreadable(path, "a text table", f"bytes of row {min(rows)} are zero{_BROKEN}", "Copy it again.")


@dataclass(frozen=True)
class _Head:
    """The column names, the delimiter, and what lies above the first row: lines of the file, rows of a spreadsheet."""

    names: tuple[str, ...]
    delimiter: str
    lines: int
    rows: int


def _start(stream: IO[bytes], encoding: str) -> str:
    return codecs.getincrementaldecoder(encoding)("replace").decode(stream.read(_CHUNK))


def _head(path: str, text: str, names: tuple[str, ...] | None, skip: int) -> _Head:
    """Read the header at the start of `text`; with `names` given, the text after `skip` lines gives the delimiter."""
    if names:
        rows = io.StringIO(text, newline="").readlines()[skip:]
        below = next((row for row in rows if row.strip(_NOTHING)), "")
        return _Head(names, _most_cells(path, below)[0], skip, skip)
    stated = _STATED.match(text)
    text = text[stated.end() if stated else 0 :]
    written = io.StringIO(text, newline="").readlines()
    blank = sum(1 for _ in itertools.takewhile(lambda line: not line.strip(f"{_NOTHING}{_RULE}\ufeff"), written))
    delimiter, cells, lines = _most_cells(path, "".join(written[blank:]), stated[1] if stated else "")
    names = tuple(cell.strip().strip("\ufeff") for cell in cells)
    return _Head(names, delimiter, lines + blank + bool(stated), 1 + blank)


def _most_cells(path: str, text: str, stated: str = "") -> tuple[str, list[str], int]:
    """The delimiter that splits the first record into most cells, the cells, and the lines that they stand in."""
    best: tuple[str, list[str], int] | None = None
    for delimiter in (stated,) if stated and stated not in '"\r\n' else _DELIMITERS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
        try:
            cells = next(reader, [])
        except csv.Error:
            continue
        if best is None or len(cells) > len(best[1]):
            best = delimiter, cells, reader.line_num
    if best is None:
        raise unreadable(path, "a text table", "its header does not end", UNCLOSED)
    return best


def _parsed(
    stream: IO[bytes],
    path: str,
    encoding: str,
    head: _Head,
    max_rows: int,
) -> tuple[pd.DataFrame, _Rows]:
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names = head.names
    if not any(names):
        raise Unreadable(S05.finding(path, message="empty"))
    places = [str(place) for place in range(len(names))]
    rows = _Rows(max_rows, delimiter=head.delimiter)
    try:
        reader = arrow_csv.open_csv(
            stream,
            read_options=arrow_csv.ReadOptions(
                use_threads=False,
                block_size=_BLOCK,
                skip_rows=head.lines,
                column_names=places,
                encoding="utf8" if encoding in ("utf-8", "utf-8-sig", ASCII) else encoding,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=head.delimiter, newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=rows
            ),
            convert_options=arrow_csv.ConvertOptions(
                check_utf8=True,
                column_types={place: pa.large_string() for place in places},
                strings_can_be_null=False,
            ),
        )
        batches, count = [], 0
        for batch in reader:
            batches.append(batch)
            count += batch.num_rows
            if count > max_rows:
                raise too_long(path, max_rows, _SPLIT if _has_values(batch) else _DELETE)
        table = pa.Table.from_batches(batches, reader.schema)
    except (pa.ArrowException, UnicodeError, ValueError) as error:
        if rows.too_many:
            raise too_long(path, max_rows, rows.fix) from None
        if "Empty CSV" not in str(error) and "Could not skip" not in str(error):
            raise unreadable(path, "a text table", _in_words(error), UNCLOSED) from None
        table = pa.table({place: pa.array([], pa.large_string()) for place in places})
    frame = text_frame(table, names)
    skipped = np.sort(np.array([*rows.blank, *(each.row for each in rows.ragged)], dtype=np.int64))
    numbers = np.arange(1, table.num_rows + len(skipped) + 1, dtype=np.int64) + head.rows
    if len(skipped):
        numbers = np.setdiff1d(numbers, skipped - head.lines + head.rows, assume_unique=True)
    frame["row"] = numbers[: table.num_rows]
    return without_blank_rows(frame), rows


def _has_values(batch: Any) -> bool:
    """Return whether a cell of the last row holds anything; spreadsheets leave empty rows behind the last one."""
    return any(column[-1].as_py().strip() for column in batch.columns)


def text_frame(table: Any, names: Iterable[str]) -> pd.DataFrame:
    """An arrow table of strings as a frame of trimmed text, columns named `names` (a name seen twice gets a suffix)."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    columns: dict[str, Any] = {}
    for place, name in enumerate(unique_names(names)):
        column = pc.utf8_trim_whitespace(table.column(place).cast(pa.large_string()).combine_chunks())
        columns[name] = pd.array(column, dtype="str")
    return pd.DataFrame(columns, copy=False)


def without_blank_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Drop rows of empty cells, which spreadsheets leave behind the last row, and lines that are drawn in dashes."""
    import numpy as np

    blank = np.ones(len(frame), dtype=bool)
    for name in frame.columns.drop("row"):
        blank &= frame[name].str.contains(f"^[{_RULE}]*$", regex=True).to_numpy(dtype=bool)
        if not blank.any():
            return frame
    return frame[~blank].reset_index(drop=True)


def unique_names(names: Iterable[str]) -> list[str]:
    """The names in their order, each but the first of equal ones with a suffix; `row` is kept for their numbers."""
    taken = {"row"}
    times: dict[str, int] = {}
    result: list[str] = []
    for name in names:
        unique = name
        while unique in taken:
            times[name] = times.get(name, 1) + 1
            unique = f"{name}#{times[name]}"
        taken.add(unique)
        result.append(unique)
    return result


def _ends(stream: IO[bytes], size: int) -> bool:
    """Return whether the last line of a file ends."""
    stream.seek(max(0, size - 4))
    return bool(stream.read().strip(b"\0")[-1:] in (b"\n", b"\r", b"\x1a"))


def _in_words(error: Exception) -> str:
    """Return what is wrong with a text table; the library's own sentences are none of a surveyor's."""
    if "straddling" in str(error):
        return f"a value or line has more than {_BLOCK >> 20} MB"
    return "it cannot be divided into rows"
