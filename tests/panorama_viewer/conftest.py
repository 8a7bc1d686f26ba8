"""The Airflow home first, and one shown capture for all tests of the viewer."""

import airflow_home  # noqa: F401 - sets the environment before Airflow is imported

# isort: split
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from browser import launched
from shown_capture import Shown, airflow_server, shown_capture


@dataclass(frozen=True)
class Served:
    """What is shown, where, and what lets in a reader, and somebody who decides."""

    shown: Shown
    url: str
    token: str
    deciding: str

    def get(self, path: str, token: bool = True, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """One request of our web application, by default of somebody who is logged in."""
        cookies = {"_token": self.token} if token else {}
        url = f"{self.url}/capture360/{path}"
        return httpx.get(url, cookies=cookies, headers=headers, trust_env=False, timeout=60)

    def reader(self, browser: Browser, **context: Any) -> Page:
        """A page of somebody who is logged in and may look only."""
        made = browser.new_context(**context)
        made.add_cookies([{"name": "_token", "value": self.token, "url": self.url}])
        return made.new_page()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with shown_capture(tmp_path_factory.mktemp("shown")) as shown, airflow_server() as (url, token):
        yield Served(shown, url, token("VIEWER"), token("USER"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for the tests of one module."""
    with sync_playwright() as playwright:
        started = launched(playwright)
        yield started
        started.close()
