"""Protection of published captures: they change only with a higher `revision` in the manifest.

Records may be lost, or be those of somebody else's trial. So what CDF shows and the records do not know counts as
published with the revision of a manifest that states none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from capture360 import names
from capture360.cdf.ports import Image360Store
from capture360.cdf.registry import mode_of
from capture360.checks.republished import C07
from capture360.errors import BadInputError
from capture360.geometry.poses import same_pose
from capture360.model import Capture, CaptureKey, FaceName, FaceRef, PublishedImage, Station
from capture360.records import Records
from capture360.rules.finding import Finding
from capture360.steps.context import StepContext
from capture360.steps.published import published_capture, published_delivery

_UNSTATED = 1


class SilentChangeError(BadInputError):
    """A delivery changes what is published without a higher revision: `finding` says what."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


def published_revision(records: Records, key: CaptureKey) -> int:
    """Return the highest published revision by the records; that of a manifest that states none if they know none."""
    return _published_revision(records, key, published_capture(records, key))


def _published_revision(records: Records, key: CaptureKey, whole: Capture | None) -> int:
    found = [records.get(key, fingerprint, "publish") for fingerprint in records.fingerprints(key)]
    revisions = [int(record.body["revision"]) for record in found if record is not None]
    return max([_UNSTATED, *revisions, *([whole.revision] if whole else [])])


def confirming_revision(records: Records, capture: Capture) -> int:
    """Return the revision with which this delivery would confirm its changes: above its own and the published one."""
    return max(capture.revision, published_revision(records, capture.key)) + 1


def newer_revision_asked(records: Records, capture: Capture) -> bool:
    """Return whether this delivery may change published stations."""
    return capture.revision > published_revision(records, capture.key)


@dataclass(frozen=True, slots=True)
class PublishedFaces:
    """Digests of the faces that are published of a station, and of what they were made of; empty if that is unknown."""

    shas: Mapping[FaceName, str]
    source: str


@dataclass(frozen=True, slots=True)
class Protected:
    """What a delivery may not change: images by external id, as they were published, and faces by station.

    `confirmed_by` is the revision that would allow it.
    """

    images: dict[str, PublishedImage]
    faces: Mapping[str, PublishedFaces]
    confirmed_by: int

    def is_same(self, station: str, source: str) -> bool:
        """Return whether a station was published with pictures of this digest."""
        known = self.faces.get(station)
        return known is not None and source != "" and known.source == source


def protected_images(
    records: Records, capture: Capture, model: Image360Store, images: Iterable[PublishedImage]
) -> Protected:
    """Return what this delivery may not change. CDF is read only if it confirms nothing.

    A station that a confirmed delivery held back may still change, since the confirmation covers it. What the records
    know was published as they say: where CDF shows something else, publishing the same again corrects it.
    """
    whole = published_capture(records, capture.key)
    published = _published_revision(records, capture.key, whole)
    confirmed_by = max(capture.revision, published) + 1
    if capture.revision > published:
        return Protected({}, {}, confirmed_by)
    free = {names.image_id(capture.key, station) for station in (whole.held_back if whole else ())}
    shown = {image.external_id: image for image in images if image.external_id not in free}
    known = _published_faces(records, capture.key, whole) if whole is not None and shown else {}
    for station in whole.stations if whole is not None else ():
        image = shown.get(names.image_id(capture.key, station.id))
        if image is not None and station.id in known:
            shas = known[station.id].shas
            faces = {face: model.face_ref(capture.key, station.id, face, sha256) for face, sha256 in shas.items()}
            shown[image.external_id] = replace(image, pose=station.pose, faces=faces)
    return Protected(shown, known, confirmed_by)


def _published_faces(records: Records, key: CaptureKey, whole: Capture) -> dict[str, PublishedFaces]:
    """Return what was recorded of the faces of published stations, by the last delivery that published each.

    The noted one is the last: a run that broke off after the note has not recorded yet that it published.
    """
    noted = published_delivery(records, key)
    published = ((each, records.get(key, each, "publish")) for each in records.fingerprints(key) if each != noted)
    dated = sorted(((record.at, each) for each, record in published if record is not None), reverse=True)
    found: dict[str, PublishedFaces] = {}
    for fingerprint in [*([noted] if noted else []), *(each for _, each in dated)]:
        if found.keys() >= {station.id for station in whole.stations}:
            break
        state = records.load(key, fingerprint, only={"faces"})
        for body in state.batches("faces").values() if state is not None else ():
            sources = body.get("sources", {})
            for station, shas in body["faces"].items():
                found.setdefault(station, PublishedFaces(shas, sources.get(station, "")))
    return found


def refuse_silent_change(
    capture: Capture, station: Station, protected: Protected, faces: Mapping[FaceName, FaceRef] | None = None
) -> None:
    """Raise SilentChangeError if the station's published image has another pose, or other faces than these."""
    image = protected.images.get(names.image_id(capture.key, station.id))
    if image is None:
        return
    if same_pose(image.pose, station.pose) and (faces is None or dict(image.faces) == dict(faces)):
        return
    what = "pose" if not same_pose(image.pose, station.pose) else "pictures"
    raise SilentChangeError(C07.finding(value=what, station=station.id, revision=protected.confirmed_by))


def refuse_other_poses(capture: Capture, stations: Sequence[Station], protected: Protected) -> None:
    """Raise SilentChangeError if the published image of one of these stations has another pose."""
    for station in stations:
        refuse_silent_change(capture, station, protected)


def refuse_moved_stations(ctx: StepContext, capture: Capture) -> None:
    """Raise SilentChangeError if any published station of the capture has another pose. Asks CDF for all its images."""
    model = mode_of(ctx.cdf).images(ctx.cdf, ctx.site)
    protected = protected_images(ctx.records, capture, model, model.images(capture.key))
    refuse_other_poses(capture, capture.stations, protected)
