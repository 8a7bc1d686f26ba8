"""Names, dates and whole captures: rules of the gate that look at words and times, not at places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from capture360.checks.parsed_capture import ParsedStations
from capture360.checks.rules import RULES
from capture360.checks.violations import FindingGroup, Frame, RowViolations, where
from capture360.landing.folder import CaptureFolder
from capture360.model import CaptureKind, twin_key
from capture360.readers.manifest import MANIFEST
from capture360.readers.pictures import PICTURE
from capture360.settings.checks import CheckSettings

if TYPE_CHECKING:
    import pandas as pd

NAME_LENGTH = 255
CONTROL = r"[\x00-\x1f\x7f-\x9f]"
_FEW = 3
_NAMES_SHOWN = 5


def for_people(name: str) -> str:
    """A delivered name as it is published: no control characters, not too long."""
    return re.sub(CONTROL, "", name)[:NAME_LENGTH].strip()


def names(table: ParsedStations) -> Iterator[RowViolations]:
    """I04: station names that would not be shown as delivered."""
    if "station_name" not in table.stations.frame.columns:
        return
    column = table.stations.frame["station_name"]
    long = where(column.str.len() > NAME_LENGTH)
    if len(long):
        yield RowViolations(
            "I04",
            table.stations,
            long,
            column="station_name",
            value=lambda at: len(str(column.iat[at])),
            words=lambda at: {"limit": NAME_LENGTH},
        )
    controls = where(column.str.contains(CONTROL, regex=True))
    if len(controls):
        yield RowViolations("I04", table.stations, controls, "control", "station_name")


def groups(table: ParsedStations) -> Iterator[FindingGroup]:
    """I06 and I07: one site a capture, and no two names for one collection."""
    frame, file, manifest = table.stations.frame, table.stations.file, table.manifest
    if "site_id" in frame.columns:
        found = frame.loc[frame["site_id"] != "", "site_id"].value_counts()
        if len(found) and list(found.index) != [manifest.site_id]:
            yield FindingGroup([RULES["I06"].finding(file, _counted(found), column="site_id", site=manifest.site_id)])
    if "collection_id" in frame.columns:
        found = frame.loc[frame["collection_id"] != "", "collection_id"].value_counts()
        for _, alike in found.groupby([twin_key(name) for name in found.index]):
            if len(alike) > 1:
                yield FindingGroup([RULES["I07"].finding(file, _counted(alike), column="collection_id")])


def _counted(found: pd.Series[int]) -> str:
    shown = [f"{name} ({count} {'row' if count == 1 else 'rows'})" for name, count in found.items()]
    return ", ".join(shown[:_NAMES_SHOWN]) + (", ..." if len(shown) > _NAMES_SHOWN else "")


def dates(table: ParsedStations, settings: CheckSettings) -> Iterator[RowViolations | FindingGroup]:
    """T03, T05 and T07: doubtful hours, two campaigns, the time of the export."""
    unclear = where(table.times.unclear)
    if len(unclear):
        zone = table.manifest.time.zone
        yield RowViolations("T03", table.stations, unclear, column="time_taken", words=lambda at: {"zone": zone})
    times = table.times.utc.dropna()
    if len(times) < 2:
        return
    span = times.max() - times.min()
    file = table.stations.file
    if span > settings.max_span:
        days = f"{span.total_seconds() / 86400:.1f}"
        limit = f"{settings.max_span.total_seconds() / 86400:g}"
        yield FindingGroup([RULES["T05"].finding(file, days, column="time_taken", limit=limit)])
    if len(times) >= _FEW and span.total_seconds() < 1:
        shown = times.iloc[0].strftime("%Y-%m-%dT%H:%M:%SZ")
        yield FindingGroup([RULES["T07"].finding(file, shown, column="time_taken", count=len(times))])


def captures(table: ParsedStations, settings: CheckSettings) -> Iterator[FindingGroup]:
    """C01 and C04: size of the largest collection, and privacy."""
    frame = table.stations.frame
    largest = int(frame["collection_id"].value_counts().max()) if "collection_id" in frame.columns else len(table)
    if largest > settings.max_listed_images:
        limit = f"{settings.max_listed_images:,}"
        yield FindingGroup([RULES["C01"].finding(table.stations.file, f"{largest:,}", limit=limit)])
    if settings.privacy == "blurred" and table.manifest.privacy == "unreviewed":
        yield FindingGroup([RULES["C04"].finding(MANIFEST, table.manifest.privacy, column="privacy")])


def orphans(folder: CaptureFolder, table: ParsedStations, faces: Frame) -> Iterator[FindingGroup]:
    """F06: pictures that no station uses."""
    if table.manifest.kind is CaptureKind.E57:
        return
    named = table.faces.frame
    used = {*faces.frame["file"], *named.loc[named["row"] > 0, "file"]}
    left = [entry.path for entry in folder.files if PICTURE.search(entry.path) and entry.path not in used]
    if left:
        shown = ", ".join(left[:_NAMES_SHOWN]) + (", ..." if len(left) > _NAMES_SHOWN else "")
        yield FindingGroup([RULES["F06"].finding("", len(left), message="orphans", names=shown)])


def skipped(stations: Frame) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Rows that the table itself marks as not valid."""
    if "valid" not in stations.frame.columns:
        return np.empty(0, dtype=np.int64)
    return where(stations.frame["valid"].str.casefold().isin(["false", "0", "no", "n"]))
