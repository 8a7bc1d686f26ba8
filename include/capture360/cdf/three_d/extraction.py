"""What CDF's own extraction left in a space: found by query, since nothing of its ids is published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from capture360.cdf.client import CdfProject, cdf_errors
from capture360.cdf.images.classic import IMAGE, published_image
from capture360.cdf.instances import PAGE, Instances
from capture360.cdf.ports import Collection
from capture360.model import PublishedImage

_FILES_AT_ONCE = 1000
"""The most that one request for files by id may name."""


@dataclass(frozen=True, slots=True)
class ExtractedImage:
    """An image that CDF made, the collection it hangs in (None if in none) and when it was created."""

    image: PublishedImage
    collection: Collection | None
    created: datetime


class Extraction:
    """Images of the legacy 360 schema in one instance space."""

    def __init__(self, cdf: CdfProject, space: str) -> None:
        self._client = cdf.client
        self._space = space

    def images(self) -> Iterator[ExtractedImage]:
        """Every 360° image in the space, whoever made it."""
        for page in Instances(self._client).pages(_images_query(self._space), "images"):
            yield from (_extracted(node) for node in page["images"])

    def without_content(self, images: Sequence[PublishedImage]) -> Sequence[str]:
        """External ids of face files that the images name and CDF does not hold uploaded."""
        wanted = [ref.external_id for image in images for ref in image.faces.values()]
        there: set[str | None] = set()
        for start in range(0, len(wanted), _FILES_AT_ONCE):
            with cdf_errors("Reading back face files"):
                found = self._client.files.retrieve_multiple(
                    external_ids=wanted[start : start + _FILES_AT_ONCE], ignore_unknown_ids=True
                )
            there.update(file.external_id for file in found if file.uploaded)
        return [external_id for external_id in wanted if external_id not in there]


def _extracted(node: Any) -> ExtractedImage:
    relation = IMAGE.properties_of(node).get("collection360")
    collection = Collection(relation["space"], relation["externalId"]) if relation else None
    return ExtractedImage(published_image(node), collection, datetime.fromtimestamp(node.created_time / 1000, UTC))


def _images_query(space: str) -> dict[str, Any]:
    in_space = {"equals": {"property": ["node", "space"], "value": space}}
    shows = {"hasData": [IMAGE.ref]}
    return {
        "with": {"images": {"nodes": {"filter": {"and": [in_space, shows]}}, "limit": PAGE}},
        "select": {"images": {"sources": [{"source": IMAGE.ref, "properties": ["*"]}]}},
    }
