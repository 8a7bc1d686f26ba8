"""Killed after any write of links, then run again: no second link, none too many, the same end."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from cognite.client.data_classes import AnnotationFilter, AssetWrite
from cognite.client.data_classes.data_modeling import ViewId

from capture360.cdf.links.boxes import PROPERTIES
from capture360.matching.documents import match_document
from capture360.matching.places import Place
from capture360.model import Asset, CaptureKey, Detection, Match
from capture360.steps.annotate import annotate
from capture360.steps.detect import images_of
from capture360.steps.left_links import left_links
from capture360.steps.match import STEP as MATCH
from capture360.steps.plates import image_documents
from ingest_world import World
from kill_points import points
from suggested_links import ASSET, LINK, world_of
from suggested_links import TAGS as CORE_TAGS
from writes import Killed, Writes, kill, watched

Link = tuple[int, int, str, float]
"""File, asset, status, left edge."""
TAGS = ("21-PT-1019A", "21-PT-1019B")


def links(world: World, key: CaptureKey, fingerprint: str) -> list[Link]:
    refs = [ref for image in images_of(world.ctx(), key, fingerprint) for ref in image.faces.values()]
    ids = [{"external_id": ref.external_id} for ref in refs]
    found = world.cdf.client.annotations.list(AnnotationFilter("file", ids), limit=None)
    return sorted(
        (item.annotated_resource_id, item.data["assetRef"]["id"], item.status, item.data["textRegion"]["xMin"])
        for item in found
    )


def clear(world: World, key: CaptureKey, fingerprint: str) -> None:
    refs = [ref for image in images_of(world.ctx(), key, fingerprint) for ref in image.faces.values()]
    ids = [{"external_id": ref.external_id} for ref in refs]
    found = world.cdf.client.annotations.list(AnnotationFilter("file", ids), limit=None)
    if found:
        world.cdf.client.annotations.delete([item.id for item in found])


def record(
    world: World, key: CaptureKey, fingerprint: str, matches: list[Match], places: Mapping[str, Place] | None = None
) -> None:
    plates = {name: place.document() for name, place in (places or {}).items()}
    images = image_documents(world.records, key, images_of(world.ctx(), key, fingerprint), matches)
    body = {"matches": [match_document(match) for match in matches], "images": images, "plates": plates}
    world.records.put(key, fingerprint, MATCH, body, run="x")


def test_links_killed_at_every_write(world: World) -> None:
    drop = world.drop("linked", stations=2)
    world.ingest(drop)
    state = world.records.load(drop.key)
    assert state is not None
    key, fingerprint = drop.key, state.fingerprint
    made = world.cdf.client.assets.create([AssetWrite(name=tag) for tag in TAGS])
    one, other = (Asset(str(asset.id), str(asset.name), (str(asset.name),)) for asset in made)
    first, second = (image.external_id for image in images_of(world.ctx(), key, fingerprint))

    def match(image: str, asset: Asset, status: str, x: float) -> Match:
        box = ((x, 0.4), (x + 0.1, 0.4), (x + 0.1, 0.42), (x, 0.42))
        return Match(Detection(image, "front", asset.name, 0.99, box), asset, 0.999, status, "x")

    before = [match(first, one, "approved", 0.1), match(first, other, "suggested", 0.5),
              match(second, one, "suggested", 0.1)]  # fmt: skip
    after = [match(first, one, "approved", 0.1), match(first, other, "approved", 0.5),
             match(second, other, "suggested", 0.1), match(second, one, "approved", 0.7)]  # fmt: skip

    def linked(matches: list[Match]) -> None:
        record(world, key, fingerprint, matches)
        annotate(world.ctx(), key, fingerprint)

    for old, new in (([], before), (before, after)):
        linked(old)
        record(world, key, fingerprint, new)
        with watched(Writes()) as clean:
            annotate(world.ctx(), key, fingerprint)
        end = links(world, key, fingerprint)
        assert len(end) == len(new)
        for number in points(len(clean.log)):
            clear(world, key, fingerprint)
            linked(old)
            record(world, key, fingerprint, new)
            with watched(Writes(number, kill)), pytest.raises(Killed):
                annotate(world.ctx(), key, fingerprint)
            annotate(world.ctx(), key, fingerprint)
            assert links(world, key, fingerprint) == end, f"killed after write {number}: {clean.log[number]}"
        quiet = world.running.mutating()
        annotate(world.ctx(), key, fingerprint)
        assert world.running.mutating() == quiet


OBJECT = ViewId("cdf_cdm", "Cognite3DObject", "v1")


def in_data_modeling(world: World) -> dict[str, Any]:
    """Links with their polygons and marks, and boxes with values, by asset."""
    client = world.cdf.client
    owners = {
        node.properties[ASSET]["object3D"]["externalId"]: node.external_id
        for node in client.data_modeling.instances.list("node", sources=ASSET, limit=None)
        if "object3D" in node.properties[ASSET]
    }
    edges = [
        (owners[edge.start_node.external_id], edge.end_node.external_id, edge.properties[LINK])
        for edge in client.data_modeling.instances.list("edge", sources=LINK, limit=None)
    ]
    boxes = {
        owners[node.external_id]: [node.properties[OBJECT].get(name) for name in PROPERTIES]
        for node in client.data_modeling.instances.list("node", sources=OBJECT, limit=None)
    }
    return {
        "links": sorted((asset, image, said["polygon"], said.get("sourceId")) for asset, image, said in edges),
        "boxes": {asset: box for asset, box in boxes.items() if any(box)},
    }


def test_links_and_boxes_of_a_data_modeling_project_killed_at_every_write(tmp_path: Path) -> None:
    """Links are new, moved, no longer wanted and as before, and so are boxes."""
    with ExitStack() as stack:
        world = world_of(stack, "data_modeling", tmp_path)
        positions = world.site.links.model_copy(update={"asset_positions": True})
        world.site = world.site.model_copy(update={"links": positions})
        drop = world.drop("linked", stations=2)
        world.ingest(drop)
        state = world.records.load(drop.key)
        assert state is not None
        key, fingerprint = drop.key, state.fingerprint
        first, second = (image.external_id for image in images_of(world.ctx(), key, fingerprint))

        def match(image: str, tag: str, x: float) -> Match:
            box = ((x, 0.4), (x + 0.1, 0.4), (x + 0.1, 0.42), (x, 0.42))
            seen = Detection(image, "front", tag, 0.99, box)
            return Match(seen, Asset(f"plant/{tag}", tag, (tag,)), 0.999, "approved", "x", plate=tag)

        def places(*tags: str, x: float) -> dict[str, Place]:
            return {tag: Place((x, 2.0, 3.0), 0.1, 0.01) for tag in tags}

        stays, moved, goes, new, *_ = CORE_TAGS
        old = [match(first, stays, 0.1), match(first, moved, 0.3), match(second, moved, 0.3), match(second, goes, 0.5)]
        news = [match(first, stays, 0.1), match(first, moved, 0.7), match(second, moved, 0.3), match(second, new, 0.5)]
        at, then = places(stays, moved, goes, x=1.0), {**places(stays, x=1.0), **places(moved, new, x=7.0)}

        def begun() -> None:
            record(world, key, fingerprint, [])
            annotate(world.ctx(), key, fingerprint)
            assert in_data_modeling(world) == {"links": [], "boxes": {}}
            record(world, key, fingerprint, old, at)
            annotate(world.ctx(), key, fingerprint)
            record(world, key, fingerprint, news, then)

        begun()
        with watched(Writes()) as clean:
            annotate(world.ctx(), key, fingerprint)
        end, left = in_data_modeling(world), left_links(world.records, key)
        assert (len(end["links"]), len(end["boxes"])) == (4, 3)
        assert len(clean.log) > 6
        for number in points(len(clean.log)):
            begun()
            with watched(Writes(number, kill)), pytest.raises(Killed):
                annotate(world.ctx(), key, fingerprint)
            annotate(world.ctx(), key, fingerprint)
            assert in_data_modeling(world) == end, f"killed after write {number}: {clean.log[number]}"
            assert left_links(world.records, key) == left
        quiet = world.running.mutating()
        annotate(world.ctx(), key, fingerprint)
        assert world.running.mutating() == quiet
