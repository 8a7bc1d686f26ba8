"""Photograph the pages that the README shows, on the stack that `make demo` and `make up` left.

    make demo && make up && .venv/bin/python tools/pictures.py [FOLDER]

Pictures are written to `docs/pictures/`: the list of captures, a panorama with its plates, a review and a validation
report. Chromium is driven by Playwright.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from capture360.model import CaptureKey
from capture360.records import Records
from capture360_cli.register import LOCAL_STATE
from capture360_local.demo.deliveries import SITE
from capture360_local.stack import Stack

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parents[1]
WIDTH, HEIGHT = 1280, 800
QUALITY = 80
_TIMEOUT_MS = 60_000
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main(folder: Path) -> None:
    """Take all pictures; those of a page that shows nothing are left as they are, and named."""
    stack = Stack(LOCAL_STATE)
    url = stack.status().url
    if not url:
        raise SystemExit("No stack runs here. Run: make demo && make up")
    folder.mkdir(parents=True, exist_ok=True)
    records = Records(str(stack.home.records))
    published, rejected = _chosen(records)
    pages = {
        "captures": "captures",
        "panorama": f"view/{published}",
        "review": f"review/{published}",
        "report": f"reports/{rejected}/{records.fingerprints(rejected)[-1]}/validation.html",
    }
    with _signed_in(stack, url) as page:
        for name, path in pages.items():
            page.goto(f"{url}/capture360/{path}", wait_until="networkidle")
            page.screenshot(path=folder / f"{name}.jpg", type="jpeg", quality=QUALITY)
            sys.stdout.write(f"{name}: {url}/capture360/{path}\n")


def _chosen(records: Records) -> tuple[CaptureKey, CaptureKey]:
    """The capture with the most matches, and one that was rejected."""
    matches: dict[CaptureKey, int] = {}
    rejected: list[CaptureKey] = []
    for key in records.keys_of(SITE):
        newest = records.fingerprints(key)[-1]
        matched, verdict = records.get(key, newest, "match"), records.get(key, newest, "validate")
        if matched is not None:
            matches[key] = len(matched.body["matches"])
        if verdict is not None and verdict.body["verdict"] == "rejected":
            rejected.append(key)
    if not matches or not rejected:
        raise SystemExit("No capture is matched, or none was rejected. Run make demo to its end first.")
    return max(matches, key=lambda key: matches[key]), rejected[0]


@contextmanager
def _signed_in(stack: Stack, url: str) -> Iterator[Page]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
        found = str(own) if own.exists() else next(filter(None, map(shutil.which, _BROWSERS)), None)
        if found is None:
            raise SystemExit("No browser was found. Install chromium, or run: playwright install chromium")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-proxy-server"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.set_default_timeout(_TIMEOUT_MS)
        page.goto(url)
        page.locator("input[name=username]").fill(stack.user)
        page.locator("input[name=password]").fill(stack.password)
        page.locator("button[type=submit]").click()
        page.wait_for_url(lambda there: "/login" not in there)
        yield page
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "pictures")
