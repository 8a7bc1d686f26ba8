"""Background work of Optimizer jobs: 360 images in the core data model and a point cloud revision, out of an E57 file.

The result is not published: what a classic revision makes is made as instances of the core data model, in the job's
space. A collection belongs to the 360 image model that the job names, which is how clients find it, and the point cloud
revision to the point cloud model. Everything of a job appears in one transaction together with its end.
"""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from sqlite3 import Connection, Row
from typing import Any

from cdf_sandbox.core.background import WorkError
from cdf_sandbox.core.identifiers import new_id
from cdf_sandbox.core.sandbox import Sandbox
from cdf_sandbox.services.data_modeling.ids import ContainerId, ViewId
from cdf_sandbox.services.data_modeling.nodes import write_items
from cdf_sandbox.services.files.store import Content, finish_upload, open_content, readable
from cdf_sandbox.services.three_d.extraction import Sphere, extracted_spheres
from cdf_sandbox.services.three_d.job_ends import check_job, earliest_end, end_job, reading_access
from cdf_sandbox.services.three_d.nodes import node_of, number_of
from cdf_sandbox.services.three_d.store import logs_of

_CORE = "cdf_cdm"
_DESCRIBABLE = ViewId(_CORE, "CogniteDescribable", "v1")
_FILE = ViewId(_CORE, "CogniteFile", "v1")
_IMAGE = ViewId(_CORE, "Cognite360Image", "v1")
_STATION = ViewId(_CORE, "Cognite360ImageStation", "v1")
_REVISION = ContainerId("cdf_cdm_3d", "Cognite3DRevision")
_DONE = {"status": "Done", "published": True}
_CHUNK = 1000

Node = dict[str, Any]


def process_scans(sandbox: Sandbox, job: Row) -> None:
    """Process one job."""
    document = json.loads(job["doc"])
    source = document["source"]["instanceId"]
    with sandbox.read() as db:
        access = reading_access(db, job)
        file = db.execute(
            "SELECT * FROM files WHERE space = ? AND instance_external_id = ?", (source["space"], source["externalId"])
        ).fetchone()
        if file is None:
            raise WorkError(f"File {source['externalId']} is not there")
        readable(access, [file])
    with sandbox.blobs.unless_failed() as put:
        _, stream = open_content(sandbox, file["id"])
        with stream:
            spheres = list(extracted_spheres(stream, put, []))
        sandbox.clock.wait_until(earliest_end(sandbox, job))
        _publish(sandbox, job, file["id"], document["configuration"], spheres)


def _publish(
    sandbox: Sandbox, job: Row, file_id: int, configuration: Mapping[str, Any], spheres: Sequence[Sphere]
) -> None:
    with sandbox.write() as db:
        check_job(db, job)
        nodes = list(_nodes(sandbox, job, configuration, spheres))
        after_commit = [
            action
            for start in range(0, len(nodes), _CHUNK)
            for action in write_items(sandbox, db, nodes[start : start + _CHUNK])
        ]
        name = _namer(sandbox, job)
        for number, sphere in enumerate(spheres):
            for face in sphere.faces:
                _upload(
                    sandbox,
                    db,
                    job["space"],
                    name(f"{number}_{face.name}"),
                    Content(face.blob, face.size, face.mime_type),
                )
        revision = _cloud_revision(db, job, file_id, end_job(sandbox, db, job))
        after_commit += write_items(sandbox, db, [_cloud(job, revision, configuration)])
    for action in after_commit:
        action()


def _nodes(sandbox: Sandbox, job: Row, configuration: Mapping[str, Any], spheres: Sequence[Sphere]) -> Iterator[Node]:
    """Yield the nodes so that each refers to earlier ones only."""
    space, name, names = job["space"], _namer(sandbox, job), sandbox.options.extraction_names
    collections = [name(f"collection_{n}") for n in range(2 if names == "two_collections" else 1)] if spheres else []
    for each in collections:
        revision = {**_DONE, "type": "Image360", "model3D": configuration["image360ModelInstanceId"]}
        yield _node(space, each, {_REVISION: revision, _DESCRIBABLE: {"name": each}})
    for number, sphere in enumerate(spheres):
        for face in sphere.faces:
            suffix = "png" if face.mime_type == "image/png" else "jpg"
            file = {"name": f"{number}_{face.name}.{suffix}", "mimeType": face.mime_type}
            yield _node(space, name(f"{number}_{face.name}"), {_FILE: file})
        image = {key: value for key, value in sphere.properties.items() if key != "timeTaken"}
        image |= {face.name: _ref(space, name(f"{number}_{face.name}")) for face in sphere.faces}
        image["collection360"] = _ref(space, collections[number % len(collections)])
        if "timeTaken" in sphere.properties:
            image["takenAt"] = sphere.properties["timeTaken"]
        if names != "no_stations":
            station = name(f"station_{number}")
            yield _node(space, station, {_STATION: {"name": sphere.label, "groupType": "Station360"}})
            image["station360"] = _ref(space, station)
        yield _node(space, name(f"image_{number}"), {_IMAGE: image})


def _cloud(job: Row, number: int, configuration: Mapping[str, Any]) -> Node:
    """The node of the point cloud."""
    cloud = {**_DONE, "type": "PointCloud", "model3D": configuration["pointCloudModelInstanceId"]}
    return _node(job["space"], node_of("revision", number), {_REVISION: cloud})


def _cloud_revision(db: Connection, job: Row, file_id: int, ended: int) -> int:
    """Insert the point cloud as a revision of its model, if that is one of the job's space; return its number."""
    number, model = new_id(), json.loads(job["doc"])["configuration"]["pointCloudModelInstanceId"]
    db.execute(
        "INSERT INTO three_d_revisions (id, model_id, file_id, doc, created_time, started_time, ended_time, logs)"
        " SELECT ?, id, ?, ?, ?, ?, ?, ? FROM three_d_models WHERE id = ? AND space = ? AND space = ?",
        (
            number, file_id, json.dumps({"fileId": file_id, "published": True}), job["created_time"],
            job["started_time"], ended, json.dumps(logs_of(job["started_time"], ended)),
            number_of("model", model["externalId"]), model["space"], job["space"],
        ),
    )  # fmt: skip
    return number


def _namer(sandbox: Sandbox, job: Row) -> Callable[[str], str]:
    """Return how parts of the result are named: by number, or at random but alike in the whole work of a job."""
    if sandbox.options.extraction_names == "random_ids":
        return lambda part: str(uuid.uuid5(uuid.UUID(int=job["number"]), f"{job['space']} {part}"))
    return lambda part: f"job_{job['number']}_{part}"


def _ref(space: str, external_id: str) -> dict[str, str]:
    return {"space": space, "externalId": external_id}


def _node(space: str, external_id: str, sources: Mapping[ViewId | ContainerId, Mapping[str, Any]]) -> Node:
    return {
        "instanceType": "node",
        **_ref(space, external_id),
        "sources": [{"source": source.dump(), "properties": dict(values)} for source, values in sources.items()],
    }


def _upload(sandbox: Sandbox, db: Connection, space: str, external_id: str, content: Content) -> None:
    """Give a face file its content; files of the service do not wait for the syncer."""
    row = db.execute(
        "UPDATE files SET present_from = ? WHERE space = ? AND instance_external_id = ? RETURNING id",
        (sandbox.clock.now_ms(), space, external_id),
    ).fetchone()
    finish_upload(sandbox, db, row["id"], content)
