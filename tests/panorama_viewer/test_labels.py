"""What names from outside become in labels: the same escapes that reports and logs show."""

from __future__ import annotations

import importlib.resources

import pytest
from playwright.sync_api import sync_playwright

from browser import launched
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
