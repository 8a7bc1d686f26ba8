"""A real browser that is logged in to a stack's Airflow."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from capture360_local.stack import Stack

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

DESKTOP: Mapping[str, int] = {"width": 1440, "height": 900}
PHONE: Mapping[str, int] = {"width": 390, "height": 844}
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PATIENCE_MS = 120_000


@contextmanager
def signed_in(local: Stack, url: str) -> Iterator[Page]:
    """A desktop page behind the login; skips the test where no browser is found."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launched(playwright)
        page = browser.new_context(viewport=dict(DESKTOP)).new_page()
        page.set_default_timeout(_PATIENCE_MS)
        page.goto(url)
        page.locator("input[name=username]").fill(local.user)
        page.locator("input[name=password]").fill(local.password)
        page.locator("button[type=submit]").click()
        page.wait_for_url(lambda there: "/login" not in there)
        yield page
        browser.close()


def launched(playwright: Playwright, *arguments: str) -> Browser:
    """A browser without a window; skips the test where none is found."""
    own = Path(playwright.chromium.executable_path)
    found = str(own) if own.exists() else next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip(f"no browser was found: neither Playwright's own nor {', '.join(_NAMES)}")
    return playwright.chromium.launch(executable_path=found, args=["--no-proxy-server", "--no-sandbox", *arguments])
