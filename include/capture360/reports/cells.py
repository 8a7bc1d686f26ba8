"""CSV without formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from capture360.reports.escaping import for_csv


def safe_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return CSV in UTF-8 with BOM, as spreadsheets expect it; no cell is a formula."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=csv.QUOTE_MINIMAL)
    writer.writerow(header)
    writer.writerows([for_csv(value) for value in row] for row in rows)
    return stream.getvalue().encode("utf-8-sig")
