"""Links in data modeling projects by CDF's image 360 contextualization (beta).

A link joins an asset and an image, with all polygons of the asset on the image. CDF finds or creates the asset's
Cognite3DObject, relates it to the asset and creates an edge from it to the image. The endpoint takes no key and viewers
show every edge, whatever its status, so suggestions stay in the records. Every write reads, creates and reads again; a
pair that others linked, or that a person changed since, is left alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from capture360.batches import batched
from capture360.cdf.capabilities import Need, in_space
from capture360.cdf.client import CdfProject, cdf_errors
from capture360.cdf.instances import Instances, relation
from capture360.cdf.links.image360_plan import (
    LinkPlan,
    WantedLink,
    forgotten_links,
    is_recorded,
    our_edges,
    plan_links,
    record_of,
    wanted_links,
)
from capture360.cdf.links.provenance import TOMBSTONE, LinkKey, LinkRecord, LinkRegistry
from capture360.cdf.links.snapshot import LinkEdge, LinkSnapshot, image_ref, orphan_sentence, read_links
from capture360.cdf.ports import Decision, LinkDrift, LinksWritten, MissingLink
from capture360.cdf.preflight import ensure_space, missing_space_behind_500
from capture360.errors import CdfError, CdfUnavailableError
from capture360.geometry.spherical_polygons import FORMAT
from capture360.matching.decisions import Decided
from capture360.model import FaceRef, Match, PublishedImage
from capture360.settings.site import Site

if TYPE_CHECKING:
    from cognite.client import CogniteClient
    from cognite.client.data_classes.data_modeling import EdgeId

_ACTIONS = ("READ", "WRITE")
_AT_ONCE = 100
_REFUSED = frozenset({400, 409, 422})
"""Statuses that concern single pairs; others concern the whole request."""


class Image360Links:
    """LinkWriter of data modeling projects."""

    def __init__(self, cdf: CdfProject, site: Site, registry: LinkRegistry) -> None:
        self._client: CogniteClient = cdf.client
        self._cdf = cdf
        self._site = site
        self._registry = registry
        self._instances = Instances(cdf.client)
        self._url = f"/api/v1/projects/{cdf.connection.project}/3d/contextualization/image360"
        self._objects_space = site.data_modeling.objects_space or site.space
        self._links_space = site.data_modeling.links_space or site.space

    @property
    def needs(self) -> Sequence[Need]:
        spaces = dict.fromkeys((self._objects_space, self._links_space, *self._site.links.asset_spaces))
        return [Need("dataModelInstancesAcl", action, in_space(each)) for each in spaces for action in _ACTIONS]

    def write(self, images: Sequence[PublishedImage], matches: Sequence[Match]) -> LinksWritten:
        wanted, problems = wanted_links(images, matches)
        there = read_links(self._instances, images)
        problems += self._clear_orphans(there)
        plan = plan_links(self._registry, [image_ref(image) for image in images], wanted, there)
        self._registry.put({pair: LinkRecord(wanted[pair].digest) for pair in plan.create})
        self._delete([edge for edges in plan.remove.values() for edge in edges])
        self._registry.put({pair: record_of(wanted[pair], edge) for pair, edge in plan.adopt.items()})
        removed = [pair for pair in plan.remove if pair not in wanted]
        self._registry.forget([*removed, *plan.forget])
        refused = self._create(images, plan.create, wanted, there)
        return LinksWritten(
            approved=len(plan.create) - len(refused),
            kept=plan.kept,
            decided=len(plan.decided),
            removed=len(removed),
            only_recorded=sum(match.status == "suggested" for match in matches),
            refused=(*problems, *refused.values()),
        )

    def undecided(self, images: Sequence[PublishedImage], suggestions: Sequence[Match]) -> Sequence[Match]:
        return suggestions

    def decide(
        self, images: Sequence[PublishedImage], decisions: Sequence[tuple[Match, Decision]]
    ) -> Sequence[tuple[Match, str]]:
        """Do nothing: CDF holds no suggestions here, and the next `write` links what was approved."""
        return []

    def remove(self, images: Sequence[PublishedImage], *, dry_run: bool) -> Sequence[str]:
        there = read_links(self._instances, images)
        pairs = self._registry.of(image_ref(image) for image in images)
        ours = [edge for pair in pairs for edge in our_edges(self._registry, pair, there.links.get(pair, []))]
        ours += [edge for edges in there.orphans.values() for edge in edges if is_recorded(self._registry, pairs, edge)]
        if not dry_run:
            self._delete(ours)
            self._registry.forget(pairs)
        return [f"link {edge.name}" for edge in ours]

    def remove_from_files(self, faces: Sequence[FaceRef]) -> Sequence[str]:
        """Do nothing: links belong to images here."""
        return []

    def of_people(self, images: Sequence[PublishedImage]) -> Sequence[str]:
        there = read_links(self._instances, images)
        ours = {edge.name for pair, edges in there.links.items() for edge in our_edges(self._registry, pair, edges)}
        pairs = self._registry.of(image_ref(image) for image in images)
        all_edges = [edge for group in (there.links, there.orphans) for edges in group.values() for edge in edges]
        others = [edge for edge in all_edges if edge.name not in ours and not is_recorded(self._registry, pairs, edge)]
        return [f"link {edge.name}" for edge in others]

    def decided(self, images: Sequence[PublishedImage]) -> tuple[Sequence[Decided], Sequence[str]]:
        """Return sentences alone: an edge says neither who made it nor what was read, so people link it anew."""
        return [], [f"{phrase} was made or changed by somebody in CDF" for phrase in self.of_people(images)]

    def compare(self, images: Sequence[PublishedImage], matches: Sequence[Match]) -> LinkDrift:
        wanted, there, plan = self._planned(images, matches)
        named = {pair: f"{wish.names} on {pair.image}" for pair, wish in wanted.items()}
        return LinkDrift(
            missing=tuple(MissingLink(pair.asset, named[pair]) for pair in plan.create),
            unexplained=tuple(f"{pair.asset} on {pair.image}" for pair in plan.remove if pair not in wanted),
            forgotten=tuple(named[pair] for pair in forgotten_links(self._registry, plan, wanted, there)),
            changed=tuple(named[pair] for pair in plan.decided if self._registry.get(pair)),
            orphans=tuple(f"{edge.name} on {image}" for image, edges in there.orphans.items() for edge in edges),
        )

    def recover(self, images: Sequence[PublishedImage], matches: Sequence[Match], *, gone_by_hand: bool) -> int:
        wanted, there, plan = self._planned(images, matches)
        forgotten = forgotten_links(self._registry, plan, wanted, there)
        made = {pair: record_of(wanted[pair], edge) for pair, edge in forgotten.items()}
        if gone_by_hand:
            made |= {
                pair: LinkRecord(wanted[pair].digest, TOMBSTONE)
                for pair in plan.create
                if self._registry.get(pair) is None
            }
        self._registry.put(made)
        return len(forgotten)

    def _planned(
        self, images: Sequence[PublishedImage], matches: Sequence[Match]
    ) -> tuple[dict[LinkKey, WantedLink], LinkSnapshot, LinkPlan]:
        """Return what `write` would do, and what it is derived from. Reads only."""
        wanted, _ = wanted_links(images, matches)
        there = read_links(self._instances, images)
        return wanted, there, plan_links(self._registry, [image_ref(image) for image in images], wanted, there)

    def _create(
        self,
        images: Sequence[PublishedImage],
        pairs: Sequence[LinkKey],
        wanted: Mapping[LinkKey, WantedLink],
        there: LinkSnapshot,
    ) -> dict[LinkKey, str]:
        """Link the pairs, one collection per request; return a sentence for each that CDF refuses."""
        if not pairs:
            return {}
        for space in dict.fromkeys((self._objects_space, self._links_space)):
            ensure_space(self._cdf, space, create=self._site.create_space)
        by_collection: dict[tuple[str, str], list[LinkKey]] = defaultdict(list)
        for pair in pairs:
            by_collection[there.collections[pair.image]].append(pair)
        refused: dict[LinkKey, str] = {}
        for collection, group in by_collection.items():
            for some in batched(group, _AT_ONCE):
                refused |= self._post(collection, some, wanted)
        self._registry.forget(refused)
        self._record(images, [pair for pair in pairs if pair not in refused], wanted)
        return refused

    def _post(
        self, collection: tuple[str, str], pairs: Sequence[LinkKey], wanted: Mapping[LinkKey, WantedLink]
    ) -> dict[LinkKey, str]:
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
                return {pairs[0]: f"{error} Was {wanted[pairs[0]].names} deleted meanwhile? Run the matching again."}
            refused: dict[LinkKey, str] = {}
            for half in batched(pairs, -(-len(pairs) // 2)):
                refused |= self._post(collection, half, wanted)
            return refused
        return {}

    def _record(
        self,
        images: Sequence[PublishedImage],
        pairs: Sequence[LinkKey],
        wanted: Mapping[LinkKey, WantedLink],
    ) -> None:
        """Delete the duplicates of a repeated request, and record the remaining edges."""
        touched = {pair.image for pair in pairs}
        there = read_links(self._instances, [image for image in images if image_ref(image) in touched])
        made: dict[LinkKey, LinkRecord] = {}
        doubles: list[LinkEdge] = []
        for pair in pairs:
            edges = [edge for edge in there.links.get(pair, []) if wanted[pair].is_shown_by(edge)]
            if edges:
                made[pair] = record_of(wanted[pair], edges[0])
                doubles += edges[1:]
        self._delete(doubles)
        self._registry.put(made)
        missing = len(pairs) - len(made)
        if missing:
            raise CdfUnavailableError(f"CDF does not show {missing} of {len(pairs)} links that it was asked to create.")

    def _clear_orphans(self, there: LinkSnapshot) -> list[str]:
        """Remove capture360's edges whose asset was deleted; return a sentence for others, which block viewers."""
        problems = []
        for image, edges in there.orphans.items():
            pairs = self._registry.of([image])
            ours = [edge for edge in edges if is_recorded(self._registry, pairs, edge)]
            self._delete(ours)
            self._registry.forget(
                [pair for pair in pairs if any(is_recorded(self._registry, [pair], edge) for edge in ours)]
            )
            problems += [orphan_sentence(image, edge) for edge in edges if edge not in ours]
        return problems

    def _delete(self, edges: Sequence[LinkEdge]) -> None:
        from cognite.client.data_classes.data_modeling import EdgeId

        if edges:
            ids: list[EdgeId] = [EdgeId(edge.space, edge.external_id) for edge in edges]
            with cdf_errors("Removing links"):
                self._client.data_modeling.instances.delete(edges=ids)


def _named(ref: str) -> dict[str, Any]:
    space, _, external_id = ref.partition("/")
    return {"instanceId": relation(space, external_id)}
