"""Excel and Parquet tables as text, like the delimited ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from capture360 import lfs
from capture360.landing.folder import CaptureFolder
from capture360.readers.delimited import Table, text_frame, unique_names, without_blank_rows
from capture360.readers.expansion import most_unpacked, too_large, too_long, too_wide, unreadable
from capture360.readers.parquet_pages import Pages, PagesError
from capture360.readers.problem import Unreadable
from capture360.readers.workbook import FirstSheet, first_sheet
from capture360.readers.workbook_xml import WorkbookError
from capture360.rules.finding import Finding
from capture360.rules.structure import S03
from capture360.rules.tables import S04
from capture360.text import listed, noun

if TYPE_CHECKING:
    import pandas as pd

_SAVE_AGAIN = "Save it again as .xlsx, or as CSV."
_BATCH = 1 << 16
_SHEETS = 20
"""Unread sheets that the note names at most."""
_MOST_TIME = {"s": 253_402_300_800, "ms": 253_402_300_800_000}
"""Year 10000 in seconds and milliseconds, which finer units cannot say."""
_WHOLE = 2.0**53
"""Whole numbers below it are exact, as numbers of a sheet are stored."""
_NO_LETTER = "[\\x00-\\x08\\x0e-\\x1f]"
"""Characters of control, of which no text consists; geometries begin with one."""
_CELL = 16
"""Bytes of memory that a cell of text takes at least."""


def read_excel(folder: CaptureFolder, path: str, *, max_rows: int, max_columns: int, max_bytes: int) -> Table:
    """The first sheet of an .xlsx workbook. Row numbers are those that Excel shows."""
    import numpy as np
    import pandas as pd
    import python_calamine

    size = folder.sizes[path]
    if size > max_bytes:
        raise too_large(path, size, max_bytes)
    try:
        with folder.open(path) as stream:
            first = first_sheet(stream, path, size, max_rows=max_rows, max_columns=max_columns, max_bytes=max_bytes)
        workbook = python_calamine.CalamineWorkbook.from_filelike(first.content)
        sheet = workbook.get_sheet_by_index(first.place)
        cells = sheet.to_python(skip_empty_area=False)
    except (python_calamine.CalamineError, OSError, ValueError, IndexError) as error:
        problem = (
            str(error) if isinstance(error, WorkbookError) else "a part of it is damaged, or written as by no Excel"
        )
        raise unreadable(path, "an Excel workbook", problem, _SAVE_AGAIN) from None
    top = next((place for place, row in enumerate(cells) if any(cell != "" for cell in row)), 0)
    header = tuple(_text(cell).strip() for cell in cells[top]) if cells else ()
    while header and not header[-1]:
        header = header[:-1]
    columns: dict[str, Any] = {}
    typed = set(range(len(header)))
    for place, name in enumerate(unique_names(header)):
        column = [row[place] if place < len(row) else "" for row in cells[top + 1 :]]
        if any(isinstance(cell, str) and cell.strip() for cell in column):
            typed.discard(place)
        columns[name] = pd.array([_text(cell).strip() for cell in column], dtype="str")
    frame = pd.DataFrame(columns, copy=False)
    frame["row"] = np.arange(len(frame), dtype=np.int64) + top + 2
    return Table(path, header, without_blank_rows(frame), findings=tuple(_unread(path, first)), typed=frozenset(typed))


def _unread(path: str, sheet: FirstSheet) -> Iterator[Finding]:
    """Notes about the sheets behind the first one, and about cells of it that hold no value."""
    if sheet.others:
        others = ", ".join(f'"{name}"' for name in sheet.others[:_SHEETS])
        yield S03.finding(path, f'"{sheet.name}"', message="sheets", others=others)
    if sheet.lacking:
        yield S03.finding(path, sheet.first_lacking, message="uncalculated", count=sheet.lacking)
    hidden = (("row", sheet.hidden_rows), ("column", sheet.hidden_columns))
    named = [f"{noun(len(each), what)} {listed([str(one) for one in each])}" for what, each in hidden if each]
    if named:
        yield S03.finding(path, " and ".join(named), message="hidden")
    if sheet.merged:
        yield S03.finding(path, listed(sheet.merged), message="merged")


def read_parquet(folder: CaptureFolder, path: str, *, max_rows: int, max_columns: int, max_bytes: int) -> Table:
    """A Parquet table; rows are counted as if it had a header line. Nested columns are refused.

    Dictionary encoding is kept until sizes are checked, since a few bytes can expand to a text in each of many rows.
    """
    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet

    size = folder.sizes[path]
    if size > max_bytes:
        raise too_large(path, size, max_bytes)
    if not size:
        raise unreadable(path, "a Parquet table", "it is empty", "Was the transfer broken? Copy it again.")
    try:
        with folder.open(path) as stream:
            if stream.read(len(lfs.POINTER)) == lfs.POINTER:
                raise unreadable(path, "a Parquet table", f"it is {lfs.WHAT}", lfs.FETCH)
            stream.seek(0)
            file = parquet.ParquetFile(stream)
            names = file.schema_arrow.names
            if len(names) > max_columns or file.metadata.num_columns > max_columns:
                raise too_wide(path, f'column "{names[-1]}"', max_columns)
            if file.metadata.num_rows > max_rows:
                raise too_long(path, max_rows, "Split the capture by level or area.")
            kinds = dict(zip(names, file.schema_arrow.types, strict=True))
            if len(kinds) < len(names):
                twice = next(name for name in names if names.count(name) > 1)
                raise Unreadable(S04.finding(path, twice, message="twice", column=twice))
            unread = {name: str(kind) for name, kind in kinds.items() if not (_is_text(kind) or _is_plain(kind))}
            names = [name for name in names if name not in unread]
            most = most_unpacked(size, max_bytes)
            pages = Pages(stream, file.metadata, most)
            needed = max(file.metadata.num_rows * file.metadata.num_columns * _CELL, pages.unpacked)
            if needed > most:
                raise too_large(path, needed, most, " unpacked")
            # Texts stored as differences are not read as dictionaries by the library.
            shared = [name for name in names if name not in pages.delta_coded]
            kept = parquet.ParquetFile(stream, metadata=file.metadata, read_dictionary=shared)
            texts: dict[str, list[Any]] = {name: [] for name in names}
            needed = 0
            for batch in kept.iter_batches(_BATCH, columns=names):
                needed += sum(_text_bytes(column) for column in batch.columns)
                if needed > most:
                    raise too_large(path, needed, most, " unpacked")
                for name in [each for each in names if each not in unread]:
                    text = _arrow_text(batch.column(name))
                    if text is None:
                        unread[name] = str(kinds[name])
                    else:
                        texts[name].append(text)
    except (pa.ArrowException, OSError, ValueError, NotImplementedError, LookupError, ArithmeticError) as error:
        raise unreadable(path, "a Parquet table", _in_words(error), "Write it again, with plain columns.") from None
    header = tuple(name for name in names if name not in unread)
    typed = frozenset(place for place, name in enumerate(header) if not _is_text(kinds[name]))
    columns = {name: pa.chunked_array(texts[name], pa.large_string()) for name in header}
    frame: pd.DataFrame = text_frame(pa.table(columns), header)
    frame["row"] = np.arange(len(frame), dtype=np.int64) + 2
    findings = tuple(S03.finding(path, name, message="kind", kind=kind) for name, kind in unread.items())
    return Table(path, header, without_blank_rows(frame), typed=typed, findings=findings)


def _in_words(error: Exception) -> str:
    """Return what is wrong with a Parquet file; the library's own sentences are none of a surveyor's."""
    if isinstance(error, PagesError):
        return str(error)
    if isinstance(error, NotImplementedError):
        return "it is coded in a way that is not read"
    if isinstance(error, UnicodeDecodeError) or "UTF8" in str(error):
        return "a text in it is not UTF-8"
    if "timezone" in str(error):
        return "it names a time zone that is not known"
    if isinstance(error, OSError) and error.errno:
        return error.strerror or type(error).__name__
    return "it is cut off, damaged or of another format"


def _text_bytes(column: Any) -> int:
    """Bytes of a column of a batch once dictionaries are expanded."""
    import pyarrow as pa
    import pyarrow.compute as pc

    cells = len(column) * _CELL
    if not pa.types.is_dictionary(column.type):
        return int(cells + column.nbytes)
    if not _is_text(column.type.value_type):
        return int(cells)
    lengths = pc.binary_length(column.dictionary).cast(pa.int64())
    return int(cells + (pc.sum(pc.take(lengths, column.indices)).as_py() or 0))


def _is_text(kind: Any) -> bool:
    """Whether a column holds texts, or bytes: some programs, such as Impala, do not mark them as text."""
    import pyarrow as pa

    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    is_marked = pa.types.is_string(inner) or pa.types.is_large_string(inner) or pa.types.is_string_view(inner)
    return bool(is_marked or _is_bytes(inner))


def _is_bytes(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind))


def _is_plain(kind: Any) -> bool:
    """Whether a column holds numbers or times."""
    import pyarrow as pa

    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_primitive(inner) or pa.types.is_decimal(inner) or pa.types.is_null(inner))


def _text(cell: Any) -> str:
    """Text of a cell as a person would type it: 12 for 12.0, ISO 8601 for a date."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < _WHOLE else repr(cell)
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    return str(cell)


def _arrow_text(column: Any) -> Any:
    """Return a column as texts; None for bytes that are no text, such as geometries."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if _is_bytes(kind):
        try:
            text = column.cast(pa.large_string())
        except pa.ArrowInvalid:
            return None
        if pc.any(pc.match_substring_regex(text, _NO_LETTER)).as_py():
            return None
    elif pa.types.is_timestamp(kind):
        form = "%Y-%m-%dT%H:%M:%S"
        count = column.cast(pa.int64())
        most = _MOST_TIME.get(kind.unit)
        # What no calendar holds stays a number, for the rule of times to complain about in its row.
        within = pc.fill_null(pc.and_(pc.less(count, most), pc.greater(count, -most)), True) if most else None
        known = pc.if_else(within, column, pa.scalar(None, kind)) if most else column
        # Only what is finer than a microsecond may be cut off.
        exact = known.cast(pa.timestamp("us", kind.tz), safe=kind.unit != "ns")
        text = pc.strftime(exact, format=form + ("%z" if kind.tz else ""))
        if most:
            text = pc.if_else(within, text, count.cast(pa.string()))
    elif pa.types.is_floating(kind):
        text = column.cast(pa.float64()).cast(pa.large_string())
    else:
        text = column.cast(pa.large_string())
    text = pc.fill_null(text.cast(pa.large_string()), "")
    text.validate(full=True)  # Parquet does not promise that text is UTF-8
    return text
