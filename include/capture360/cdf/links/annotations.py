"""Links from plates to assets in CDF's Annotations API, created once and never against a person's decision.

The API has neither a key nor uniqueness, so every write reads, creates and reads again. Three kinds of annotations
count as decided by a person and are left alone: those of another application, rejected ones, and those of capture360
that were changed after their creation. Its others are removed once the newest matches no longer contain them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from capture360.batches import batched, once
from capture360.cdf.capabilities import Need
from capture360.cdf.client import CdfProject, cdf_errors
from capture360.cdf.json_answers import OddAnswerError
from capture360.cdf.link_ports import Decision, LinkDrift, LinksWritten, LinkWriter, MissingLink
from capture360.cdf.links.annotation_decisions import decisions_in, held_plates
from capture360.cdf.links.annotation_form import (
    asset_ref,
    description,
    link_name,
    phrase,
    request_body,
    wanted_annotation,
)
from capture360.cdf.links.annotation_plan import (
    AnnotationPlan,
    WantedAnnotation,
    asset_in,
    doubles_of,
    is_answered,
    is_at,
    is_decided,
    is_ours,
    plan_annotations,
    plate_of,
)
from capture360.cdf.links.linked_assets import LinkedAssets, LinkType
from capture360.cdf.paging import all_items
from capture360.errors import CdfError
from capture360.matching.decisions import Decided
from capture360.model import FaceRef, Match, PublishedImage

if TYPE_CHECKING:
    from cognite.client.data_classes import Annotation

_ITEMS = 1000
_PAGE = 1000
_RESOURCES = 1000
_ONE_OF_THEM = frozenset({400, 404, 422})
"""Statuses that may concern one link of a request; others concern the whole request."""


class Annotations(LinkWriter):
    """AssetLinks to classic assets, or InstanceLinks to CogniteAsset nodes."""

    def __init__(self, cdf: CdfProject, link_type: LinkType) -> None:
        self._cdf = cdf
        self._client = cdf.client
        self._type: LinkType = link_type
        self._assets = LinkedAssets(cdf, link_type)

    @property
    @override
    def needs(self) -> Sequence[Need]:
        return [*self.needs_to_remove, Need("annotationsAcl", "SUGGEST")]

    @property
    @override
    def needs_to_remove(self) -> Sequence[Need]:
        return [*self.needs_to_read, Need("annotationsAcl", "WRITE")]

    @property
    @override
    def needs_to_read(self) -> Sequence[Need]:
        return [Need("annotationsAcl", "READ")]

    @override
    def write(
        self, images: Sequence[PublishedImage], matches: Sequence[Match], absent: AbstractSet[str] = frozenset()
    ) -> LinksWritten:
        files, _, plan = self._planned(images, matches, absent)
        existing = self._assets.existing({link.key[1] for link in plan.create})
        deleted = [link for link in plan.create if link.key[1] not in existing]
        approved = [link for link in plan.create if link.status == "approved" and link.key[1] in existing]
        suggested = [link for link in plan.create if link.status == "suggested" and link.key[1] in existing]
        approved_refused = self._create("/annotations", approved)
        suggested_refused = self._create("/annotations/suggest", suggested)
        refused = [*approved_refused, *suggested_refused]
        self._delete(plan.remove)
        doubles = doubles_of(self._existing(files)) if plan.create else []
        self._delete(doubles)
        return LinksWritten(
            approved=len(approved) - len(approved_refused),
            suggested=len(suggested) - len(suggested_refused),
            kept=plan.kept,
            decided=plan.decided,
            removed=len(plan.remove) + len(doubles),
            refused=(
                *(f"{link_name(link)} was deleted meanwhile. Run the matching again." for link in deleted),
                *(f"{link_name(link)} is not linked: {error.message}" for link, error in refused),
            ),
            refusal=refused[0][1] if refused else None,
        )

    @override
    def undecided(self, images: Sequence[PublishedImage], suggestions: Sequence[Match]) -> Sequence[Match]:
        standing = self._standing(images, suggestions)
        return [
            match
            for match, items in zip(suggestions, standing, strict=True)
            if not any(is_answered(item) for item in items)
        ]

    @override
    def decide(
        self,
        images: Sequence[PublishedImage],
        decisions: Sequence[tuple[Match, Decision]],
        asked: Sequence[Match],
        absent: AbstractSet[str] = frozenset(),
    ) -> Sequence[tuple[Match, str]]:
        # By id, since decisions on plates that overlap can be about one link.
        updates: dict[int, tuple[Annotation, Decision]] = {}
        otherwise: list[tuple[Match, str]] = []
        # The views of an undecided plate but one are dropped; a decision is about the link that they would be.
        there = self._there(images, [replace(match, status="suggested") for match, _ in decisions])
        held, given = held_plates(decisions, there, asked)
        given = {plate: refs.difference(absent) for plate, refs in given.items()}
        deleted = self._assets.deleted({ref for refs in given.values() for ref in refs})
        held = {plate: "approved for another asset" for plate, refs in given.items() if refs - deleted} | held
        for (match, decision), (link, near) in zip(decisions, there, strict=True):
            items = [item for item in near if asset_in(item.data) == link.key[1]]
            before = next((item for item in items if is_answered(item)), None)
            if (plate := plate_of(match)) in held:
                otherwise.append((match, held[plate]))
            elif before is None:
                updates.update((item.id, (item, decision)) for item in items)
            elif before.status != decision:
                otherwise.append((match, str(before.status)))
        self._set_status({number: status for number, (item, status) in updates.items() if item.status != status})
        return otherwise

    @override
    def overrule(self, images: Sequence[PublishedImage], rejected: Sequence[Match]) -> None:
        there = (item for items in self._standing(images, rejected) for item in items)
        self._set_status({item.id: "rejected" for item in there if is_ours(item) and item.status == "approved"})

    def _set_status(self, statuses: Mapping[int, Decision]) -> None:
        from cognite.client.data_classes import AnnotationUpdate

        for some in batched([*statuses.items()], _ITEMS):
            with cdf_errors("Deciding on suggested links"):
                self._client.annotations.update([AnnotationUpdate(item).status.set(status) for item, status in some])

    def _standing(self, images: Sequence[PublishedImage], matches: Sequence[Match]) -> list[list[Annotation]]:
        """Return for each match the annotations of its asset in its place."""
        there = self._there(images, matches)
        return [[item for item in near if asset_in(item.data) == link.key[1]] for link, near in there]

    def _there(
        self, images: Sequence[PublishedImage], matches: Sequence[Match]
    ) -> list[tuple[WantedAnnotation, list[Annotation]]]:
        """Return for each match its link with all annotations in its place."""
        files, wanted = self._links(images, matches)
        on_file: dict[int, list[Annotation]] = defaultdict(list)
        for item in self._existing(files):
            on_file[int(item.annotated_resource_id)].append(item)
        return [(link, [item for item in on_file.get(link.file, ()) if is_at(item, link.box)]) for link in wanted]

    @override
    def discard(self, outdated: Sequence[tuple[str, str]]) -> None:
        """Do nothing: `write` removes what is outdated, since CDF keeps what people rejected."""

    @override
    def remove(self, images: Sequence[PublishedImage], matches: Sequence[Match], *, dry_run: bool) -> Sequence[str]:
        ours = [item for item in self._on_files(_faces(images)) if is_ours(item)]
        if not dry_run:
            self._delete([item.id for item in ours])
        return [phrase(item) for item in ours]

    @override
    def remove_from_files(self, faces: Sequence[FaceRef]) -> Sequence[str]:
        ours = [item for item in self._on_files(faces) if is_ours(item)]
        self._delete([item.id for item in ours])
        return [phrase(item) for item in ours]

    @override
    def of_people(self, images: Sequence[PublishedImage], matches: Sequence[Match]) -> Sequence[str]:
        return [phrase(item) for item in self._on_files(_faces(images)) if is_decided(item)]

    @override
    def decided(
        self, images: Sequence[PublishedImage], matches: Sequence[Match], known: Sequence[Decided] = ()
    ) -> tuple[Sequence[Decided], Sequence[str]]:
        """Return the approvals and rejections. CDF names who created an annotation, not who changed it."""
        faces = {ref.external_id: (image.external_id, ref.face) for image in images for ref in image.faces.values()}
        there = [item for item in self._on_files(_faces(images)) if is_decided(item)]
        if not there:
            return [], []
        with cdf_errors("Looking for face files"):
            files = self._client.files.retrieve_multiple(
                ids=sorted({int(item.annotated_resource_id) for item in there})
            )
            refs = self._ids_of_named_assets(there)
        found, unclear = decisions_in(there, {int(file.id): faces[str(file.external_id)] for file in files}, refs)
        shown = {image.external_id: image for image in images}
        return [each.on(shown[each.match.detection.image]) for each in found], unclear

    def _ids_of_named_assets(self, items: Sequence[Annotation]) -> dict[str, str]:
        """Return the references of classic assets that annotations of others give by external id."""
        refs = [item.data.get("assetRef") or {} for item in items]
        names = sorted({str(ref["externalId"]) for ref in refs if "id" not in ref and ref.get("externalId")})
        found = self._client.assets.retrieve_multiple(external_ids=names, ignore_unknown_ids=True) if names else []
        return {str(asset.external_id): str(asset.id) for asset in found}

    def _on_files(self, faces: Sequence[FaceRef]) -> list[Annotation]:
        """Return all links on the files that exist."""
        if not faces:
            return []
        with cdf_errors("Looking for face files"):
            found = self._client.files.retrieve_multiple(
                external_ids=once(ref.external_id for ref in faces), ignore_unknown_ids=True
            )
        return self._existing(sorted(int(file.id) for file in found))

    @override
    def compare(
        self, images: Sequence[PublishedImage], matches: Sequence[Match], absent: AbstractSet[str] = frozenset()
    ) -> LinkDrift:
        """Compare by what CDF itself records: which links capture360 created, and which a person decided."""
        _, existing, plan = self._planned(images, matches, absent)
        unexplained = set(plan.remove)
        return LinkDrift(
            missing=tuple(MissingLink(asset_ref(link.match), description(link.match)) for link in plan.create),
            unexplained=tuple(phrase(item) for item in existing if int(item.id) in unexplained),
        )

    def _planned(
        self, images: Sequence[PublishedImage], matches: Sequence[Match], absent: AbstractSet[str]
    ) -> tuple[list[int], list[Annotation], AnnotationPlan]:
        """Return the face files, the links on them, and what `write` would change. Reads only."""
        files, wanted = self._links(images, [match for match in matches if match.status != "dropped"])
        existing = self._existing(files)
        approved = {asset_in(item.data) for item in existing if item.status == "approved" and is_decided(item)}
        others = approved - {link.key[1] for link in wanted} - {""}
        return files, existing, plan_annotations(wanted, existing, self._assets.deleted(others), absent)

    def _links(
        self, images: Sequence[PublishedImage], matches: Sequence[Match]
    ) -> tuple[list[int], list[WantedAnnotation]]:
        """Return the internal ids of all face files, and the links that these matches ask for."""
        refs = _faces(images)
        with cdf_errors("Looking for face files"):
            found = self._client.files.retrieve_multiple(external_ids=once(ref.external_id for ref in refs))
            ids = {file.external_id: int(file.id) for file in found}
            if not {ref.external_id for ref in refs} <= set(ids):
                raise OddAnswerError("CDF's answer lacks files that were asked for.")
        faces = {image.external_id: image.faces for image in images}
        wanted = [
            wanted_annotation(match, ids[faces[match.detection.image][match.detection.face].external_id], self._type)
            for match in matches
        ]
        return sorted(set(ids.values())), wanted

    def _existing(self, files: Sequence[int]) -> list[Annotation]:
        """Return all links on these files, whoever created them, oldest first."""
        from cognite.client.data_classes import Annotation

        found: list[Annotation] = []
        for some in batched(files, _RESOURCES):
            ids = [{"id": file} for file in some]
            wanted = {"annotatedResourceType": "file", "annotatedResourceIds": ids, "annotationType": self._type}
            items = all_items("Reading annotations", partial(self._page, {"filter": wanted, "limit": _PAGE}))
            with cdf_errors("Reading annotations"):
                found.extend(Annotation.load(dict(item)) for item in items)
        return sorted(found, key=lambda item: item.id)

    def _page(self, body: Mapping[str, Any], cursor: Mapping[str, str]) -> Any:
        url = f"/api/v1/projects/{self._cdf.connection.project}/annotations/list"
        return self._client.post(url, {**body, **cursor})

    def _create(self, path: str, links: Sequence[WantedAnnotation]) -> list[tuple[WantedAnnotation, CdfError]]:
        """Create the links and return those that CDF refuses; CdfError if it refuses to be written to at all."""
        return [each for some in batched(links, _ITEMS) for each in self._create_some(path, some)]

    def _create_some(self, path: str, links: Sequence[WantedAnnotation]) -> Iterator[tuple[WantedAnnotation, CdfError]]:
        items = [request_body(link, self._type) for link in links]
        if path == "/annotations":
            items = [{**item, "status": "approved"} for item in items]
        # Without the trailing slash the SDK does not repeat the request, which would create the links twice.
        url = f"/api/v1/projects/{self._cdf.connection.project}{path}"
        try:
            with cdf_errors(f"Writing {len(links)} links"):
                self._client.post(url, {"items": items})
        except CdfError as error:
            if error.status not in _ONE_OF_THEM:
                raise
            if len(links) == 1:
                yield links[0], error
                return
            for half in batched(links, -(-len(links) // 2)):
                yield from self._create_some(path, half)

    def _delete(self, ids: Sequence[int]) -> None:
        for some in batched(ids, _ITEMS):
            with cdf_errors("Removing annotations"):
                self._client.annotations.delete(list(some))


def _faces(images: Sequence[PublishedImage]) -> list[FaceRef]:
    return [ref for image in images for ref in image.faces.values()]
