"""The plates of a capture with their results, and the images that show them, from its records alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Literal

from capture360 import names
from capture360.capture_state import MATCH, PUBLISH, StepRecord
from capture360.matching.decisions import Decided, as_decided
from capture360.matching.documents import match_from_document
from capture360.matching.questions import in_question
from capture360.model import Asset, CaptureKey, FaceName, FaceRef, Match, Pose, PublishedImage
from capture360.records import Records
from capture360.steps.link_state import noted_decisions
from capture360.steps.published import published_capture

PlateResult = Literal["linked", "asked", "dropped"]
_RESULTS: Mapping[str, PlateResult] = {"approved": "linked", "suggested": "asked", "dropped": "dropped"}


@dataclass(frozen=True, slots=True)
class SeenPlate:
    """A plate with all its views. It is linked, asked about, or dropped: its tag was rejected, or is not likely."""

    name: str
    views: Sequence[Match]

    @property
    def best(self) -> Match:
        """The view that determines the plate's result."""
        ranks = list(_RESULTS)
        return min(self.views, key=lambda view: (ranks.index(view.status), -view.confidence))

    @property
    def result(self) -> PlateResult:
        """What became of the plate."""
        return _RESULTS[self.best.status]

    @property
    def assets(self) -> Sequence[Asset]:
        """The assets that are linked to it or in question."""
        if self.result == "asked":
            return in_question(self.best)
        linked = {view.asset.ref: view.asset for view in self.views if view.asset and view.status == "approved"}
        return list(linked.values())


@dataclass(frozen=True, slots=True)
class PlateImage:
    """An image that plates were read on. `taken_at` is ISO 8601, empty if the records do not tell it."""

    station: str
    space: str
    pose: Pose
    taken_at: str
    faces: Mapping[FaceName, FaceRef]


@dataclass(frozen=True, slots=True)
class Matching:
    """The last matching of a published capture. `is_stale` if the capture was published again since."""

    record: StepRecord
    publication: StepRecord | None
    is_stale: bool


def last_matching(records: Records, key: CaptureKey, published: str) -> Matching | None:
    """Return the matching of the `published` delivery, else the newest; None if there is none."""
    fingerprint = published if published and records.has(key, published, MATCH) else records.newest_with(key, MATCH)
    record = records.get(key, fingerprint, MATCH) if fingerprint else None
    if record is None:
        return None
    publication = records.get(key, published, PUBLISH) if published else None
    is_later = publication is not None and publication.at > record.at
    return Matching(record, publication, fingerprint != published or is_later)


def seen_plates(matches: Sequence[Match]) -> list[SeenPlate]:
    """Group matches, with people's decisions applied, by plate."""
    views: dict[str, list[Match]] = {}
    for number, found in enumerate(matches):
        if found.plate or found.asset is not None:
            views.setdefault(found.plate or f"decided-{number}", []).append(found)
    return [SeenPlate(name, some) for name, some in views.items()]


def plates_of_record(records: Records, key: CaptureKey, body: Mapping[str, Any]) -> list[SeenPlate]:
    """Return the plates in the body of a capture's record of matching, with people's decisions applied."""
    return seen_plates(decided_in(records, key, body))


def decided_in(
    records: Records, key: CaptureKey, body: Mapping[str, Any], decisions: Sequence[Decided] | None = None
) -> list[Match]:
    """Return the matches in the body of a capture's record of matching, with people's decisions applied.

    By default these are the decisions in the note.
    """
    matches = [match_from_document(document) for document in body["matches"]]
    known = noted_decisions(records, key) if decisions is None else decisions
    return as_decided(matches, known, images_of_record(body), frozenset(body.get("absent", ())))


def image_documents(
    records: Records, key: CaptureKey, images: Sequence[PublishedImage], matches: Sequence[Match]
) -> dict[str, Any]:
    """Return the images with plates, or that people decided about, and the faces that show them, as JSON values.

    They are by external id.
    """
    decided = [each.match for each in noted_decisions(records, key)]
    faces: dict[str, set[str]] = {}
    for match in (*matches, *decided):
        if match.plate or match.asset is not None:
            faces.setdefault(match.detection.image, set()).add(match.detection.face)
    times = _times(records, key)
    return {
        image.external_id: {
            "station": image.label or image.station or image.external_id,
            "space": image.space,
            "position": list(image.pose.position),
            "rotation": list(image.pose.rotation),
            "taken_at": times.get(image.external_id) or times.get(image.label, ""),
            "faces": {
                face: [ref.external_id, ref.space]
                for face, ref in image.faces.items()
                if face in faces[image.external_id]
            },
        }
        for image in images
        if image.external_id in faces
    }


def images_of_record(body: Mapping[str, Any]) -> dict[str, PlateImage]:
    """Return the images in the body of a record of matching, by external id."""
    return {
        name: PlateImage(
            image["station"],
            image["space"],
            Pose(tuple(image["position"]), tuple(image["rotation"])),
            image["taken_at"],
            {face: FaceRef(face, *ref) for face, ref in image["faces"].items()},
        )
        for name, image in body["images"].items()
    }


def _times(records: Records, key: CaptureKey) -> dict[str, str]:
    """Return when each station was taken, by external id of its image, or by its name for images that CDF named."""
    capture = published_capture(records, key)
    times: dict[str, str] = {}
    for station in capture.stations if capture else ():
        taken = station.taken_at.astimezone(UTC).isoformat(timespec="seconds")
        times[names.image_id(key, station.id)] = taken
        times[station.name] = taken
    return times
