"""360° images in CDF's core data model, for data modeling projects.

Views and values as Cognite's own migration writes them (cognitedata/toolkit, `_migrate/image_360_mappings.py`) and the
public viewer reads them (cognitedata/reveal, `descriptor-providers/datamodels/cdm`). A collection is written and read
through `Cognite3DRevision` and `CogniteDescribable`: the filter of the view `Cognite360ImageCollection` tests a
container in which a collection has no data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from threading import Lock
from typing import Any

from typing_extensions import override

from capture360 import names
from capture360.batches import batched
from capture360.cdf.capabilities import Need
from capture360.cdf.client import CdfProject
from capture360.cdf.core_views import DESCRIBABLE, FILE, IMAGE, IMAGE_MODEL, MODEL_3D, REVISION_3D, STATION
from capture360.cdf.images.core_files import CoreFiles
from capture360.cdf.images.core_model import CoreModels
from capture360.cdf.images.instances import ImageInstances
from capture360.cdf.images.scenes import with_scene
from capture360.cdf.images.stored_sizes import stored_sizes
from capture360.cdf.images.viewer_conditions import ImageModel, ReadCollection, polygon_problem
from capture360.cdf.instances import (
    POSITION,
    ROTATION,
    Node,
    pose_of,
    pose_properties,
    relation,
    timestamp,
)
from capture360.cdf.links.snapshot import orphan_sentence, read_links
from capture360.cdf.ports import Collection, StationFaces
from capture360.cdf.preflight import Required, ensure_space, missing_parts, space_exists
from capture360.model import FACES, Capture, CaptureKey, EncodedFace, FaceName, FaceRef, PublishedImage, Station
from capture360.rules.finding import Finding
from capture360.rules.project import D05, D07, WHERE
from capture360.settings.site import Site

_TYPE = "Image360"
_GROUP_TYPE = "Station360"
_LINKED_AT_ONCE = 1000
_STEMS_AT_ONCE = 100
"""Stations whose face files one query looks for: about as many files as a page holds."""
_INSTANCES_EACH = 8
"""Six faces, station and image."""
_BEGUN = {"type": _TYPE, "status": "Processing", "published": False}
_DONE = {"type": _TYPE, "status": "Done", "published": True}


class CoreImages(ImageInstances):
    """Image360Store of data modeling projects."""

    image_view = IMAGE
    station_relation = "station360"
    image_model = ImageModel(IMAGE, STATION, "station360", {face: face for face in FACES})
    viewer_source = "core"

    def __init__(self, cdf: CdfProject, site: Site) -> None:
        super().__init__(cdf, site)
        self._files_space = site.data_modeling.files_space or site.space
        self._files = CoreFiles(cdf.client, site.files)
        self._making_space = Lock()
        self._has_files_space = False
        self._models = CoreModels(cdf, site.space)

    @override
    def missing(self, key: CaptureKey, panoramas: int) -> Sequence[Finding]:
        found = missing_parts(self._cdf, self._site, self._required(key, panoramas))
        return [*found, *(() if found else self._misconfigured())]

    def _misconfigured(self) -> Iterator[Finding]:
        """Yield settings that cannot hold in this project; it must have the views and grant the rights to read them."""
        files, model = self._site.files, self._site.data_modeling.model
        if files.data_set is not None:
            yield D05.finding(where=WHERE, value=files.data_set, message="instances")
        if model is not None and not (
            space_exists(self._cdf, self._space) and self._instances.read(self._space, [model], IMAGE_MODEL)
        ):
            yield D07.finding(where=WHERE, value=model, space=self._space)

    @override
    def _required(self, key: CaptureKey, panoramas: int) -> Required:
        actions = ("READ", "CREATE") if self._site.data_modeling.model is None else ()
        own_model = [Need("threedAcl", action) for action in actions]
        required = Required(
            views=(FILE, DESCRIBABLE, REVISION_3D, STATION, IMAGE, IMAGE_MODEL),
            spaces=(self._space, self._files_space),
            needs=(Need("filesAcl", "READ"), *own_model),
            panoramas=panoramas,
            instances_each=_INSTANCES_EACH,
            published=lambda: sum(1 for _ in self.images(key)),
            classic_files=False,
        )
        return with_scene(required, self._site)

    @override
    def face_ref(self, key: CaptureKey, station: str, face: FaceName, sha256: str) -> FaceRef:
        return FaceRef(face, names.face_id(key, station, face, sha256), self._files_space)

    @override
    def stored(self, refs: Mapping[FaceRef, str]) -> set[FaceRef]:
        return self._files.uploaded(refs)

    @override
    def put_faces(self, capture: Capture, faces: Sequence[tuple[Station, EncodedFace]]) -> Sequence[FaceRef]:
        with self._making_space:  # threads that find no space would each make it
            if not self._has_files_space:
                ensure_space(self._cdf, self._files_space, create=self._site.create_space)
                self._has_files_space = True
        refs = [self.face_ref(capture.key, station.id, face.face, face.sha256) for station, face in faces]
        self._files.put([(ref, *pair) for ref, pair in zip(refs, faces, strict=True)])
        return refs

    @override
    def file_ids(self, refs: Sequence[FaceRef]) -> Mapping[FaceRef, int]:
        return self._files.ids(refs)

    @override
    def faces_of(self, key: CaptureKey, stations: AbstractSet[str]) -> Sequence[FaceRef]:
        if not stations or not space_exists(self._cdf, self._files_space):
            return []
        stems = sorted(names.face_stem(key, station) for station in stations)
        there = [
            name for some in batched(stems, _STEMS_AT_ONCE) for name in self._instances.found(self._files_space, *some)
        ]
        return [
            FaceRef(face, name, self._files_space) for name, face in names.faces_among(there, key, stations).items()
        ]

    @override
    def face_content(self, ref: FaceRef) -> bytes:
        return self._files.content(ref)

    @override
    def stored_sizes(self, refs: Sequence[FaceRef]) -> Mapping[FaceRef, int]:
        return stored_sizes(self._files.links(refs))

    @override
    def publish(self, capture: Capture, faces: StationFaces) -> int:
        """Create the model last: a run that fails before leaves none behind."""
        ensure_space(self._cdf, self._space, create=self._site.create_space)
        written = sum(self._instances.write(nodes) for nodes in self._before_the_model(capture, faces))
        model, created = self._model(capture.key)
        return written + created + self._instances.write(self._collections(capture, model))

    @override
    def changes(self, capture: Capture, faces: StationFaces) -> Sequence[str]:
        if not space_exists(self._cdf, self._space):
            nodes = [node for group in self._before_the_model(capture, faces) for node in group]
            return [*dict.fromkeys(node.external_id for node in nodes), *self._new_model(capture.key, None)]
        stale = [n for group in self._before_the_model(capture, faces) for n in self._instances.stale(group)]
        model = self._site.data_modeling.model or self._models.find(capture.key)
        if model is not None:
            stale += self._instances.stale(self._collections(capture, model))
        return [*dict.fromkeys(node.external_id for node in stale), *self._new_model(capture.key, model)]

    @override
    def remove_faces(self, refs: Sequence[FaceRef]) -> int:
        return self._files.remove(refs)

    @override
    def _hidden(self, collection: Collection, found: ReadCollection) -> Iterator[str]:
        name = collection.external_id
        revision = self._instances.read(collection.space, [name], REVISION_3D).get(name, {})
        if revision.get("type") != _TYPE:
            yield f"Collection {name} has {_typed(revision)}, and viewers load it with type {_TYPE} alone."
        model = revision.get("model3D")
        if not model:
            yield f"Collection {name} belongs to no 360 image model (model3D), so CDF lists it nowhere."
        else:
            own = self._instances.read(model["space"], [model["externalId"]], MODEL_3D).get(model["externalId"], {})
            if own.get("type") != _TYPE:
                yield f"Model {model['externalId']} of collection {name} has {_typed(own)} where {_TYPE} is needed."
        for station, properties in found.stations.items():
            if properties.get("groupType") != _GROUP_TYPE:
                stated = properties.get("groupType") or "no groupType"
                yield f"Station {station} has {stated} where groupType {_GROUP_TYPE} is needed: viewers leave it out."

    @override
    def _without_content(self, refs: Sequence[FaceRef]) -> Sequence[str]:
        return self._files.without_content(refs)

    @override
    def _misdrawn(self, collection: Collection) -> Iterator[str]:
        for some in batched(list(self.images_in(collection)), _LINKED_AT_ONCE):
            there = read_links(self._instances, some)
            for image, edges in there.orphans.items():
                yield from (orphan_sentence(image, edge) for edge in edges)
            for pair, edges in there.links.items():
                for edge in edges:
                    if problem := polygon_problem(edge.polygon, edge.format_version):
                        yield f"Link {edge.name} of {pair.asset} on {pair.image} {problem}."

    @override
    def _published_image(self, node: Any) -> PublishedImage:
        return published_image(node)

    @override
    def _models_of(self, key: CaptureKey) -> Sequence[str]:
        return self._models.made(key)

    @override
    def _remove_models(self, external_ids: Sequence[str]) -> None:
        self._models.remove(external_ids)

    def _before_the_model(self, capture: Capture, faces: StationFaces) -> Iterator[Sequence[Node]]:
        """Yield groups of nodes, each referring to earlier groups only, so that CDF's constraints find every target."""
        space, collections = self._space, names.collections(capture)
        yield [Node(space, each, DESCRIBABLE, {"name": label}) for each, label in collections.items()]
        begun = self._instances.read(space, list(collections), REVISION_3D)
        stations = [
            Node(space, names.station_node(capture, each.id), STATION, {"name": each.name, "groupType": _GROUP_TYPE})
            for each in capture.stations
        ]
        yield [
            *(Node(space, each, REVISION_3D, _BEGUN) for each in collections if not begun.get(each)),
            *self._to_write(capture, stations),
        ]
        yield [self._image(capture, station, faces[station.id]) for station in capture.stations]

    def _collections(self, capture: Capture, model: str) -> list[Node]:
        """Return the finished collections; this last write sets `published`."""
        done = {**_DONE, "model3D": relation(self._space, model)}
        return [Node(self._space, each, REVISION_3D, done) for each in names.collections(capture)]

    def _image(self, capture: Capture, station: Station, faces: Mapping[FaceName, FaceRef]) -> Node:
        space, key = self._space, capture.key
        properties: dict[str, Any] = {
            **pose_properties(station.pose),
            **{face: relation(faces[face].space or space, faces[face].external_id) for face in FACES},
            "collection360": relation(space, names.collection_id(key, station.collection)),
            "station360": relation(space, names.station_node(capture, station.id)),
            "takenAt": timestamp(station.taken_at),
        }
        return Node(space, names.image_id(key, station.id), IMAGE, properties)

    def _model(self, key: CaptureKey) -> tuple[str, int]:
        configured = self._site.data_modeling.model
        return (configured, 0) if configured else self._models.ensure(key)

    def _new_model(self, key: CaptureKey, found: str | None) -> list[str]:
        return [] if found else [f"360° model {key}"]


def published_image(node: Any) -> PublishedImage:
    """Convert the SDK's Cognite360Image node; a number that is not set counts as 0."""
    properties = IMAGE.properties_of(node)
    return PublishedImage(
        external_id=node.external_id,
        space=node.space,
        station=(properties.get("station360") or {}).get("externalId", ""),
        pose=pose_of({**dict.fromkeys(POSITION + ROTATION, 0.0), **properties}),
        faces={face: _face(face, properties[face]) for face in FACES if properties.get(face)},
    )


def _typed(properties: Mapping[str, Any]) -> str:
    return f"type {properties['type']}" if properties.get("type") else "no type"


def _face(face: FaceName, value: Mapping[str, str]) -> FaceRef:
    return FaceRef(face, value["externalId"], value["space"])
