"""A published capture whose plates were read so badly that all links are only suggested."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cognite.client.data_classes import AnnotationFilter, AssetWrite
from cognite.client.data_classes.data_modeling import NodeApply, NodeOrEdgeData, SpaceApply, ViewId

from capture360.cdf.project_mode import ModeName
from capture360.matching.documents import detection_document
from capture360.model import CaptureKey, Detection
from capture360.records import NOTES
from capture360.steps.annotate import annotate
from capture360.steps.context import StepContext
from capture360.steps.detect import images_of
from capture360.steps.match import match
from capture360.steps.review import Response, Review, Reviewed, apply, begin, open_suggestions
from ingest_world import World
from local_cdf import fast_options, run_sandbox

TAGS = [f"21-PT-{number}" for number in range(1001, 1023)]
DOUBTFUL, CERTAIN = 0.7, 0.999
ASSET = ViewId("cdf_cdm", "CogniteAsset", "v1")
LINK = ViewId("cdf_cdm", "Cognite360ImageAnnotation", "v1")
_runs = itertools.count(1)
_captures = itertools.count(1)


@dataclass
class Hall:
    """A published capture whose plates were read so badly that everything is only suggested."""

    world: World
    key: CaptureKey
    fingerprint: str
    run: str = field(default_factory=lambda: f"review {next(_runs)}")

    @property
    def ctx(self) -> StepContext:
        return self.world.ctx(self.run)

    def read(
        self,
        score: float = DOUBTFUL,
        tags: Sequence[str] = TAGS,
        shift: float = 0.0,
        places: Mapping[str, tuple[float, float]] | None = None,
    ) -> None:
        """Record the texts as if they had been read, then match and link them."""
        image, *_ = images_of(self.ctx, self.key, self.fingerprint)
        place = places or {
            tag: (0.11 + 0.2 * (number % 4) + shift, 0.1 + 0.1 * (number // 4)) for number, tag in enumerate(TAGS)
        }
        size = 0.05 if places else 0.15
        self.read_as(Detection(image.external_id, "front", tag, score, outline(*place[tag], size)) for tag in tags)

    def read_as(self, detections: Iterable[Detection]) -> None:
        """Match and link these texts in place of those that were read before."""
        self.match_as(detections)
        annotate(self.ctx, self.key, self.fingerprint)

    def match_as(self, detections: Iterable[Detection]) -> None:
        """Match these texts in place of those that were read before; the links are still those of before."""
        documents = [detection_document(each) for each in detections]
        body = {"engine": "by hand", "detections": documents, "findings": []}
        self.world.records.put(self.key, self.fingerprint, "detect", body, run="by hand", batch=0)
        match(self.ctx, self.key, self.fingerprint)

    def begin(self) -> Review:
        self.run = f"review {next(_runs)}"
        return begin(self.ctx, self.key, self.fingerprint)

    def waiting(self) -> list[str]:
        found = open_suggestions(self.ctx, self.key, self.fingerprint)
        return [each.detection.text for each in found]

    def answer(
        self, review: Review, choice: str, approve: str = "", reject: str = "", at: str = "2026-01-02T03:04:05+00:00"
    ) -> Reviewed:
        response = Response(choice, approve, reject, "Ada", at)
        return apply(self.ctx, self.key, review, response)

    def linked(self) -> set[str]:
        """The tags of the assets that viewers show at the plates."""
        client = self.world.cdf.client
        if self.world.connection.mode == "asset_centric":
            return {tag for tag, status in self.annotations().items() if status == "approved"}
        names = {
            (thing["space"], thing["externalId"]): str(node.properties[ASSET]["name"])
            for node in client.data_modeling.instances.list("node", sources=ASSET, limit=None)
            if isinstance(thing := node.properties[ASSET].get("object3D"), dict)
        }
        images = {image.external_id for image in images_of(self.ctx, self.key, self.fingerprint)}
        return {
            names[edge.start_node.space, edge.start_node.external_id]
            for edge in client.data_modeling.instances.list("edge", sources=LINK, limit=None)
            if edge.end_node.external_id in images
        }

    def annotations(self) -> dict[str, str]:
        """Status by tag, in the project mode that has annotations."""
        client = self.world.cdf.client
        names = {asset.id: str(asset.name) for asset in client.assets.list(limit=None)}
        files = [
            {"external_id": face.external_id}
            for image in images_of(self.ctx, self.key, self.fingerprint)
            for face in image.faces.values()
        ]
        there = client.annotations.list(AnnotationFilter("file", files), limit=None)
        assert len({(item.annotated_resource_id, item.data["assetRef"]["id"]) for item in there}) == len(there)
        found = {(names[item.data["assetRef"]["id"]], str(item.status)) for item in there}
        assert len(dict(found)) == len(found), "the views of a plate differ"
        return dict(found)


def outline(x: float, y: float, size: float) -> tuple[tuple[float, float], ...]:
    return ((x, y), (x + size, y), (x + size, y + size / 3), (x, y + size / 3))


def world_of(stack: ExitStack, mode: ModeName, root: Path, **options: Any) -> World:
    """A site, and a project of that mode with an asset for each of TAGS."""
    running = stack.enter_context(run_sandbox(fast_options(root / mode, mode, **options)))
    world = World(running, root / f"world-{mode}", mode)
    client = world.cdf.client
    if mode == "asset_centric":
        client.assets.create([AssetWrite(name=tag, external_id=tag) for tag in TAGS])
    else:
        client.data_modeling.spaces.apply(SpaceApply("plant"))
        client.data_modeling.instances.apply(
            [NodeApply("plant", tag, sources=[NodeOrEdgeData(ASSET, {"name": tag})]) for tag in TAGS]
        )
    return world


def hall_in(world: World, stations: int = 1, *, read: bool = True) -> Hall:
    """A capture of its own; what was read, if anything, is on its first station."""
    drop = world.drop(f"walk-{next(_captures)}", stations=stations)
    world.ingest(drop)
    state = world.records.load(drop.key)
    assert state is not None
    hall = Hall(world, drop.key, state.fingerprint)
    if read:
        hall.read()
    return hall


def decide(hall: Hall) -> tuple[str, str]:
    """One suggestion approved and one rejected; their tags."""
    review = hall.begin()
    approved, rejected, *_ = hall.waiting()
    hall.answer(review, "Leave the rest", "1", "2")
    return approved, rejected


def lose(hall: Hall, note: str) -> None:
    """A note beside the capture is no more."""
    path = f"{hall.key}/{NOTES}/{note}.json"
    assert hall.world.records.store.exists(path)
    hall.world.records.store.remove(path)


def delete_link(hall: Hall) -> None:
    """Somebody deletes one of the links in CDF; in which order they are listed, nobody knows."""
    client = hall.world.cdf.client
    images = images_of(hall.ctx, hall.key, hall.fingerprint)
    if hall.world.connection.mode == "asset_centric":
        faces = [{"external_id": ref.external_id} for image in images for ref in image.faces.values()]
        there = client.annotations.list(AnnotationFilter("file", faces), limit=None)
        client.annotations.delete([next(each.id for each in there if each.status == "approved")])
        return
    here = {image.external_id for image in images}
    links = client.data_modeling.instances.list("edge", sources=LINK, limit=None)
    edge = next(each for each in links if each.end_node.external_id in here)
    client.data_modeling.instances.delete(edges=[(edge.space, edge.external_id)])
