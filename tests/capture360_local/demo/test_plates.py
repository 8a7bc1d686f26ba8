"""What the demo's table says of linked plates, against a truth written by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from capture360.matching.documents import match_document
from capture360.model import Asset, CaptureKey, Detection, Match
from capture360.names import image_id
from capture360.records import Records
from capture360_local.demo.plates import Plates, plates

KEY = CaptureKey("hall-7", "cubemap")
FINGERPRINT = "f" * 32
A, B = Asset("1", "P-101A", ("P-101A",)), Asset("2", "P-101B", ("P-101B",))


def square(x: float) -> list[list[float]]:
    return [[x, 0.4], [x + 0.1, 0.4], [x + 0.1, 0.5], [x, 0.5]]


def hung(tag: str, x: float, cap_px: float = 20, visible: float = 1.0, *, asset: bool = True) -> dict[str, object]:
    region = {"face": "front", "polygon": square(x), "cap_height_px": cap_px, "visible": visible, "share": 1.0}
    return {"tag": tag, "asset": f"hall-7:{tag}" if asset else None, "seen": {"s-001": [region]}}


def linked(asset: Asset, x: float, status: str = "approved") -> Match:
    outline = tuple((u, v) for u, v in square(x))
    detection = Detection(image_id(KEY, "s-001"), "front", asset.name, 0.99, outline)
    return Match(detection, asset, 0.999, status, "x")


def compared(home: Path, hanging: list[dict[str, object]], matches: list[Match]) -> Plates:
    (home / "plates.json").write_text(json.dumps({"plates": hanging}))
    records = Records(str(home / "records"))
    records.put(KEY, FINGERPRINT, "match", {"matches": [match_document(match) for match in matches]}, run="x")
    records.put(KEY, FINGERPRINT, "annotate", {}, run="x")
    return plates(KEY, home, records)


def test_links_on_their_plates_are_found_and_none_is_wrong(tmp_path: Path) -> None:
    found = compared(
        tmp_path, [hung("P-101A", 0.1), hung("P-101B", 0.6)], [linked(A, 0.1), linked(B, 0.6, "suggested")]
    )
    assert (found.legible, found.found, found.approved, found.suggested) == (2, 2, 1, 1)
    assert (list(found.wrong), list(found.differences)) == ([], [])


def test_a_view_of_a_plate_that_is_asked_about_in_another_view_is_found(tmp_path: Path) -> None:
    asked = replace(linked(A, 0.1, "suggested"), plate="1")
    asked = replace(asked, detection=replace(asked.detection, image="elsewhere"))
    dropped = replace(linked(A, 0.1, "dropped"), plate="1", asset=None)
    found = compared(tmp_path, [hung("P-101A", 0.1)], [asked, dropped])
    assert (found.legible, found.found, found.suggested) == (1, 1, 1)


def test_a_plate_whose_tag_people_may_choose_is_found(tmp_path: Path) -> None:
    asked = replace(linked(A, 0.1, "suggested"), plate="1", candidates=((A, 0.6), (B, 0.4)))
    found = compared(tmp_path, [hung("P-101B", 0.1)], [asked])
    assert (found.legible, found.found) == (1, 1)


@pytest.mark.parametrize("under", [[hung("P-101B", 0.1)], [hung("P-101A", 0.1, asset=False)], [hung("P-101A", 0.6)]])
def test_an_approved_link_to_anything_but_its_plate_is_wrong(tmp_path: Path, under: list[dict[str, object]]) -> None:
    found = compared(tmp_path, under, [linked(A, 0.1)])
    (told,) = found.wrong
    assert '"P-101A"' in told
    assert f"hall-7/cubemap: {told}" in found.differences


def test_plates_that_were_not_found_are_complained_about_if_they_could_be_read(tmp_path: Path) -> None:
    hanging = [hung("P-101A", 0.1), hung("P-101B", 0.6)]
    assert "2 legible plates only 1" in " ".join(compared(tmp_path, hanging, [linked(A, 0.1)]).differences)
    small = [hung("P-101A", 0.1), hung("P-101B", 0.6, cap_px=13), hung("P-101B", 0.7, visible=0.8)]
    assert compared(tmp_path, small, [linked(A, 0.1)]).differences == []


def test_a_capture_that_was_not_contextualized_is_told(tmp_path: Path) -> None:
    assert "not contextualized" in plates(KEY, tmp_path, Records(str(tmp_path / "records"))).differences[0]
