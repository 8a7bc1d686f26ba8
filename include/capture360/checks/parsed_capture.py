"""The parsed tables of a capture, and the other input of the rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capture360.checks.site_poses import site_poses
from capture360.checks.text_columns import Numbers, Times, declared_count, declared_digest, parse_numbers, to_utc
from capture360.checks.violations import Frame
from capture360.geometry.rotation import tilts
from capture360.landing.folder import CaptureFolder
from capture360.model import FARTHEST_M, Capture, CaptureKey
from capture360.readers.columns import OPTIONAL_NUMBERS, POSITION, ROTATIONS, SCALES
from capture360.readers.manifest import Manifest
from capture360.readers.pictures import PANORAMA
from capture360.readers.tables import Tables
from capture360.rules.finding import Finding
from capture360.rules.rule import Rule
from capture360.settings.checks import CheckSettings
from capture360.settings.site import Site

if TYPE_CHECKING:
    import pandas as pd


MOST_PIXELS = 1e6
"""More pixels along an edge than any picture has."""


@dataclass(frozen=True)
class ParsedStations:
    """One row per station, as delivered: raw numbers by column, poses in the site frame, times in UTC.

    `position` is N x 3 metres, `rotation` N x 4 unit quaternions of the cube frame; NaN where unknown.
    """

    tables: Tables
    manifest: Manifest
    stations: Frame
    faces: Frame
    numbers: dict[str, Numbers]
    position: NDArray[np.float64]
    rotation: NDArray[np.float64]
    times: Times

    def __len__(self) -> int:
        return len(self.stations.frame)

    @property
    def placed(self) -> NDArray[np.bool_]:
        """Mask of stations with a plausible position."""
        return np.asarray((np.abs(self.position) <= FARTHEST_M).all(axis=1))

    def suite_frame(self) -> pd.DataFrame:
        """Return the columns of the stations suite: positions in metres of the site frame, rotations as delivered."""
        import pandas as pd

        columns = {"station_id": self.stations.frame["station_id"]}
        columns |= {axis: pd.Series(self.position[:, place]) for place, axis in enumerate(POSITION)}
        named = ROTATIONS[self.manifest.rotation.kind]
        columns |= {name: pd.Series(self.numbers[name].values) for name in named}
        given = ~np.isnan(self.rotation).any(axis=1)
        columns["rotation"] = pd.Series(np.where(given, 1.0, np.nan))
        columns["tilt"] = pd.Series(tilts(self.rotation))
        columns["unix_time"] = pd.Series(self.unix_times())
        columns |= {name: pd.Series(self.numbers[name].values) for name in SCALES if name in self.numbers}
        return pd.DataFrame(columns)

    def unix_times(self) -> NDArray[np.float64]:
        """Seconds since 1970, NaN where unknown."""
        micro = self.times.utc.astype("int64").to_numpy()
        return np.where(self.times.utc.isna().to_numpy(), np.nan, micro / 1e6)


@dataclass(frozen=True, slots=True)
class Declared:
    """What the faces table says of a file; None and empty where it says nothing that can be read."""

    width: int | None = None
    height: int | None = None
    size_bytes: int | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class ImageRef:
    """Reference to a picture in a table or the folder. `resolution` is the table's, 0 if not stated."""

    path: str
    station: str
    face: str
    table: str = ""
    row: int = 0
    resolution: int = 0
    resolution_from: str = ""
    taken: datetime | None = None
    """The table's time; set for one picture of each station."""
    declared: Declared = Declared()

    @property
    def where(self) -> str:
        """Word the place: the file and the row that names it."""
        return self.path + (f" ({self.table} row {self.row})" if self.row else "")

    def finding(self, rule: Rule, value: object = "", *, message: str = "", **fields: object) -> Finding:
        """Return the finding that the picture violates a rule."""
        return rule.finding(
            self.path,
            value,
            table=self.table,
            where=self.where,
            message=message,
            station=self.station,
            row=self.row or None,
            column="file",
            **fields,
        )


@dataclass(frozen=True)
class CheckInput:
    """Input of the rules: a delivery, its tables, the site's settings, and earlier captures."""

    folder: CaptureFolder
    table: ParsedStations
    """The stations without rows that the table marks as not valid."""
    faces: Frame
    """Faces of stations in `table`."""
    delivered: Frame
    """The complete stations table as delivered."""
    ids: pd.Series[str]
    """One id per station row, empty if missing; unusable spheres of E57 files count too."""
    key: CaptureKey
    expected_key: CaptureKey | None
    """The key that the caller expects, if any."""
    site: Site | None
    settings: CheckSettings
    earlier: Sequence[Capture]
    """Ingested captures of the site, former revisions of this one included."""


def parse_stations(tables: Tables, manifest: Manifest) -> ParsedStations:
    """Parse every number, pose and time of the tables."""
    frame = tables.stations
    wanted = (*POSITION, *ROTATIONS[manifest.rotation.kind])
    optional = tuple(name for name in OPTIONAL_NUMBERS if name in frame.columns)
    numbers = {name: parse_numbers(frame[name]) for name in (*wanted, *optional)}
    position, rotation = site_poses(manifest, numbers)
    times = to_utc(frame["time_taken"], manifest.time)
    return ParsedStations(
        tables,
        manifest,
        Frame(frame, tables.stations_file),
        Frame(tables.faces, tables.faces_file),
        numbers,
        position,
        rotation,
        times,
    )


def image_refs(table: ParsedStations, faces: Frame) -> Iterator[ImageRef]:
    """Return references to the pictures of all stations, grouped by station."""
    import pandas as pd

    frame = faces.frame.sort_values("station_id", kind="stable")
    frame = frame[(frame["file"] != "")].drop_duplicates("file")
    stated = table.manifest.image.resolution or 0
    by_station: dict[str, float] = {}
    if "resolution" in table.numbers:
        by_station = dict(zip(table.stations.frame["station_id"], table.numbers["resolution"].values, strict=True))
    taken = dict(zip(table.stations.frame["station_id"], table.times.utc.dt.to_pydatetime(), strict=True))
    said = list(_declared(frame))
    places = zip(frame["station_id"], frame["face"], frame["file"], frame["row"], strict=True)
    for number, (station, face, file, row) in enumerate(places):
        time = taken.get(station) if face in ("front", PANORAMA) else None
        own = by_station.get(station, np.nan)
        named = int(own) if 0 < own <= MOST_PIXELS else 0
        source = f"{table.stations.file} resolution" if named else "capture.yaml image.resolution"
        known = time if time is not None and not pd.isna(time) else None
        yield ImageRef(file, station, face, faces.file, int(row), named or stated, source, known, said[number])


def _declared(frame: pd.DataFrame) -> Iterator[Declared]:
    """What each row of the faces table says of its file."""
    nothing = [""] * len(frame)
    columns = [
        frame[name] if name in frame.columns else nothing for name in ("width", "height", "size_bytes", "sha256")
    ]
    for width, height, size, digest in zip(*columns, strict=True):
        yield Declared(declared_count(width), declared_count(height), declared_count(size), declared_digest(digest))
