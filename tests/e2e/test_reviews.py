"""A person's answer by the REST API, from the suggestion to the decision in CDF."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
from cognite.client.data_classes import AnnotationFilter, AssetWrite

from capture360.matching.documents import detection_document
from capture360.model import Detection
from capture360.settings import Register
from capture360.steps.annotate import annotate
from capture360.steps.context import StepContext
from capture360.steps.detect import images_of
from capture360.steps.match import match
from capture360_local.demo.deliveries import Order
from running_stack import RunningStack

REVIEW = "captures_review"
REVIEWED = Order("reviewed", "cubemap", 1, "plates that a person decides on")
TAGS = [f"33-LT-{number}" for number in range(2001, 2023)]
ALL_PAGES = "/dags/captures_review/dagRuns/{run}/hitlDetails"


def test_an_answer_to_one_page_is_applied_while_the_other_still_waits(stack: RunningStack) -> None:
    key = stack.drop(REVIEWED)
    assert stack.ended(key).state == "success"
    suggest(stack)
    stack.api.pause(REVIEW, False)
    run = stack.api.trigger(REVIEW, {"capture": str(key)})
    pages = stack.until(lambda: waiting(stack, run, 2), "two pages to be asked about")
    first = next(page for page in pages if page["task_instance"]["map_index"] == 0)
    assert first["subject"] == f"{key}: 20 suggested links, page 1 of 2"
    picture = first["body"].partition("![plate 1](")[2].partition(")")[0]
    with httpx.Client(base_url=stack.api.url, trust_env=False) as browser:
        assert browser.get(picture).status_code == 401
        credentials = {"username": stack.local.user, "password": stack.local.password}
        token = browser.post("/auth/token", json=credentials).json()["access_token"]
        shown = browser.get(picture, headers={"authorization": f"Bearer {token}"})
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")

    answer = {"chosen_options": ["Approve all"], "params_input": {"approve": "", "reject": "2, 4"}}
    stack.api.request("PATCH", f"/dags/{REVIEW}/dagRuns/{run}/taskInstances/pages.ask/0/hitlDetails", json=answer)
    receipt = stack.records.load(key)
    assert receipt is not None
    record = stack.until(lambda: stack.records.get(key, receipt.fingerprint, "review", 0), "the answer to be applied")
    assert (record.body["by"], record.body["rejected"]) == (stack.local.user, [2, 4])
    assert sorted(statuses(stack).values()) == ["approved"] * 18 + ["rejected"] * 2 + ["suggested"] * 2
    assert len(waiting(stack, run, 1) or ()) == 1
    stack.until(lambda: stack.api.run(REVIEW, run)["state"] == "running", "the run to wait for the other page")

    later = stack.api.trigger(REVIEW, {"capture": str(key)})
    stack.until(lambda: waiting(stack, later, 1), "what is left to be asked anew")
    answer = {"chosen_options": ["Approve all"], "params_input": {"approve": "", "reject": ""}}
    stack.api.request("PATCH", f"/dags/{REVIEW}/dagRuns/{run}/taskInstances/pages.ask/1/hitlDetails", json=answer)
    stack.until(lambda: stack.api.run(REVIEW, run)["state"] == "success", "the end of the older review")
    assert "has asked anew" in stack.api.log(REVIEW, run, "pages.apply", 1, 1)
    stack.api.request("PATCH", f"/dags/{REVIEW}/dagRuns/{later}/taskInstances/pages.ask/0/hitlDetails", json=answer)
    stack.until(lambda: stack.api.run(REVIEW, later)["state"] == "success", "the end of the newer review")
    assert sorted(statuses(stack).values()) == ["approved"] * 20 + ["rejected"] * 2


def suggest(stack: RunningStack) -> None:
    """Plates that were read badly, as if by the tasks before."""
    stack.cdf.client.assets.create([AssetWrite(name=tag, external_id=tag) for tag in TAGS])
    stack.until(lambda: len(stack.cdf.client.assets.list(limit=None)) >= len(TAGS), "CDF to list the assets")
    key, site = REVIEWED.key, Register(str(stack.local.home.register)).site(REVIEWED.site)
    receipt = stack.records.load(key)
    assert receipt is not None
    ctx = StepContext(site, stack.records, stack.cdf, "the test", lambda _: None)
    image, *_ = images_of(ctx, key, receipt.fingerprint)
    documents = [
        detection_document(Detection(image.external_id, "front", tag, 0.7, outline(number)))
        for number, tag in enumerate(TAGS)
    ]
    body = {"engine": "by hand", "detections": documents, "findings": []}
    stack.records.put(key, receipt.fingerprint, "detect", body, run="the test", batch=0)
    match(ctx, key, receipt.fingerprint)
    annotate(ctx, key, receipt.fingerprint)


def outline(number: int) -> tuple[tuple[float, float], ...]:
    x, y = 0.11 + 0.2 * (number % 4), 0.1 + 0.1 * (number // 4)
    return ((x, y), (x + 0.15, y), (x + 0.15, y + 0.05), (x, y + 0.05))


def waiting(stack: RunningStack, run: str, count: int) -> list[Mapping[str, Any]] | None:
    """The pages of a run that nobody has answered, once there are so many."""
    found = stack.api.request("GET", ALL_PAGES.format(run=run), params={"response_received": False})["hitl_details"]
    return found if len(found) == count else None


def statuses(stack: RunningStack) -> dict[str, str]:
    """Status of each link by its text."""
    site = Register(str(stack.local.home.register)).site(REVIEWED.site)
    receipt = stack.records.load(REVIEWED.key)
    assert receipt is not None
    ctx = StepContext(site, stack.records, stack.cdf, "the test", lambda _: None)
    files = [
        {"external_id": image.faces["front"].external_id} for image in images_of(ctx, REVIEWED.key, receipt.fingerprint)
    ]
    there = stack.cdf.client.annotations.list(AnnotationFilter("file", files), limit=None)
    return {str(item.data["text"]): str(item.status) for item in there}
