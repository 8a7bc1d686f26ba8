"""Images are linked in batches whose number does not grow with the capture, each with its own matches."""

from __future__ import annotations

import pytest

from capture360.model import Detection, Match, Pose, PublishedImage
from capture360.steps.annotate import LEAST_AT_ONCE, MOST_BATCHES, batches_of

CORNERS = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.2), (0.1, 0.2))


def image(number: int) -> PublishedImage:
    return PublishedImage(f"image-{number}", "space", f"station-{number}", Pose((0, 0, 0), (1, 0, 0, 0)), {})


def match_on(number: int) -> Match:
    detection = Detection(f"image-{number}", "front", "21-PT-1019A", 0.99, CORNERS)
    return Match(detection, None, 0.0, "dropped", "no tag is near")


@pytest.mark.parametrize(
    ("number", "batches"),
    [(0, 0), (1, 1), (LEAST_AT_ONCE + 1, 2), (3_000, MOST_BATCHES), (6_000, MOST_BATCHES), (6_001, MOST_BATCHES)],
)
def test_the_note_of_all_links_is_stored_a_bounded_number_of_times(number: int, batches: int) -> None:
    images = [image(each) for each in range(number)]
    matches = [match_on(each) for each in range(0, number, 2)]
    found = list(batches_of(images, matches))
    assert len(found) == batches
    assert [each for some, _ in found for each in some] == images
    assert [each for _, some in found for each in some] == matches
    for some, on_them in found:
        assert {each.detection.image for each in on_them} <= {each.external_id for each in some}
