"""People decide about plates in a real browser: by keyboard, by hand on a phone, and two at once."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Page, expect

from browser import DESKTOP
from capture360.model import Asset, Match
from capture360.steps.context import StepContext
from capture360.steps.review import begin
from capture360.steps.review_answers import Answer, answers, give
from capture360.steps.review_due import match_digest, note_end
from capture360.steps.review_page import newest_review
from open_review import asking, forget_runs, response
from shown_capture import FINGERPRINT, SECOND, matches_of, record_matches

if TYPE_CHECKING:
    from conftest import Served

pytestmark = pytest.mark.browser
PHONE = {"width": 375, "height": 740}
RUN = "manual__review"
PATH = f"capture360/review/{SECOND}"
KEEP = os.environ.get("CAPTURE360_SCREENSHOTS")


@pytest.fixture(autouse=True)
def asked(served: Served) -> Iterator[None]:
    """Every plate of SECOND was read with the letter O for the digit 0, and both tags are suggested."""
    from capture360.cdf.registry import mode_of

    shown = served.shown
    records = shown.records
    collections = mode_of(shown.cdf).images(shown.cdf, shown.site).collections(SECOND)
    published = {"link": "", "collections": [["captures", each.external_id] for each in collections]}
    records.put(SECOND, FINGERPRINT, "publish", published, run="test")
    matches = list(plates_of(matches_of(SECOND, shown.plant)))
    run = f"Airflow run captures_review {RUN}"
    ctx = StepContext(shown.site, records, shown.cdf, run, lambda _: None)
    record_matches(ctx, SECOND, matches)
    linked = {"plates": {"asked": len(matches)}, "match": match_digest(records, SECOND, FINGERPRINT)}
    records.put(SECOND, FINGERPRINT, "annotate", linked, run="test")
    for name in records.note_names(SECOND, "notes/plates"):
        records.store.remove(f"{SECOND}/notes/plates/{name}.json")
    begin(ctx, SECOND, FINGERPRINT)
    asking(RUN)
    yield
    forget_runs()
    record_matches(ctx, SECOND, ())


def plates_of(matches: Iterable[Match]) -> Iterator[Match]:
    """The matches as plates with one question each: of a tag with a 0 nobody can tell whether that is the letter O."""
    views: dict[str, list[Match]] = defaultdict(list)
    for match in matches:
        assert match.asset is not None
        views[match.asset.ref].append(match)
    for ref, some in views.items():
        tag = some[0].detection.text
        asset = some[0].asset
        assert asset is not None
        other = Asset(f"9{ref}", tag.replace("0", "O", 1), (tag.replace("0", "O", 1),))
        tie = "0" in tag
        shares = ((asset, 0.55), (other, 0.45)) if tie else ((asset, 0.8),)
        reason = "letters that look alike decide" if tie else "the plate may go on"
        for number, match in enumerate(some):
            seen = replace(match.detection, text=other.name if tie else tag)
            status = "dropped" if number else "suggested"
            yield Match(seen, asset, shares[0][1], status, reason, shares, f"plate {ref}")


def opened(browser: Browser, served: Served, token: str, **context: Any) -> Page:
    made = browser.new_context(**context)
    made.add_cookies([{"name": "_token", "value": token, "url": served.url}])
    page = made.new_page()
    page.goto(f"{served.url}/{PATH}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page


def keep(page: Page, name: str) -> None:
    """A picture for whoever looks at the pages."""
    if KEEP:
        page.screenshot(path=Path(KEEP) / f"{name}.png")


def stored(served: Served) -> list[tuple[str, str]]:
    """What is stored about each plate, in the order of the cards: choice and name of the asset."""
    review = newest_review(served.shown.records, SECOND)
    assert review is not None
    given = answers(served.shown.records, SECOND, review.plates.keys())
    found = [given.get(plate) for plate in review.plates]
    return [(each.choice, each.asset.name if each.asset else "") if each else ("", "") for each in found]


def found(page: Page, tag: str) -> None:
    """Choose a tag in the panorama viewer."""
    expect(page.locator(".caption")).to_contain_text("Hall stop", timeout=60_000)
    page.locator("#tag").fill(tag)
    page.locator("#found button").first.click()


def test_a_suggested_plate_of_the_panorama_leads_to_its_card(browser: Browser, served: Served) -> None:
    page = opened(browser, served, served.deciding, viewport=dict(DESKTOP))
    card = page.locator(".card").last
    tag = str(card.locator(".candidate .tag").first.text_content())  # it is not laid out, so it has no inner text
    plate = str(card.get_attribute("id"))
    page.goto(f"{served.url}/capture360/view/{SECOND}")
    found(page, tag)
    with page.expect_popup() as review:
        page.locator("#details").get_by_role("link", name="Decide in the review").click()
    asked = review.value.locator(f"#{plate}")
    expect(asked).to_have_attribute("aria-current", "true")
    expect(asked.get_by_role("heading")).to_be_in_viewport()
    note_end(served.shown.records, SECOND, f"Airflow run captures_review {RUN}")
    page.reload()
    found(page, tag)
    expect(page.locator("#details")).to_contain_text("suggested")
    expect(page.get_by_role("link", name="Decide in the review")).to_have_count(0)
    page.context.close()


def test_five_plates_are_decided_by_keyboard_and_one_is_taken_back(browser: Browser, served: Served) -> None:
    page = opened(browser, served, served.deciding, viewport=dict(DESKTOP))
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    cards = page.locator(".card")
    count = cards.count()
    assert count >= 6
    expect(cards.first).to_have_attribute("aria-current", "true")
    expect(cards.first.locator("img").first).to_have_js_property("complete", True)
    expect(cards.first).to_have_accessible_name(f"Plate 1 of {count}: {cards.first.get_attribute('data-question')}")
    none = cards.first.get_by_role("button", name="None of them", exact=True)
    expect(none).to_have_attribute("aria-keyshortcuts", "R")
    keep(page, "review-desktop")
    tags = [cards.nth(n).locator(".candidate .tag").all_inner_texts() for n in range(5)]
    for key in "arsa2" if len(tags[4]) > 1 else "arsaa":
        page.keyboard.press(key)
    expect(page.locator("#done")).to_have_text("5")
    expect(cards.nth(4).locator(".said")).to_contain_text("by somebody")
    expect(cards.nth(0).locator(".said .tag")).to_have_text(tags[0][0])  # in letters that tell 0 from O
    last = tags[4][1] if len(tags[4]) > 1 else tags[4][0]
    right = [("approve", tags[0][0]), ("reject", ""), ("leave", ""), ("approve", tags[3][0]), ("approve", last)]
    assert stored(served)[:5] == right
    expect(cards.nth(5)).to_have_attribute("aria-current", "true")
    keep(page, "review-decided")
    page.keyboard.press("u")
    expect(page.locator("#done")).to_have_text("4")
    expect(cards.nth(4).locator(".said")).to_have_text("Taken back by somebody")
    assert stored(served)[4] == ("open", "")
    page.reload()
    expect(page.locator("#done")).to_have_text("4")
    expect(cards.nth(4)).to_have_attribute("aria-current", "true")
    expect(cards.nth(0).locator(".said .tag")).to_have_text(tags[0][0])
    page.keyboard.press("w")
    expect(cards.nth(4).locator(".wide img")).to_be_in_viewport(ratio=0.9)
    keep(page, "review-wide")
    with page.expect_popup() as panorama:
        page.keyboard.press("p")
    expect(panorama.value.locator(".caption")).to_contain_text("Hall stop", timeout=60_000)
    assert "heading=" in panorama.value.url
    assert wrong == []
    page.context.close()


def test_one_answer_for_all_that_ask_the_same_and_finishing_answers_airflow(browser: Browser, served: Served) -> None:
    page = opened(browser, served, served.deciding, viewport=dict(DESKTOP), color_scheme="dark")
    question = "Digit 0 or letter O?"
    alike = page.locator(f'.card[data-question="{question}"]')
    assert alike.count() >= 2
    alike.first.locator("h2").click()
    page.keyboard.press("b")
    keep(page, "review-dark")
    page.keyboard.press("a")
    expect(page.locator("#done")).to_have_text(str(alike.count()))
    for card in alike.all():
        expect(card).to_have_attribute("data-choice", "approve")
    while page.locator('.card[data-choice="open"]').count():
        page.keyboard.press("s")
    expect(page.locator("#says")).to_contain_text("All plates are decided.")
    page.keyboard.press("Enter")
    expect(page.locator("#says")).to_contain_text("captures_review writes it to CDF")
    assert response(RUN)[0] == ["Leave the rest"]
    page.reload()
    expect(page.locator(".problem")).to_contain_text("Somebody has answered this review as a whole.")
    expect(page.get_by_role("button", name="Finish")).to_have_count(0)
    page.context.close()


def test_answers_are_sent_to_their_end_though_the_page_is_left_unless_browsers_refuse_so_many_bytes(
    browser: Browser, served: Served
) -> None:
    page = opened(browser, served, served.deciding)
    page.evaluate("""() => {
        window.kept = [];
        const send = window.fetch;
        window.fetch = (url, options) => (window.kept.push(options.keepalive), send(url, options));
    }""")
    alike = page.locator('.card[data-question="Digit 0 or letter O?"]')
    alike.first.locator("h2").click()
    page.keyboard.press("b")
    page.keyboard.press("r")
    expect(alike.last.locator(".said")).to_contain_text("by somebody")
    page.locator(".candidate").first.evaluate("each => { each.dataset.asset = 'é'.repeat(30000); each.click(); }")
    expect(page.locator("#says")).to_have_class("conflict")
    assert page.evaluate("window.kept") == [True, False]
    page.context.close()


def test_of_two_people_the_second_is_shown_the_answer_of_the_first(browser: Browser, served: Served) -> None:
    one, other = (opened(browser, served, served.deciding) for _ in range(2))
    one.keyboard.press("a")
    expect(one.locator("#done")).to_have_text("1")
    expect(one.locator(".card .said").first).to_contain_text("by somebody")
    other.keyboard.press("r")
    expect(other.locator("#says")).to_have_text("Somebody was faster with plate 1; what is shown there holds.")
    expect(other.locator(".card .said").first).to_contain_text("Somebody was faster:")
    expect(other.locator(".card").first).to_have_attribute("data-choice", "approve")
    assert stored(served)[0][0] == "approve"
    for page in (one, other):
        page.context.close()


def test_undo_brings_the_answer_before_back(browser: Browser, served: Served) -> None:
    page = opened(browser, served, served.deciding)
    card = page.locator(".card").first
    for key in "ra":
        card.locator("h2").click()
        page.keyboard.press(key)
    expect(card).to_have_attribute("data-choice", "approve")
    expect(card).to_have_attribute("data-version", "2")
    for before, version in (("reject", "3"), ("open", "4")):
        page.keyboard.press("u")
        expect(card).to_have_attribute("data-version", version)
        assert stored(served)[0] == (before, "")
    page.context.close()


def test_undo_of_a_change_brings_the_answer_of_the_other_person_back_before_finish(
    browser: Browser, served: Served
) -> None:
    review = newest_review(served.shown.records, SECOND)
    assert review is not None
    plate = next(iter(review.plates))
    given = Answer("reject", None, "Bo", "2026-01-02T03:04:05+00:00")
    assert give(served.shown.records, SECOND, plate, 0, given)[1]
    page = opened(browser, served, served.deciding)
    card = page.locator(".card").first
    expect(card.locator(".said")).to_have_text("None of them by Bo, 2026-01-02 03:04 UTC")
    card.locator("h2").click()
    page.keyboard.press("a")
    expect(card.locator(".said")).to_contain_text("by somebody")
    page.evaluate("""() => {
        document.querySelector('[data-do="undo"]').click();
        document.querySelector('[data-do="finish"]').click();
    }""")
    expect(page.locator("#says")).to_contain_text("captures_review writes it to CDF")
    expect(card.locator(".said")).to_have_text("None of them by Bo, 2026-01-02 03:04 UTC")
    assert answers(served.shown.records, SECOND, {plate}) == {plate: replace(given, version=3)}
    page.context.close()


def test_finish_waits_for_answers_and_stops_if_one_did_not_count(browser: Browser, served: Served) -> None:
    page = opened(browser, served, served.deciding)
    page.route("**/answers", lambda route: route.abort(), times=1)
    finish = page.get_by_role("button", name="Finish")
    page.evaluate("""() => {
        for (const each of [...document.querySelectorAll('.card [data-do="reject"]')].slice(0, 2)) each.click();
        document.querySelector('[data-do="finish"]').click();
    }""")
    expect(page.locator("#says")).to_contain_text(
        "since an answer did not count. Look at the plates, and finish again. Cause: Failed to fetch"
    )
    expect(page.locator("#says")).to_have_class("conflict")
    expect(page.locator("#done")).to_have_text("1")
    assert response(RUN)[0] is None
    finish.click()
    expect(page.locator("#says")).to_contain_text("captures_review writes it to CDF")
    page.context.close()


def test_a_reader_sees_plates_and_no_buttons_to_decide(browser: Browser, served: Served) -> None:
    page = opened(browser, served, served.token)
    expect(page.locator(".problem")).to_contain_text("edit captures_review")
    assert page.locator("button[data-do]:not([data-do=wide])").count() == 0
    page.keyboard.press("a")
    status = page.evaluate("""async () => {
        const plate = document.querySelector(".card").dataset.plate;
        const body = JSON.stringify({
            review: document.body.dataset.review, answers: [{ plate, version: 0, choice: "reject" }],
        });
        const headers = { "Content-Type": "application/json" };
        return (await fetch(`${location.pathname}/answers`, { method: "POST", headers, body })).status;
    }""")
    assert status == 403
    assert {choice for choice, _ in stored(served)} == {""}
    page.context.close()


def test_a_phone_decides_by_touch_and_finds_another_asset(browser: Browser, served: Served) -> None:
    page = opened(browser, served, served.deciding, viewport=PHONE, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    keep(page, "review-phone")
    card = page.locator(".card").first
    tall = "all => all.every(each => each.getBoundingClientRect().height >= 40)"
    assert card.locator("button.candidate").evaluate_all(tall)
    card.get_by_role("searchbox").fill(served.shown.plant.assets[0][0])
    card.get_by_role("button", name="Find").tap()
    found = card.locator(".found .candidate").first
    expect(found).to_be_visible(timeout=60_000)
    keep(page, "review-phone-search")
    assert "".join(found.locator(".digit").all_inner_texts()) == re.sub(r"\D", "", served.shown.plant.assets[0][0])
    found.tap()
    expect(page.locator("#done")).to_have_text("1")
    expect(card.locator(".said")).to_contain_text("by somebody")
    assert stored(served)[0] == ("approve", served.shown.plant.assets[0][0])
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    page.context.close()
