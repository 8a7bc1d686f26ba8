"""A capture as the panorama viewer gets it, from a project of each mode: poses, faces and links are CDF's."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
from PIL import Image

from capture360.cdf.project_mode import ModeName
from capture360.errors import BadInputError
from capture360.geometry.rotation import angle_between, matrix_from_quaternion
from capture360.model import FACES, CaptureKey, FaceName
from capture360.names import image_id
from capture360.steps.view import ViewedCapture, face_content, view_document, viewed
from suggested_links import TAGS, Hall, decide, hall_in, world_of

MODES: tuple[ModeName, ...] = ("asset_centric", "hybrid", "data_modeling")


@pytest.fixture(scope="module")
def halls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[ModeName, Hall]]:
    root = tmp_path_factory.mktemp("views")
    with ExitStack() as stack:
        yield {mode: hall_in(world_of(stack, mode, root)) for mode in MODES}


@pytest.fixture(params=MODES)
def hall(request: pytest.FixtureRequest, halls: dict[ModeName, Hall]) -> Hall:
    return halls[request.param]


def test_stations_stand_and_are_turned_as_delivered(hall: Hall) -> None:
    document = view_document(hall.ctx, viewed(hall.ctx, hall.key))
    (station,) = document["stations"]
    (image,) = viewed(hall.ctx, hall.key).images
    assert station["id"] == image_id(hall.key, "001")
    assert station["position"] == pytest.approx(list(image.pose.position))
    given = matrix_from_quaternion(station["rotation"])
    assert angle_between(given, matrix_from_quaternion(image.pose.rotation)) < 1e-9
    assert set(station["faces"]) == set(FACES)
    for face, address in station["faces"].items():
        assert address.startswith(f"../../faces/{hall.key}/{station['id']}/{face}?version=")
        assert address.endswith(image.faces[face].external_id[-16:])


def test_every_suggestion_is_a_plate_and_decisions_change_its_state(hall: Hall) -> None:
    document = view_document(hall.ctx, viewed(hall.ctx, hall.key))
    assert {plate["text"]: plate["state"] for plate in document["plates"]} == dict.fromkeys(TAGS, "suggested")
    approved, rejected = decide(hall)
    document = view_document(hall.ctx, viewed(hall.ctx, hall.key))
    states = {plate["text"]: plate["state"] for plate in document["plates"]}
    assert (states.pop(approved), states.pop(rejected)) == ("approved", "rejected")
    assert set(states.values()) == {"suggested"}
    base = hall.world.connection.base_url
    assert all(link["link"].startswith(f"{base}/?asset=") for plate in document["plates"] for link in plate["links"])


def test_faces_are_those_in_cdf(hall: Hall) -> None:
    capture = viewed(hall.ctx, hall.key)
    image = image_id(hall.key, "001")
    for face in FACES:
        ref = capture.face(image, face)
        assert ref is not None
        assert Image.open(io.BytesIO(face_content(hall.ctx, ref))).size == (64, 64)
    assert capture.face("another image", "front") is None


def test_a_capture_that_is_not_in_cdf_is_told_in_a_sentence(hall: Hall) -> None:
    with pytest.raises(BadInputError, match="has no images in CDF"):
        viewed(hall.ctx, CaptureKey("hall-7", "never"))
    gone = CaptureKey("hall-7", "gone")
    hall.world.records.put(gone, "f1", "retract", {"by": "Ada", "removed": {}}, run="test")
    with pytest.raises(BadInputError, match="hall-7/gone was retracted: CDF holds nothing of it any more"):
        viewed(hall.ctx, gone)


def delivered_again(capture: ViewedCapture, face: FaceName) -> ViewedCapture:
    """The capture after a delivery with another picture of one face: its file has another name."""
    images = [
        replace(image, faces={**image.faces, face: replace(image.faces[face], external_id=f"new_{'0' * 16}")})
        for image in capture.images
    ]
    return replace(capture, images=images)


def test_plates_of_an_earlier_delivery_are_not_drawn_over_new_pictures(hall: Hall) -> None:
    decide(hall)
    shown = viewed(hall.ctx, hall.key)
    assert view_document(hall.ctx, shown)["note"] == ""
    same = view_document(hall.ctx, delivered_again(shown, "left"))
    assert (len(same["plates"]), same["note"]) == (len(TAGS), "")
    other = view_document(hall.ctx, delivered_again(shown, "front"))
    assert other["plates"] == []
    assert other["note"].startswith(f"{len(TAGS)} plates were read on pictures of an earlier delivery")
