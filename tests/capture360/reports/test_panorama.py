"""What the panorama viewer is given: states of plates, links, and nothing of images that are not there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from capture360.matching.decisions import Decided
from capture360.model import FACES, Asset, CaptureKey, Detection, FaceRef, Match, Pose, PublishedImage
from capture360.reports.panorama import panorama_view

KEY = CaptureKey("hall-7", "walk-1")
PUMP, VALVE = Asset("1", "21-P-1", ("21-P-1",)), Asset("2", "21-V-2", ("21-V-2",))
WHERE = ((0.1, 0.1), (0.3, 0.1), (0.3, 0.2), (0.1, 0.2))


def image(name: str, label: str = "") -> PublishedImage:
    pose = Pose((1.0, 2.0, 3.0), (1.0, 0.0, 0.0, 0.0))
    return PublishedImage(
        name, "captures", f"station of {name}", pose, {f: FaceRef(f, f"{name}_{f}") for f in FACES}, label
    )


def seen(on: str, text: str = "21-P-1", face: Any = "front") -> Detection:
    return Detection(on, face, text, 0.9, WHERE)


def match(status: Any, asset: Asset | None = PUMP, on: str = "a", confidence: float = 0.9) -> Match:
    return Match(seen(on), asset, confidence, status, "why")


def view(
    matches: list[Match], decisions: list[Decided] | None = None, images: list[PublishedImage] | None = None
) -> Any:
    return panorama_view(
        KEY,
        images or [image("a", "Pump 1")],
        matches,
        [each.on(image("a")) for each in decisions or []],
        is_shown=lambda _: True,
        order={seen("a"): 1},
        link="https://cdf/c",
        face_address=lambda image, ref: f"faces/{image.external_id}/{ref.face}",
        asset_link=lambda asset: f"https://cdf/{asset.ref}",
    )


def states_of(plate: Any) -> dict[str, str]:
    return {link["asset"]: link["state"] for link in plate["links"]}


def test_a_station_is_an_image_with_its_pose_and_six_addresses() -> None:
    document = view([], images=[image("a", "Pump 1"), image("b"), image("c", "Pump \u202e3")])
    assert (document["capture"], document["link"], document["plates"]) == ("hall-7/walk-1", "https://cdf/c", [])
    first, second, third = document["stations"]
    assert (first["id"], first["name"], second["name"]) == ("a", "Pump 1", "station of b")
    assert third["name"] == r"Pump \u202e3", "what turns text is seen"
    assert (first["position"], first["rotation"]) == ([1.0, 2.0, 3.0], [1.0, 0.0, 0.0, 0.0])
    assert first["faces"] == {face: f"faces/a/{face}" for face in FACES}


@pytest.mark.parametrize("state", ["approved", "suggested"])
def test_a_link_gives_its_plate_the_colour(state: str) -> None:
    (plate,) = view([match(state)])["plates"]
    assert (plate["station"], plate["face"], plate["text"], plate["state"]) == ("a", "front", "21-P-1", state)
    assert plate["polygon"] == [list(corner) for corner in WHERE]
    (link,) = plate["links"]
    assert link == {"asset": "21-P-1", "state": state, "confidence": 0.9, "reason": "why", "link": "https://cdf/1"}


def test_a_view_without_a_rank_comes_after_all_others() -> None:
    plates = view([match("approved"), match("approved", on="b")], images=[image("a"), image("b")])["plates"]
    assert {plate["station"]: plate["rank"] for plate in plates} == {"a": 1, "b": 2}


def test_texts_without_a_link_are_no_plates() -> None:
    assert view([match("dropped"), match("dropped", None)])["plates"] == []


def test_nothing_is_shown_on_images_that_cdf_does_not_hold() -> None:
    rejected = Decided(match("suggested", on="gone"), "rejected", "Ada", "2026-01-02T03:04:05+00:00")
    assert view([match("approved", on="gone")], [rejected])["plates"] == []


def test_what_people_decided_wins_over_the_machine() -> None:
    suggested = match("suggested")
    for status, state in (("approved", "approved"), ("rejected", "rejected")):
        decided = Decided(suggested, status, "Ada", "2026-01-02T03:04:05+00:00")
        (plate,) = view([match("approved" if status == "rejected" else "suggested")], [decided])["plates"]
        assert plate["state"] == state
        assert plate["links"][0]["reason"] == f"{state} by Ada"


def test_rivals_for_one_plate_are_one_outline_the_approved_one_first() -> None:
    rejected = Decided(match("suggested", VALVE, confidence=0.95), "rejected", "Ada", "2026-01-02T03:04:05+00:00")
    matches = [match("suggested", VALVE, confidence=0.95), match("approved", PUMP, confidence=0.5)]
    (plate,) = view(matches)["plates"]
    assert [(link["asset"], link["state"]) for link in plate["links"]] == [
        ("21-P-1", "approved"),
        ("21-V-2", "suggested"),
    ]
    (plate,) = view(matches, [rejected])["plates"]
    assert plate["state"] == "approved"
    assert [(link["asset"], link["state"]) for link in plate["links"]] == [
        ("21-P-1", "approved"),
        ("21-V-2", "rejected"),
    ]


def test_an_undecided_plate_shows_all_tags_that_it_may_name() -> None:
    gauge = Asset("3", "21-PI-3", ("21-PI-3",))
    asked = replace(match("suggested"), candidates=((PUMP, 0.9), (VALVE, 0.4), (gauge, 0.2)))
    (plate,) = view([asked])["plates"]
    assert plate["state"] == "suggested"
    assert [(each["asset"], each["state"], each["confidence"], each["reason"]) for each in plate["links"]] == [
        ("21-P-1", "suggested", 0.9, "why"),
        ("21-V-2", "possible", 0.4, ""),
        ("21-PI-3", "possible", 0.2, ""),
    ]
    at = "2026-01-02T03:04:05+00:00"
    rejected = Decided(replace(asked, asset=VALVE), "rejected", "Ada", at)
    (plate,) = view([asked], [rejected])["plates"]
    assert states_of(plate) == {"21-P-1": "suggested", "21-PI-3": "possible", "21-V-2": "rejected"}
    approved = Decided(asked, "approved", "Ada", at)
    (plate,) = view([asked], [approved])["plates"]
    assert states_of(plate) == {"21-P-1": "approved"}


def test_a_plate_of_several_lines_has_its_text_on_one() -> None:
    of_two_lines = replace(match("suggested"), detection=seen("a", "PT\n2001"))
    (plate,) = view([of_two_lines])["plates"]
    assert plate["text"] == "PT / 2001"
