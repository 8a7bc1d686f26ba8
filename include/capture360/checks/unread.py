"""Ingested stations that a delivery lacks because a part of it cannot be read: nothing of them may be removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capture360.checks.parsed_capture import ParsedStations
from capture360.model import Capture
from capture360.rules.rule import place
from capture360.rules.tables import S05

if TYPE_CHECKING:
    import pandas as pd


def perhaps_unread(table: ParsedStations, ids: pd.Series[str], before: Capture | None) -> dict[str, str]:
    """Return ingested stations that are missing and may be in what cannot be read, with the place of that.

    Rows without an id hide as many of them as they are, unless the delivery confirms that stations are left out.
    """
    if before is None:
        return {}
    delivered, unread = set(ids), table.tables.unread
    missing = [station.id for station in before.stations if station.id not in delivered]
    found = {}
    for each in missing:
        part = next((part for part, start in unread.items() if each.startswith(start)), None)
        if part is not None:
            found[each] = part
    rest = [each for each in missing if each not in found]
    rows = [*_nameless(table), *_unknown_rows(table, before)]
    if len(rest) <= len(rows) and table.manifest.revision <= before.revision:
        found |= dict(zip(rest, rows, strict=False))
    return found


def _nameless(table: ParsedStations) -> list[str]:
    """Return the places of rows without an id."""
    rows = table.stations.frame.loc[table.stations.frame["station_id"] == "", "row"]
    return [place(table.stations.file, int(row) or None) for row in rows]


def unknown_parts(table: ParsedStations, before: Capture) -> list[str]:
    """Return what cannot be read of a delivery and holds no ingested station that is known by its id."""
    ids = [station.id for station in before.stations]
    files = [part for part, start in table.tables.unread.items() if not any(each.startswith(start) for each in ids)]
    return [*files, *_unknown_rows(table, before)]


def _unknown_rows(table: ParsedStations, before: Capture) -> list[str]:
    """Return the places of rows of another length that name no ingested station."""
    known = {station.id for station in before.stations}
    return [
        finding.station or finding.where
        for finding in table.tables.findings
        if finding.rule == S05.id and finding.path == table.stations.file and finding.station not in known
    ]
