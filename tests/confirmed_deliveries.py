"""Deliveries of one capture after each other, and what CDF shows of them: for tests of what a confirmation removes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from cognite.client.data_classes import Annotation, AnnotationFilter

from capture360 import names
from capture360.cdf.project_mode import ModeName
from capture360.cdf.registry import mode_of
from capture360.matching.documents import detection_document
from capture360.model import CaptureKey, Detection
from capture360.steps.annotate import annotate
from capture360.steps.match import match
from captures import Drop
from ingest_world import CORE_STATION, STATION_VIEW, World
from suggested_links import CERTAIN, LINK, outline

MODES: tuple[ModeName, ...] = ("asset_centric", "hybrid", "data_modeling")
_STATION_VIEWS = {"asset_centric": STATION_VIEW, "hybrid": STATION_VIEW, "data_modeling": CORE_STATION}


def delivered(world: World, capture: str, stations: int, **how: Any) -> Drop:
    """The capture's folder with this delivery alone."""
    shutil.rmtree(world.landing / capture, ignore_errors=True)
    return world.drop(capture, stations=stations, **how)


def shown(world: World, key: CaptureKey) -> list[str]:
    """The stations whose images CDF shows."""
    model = mode_of(world.cdf).images(world.cdf, world.site)
    ids = {names.image_id(key, f"{number:03}"): f"{number:03}" for number in range(1, 10)}
    return sorted(ids.get(image.external_id, image.external_id) for image in model.images(key))


def station_nodes(world: World, capture: str) -> set[str]:
    return set(world.nodes(_STATION_VIEWS[world.connection.mode], capture))


def face_prefix(key: CaptureKey, station: str) -> str:
    """How the ids of all face files of a station begin."""
    return names.face_id(key, station, "front", "").removesuffix("front_")


def face_files(world: World, key: CaptureKey, station: str) -> list[str]:
    listed = world.cdf.client.files.list(limit=None)
    found = [file.external_id or file.instance_id.external_id for file in listed]
    return [name for name in found if name.startswith(face_prefix(key, station))]


def link(world: World, drop: Drop, tags: Mapping[str, str]) -> str:
    """Texts recorded as if they had been read on these stations, matched and linked; the delivery's fingerprint."""
    state = world.records.load(drop.key)
    assert state is not None
    places = {tag: outline(0.11 + 0.3 * number, 0.1, 0.15) for number, tag in enumerate(tags)}
    found = [
        detection_document(Detection(names.image_id(drop.key, station), "front", tag, CERTAIN, places[tag]))
        for tag, station in tags.items()
    ]
    body = {"engine": "by hand", "detections": found, "findings": []}
    world.records.put(drop.key, state.fingerprint, "detect", body, run="by hand", batch=0)
    match(world.ctx(), drop.key, state.fingerprint)
    annotate(world.ctx(), drop.key, state.fingerprint)
    return state.fingerprint


def annotations_of(world: World) -> Sequence[Annotation]:
    files = [{"id": file.id} for file in world.cdf.client.files.list(limit=None)]
    kind = {"asset_centric": "images.AssetLink", "hybrid": "images.InstanceLink"}[world.connection.mode]
    return world.cdf.client.annotations.list(AnnotationFilter("file", files, annotation_type=kind), limit=None)


def linked_images(world: World, drop: Drop) -> set[str]:
    """The stations that links of any maker end at."""
    client = world.cdf.client
    if world.connection.mode == "data_modeling":
        ends = {
            edge.end_node.external_id for edge in client.data_modeling.instances.list("edge", sources=LINK, limit=None)
        }
        return {each.id for each in drop.capture.stations if names.image_id(drop.key, each.id) in ends}
    files = {file.id: file.external_id or "" for file in client.files.list(limit=None)}
    linked = {files[item.annotated_resource_id] for item in annotations_of(world)}
    return {
        each.id
        for each in drop.capture.stations
        if any(name.startswith(face_prefix(drop.key, each.id)) for name in linked)
    }
