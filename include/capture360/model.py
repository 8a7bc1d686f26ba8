"""Domain types: captures, stations, poses, faces. Frozen values that depend on neither CDF nor Airflow.

Frames: positions are metres in the site frame, right-handed, Z up. A rotation is the unit quaternion (w, x, y, z) that
turns the axes of CDF's cube frame (front = -Y, back = +Y, left = +X, right = -X, top = +Z, bottom = -Z) into the site
frame.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Literal, Protocol, get_args

from typing_extensions import override

from capture360.errors import RequestError

SITE_LENGTH = 60
CAPTURE_LENGTH = 120
STATION_LENGTH = 127
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9._-]+")

Cause = Literal["several", "by hand", "not by hand", "line", "illegible"]
"""Why a match is as it is, where something depends on it; its reason says that in words.

Its text names several tags, each of which may be right. A row of the manual matches names its asset, or names none. It
is a line of a text that was joined. No view shows its plate well enough to ask anybody.
"""
FaceName = Literal["front", "back", "left", "right", "top", "bottom"]
FACES: tuple[FaceName, ...] = get_args(FaceName)
SMALLEST_CUT_FACE = 16
LARGEST_CUT_FACE = 8192
"""Pixels of faces that are cut from a panorama, an even number: four quadrants make the top and the bottom one."""


def is_id(text: str, length: int) -> bool:
    """Whether `text` may name a site, capture or station: letters, digits, dot, underscore, minus; no leading dot."""
    return len(text) <= length and _ID.match(text) is not None


def slug(text: str, fallback: str = "") -> str:
    """Return `text` with each run of characters that no id may hold as one minus; `fallback` if nothing else is left.

    Letters lose their accents, in whichever Unicode form they come. Where one has no place in an id, digits made of
    the text stand behind what is left, so that it is not the id of another text.
    """
    plain = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    left = _NOT_IN_IDS.sub("-", plain).strip("-._") or fallback
    if all(each.isascii() or not each.isalnum() for each in plain):
        return left
    whole = unicodedata.normalize("NFC", text)
    return f"{left}-{sha256(whole.encode('utf-8', 'surrogateescape')).hexdigest()[:6]}".lstrip("-")


def confusable_key(text: str) -> str:
    """Return a key that is equal for ids that differ only in case, Unicode form or surrounding blanks."""
    return unicodedata.normalize("NFC", text).strip().casefold()


@dataclass(frozen=True, slots=True, order=True)
class CaptureKey:
    """`<site>/<capture>`: landing folder, Airflow partition key, heading of the run. At most 60 and 120 characters."""

    site: str
    capture: str

    @override
    def __str__(self) -> str:
        return f"{self.site}/{self.capture}"

    @classmethod
    def parse(cls, text: str) -> CaptureKey:
        """Return the key that `str(key)` printed; RequestError with a sentence if `text` is not one."""
        site, slash, capture = text.partition("/")
        if not slash or not is_id(site, SITE_LENGTH) or not is_id(capture, CAPTURE_LENGTH):
            raise RequestError(
                f'"{text}" is not a capture key. Write <site>/<capture> with letters, digits, dot, underscore and '
                f"minus (at most {SITE_LENGTH} and {CAPTURE_LENGTH} characters)."
            )
        return cls(site, capture)


class CaptureKind(StrEnum):
    """Form of the delivered pictures."""

    CUBEMAP = "cubemap"
    PANORAMA = "panorama"
    E57 = "e57"


class Verdict(StrEnum):
    """The outcome of a validation."""

    ACCEPTED = "accepted"
    PARTIAL = "partial"
    REJECTED = "rejected"

    @property
    def exit_code(self) -> int:
        """Exit code of the command line."""
        return {"accepted": 0, "partial": 3, "rejected": 4}[self.value]


FARTHEST_M = 1e8
"""Metres. No coordinate on Earth is larger; catches infinity and 1e400 as well."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Position in metres and unit quaternion (w, x, y, z) of the cube frame, both in the site frame."""

    position: tuple[float, float, float]
    rotation: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Station:
    """One viewpoint of one capture. `taken_at` is timezone-aware."""

    id: str
    name: str
    pose: Pose
    taken_at: datetime
    collection: str = ""
    """Part of the capture that is published as a collection of its own; empty for the remaining stations."""


@dataclass(frozen=True, slots=True)
class StationMedia:
    """Files of a station: six faces, or one panorama. Paths are relative to the capture folder."""

    faces: Mapping[FaceName, str] = field(default_factory=dict)
    panorama: str | None = None


@dataclass(frozen=True, slots=True)
class Capture:
    """A validated capture: only stations that may be published, in the order of the delivered table."""

    key: CaptureKey
    kind: CaptureKind
    site_name: str
    label: str
    stations: tuple[Station, ...]
    media: Mapping[str, StationMedia]
    revision: int = 1
    supersedes: tuple[str, ...] = ()
    history: bool = False
    scans: Mapping[str, str] = field(default_factory=dict)
    """The sha256 of each E57 file by path."""
    extracted_here: tuple[str, ...] = ()
    """Keys of the manifest that CDF's own extraction of scans cannot apply."""
    reused: Mapping[str, str] = field(default_factory=dict)
    """By station: external id of an earlier capture's station node, where `history` lets them share it."""
    held_back: tuple[str, ...] = ()
    """Ids of delivered stations that may not be published.

    In a published capture: those that are shown as an earlier revision published them."""
    camera_height: float | None = None
    """Metres above the floor; None if the manifest does not state it."""


@dataclass(frozen=True, slots=True)
class EncodedFace:
    """One cube face as the file that goes to CDF. `content` is JPEG or PNG as `mime_type` says."""

    face: FaceName
    content: bytes
    sha256: str
    mime_type: Literal["image/jpeg", "image/png"]
    resolution: int


class FaceSource(Protocol):
    """The faces of a capture's stations. Every batch opens a source of its own and closes it."""

    @property
    def side_by_side(self) -> bool:
        """Whether several threads may ask for faces at once."""
        ...

    def faces(self, station: Station) -> Iterable[EncodedFace]:
        """Return the faces of a station."""
        ...

    def digest(self, station: Station) -> str:
        """Return a digest of what was delivered for a station, whatever is made of it; empty if there is none."""
        ...

    def close(self) -> None:
        """Close what is open; the source can be used again."""
        ...


@dataclass(frozen=True, slots=True)
class FaceRef:
    """A face file in CDF. The external id ends in 16 hex digits of the content's sha256."""

    face: FaceName
    external_id: str
    space: str | None = None


@dataclass(frozen=True, slots=True)
class PublishedImage:
    """A 360° image as CDF returns it. Steps after publishing use these and compute no ids."""

    external_id: str
    space: str
    station: str
    pose: Pose
    faces: Mapping[FaceName, FaceRef]
    label: str = ""
    """Display name of the image in CDF, if any."""


MAX_TEXT_LENGTH = 128
"""CDF's annotations hold texts of 1 to 128 characters."""


@dataclass(frozen=True, slots=True)
class Detection:
    """A text seen on a face; `polygon` in 0..1 of the face, x right, y down."""

    image: str
    face: FaceName
    text: str
    score: float
    polygon: tuple[tuple[float, float], ...]
    outline: tuple[tuple[float, float], ...] | None = None
    """Outline of the plate that bears the text, None if it was not recognised."""
    whole: bool | None = None
    """True if the plate shows a margin at both ends of the text and nothing unread, False if the text is cut."""
    cap_px: float | None = None
    """Height of the text's capitals in pixels of the face, None if that is not measured."""
    uncut: tuple[tuple[float, float], ...] | None = None
    """Outline of a text that an edge of the face cuts, in the plane of the face, beyond 0..1; None for all others."""

    @property
    def on_one_line(self) -> str:
        """The text with its lines apart by slashes."""
        return " / ".join(self.text.splitlines())

    @property
    def extent(self) -> tuple[tuple[float, float], ...]:
        """The outline of the whole text, for rays and sizes; `polygon` ends at the edge of the face."""
        return self.uncut or self.polygon


@dataclass(frozen=True, slots=True)
class Asset:
    """A candidate for a link. `tags` are the texts that may stand on its plates."""

    ref: str
    name: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """Result of matching a detection; `candidates` are the best alternatives with their probability.

    An undecided plate has one suggested match, on its best view; its other views are dropped.
    """

    detection: Detection
    asset: Asset | None
    confidence: float
    status: Literal["approved", "suggested", "dropped"]
    reason: str
    candidates: tuple[tuple[Asset, float], ...] = ()
    plate: str = ""
    """Name of the physical plate, the same for all its views in one capture; empty before views are compared."""
    cause: Cause | None = None
