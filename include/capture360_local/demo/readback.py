"""Compare what CDF holds of a capture after the run with the plant's ground truth."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from capture360.capture_state import CaptureState
from capture360.model import FACES, CaptureKey, FaceRef, Pose, PublishedImage, Verdict
from capture360.records import Records
from capture360_local.demo.deliveries import Expected

if TYPE_CHECKING:
    from capture360.cdf.client import CdfProject
    from capture360.settings.site import Site

_POSITION_M = 0.002
_ROTATION_DOT = 1e-5
"""1 - |p·q| of two unit quaternions; about half a degree. Delivered tables are rounded."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """State of CDF and of the records; `differences` are sentences about what differs from the ground truth."""

    verdict: str
    stations: int
    quarantined: int
    files: int
    images: int
    report: str
    differences: Sequence[str]


def read_back(key: CaptureKey, wanted: Expected, site: Site, cdf: CdfProject, records: Records) -> Outcome:
    """Read records and CDF of one capture; every face is downloaded and compared with the hash in its id.

    Faces that CDF extracted from a scan have no hash in their ids; those must be square pictures.
    """
    from capture360.steps.collect import was_extracted

    state = records.load(key)
    validated = state.body("validate") if state else None
    if state is None or validated is None:
        return Outcome("none", 0, 0, 0, 0, "", (f"{key}: nothing was recorded about it.",))
    published = state.body("publish")
    images = _images(state, site, cdf, records) if published is not None else ()
    compare = _check_picture if was_extracted(published or {}) else _compare_bytes
    refs = [ref for image in images for ref in image.faces.values()]
    with ThreadPoolExecutor(4) as pool:
        broken = [sentence for sentence in pool.map(lambda ref: compare(ref, _content(cdf, ref)), refs) if sentence]
    report = _report(records, state)
    differences = [
        *broken,
        *_differences(key, wanted, str(validated["verdict"]), sorted(validated["quarantined"]), images),
        *([] if report else [f"{key}: there is no validation report."]),
    ]
    return Outcome(
        str(validated["verdict"]),
        int(validated["stations"]),
        len(validated["quarantined"]),
        len(refs),
        len(images),
        report,
        differences,
    )


def _differences(
    key: CaptureKey, wanted: Expected, verdict: str, quarantined: Sequence[str], images: Sequence[PublishedImage]
) -> Iterator[str]:
    if verdict != wanted.verdict:
        yield f"{key}: the verdict is {verdict} and should be {wanted.verdict.value}."
    if wanted.verdict is not Verdict.REJECTED and quarantined != sorted(wanted.quarantined):
        yield f"{key}: quarantined are {_listed(quarantined)} and should be {_listed(wanted.quarantined)}."
    if len(images) != len(wanted.poses):
        yield f"{key}: CDF shows {len(images)} images and should show {len(wanted.poses)}."
    for image in images:
        if set(image.faces) != set(FACES):
            yield f"{key}: image {image.external_id} has {len(image.faces)} faces."
    for station, (position, rotation) in wanted.poses.items():
        if not any(_is_there(image.pose, position, rotation) for image in images):
            yield f"{key}: no image stands where station {station} was taken, turned as it was."


def _listed(stations: Sequence[str]) -> str:
    return ", ".join(sorted(stations)) or "none"


def _is_there(pose: Pose, position: Sequence[float], rotation: Sequence[float]) -> bool:
    near = all(abs(a - b) <= _POSITION_M for a, b in zip(pose.position, position, strict=True))
    same = abs(sum(a * b for a, b in zip(pose.rotation, rotation, strict=True)))
    return near and 1 - same <= _ROTATION_DOT


def _images(state: CaptureState, site: Site, cdf: CdfProject, records: Records) -> Sequence[PublishedImage]:
    from capture360.steps.context import StepContext
    from capture360.steps.detect import images_of

    return images_of(StepContext(site, records, cdf, "read back", print), state.key, state.fingerprint)


def _content(cdf: CdfProject, ref: FaceRef) -> bytes:
    from cognite.client.data_classes.data_modeling import NodeId

    from capture360.cdf.client import cdf_errors

    with cdf_errors(f"Downloading {ref.external_id}"):
        if ref.space is None:
            return cdf.client.files.download_bytes(external_id=ref.external_id)
        return cdf.client.files.download_bytes(instance_id=NodeId(ref.space, ref.external_id))


def _compare_bytes(ref: FaceRef, content: bytes) -> str | None:
    if ref.external_id.endswith(hashlib.sha256(content).hexdigest()[:16]):
        return None
    return f"{ref.external_id}: the bytes in CDF are not those that its id names."


def _check_picture(ref: FaceRef, content: bytes) -> str | None:
    from PIL import Image

    with Image.open(io.BytesIO(content)) as picture:
        picture.load()
        return None if picture.width == picture.height else f"{ref.external_id} is {picture.size}, no face of a cube."


def _report(records: Records, state: CaptureState) -> str:
    from capture360.capture_state import VALIDATION_REPORT

    if records.report(state.key, state.fingerprint, VALIDATION_REPORT) is None:
        return ""
    return str(PurePosixPath(str(state.key), state.fingerprint, VALIDATION_REPORT))
