"""360° images as instances: find, read and remove them, in the views of either generation of CDF's model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection as Group
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from typing_extensions import override

from capture360 import names
from capture360.batches import batched
from capture360.cdf.capabilities import Need
from capture360.cdf.client import CdfProject
from capture360.cdf.images.viewer_conditions import (
    ImageModel,
    ReadCollection,
    face_refs,
    incomplete_images,
    read_collection,
)
from capture360.cdf.instances import PAGE, Instances, Node, View, relation, with_prefix
from capture360.cdf.ports import Collection, Image360Store, ViewerReport, ViewerSource
from capture360.cdf.preflight import Required, needs_for, space_exists
from capture360.model import Capture, CaptureKey, FaceRef, PublishedImage
from capture360.settings.site import Site

_MOST_REFERENCES = 1_000


class ImageInstances(Image360Store, ABC):
    """Collections, images and stations in the space of one site; what both Image360Stores share."""

    image_view: ClassVar[View]
    image_model: ClassVar[ImageModel]
    viewer_source: ViewerSource
    station_relation: ClassVar[str]
    """Property of an image that refers to its station."""

    def __init__(self, cdf: CdfProject, site: Site) -> None:
        self._cdf = cdf
        self._site = site
        self._space = site.space
        self._instances = Instances(cdf.client)

    @override
    def collections(self, key: CaptureKey) -> Sequence[Collection]:
        found = self._instances.found(self._space, names.collection_id(key))
        return [Collection(self._space, external_id) for external_id in found]

    @override
    def images(self, key: CaptureKey) -> Iterator[PublishedImage]:
        return self._images(with_prefix(self._space, names.collection_id(key)))

    @override
    def images_in(self, collection: Collection) -> Iterator[PublishedImage]:
        return self._images({"instanceReferences": [relation(collection.space, collection.external_id)]})

    @override
    def image_ids(self, collection: Collection) -> Iterator[tuple[str, str]]:
        found_by = {"instanceReferences": [relation(collection.space, collection.external_id)]}
        query = self._images_query("collections", found_by, "collection360", PAGE, ())
        for page in self._instances.pages(query, "images"):
            yield from ((node.space, node.external_id) for node in page["images"])

    @override
    def images_by_id(self, ids: Sequence[tuple[str, str]]) -> Iterator[PublishedImage]:
        for node in self._instances.nodes(ids, self.image_view):
            if self.image_view.properties_of(node):
                yield self._published_image(node)

    @override
    def viewer_report(self, collections: Sequence[Collection]) -> ViewerReport:
        refused, reported = list[str](), list[str]()
        for collection in collections:
            found = read_collection(self._instances, self.image_model, collection)
            if not found.images:
                refused.append(f"Collection {collection.external_id} has no image, and viewers cannot open it.")
                continue
            refused += [*self._hidden(collection, found), *incomplete_images(self.image_model, found)]
            refused += [
                f"Face file {name} has no content, and viewers cannot open a collection with such a file."
                for name in self._without_content(face_refs(self.image_model, found))
            ]
            reported += self._misdrawn(collection)
        return ViewerReport(tuple(refused), tuple(reported))

    @property
    @override
    def needs(self) -> Sequence[Need]:
        return needs_for(self._site, self._required(CaptureKey(self._site.id, "any"), 0))

    @abstractmethod
    def _required(self, key: CaptureKey, panoramas: int) -> Required:
        """Return what publishing so many panoramas needs of the project."""

    def _hidden(self, collection: Collection, found: ReadCollection) -> Iterator[str]:  # noqa: ARG002 - for the core model's
        """Yield sentences about the collection, its model and its stations that viewers leave out for their types."""
        yield from ()

    @abstractmethod
    def _without_content(self, refs: Sequence[FaceRef]) -> Sequence[str]:
        """Return the external ids of face files that are not there or were never uploaded."""

    def _misdrawn(self, collection: Collection) -> Iterator[str]:  # noqa: ARG002 - for the core model's
        """Yield sentences about links that viewers do not draw, or draw elsewhere, where CDF takes such."""
        yield from ()

    @override
    def remove_images(self, images: Sequence[PublishedImage]) -> int:
        return self._instances.remove(self._space, [image.external_id for image in images])

    @override
    def remove_stations(self, external_ids: Sequence[str]) -> int:
        return self._instances.remove(self._space, self._without_other_images(external_ids, ()))

    @override
    def remove_collections(self, collections: Sequence[Collection]) -> int:
        return sum(self._instances.remove(each.space, [each.external_id]) for each in collections)

    @abstractmethod
    @override
    def remove_faces(self, refs: Sequence[FaceRef]) -> int: ...

    @override
    def remove(self, key: CaptureKey, *, dry_run: bool) -> Sequence[str]:
        if not space_exists(self._cdf, self._space):
            return []
        images = list(self.images(key))
        image_ids = [image.external_id for image in images]
        collections = self._instances.found(self._space, names.collection_id(key))
        models = self._models_of(key)
        stations = self._without_other_images({image.station for image in images if image.station}, image_ids)
        files = [ref for image in images for ref in image.faces.values()]
        if not dry_run:
            self._instances.remove(self._space, image_ids)
            self._instances.remove(self._space, collections)
            self._remove_models(models)
            self._instances.remove(self._space, stations)
            self.remove_faces(files)
        return [*image_ids, *collections, *models, *stations, *(ref.external_id for ref in files)]

    @abstractmethod
    def _published_image(self, node: Any) -> PublishedImage:
        """Convert the SDK's node of an image."""

    def _models_of(self, key: CaptureKey) -> Sequence[str]:  # noqa: ARG002 - for the core model's
        """Return the external ids of the 360° models of a capture, where the generation has models."""
        return ()

    def _remove_models(self, external_ids: Sequence[str]) -> None:
        """Remove what `_models_of` returned."""

    def _to_write(self, capture: Capture, stations: Sequence[Node]) -> list[Node]:
        """Return the capture's own stations, and shared ones that CDF no longer has.

        A station that is there says what the capture that made it says, whichever of them is published last.
        """
        own = {names.station_id(capture.key, station) for station in capture.reused}
        shared = sorted(set(capture.reused.values()) - own)
        there = self._instances.read(self._space, shared, self.image_model.station) if shared else {}
        return [node for node in stations if not there.get(node.external_id)]

    def _images(self, collections: Mapping[str, Any]) -> Iterator[PublishedImage]:
        """Yield the images of the collections that a filter finds."""
        query = self._images_query("collections", collections, "collection360", PAGE, ["*"])
        for page in self._instances.pages(query, "images"):
            yield from (self._published_image(node) for node in page["images"])

    def _without_other_images(self, stations: Group[str], images: Group[str]) -> Sequence[str]:
        """Return those of `stations`, sorted, that no image refers to but `images`; all are external ids."""
        ours, shared = set(images), set[str]()
        for some in batched(sorted(stations), _MOST_REFERENCES):
            references = {"instanceReferences": [relation(self._space, name) for name in some]}
            query = self._images_query(
                "stations", references, self.station_relation, _MOST_REFERENCES, [self.station_relation]
            )
            for page in self._instances.pages(query, "images"):
                shared.update(
                    self.image_view.properties_of(node)[self.station_relation]["externalId"]
                    for node in page["images"]
                    if node.external_id not in ours
                )
        return sorted(set(stations) - shared)

    def _images_query(
        self, targets: str, found_by: Mapping[str, Any], identifier: str, limit: int, properties: Sequence[str]
    ) -> dict[str, Any]:
        """Build the query for the images that refer to the nodes which a filter finds, with these properties."""
        selected = {"sources": [{"source": self.image_view.ref, "properties": list(properties)}]} if properties else {}
        return {
            "with": {
                targets: {"nodes": {"filter": found_by}, "limit": limit},
                "images": {
                    "nodes": {
                        "from": targets,
                        "through": {"source": self.image_view.ref, "identifier": identifier},
                        "direction": "inwards",
                    },
                    "limit": PAGE,
                },
            },
            "select": {"images": selected},
        }
