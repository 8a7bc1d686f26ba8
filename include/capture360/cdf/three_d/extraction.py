"""Images that CDF's own extraction created in a space, found by query since CDF does not document their ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from typing_extensions import override

from capture360.cdf.client import CdfProject
from capture360.cdf.images.classic import IMAGE, published_image
from capture360.cdf.images.files import ClassicFiles
from capture360.cdf.instances import PAGE, Instances
from capture360.cdf.ports import Collection, PointCloud
from capture360.model import PublishedImage
from capture360.settings.files import FileSettings


@dataclass(frozen=True, slots=True)
class ExtractedImage:
    """An image that CDF created, its collection (None if it has none) and the time of its creation."""

    image: PublishedImage
    collection: Collection | None
    created: datetime


class Extracted(Protocol):
    """What CDF's extraction of a capture's scans created."""

    def images(self) -> Iterator[ExtractedImage]:
        """Yield every 360° image that may be the capture's."""
        ...

    def point_clouds(self) -> Sequence[PointCloud]:
        """Return the point clouds that came along as instances."""
        ...

    def without_content(self, images: Sequence[PublishedImage]) -> Sequence[str]:
        """Return the external ids of face files that images refer to and of which CDF has no content."""
        ...


class Extraction(Extracted):
    """Images of the classic 360 schema in one instance space."""

    def __init__(self, cdf: CdfProject, space: str) -> None:
        self._client = cdf.client
        self._space = space

    @override
    def images(self) -> Iterator[ExtractedImage]:
        """Yield every 360° image in the space, whoever created it."""
        for page in Instances(self._client).pages(_images_query(self._space), "images"):
            yield from (_extracted(node) for node in page["images"])

    @override
    def point_clouds(self) -> Sequence[PointCloud]:
        """Return nothing: a classic revision is its own point cloud."""
        return ()

    @override
    def without_content(self, images: Sequence[PublishedImage]) -> Sequence[str]:
        wanted = [ref.external_id for image in images for ref in image.faces.values()]
        return ClassicFiles(self._client, FileSettings()).without_content(wanted)


def _extracted(node: Any) -> ExtractedImage:
    relation = IMAGE.properties_of(node).get("collection360")
    collection = Collection(relation["space"], relation["externalId"]) if relation else None
    return ExtractedImage(published_image(node), collection, created_time(node))


def created_time(node: Any) -> datetime:
    """Return when CDF created the SDK's node."""
    return datetime.fromtimestamp(node.created_time / 1000, UTC)


def _images_query(space: str) -> dict[str, Any]:
    in_space = {"equals": {"property": ["node", "space"], "value": space}}
    shows = {"hasData": [IMAGE.ref]}
    return {
        "with": {"images": {"nodes": {"filter": {"and": [in_space, shows]}}, "limit": PAGE}},
        "select": {"images": {"sources": [{"source": IMAGE.ref, "properties": ["*"]}]}},
    }
