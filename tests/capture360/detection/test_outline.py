"""The plate around a text: whole, cut, or not to be made out."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from capture360.detection.outline import with_outlines
from capture360.detection.protocol import Line
from capture360.geometry.boxes import bounds

SIZE = 400
CAP = 20
WHITE, STEEL, INK, WALL = (240, 240, 235), (120, 122, 126), (20, 20, 24), (90, 110, 100)
Pixels = NDArray[np.uint8]


def face(text: str, *, left: int = 100, paint: tuple[int, int, int] = WHITE, frame: bool = True) -> tuple[Pixels, Line]:
    """A plate with a text on a wall, and the line as an engine reports it."""
    image = Image.new("RGB", (SIZE, SIZE), WALL)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(CAP / 0.72)
    x0, y0, x1, y1 = draw.textbbox((left, 200), text, font=font)
    draw.rectangle((x0 - 14, y0 - 13, x1 + 14, y1 + 13), fill=paint)
    if frame:
        draw.rectangle((x0 - 11, y0 - 10, x1 + 11, y1 + 10), outline=INK, width=2)
    draw.text((left, 200), text, INK, font)
    box = [(x0 - 4, y0 - 4), (x1 + 4, y0 - 4), (x1 + 4, y1 + 4), (x0 - 4, y1 + 4)]
    return np.asarray(image).copy(), Line(text, 0.99, tuple((x / SIZE, y / SIZE) for x, y in box))


def with_screws(pixels: Pixels, line: Line, left: int, right: int) -> Pixels:
    """The plate of `face` with a screw at either end, so many pixels beyond the text."""
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    text = [round(value * SIZE) for value in bounds(line.polygon)]
    middle = (text[1] + text[3]) // 2
    for x in (text[0] + 4 - left, text[2] - 4 + right):
        draw.ellipse((x - 2, middle - 2, x + 2, middle + 2), fill=(130, 130, 126))
    return np.asarray(image).copy()


def shortened(line: Line, right: float) -> Line:
    """The line as read up to a column of the face."""
    polygon = tuple((min(x, right / SIZE), y) for x, y in line.polygon)
    return Line(line.text, line.score, polygon)


@pytest.mark.parametrize("frame", [True, False])
@pytest.mark.parametrize("paint", [WHITE, (200, 190, 60)])
def test_a_text_with_margins_at_both_ends_is_whole(paint: tuple[int, int, int], frame: bool) -> None:
    pixels, line = face("21-PT-1019", paint=paint, frame=frame)
    (found,) = with_outlines(pixels, [line])
    assert found.whole is True
    assert found.outline is not None
    text, plate = bounds(line.polygon), bounds(found.outline)
    assert plate[0] <= text[0] < text[2] <= plate[2]


def test_screws_that_meet_the_frame_leave_a_text_whole() -> None:
    pixels, line = face("21-PT-1019")
    (found,) = with_outlines(with_screws(pixels, line, 8, 8), [line])
    assert found.whole is True


def off_centre() -> tuple[Pixels, Line]:
    """A plate without a frame that goes on to the right of its text, before two walls."""
    pixels, line = face("21-PT-1019", frame=False)
    end = round(bounds(line.polygon)[2] * SIZE) + 9
    pixels[:, end + 12 :] = (190, 30, 30)
    pixels[:, end : end + 12] = pixels[:, end - 2 : end - 1]
    return pixels, line


def test_screws_at_both_ends_show_that_a_text_is_whole_though_it_is_not_centred() -> None:
    pixels, line = off_centre()
    assert with_outlines(pixels, [line])[0].whole is not True
    assert with_outlines(with_screws(pixels, line, 8, 16), [line])[0].whole is True


def test_a_screw_at_one_end_shows_nothing() -> None:
    pixels, line = off_centre()
    with_both = with_screws(pixels, line, 8, 16)
    pixels[:, :200] = with_both[:, :200]
    assert with_outlines(pixels, [line])[0].whole is not True


@pytest.mark.parametrize("gap", range(1, 5))
def test_a_hyphen_that_a_pipe_cuts_is_no_screw(gap: int) -> None:
    pixels, line = face("21-PT-1019-A")
    pixels = with_screws(pixels, line, 8, 8)
    end = int(bounds(line.polygon)[2] * SIZE) - 4 - 22 + gap  # within the last hyphen
    pixels[:, end : end + 60] = (180, 60, 30)
    (found,) = with_outlines(pixels, [shortened(line, end)])
    assert found.whole is not True


def sheared(pixels: Pixels, line: Line, slope: float) -> tuple[Pixels, Line]:
    """What is seen from aside: the ends of the plate stay upright, its lines do not."""
    import cv2

    turn = np.array([[1.0, 0.0, 0.0], [slope, 1.0, -slope * SIZE / 2]])
    seen = cv2.warpAffine(pixels, turn, (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE)
    polygon = tuple((x, y + slope * (x - 0.5)) for x, y in line.polygon)
    return np.asarray(seen, np.uint8), Line(line.text, line.score, polygon)


@pytest.mark.parametrize("frame", [True, False])
@pytest.mark.parametrize("slope", [-0.3, 0.15, 0.3])
def test_a_plate_that_is_seen_from_aside_is_whole(slope: float, frame: bool) -> None:
    (found,) = with_outlines(*_listed(sheared(*face("21-PT-1019", frame=frame), slope)))
    assert found.whole is True


@pytest.mark.parametrize("gap", range(6))
@pytest.mark.parametrize("slope", [-0.3, 0.3])
def test_a_text_that_a_pipe_ends_on_a_plate_seen_from_aside_is_not_whole(slope: float, gap: int) -> None:
    pixels, line = face("21-PT-1019A")
    end = int(bounds(line.polygon)[2] * SIZE) - 4 - 15 - gap
    seen, line = sheared(pixels, shortened(line, end), slope)
    seen[:, end : end + 40] = (180, 60, 30)
    (found,) = with_outlines(seen, [line])
    assert found.whole is not True


def _listed(shown: tuple[Pixels, Line]) -> tuple[Pixels, list[Line]]:
    return shown[0], [shown[1]]


@pytest.mark.parametrize("gap", range(6))
def test_a_text_that_a_pipe_in_front_ends_is_not_whole(gap: int) -> None:
    pixels, line = face("21-PT-1019A")
    end = int(bounds(line.polygon)[2] * SIZE) - 4 - 15  # before the last letter
    pixels[:, end - gap : end - gap + 40] = (180, 60, 30)
    (found,) = with_outlines(pixels, [shortened(line, end - gap)])
    assert found.whole is not True


def test_a_text_that_the_edge_of_the_face_ends_is_cut() -> None:
    pixels, line = face("21-PT-1019A", left=40)
    lost = 45
    cut = tuple((max(0.0, x - lost / SIZE), y) for x, y in line.polygon)
    (found,) = with_outlines(np.ascontiguousarray(np.roll(pixels, -lost, axis=1)), [Line("1-PT-1019A", 0.99, cut)])
    assert found.whole is not True


def test_letters_that_were_not_read_leave_it_open() -> None:
    pixels, line = face("21-PT-1019 B")
    end = int(bounds(line.polygon)[2] * SIZE) - 4 - 20
    (found,) = with_outlines(pixels, [shortened(line, end)])
    assert found.whole is None


def test_a_text_painted_on_a_wall_has_no_outline() -> None:
    pixels, line = face("21-PT-1019", paint=WALL, frame=False)
    (found,) = with_outlines(pixels, [line])
    assert (found.outline, found.whole) == (None, None)


def test_a_post_of_the_plates_colour_behind_it_is_no_part_of_it() -> None:
    pixels, line = face("21-PT-1019", paint=STEEL, frame=False)
    _, top, _, bottom = (round(value * SIZE) for value in bounds(line.polygon))
    pixels[: top - 9, 160:168] = STEEL
    pixels[bottom + 9 :, 160:168] = STEEL
    (found,) = with_outlines(pixels, [line])
    assert found.outline is not None
    assert bounds(found.outline)[3] < 0.65


@pytest.mark.parametrize("box", [((0, 0), (0, 0), (0, 0), (0, 0)), ((0.1, 0.1), (0.2, 0.1), (0.2, 0.101))])
def test_an_outline_that_is_no_box_leaves_the_line_as_it_is(box: tuple[tuple[float, float], ...]) -> None:
    pixels, _ = face("21-PT-1019")
    line = Line("x", 0.9, box)
    assert with_outlines(pixels, [line]) == [line]
