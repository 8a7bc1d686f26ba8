"""Plates that lie on an edge of the cube: read across it, once, on the face that has more of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from capture360.detection.cache import OcrCache
from capture360.detection.ocr import OcrDetector, OcrEngine
from capture360.detection.protocol import Line
from capture360.detection.seams import reread_seams
from capture360.geometry.boxes import Polygon, bounds, touches_border
from capture360.geometry.polygons import centre
from capture360.geometry.projection import face_axes, face_directions
from capture360.geometry.rays import ray_to
from capture360.model import Detection, FaceName, FaceRef, Pose, PublishedImage
from capture360.pictures.jpeg import encode_jpeg
from capture360.store import DocumentStore

SIZE = 768
SIDES: tuple[FaceName, ...] = ("front", "right", "back", "left")
IMAGE = PublishedImage(
    "image-1", "space", "station-1", Pose((0, 0, 0), (1, 0, 0, 0)), {face: FaceRef(face, face) for face in SIDES}
)
Pixels = NDArray[np.uint8]


def plate(lines: Sequence[str]) -> Pixels:
    font = ImageFont.load_default(80)
    image = Image.new("RGB", (1200, 600), (90, 110, 100))
    draw = ImageDraw.Draw(image)
    text = "\n".join(lines)
    x0, y0, x1, y1 = draw.multiline_textbbox((600, 300), text, font=font, anchor="mm", align="center")
    draw.rectangle((x0 - 50, y0 - 40, x1 + 50, y1 + 40), fill=(240, 240, 235))
    draw.rectangle((x0 - 40, y0 - 30, x1 + 40, y1 + 30), outline=(20, 20, 24), width=6)
    draw.multiline_text((600, 300), text, font=font, fill=(20, 20, 24), anchor="mm", align="center")
    return np.asarray(image)


def faces(shown: Pixels, share: float) -> dict[FaceName, Pixels]:
    """The sides of a cube with a plate on the edge of front and right, `share` of it beyond the edge."""
    import cv2

    edge = face_directions("front", [(1.0, 0.5)])[0]
    down = np.array([0.0, 0.0, -1.0])
    right = np.cross(down, edge)
    if right @ face_directions("right", [(0.5, 0.5)])[0] < 0:
        right = -right
    found: dict[FaceName, Pixels] = {}
    middle = (np.arange(SIZE) + 0.5) / SIZE
    grid = np.stack(np.meshgrid(middle, middle), axis=-1)
    for face in SIDES:
        rays = face_directions(face, grid)
        depth = np.maximum(rays @ edge, 1e-6)
        x = ((rays @ right) / depth * 1500 + 600 + (share - 0.5) * -560).astype(np.float32)
        y = ((rays @ down) / depth * 1500 + 300).astype(np.float32)
        x[rays @ edge < 0.1] = -1
        found[face] = np.asarray(cv2.remap(shown, x, y, cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    return found


@pytest.fixture(scope="module")
def engine() -> OcrEngine:
    return OcrEngine()


def detected(engine: OcrEngine, pictures: dict[FaceName, Pixels], cache: OcrCache | None = None) -> list[Detection]:
    detector = OcrDetector(lambda ref: encode_jpeg(pictures[ref.face], 95), engine, cache)
    return list(detector.detect([IMAGE]))


@pytest.mark.parametrize(("share", "face"), [(0.3, "front"), (0.7, "right")])
def test_a_text_on_an_edge_is_read_once_and_whole(engine: OcrEngine, share: float, face: FaceName) -> None:
    (found,) = detected(engine, faces(plate(["21-PT-1019A"]), share))
    assert (found.face, found.text, found.whole) == (face, "21-PT-1019A", True)
    assert found.score > 0.9
    assert not touches_border(found.polygon)
    assert found.outline is not None
    x, y = centre(found.polygon)
    assert (x > 0.8) is (face == "front")
    assert y == pytest.approx(0.5, abs=0.02)
    assert off_the_middle_deg(found, share) < 0.4
    assert off_the_middle_deg(replace(found, uncut=None), share) > 2


def off_the_middle_deg(found: Detection, share: float) -> float:
    """Angle between the ray of a text and the middle of the plate that `faces` shows."""
    ahead = ray_to(IMAGE.pose, found).direction
    edge = face_directions("front", [(1.0, 0.5)])[0]
    beyond = np.arctan2(ahead @ face_axes("right")[0], ahead @ face_axes("front")[0]) - np.pi / 4
    assert ahead @ edge > 0.9
    return float(np.degrees(abs(beyond - np.arctan((share - 0.5) * 560 / 1500))))


def test_both_lines_of_a_plate_stand_on_one_face(engine: OcrEngine) -> None:
    found = detected(engine, faces(plate(["21-PT", "1019A"]), 0.4))
    assert sorted((each.face, each.text) for each in found) == [("front", "1019A"), ("front", "21-PT")]


def test_what_was_read_across_an_edge_is_not_read_again(tmp_path: Path) -> None:
    pictures = faces(plate(["21-PT-1019A"]), 0.3)
    cache = OcrCache(DocumentStore(str(tmp_path)))
    first = detected(OcrEngine(), pictures, cache)

    class Refusing(OcrEngine):
        def read(self, pixels: Pixels) -> list[Line]:
            raise AssertionError("read again")

    assert detected(Refusing(), pictures, cache) == first


BOX: Polygon = ((0.9, 0.48), (1.0, 0.48), (1.0, 0.52), (0.9, 0.52))
BLANK = np.zeros((SIZE, SIZE, 3), np.uint8)


@pytest.mark.parametrize(
    "line",
    [
        Line("21-PT-1019A", 0.9, BOX, whole=True),
        Line("EXIT", 0.9, BOX),
        Line("21-PT-1019A", 0.9, BOX, cap_px=6.0),
        Line("21-PT-1019A", 0.9, tuple((x - 0.1, y) for x, y in BOX)),
        Line("400", 0.9, ((0.5, 0.3), (1.0, 0.3), (1.0, 0.6), (0.5, 0.6))),
    ],
)
def test_a_text_that_no_edge_cuts_or_that_is_too_small_or_large_is_left(line: Line) -> None:
    def read(pixels: Pixels) -> list[Line]:
        raise AssertionError("looked at again")

    assert reread_seams({"front": [line], "right": []}, lambda face: BLANK, read) == {"front": [line], "right": []}


@pytest.mark.parametrize(("text", "score"), [("21-PT", 0.99), ("21-PT-101", 0.99), ("21-PT-1019AB", 0.7)])
def test_a_worse_reading_changes_nothing(text: str, score: float) -> None:
    cut = Line("21-PT-101", 0.9, BOX)
    across: Polygon = ((0.1, 0.4), (0.9, 0.4), (0.9, 0.6), (0.1, 0.6))
    found = reread_seams({"front": [cut], "right": []}, lambda face: BLANK, lambda pixels: [Line(text, score, across)])
    assert found == {"front": [cut], "right": []}


def test_a_better_reading_takes_the_place_of_all_parts() -> None:
    cut, rest = Line("21-PT-101", 0.9, BOX), Line("9A", 0.9, ((0.0, 0.48), (0.04, 0.48), (0.04, 0.52), (0.0, 0.52)))
    across: Polygon = ((0.1, 0.4), (0.9, 0.4), (0.9, 0.6), (0.1, 0.6))
    read = Line("21-PT-1019A", 0.99, across)
    found = reread_seams({"front": [cut], "right": [rest]}, lambda face: BLANK, lambda pixels: [read])
    (line,) = [*found["front"], *found["right"]]
    assert (line.text, line.score) == ("21-PT-1019A", 0.99)
    assert 0 < bounds(line.polygon)[0] < bounds(line.polygon)[2] < 1


@pytest.mark.parametrize("there", [(), ("front",)])
def test_a_station_without_one_of_the_faces_keeps_its_lines(there: tuple[FaceName, ...]) -> None:
    cut = Line("21-PT-101", 0.9, BOX)

    def read(pixels: Pixels) -> list[Line]:
        raise AssertionError("looked at again")

    found = reread_seams({"front": [cut]}, lambda face: BLANK if face in there else None, read)
    assert found == {"front": [cut]}


def test_a_text_as_long_as_its_part_takes_its_place_on_a_plate_that_is_seen_to_end() -> None:
    cut = Line("21-PT-1019A", 0.9, BOX, whole=False)
    across: Polygon = ((0.1, 0.4), (0.9, 0.4), (0.9, 0.6), (0.1, 0.6))
    read = Line("21-PT-1019A", 0.99, across, across, True)
    found = reread_seams({"front": [cut], "right": []}, lambda face: BLANK, lambda pixels: [read])
    assert [line.whole for some in found.values() for line in some] == [True]


def test_a_text_at_the_border_of_the_view_counts_as_cut() -> None:
    """What follows was not looked at, and its new place on the face is off the edge."""
    cut = Line("21-PT-101", 0.9, BOX)
    across: Polygon = ((0.1, 0.4), (1.0, 0.4), (1.0, 0.6), (0.1, 0.6))
    read = Line("21-PT-1019A", 0.99, across)
    found = reread_seams({"front": [cut], "right": []}, lambda face: BLANK, lambda pixels: [read])
    (line,) = [*found["front"], *found["right"]]
    assert (line.text, line.whole) == ("21-PT-1019A", False)
    assert not touches_border(line.polygon)
