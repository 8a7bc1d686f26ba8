"""The views of assets as a table: rows for a spreadsheet, and Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from capture360.reports.cells import parquet, safe_csv


@dataclass(frozen=True, slots=True)
class View:
    """One view of a plate of an asset; see `docs/how-to/look-at-captures.md` for what each value says."""

    asset: str
    asset_name: str
    verdict: str
    capture: str
    station: str
    taken_at: str
    image: str
    image_space: str
    face: str
    file: str
    file_space: str
    heading_deg: float | None
    pitch_deg: float | None
    width_px: float | None
    height_px: float | None
    whole: bool | None
    distance_m: float | None
    angle_deg: float | None
    text: str
    asset_link: str
    capture_link: str
    panorama: str


_RANK = "rank"
_COLUMNS = ("asset", "asset_name", _RANK, *[each.name for each in fields(View)][2:])
_NUMBERS = {"heading_deg", "pitch_deg", "width_px", "height_px", "distance_m", "angle_deg"}


def views_csv(views: Iterable[Sequence[View]]) -> bytes:
    """The views of each asset, best first, as CSV, UTF-8 with BOM, safe to open in a spreadsheet."""
    return safe_csv(_COLUMNS, ([row[name] for name in _COLUMNS] for row in _rows(views)))


def views_parquet(views: Iterable[Sequence[View]]) -> bytes:
    """The views of each asset as one Parquet file with the columns of the CSV."""
    import pyarrow as pa

    types = {_RANK: pa.int64(), "whole": pa.bool_(), **dict.fromkeys(_NUMBERS, pa.float64())}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in _COLUMNS])
    return parquet(schema, _rows(views))


def _rows(views: Iterable[Sequence[View]]) -> Iterator[dict[str, Any]]:
    for some in views:
        for rank, view in enumerate(some, 1):
            yield {**asdict(view), _RANK: rank}
