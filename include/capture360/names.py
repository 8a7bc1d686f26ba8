"""External ids: deterministic, collision-resistant, of valid characters and length.

External ids match `[a-zA-Z]([a-zA-Z0-9_]*[a-zA-Z0-9])?`, the narrowest pattern in CDF's published spec (instance ids in
the Files API), and stay under 200 characters. A readable part helps people; sixteen hex digits of the sha256 over the
exact parts keep `a.b` and `a_b` apart.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from capture360.model import FACES, Capture, CaptureKey, FaceName

COLLECTION_PREFIX = "c360_collection_"
"""Prefix of the external ids of all collections that capture360 creates."""
IMAGE_PREFIX = "c360_image_"
"""Prefix of the external ids of all images that capture360 creates."""
_READABLE = 32


def collection_id(key: CaptureKey, part: str = "") -> str:
    """External id of the capture's 360° collection, or of the one for a part of it.

    Those of parts begin as that of the whole, so that CDF finds all collections of a capture by one prefix.
    """
    whole = _external_id("collection", key.site, key.capture)
    return f"{whole}_{_readable(part)}_{_digest('collection', key.site, key.capture, part)}" if part else whole


def collections(capture: Capture) -> dict[str, str]:
    """Return the labels of the capture's collections by external id, in the order of its stations."""
    parts = dict.fromkeys(station.collection for station in capture.stations)
    return {collection_id(capture.key, part): f"{capture.label}, {part}" if part else capture.label for part in parts}


def station_id(key: CaptureKey, station: str) -> str:
    """External id of a station node."""
    return _external_id("station", key.site, key.capture, station)


def station_node(capture: Capture, station: str) -> str:
    """External id of a station's node: its own, or that of an earlier capture which it shares."""
    return capture.reused.get(station) or station_id(capture.key, station)


def image_id(key: CaptureKey, station: str) -> str:
    """External id of a 360° image node."""
    return _external_id("image", key.site, key.capture, station)


def image_prefix(key: CaptureKey) -> str:
    """Prefix of the ids of all images of a capture. Captures of similar names may share it."""
    return f"{IMAGE_PREFIX}{_readable(key.site)}_{_readable(key.capture)}_"


def face_id(key: CaptureKey, station: str, face: FaceName, sha256: str) -> str:
    """External id of one face file; ends in the first 16 hex digits of its content's sha256."""
    return f"{face_stem(key, station)}_{face}_{sha256[:16]}"


def face_prefix(key: CaptureKey) -> str:
    """Prefix of the ids of all face files of a capture. Captures of similar names may share it."""
    return f"c360_face_{_readable(key.site)}_{_readable(key.capture)}_"


def face_stem(key: CaptureKey, station: str) -> str:
    """Beginning of the ids of all face files of a station, whatever their content; no other ids begin so."""
    return _external_id("face", key.site, key.capture, station)


def faces_among(external_ids: Iterable[str], key: CaptureKey, stations: Iterable[str]) -> dict[str, FaceName]:
    """Return those of the ids that are of face files of these stations of a capture, each with its face."""
    stems = {face_stem(key, station) for station in stations}
    parts = ((external_id, external_id.rsplit("_", 2)) for external_id in external_ids)
    faces: dict[str, FaceName] = {face: face for face in FACES}
    return {each: faces[some[1]] for each, some in parts if len(some) == 3 and some[0] in stems and some[1] in faces}


def e57_id(key: CaptureKey, path: str, sha256: str) -> str:
    """External id of an E57 file; ends in the first 16 hex digits of its content's sha256."""
    return f"{_external_id('e57', key.site, key.capture, path)}_{sha256[:16]}"


def scene_edge_id(scene: str, space: str, collection: str) -> str:
    """External id of the edge that puts a collection into a scene."""
    return _external_id("scene", scene, space, collection)


def text_job_id(key: CaptureKey, fingerprint: str, space: str, collection: str) -> str:
    """External id of the 3D job that reads the texts of one collection of a delivery."""
    return _external_id("texts", key.site, key.capture, fingerprint, space, collection)


def decision_id(key: CaptureKey, image: str, face: FaceName, asset: str, *place: str) -> str:
    """External id of the node of a decision on an asset at a place of a face."""
    digest = _digest("decision", key.site, key.capture, image, face, asset, *place)
    return f"c360_decision_{_readable(key.site)}_{_readable(key.capture)}_{digest}"


def space_id(key: CaptureKey) -> str:
    """Instance space of one capture alone: at most 43 characters, as CDF demands."""
    return f"c360_{_readable(key.site)[:20].strip('_')}_{_digest('space', key.site, key.capture)}"


def _external_id(role: str, *parts: str) -> str:
    readable = "_".join(_readable(part) for part in parts)
    return f"c360_{role}_{readable}_{_digest(role, *parts)}"


def _readable(part: str) -> str:
    # Narrower than `model.slug`: external ids allow neither dot nor minus.
    return re.sub(r"[^A-Za-z0-9]+", "_", part).strip("_")[:_READABLE]


def _digest(role: str, *parts: str) -> str:
    return hashlib.sha256("\x00".join((role, *parts)).encode()).hexdigest()[:16]
