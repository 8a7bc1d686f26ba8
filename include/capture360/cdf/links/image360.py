"""Links in data modeling projects by CDF's image 360 contextualization (beta).

A link joins an asset and an image, with all polygons of the asset on the image. CDF finds or creates the asset's
Cognite3DObject, relates it to the asset and creates an edge from it to the image. The endpoint takes no key and viewers
show every edge, whatever its status, so suggestions stay in the records. Every write reads, creates, reads again and
marks the new edges as capture360's; a pair that others linked, or that a person changed since, is left alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from capture360.batches import batched
from capture360.cdf.capabilities import Need, in_space
from capture360.cdf.client import CdfProject, cdf_errors
from capture360.cdf.core_views import ANNOTATION
from capture360.cdf.instances import WRITE_ITEMS, Instances, existing_nodes, parsed_ref, relation
from capture360.cdf.link_ports import (
    SOMEBODY,
    Decision,
    LeftLinks,
    LinkDrift,
    LinksWritten,
    LinkWriter,
    MissingLink,
)
from capture360.cdf.links.image360_plan import (
    LinkPlan,
    WantedLink,
    left_by_image,
    ours_and_others,
    plan_links,
    spaces_left,
    wanted_links,
)
from capture360.cdf.links.lost_objects import free_assets, gone_with_objects
from capture360.cdf.links.provenance import LinkEdge, LinkKey, mark
from capture360.cdf.links.snapshot import LinkSnapshot, image_ref, orphan_sentence, read_links
from capture360.cdf.links.unlinked import moment_in, rejected_by_people, removed_by_people, restored_by_people
from capture360.cdf.preflight import ensure_space, in_spaces, missing_space_behind_500
from capture360.errors import CdfError, CdfUnavailableError
from capture360.geometry.spherical_polygons import FORMAT
from capture360.matching.decisions import Decided
from capture360.model import FaceRef, Match, PublishedImage
from capture360.settings.site import Site

if TYPE_CHECKING:
    from cognite.client import CogniteClient
    from cognite.client.data_classes.data_modeling import EdgeId

_AT_ONCE = 100
_REFUSED = frozenset({400, 409, 422})
"""Statuses that concern single pairs; others concern the whole request."""


class Image360Links(LinkWriter):
    """LinkWriter of data modeling projects. `before` is what the last run left on the images."""

    def __init__(self, cdf: CdfProject, site: Site, before: LeftLinks) -> None:
        self._client: CogniteClient = cdf.client
        self._cdf = cdf
        self._site = site
        self._before = before
        self._left_links, self._left_objects = spaces_left(before)
        self._instances = Instances(cdf.client)
        self._url = f"/api/v1/projects/{cdf.connection.project}/3d/contextualization/image360"
        self._objects_space = site.data_modeling.objects_space or site.space
        self._links_space = site.data_modeling.links_space or site.space

    @property
    @override
    def needs(self) -> Sequence[Need]:
        return [*in_spaces(self._spaces), *self._of_assets_anywhere("READ", "WRITE")]

    @property
    @override
    def needs_to_remove(self) -> Sequence[Need]:
        return [*self.needs_to_read, *in_spaces((self._links_space, *self._left_links))]

    @property
    @override
    def needs_to_read(self) -> Sequence[Need]:
        reading = [Need("dataModelInstancesAcl", "READ", in_space(each)) for each in self._spaces_to_read]
        return [*reading, *self._of_assets_anywhere("READ")]

    def _of_assets_anywhere(self, *actions: str) -> Sequence[Need]:
        """Return the needs where the settings do not say in which spaces the assets are."""
        return [Need("dataModelInstancesAcl", action) for action in actions if not self._site.links.asset_spaces]

    @property
    def _spaces(self) -> Sequence[str]:
        return list(dict.fromkeys((self._objects_space, self._links_space, *self._site.links.asset_spaces)))

    @property
    def _spaces_to_read(self) -> Sequence[str]:
        return list(dict.fromkeys((*self._spaces, *self._left_links, *self._left_objects)))

    @override
    def write(
        self, images: Sequence[PublishedImage], matches: Sequence[Match], absent: AbstractSet[str] = frozenset()
    ) -> LinksWritten:
        wanted, problems = wanted_links(images, matches)
        there = read_links(self._instances, images)
        plan = self._planned(wanted, there)
        our_own = {edge.id for edge in plan.orphans}
        problems += [
            orphan_sentence(image, edge)
            for image, edges in there.orphans.items()
            for edge in edges
            if edge.id not in our_own
        ]
        refused, refusal = self._create(plan.create, wanted, there)
        made = [pair for pair in plan.create if pair not in refused]
        new, doubles = self._made(images, made, wanted)
        self._mark({**plan.mark, **new}, wanted)
        replaced = [edge for pair, edges in plan.replaced.items() if pair not in refused for edge in edges]
        self._delete([edge.id for edge in (*doubles, *replaced)])
        outdated = [edge for edges in plan.outdated.values() for edge in edges]
        return LinksWritten(
            approved=len(made),
            kept=plan.kept,
            decided=len(plan.decided),
            removed=len(plan.outdated),
            only_recorded=sum(match.status == "suggested" for match in matches),
            refused=(*problems, *refused.values()),
            refusal=refusal,
            left=left_by_image([*plan.left, *made], there, new),
            outdated=tuple(edge.id for edge in (*outdated, *plan.orphans)),
        )

    @override
    def discard(self, outdated: Sequence[tuple[str, str]]) -> None:
        self._delete(outdated)

    @override
    def undecided(self, images: Sequence[PublishedImage], suggestions: Sequence[Match]) -> Sequence[Match]:
        return suggestions

    @override
    def decide(
        self,
        images: Sequence[PublishedImage],
        decisions: Sequence[tuple[Match, Decision]],
        asked: Sequence[Match],
        absent: AbstractSet[str] = frozenset(),
    ) -> Sequence[tuple[Match, str]]:
        """Do nothing: CDF holds no suggestions here, and the next `write` links what was approved."""
        return []

    @override
    def overrule(self, images: Sequence[PublishedImage], rejected: Sequence[Match]) -> None:
        """Do nothing: an edge says nothing about who approved it."""

    @override
    def remove(self, images: Sequence[PublishedImage], matches: Sequence[Match], *, dry_run: bool) -> Sequence[str]:
        ours, _ = self._whose(images, matches)
        if not dry_run:
            self._delete([edge.id for edge in ours])
        return [f"link {edge.name}" for edge in ours]

    @override
    def remove_from_files(self, faces: Sequence[FaceRef]) -> Sequence[str]:
        """Do nothing: links belong to images here."""
        return []

    @override
    def of_people(self, images: Sequence[PublishedImage], matches: Sequence[Match]) -> Sequence[str]:
        _, others = self._whose(images, matches)
        return [f"link {edge.name}" for edge in others]

    @override
    def decided(
        self, images: Sequence[PublishedImage], matches: Sequence[Match], known: Sequence[Decided] = ()
    ) -> tuple[Sequence[Decided], Sequence[str]]:
        """Return rejections of what people unlinked or marked so, approvals of what they restored since.

        And sentences about their links: an edge does not say what was read, so those that people made or changed are no
        decisions on plates. Of a deleted edge CDF does not state when that was.
        """
        shown = {image.external_id: image for image in images}
        matches = [match for match in matches if match.detection.image in shown]
        wanted, _ = wanted_links(images, matches)
        there = read_links(self._instances, images)
        linked = {
            pair: thing
            for pair in self._planned(wanted, there).changed
            if (left := self._before.get(pair.image)) is not None and (thing := left.objects.get(pair.asset))
        }
        unlinked = dict.fromkeys(removed_by_people(self._client, linked, there), "")
        unlinked |= {pair: moment_in(ms) for pair, ms in rejected_by_people(wanted, there).items()}
        rejected = [
            Decided(match, "rejected", SOMEBODY, unlinked[pair]).on(image)
            for match in matches
            if match.status == "approved" and match.asset is not None
            if (pair := LinkKey(match.asset.ref, image_ref(image := shown[match.detection.image]))) in unlinked
        ]
        _, others = ours_and_others(wanted, there)
        sentences = [f"link {edge.name} was made or changed by somebody in CDF" for edge in others]
        return [*rejected, *restored_by_people(known, shown, there)], sentences

    @override
    def compare(
        self, images: Sequence[PublishedImage], matches: Sequence[Match], absent: AbstractSet[str] = frozenset()
    ) -> LinkDrift:
        wanted, _ = wanted_links(images, matches)
        there = read_links(self._instances, images)
        plan = self._planned(wanted, there)
        named = {pair: f"{wish.names} on {pair.image}" for pair, wish in wanted.items()}
        return LinkDrift(
            missing=tuple(MissingLink(pair.asset, named[pair]) for pair in plan.create),
            unexplained=tuple(f"{pair.asset} on {pair.image}" for pair in plan.outdated),
            unmarked=tuple(named[pair] for pair in plan.mark),
            changed=tuple(named[pair] for pair in plan.changed),
            orphans=tuple(f"{edge.name} on {image}" for image, edges in there.orphans.items() for edge in edges),
        )

    def _planned(self, wanted: Mapping[LinkKey, WantedLink], there: LinkSnapshot) -> LinkPlan:
        """Return what `write` would do. Reads only."""
        return plan_links(self._before, wanted, there, gone_with_objects(self._client, self._before, there))

    def _whose(
        self, images: Sequence[PublishedImage], matches: Sequence[Match]
    ) -> tuple[list[LinkEdge], list[LinkEdge]]:
        """Return capture360's edges on the images, and those of others."""
        on_these = {image.external_id for image in images}
        wanted, _ = wanted_links(images, [match for match in matches if match.detection.image in on_these])
        return ours_and_others(wanted, read_links(self._instances, images))

    def _create(
        self, pairs: Sequence[LinkKey], wanted: Mapping[LinkKey, WantedLink], there: LinkSnapshot
    ) -> tuple[dict[LinkKey, str], CdfError | None]:
        """Link the pairs, one collection per request; return a sentence for each that CDF refuses.

        And one of its answers to those whose asset and image exist.
        """
        if not pairs:
            return {}, None
        for space in dict.fromkeys((self._objects_space, self._links_space)):
            ensure_space(self._cdf, space, create=self._site.create_space)
        free_assets(self._client, [pair.asset for pair in pairs], self._spaces_to_read)
        by_collection: dict[tuple[str, str], list[LinkKey]] = defaultdict(list)
        for pair in pairs:
            if pair.image in there.collections:
                by_collection[there.collections[pair.image]].append(pair)
        refused: dict[LinkKey, CdfError] = {}
        for collection, group in by_collection.items():
            for some in batched(group, _AT_ONCE):
                refused |= self._post(collection, some, wanted)
        with cdf_errors("Looking for the assets of links"):
            there_still = existing_nodes(self._client, {pair.asset for pair in refused})
        alive = [pair for pair in refused if pair.asset in there_still]
        removed = [pair for pair in pairs if pair.image not in there.collections]
        sentences = {
            **{pair: f"{_named(pair.image)} is in no collection any more." for pair in removed},
            **{pair: f"{wanted[pair].names} was deleted meanwhile. Run the matching again." for pair in refused},
            **{pair: f"{wanted[pair].names} is not linked: {refused[pair].message}" for pair in alive},
        }
        return sentences, refused[alive[0]] if alive else None

    def _post(
        self, collection: tuple[str, str], pairs: Sequence[LinkKey], wanted: Mapping[LinkKey, WantedLink]
    ) -> dict[LinkKey, CdfError]:
        body = {
            "items": [
                {
                    "asset": _named(pair.asset),
                    "image360": _named(pair.image),
                    "polygon": {"version": FORMAT, "data": list(wanted[pair].data)},
                }
                for pair in pairs
            ],
            "dmsContextualizationConfig": {
                "object3DSpace": self._objects_space,
                "contextualizationSpace": self._links_space,
                "revision": {"instanceId": relation(*collection)},
            },
        }
        spaces = (self._objects_space, self._links_space, collection[0])
        try:
            with (
                missing_space_behind_500(self._cdf, spaces),
                cdf_errors(f"Linking {len(pairs)} pairs of asset and image"),
            ):
                self._client.post(self._url, body, headers={"cdf-version": self._site.data_modeling.cdf_version})
        except CdfUnavailableError:
            # CDF may have done it and only the answer was lost: the read that follows shows it.
            return {}
        except CdfError as error:
            if error.status not in _REFUSED:
                raise
            if len(pairs) == 1:
                return {pairs[0]: error}
            refused: dict[LinkKey, CdfError] = {}
            for half in batched(pairs, -(-len(pairs) // 2)):
                refused |= self._post(collection, half, wanted)
            return refused
        return {}

    def _made(
        self, images: Sequence[PublishedImage], pairs: Sequence[LinkKey], wanted: Mapping[LinkKey, WantedLink]
    ) -> tuple[dict[LinkKey, LinkEdge], list[LinkEdge]]:
        """Return the edges that CDF created for these pairs, and the duplicates of a repeated request."""
        touched = {pair.image for pair in pairs}
        there = read_links(self._instances, [image for image in images if image_ref(image) in touched])
        new: dict[LinkKey, LinkEdge] = {}
        doubles: list[LinkEdge] = []
        for pair in pairs:
            edges = [edge for edge in there.links.get(pair, []) if edge.is_bare and wanted[pair].is_shown_by(edge)]
            if edges:
                new[pair] = edges[0]
                doubles += edges[1:]
        if missing := len(pairs) - len(new):
            self._mark(new, wanted)
            raise CdfUnavailableError(f"CDF does not show {missing} of {len(pairs)} links that it was asked to create.")
        return new, doubles

    def _mark(self, edges: Mapping[LinkKey, LinkEdge], wanted: Mapping[LinkKey, WantedLink]) -> None:
        """Mark edges as capture360's, unless somebody has changed them since they were read."""
        from cognite.client.data_classes.data_modeling import EdgeApply, NodeOrEdgeData

        marked = [
            EdgeApply(
                edge.space, edge.external_id, type=edge.type, start_node=edge.start, end_node=edge.end,
                existing_version=edge.version,
                sources=[NodeOrEdgeData(ANNOTATION.id, mark(pair, edge, wanted[pair].confidence))],
            )
            for pair, edge in edges.items()
        ]  # fmt: skip
        for some in batched(marked, WRITE_ITEMS):
            with cdf_errors("Marking links"):
                self._client.data_modeling.instances.apply(
                    edges=some, auto_create_direct_relations=False, skip_on_version_conflict=True
                )

    def _delete(self, edges: Sequence[tuple[str, str]]) -> None:
        from cognite.client.data_classes.data_modeling import EdgeId

        for some in batched(edges, WRITE_ITEMS):
            ids: list[EdgeId] = [EdgeId(*edge) for edge in some]
            with cdf_errors("Removing links"):
                self._client.data_modeling.instances.delete(edges=ids)


def _named(ref: str) -> dict[str, Any]:
    return {"instanceId": relation(*parsed_ref(ref))}
