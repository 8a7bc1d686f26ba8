"""The match step: what its report tells besides the matches themselves."""

from __future__ import annotations

from cognite.client.data_classes import AssetWrite

from capture360.matching.documents import detection_document
from capture360.model import Detection
from capture360.steps.detect import images_of
from capture360.steps.match import REPORT, match
from ingest_world import World

BOX = ((0.3, 0.4), (0.6, 0.4), (0.6, 0.45), (0.3, 0.45))
UNREADABLE = {
    "rule": "L04",
    "disposition": "warn",
    "where": "",
    "value": "x",
    "message": "The file is cut off. No text was looked for on this face.",
    "station": None,
    "row": None,
    "column": None,
}


def test_the_report_names_stations_and_tells_what_detection_could_not_read(world: World) -> None:
    drop = world.drop("told", stations=1)
    world.ingest(drop)
    state = world.records.load(drop.key)
    assert state is not None
    (image,) = images_of(world.ctx(), drop.key, state.fingerprint)
    assert image.label == drop.capture.stations[0].name
    world.cdf.client.assets.create([AssetWrite(name="31-PT-1019A"), AssetWrite(name="31-PT-1019B")])
    body = {
        "engine": "by hand",
        "detections": [detection_document(Detection(image.external_id, "left", "31-PT-1019A", 0.99, BOX))],
        "findings": [{**UNREADABLE, "where": f"{image.external_id} back"}],
    }
    world.records.put(drop.key, state.fingerprint, "detect", body, run="by hand", batch=0)
    assert match(world.ctx(), drop.key, state.fingerprint).approved == 1
    report = (world.root / "records" / str(drop.key) / state.fingerprint / REPORT).read_text("utf-8")
    assert f"{image.label} left" in report
    assert f"{image.label} back" in report
    assert "No text was looked for on this face." in report
    assert image.external_id not in report
    assert "on faces of 64 pixels" in report


def test_texts_of_an_image_that_is_no_longer_in_cdf_are_reported_without_a_picture(world: World) -> None:
    drop = world.drop("lost", stations=1)
    world.ingest(drop)
    state = world.records.load(drop.key)
    assert state is not None
    world.cdf.client.assets.create([AssetWrite(name="32-PT-1019A"), AssetWrite(name="32-PT-1019B")])
    lost = detection_document(Detection("no-image", "left", "32-PT-1019A", 0.99, BOX))
    body = {"engine": "by hand", "detections": [lost], "findings": []}
    world.records.put(drop.key, state.fingerprint, "detect", body, run="by hand", batch=0)
    assert match(world.ctx(), drop.key, state.fingerprint).texts == 1
