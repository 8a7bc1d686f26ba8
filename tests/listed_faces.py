"""How many requests it takes to find the face files of one capture beside others."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import partial

import pytest

from capture360.cdf.ports import Image360Store
from capture360.cdf.registry import mode_of
from capture360.model import FACES, CaptureKey, EncodedFace, FaceRef
from captures import Drop, jpeg
from ingest_world import World
from waiting import eventually


def faces_asked_for(world: World, drops: Sequence[Drop], monkeypatch: pytest.MonkeyPatch) -> dict[int, int]:
    """Upload the faces of one capture after another; requests for those of the first, by how many are there.

    A page holds the faces of one station.
    """
    monkeypatch.setattr("capture360.cdf.instances.PAGE", len(FACES))
    model = mode_of(world.cdf).images(world.cdf, world.site)
    content = jpeg(64, (3, 3, 3))
    faces = [EncodedFace(face, content, hashlib.sha256(content).hexdigest(), "image/jpeg", 64) for face in FACES]
    counters = world.running.sandbox.counters
    asked = {}
    for there, drop in enumerate(drops, 1):
        station = drop.capture.stations[0]
        put = set(model.put_faces(drop.capture, [(station, face) for face in faces]))
        eventually(partial(_lists, model, drop.key, put))
        before = set(counters.recent(2000))
        assert len(model.faces_of(drops[0].key, {"001"})) == len(FACES)
        asked[there] = len(set(counters.recent(2000)) - before)
    return asked


def _lists(model: Image360Store, key: CaptureKey, put: AbstractSet[FaceRef]) -> bool:
    return set(model.faces_of(key, {"001"})) == put
