"""CDF's extraction of photospheres from E57 files: instances of the legacy 360 schema and classic face files.

The ids of the instances that CDF creates are not published, so the sandbox has several naming schemes, and clients
have to find the result by query. All of a revision appears in one transaction together with its end; a sandbox that
was killed in between repeats the extraction. The instances are written with the capabilities of the session's client.
"""

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from sqlite3 import Connection, Row
from typing import Any, BinaryIO

from capture360.e57 import E57Error, PagedFile, Photosphere, find_photospheres, read_contents, sphere_faces
from capture360.geometry.rotation import cdf_euler, matrix_from_quaternion
from capture360.pictures.jpeg import ImageError
from cdf_sandbox.core.background import WorkError
from cdf_sandbox.core.options import ExtractionNames
from cdf_sandbox.core.sandbox import Sandbox
from cdf_sandbox.services.data_modeling.models import UpsertRequest
from cdf_sandbox.services.data_modeling.writes import InstanceWriter
from cdf_sandbox.services.files.store import FILES, Content, open_content, set_content
from cdf_sandbox.services.three_d.spaces import check_session

_SCHEMA = "cdf_360_image_schema"
_ERROR, _WARNING, _INFO = 7, 5, 3
_CHUNK = 1000

Log = dict[str, Any]


@dataclass(frozen=True)
class Face:
    """A face of a photosphere as a stored blob."""

    name: str
    blob: str
    size: int
    mime_type: str


@dataclass(frozen=True)
class Sphere:
    """One photosphere with its faces as blobs that no row refers to yet."""

    label: str
    properties: dict[str, Any]
    faces: Sequence[Face]


def unfinished_revisions(db: Connection) -> list[int]:
    """The revisions whose end is open."""
    rows = db.execute("SELECT id FROM three_d_revisions WHERE ended_time IS NULL ORDER BY created_time")
    return [row["id"] for row in rows]


def process_revision(sandbox: Sandbox, revision_id: int) -> None:
    """Extract the photospheres of one revision."""
    with sandbox.read() as db:
        revision = _open_revision(db, revision_id)
    if revision is None:
        return
    logs: list[Log] = []
    with sandbox.blobs.unless_failed() as put:
        _, stream = open_content(sandbox, revision["file_id"])
        with stream:
            spheres = list(extracted_spheres(stream, put, logs))
        sandbox.clock.wait_until(_earliest_end(sandbox, revision))
        _finish(sandbox, revision, spheres, logs)


def _open_revision(db: Connection, revision_id: int) -> Row | None:
    row: Row | None = db.execute(
        "SELECT * FROM three_d_revisions WHERE id = ? AND ended_time IS NULL", (revision_id,)
    ).fetchone()
    return row


def fail(sandbox: Sandbox, revision_id: int, reason: str) -> None:
    """End a revision as failed, with the reason in its logs."""
    with sandbox.write() as db:
        revision = _open_revision(db, revision_id)
        if revision is not None:
            _set_end(sandbox, db, revision, [_log(sandbox, _ERROR, "CONVERTER/FAILED", reason)], failed=True)


def extracted_spheres(stream: BinaryIO, put: Callable[[bytes], str], logs: list[Log]) -> Iterator[Sphere]:
    """Yield the spheres of a file with their faces stored; spheres that cannot be used are logged."""
    try:
        file = PagedFile(stream, "the file")
        found = find_photospheres(read_contents(file))
    except E57Error as error:
        raise WorkError(f"Not a readable E57 file: {error}") from error
    for number, sphere in enumerate(found.usable, 1):
        try:
            faces = [
                Face(face.face, put(face.content), len(face.content), face.mime_type)
                for face in sphere_faces(file, sphere)
            ]
        except (E57Error, ImageError) as error:
            logs.append({"severity": _WARNING, "type": "EXTRACTION/SKIPPED", "info": f"{sphere.name}: {error}"})
            continue
        yield Sphere(sphere.name or f"Station {number}", _transformation(sphere), faces)


def _transformation(sphere: Photosphere) -> dict[str, Any]:
    x, y, z = sphere.pose.position
    ex, ey, ez = cdf_euler(matrix_from_quaternion(sphere.pose.rotation))
    properties: dict[str, Any] = {
        "translationX": x, "translationY": y, "translationZ": z,
        "eulerRotationX": ex, "eulerRotationY": ey, "eulerRotationZ": ez,
        "scaleX": 1.0, "scaleY": 1.0, "scaleZ": 1.0,
    }  # fmt: skip
    if sphere.taken_at is not None:
        properties["timeTaken"] = sphere.taken_at.isoformat(timespec="milliseconds")
    return properties


def _finish(sandbox: Sandbox, revision: Any, spheres: Sequence[Sphere], logs: Sequence[Log]) -> None:
    names = sandbox.options.extraction_names
    name = _namer(names, revision["id"])
    space = revision["extraction_space"]
    now = sandbox.clock.now_ms()
    with sandbox.write() as db:
        if _open_revision(db, revision["id"]) is None:
            raise WorkError(f"Revision {revision['id']} was deleted meanwhile")
        check_session(db, revision["session_client"], space)
        collections = [name("collection", number) for number in range(2 if names == "two_collections" else 1)]
        nodes: list[dict[str, Any]] = []
        if spheres:
            nodes += [_node(space, each, "Image360Collection", {"label": each}) for each in collections]
        for number, sphere in enumerate(spheres):
            files = {
                face.name: _insert_file(db, name(f"{number}_{face.name}", number), face, now) for face in sphere.faces
            }
            properties = sphere.properties | {f"cubeMap{face.capitalize()}": file for face, file in files.items()}
            properties["label"] = sphere.label
            collection = collections[number % len(collections)]
            properties["collection360"] = {"space": space, "externalId": collection}
            if names != "no_stations":
                station = name("station", number)
                nodes.append(_node(space, station, "Station360", {"label": sphere.label}))
                properties["station"] = {"space": space, "externalId": station}
            nodes.append(_node(space, name("image", number), "Image360", properties))
        for start in range(0, len(nodes), _CHUNK):
            body = UpsertRequest.model_validate({"items": nodes[start : start + _CHUNK]})
            InstanceWriter(sandbox, db, access=None).upsert(body)
        _set_end(sandbox, db, revision, [*logs, _log(sandbox, _INFO, "CONVERTER/SUCCESS", None)], failed=False)


def _namer(names: ExtractionNames, revision_id: int) -> Callable[[str, int], str]:
    if names == "random_ids":
        return lambda *_: str(uuid.uuid4())
    return lambda role, number: f"e57_{revision_id}_{role}_{number}"


def _node(space: str, external_id: str, view: str, properties: dict[str, Any]) -> dict[str, Any]:
    source = {"type": "view", "space": _SCHEMA, "externalId": view, "version": "v1"}
    return {
        "instanceType": "node",
        "space": space,
        "externalId": external_id,
        "sources": [{"source": source, "properties": properties}],
    }


def _insert_file(db: Connection, external_id: str, face: Face, now: int) -> str:
    suffix = "png" if face.mime_type == "image/png" else "jpg"
    document = {"externalId": external_id, "name": f"{external_id}.{suffix}", "mimeType": face.mime_type}
    file_id = FILES.insert(db, document, now, present_from=now)
    set_content(db, file_id, Content(face.blob, face.size, face.mime_type), now, now)
    return external_id


def _earliest_end(sandbox: Sandbox, revision: Row) -> int:
    """When a revision has been processed for as long as is configured."""
    return int(revision["started_time"] + sandbox.options.revision_processing * 1000)


def _set_end(sandbox: Sandbox, db: Connection, revision: Any, logs: Sequence[Log], *, failed: bool) -> None:
    """End a job no sooner than after the configured processing time."""
    now = sandbox.clock.now_ms()
    ended = max(now, _earliest_end(sandbox, revision))
    entries = [*json.loads(revision["logs"]), *({"timestamp": ended, **entry} for entry in logs)]
    db.execute(
        "UPDATE three_d_revisions SET ended_time = ?, failed = ?, logs = ? WHERE id = ?",
        (ended, int(failed), json.dumps(entries), revision["id"]),
    )


def _log(sandbox: Sandbox, severity: int, kind: str, info: str | None) -> Log:
    entry: Log = {"timestamp": sandbox.clock.now_ms(), "severity": severity, "type": kind}
    return entry | ({"info": info} if info else {})
