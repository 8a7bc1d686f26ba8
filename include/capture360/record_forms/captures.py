"""Documents of publishing and retracting a capture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, TypeAdapter

from capture360.model import CaptureKind, FaceName, Verdict
from capture360.record_forms.values import STRICT, Face, FindingDocument, Key, Many, Moment, Pair, value_of


class _Form(BaseModel):
    model_config = STRICT


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
    kind: Annotated[str, value_of(CaptureKind)] = ""
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


class _Sense(_Form):
    announced: Moment = ""
    first: Moment = ""
    by: str | None = None
    times: Many = 0


class _Validate(_Form):
    verdict: Annotated[str, value_of(Verdict)] = ""
    headline: str = ""
    route: Literal["faces", "revision"] = "faces"
    stations: Many = 0
    accepted: Many = 0
    batches: Many = 0
    quarantined: dict[str, list[str]] = {}
    findings: list[FindingDocument] = []
    inputs: dict[str, str] = {}
    began: Moment = ""
    captured_on: str | None = None


class _Statistics(_Form):
    evaluated_expectations: Many


class _SuiteResult(_Form):
    """A validation result in the form of Great Expectations, which reads the rest itself."""

    suite_name: str
    success: bool
    statistics: _Statistics
    results: list[dict[str, Any]]
    meta: dict[str, Any]


class _Suites(_Form):
    results: list[_SuiteResult] = []


class _Point(_Form):
    model_config = ConfigDict(extra="forbid")

    station: str
    x: FiniteFloat
    y: FiniteFloat
    held_back: bool
    name: str = ""


class _Plan(_Form):
    points: list[_Point] = []


class _Faces(_Form):
    made_with: dict[str, Any] = {}
    faces: dict[str, dict[str, str]] = {}
    sources: dict[str, str] = {}


class _Publish(_Form):
    collections: list[Pair] = []
    images: Many = 0
    revision: int = 1
    removed_images: list[str] = []
    held_back: list[str] = []
    link: str | None = None
    thumbnail: str = ""
    shown: dict[str, str] = {}
    others: list[str] = []
    left: list[str] = []
    point_clouds: list[Annotated[list[str], Field(min_length=3, max_length=3)]] = []


class _Upload(_Form):
    files: dict[str, int] = {}


def _begun(work: list[int | str]) -> list[int | str]:
    TypeAdapter(Moment).validate_python(work[1], strict=True)
    return work


class _Revision(_Form):
    """`revisions` holds id and time of the work on each scan, `earlier` model and space where they were before."""

    model: int | str = 0
    revisions: dict[str, Annotated[list[int | str], Field(min_length=2, max_length=2), AfterValidator(_begun)]] = {}
    space: str = ""
    began: Moment = ""
    earlier: list[Annotated[list[int | str], Field(min_length=2, max_length=2)]] = []


class _Supersede(_Form):
    images: list[str] = []
    stations: list[str] = []
    files: list[Face] = []


class _Scene(_Form):
    space: str = ""
    scene: str = ""
    hidden: list[Key] = []


class _Waits(_Form):
    run: str = ""
    since: Moment = ""


class _Extracted(_Form):
    images: list[str] = []


class _Published(_Form):
    fingerprint: str = ""
    capture: Annotated[_Capture, AfterValidator(_whole), Field(default_factory=_Capture)]


class _Retracted(_Form):
    revision: int = 0


class _Made(_Form):
    """Items that a retraction removes, see `steps.made`."""

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
    by: list[Key] = []
    hiding: bool = False


class _Unused(_Form):
    model_config = ConfigDict(extra="forbid")

    collections: list[str]
    stations: list[str]
    files: list[Face]


class _ReplacedScans(_Form):
    spaces: dict[str, _Unused] = {}


class _Moved(_Form):
    """Which project a capture was moved from, and with what."""

    cluster: str = ""
    project: str = ""
    delivery: str = ""
    decisions: str = ""
    carried: list[dict[str, Any]] = []
    left: list[dict[str, str]] = []


class _LastRecord(_Form):
    at: Moment


STEPS: Mapping[str, Any] = {
    "sense": _Sense, "validate": _Validate, "capture": _Capture, "floor_plan": _Plan, "great_expectations": _Suites,
    "faces": _Faces, "publish": _Publish, "upload": _Upload, "revision": _Revision, "supersede": _Supersede,
    "scene": _Scene, "extracted": _Extracted,
}  # fmt: skip
"""Forms of the documents of steps."""
NOTES: Mapping[str, Any] = {
    "published": _Published, "retracted": _Retracted, "retraction": _Retraction, "superseded": _Superseded,
    "moved": _Moved, "replaced-scans": _ReplacedScans, "waits_for_turn": _Waits,
    "last-record": _LastRecord,
}  # fmt: skip
"""Forms of notes, by their folder."""
