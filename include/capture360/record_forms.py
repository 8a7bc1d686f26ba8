"""The form of our own documents beside the landing zone, so that a damaged one is reported where it is read.

A disk that was full, a copy that broke off or an editor leave documents that are JSON and yet not what was written.
Steps read their values without further care, so every value that they use has its type here. A key that is missing at
the top of a document is reported when it is read (see `store.StateDocument`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, TypeAdapter, ValidationError

from capture360.errors import RequestError
from capture360.model import CaptureKey, CaptureKind, FaceName, Verdict
from capture360.rules.finding import Disposition

_STRICT = ConfigDict(strict=True)


def _moment(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("the time has no zone")
    return text


def _key(text: str) -> str:
    try:
        CaptureKey.parse(text)
    except RequestError as error:
        raise ValueError(str(error)) from None
    return text


def _value_of(*kinds: type[CaptureKind] | type[Verdict] | type[Disposition]) -> AfterValidator:
    allowed = {member.value for kind in kinds for member in kind}

    def check(text: str) -> str:
        if text not in allowed:
            raise ValueError(f'"{text[:40]}" is none of {", ".join(sorted(allowed))}')
        return text

    return AfterValidator(check)


Moment = Annotated[str, AfterValidator(_moment)]
Key = Annotated[str, AfterValidator(_key)]
Pair = Annotated[list[str], Field(min_length=2, max_length=2)]
Corners = list[Annotated[list[FiniteFloat], Field(min_length=2, max_length=2)]]
Face = Annotated[list[str | None], Field(min_length=3, max_length=3)]
Many = Annotated[int, Field(ge=0)]


class _Form(BaseModel):
    model_config = _STRICT


class _Station(_Form):
    id: str
    name: str
    position: Annotated[list[FiniteFloat], Field(min_length=3, max_length=3)]
    rotation: Annotated[list[FiniteFloat], Field(min_length=4, max_length=4)]
    taken_at: Moment
    collection: str


class _Media(_Form):
    faces: dict[FaceName, str]
    panorama: str | None


class _Capture(_Form):
    key: Key = ""
    kind: Annotated[str, _value_of(CaptureKind)] = ""
    site_name: str = ""
    label: str = ""
    revision: int = 1
    supersedes: list[str] = []
    history: bool = False
    scans: dict[str, str] = {}
    extracted_here: list[str] = []
    reused: dict[str, str] = {}
    held_back: list[str] = []
    camera_height: FiniteFloat | None = None
    stations: list[_Station] = []
    media: dict[str, _Media] = {}


def _whole(capture: _Capture) -> _Capture:
    """With every key: what lies within a document is not looked after by the document."""
    missing = sorted(set(_Capture.model_fields) - capture.model_fields_set)
    if missing:
        raise ValueError(f"{missing[0]} is missing")
    return capture


class _Finding(_Form):
    model_config = ConfigDict(extra="forbid")

    rule: str
    disposition: Annotated[str, _value_of(Disposition)]
    where: str
    value: str
    message: str
    station: str | None = None
    row: int | None = None
    column: str | None = None
    path: str = ""
    table: str = ""


class _Sense(_Form):
    announced: Moment = ""
    first: Moment = ""
    by: str | None = None


class _Validate(_Form):
    verdict: Annotated[str, _value_of(Verdict)] = ""
    headline: str = ""
    route: Literal["faces", "revision"] = "faces"
    stations: Many = 0
    accepted: Many = 0
    batches: Many = 0
    quarantined: dict[str, list[str]] = {}
    findings: list[_Finding] = []
    inputs: dict[str, str] = {}
    captured_on: str | None = None


class _Point(_Form):
    model_config = ConfigDict(extra="forbid")

    station: str
    x: FiniteFloat
    y: FiniteFloat
    held_back: bool


class _Plan(_Form):
    points: list[_Point] = []


class _Faces(_Form):
    made_with: dict[str, Any] = {}
    faces: dict[str, dict[str, str]] = {}


class _Publish(_Form):
    collections: list[Pair] = []
    images: Many = 0
    revision: int = 1
    removed_images: list[str] = []
    held_back: list[str] = []
    link: str | None = None
    shown: dict[str, str] = {}
    others: list[str] = []
    left: list[str] = []
    point_clouds: list[Annotated[list[str], Field(min_length=3, max_length=3)]] = []


class _Detection(_Form):
    image: str
    face: str
    text: str
    score: FiniteFloat
    polygon: Corners
    outline: Corners | None
    whole: bool | None
    line_px: FiniteFloat | None


class _Detect(_Form):
    engine: str = ""
    detections: list[_Detection] = []
    findings: list[_Finding] = []


class _Asset(_Form):
    ref: str
    name: str
    tags: list[str]


class _Match(_Form):
    detection: _Detection
    asset: _Asset | None
    confidence: FiniteFloat
    status: str
    reason: str
    candidates: list[Annotated[list[_Asset | FiniteFloat], Field(min_length=2, max_length=2)]]
    plate: str


class _Place(_Form):
    position: Annotated[list[FiniteFloat], Field(min_length=3, max_length=3)]
    residual_deg: FiniteFloat


class _Matches(_Form):
    matches: list[_Match] = []
    plates: dict[str, _Place] = {}
    inputs: dict[str, str] = {}


class _Question(_Form):
    plate: str
    match: _Match
    views: Annotated[list[_Match], Field(min_length=1)]


class _Look(_Form):
    station: str
    heading: FiniteFloat
    pitch: FiniteFloat


class _Answer(_Form):
    """What somebody answered about a plate."""

    choice: Literal["approve", "reject", "leave", "open"] = "open"
    asset: _Asset | None = None
    by: str = ""
    at: str = ""
    written: str = ""


class _AnswerOfPage(_Answer):
    number: int


class _Review(_Form):
    """What a review asks, and, in a batch, what was answered to a page: numbers, or 3b for another tag of plate 3."""

    match: str = ""
    pages: list[list[_Question]] = []
    views: dict[str, _Look] = {}
    pictures: list[str] = []
    by: str | None = None
    answered_at: str = ""
    approved: list[int | str] = []
    rejected: list[int | str] = []
    plates: list[_AnswerOfPage] = []
    sentences: list[str] = []


class _Annotate(_Form):
    match: str = ""
    undecided: Many = 0
    plates: dict[str, Many] = {}


class _Upload(_Form):
    files: dict[str, int] = {}


class _Revision(_Form):
    model: int | str = 0
    revisions: dict[str, Annotated[list[int | str], Field(min_length=2, max_length=2)]] = {}
    space: str = ""
    began: Moment = ""


class _Supersede(_Form):
    images: list[str] = []
    stations: list[str] = []
    files: list[Face] = []


class _Scene(_Form):
    space: str = ""
    scene: str = ""
    hidden: list[Key] = []


class _Announced(_Form):
    """How often a step was announced again."""

    of: str = ""
    announced: Moment = ""
    times: Many = 0
    by: str | None = None


class _Published(_Form):
    fingerprint: str = ""
    capture: Annotated[_Capture, AfterValidator(_whole)] = _Capture()


class _Decided(_Form):
    match: _Match
    status: Literal["approved", "rejected"]
    by: str
    at: str


class _Decisions(_Form):
    decisions: list[_Decided] = []


class _LinkedPair(_Form):
    asset: str
    image: str
    digest: str
    edges: dict[str, int]


class _LinkedPairs(_Form):
    pairs: list[_LinkedPair] = []


class _Asked(_Form):
    fingerprint: str = ""
    match: str = ""
    run: str = ""


class _Retracted(_Form):
    revision: int = 0


class _Made(_Form):
    """What a retraction removes; `steps.made` knows the parts."""

    model_config = ConfigDict(extra="forbid")

    faces: list[Face]
    images: list[Pair] = []
    collections: list[Pair] = []
    stations: list[Pair] = []
    models: list[int | str] = []
    revisions: list[Annotated[list[int | str], Field(min_length=2, max_length=2)]] = []
    three_d: list[int | str] = []
    scans: list[str] = []
    spaces: list[str] = []
    scan_spaces: list[str] = []


class _Retraction(_Form):
    made: _Made | None = None
    by: str = ""


class _Superseded(_Form):
    by: str = ""


class _Known(_Form):
    entries: Many
    digests: list[str]


class _Run(_Form):
    run: str = ""


class _Binding(_Form):
    cluster: str = ""
    project: str = ""


_STEPS: Mapping[str, Any] = {
    "sense": _Sense, "validate": _Validate, "capture": _Capture, "floor_plan": _Plan, "faces": _Faces,
    "publish": _Publish, "detect": _Detect, "match": _Matches, "review": _Review, "annotate": _Annotate,
    "upload": _Upload, "revision": _Revision, "supersede": _Supersede, "scene": _Scene,
}  # fmt: skip
_NOTES: Mapping[str, Any] = {
    "contextualize": _Announced, "review": _Announced, "published": _Published, "decisions": _Decisions,
    "linked-pairs": _LinkedPairs, "asked": _Asked, "questions": dict[str, list[str]], "retracted": _Retracted,
    "retraction": _Retraction, "superseded": _Superseded,
}  # fmt: skip
_ADAPTERS: dict[tuple[str, str], TypeAdapter[Any]] = {
    **{("step", name): TypeAdapter(form) for name, form in _STEPS.items()},
    **{("notes", name): TypeAdapter(form) for name, form in _NOTES.items()},
    ("memory", "links"): TypeAdapter(dict[str, _Known]),
    ("answers", ""): TypeAdapter(_Decisions),
    ("plates", ""): TypeAdapter(_Answer),
    ("lease", ""): TypeAdapter(_Run),
    ("binding", ""): TypeAdapter(_Binding),
}


def wrong_form(kind: str, name: str, document: Mapping[str, Any]) -> str | None:
    """What is wrong with a document of ours, in words; None if nothing is, or its form is not known here.

    `kind` is step, lease, binding, or the folder of a note; `name` that of the step or note.
    """
    adapter = _ADAPTERS.get((kind, name)) or _ADAPTERS.get((kind, ""))
    if adapter is None:
        return None
    try:
        adapter.validate_python(dict(document), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return None
