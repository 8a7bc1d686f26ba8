"""What names from outside become in labels: the same escapes that reports and logs show."""

from __future__ import annotations

import importlib.resources

import pytest
from playwright.sync_api import Route, sync_playwright

from browser import launched
from capture360.model import Detection
from capture360.text import visible

pytestmark = pytest.mark.browser
NAMES = (
    "Pump \u202e001",
    "a\x1b[31mb",
    "x\u200by",
    "l\u2028m",
    "\U000e0001t",
    "\u3164",
    "Sj\u00f8 \u2013 \u65e5 \U0001f600",
    "<b>&",
)


def test_labels_show_what_turns_or_hides_text() -> None:
    source = importlib.resources.files("panorama_viewer").joinpath("text.js").read_text()
    script = """async ([source, names]) => {
      const { visible } = await import("data:text/javascript," + encodeURIComponent(source));
      return names.map(visible);
    }"""
    with sync_playwright() as playwright:
        browser = launched(playwright)
        try:
            shown = browser.new_page().evaluate(script, [source, list(NAMES)])
        finally:
            browser.close()
    assert shown == [visible(name) for name in NAMES]


def test_a_plate_of_two_lines_is_found_by_its_tag_and_shows_no_escape() -> None:
    text = Detection("a", "front", "PT\n2001", 0.9, ()).on_one_line
    plate = {"station": "a", "face": "front", "polygon": [[0, 0], [1, 0], [1, 1]], "text": text, "links": []}
    station = {"id": "a", "name": "a", "position": [0, 0, 0], "rotation": [1, 0, 0, 0], "faces": {}}
    script = """async (document) => {
      const { Capture } = await import("/capture.js");
      const capture = new Capture(document, location.href);
      return ["PT-2001", "pt 2001", "PT2001"].map((wanted) => capture.search(wanted).map(({ tag }) => tag));
    }"""
    with sync_playwright() as playwright:
        browser = launched(playwright)
        try:
            page = browser.new_page()
            page.route("http://viewer.test/**", _file)
            page.goto("http://viewer.test/")
            shown = page.evaluate(script, {"capture": "a", "stations": [station], "plates": [plate]})
        finally:
            browser.close()
    assert shown == [["PT / 2001"]] * 3


def _file(route: Route) -> None:
    """Answer with the viewer's script of that name, or an empty page."""
    name = route.request.url.rpartition("/")[2]
    if name.endswith(".js"):
        script = importlib.resources.files("panorama_viewer").joinpath(name).read_text()
        route.fulfill(content_type="text/javascript", body=script)
    else:
        route.fulfill(content_type="text/html", body="")
