"""Protection of published captures: they change only with a higher `revision` in the manifest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from capture360 import names
from capture360.cdf.instances import same_pose
from capture360.errors import BadInputError
from capture360.model import Capture, CaptureKey, FaceName, FaceRef, PublishedImage, Station
from capture360.records import Records
from capture360.steps.published import published_capture
from capture360.steps.validate import recorded_capture


def published_revision(records: Records, key: CaptureKey) -> int:
    """Return the highest published revision by the records; 0 if none."""
    whole = published_capture(records, key)
    found = [records.get(key, fingerprint, "publish") for fingerprint in records.fingerprints(key)]
    revisions = [int(record.body["revision"]) for record in found if record is not None]
    return max([*revisions, whole.revision if whole else 0])


def newer_revision_asked(records: Records, capture: Capture) -> bool:
    """Return whether this delivery may change published stations."""
    return capture.revision > published_revision(records, capture.key)


def protected_images(records: Records, capture: Capture, images: Iterable[PublishedImage]) -> dict[str, PublishedImage]:
    """Return the images that this delivery may not change, by external id. CDF is read only if there can be any.

    A station that a confirmed delivery held back may still change, since the confirmation covers it.
    """
    if newer_revision_asked(records, capture):
        return {}
    whole = published_capture(records, capture.key)
    free = {names.image_id(capture.key, station) for station in (whole.held_back if whole else ())}
    return {image.external_id: image for image in images if image.external_id not in free}


def refuse_silent_change(
    capture: Capture, station: Station, image: PublishedImage, faces: Mapping[FaceName, FaceRef]
) -> None:
    """Raise BadInputError if the station's published image has another pose or other faces."""
    if same_pose(image.pose, station.pose) and dict(image.faces) == dict(faces):
        return
    what = "pose" if not same_pose(image.pose, station.pose) else "pictures"
    raise BadInputError(
        f'{capture.key}: the {what} of station "{station.id}" differ from what is published. '
        f"If that is meant, write revision: {capture.revision + 1} in capture.yaml and deliver again."
    )


def refuse_silent_scans(records: Records, capture: Capture) -> None:
    """Raise BadInputError if an E57 file differs from the one of the same name in a published delivery."""
    highest = published_revision(records, capture.key)
    for fingerprint in records.fingerprints(capture.key):
        published = records.get(capture.key, fingerprint, "publish")
        if published is None or int(published.body["revision"]) < highest:
            continue
        earlier = recorded_capture(records, capture.key, fingerprint)
        for path, sha256 in capture.scans.items():
            if earlier.scans.get(path, sha256) != sha256:
                raise BadInputError(
                    f'{capture.key}: the scan "{path}" differs from the one that is published. '
                    f"If that is meant, write revision: {highest + 1} in capture.yaml and deliver again."
                )
