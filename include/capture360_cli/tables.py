"""Tables without colours, for people, grep and awk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def aligned(rows: Sequence[Sequence[str]], texts: int, *, last_is_text: bool = False) -> Iterator[str]:
    """Yield the rows with aligned columns: the first so many are texts, and the last if it says so, others numbers."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            cell.ljust(width) if place < texts or (last_is_text and place == len(widths) - 1) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()
