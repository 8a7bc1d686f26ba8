"""The reference pages are what the code says today."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture360_cli.docs import pages

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(("name", "page"), pages(ROOT).items())
def test_a_generated_page_is_up_to_date(name: str, page: str) -> None:
    assert (ROOT / "docs/reference" / name).read_text() == page, "run `make docs`"


def test_every_setting_says_what_it_is_or_has_a_telling_name() -> None:
    page = pages(ROOT)["settings.md"]
    assert "| `landing.url` | `str` | required | Folder of the site's captures" in page
    assert page.count("\n| `") > 40
