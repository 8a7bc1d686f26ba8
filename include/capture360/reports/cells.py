"""Tables as CSV without formulas, and as Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from capture360.formulas import for_csv

if TYPE_CHECKING:
    import pyarrow as pa


def safe_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return CSV in UTF-8 with BOM, as spreadsheets expect it; no cell is a formula."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=csv.QUOTE_MINIMAL)
    writer.writerow(header)
    writer.writerows([for_csv(value) for value in row] for row in rows)
    return stream.getvalue().encode("utf-8-sig", errors="backslashreplace")


def parquet(schema: pa.Schema, rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Return a Parquet file. Half characters, which JSON can hold and Parquet cannot, are written as their escapes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    def whole(value: Any) -> Any:
        return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value

    stream = io.BytesIO()
    table = pa.Table.from_pylist([{name: whole(value) for name, value in row.items()} for row in rows], schema=schema)
    pq.write_table(table, stream)
    return stream.getvalue()
