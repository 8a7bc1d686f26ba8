"""Photograph the pages that the README shows, on the stack that `capture360 demo --open` left running.

    capture360 demo --open
    .venv/bin/python tools/pictures.py [FOLDER]

Writes `panorama.png`, `review.png`, `report.png` and `sample-report.png`, a whole report, by default to
`docs/pictures/`, none of them larger than `MOST_BYTES`. Chromium is driven by Playwright. No address bar is in them.
"""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from capture360.model import CaptureKey, Verdict
from capture360.records import Records
from capture360.steps.captures import newest_deliveries
from capture360_local import LOCAL_STATE
from capture360_local.demo.deliveries import ORDERS
from capture360_local.demo.next_steps import PAGES, next_steps
from capture360_local.stack import Stack

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
MOST_BYTES = 300_000
_SIZE = (1280, 800)
_TIMEOUT_MS = 90_000
_WHOLE = "sample-report"
_WHOLE_WIDTH = 800
_STEPS_BACK = 4
"""How far to zoom out of a plate, so that the hall around it is seen."""
_COLOURS = (256, 128, 64)
_KMEANS = 2
"""Rounds that bring the colours nearer to those of small things, such as the states of plates."""
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ALL_LOADED = "() => [...document.images].every(each => each.loading === 'lazy' || each.naturalWidth > 0)"


def main(folder: Path) -> None:
    """Take all pictures; SystemExit if there is no stack, no browser, or nothing to show."""
    stack = Stack(LOCAL_STATE)
    status = stack.status()
    if not status.running:
        raise SystemExit("No stack runs here. Run: capture360 demo --open")
    records, keys = Records(str(stack.home.records)), [order.key for order in ORDERS]
    paths: dict[str, str] = {}
    for step in next_steps(records, keys):
        paths.setdefault(step.path.removeprefix(f"{PAGES}/").partition("/")[0], step.path)
    report = _report(records, keys)
    if not report or not {"view", "review"} <= paths.keys():
        raise SystemExit("There is no panorama, review or report to show. Run: make clean demo")
    folder.mkdir(parents=True, exist_ok=True)
    taken: Mapping[str, tuple[str, Callable[[Page], None]]] = {
        "panorama": (paths["view"], _plate_turned_to),
        "review": (paths["review"], _pictures_loaded),
        "report": (report, _pictures_loaded),
        "sample-report": (report, _pictures_loaded),
    }
    with _signed_in(stack, status.url) as page:
        for name, (path, ready) in taken.items():
            page.goto(f"{status.url}{path}")
            ready(page)
            content = small_enough(page.screenshot(type="png", full_page=name == _WHOLE))
            (folder / f"{name}.png").write_bytes(content)
            sys.stdout.write(f"{folder / name}.png: {len(content)} bytes\n")


def _report(records: Records, keys: Sequence[CaptureKey]) -> str:
    """The address of the report on a capture that was accepted in part, which has something of everything."""
    for newest in newest_deliveries(records, keys):
        if newest.delivery and newest.delivery.verdict == Verdict.PARTIAL:
            return f"{PAGES}/reports/{newest.delivery.validation_report}"
    return ""


def _plate_turned_to(page: Page) -> None:
    """Turn to the first plate of the first station that has some, as a person who clicks on its name."""
    page.locator("#plates button").first.click()
    page.locator("#details h2").wait_for()
    page.locator("#panes").click(position={"x": 20, "y": 20})
    for _ in range(_STEPS_BACK):
        page.keyboard.press("-")
    page.locator("#plates button").first.focus()
    page.wait_for_load_state("networkidle")


def _pictures_loaded(page: Page) -> None:
    page.wait_for_load_state("networkidle")
    page.wait_for_function(_ALL_LOADED)


def small_enough(content: bytes) -> bytes:
    """A PNG with as many colours as `MOST_BYTES` allows; SystemExit if even few are too many."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    if picture.height > picture.width:
        picture = picture.resize((_WHOLE_WIDTH, round(picture.height * _WHOLE_WIDTH / picture.width)))
    for colours in _COLOURS:
        made = io.BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE, kmeans=_KMEANS).save(made, "PNG", optimize=True)
        if made.tell() <= MOST_BYTES:
            return made.getvalue()
    raise SystemExit(f"A picture of {picture.size} takes more than {MOST_BYTES} bytes.")


@contextmanager
def _signed_in(stack: Stack, url: str) -> Iterator[Page]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
        found = str(own) if own.exists() else next(filter(None, map(shutil.which, _BROWSERS)), None)
        if found is None:
            raise SystemExit("No browser was found. Install chromium, or run: playwright install chromium")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-proxy-server", "--no-sandbox"])
        width, height = _SIZE
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
        page.set_default_timeout(_TIMEOUT_MS)
        page.goto(url)
        page.locator("input[name=username]").fill(stack.user)
        page.locator("input[name=password]").fill(stack.password)
        page.locator("button[type=submit]").click()
        page.wait_for_url(lambda there: "/login" not in there)
        yield page
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
