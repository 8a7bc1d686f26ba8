"""The captures in a real browser, within Airflow's own page: find one, open it, open its panoramas."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, expect

from browser import DESKTOP
from capture360.reports.match import render
from capture360.reports.retraction import render_plan
from capture360.steps.review_due import note_review
from shown_capture import FINGERPRINT, FIRST

if TYPE_CHECKING:
    from conftest import Served

pytestmark = pytest.mark.browser
PHONE = {"width": 375, "height": 740}


@pytest.fixture(scope="module", autouse=True)
def recorded(served: Served) -> None:
    """What the steps record of a capture, and the run that headed it."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunType

    records = served.shown.records
    body = {"verdict": "partial", "headline": f"{FIRST} accepted in part.", "accepted": 3, "captured_on": "2026-01-02",
            "quarantined": {"s-4": ["P03"]}, "findings": []}  # fmt: skip
    points = [
        {"station": f"s-00{n}", "x": 2.5 * n, "y": 0.4 * n * n, "held_back": n == 4, "name": f"Hall stop {n}"}
        for n in range(1, 5)
    ]
    records.put(FIRST, FINGERPRINT, "validate", body, run="test")
    records.put(FIRST, FINGERPRINT, "floor_plan", {"points": points}, run="test")
    collections = [["captures", each.external_id] for each in _collections(served)]
    link = {"link": f"{served.url}/capture360/view/{FIRST}", "collections": collections, "thumbnail": "thumbnail.jpg"}
    records.put_report(FIRST, FINGERPRINT, "thumbnail.jpg", b"\xff\xd8 a picture")
    records.put(FIRST, FINGERPRINT, "publish", link, run="test")
    plates = {"linked": 9, "asked": 4, "missed": 1}
    records.put(FIRST, FINGERPRINT, "annotate", {"plates": plates}, run="test")
    note_review(records, FIRST, FINGERPRINT, "m", "test")
    records.put(FIRST, FINGERPRINT, "verify", {}, run="test")
    state = records.load(FIRST)
    assert state is not None
    records.mark_done(state)
    with create_session() as session:
        session.add(
            DagRun(
                dag_id="captures_ingest",
                run_id="asset_triggered__1",
                run_type=DagRunType.ASSET_TRIGGERED,
                run_after=datetime.now(UTC),
                state="success",
                partition_key=str(FIRST),
            )
        )


def _collections(served: Served) -> Any:
    from capture360.cdf.registry import mode_of

    shown = served.shown
    return mode_of(shown.cdf).images(shown.cdf, shown.site).collections(FIRST)


def test_a_capture_is_found_and_opened_up_to_its_panoramas(browser: Browser, served: Served) -> None:
    page = served.reader(browser, viewport=dict(DESKTOP))
    page.goto(f"{served.url}/plugin/captures")
    frame = page.frame_locator("iframe")
    rows = frame.locator(".captures tbody tr")
    expect(rows).to_have_count(2, timeout=60_000)
    frame.get_by_role("searchbox").fill("WALK-1")
    frame.get_by_role("button", name="Show").click()
    expect(rows).to_have_count(1)
    frame.get_by_role("link", name=str(FIRST)).click()
    expect(frame.get_by_role("heading", level=1)).to_have_text(str(FIRST))
    expect(frame.locator(".plan circle")).to_have_count(4)
    names = ["Hall stop 4 (s-004)", *(f"Hall stop {n}" for n in range(1, 4))]
    assert set(names) <= set(frame.locator(".plan text").all_text_contents())
    pictures = frame.locator("#sheet img")
    expect(pictures).to_have_count(3)
    expect(pictures.first).to_have_attribute("alt", "Front of Hall stop 1")
    pictures.first.scroll_into_view_if_needed()
    expect(pictures.first).to_have_js_property("naturalWidth", 192)
    with page.expect_popup() as opened:
        pictures.nth(1).click()
    expect(opened.value.locator(".caption")).to_contain_text("Hall stop 2", timeout=60_000)
    opened.value.close()
    with page.expect_popup() as opened:
        frame.get_by_role("link", name="Panorama viewer").click()
    expect(opened.value.locator(".caption")).to_contain_text("Hall stop 1", timeout=60_000)
    opened.value.close()
    frame.locator('a[href$="/asset_triggered__1"]').click()  # people may have started others
    expect(page).to_have_url(re.compile("/dags/captures_ingest/runs/asset_triggered__1"))
    page.context.close()


def test_a_sheet_without_cdf_says_so(browser: Browser, served: Served) -> None:
    page = served.reader(browser)
    sentence = {"detail": "CDF does not answer: <b>no</b> route."}
    page.route("**/views/**", lambda route: route.fulfill(status=503, json=sentence))
    page.goto(f"{served.url}/capture360/captures/{FIRST}")
    says = page.locator("#sheet [role=status]")
    expect(says).to_have_text(f"The pictures cannot be shown. {sentence['detail']}")
    page.unroute("**/views/**")
    stations = [
        {"id": f"i-{n}", "name": f"<i>{n}</i>", "faces": {"front": "../../faces/none?version=1"}} for n in range(30)
    ]
    page.route("**/views/**", lambda route: route.fulfill(json={"stations": stations}))
    page.reload()
    pictures = page.locator("#sheet img")
    expect(pictures).to_have_count(24)
    expect(page.locator("#sheet i")).to_have_count(0)
    page.get_by_role("button", name="Show all 30").click()
    expect(pictures).to_have_count(30)
    expect(page.get_by_role("button", name="Show all 30")).to_be_hidden()
    page.context.close()


@pytest.mark.parametrize("path", ["captures", f"view/{FIRST}"])
def test_the_pages_follow_the_theme_of_airflow(browser: Browser, served: Served, path: str) -> None:
    page = served.reader(browser, color_scheme="light")
    page.goto(f"{served.url}/capture360/{path}")
    background = "getComputedStyle(document.body).backgroundColor"
    for theme, colour in (
        ("dark", "rgb(21, 27, 33)"),
        ("light", "rgb(255, 255, 255)"),
        ("system", "rgb(255, 255, 255)"),
    ):
        page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
        page.reload()
        assert page.evaluate(background) == colour
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(background) == "rgb(21, 27, 33)"
    page.context.close()


def test_reports_have_the_theme_of_the_page_before_them(browser: Browser, served: Served) -> None:
    served.shown.records.put_report(FIRST, FINGERPRINT, "looks.html", render_plan(FIRST, {}, [], [], []).encode())
    page = served.reader(browser, color_scheme="light")
    for theme, colour in (("dark", "rgb(21, 27, 33)"), ("system", "rgb(255, 255, 255)")):
        page.goto(f"{served.url}/capture360/captures")
        page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
        page.reload()
        page.goto(f"{served.url}/capture360/reports/{FIRST}/{FINGERPRINT}/looks.html")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == colour
    page.context.close()


def test_a_report_leads_to_its_tables(browser: Browser, served: Served) -> None:
    tables = {"matches.csv": b"a,b", "matches.parquet": b"PAR1"}
    page = served.reader(browser)
    for name, content in {"matches.html": render("Match", [], [], lambda *_: b"").encode(), **tables}.items():
        served.shown.records.put_report(FIRST, FINGERPRINT, name, content)
    page.goto(f"{served.url}/capture360/reports/{FIRST}/{FINGERPRINT}/matches.html")
    for name, content in tables.items():
        with page.expect_download() as download:
            page.get_by_role("link", name=name).click()
        assert (download.value.suggested_filename, download.value.path().read_bytes()) == (name, content)
    page.context.close()


@pytest.mark.parametrize("width", [1100, 1216, 1920])
def test_the_table_leaves_names_room(browser: Browser, served: Served, width: int) -> None:
    page = served.reader(browser, viewport={"width": width, "height": 800})
    page.goto(f"{served.url}/capture360/captures")
    names = page.locator(".captures .key a").evaluate_all("all => all.map(each => each.getBoundingClientRect().height)")
    assert names
    assert all(height < 30 for height in names)
    heads = page.locator(".captures th").evaluate_all("all => all.map(each => each.getBoundingClientRect().height)")
    assert all(height < 70 for height in heads)
    assert page.locator(".wait").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.context.close()


@pytest.mark.parametrize("path", ["captures", f"captures/{FIRST}", f"digest/{FIRST.site}"])
def test_a_phone_shows_them_without_scrolling_sideways(browser: Browser, served: Served, path: str) -> None:
    page = served.reader(browser, viewport=PHONE, has_touch=True, is_mobile=True)
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.goto(f"{served.url}/capture360/{path}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    edges = page.locator(".wait").evaluate_all("all => all.map(each => each.getBoundingClientRect().right)")
    assert all(edge < PHONE["width"] for edge in edges)
    tops = "all => all.map(each => each.getBoundingClientRect().top - each.closest('td').getBoundingClientRect().top)"
    assert all(top < 12 for top in page.locator(".captures .state").evaluate_all(tops)), "a state beside its name"
    heights = page.locator("caption").evaluate_all("all => all.map(each => each.getBoundingClientRect().height)")
    assert all(height < 60 for height in heights)
    assert wrong == []
    page.context.close()
