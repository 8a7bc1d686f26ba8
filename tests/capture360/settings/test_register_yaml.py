"""Mistakes in the YAML of the site register are reported with their line, and work on it has bounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture360.errors import ConfigError
from capture360.settings.register import Register


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("records: /a\nrecords: /b\nsites: {}\n", 'line 2 is not valid YAML: "records" is there twice'),
        ("records: /a\nsites:\n  h: {space: a}\n  h: {space: b}\n", 'line 4 is not valid YAML: "h" is there twice'),
    ],
)
def test_a_key_that_is_there_twice_is_named(tmp_path: Path, content: str, sentence: str) -> None:
    """YAML takes the last one: the first site of the name would be lost without a message."""
    path = tmp_path / "sites.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=sentence):
        _ = Register(str(path), {}).site_ids


@pytest.mark.parametrize(
    "value", ["!!bool maybe", "!!int ''", "!!float ''", "!!timestamp x", "!!binary é", "!!int {}", '"\\UFFFFFFFF"']
)
def test_a_value_that_does_not_fit_its_tag_is_reported(tmp_path: Path, value: str) -> None:
    path = tmp_path / "sites.yaml"
    path.write_text(f"sites: {{}}\nrecords: {value}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"not valid YAML|an escape stands for no character"):
        _ = Register(str(path), {}).site_ids


@pytest.mark.parametrize("value", ["9" * 5000, "2026-13-45", "[1, 2026-02-30]"])
def test_a_number_or_date_that_cannot_be_is_reported_with_its_line(tmp_path: Path, value: str) -> None:
    path = tmp_path / "sites.yaml"
    path.write_text(f"sites: {{}}\nrecords: {value}\n")
    with pytest.raises(ConfigError, match=r'line 2 is not valid YAML: "[^"]{6,80}" is no number or date\.') as raised:
        _ = Register(str(path), {}).site_ids
    assert "integer string" not in str(raised.value)


def test_a_key_that_replaces_a_merged_one_is_there_once(tmp_path: Path) -> None:
    path = tmp_path / "sites.yaml"
    site = "&a {space: a, landing: {url: /a}}\n  yard: {<<: *a, space: b}"
    path.write_text(f"records: /a\nsites:\n  hall-7: {site}\n")
    assert Register(str(path), {}).site("yard").space == "b"


@pytest.fixture
def few_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundredth of the values that a register may have: YAML takes half a minute for them all."""
    monkeypatch.setattr("capture360.settings.register_yaml.MOST_VALUES", 2000)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
        + "".join(
            f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("bcdefgh", "cdefghi", strict=True)
        ),
        "sites: &a {hall-7: *a}\n",
        "sites: &a {hall-7: {links: [*a]}}\n",
        f"sites: {{h: &a [{'1, ' * 200}*a]}}\n",
        f"sites: {{h: &a [{'*a, ' * 200}1]}}\n",
    ],
    ids=["a billion values", "a site of itself", "a list of itself", "a long list of itself", "a list of itselves"],
)
@pytest.mark.usefixtures("few_values")
def test_aliases_that_expand(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sites.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"sites.yaml repeats itself by aliases"):
        _ = Register(str(path), {}).site_ids


@pytest.mark.usefixtures("few_values")
def test_merges_that_expand(tmp_path: Path) -> None:
    path = tmp_path / "sites.yaml"
    path.write_text(
        "a: &a {x: 1}\n"
        + "".join(
            f"{new}: &{new} {{<<: [{', '.join([f'*{old}'] * 10)}]}}\n"
            for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        )
    )
    with pytest.raises(ConfigError, match=r"sites.yaml line \d+ is not valid YAML: it merges more than"):
        _ = Register(str(path), {}).site_ids


@pytest.mark.usefixtures("few_values")
def test_a_large_register_without_aliases_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sites.yaml"
    path.write_text(f"defaults: {{links: {{x: [{'1, ' * 2000}1]}}}}\nsites: {{hall-7: {{space: a}}}}\n")
    assert len(Register(str(path), {}).site_ids) == 1


@pytest.mark.parametrize("text", ["a: " + "[" * 100_000, "\n".join(" " * depth + "a:" for depth in range(3000))])
def test_a_register_that_is_nested_without_end(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sites.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"sites.yaml is nested too deeply"):
        _ = Register(str(path), {}).site_ids
