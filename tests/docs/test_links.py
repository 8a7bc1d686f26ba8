"""Every link of a page leads to a file of the checkout, and to a heading of it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")})


def without_code(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors that a forge makes of the headings: small letters, a minus for a blank, no other sign but these."""
    headings = re.findall(r"^#+ +(.+?) *$", without_code(page), re.MULTILINE)
    return frozenset(re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings)


def broken(page: Path) -> list[str]:
    """The links of the page that lead nowhere."""
    wrong = []
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", without_code(page))):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if "://" not in link and not (target.exists() and (not anchor or anchor in anchors(target))):
            wrong.append(link)
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page: Path) -> None:
    assert not broken(page)


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "dags.md").write_text("# DAGs\n## captures_review: `ask`\n```\n# no heading\n```\n")
    page = tmp_path / "page.md"
    wrong = ["dags.md#captures-review", "dag.md", "#no-heading", "dags.md#no-heading"]
    links = [*wrong, "dags.md#captures_review-ask", "dags.md", "https://example.com/x#y", "#a-page"]
    page.write_text("# A page\n" + "\n".join(f"[x]({link})" for link in links))
    assert broken(page) == wrong
