"""The tables of a capture as numbers: what the rules look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from capture360.checks.numbers import Numbers, parsed
from capture360.checks.poses import site_poses, tilts
from capture360.checks.times import Times, to_utc
from capture360.checks.violations import Frame
from capture360.model import FARTHEST_M
from capture360.readers.columns import OPTIONAL_NUMBERS, POSITION, ROTATIONS, SCALES
from capture360.readers.manifest import Manifest
from capture360.readers.tables import Tables

if TYPE_CHECKING:
    import pandas as pd


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
        """Which stations have a place on Earth."""
        return np.asarray((np.abs(self.position) <= FARTHEST_M).all(axis=1))

    def suite_frame(self) -> pd.DataFrame:
        """What the stations suite sees: positions in metres of the site frame, rotations as delivered."""
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


def measured(tables: Tables, manifest: Manifest) -> ParsedStations:
    """Every number, pose and time of the tables."""
    frame = tables.stations
    wanted = (*POSITION, *ROTATIONS[manifest.rotation.kind])
    optional = tuple(name for name in OPTIONAL_NUMBERS if name in frame.columns)
    numbers = {name: parsed(frame[name]) for name in (*wanted, *optional)}
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
