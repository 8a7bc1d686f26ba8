"""The reference pages are what the code says today, and say everything."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel, ConfigDict
from typer.testing import CliRunner

from capture360.errors import ConfigError
from capture360_cli.docs import DocumentationGap, command_page, dags_page, pages, settings_page
from capture360_cli.main import app

ROOT = Path(__file__).parent.parent.parent
PAGES = pages(ROOT, typer.main.get_command(app))
A_REPR = re.compile(
    r"FieldInfo|Optional\[|Annotated\[|Literal\[|NoneType|<class|<function|object at 0x|PosixPath\(|\bNone\b"
)


@pytest.mark.parametrize(("name", "page"), PAGES.items())
def test_a_generated_page_is_up_to_date(name: str, page: str) -> None:
    assert (ROOT / "docs/reference" / name).read_text() == page, "run `make docs`"


@pytest.mark.parametrize(("name", "page"), PAGES.items())
def test_a_generated_page_shows_no_python(name: str, page: str) -> None:
    assert not A_REPR.findall(page)


def test_each_setting_of_optional_sections_stands_in_the_table() -> None:
    page = PAGES["settings.md"]
    rows = {row.split("|")[1].strip(" `"): row for row in page.splitlines() if row.startswith("| `")}
    assert rows["landing.url"].split("|")[2:4] == [" text ", " required "]
    assert {"checks.bounds.minimum", "scene.external_id", "scene.scale"} <= set(rows)
    assert "list of 3 numbers" in rows["checks.bounds.minimum"]
    assert not {"id", "scene", "checks.bounds"} & set(rows)
    assert all(row.count("|") - row.count("\\|") == 5 and row.split(" | ")[3].strip(" |") for row in rows.values())


class _Settings(BaseModel):
    """Settings."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class _Inner(_Settings):
    """What is inside."""

    wait: timedelta = timedelta(minutes=10)
    """Time to wait."""
    choice: str | int | None = None
    """A | in words."""


class _Whole(_Settings):
    """A site."""

    inner: _Inner | None = None
    """Described where it is used."""


def test_an_optional_section_is_expanded_and_values_are_shown_as_they_are_written() -> None:
    page = settings_page(_Whole.model_json_schema())
    assert "## inner\n\nDescribed where it is used." in page
    assert "| `inner.wait` | duration | `PT10M` | Time to wait. |" in page
    assert "| `inner.choice` | text or integer | none | A \\| in words. |" in page


class _NoWords(_Settings):
    """A site."""

    gap: int = 1


class _NoWordsInside(_Settings):
    """A site."""

    inner: _NoWords | None = None
    """A section."""


class _OddType(_Settings):
    """A site."""

    odd: Any = None
    """Anything."""


@pytest.mark.parametrize(
    ("settings", "named"), [(_NoWords, "setting gap"), (_NoWordsInside, "setting inner.gap"), (_OddType, "odd")]
)
def test_a_setting_without_words_fails_the_generation(settings: type[BaseModel], named: str) -> None:
    with pytest.raises(DocumentationGap, match=named):
        settings_page(settings.model_json_schema())


def test_a_verb_without_words_fails_the_generation() -> None:
    wrong = typer.Typer()
    wrong.command("mute")(lambda: None)
    wrong.command("other", help="Another verb.")(lambda: None)
    with pytest.raises(DocumentationGap, match="capture360 mute"):
        command_page(typer.main.get_command(wrong))


def test_an_option_without_words_fails_the_generation() -> None:
    wrong = typer.Typer()

    @wrong.command()
    def first(loud: bool = False) -> None:
        """Do it."""

    @wrong.command()
    def second() -> None:
        """Do more."""

    with pytest.raises(DocumentationGap, match="first: loud"):
        command_page(typer.main.get_command(wrong))


def test_another_folder_than_a_checkout_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    refused = CliRunner().invoke(app, ["docs", str(tmp_path)])
    assert isinstance(refused.exception, ConfigError)
    assert f"{tmp_path} is no checkout of capture360" in str(refused.exception)
    assert not [*tmp_path.iterdir()]


def test_a_dag_without_a_manual_fails_the_generation(tmp_path: Path) -> None:
    (tmp_path / "captures_new.py").write_text('"""Only a heading."""\n')
    with pytest.raises(DocumentationGap, match=r"captures_new\.py"):
        dags_page(tmp_path)
