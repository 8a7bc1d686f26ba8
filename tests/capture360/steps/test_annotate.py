"""Links are written in batches, what is left on each image is noted over all deliveries, and the newest counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest

from capture360.cdf.link_ports import ImageLinks
from capture360.cdf.project_mode import ModeName
from capture360.errors import CdfError, RequestError
from capture360.model import Asset, CaptureKey, Detection, Match, Pose, PublishedImage
from capture360.records import Records
from capture360.steps.annotate import AT_ONCE, Plates, annotate, batches_of, count_plates
from capture360.steps.context import StepContext
from capture360.steps.detect import detect
from capture360.steps.left_links import left_links, note_left
from capture360.steps.match import match
from capture360.steps.reconcile import reconcile
from ingest_world import World
from local_cdf import PLAIN
from suggested_links import CERTAIN, TAGS, Hall, hall_in

CORNERS = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.2), (0.1, 0.2))


def image(number: int) -> PublishedImage:
    return PublishedImage(f"image-{number}", "space", f"station-{number}", Pose((0, 0, 0), (1, 0, 0, 0)), {})


def match_on(number: int) -> Match:
    detection = Detection(f"image-{number}", "front", "21-PT-1019A", 0.99, CORNERS)
    return Match(detection, None, 0.0, "dropped", "no tag is near")


@pytest.mark.parametrize(("number", "batches"), [(0, 0), (1, 1), (AT_ONCE + 1, 2), (10 * AT_ONCE, 10)])
def test_each_batch_has_the_matches_on_its_images(number: int, batches: int) -> None:
    images = [image(each) for each in range(number)]
    matches = [match_on(each) for each in range(0, number, 2)]
    found = list(batches_of(images, matches))
    assert len(found) == batches
    assert [each for some, _ in found for each in some] == images
    assert [each for _, some in found for each in some] == matches
    for some, on_them in found:
        assert {each.detection.image for each in on_them} <= {each.external_id for each in some}


def test_what_is_left_on_the_images_of_other_deliveries_stays_noted() -> None:
    """Deliveries of parted collections cover different images."""
    records, key = Records("memory://left"), CaptureKey("hall-7", "parted")
    kept = ImageLinks(1, ("s/P", "s/V"), {"s/P": "things/P"}, ("links", "things"))
    note_left(records, key, {"s/1": kept, "s/2": ImageLinks(2, ("s/P",))})
    note_left(records, key, {"s/2": ImageLinks(2, ()), "s/3": ImageLinks(3, ("s/V",))})
    assert left_links(records, key) == {"s/1": kept, "s/3": ImageLinks(3, ("s/V",))}


def test_plates_are_counted_and_not_their_assets_or_views() -> None:
    box = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.2))
    pump = Asset("1", "P-1", ("P-1",))

    def view(number: int, status: Literal["approved", "suggested", "dropped"], plate: str, text: str = "P-1") -> Match:
        seen = Detection(f"image-{number}", "front", text, 0.9, box)
        return Match(seen, pump, 0.9, status, "x", ((pump, 0.9),), plate)

    matches = [
        view(1, "approved", "one"), view(2, "approved", "one"), view(3, "approved", "two"),
        view(4, "suggested", "three"), view(5, "dropped", "three"), view(6, "suggested", "four"),
        view(7, "dropped", "five"), view(8, "dropped", "five"), view(9, "dropped", "", "P-7"),
    ]  # fmt: skip
    assert count_plates(matches) == Plates(linked=2, asked=2, missed=2)


@pytest.mark.parametrize("step", [lambda *to: detect(*to, 0), match, annotate], ids=["detect", "match", "annotate"])
def test_a_task_of_an_older_delivery_that_is_cleared_changes_nothing(
    classic: Hall, step: Callable[[StepContext, CaptureKey, str], object]
) -> None:
    classic.read(CERTAIN, tags=TAGS[:3])
    before, classic.fingerprint = classic.fingerprint, published_again(classic)
    classic.read(CERTAIN, tags=TAGS[3:6])
    sent = classic.world.running.mutating()
    with pytest.raises(RequestError, match=r"published again since.*Nothing was changed") as refused:
        step(classic.ctx, classic.key, before)
    assert "captures_contextualize" in refused.value.remedy
    assert (classic.world.running.mutating(), classic.linked()) == (sent, set(TAGS[3:6]))


def test_links_that_an_older_delivery_wrote_after_the_newer_one_are_reported(classic: Hall) -> None:
    classic.read(CERTAIN, tags=TAGS[:3])
    before, classic.fingerprint = classic.fingerprint, published_again(classic)
    classic.read(CERTAIN, tags=TAGS[:3])
    assert reconcile(classic.ctx, classic.key) == []
    older = classic.world.records.get(classic.key, before, "annotate")
    assert older is not None
    classic.world.records.put(classic.key, before, "annotate", older.body, run="cleared")
    (finding,) = reconcile(classic.ctx, classic.key)
    assert finding.rule == "R10"
    assert "older delivery" in finding.message
    assert "captures_contextualize" in finding.message


@pytest.mark.parametrize("suffix", ["/annotations", "/3d/contextualization/image360"])
def test_links_that_cdf_refuses_fail_a_capture_that_has_no_other(worlds: dict[ModeName, World], suffix: str) -> None:
    """Of one that has some, they are no matter of the project: nothing that is written any time later fails."""
    hall = hall_in(worlds["asset_centric" if suffix == "/annotations" else "data_modeling"])
    fault = {"effect": "status", "method": "POST", "path": f"*{suffix}", "status": 400, "times": 100}
    faults = f"{hall.world.running.base_url}/sandbox/faults"
    PLAIN.post(faults, json=fault).raise_for_status()
    with pytest.raises(CdfError, match="CDF answered 400"):
        hall.read(CERTAIN, tags=TAGS[:3])
    PLAIN.delete(faults).raise_for_status()
    hall.read(CERTAIN, tags=TAGS[:3])
    PLAIN.post(faults, json=fault).raise_for_status()
    hall.read(CERTAIN, tags=TAGS[1:4])
    again = annotate(hall.ctx, hall.key, hall.fingerprint)
    PLAIN.delete(faults).raise_for_status()
    assert (again.kept, len(again.refused), hall.linked()) == (2, 1, set(TAGS[1:3]))


def published_again(hall: Hall) -> str:
    """The fingerprint of a revision with other pictures."""
    hall.world.ingest(hall.world.drop(hall.key.capture, stations=1, shade=50, revision=2), run="run 2")
    state = hall.world.records.load(hall.key)
    assert state is not None
    return state.fingerprint
