"""Decisions outlive the images and face files that they are about."""

from __future__ import annotations

import pytest
from cognite.client.data_classes import AnnotationFilter, AnnotationUpdate

from capture360.matching.decisions import Decided, as_decided
from capture360.model import Asset, CaptureKey, Detection, FaceRef, Match, Pose, PublishedImage
from capture360.steps.detect import images_of
from capture360.steps.kept_decisions import follow_images
from capture360.steps.link_state import LinkMemory
from ingest_world import World
from suggested_links import CERTAIN, TAGS, Hall

SQUARE = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.15), (0.1, 0.15))
PUMP = Asset("1", "P-1", ("P-1",))
KEY = CaptureKey("hall-7", "scanned")


def extracted(name: str, x: float = 0.0) -> PublishedImage:
    faces = {"front": FaceRef("front", f"{name} front")}
    return PublishedImage(name, "space", "", Pose((x, 0, 0), (1, 0, 0, 0)), faces)


def read_on(image: PublishedImage) -> Match:
    return Match(Detection(image.external_id, "front", "P-1", 0.99, SQUARE), PUMP, 0.99, "approved", "read exactly")


@pytest.mark.parametrize(("moved", "status"), [(0.0, "dropped"), (1.0, "approved")])
def test_a_rejected_link_stays_away_from_an_image_that_cdf_extracted_anew(
    world: World, moved: float, status: str
) -> None:
    before, after = extracted("before"), extracted("after", moved)
    ctx = world.ctx()
    ctx.records.put(KEY, "f" * 32, "publish", {"collections": [], "shown": {"s-1": "before"}}, run="first")
    memory = LinkMemory(ctx.records, KEY)
    memory.decide([Decided(read_on(before), "rejected", "Ada", "2026-01-02T03:04:05+00:00").on(before)])
    for _ in range(2):
        follow_images(ctx, KEY, {"s-1": after})
        assert len(memory.decisions()) == 2
        (match,) = as_decided([read_on(after)], memory.decisions(), {"after": after})
        assert match.status == status


@pytest.mark.parametrize("status", ["rejected", "approved"])
def test_what_was_decided_in_cdf_outlives_the_file_that_it_was_decided_on(classic: Hall, status: str) -> None:
    tag, *others = TAGS[:3]
    classic.read(tags=[tag, *others])
    client = classic.world.cdf.client
    image, *_ = images_of(classic.ctx, classic.key, classic.fingerprint)
    files = [{"external_id": image.faces["front"].external_id}]
    there = client.annotations.list(AnnotationFilter("file", files), limit=None)
    theirs = next(item for item in there if item.data["text"] == tag)
    client.annotations.update(AnnotationUpdate(theirs.id).status.set(status))
    classic.world.ingest(classic.world.drop(classic.key.capture, stations=1, shade=50, revision=2), run="run 2")
    state = classic.world.records.load(classic.key)
    assert state is not None
    classic.fingerprint = state.fingerprint
    classic.read(*([CERTAIN] if status == "rejected" else []), tags=[tag, *others])
    assert classic.linked() == ({*others} if status == "rejected" else {tag})
    assert tag not in classic.waiting()
