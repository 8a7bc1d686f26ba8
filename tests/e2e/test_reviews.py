"""A person's answer, by the REST API and on the page, from the suggestion to the decision in CDF."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from cognite.client.data_classes import AssetWrite

from browser import signed_in
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


def test_a_capture_is_asked_about_once_and_the_newest_review_counts(stack: RunningStack) -> None:
    stack.cdf.client.assets.create([AssetWrite(name=tag, external_id=tag) for tag in TAGS])
    stack.until(lambda: len(stack.cdf.client.assets.list(limit=None)) >= len(TAGS), "CDF to list the assets")
    review = ingested(stack, BY_REST)
    image = review.images[0].external_id
    review.suggest(Detection(image, "front", tag, READ_BADLY, outline(number)) for number, tag in enumerate(TAGS))
    run = review.ask()
    asked = review.waiting(run)
    assert asked["subject"] == f"{review.key}: {len(TAGS)} plates to decide"
    assert len(asked["options"]) <= 4
    address = asked["body"].partition("[Open the review](")[2].partition(")")[0]
    with httpx.Client(base_url=stack.api.url, trust_env=False) as browser:
        assert browser.get(address).status_code == 401
        credentials = {"username": stack.local.user, "password": stack.local.password}
        token = browser.post("/auth/token", json=credentials).json()["access_token"]
        shown = browser.get(address, headers={"authorization": f"Bearer {token}"})
    assert f"<b>{len(TAGS)}</b> decided" in shown.text

    later = review.ask()
    review.waiting(later)
    review.ended(run)
    states = {each["task_id"]: each["state"] for each in stack.api.task_instances(REVIEW, run)}
    assert (states["lay_out"], states["ask"], states["apply"]) == ("skipped", "skipped", "skipped")
    assert "asks in place of this run" in stack.api.log(REVIEW, run, "lay_out", tries(stack, run, "lay_out"))
    assert review.statuses() == ["suggested"] * len(TAGS)
    review.answer(later, "Approve the rest", reject="2, 99")
    again = review.waiting(later)
    assert again["subject"] == f"{review.key}: answer again, {len(TAGS)} plates to decide"
    assert f'"99" in reject is not in the review, which shows 1 to {len(TAGS)}.' in again["body"]
    assert again["params"]["reject"]["value"] == "2"
    review.answer(later, "Approve the rest", reject="2, 4", task="ask_again")
    review.ended(later)
    applied = review.applied()
    assert (applied["by"], applied["rejected"]) == (stack.local.user, [2, 4])
    assert review.statuses() == ["approved"] * (len(TAGS) - 2) + ["rejected"] * 2


@pytest.mark.browser
def test_a_review_is_decided_and_finished_in_a_real_browser(stack: RunningStack, tmp_path: Path) -> None:
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
    keep = Path(os.environ.get("CAPTURE360_SCREENSHOTS", tmp_path))
    with signed_in(stack.local, stack.api.url) as page:
        run = review.ask()
        review.waiting(run)
        page.goto(f"{stack.api.url}/dags/{REVIEW}/runs/{run}/tasks/ask/required_actions")
        page.get_by_text(f"{review.key}: {offered} plates to decide").first.wait_for()
        page.get_by_role("button", name="Approve the rest").wait_for()
        link = page.get_by_role("link", name="Open the review").first
        page.screenshot(path=keep / "review-action.png")
        page.goto(urljoin(stack.api.url, str(link.get_attribute("href"))))
        page.locator(".card").nth(offered - 1).wait_for(state="attached")
        assert page.locator(".card").count() == offered
        page.keyboard.press("a")
        page.keyboard.press("r")
        page.get_by_text(f"Finish: write 2, leave {offered - 2}").wait_for()
        page.get_by_role("button", name="Finish").click()
        page.get_by_text("captures_review writes it to CDF now").wait_for()
        review.ended(run)
        assert review.asked(run) == []
        page.screenshot(path=keep / "review-finished.png")
    applied = review.applied()
    assert (applied["people"], applied["plates"]["asked"]) == ([stack.local.user], offered - 2)
    assert review.statuses() == ["approved", "rejected", *["suggested"] * (offered - 2)]


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


def tries(stack: RunningStack, run: str, task: str) -> int:
    """The number of the newest try."""
    return next(int(each["try_number"]) for each in stack.api.task_instances(REVIEW, run) if each["task_id"] == task)


def test_decisions_that_are_lost_from_the_records_are_told(stack: RunningStack) -> None:
    """After the first test, whose capture people have decided about."""
    note = stack.local.home.records / "hall-7" / BY_REST.capture / "notes" / "decisions.json"
    kept = note.read_bytes()
    note.unlink()
    stack.api.pause(RECONCILE, False)
    run = stack.api.trigger(RECONCILE, {})
    # For hours after its time of the day the scheduled run comes first, with all retries of a site that is not there.
    stack.until(lambda: stack.api.run(RECONCILE, run)["state"] == "failed", "the loss to be reported", 600)
    site = next(each for each in stack.api.task_instances(RECONCILE, run) if each["state"] == "failed")
    assert (site["rendered_map_index"], site["try_number"]) == ("hall-7", 1)
    told = stack.api.log(RECONCILE, run, "compare", 1, site["map_index"])
    assert f"{BY_REST.key}: Missing from the records: 22 of 22 decisions of people." in told
    assert "How to fix it: Do what the sentences say." in told

    note.write_bytes(kept)
    again = stack.api.trigger(RECONCILE, {})
    stack.until(lambda: stack.api.run(RECONCILE, again)["state"] in {"success", "failed"}, "another look", 600)
    states = {each["rendered_map_index"]: each["state"] for each in stack.api.task_instances(RECONCILE, again)}
    assert states["hall-7"] == "success", stack.api.log(RECONCILE, again, "compare", 1, site["map_index"])
