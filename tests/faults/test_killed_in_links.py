"""Killed after any write of links, then run again: no second link, none too many, the same end."""

from __future__ import annotations

import pytest
from cognite.client.data_classes import AnnotationFilter, AssetWrite

from capture360.matching.documents import match_document
from capture360.model import Asset, CaptureKey, Detection, Match
from capture360.steps.annotate import annotate
from capture360.steps.detect import images_of
from capture360.steps.match import STEP as MATCH
from ingest_world import World
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


def record(world: World, key: CaptureKey, fingerprint: str, matches: list[Match]) -> None:
    body = {"matches": [match_document(match) for match in matches], "plates": {}}
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
        for number in range(len(clean.log)):
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
