"""Excel and Parquet tables as text, like the delimited ones."""

from __future__ import annotations

import zipfile
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from capture360.landing.folder import CaptureFolder
from capture360.readers.delimited import (
    Table,
    text_frame,
    too_large,
    too_long,
    unique_name,
    unreadable,
    without_blank_rows,
)

if TYPE_CHECKING:
    import pandas as pd

_SAVE_AS = "Save it as CSV or Parquet."
_SAVE_AGAIN = "Save it again as .xlsx, or as CSV."


def read_excel(folder: CaptureFolder, path: str, *, max_rows: int, max_bytes: int) -> Table:
    """The first sheet of an .xlsx workbook. Row numbers are those that Excel shows."""
    import numpy as np
    import pandas as pd
    import python_calamine

    size = folder.sizes[path]
    if size > max_bytes:
        raise too_large(path, size, max_bytes)
    with folder.open(path) as stream:
        try:
            with zipfile.ZipFile(stream) as archive:
                unpacked = sum(entry.file_size for entry in archive.infolist())
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
            raise unreadable(path, "an Excel workbook", "it is no zip archive", _SAVE_AGAIN) from None
    if unpacked > max_bytes:
        raise too_large(path, unpacked, max_bytes, " unpacked")
    try:
        with folder.open(path) as stream:
            workbook = python_calamine.CalamineWorkbook.from_filelike(stream)
            sheet = workbook.get_sheet_by_index(0)
            if sheet.total_height > max_rows + 1:
                raise too_long(path, max_rows, _SAVE_AS)
            cells = sheet.to_python(skip_empty_area=False)
    except (python_calamine.CalamineError, OSError, ValueError, IndexError) as error:
        problem = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise unreadable(path, "an Excel workbook", problem, _SAVE_AGAIN) from None
    first = next((place for place, row in enumerate(cells) if any(cell != "" for cell in row)), 0)
    header = tuple(_text(cell).strip() for cell in cells[first]) if cells else ()
    while header and not header[-1]:
        header = header[:-1]
    columns: dict[str, Any] = {}
    for place, name in enumerate(header):
        column = [_text(row[place]).strip() if place < len(row) else "" for row in cells[first + 1 :]]
        columns[unique_name(name, columns)] = pd.array(column, dtype="str")
    frame = pd.DataFrame(columns, copy=False)
    frame["row"] = np.arange(len(frame), dtype=np.int64) + first + 2
    return Table(path, header, without_blank_rows(frame))


def read_parquet(folder: CaptureFolder, path: str, *, max_rows: int, max_bytes: int) -> Table:
    """A Parquet table; rows are counted as if it had a header line. Nested columns are refused."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet

    size = folder.sizes[path]
    if size > max_bytes:
        raise too_large(path, size, max_bytes)
    try:
        with folder.open(path) as stream:
            file = parquet.ParquetFile(stream)
            unpacked = sum(
                file.metadata.row_group(place).total_byte_size for place in range(file.metadata.num_row_groups)
            )
            if unpacked > max_bytes:
                raise too_large(path, unpacked, max_bytes, " unpacked")
            if file.metadata.num_rows > max_rows:
                raise too_long(path, max_rows, "Split the capture by level or area.")
            table = file.read()
        header = tuple(table.column_names)
        texts = [_arrow_text(table.column(place)) for place in range(table.num_columns)]
    except (pa.ArrowException, OSError, ValueError, NotImplementedError) as error:
        problem = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise unreadable(path, "a Parquet table", problem, "Write it again, with plain columns.") from None
    frame: pd.DataFrame = text_frame(pa.table(texts, names=[str(place) for place in range(len(texts))]), header)
    frame["row"] = np.arange(len(frame), dtype=np.int64) + 2
    return Table(path, header, without_blank_rows(frame))


def _text(cell: Any) -> str:
    """A cell as a person would have typed it: 12.0 is 12, a date is ISO."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    return str(cell)


def _arrow_text(column: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise ValueError(f"a column holds {kind}, not text, numbers or times")
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_timestamp(kind):
        form = "%Y-%m-%dT%H:%M:%S"
        text = pc.strftime(column.cast(pa.timestamp("us", kind.tz)), format=form + ("%z" if kind.tz else ""))
    elif pa.types.is_floating(kind):
        text = column.cast(pa.float64()).cast(pa.large_string())
    else:
        text = column.cast(pa.large_string())
    return pc.fill_null(text.cast(pa.large_string()), "")
