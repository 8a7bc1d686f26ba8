"""Text from outside as one printable line."""

import pytest

from capture360.text import printable


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Büro 7", "Büro 7"),
        ("B\udcfcro", r"B\xfcro"),
        ("\ud800", r"\ud800"),
        ("a\nb\x07\x1b[2J", r"a\nb\x07\x1b[2J"),
        ("\u202egnp", r"\u202egnp"),
        ("全角\u3000空白", "全角\u3000空白"),
        ("x" * 400, "x" * 299 + "…"),
    ],
)
def test_any_name_can_be_shown(name: str, shown: str) -> None:
    assert printable(name) == shown
    printable(name).encode()
