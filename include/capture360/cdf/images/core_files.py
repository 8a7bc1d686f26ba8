"""Face files in data modeling projects: CogniteFile nodes, whose content is uploaded once CDF has created their files.

CDF creates the file of a node some time after the node was written ("syncer"); before that nothing can be uploaded.
`sourceId` of the node holds the sha256 of the content, as the metadata of a classic file does: the Files API leaves the
description of such a file to data modeling.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from capture360.batches import batched
from capture360.cdf.client import cdf_errors
from capture360.cdf.core_views import FILE
from capture360.cdf.images.files import LINKS_AT_ONCE, SHA256, face_name, link_of_each, side_by_side, with_fresh_links
from capture360.cdf.instances import Instances, Node
from capture360.cdf.polling import wait_until
from capture360.errors import CdfUnavailableError
from capture360.model import EncodedFace, FaceRef, Station
from capture360.settings.files import FileSettings

if TYPE_CHECKING:
    from cognite.client import CogniteClient
    from cognite.client.data_classes import FileMetadata
    from cognite.client.data_classes.data_modeling import NodeId

_AT_ONCE = 1000
_SHOWN = 3

NewFace = tuple[FaceRef, Station, EncodedFace]


class CoreFiles:
    """Face files of one project. Every `FaceRef` has a space."""

    def __init__(self, client: CogniteClient, settings: FileSettings) -> None:
        self._client = client
        self._settings = settings
        self._instances = Instances(client)

    def uploaded(self, wanted: Mapping[FaceRef, str]) -> set[FaceRef]:
        """Return the references that CDF has uploaded with the given sha256."""
        found: set[FaceRef] = set()
        for space, refs in _chunks(wanted):
            uploaded = [ref for ref, file in self._files(refs).items() if file.uploaded]
            nodes = self._instances.read(space, [ref.external_id for ref in uploaded], FILE)
            found.update(ref for ref in uploaded if nodes.get(ref.external_id, {}).get("sourceId") == wanted[ref])
        return found

    def without_content(self, refs: Sequence[FaceRef]) -> Sequence[str]:
        """Return the external ids of those files that are not there or were never uploaded."""
        uploaded = {ref for _, some in _chunks(refs) for ref, file in self._files(some).items() if file.uploaded}
        return [ref.external_id for ref in refs if ref not in uploaded]

    def put(self, faces: Sequence[NewFace]) -> None:
        """Create the nodes and upload their contents, or finish interrupted uploads.

        CdfUnavailableError names files that the syncer does not create in time.
        """
        self._instances.write([self._node(*face) for face in faces])
        self.wait_for_syncer([ref for ref, _, _ in faces])
        side_by_side(self._upload, faces)

    def content(self, ref: FaceRef) -> bytes:
        """Download the content."""
        with cdf_errors(f"Downloading {ref.external_id}"):
            return self._client.files.download_bytes(instance_id=_node_id(ref))

    def links(self, refs: Sequence[FaceRef]) -> dict[FaceRef, str]:
        """Return download links of uploaded files. They are permissions: not to be logged or recorded."""
        links: dict[FaceRef, str] = {}
        with cdf_errors("Asking for download links"):
            for some in batched(refs, LINKS_AT_ONCE):
                by_node = {_node_id(ref): ref for ref in some}
                found = self._client.files.retrieve_download_urls(instance_id=list(by_node))
                links |= {by_node[node]: link for node, link in link_of_each(list(by_node), found).items()}
        return links

    def ids(self, refs: Sequence[FaceRef]) -> dict[FaceRef, int]:
        """Return the internal ids of the files that the Files API has, uploaded or not."""
        return {ref: file.id for _, some in _chunks(refs) for ref, file in self._files(some).items()}

    def remove(self, refs: Sequence[FaceRef]) -> int:
        """Delete the nodes that exist and return their number; CDF removes their files."""
        return sum(self._instances.remove(space, [ref.external_id for ref in some]) for space, some in _chunks(refs))

    def _files(self, refs: Sequence[FaceRef]) -> dict[FaceRef, FileMetadata]:
        """Return what the Files API has: the files that the syncer has created."""
        by_node = {_node_id(ref): ref for ref in refs}
        with cdf_errors("Looking for face files"):
            found = self._client.files.retrieve_multiple(instance_ids=list(by_node), ignore_unknown_ids=True)
        return {by_node[file.instance_id]: file for file in found if file.instance_id is not None}

    def _node(self, ref: FaceRef, station: Station, face: EncodedFace) -> Node:
        properties: dict[str, Any] = {
            "name": face_name(station, face),
            "mimeType": face.mime_type,
            "sourceId": face.sha256,
            "sourceContext": SHA256,
        }
        if self._settings.directory is not None:
            properties["directory"] = self._settings.directory
        if self._settings.labels:
            properties["tags"] = list(self._settings.labels)
        return Node(_space(ref), ref.external_id, FILE, properties)

    def wait_for_syncer(self, refs: Sequence[FaceRef]) -> None:
        """Wait until CDF has created the files of these nodes; CdfUnavailableError if it does not in time."""
        waiting = list(refs)

        def all_synced() -> bool:
            known = self.ids(waiting)
            waiting[:] = [ref for ref in waiting if ref not in known]
            return not waiting

        if not wait_until(all_synced):
            shown = ", ".join(ref.external_id for ref in waiting[:_SHOWN])
            raise CdfUnavailableError(
                f"CDF has not made the files of {len(waiting)} CogniteFile nodes in space {_space(waiting[0])} "
                f"({shown}). If that lasts, ask Cognite support about the project's file syncer."
            )

    def _upload(self, new: NewFace) -> None:
        ref, station, face = new
        with_fresh_links(
            lambda: self._client.files.upload_content_bytes(face.content, instance_id=_node_id(ref)),
            f"Uploading {face_name(station, face)}",
        )


def _space(ref: FaceRef) -> str:
    if ref.space is None:
        raise ValueError(f"{ref.external_id} is a classic file without a space; data modeling needs a CogniteFile")
    return ref.space


def _node_id(ref: FaceRef) -> NodeId:
    from cognite.client.data_classes.data_modeling import NodeId

    return NodeId(_space(ref), ref.external_id)


def _chunks(refs: Iterable[FaceRef]) -> Iterator[tuple[str, Sequence[FaceRef]]]:
    """Yield each space with its references, in batches that one request takes."""
    spaces: dict[str, list[FaceRef]] = defaultdict(list)
    for ref in refs:
        spaces[_space(ref)].append(ref)
    for space, some in spaces.items():
        for batch in batched(some, _AT_ONCE):
            yield space, batch
