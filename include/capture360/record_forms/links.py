"""Documents of linking a capture: texts, matches, reviews and links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, FiniteFloat

from capture360.model import Cause, FaceName
from capture360.record_forms.values import STRICT, Corners, FindingDocument, Many, Moment


class _Form(BaseModel):
    model_config = STRICT


class _Detection(_Form):
    image: str
    face: str
    text: str
    score: FiniteFloat
    polygon: Corners
    outline: Corners | None
    whole: bool | None
    cap_px: FiniteFloat | None
    uncut: Corners | None = None


class _Detect(_Form):
    engine: str = ""
    detections: list[_Detection] = []
    findings: list[FindingDocument] = []


class _Asset(_Form):
    ref: str
    name: str
    tags: list[str]


def _candidate(pair: list[_Asset | float]) -> list[_Asset | float]:
    if not (isinstance(pair[0], _Asset) and isinstance(pair[1], float | int)):
        raise ValueError("a candidate is an asset and its share")
    return pair


class _Match(_Form):
    detection: _Detection
    asset: _Asset | None
    confidence: FiniteFloat
    status: str
    reason: str
    candidates: list[
        Annotated[list[_Asset | FiniteFloat], Field(min_length=2, max_length=2), AfterValidator(_candidate)]
    ]
    plate: str
    cause: Cause | None = None


class _Place(_Form):
    position: Annotated[list[FiniteFloat], Field(min_length=3, max_length=3)]
    residual_deg: FiniteFloat
    error_m: FiniteFloat | None


class _Image(_Form):
    """An image that plates were read on; `faces` are the external id and space of the file of each such face."""

    station: str
    space: str
    position: Annotated[list[FiniteFloat], Field(min_length=3, max_length=3)]
    rotation: Annotated[list[FiniteFloat], Field(min_length=4, max_length=4)]
    taken_at: str
    faces: dict[FaceName, Annotated[list[str | None], Field(min_length=2, max_length=2)]]


class _EarlierPlate(_Form):
    place: _Place
    asset: _Asset | None
    texts: list[str]
    status: Literal["approved", "rejected", "linked", "seen"]
    by: str
    at: str
    capture: str = ""


_Box = Annotated[list[FiniteFloat], Field(min_length=6, max_length=6)]


class _Extent(_Form):
    """Boxes around places and around lines of sight; lowest corner, highest corner."""

    placed: _Box | None
    lines: _Box | None


class _Matches(_Form):
    matches: list[_Match] = []
    plates: dict[str, _Place] = {}
    earlier: dict[str, list[_EarlierPlate]] = {}
    extent: _Extent | None = None
    images: dict[str, _Image] = {}
    resolution: Many = 0
    critical: list[str] | None = None
    absent: list[str] = []
    inputs: dict[str, str] = {}


class _AssetList(_Form):
    digest: str = ""
    pages: Annotated[list[str], Field(min_length=3, max_length=3)] = ["", "", ""]
    assets: list[_Asset] = []


class _Question(_Form):
    plate: str
    match: _Match
    views: Annotated[list[_Match], Field(min_length=1)]


class _Look(_Form):
    station: str
    heading: FiniteFloat
    pitch: FiniteFloat


class _Answer(_Form):
    """A person's answer about a plate."""

    choice: Literal["approve", "reject", "leave", "open"] = "open"
    asset: _Asset | None = None
    by: str = ""
    at: str = ""
    written: str = ""
    shown: list[str] = []


class _Review(_Form):
    match: str = ""
    questions: list[_Question] = []
    views: dict[str, _Look] = {}
    pictures: list[str] = []


class _Reviewed(_Form):
    """The answer to a review, by numbers of its plates, or 3b for another tag of plate 3, and what it left."""

    by: str | None = None
    answered_at: str = ""
    approved: list[int | str] = []
    rejected: list[int | str] = []
    people: list[str] = []
    sentences: list[str] = []
    plates: dict[str, Many] = {}


class _Annotate(_Form):
    match: str = ""
    plates: dict[str, Many] = {}


class _Announced(_Form):
    """Number of repeated announcements of a step."""

    of: str = ""
    announced: Moment = ""
    times: Many = 0
    by: str | None = None


class _Asked(_Form):
    fingerprint: str = ""
    match: str = ""
    run: str = ""
    replaces: list[str] = []
    whole: bool = False


class _OpenReview(_Form):
    fingerprint: str
    digest: str
    run: str


class _Pose(_Form):
    position: Annotated[list[FiniteFloat], Field(min_length=3, max_length=3)]
    rotation: Annotated[list[FiniteFloat], Field(min_length=4, max_length=4)]


class _Decided(_Form):
    match: _Match
    status: Literal["approved", "rejected"]
    by: str
    at: str
    file: str = ""
    pose: _Pose | None = None
    of_view: bool = False


class _Decisions(_Form):
    decisions: list[_Decided] = []


class _Noticed(_Form):
    at: str


class _ImageLinks(_Form):
    created: int
    assets: list[str]
    objects: dict[str, str] = {}
    spaces: list[str] = []


class _LeftLinks(_Form):
    images: dict[str, _ImageLinks] = {}


class _LinksToWrite(_Form):
    images: list[str]


class _Boxes(_Form):
    boxes: dict[str, list[_Box]] = {}


class _Coverage(_Form):
    captured_on: str = ""
    assets: Many = 0
    linked: list[str] = []
    asked: list[str] = []
    critical: list[str] | None = None
    extent: _Extent | None = None


class _Sight(_Form):
    position: Annotated[list[FiniteFloat], Field(min_length=3, max_length=3)]
    direction: Annotated[list[FiniteFloat], Field(min_length=3, max_length=3)]


class _EarlierSight(_Form):
    sight: _Sight
    asset: _Asset
    status: Literal["approved", "rejected"]
    by: str
    at: str


class _PlacedPlates(_Form):
    plates: list[_EarlierPlate] = []
    sights: list[_EarlierSight] = []


STEPS: Mapping[str, Any] = {
    "detect": _Detect, "match": _Matches, "annotate": _Annotate, "review": _Review, "reviewed": _Reviewed,
}  # fmt: skip
"""Forms of the documents of steps."""
NOTES: Mapping[str, Any] = {
    "contextualize": _Announced, "review": _Announced, "asked": _Asked, "open-review": _OpenReview,
    "questions": dict[str, list[str]],
    "decisions": _Decisions, "left-links": _LeftLinks, "links-to-write": _LinksToWrite, "boxes": _Boxes,
    "coverage": _Coverage, "placed-plates": _PlacedPlates,
}  # fmt: skip
"""Forms of notes, by their folder."""
ANSWERS = _Decisions
ANSWER_OF_PLATE = _Answer
NOTICED = _Noticed
ASSET_LIST = _AssetList
