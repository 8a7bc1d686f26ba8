"""Pages for people who read them with a screen reader, or see little."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

INCLUDE = Path(__file__).parents[3] / "include"
TEMPLATES = sorted(INCLUDE.rglob("templates/*.j2"))
STYLES = [INCLUDE / "capture360/reports/templates/house.css", INCLUDE / "panorama_viewer/viewer.css"]
_READ_ON = ("paper", "tint")
_NO_TEXT = {"line", *_READ_ON}
_LEAST = 4.5
"""Ratio of contrast that WCAG 2.2 AA asks of text of any size."""


def test_the_heads_of_tables_say_what_they_head() -> None:
    heads = [(path.name, head) for path in TEMPLATES for head in re.findall(r"<th\b[^>]*>", path.read_text())]
    assert len(heads) > 50
    assert [each for each in heads if "scope=" not in each[1]] == []


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_texts_stand_out_from_what_they_are_read_on(path: Path, theme: int) -> None:
    colours = tokens(path, theme)
    texts = colours.keys() - _NO_TEXT
    assert len(texts) >= 5
    ratios = {(name, on): contrast(colours[name], colours[on]) for name in texts for on in _READ_ON}
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < _LEAST} == {}


def tokens(path: Path, theme: int) -> Mapping[str, tuple[int, ...]]:
    """The colours of a theme by their names."""
    found = re.findall(r"--(\w+): light-dark\(#(\w+), #(\w+)\)", path.read_text())
    return {name: rgb(both[theme]) for name, *both in found}


def rgb(digits: str) -> tuple[int, ...]:
    whole = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
    return tuple(bytes.fromhex(whole))


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """The ratio of contrast by WCAG 2.2."""
    light, dark = sorted(map(luminance, (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: tuple[int, ...]) -> float:
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (c / 255 for c in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
