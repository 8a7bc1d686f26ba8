"""The one-edit index against the definition of an edit."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from capture360.matching.edits import EditIndex, one_edit_apart

words = st.text("AB01", min_size=1, max_size=6)


@given(words, words)
@settings(max_examples=300)
def test_one_edit_apart_is_levenshtein_at_most_one(one: str, other: str) -> None:
    assert one_edit_apart(one, other) == (Levenshtein.distance(one, other) <= 1)


@given(st.lists(words, max_size=20, unique=True), st.lists(words, max_size=5))
@settings(max_examples=200)
def test_index_finds_all_that_are_near_and_no_other(tags: list[str], queries: list[str]) -> None:
    expected = [[place for place, tag in enumerate(tags) if one_edit_apart(tag, query)] for query in queries]
    assert EditIndex(tags).near(queries) == expected


def test_letters_outside_ascii_are_characters_too() -> None:
    assert EditIndex(["НЯ101", "НЖ101"]).near(["НЯ102", "НЯ10"]) == [[0], [0]]
