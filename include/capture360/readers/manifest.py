"""The model of `capture.yaml`: what was delivered, and its unit, frame, rotation and time conventions.

Frames: a delivered position is first turned to metres and Z up, then `frame.transform` brings it to the site frame,

    p_site = scale Rz(yaw_deg) (p - origin_offset)      or      p_site = M p      (4 x 4, lengths in metres),

where `origin_offset` is the site's origin in the delivered frame, in metres. `rotation` is that of the cube frame for
cube maps and of the picture (centre along +X, left +Y, up +Z) for panoramas; `rotation.image_yaw_offset_deg` is how far
the picture's centre is turned from the pose's forward axis, counter-clockwise seen from above.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from capture360.geometry.rotation import ROUNDED, RotationError, checked_matrix
from capture360.model import CAPTURE_LENGTH, FACES, FARTHEST_M, SITE_LENGTH, CaptureKind, confusable_key, is_id
from capture360.text import counted, is_text, near_misses
from capture360.validation_words import quoted

MANIFEST = "capture.yaml"
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that show what follows in another order (Unicode Standard Annex 9)."""


def _one_line(value: str) -> str:
    if not is_text(value):
        raise ValueError("holds a line break or a control character. Write it on one line")
    if any(each in _TURNING for each in value):
        raise ValueError("holds an invisible mark that turns the direction of text. Type it anew")
    return value


Text = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_one_line)]
Row4 = tuple[float, float, float, float]
SourceFormat = Literal["canonical", "navvis", "gpano", "spot", "e57"]
RotationKind = Literal["quaternion", "euler_deg", "euler_rad", "heading_pitch_roll_deg", "matrix", "none"]
TimeBase = Literal["utc", "unix_s", "unix_ms", "gps_s", "local"]

METRES: dict[str, float] = {"m": 1.0, "cm": 0.01, "mm": 0.001, "ft": 0.3048, "us_ft": 1200 / 3937, "in": 0.0254}
"""Length of each unit in metres; the US survey foot is 1200/3937 m (NIST Special Publication 811)."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Offset(_Part):
    """Transform to the site frame by an offset, a scale and a rotation about the vertical."""

    origin_offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    yaw_deg: Annotated[float, Field(ge=-36_000, le=36_000)] = 0.0
    scale: Annotated[float, Field(gt=0)] = 1.0


def _kind_of_transform(value: Any) -> Any:
    if isinstance(value, list):
        return Matrix.model_validate({"matrix": value})
    if isinstance(value, dict) and "matrix" in value:
        beside = [key for key in Offset.model_fields if key in value]
        if beside:
            raise ValueError(
                f"frame.transform holds matrix and {' and '.join(beside)}, two ways to state one transform. Keep one: "
                "a matrix turns, scales and moves by itself"
            )
        return Matrix.model_validate(value)
    if not isinstance(value, dict):
        raise ValueError(f"frame.transform {quoted(value)} is neither a group of keys nor a matrix. {_ROWS}")
    return Offset.model_validate(value)


_ROWS = (
    "Write origin_offset, yaw_deg and scale, or a matrix by its rows, as four lists of four numbers: "
    "[[1, 0, 0, 5], [0, 1, 0, 7], [0, 0, 1, 0], [0, 0, 0, 1]]"
)


def _four_by_four(value: Any) -> Any:
    rows = value if isinstance(value, list) else []
    lengths = [len(row) if isinstance(row, list) else 0 for row in rows]
    if lengths == [4, 4, 4, 4]:
        return value
    shape = quoted(value)
    if rows and not any(isinstance(row, list) for row in rows):
        shape = f"({counted(len(rows), 'entry', 'entries')} in one list)"
    elif rows:
        shape = f"({counted(len(rows), 'row')} of {' and '.join(map(str, dict.fromkeys(lengths)))})"
    if lengths == [4, 4, 4]:
        raise ValueError(f"frame.transform.matrix {shape} lacks its last row. Add [0, 0, 0, 1] below the others")
    raise ValueError(f"frame.transform.matrix {shape} is no matrix of four rows of four numbers. {_ROWS}")


class Matrix(_Part):
    """Transform to the site frame as the rows of a 4 x 4 matrix."""

    matrix: Annotated[tuple[Row4, Row4, Row4, Row4], BeforeValidator(_four_by_four)]

    @model_validator(mode="after")
    def _turns_and_scales(self) -> Self:
        rows = np.array(self.matrix)
        largest = float(np.abs(rows[:3, :3]).max())
        if largest and not 1e-9 < largest < 1e9:
            raise ValueError(f"the matrix scales lengths by about {largest:g}, as no unit does. Correct its rows")
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            scale = float(np.cbrt(np.linalg.det(rows[:3, :3])))
        if np.array_equal(rows[:, 3], [0, 0, 0, 1]) and rows[3, :3].any():
            raise ValueError("the matrix is written by columns: its shift stands in the last row. Write it by rows")
        if not 0 < scale < np.inf or not np.array_equal(rows[3], [0, 0, 0, 1]):
            raise ValueError("the matrix mirrors, flattens or projects. Use one that only turns, scales and moves")
        try:
            checked_matrix(rows[:3, :3] / scale, ROUNDED)
        except RotationError:
            raise ValueError("the matrix skews. Use one that only turns, scales and moves") from None
        return self


Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Height = Annotated[float, Field(ge=-FARTHEST_M, le=FARTHEST_M)]


class Frame(_Part):
    """Unit, axes and transform of delivered positions."""

    name: Text
    up: Literal["z", "y"]
    unit: Literal["m", "mm", "cm", "ft", "us_ft", "in"]
    handedness: Literal["right"]
    origin: tuple[Latitude, Longitude, Height] | None = None
    """Latitude, longitude (degrees) and height (metres) of the site frame's origin, for positions from GPS."""
    transform: Annotated[Matrix | Offset | None, BeforeValidator(_kind_of_transform)] = None


class Rotation(_Part):
    """Form and direction of delivered rotations."""

    kind: RotationKind
    direction: Literal["camera_to_world", "world_to_camera"] | None = None
    quaternion_order: Literal["wxyz", "xyzw"] | None = None
    euler_order: Annotated[str, StringConstraints(pattern=r"^(?:[XYZ]{3}|[xyz]{3})$")] | None = None
    """Upper case is intrinsic, lower case extrinsic: XZY is CDF's own."""
    image_yaw_offset_deg: Annotated[float, Field(ge=-360, le=360)] = 0.0


class Time(_Part):
    """Time base and offset of delivered times."""

    base: TimeBase
    zone: str | None = None
    clock_offset_s: float = 0.0
    """Seconds that the camera's clock is slow, added to every time."""


def _sign_word(value: Any) -> Any:
    return {".": "point", ",": "comma"}.get(value, value) if isinstance(value, str) else value


class NumberNotation(_Part):
    """Number notation of the stations table; derived from its cells if not stated."""

    decimal: Annotated[Literal["point", "comma"] | None, BeforeValidator(_sign_word)] = None
    """The decimal sign; the other one separates thousands."""


class Image(_Part):
    """Expected form of the pictures."""

    resolution: Annotated[int, Field(gt=0)] | None = None
    format: Literal["jpeg", "png"] | None = None


def _forward(pattern: str) -> str:
    """Return a pattern as paths of the folder are written: without empty parts, and with slashes.

    A backslash is a slash where it is written as on Windows; beside a slash it is part of a name.
    """
    parts = (pattern if "/" in pattern else pattern.replace("\\", "/")).strip().split("/")
    return "/".join(part for part in parts if part not in ("", "."))


class Faces(_Part):
    """Pattern and names by which face files are found without a faces table."""

    pattern: Annotated[Text, AfterValidator(_forward)] = "images/{station}/{face}.{ext}"
    aliases: Annotated[dict[str, str], Field(max_length=100)] = {}
    """Delivered face name to one of the six."""

    @model_validator(mode="after")
    def _can_find_files(self) -> Self:
        for delivered, meant in self.aliases.items():
            if meant not in FACES:
                near = {"up": "top", "down": "bottom"}.get(meant.casefold()) or next(
                    iter(near_misses(meant.casefold(), FACES, 1)), ""
                )
                advice = f"Did you mean {near}?" if near else f"Use one of {', '.join(FACES)}."
                raise ValueError(
                    f"faces.aliases gives {quoted(delivered)} to {quoted(meant)}, which is no face. {advice}"
                )
        fields = re.findall(r"\{[^{}]*\}", self.pattern)
        for needed in ("{station}", "{face}"):
            if needed not in fields:
                raise ValueError(
                    f'faces.pattern "{self.pattern}" has no {needed}. Write it as images/{{station}}/{{face}}.{{ext}}'
                )
        if ".." in self.pattern.split("/") or re.match(r"[A-Za-z]:", self.pattern):
            raise ValueError(
                f'faces.pattern "{self.pattern}" leads out of the capture folder. Write it from there on, '
                "such as images/{station}/{face}.{ext}"
            )
        strange = next((each for each in fields if each not in ("{station}", "{face}", "{ext}")), None)
        if strange:
            raise ValueError(
                f"faces.pattern holds {strange}, which is no field of it. Use {{station}}, {{face}} and {{ext}}"
            )
        return self


class Camera(_Part):
    """The camera as `capture.yaml` describes it; nothing uses it."""

    make: str | None = None
    model: str | None = None
    serial: str | None = None


def _kind_word(value: Any) -> Any:
    is_word = isinstance(value, str) and value.casefold() == "equirectangular"  # cameras write it in any case
    return CaptureKind.PANORAMA.value if is_word else value


_MOST_SUPERSEDED = 20


class Manifest(_Part):
    """All of `capture.yaml`, or the defaults of a reader for deliveries without one."""

    schema_: Literal["capture/1"] = Field(alias="schema")
    site_id: Text
    site_name: Text | None = None
    capture_id: Text
    collection_label: Text | None = None
    kind: Annotated[CaptureKind, BeforeValidator(_kind_word)]
    source_format: SourceFormat = "canonical"
    frame: Frame
    rotation: Rotation
    time: Time
    numbers: NumberNotation = NumberNotation()
    image: Image = Image()
    faces: Faces = Faces()
    columns: dict[str, Annotated[str, StringConstraints(strip_whitespace=True)]] = {}
    """Canonical column name to the one delivered."""
    camera: Camera = Camera()
    camera_height: Annotated[float, Field(gt=0, le=100)] | None = None
    """Height of the camera above the floor in metres, whatever the unit of the positions."""
    operator: str | None = None
    mission_id: str | None = None
    robot: str | None = None
    notes: str | None = None
    privacy: Literal["unreviewed", "blurred", "no_people"] = "unreviewed"
    expected_stations: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    revision: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    supersedes: tuple[str, ...] = ()
    history: bool = False

    @model_validator(mode="after")
    def _ids_are_safe(self) -> Self:
        for name, value, length in (
            ("site_id", self.site_id, SITE_LENGTH),
            ("capture_id", self.capture_id, CAPTURE_LENGTH),
        ):
            if not is_id(value, length):
                raise ValueError(
                    f'{name} "{value}" has characters that are not allowed or is longer than {length}. '
                    "Use letters, digits, dot, underscore and minus, a letter or digit first"
                )
        if len(self.supersedes) > _MOST_SUPERSEDED:
            raise ValueError(
                f"supersedes names {len(self.supersedes):,} captures, more than {_MOST_SUPERSEDED}. Name those that "
                "this one replaces; what they replaced is hidden already"
            )
        itself = confusable_key(f"{self.site_id}/{self.capture_id}")
        for older in self.supersedes:
            site, slash, capture = older.rpartition("/")
            if not is_id(capture, CAPTURE_LENGTH) or (slash and not is_id(site, SITE_LENGTH)):
                raise ValueError(
                    f"supersedes names {quoted(older)}, which is no capture. Write <capture> or <site>/<capture>"
                )
            if slash and confusable_key(site) != confusable_key(self.site_id):
                raise ValueError(
                    f"supersedes names {quoted(older)} of another site. Name captures of this site; what replaces "
                    "another site's is taken out of its scene by those who run it (capture360 remove-from-scene)"
                )
            if confusable_key(f"{site or self.site_id}/{capture}") == itself:
                raise ValueError(
                    f"supersedes names {quoted(older)}, this capture itself, which would be hidden. Name the older one"
                )
        return self
