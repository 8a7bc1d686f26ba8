"""Result of a reader: the manifest, and the tables as text with the row numbers of a spreadsheet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from capture360.readers.manifest import Manifest
from capture360.rules.finding import Finding

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Tables:
    """A delivered capture as text.

    `stations` and `faces` hold one `str` column per delivered column (canonical names, cells as written but numbers in
    plain notation, empty for none) and the integer column `row`: the line as a spreadsheet counts it, header = 1; 0
    where no table names the row.
    `scans` has the sha256 of each usable E57 file by path. `unread` are parts of the delivery of which nothing could be
    read and the number of stations is not known: what a finding holds back for it, and how the ids of its stations
    begin. `manifest` is None only if `findings` says why.
    """

    manifest: Manifest | None
    stations: pd.DataFrame
    faces: pd.DataFrame
    stations_file: str
    faces_file: str
    findings: tuple[Finding, ...] = ()
    scans: Mapping[str, str] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
