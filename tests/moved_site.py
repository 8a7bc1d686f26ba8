"""A site of one CDF project whose captures people have reviewed, and the empty project that it is moved to."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cognite.client.data_classes import AnnotationFilter
from cognite.client.data_classes.data_modeling import NodeApply, NodeOrEdgeData

from capture360.cdf.project_mode import ModeName
from capture360.detection.cache import OcrCache
from capture360.detection.ocr import OcrEngine
from capture360.detection.protocol import Line
from capture360.model import CaptureKey
from capture360.records import OCR_CACHE
from capture360.steps import detect
from capture360.steps.contextualize import contextualize
from capture360.steps.move import Move, Outcome, captures_to_move, move_capture
from capture360.store import DocumentStore
from captures import Drop
from ingest_world import World
from suggested_links import ASSET, DOUBTFUL, LINK, TAGS, Hall, outline, world_of

PLATES = TAGS[:3]
"""What stands on the front face of each capture's first station."""


@dataclass
class MovedSite:
    """Both projects, and the folder for faces of the old one."""

    old: World
    new: World
    work: Path

    @property
    def move(self) -> Move:
        return Move.between(self.old.ctx("old"), self.new.ctx("move"), self.work)

    def run(self) -> list[Outcome]:
        """Move everything, as the command does."""
        move = self.move
        return [move_capture(move, key, is_finished=bool) for key in captures_to_move(move)]

    def deliver(self, capture: str, *, shade: int = 0, stations: int = 1) -> Drop:
        """Deliver a capture whose plates both projects read badly."""
        drop = self.old.drop(capture, stations=stations, shade=shade)
        self.let_read(self.old, drop.folder)
        self.let_read(self.new, drop.folder)
        return drop

    def reviewed(self, capture: str, *, approve: str = "1", reject: str = "2", shade: int = 0) -> Hall:
        """Publish a capture in the old project and answer the review of its plates, the first one approved."""
        drop = self.deliver(capture, shade=shade)
        self.old.ingest(drop)
        hall = Hall(self.old, drop.key, contextualize(self.old.ctx(), drop.key, is_finished=bool).fingerprint)
        hall.answer(hall.begin(), "Leave the rest", approve, reject)
        return hall

    def let_read(self, world: World, folder: Path) -> None:
        """Let own OCR of a project read PLATES on the front face of the first station, and nothing on other faces."""
        cache = OcrCache(DocumentStore(f"{world.records.url}/{OCR_CACHE}"))
        engine = OcrEngine(world.site.links.ocr).cache_key
        for picture in sorted(folder.rglob("images/*/*.jpg")):
            is_sign = picture.stem == "front" and picture.parent.name == "001"
            lines = [Line(tag, DOUBTFUL, at(number)) for number, tag in enumerate(PLATES)] if is_sign else []
            cache.put(cache.key(sha256(picture.read_bytes()).hexdigest(), engine), lines, engine)

    def lose_files(self, drop: Drop | Path) -> None:
        """Remove a delivery from the landing zone."""
        shutil.rmtree(drop if isinstance(drop, Path) else drop.folder)


def at(number: int) -> tuple[tuple[float, float], ...]:
    """Outline of a plate by its number."""
    return outline(0.11 + 0.25 * number, 0.3, 0.15)


def moved_site(stack: ExitStack, root: Path, mode: ModeName, **options: Any) -> MovedSite:
    """A site in a project of that mode, and an empty data modeling project with the same assets."""
    old = world_of(stack, mode, root / "old", **options)
    new = world_of(stack, "data_modeling", root / "new")
    return MovedSite(old, new, root / "work")


def fingerprint_in(world: World, key: CaptureKey) -> str:
    found = world.records.newest_with(key, "publish")
    assert found is not None
    return found


def links(world: World, key: CaptureKey) -> dict[str, str]:
    """Status of the links of a capture by name of the asset, as viewers and the Annotations API show it."""
    client = world.cdf.client
    images = detect.images_of(world.ctx(), key, fingerprint_in(world, key))
    if world.connection.mode == "data_modeling":
        names = {
            (thing["space"], thing["externalId"]): str(node.properties[ASSET]["name"])
            for node in client.data_modeling.instances.list("node", sources=ASSET, limit=None)
            if isinstance(thing := node.properties[ASSET].get("object3D"), dict)
        }
        ours = {image.external_id for image in images}
        edges = [
            names[edge.start_node.space, edge.start_node.external_id]
            for edge in client.data_modeling.instances.list("edge", sources=LINK, limit=None)
            if edge.end_node.external_id in ours
        ]
        assert len(set(edges)) == len(edges)
        return dict.fromkeys(edges, "approved")
    names_by_id = {str(asset.id): str(asset.name) for asset in client.assets.list(limit=None)}
    files = [{"external_id": ref.external_id} for image in images for ref in image.faces.values()]
    found = {}
    for item in client.annotations.list(AnnotationFilter("file", files), limit=None):
        ref = item.data.get("assetRef") or item.data["instanceRef"]
        found[names_by_id.get(str(ref.get("id"))) or str(ref["externalId"])] = str(item.status)
    return found


def name_assets(world: World, names: Sequence[tuple[str, str, str]]) -> None:
    """Write asset nodes of (space, external id, name), linked to nothing."""
    world.cdf.client.data_modeling.instances.apply(
        [
            NodeApply(space, external_id, sources=[NodeOrEdgeData(ASSET, {"name": name})])
            for space, external_id, name in names
        ],
        auto_create_direct_relations=False,
        replace=True,
    )
