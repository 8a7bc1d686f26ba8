"""Queries of the pages over the tables of all services."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from sqlite3 import Connection, Row
from typing import Any

from cdf_sandbox.services.files.store import file_json
from cdf_sandbox.services.three_d.store import revision_json

PAGE_SIZE = 50

_COUNTED = {
    "files": "SELECT count(*) FROM files",
    "data sets": "SELECT count(*) FROM data_sets",
    "assets": "SELECT count(*) FROM assets",
    "annotations": "SELECT count(*) FROM annotations",
    "nodes": "SELECT count(*) FROM dms_instance WHERE kind = 'node' AND deleted_time IS NULL",
    "edges": "SELECT count(*) FROM dms_instance WHERE kind = 'edge' AND deleted_time IS NULL",
    "360° collections": "SELECT count(*) FROM dms_data JOIN dms_instance ON dms_instance.id = instance"
    " WHERE deleted_time IS NULL AND (container = 'cdf_360_image_schema:Image360Collection'"
    " OR container = 'cdf_cdm_3d:Cognite3DRevision' AND json_extract(doc, '$.type') = 'Image360')",
    "3D revisions": "SELECT count(*) FROM three_d_revisions",
    "sessions": "SELECT count(*) FROM sessions",
}


def counts(db: Connection) -> dict[str, int]:
    """Count the resources of each kind."""
    return {noun: db.execute(query).fetchone()[0] for noun, query in _COUNTED.items()}


def newest(db: Connection, table: str, page: int) -> list[Row]:
    """One page of a table of documents, newest first; `table` is a constant of the code."""
    return db.execute(
        f"SELECT * FROM {table} ORDER BY created_time DESC, id LIMIT ? OFFSET ?",  # noqa: S608 - the name is a constant of the code; values are bound
        (PAGE_SIZE, page * PAGE_SIZE),
    ).fetchall()


def files(db: Connection, page: int, now: int) -> list[dict[str, Any]]:
    """Files with their size and whether they may have a preview."""
    return [file_json(row, now) | _content_of(row) for row in newest(db, "files", page)]


def _content_of(row: Row) -> dict[str, Any]:
    is_image = (row["content_type"] or "").startswith("image/")
    return {"size": row["size"], "hasPreview": is_image and row["blob"] is not None}


def annotations(db: Connection, page: int) -> list[dict[str, Any]]:
    """Annotations with the names of their files."""
    rows = db.execute(
        "SELECT annotations.*, files.name, files.external_id FROM annotations JOIN files ON files.id = file_id"
        " ORDER BY annotations.created_time DESC, annotations.id LIMIT ? OFFSET ?",
        (PAGE_SIZE, page * PAGE_SIZE),
    )
    return [
        json.loads(row["doc"]) | {"id": row["id"], "fileId": row["file_id"], "file": row["external_id"] or row["name"]}
        for row in rows
    ]


def revisions(db: Connection, page: int, now: int) -> list[dict[str, Any]]:
    """Revisions of 3D models with their states, newest first."""
    rows = db.execute(
        "SELECT three_d_revisions.*, name FROM three_d_revisions JOIN three_d_models ON three_d_models.id = model_id"
        " ORDER BY three_d_revisions.created_time DESC, three_d_revisions.id LIMIT ? OFFSET ?",
        (PAGE_SIZE, page * PAGE_SIZE),
    )
    return [
        revision_json(row, now)
        | {"model": row["name"], "logs": [log for log in json.loads(row["logs"]) if log["timestamp"] <= now]}
        for row in rows
    ]


def instances(db: Connection, page: int) -> list[dict[str, Any]]:
    """Nodes and edges, those changed last first, with their data by container."""
    rows = db.execute(
        "SELECT * FROM dms_instance WHERE deleted_time IS NULL ORDER BY seq DESC LIMIT ? OFFSET ?",
        (PAGE_SIZE, page * PAGE_SIZE),
    ).fetchall()
    data = documents(db, [row["id"] for row in rows])
    return [dict(row) | {"data": data.get(row["id"], {})} for row in rows]


def documents(db: Connection, ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Data of instances by their row ids, then by container."""
    found: dict[int, dict[str, Any]] = {}
    rows = db.execute(
        "SELECT instance, container, doc FROM dms_data WHERE instance IN (SELECT value FROM json_each(?))",
        (json.dumps(list(ids)),),
    )
    for row in rows:
        found.setdefault(row["instance"], {})[row["container"]] = json.loads(row["doc"])
    return found


@dataclass(frozen=True)
class _Model:
    """Containers and properties of one generation of 360° data."""

    collection: str
    collection_label: tuple[str, str]
    image: str
    station: str
    station_label: tuple[str, str]
    transform: str
    faces: dict[str, tuple[str, str]]


_SIDES = ("front", "right", "back", "left", "top", "bottom")
_LEGACY_IMAGE = "cdf_360_image_schema:Image360"
_LEGACY = _Model(
    collection="cdf_360_image_schema:Image360Collection",
    collection_label=("cdf_360_image_schema:Image360Collection", "label"),
    image=_LEGACY_IMAGE,
    station="station",
    station_label=("cdf_360_image_schema:Station360", "label"),
    transform=_LEGACY_IMAGE,
    faces={side: (_LEGACY_IMAGE, f"cubeMap{side.capitalize()}") for side in _SIDES},
)
_CORE = _Model(
    collection="cdf_cdm_3d:Cognite3DRevision",
    collection_label=("cdf_cdm:CogniteDescribable", "name"),
    image="cdf_cdm_3d:Cognite360Image",
    station="group3d",
    station_label=("cdf_cdm:CogniteDescribable", "name"),
    transform="cdf_cdm_3d:Cognite3DTransformation",
    faces={side: ("cdf_cdm_3d:CogniteCubeMap", side) for side in _SIDES},
)


def named_collections(db: Connection, page: int | None = None) -> list[dict[str, Any]]:
    """All 360° collections of both generations or one page of them, those changed last first: kind and identifier."""
    rows = db.execute(
        "SELECT dms_instance.*, container FROM dms_data JOIN dms_instance ON dms_instance.id = instance"
        " WHERE deleted_time IS NULL AND (container = ? OR container = ? AND json_extract(doc, '$.type') = 'Image360')"
        " ORDER BY seq DESC LIMIT ? OFFSET ?",
        (_LEGACY.collection, _CORE.collection, -1 if page is None else PAGE_SIZE, (page or 0) * PAGE_SIZE),
    )
    return [
        {
            "kind": "legacy" if row["container"] == _LEGACY.collection else "core",
            "space": row["space"],
            "externalId": row["external_id"],
            "row": row["id"],
        }
        for row in rows
    ]


def collections(db: Connection, page: int) -> list[dict[str, Any]]:
    """360° collections of both generations with their numbers of images and stations."""
    shown = []
    for named in named_collections(db, page):
        model = _LEGACY if named["kind"] == "legacy" else _CORE
        images = _images_of(db, model, named["space"], named["externalId"])
        shown.append(
            {
                **named,
                "label": _value(documents(db, [named["row"]]).get(named["row"], {}), model.collection_label),
                "images": len(images),
                "stations": len({_value(data, (model.image, model.station), str) for _, data in images}),
            }
        )
    return shown


def _value(data: dict[str, Any], place: tuple[str, str], convert: type[str] | None = None) -> Any:
    value = data.get(place[0], {}).get(place[1])
    return convert(value) if convert is not None else value


def _images_of(db: Connection, model: _Model, space: str, external_id: str) -> list[tuple[Row, dict[str, Any]]]:
    rows = db.execute(
        "SELECT dms_instance.* FROM dms_relation JOIN dms_instance ON dms_instance.id = instance"
        " WHERE container = ? AND property = 'collection360' AND target_space = ? AND target_xid = ?"
        " AND deleted_time IS NULL ORDER BY dms_instance.id",
        (model.image, space, external_id),
    ).fetchall()
    data = documents(db, [row["id"] for row in rows])
    return [(row, data.get(row["id"], {})) for row in rows]


def collection(
    db: Connection, kind: str, space: str, external_id: str, page: int | None = None
) -> list[dict[str, Any]]:
    """Images of one collection, all of them or one page: poses, and `faces` as file ids by side."""
    model = _LEGACY if kind == "legacy" else _CORE
    shown = []
    images = _images_of(db, model, space, external_id)
    for row, data in images if page is None else images[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]:
        pose = data.get(model.transform, {})
        shown.append(
            {
                "space": row["space"],
                "externalId": row["external_id"],
                "station": _station_label(db, model, _value(data, (model.image, model.station))),
                "translation": [pose.get(f"translation{axis}") for axis in "XYZ"],
                "rotation": [pose.get(f"eulerRotation{axis}") for axis in "XYZ"],
                "faces": {side: _file_id(db, _value(data, place)) for side, place in model.faces.items()},
            }
        )
    return shown


def _station_label(db: Connection, model: _Model, reference: dict[str, str] | None) -> str | None:
    if reference is None:
        return None
    label = _described(db, reference["space"], reference["externalId"], model.station_label)
    return label or reference["externalId"]


def _described(db: Connection, space: str, external_id: str, place: tuple[str, str]) -> str | None:
    """The text at a container's property of an instance; None if it has none."""
    row = db.execute(
        "SELECT doc FROM dms_data JOIN dms_instance ON dms_instance.id = instance"
        " WHERE space = ? AND external_id = ? AND container = ? AND deleted_time IS NULL",
        (space, external_id, place[0]),
    ).fetchone()
    return json.loads(row["doc"]).get(place[1]) if row is not None else None


def _file_id(db: Connection, reference: Any) -> int | None:
    if isinstance(reference, dict):
        row = db.execute(
            "SELECT id FROM files WHERE space = ? AND instance_external_id = ? AND blob IS NOT NULL",
            (reference["space"], reference["externalId"]),
        ).fetchone()
    else:
        row = db.execute("SELECT id FROM files WHERE external_id = ? AND blob IS NOT NULL", (reference,)).fetchone()
    return row["id"] if row is not None else None


def label_of(db: Connection, kind: str, space: str, external_id: str) -> str:
    """The display name of a collection; its external id if it has none."""
    place = (_LEGACY if kind == "legacy" else _CORE).collection_label
    return _described(db, space, external_id, place) or external_id


def kind_of(db: Connection, space: str, external_id: str) -> str | None:
    """The generation of a collection, "legacy" or "core"; None if there is none of that name."""
    containers = {
        row["container"]
        for row in db.execute(
            "SELECT container FROM dms_data JOIN dms_instance ON dms_instance.id = instance"
            " WHERE space = ? AND external_id = ? AND deleted_time IS NULL",
            (space, external_id),
        )
    }
    if _LEGACY.collection in containers:
        return "legacy"
    return "core" if _CORE.collection in containers else None


def asset(db: Connection, reference: str) -> dict[str, Any] | None:
    """A classic asset by its id, or the data of a node by `<space>/<externalId>`; None if there is none."""
    space, slash, external_id = reference.partition("/")
    if not slash:
        number = int(reference) if reference.isdecimal() and len(reference) < 19 else -1
        row = db.execute("SELECT * FROM assets WHERE id = ?", (number,)).fetchone()
        return json.loads(row["doc"]) | {"id": row["id"]} if row else None
    row = db.execute(
        "SELECT id FROM dms_instance WHERE space = ? AND external_id = ? AND deleted_time IS NULL", (space, external_id)
    ).fetchone()
    if row is None:
        return None
    return {"space": space, "externalId": external_id} | documents(db, [row["id"]]).get(row["id"], {})
