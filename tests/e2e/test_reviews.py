"""A person's answer, by the REST API and in the UI, from the suggestion to the decision in CDF."""

from __future__ import annotations

import json
import os
from pathlib import Path

import httpx
import pytest
from cognite.client.data_classes import AssetWrite

from browser import DESKTOP, PHONE, signed_in
from capture360.model import Detection
from capture360_local.demo.deliveries import LEGIBLE_FACE_SIZE, Order, truth_of
from capture360_local.demo.plates import bring_assets
from reviews import REVIEW, Reviewed
from running_stack import RunningStack

RECONCILE = "captures_reconcile"
BY_REST = Order("reviewed", "cubemap", 1, "plates that a person decides on")
IN_THE_UI = Order("looked-at", "cubemap", 1, "plates that a person looks at", face_size=LEGIBLE_FACE_SIZE)
TAGS = [f"33-LT-{number}" for number in range(2001, 2023)]
READ_BADLY = 0.7
SEEN_WELL_PX = 4
ALL_LOADED = """wanted => {
    const pictures = [...document.querySelectorAll("img[alt^='plate ']")];
    return pictures.length === wanted && pictures.every(picture => picture.naturalWidth > 0);
}"""


def test_an_answer_to_one_page_is_applied_while_the_other_still_waits(stack: RunningStack) -> None:
    stack.cdf.client.assets.create([AssetWrite(name=tag, external_id=tag) for tag in TAGS])
    stack.until(lambda: len(stack.cdf.client.assets.list(limit=None)) >= len(TAGS), "CDF to list the assets")
    review = ingested(stack, BY_REST)
    image = review.images[0].external_id
    review.suggest(Detection(image, "front", tag, READ_BADLY, outline(number)) for number, tag in enumerate(TAGS))
    run = review.ask()
    pages = review.waiting(run, 2)
    first = next(page for page in pages if page["task_instance"]["map_index"] == 0)
    assert first["subject"] == f"{review.key}: 20 suggested links, page 1 of 2"
    picture = first["body"].partition("![plate 1](")[2].partition(")")[0]
    with httpx.Client(base_url=stack.api.url, trust_env=False) as browser:
        assert browser.get(picture).status_code == 401
        credentials = {"username": stack.local.user, "password": stack.local.password}
        token = browser.post("/auth/token", json=credentials).json()["access_token"]
        shown = browser.get(picture, headers={"authorization": f"Bearer {token}"})
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")

    review.answer(run, 0, "Approve all", reject="2, 4")
    applied = review.applied(0)
    assert (applied["by"], applied["rejected"]) == (stack.local.user, [2, 4])
    assert review.statuses() == ["approved"] * 18 + ["rejected"] * 2 + ["suggested"] * 2
    assert len(review.waiting(run, 1)) == 1
    stack.until(lambda: stack.api.run(REVIEW, run)["state"] == "running", "the run to wait for the other page")

    later = review.ask()
    review.waiting(later, 1)
    review.answer(run, 1, "Approve all")
    review.ended(run)
    assert "has asked again" in stack.api.log(REVIEW, run, "pages.apply", tries(stack, run, "pages.apply", 1), 1)
    review.answer(later, 0, "Approve all")
    review.ended(later)
    assert review.statuses() == ["approved"] * 20 + ["rejected"] * 2


@pytest.mark.browser
def test_a_page_is_looked_at_and_answered_in_a_real_browser(stack: RunningStack, tmp_path: Path) -> None:
    review = ingested(stack, IN_THE_UI)
    bring_assets(stack.cdf, truth_of(IN_THE_UI, stack.samples), classic=True)
    plates = plates_in_view(review)
    stack.until(
        lambda: set(plates) <= {str(each.name) for each in stack.cdf.client.assets.list(limit=None)},
        "CDF to list the assets",
    )
    review.suggest(plates.values())
    offered = review.statuses().count("suggested")
    assert offered >= 3
    with signed_in(stack.local, stack.api.url) as page:
        run = review.ask()
        review.waiting(run, 1)
        page.goto(f"{stack.api.url}/dags/{REVIEW}/runs/{run}/required_actions")
        page.get_by_role("link", name="pages.ask").first.click()
        page.get_by_text(f"{review.key}: {offered} suggested links").first.wait_for()
        page.wait_for_function(ALL_LOADED, arg=offered)
        keep = Path(os.environ.get("CAPTURE360_SCREENSHOTS", tmp_path))
        for name, size in (("phone", PHONE), ("desktop", DESKTOP)):
            page.set_viewport_size(size)
            page.screenshot(path=keep / f"review-{name}.png")
        page.locator("[name=element_reject]").fill("2")
        page.get_by_role("button", name="Approve all").click()
        review.ended(run)
    applied = review.applied(0)
    assert (applied["by"], applied["choice"], applied["rejected"]) == (stack.local.user, "Approve all", [2])
    approved = len(applied["approved"])
    assert approved >= 1
    left = offered - approved - 1
    assert review.statuses() == ["approved"] * approved + ["rejected"] + ["suggested"] * left


def ingested(stack: RunningStack, order: Order) -> Reviewed:
    key = stack.drop(order)
    assert stack.ended(key).state == "success"
    stack.api.pause(REVIEW, False)
    return Reviewed(stack, key)


def outline(number: int) -> tuple[tuple[float, float], ...]:
    x, y = 0.11 + 0.2 * (number % 4), 0.1 + 0.1 * (number // 4)
    return ((x, y), (x + 0.15, y), (x + 0.15, y + 0.05), (x, y + 0.05))


def plates_in_view(review: Reviewed) -> dict[str, Detection]:
    """The plates that the image shows whole, by their tags, each read badly: a zero is taken for the letter."""
    document = json.loads((truth_of(IN_THE_UI, review.stack.samples) / "plates.json").read_text(encoding="utf-8"))
    image = review.images[0].external_id
    return {
        plate["tag"]: Detection(
            image, region["face"], plate["tag"].replace("0", "O"), READ_BADLY, tuple(map(tuple, region["polygon"]))
        )
        for plate in document["plates"]
        if plate["asset"]
        for regions in plate["seen"].values()
        for region in regions
        if region["visible"] * region["share"] > 0.99 and region["cap_height_px"] >= SEEN_WELL_PX
    }


def tries(stack: RunningStack, run: str, task: str, page: int) -> int:
    """The number of the newest try."""
    return next(
        int(each["try_number"])
        for each in stack.api.task_instances(REVIEW, run)
        if (each["task_id"], each["map_index"]) == (task, page)
    )


def test_decisions_that_are_lost_from_the_records_are_told(stack: RunningStack) -> None:
    """After the first test, whose capture people have decided about."""
    note = stack.local.home.records / "hall-7" / BY_REST.capture / "notes" / "decisions.json"
    kept = note.read_bytes()
    note.unlink()
    stack.api.pause(RECONCILE, False)
    run = stack.api.trigger(RECONCILE, {})
    stack.until(lambda: stack.api.run(RECONCILE, run)["state"] == "failed", "the loss to be told")
    site = next(each for each in stack.api.task_instances(RECONCILE, run) if each["state"] == "failed")
    assert (site["rendered_map_index"], site["try_number"]) == ("hall-7", 1)
    told = stack.api.log(RECONCILE, run, "compare", 1, site["map_index"])
    assert f"{BY_REST.key}: Missing from the records: 22 of 22 decisions of people." in told
    assert "How to fix it: Do what the sentences say." in told

    note.write_bytes(kept)
    again = stack.api.trigger(RECONCILE, {})
    stack.until(lambda: stack.api.run(RECONCILE, again)["state"] in {"success", "failed"}, "another look")
    assert stack.api.run(RECONCILE, again)["state"] == "success", stack.api.log(
        RECONCILE, again, "compare", 1, site["map_index"]
    )
