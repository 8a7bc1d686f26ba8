"""Settings `checks.*`: the thresholds of the rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from capture360.settings.section import (
    Angle,
    Count,
    CountOrNone,
    Duration,
    Fraction,
    NotNegative,
    Number,
    Pixels,
    Positive,
    Section,
)


class Bounds(Section):
    """Axis-aligned box of the site frame in metres."""

    ascending = (("minimum", "maximum"),)
    minimum: tuple[Number, Number, Number]
    """Lowest x, y and z, in metres of the site frame."""
    maximum: tuple[Number, Number, Number]
    """Highest x, y and z, in metres of the site frame."""


class CheckSettings(Section):
    """Thresholds of the rules."""

    ascending = (
        ("min_file_bytes", "max_file_bytes"),
        ("quaternion_tolerance", "quaternion_repairable"),
        ("min_face_resolution", "max_face_resolution"),
    )
    strict: bool = False
    """Whether warnings about stations quarantine them, and quarantines stop the capture."""
    bounds: Bounds | None = None
    """Box that every station must stand in; not checked if not given."""
    max_quarantine_fraction: Fraction = 0.2
    """Share of the stations that may be quarantined before the whole capture stops."""
    max_quarantined_stations: CountOrNone | None = None
    """Number of stations that may be quarantined before the capture stops; the fraction alone decides if not given."""
    max_megapixels: Positive = 200
    """Largest picture that is decoded, in millions of pixels by its header."""
    min_file_bytes: CountOrNone = 1_000
    """Smallest size of a picture file, in bytes."""
    max_file_bytes: Count = 50_000_000
    """Largest size of a picture file, in bytes."""
    quaternion_tolerance: Fraction = 1e-3
    """Largest deviation of a quaternion's length from 1, in a table, that is accepted in silence."""
    quaternion_repairable: Fraction = 1e-2
    """Largest deviation of a quaternion's length from 1, in a table, that is normalised with a note; beyond it the
    station is quarantined. For quaternions in E57 files the limit is 0.01."""
    min_panorama_width: Pixels = 2048
    """Width in pixels below which a panorama is reported as narrow."""
    min_face_resolution: Pixels = 512
    """Smallest side of a cube face, in pixels; a power of two is expected too."""
    max_face_resolution: Pixels = 4096
    """Largest side of a cube face, in pixels."""
    recommended_face_resolution: Pixels = 2048
    """Side in pixels that the message about a face of another size recommends."""
    duplicate_distance_m: NotNegative = 0.05
    """Distance in metres below which two stations count as the same place."""
    outlier_distance_m: NotNegative = 50
    """Distance in metres to the nearest other station above which a station is reported as an outlier."""
    max_tilt_deg: Angle = 10
    """Angle in degrees between a camera's vertical axis and the plumb line above which a station is reported."""
    max_listed_images: Count = 10_000
    """Number of images above which a capture is reported in data modeling projects: viewers list the annotations of so
    many images of a collection at once."""
    max_span: Duration = timedelta(days=7)
    """Time between the first and the last picture above which a capture is reported."""
    privacy: Literal["any", "blurred"] = "any"
    """`blurred` takes only captures whose manifest says `privacy: blurred` or `no_people`."""
    max_table_rows: Count = 2_000_000
    """Largest number of rows of a stations table in CSV or Parquet."""
    max_excel_rows: Count = 100_000
    """Largest number of rows of a stations table in Excel."""
    max_table_columns: Count = 1_000
    """Largest number of columns of a stations table."""
    max_table_bytes: Count = 2_000_000_000
    """Largest size of a stations table, in bytes."""
    max_excel_bytes: Count = 500_000_000
    """Largest size of an Excel workbook after unpacking, in bytes: a workbook is a zip archive."""
