"""Collections in a scene of the `scene` space, as Reveal-based clients load scenes.

Names and units as the public client reads them (cognitedata/reveal, `react-components/src/hooks/scenes` before its
removal in 2026): a collection is an edge from the scene's node, with its position in metres and degrees. A client
silently drops an edge that lacks one of its numbers, and loads no more than a hundred edges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from capture360 import names
from capture360.cdf.client import CdfProject, cdf_errors
from capture360.cdf.instances import PAGE, POSITION, ROTATION, SCALE, Instances, Node, View, relation
from capture360.cdf.ports import Collection, PointCloud, ViewerReport
from capture360.cdf.preflight import Required, ensure_space, space_exists
from capture360.errors import CdfError
from capture360.settings.scene import SceneSettings
from capture360.settings.site import Site

if TYPE_CHECKING:
    from cognite.client import CogniteClient
    from cognite.client.data_classes.data_modeling import Edge

SCENE = View("scene", "SceneConfiguration")
PLACEMENT = View("scene", "Image360CollectionProperties")
CLOUD_PLACEMENT = View("scene", "RevisionProperties")
_MODEL_EDGE_TYPE = ("scene", "SceneConfiguration.model3ds")
_REVISION_PREFIX = "cog_3d_revision_"
_EDGE_TYPE = ("scene", "SceneConfiguration.images360Collections")
_CAMERA = tuple(f"camera{part}{axis}" for part in ("Translation", "EulerRotation") for axis in "XYZ")
_EXTERNAL_ID = "image360CollectionExternalId"
_SPACE = "image360CollectionSpace"
_VISIBLE = "defaultVisible"
_CONDITIONS = (_EXTERNAL_ID, _SPACE, *POSITION, *ROTATION, *SCALE)
"""Properties without any of which viewers drop an edge."""
LOADED = 100
"""Most collections that clients load with a scene."""
FILLING = 90
"""Number of collections from which a scene is reported as nearly full."""


def with_scene(required: Required, site: Site) -> Required:
    """Add the requirements of the site's scene, if it has one."""
    if site.scene is None:
        return required
    return replace(
        required,
        views=(*required.views, SCENE, PLACEMENT),
        spaces=(*required.spaces, scene_space(site.scene, site)),
    )


def scene_space(settings: SceneSettings, site: Site) -> str:
    """Instance space that holds the site's scene: its own if one is set, else that of the captures."""
    return settings.space or site.space


@dataclass(frozen=True, slots=True)
class _Placed:
    """The edge of a collection in CDF."""

    space: str
    external_id: str
    collection: Collection
    properties: Mapping[str, Any]


class Scene:
    """One site's scene."""

    def __init__(self, cdf: CdfProject, site: Site, settings: SceneSettings) -> None:
        self._cdf = cdf
        self._client: CogniteClient = cdf.client
        self._site = site
        self._settings = settings
        self._instances = Instances(cdf.client)
        self.space = scene_space(settings, site)
        self.external_id = settings.external_id

    def ensure(self) -> int:
        """Write the scene's node, or the properties that it lacks; return the number of nodes written."""
        ensure_space(self._cdf, self.space, create=self._site.create_space)
        absent = self._absent()
        return self._instances.write([Node(self.space, self.external_id, SCENE, absent)]) if absent else 0

    def changes(self, collections: Sequence[Collection]) -> Sequence[str]:
        """Return the external ids of the node and the edges that `ensure` and `place` would write. Reads only."""
        if not space_exists(self._cdf, self.space):
            return [self.external_id, *(self._new(collection).external_id for collection in collections)]
        edges = [placed.external_id for placed, _ in self._wanting(collections, visible=True)]
        return [self.external_id, *edges] if self._absent() else edges

    def collections(self) -> Sequence[Collection]:
        """Return the collections in the scene, hidden ones included."""
        return list(dict.fromkeys(placed.collection for placed in self._all()))

    def place(self, collections: Sequence[Collection], *, visible: bool) -> int:
        """Add the collections that the scene lacks and return the number of edges written.

        An existing edge keeps its position and its visibility; only numbers that it lacks are filled in.
        """
        return self._write(self._wanting(collections, visible=visible))

    def viewer_report(self, collections: Sequence[Collection]) -> ViewerReport:
        """Return what viewers leave out when they open the scene, by the query that they send. Reads only."""
        refused = []
        if absent := sorted(set(self._absent()) & set(_CAMERA)):
            refused.append(f"Scene {self.external_id} has no {', '.join(absent)}, and viewers cannot open it.")
        edges, asked = self._all(), set(collections)
        there = {placed.collection for placed in edges}
        refused += [
            f"Collection {each.external_id} is not in scene {self.external_id}."
            for each in collections
            if each not in there
        ]
        reported: list[str] = []
        for placed in edges:
            if absent := [name for name in _CONDITIONS if placed.properties.get(name) is None]:
                sentences = refused if placed.collection in asked else reported
                sentences.append(
                    f"Edge {placed.external_id} of scene {self.external_id} has no {', '.join(absent)}, "
                    "and viewers drop such a collection from the scene."
                )
        if len(edges) > LOADED:
            reported.append(
                f"Scene {self.external_id} holds {len(edges)} collections, and viewers load {LOADED} of them."
            )
        return ViewerReport(tuple(refused), tuple(reported))

    def place_point_clouds(self, clouds: Sequence[PointCloud], *, visible: bool) -> int:
        """Add the point clouds that the scene lacks, placed as collections are; return the number of edges written.

        CdfError if the id of a revision does not hold its number, which a scene asks for.
        """
        placement = self._placement(Collection("", ""), visible=visible)
        numbers = {name: placement[name] for name in (*POSITION, *ROTATION, *SCALE, _VISIBLE)}
        there = self._clouds(clouds)
        return self._write_clouds(
            {
                edge: (cloud, {"revisionId": _revision_number(cloud.revision), **numbers})
                for edge, cloud in self._named(clouds).items()
                if edge not in there
            }
        )

    def hide(self, collections: Sequence[Collection], clouds: Sequence[PointCloud] = ()) -> int:
        """Hide collections and point clouds when the scene is opened; return the number of edges changed."""
        return self._set_visible(collections, visible=False) + self._set_clouds_visible(clouds, visible=False)

    def show(self, collections: Sequence[Collection], clouds: Sequence[PointCloud] = ()) -> int:
        """Show collections and point clouds when the scene is opened; return the number of edges changed."""
        return self._set_visible(collections, visible=True) + self._set_clouds_visible(clouds, visible=True)

    def _named(self, clouds: Sequence[PointCloud]) -> dict[str, PointCloud]:
        return {names.scene_edge_id(self.external_id, each.space, each.model): each for each in clouds}

    def _clouds(self, clouds: Sequence[PointCloud]) -> dict[str, Mapping[str, Any]]:
        """Return the properties of the edges to these point clouds that the scene has."""
        from cognite.client.data_classes.data_modeling import EdgeId

        if not clouds:
            return {}
        ids = [EdgeId(self.space, edge) for edge in self._named(clouds)]
        with cdf_errors(f"Reading the point clouds of scene {self.external_id}"):
            found = self._client.data_modeling.instances.retrieve(edges=ids, sources=CLOUD_PLACEMENT.id).edges
        return {edge.external_id: CLOUD_PLACEMENT.properties_of(edge) for edge in found}

    def _set_clouds_visible(self, clouds: Sequence[PointCloud], *, visible: bool) -> int:
        named = self._named(clouds)
        there = self._clouds(clouds)
        changed = [edge for edge, properties in there.items() if properties.get(_VISIBLE) is not visible]
        return self._write_clouds({edge: (named[edge], {_VISIBLE: visible}) for edge in changed})

    def _write_clouds(self, edges: Mapping[str, tuple[PointCloud, Mapping[str, Any]]]) -> int:
        from cognite.client.data_classes.data_modeling import EdgeApply, NodeOrEdgeData

        if not edges:
            return 0
        bodies = [
            EdgeApply(
                self.space,
                edge,
                type=_MODEL_EDGE_TYPE,
                start_node=(self.space, self.external_id),
                end_node=(cloud.space, cloud.model),
                sources=[NodeOrEdgeData(CLOUD_PLACEMENT.id, dict(properties))],
            )
            for edge, (cloud, properties) in sorted(edges.items())
        ]
        with cdf_errors(f"Writing the point clouds of scene {self.external_id}"):
            self._client.data_modeling.instances.apply(edges=bodies)
        return len(bodies)

    def _set_visible(self, collections: Sequence[Collection], *, visible: bool) -> int:
        return self._write(
            [
                (placed, {_VISIBLE: visible})
                for placed in self._edges(collections)
                if placed.properties.get(_VISIBLE) is not visible
            ]
        )

    def edges(self, collections: Sequence[Collection], clouds: Sequence[PointCloud] = ()) -> Sequence[tuple[str, str]]:
        """Return space and external id of the edges that `remove` would delete."""
        placed = [(each.space, each.external_id) for each in self._edges(collections)]
        return [*placed, *((self.space, edge) for edge in self._clouds(clouds))]

    def remove(self, collections: Sequence[Collection], clouds: Sequence[PointCloud] = ()) -> Sequence[str]:
        """Remove collections and point clouds from the scene; return the external ids of the removed edges."""
        from cognite.client.data_classes.data_modeling import EdgeId

        found = self.edges(collections, clouds)
        if found:
            with cdf_errors(f"Taking collections out of scene {self.external_id}"):
                self._client.data_modeling.instances.delete(edges=[EdgeId(*each) for each in found])
        return [external_id for _, external_id in found]

    def _absent(self) -> dict[str, Any]:
        """Return the properties that the scene's node lacks; all of them if there is no node."""
        settings = self._settings
        camera = (*settings.camera_translation, *settings.camera_rotation_deg)
        wanted = {"name": settings.name or self._site.name, **dict(zip(_CAMERA, camera, strict=True))}
        have = self._instances.read(self.space, [self.external_id], SCENE).get(self.external_id, {})
        return {name: value for name, value in wanted.items() if have.get(name) is None}

    def _wanting(self, collections: Sequence[Collection], *, visible: bool) -> list[tuple[_Placed, dict[str, Any]]]:
        """Return the edges to write, with the properties that they lack."""
        there = {placed.collection: placed for placed in self._edges(collections)}
        found = []
        for collection in collections:
            placed = there.get(collection) or self._new(collection)
            wanted = self._placement(collection, visible=visible)
            absent = {name: value for name, value in wanted.items() if placed.properties.get(name) is None}
            if absent:
                found.append((placed, absent))
        return found

    def _new(self, collection: Collection) -> _Placed:
        return _Placed(
            self.space, names.scene_edge_id(self.external_id, collection.space, collection.external_id), collection, {}
        )

    def _placement(self, collection: Collection, *, visible: bool) -> dict[str, Any]:
        settings = self._settings
        return {
            _EXTERNAL_ID: collection.external_id,
            _SPACE: collection.space,
            **dict(zip(POSITION, settings.translation, strict=True)),
            **dict(zip(ROTATION, settings.rotation_deg, strict=True)),
            **dict(zip(SCALE, settings.scale, strict=True)),
            _VISIBLE: visible,
        }

    def _edges(self, collections: Sequence[Collection]) -> list[_Placed]:
        """Return the edges of these collections: capture360's by id, and those that a person created."""
        from cognite.client.data_classes.data_modeling import EdgeId

        ids = [EdgeId(self.space, self._new(collection).external_id) for collection in collections]
        with cdf_errors(f"Reading the collections of scene {self.external_id}"):
            ours = self._client.data_modeling.instances.retrieve(edges=ids, sources=PLACEMENT.id).edges
        asked = set(collections)
        found = [placed for placed in self._all() if placed.collection in asked]
        return list({(placed.space, placed.external_id): placed for placed in [*found, *map(_placed, ours)]}.values())

    def _all(self) -> list[_Placed]:
        """Return every edge from the scene to a collection, by the query that clients send."""
        node = {"instanceReferences": [relation(self.space, self.external_id)]}
        of_type = {"equals": {"property": ["edge", "type"], "value": relation(*_EDGE_TYPE)}}
        query = {
            "with": {
                "scene": {"nodes": {"filter": node}, "limit": 1},
                "edges": {
                    "edges": {"from": "scene", "maxDistance": 1, "direction": "outwards", "filter": of_type},
                    "limit": PAGE,
                },
            },
            "select": {"edges": {"sources": [{"source": PLACEMENT.ref, "properties": ["*"]}]}},
        }
        return [_placed(edge) for page in self._instances.pages(query, "edges") for edge in page["edges"]]

    def _write(self, edges: Sequence[tuple[_Placed, Mapping[str, Any]]]) -> int:
        from cognite.client.data_classes.data_modeling import EdgeApply, NodeOrEdgeData

        if not edges:
            return 0
        bodies = [
            EdgeApply(
                placed.space,
                placed.external_id,
                type=_EDGE_TYPE,
                start_node=(self.space, self.external_id),
                end_node=(placed.collection.space, placed.collection.external_id),
                sources=[NodeOrEdgeData(PLACEMENT.id, dict(properties))],
            )
            for placed, properties in edges
        ]
        with cdf_errors(f"Writing the collections of scene {self.external_id}"):
            self._client.data_modeling.instances.apply(edges=bodies)
        return len(bodies)


def _revision_number(external_id: str) -> int:
    number = external_id.removeprefix(_REVISION_PREFIX)
    if number == external_id or not number.isdecimal():
        raise CdfError(
            f"The point cloud revision {external_id} cannot be added to a scene, which asks for the number of a "
            "revision. Set scene.point_clouds to false, and add it in CDF."
        )
    return int(number)


def _placed(edge: Edge) -> _Placed:
    properties = PLACEMENT.properties_of(edge)
    collection = Collection(properties.get(_SPACE, ""), properties.get(_EXTERNAL_ID, ""))
    return _Placed(edge.space, edge.external_id, collection, properties)
