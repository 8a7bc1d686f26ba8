"""Background work of ImageTextDetection jobs: read the faces of a collection and write the texts to a CogniteFile.

The form of that file is not published. The sandbox writes `{"version": "1.0", "items": [{"key", "image360":
{"instanceId"}, "text", "confidence", "polygon": {"version", "data"}}]}`, one polygon on the sphere for each text.
"""

import json
import uuid
from collections.abc import Iterator
from sqlite3 import Connection, Row
from typing import Any

from cdf_sandbox.core.access import Access
from cdf_sandbox.core.ocr import CannotRead, read_texts
from cdf_sandbox.core.sandbox import Sandbox
from cdf_sandbox.services.data_modeling.access import INSTANCE_ACL
from cdf_sandbox.services.data_modeling.ids import ViewId
from cdf_sandbox.services.data_modeling.nodes import create_node, get_node
from cdf_sandbox.services.files.store import Content, finish_upload, open_content, readable
from cdf_sandbox.services.three_d.job_ends import check_job, earliest_end, end_job, reading_access
from cdf_sandbox.services.three_d.spherical_polygons import polygon_data

_FILE = ViewId("cdf_cdm", "CogniteFile", "v1")
_IMAGE = ViewId("cdf_cdm", "Cognite360Image", "v1")
_FACES = ("front", "back", "left", "right", "top", "bottom")
_TYPE = "application/json"


def process_texts(sandbox: Sandbox, job: Row) -> None:
    """Process one job."""
    with sandbox.read() as db:
        faces = list(_faces(db, reading_access(db, job), json.loads(job["doc"])["source"]["instanceId"]))
    found = list(_found(sandbox, faces))
    content = json.dumps({"version": "1.0", "items": found}, ensure_ascii=False).encode()
    external_id = f"cog_3d_job_result_{uuid.uuid4()}"
    sandbox.clock.wait_until(earliest_end(sandbox, job))
    with sandbox.blobs.unless_failed() as put, sandbox.write() as db:
        check_job(db, job)
        properties = {"name": f"{job['external_id'][:200]}.json", "mimeType": _TYPE}
        after_commit = create_node(sandbox, db, job["space"], external_id, {_FILE: properties})
        # The result file of the service does not wait for the syncer.
        file = db.execute(
            "UPDATE files SET present_from = ? WHERE space = ? AND instance_external_id = ? RETURNING id",
            (sandbox.clock.now_ms(), job["space"], external_id),
        ).fetchone()
        finish_upload(sandbox, db, file["id"], Content(put(content), len(content), _TYPE))
        end_job(sandbox, db, job, result=(job["space"], external_id))
    for action in after_commit:
        action()


def _faces(
    db: Connection, access: Access, collection: dict[str, str]
) -> Iterator[tuple[dict[str, str], str, int | None]]:
    """Image, face and file of every face of the images of a collection that may be read."""
    spaces = access.spaces(INSTANCE_ACL, "READ")
    rows = db.execute(
        "SELECT i.space, i.external_id FROM dms_relation r JOIN dms_instance i ON i.id = r.instance"
        " WHERE r.container = 'cdf_cdm_3d:Cognite360Image' AND r.property = 'collection360'"
        " AND r.target_space = ? AND r.target_xid = ? AND i.deleted_time IS NULL ORDER BY i.id",
        (collection["space"], collection["externalId"]),
    ).fetchall()
    for row in rows:
        if spaces is not None and row["space"] not in spaces:
            continue
        image = {"space": row["space"], "externalId": row["external_id"]}
        properties = get_node(db, row["space"], row["external_id"], _IMAGE) or {}
        for face in _FACES:
            if face in properties:
                file = db.execute(
                    "SELECT * FROM files WHERE space = ? AND instance_external_id = ?",
                    (properties[face]["space"], properties[face]["externalId"]),
                ).fetchone()
                readable(access, [file] if file is not None else [])
                yield image, face, file and file["id"]


def _found(sandbox: Sandbox, faces: list[tuple[dict[str, str], str, int | None]]) -> Iterator[dict[str, Any]]:
    for image, face, file in faces:
        if file is None:
            raise CannotRead(f"Face {face} of image {image['externalId']} has no file")
        _, stream = open_content(sandbox, file)
        with stream:
            content = stream.read()
        for text in read_texts(content):
            yield {
                "key": str(uuid.uuid4()),
                "image360": {"instanceId": image},
                "text": text.text,
                "confidence": text.confidence,
                "polygon": {"version": "2.0.0", "data": polygon_data(face, text.corners)},
            }
