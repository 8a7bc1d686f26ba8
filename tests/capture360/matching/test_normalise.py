"""Keys, folds and shapes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture360.matching.normalise import (
    SIGN,
    STROKE,
    Fold,
    has_letter_and_digit,
    key,
    keys,
    misreadings,
    shape,
    tokens,
)
from capture360.settings.matching import LOOK_ALIKES


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("21-PT-1019A", "21PT1019A"),
        ("21–PT—1019A", "21PT1019A"),
        ("=21.PT.1019A", "21PT1019A"),
        ("21_pt_1019a", "21PT1019A"),
        ("２１ーＰＴ１０１９Ａ".replace("ー", "-"), "21PT1019A"),
        ("P-l0l", f"P{STROKE}0{STROKE}"),
        ("P-101²", "P101²"),
        ("P-101①", "P101①"),
        ("Pß-101", "Pẞ101"),
        ("№-10", f"{SIGN}10"),
        ("K-100℃", f"K100{SIGN}"),
        ("Pª-10", f"P{SIGN}10"),
        ("Pump control", "PUMPCONTROL"),
        ("P-1|1", f"P1{STROKE}1"),
        ("| P-101 |", "P101"),
        ("Ø1", "01"),
        ("35-πT", "35TT"),
        ("ÅB-1", "AB1"),
        ("РТ-1019", "PT1019"),  # the first two are Cyrillic
        ("", ""),
        ("--", ""),
    ],
)
def test_key(text: str, expected: str) -> None:
    assert key(text) == expected


def test_leading_zeros_go_from_every_number_if_asked() -> None:
    assert key("A-0012-03", remove_leading_zeros=True) == "A123"
    assert key("A-0", remove_leading_zeros=True) == "A0"
    assert key("A-100", remove_leading_zeros=True) == "A100"


@given(st.lists(st.text(max_size=12), max_size=12))
@settings(max_examples=200)
def test_keys_of_many_are_the_keys_of_each(texts: list[str]) -> None:
    assert keys(texts) == [key(text) for text in texts]


@given(st.text(max_size=20))
def test_a_key_is_its_own_key(text: str) -> None:
    assert key(key(text)) == key(text)


def test_tokens_are_split_where_no_tag_is_searched_across() -> None:
    assert tokens("PUMP: P-101A/B (north)") == ["PUMP", "P-101A", "B", "north"]


def test_fold_maps_look_alikes_to_one() -> None:
    fold = Fold(LOOK_ALIKES)
    assert fold("LIC2591B") == fold("L1C25918") == fold(f"L{STROKE}C25918") == "L1C25918"
    assert Fold({"I": ("1",)})(STROKE) == "I"


def test_shape_and_letter_and_digit() -> None:
    assert shape("21PT1019A") == "99AA9999A"
    assert has_letter_and_digit("P1")
    assert not any(map(has_letter_and_digit, ("EXIT", "2019", "")))


def test_a_misread_character_looks_no_further_alike() -> None:
    fold = Fold(LOOK_ALIKES)
    found = set(misreadings("21PT1006A"))
    assert {"21PT1005A", "21PT1008A", "21FT1006A", "24PT1006A", "21P71006A", "21PT10064"} <= found
    for other in found:
        assert "21PT1006A" in misreadings(other)
        assert fold(other) != fold("21PT1006A")


@pytest.mark.parametrize(
    ("one", "other"), [("T118", "TT118"), ("P101", "P1101"), ("P101", "P1001"), ("PT1019", "PIT1019"), ("A10", "A110")]
)
def test_a_character_is_lost_beside_its_equal_or_if_it_is_thin(one: str, other: str) -> None:
    assert other in misreadings(one)
    assert one in misreadings(other)
    assert not {"P1019A", "21PT101", "21T1019A", "1PT1019A"} & set(misreadings("21PT1019A"))
