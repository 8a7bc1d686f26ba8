"""Checksums of many pages at once find what checksums of single pages find."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture360.e57.checksums import PAGE, PAYLOAD, page_checksums, wrong_pages
from e57_writer import with_checksums

NOISE = np.random.default_rng(3).integers(0, 256, 1500 * PAYLOAD, np.uint8).tobytes()


def one_by_one(pages: bytes) -> list[int]:
    stored = np.frombuffer(pages, np.uint8).reshape(-1, PAGE)[:, PAYLOAD:].copy().view(">u4").ravel()
    return np.flatnonzero(page_checksums(pages) != stored).tolist()


@pytest.mark.parametrize("count", [1, 16, 17, 18, 31, 64, 255, 256, 257, 1024, 1025, 1500])
def test_sound_pages_are_sound_in_any_number(count):
    assert wrong_pages(with_checksums(NOISE[: count * PAYLOAD])).size == 0


@given(
    st.integers(17, 1500),
    st.lists(st.tuples(st.integers(0, 1500 * PAGE), st.binary(min_size=1, max_size=3 * PAGE)), max_size=4),
)
@settings(max_examples=200, deadline=None)
def test_every_damage_is_found_where_it_is(count, patches):
    pages = bytearray(with_checksums(NOISE[: count * PAYLOAD]))
    for at, patch in patches:
        end = min(len(pages), at + len(patch))
        pages[at:end] = patch[: max(0, end - at)]
    assert wrong_pages(bytes(pages)).tolist() == one_by_one(bytes(pages))


def test_holes_of_a_sparse_copy_are_found():
    pages = bytearray(with_checksums(NOISE))
    pages[100 * PAGE : 500 * PAGE] = bytes(400 * PAGE)
    assert wrong_pages(bytes(pages)).tolist() == list(range(100, 500))


def test_pages_of_another_place_are_sound_for_themselves():
    """A checksum guards a page, not its place: as ASTM E2807 has it."""
    pages = with_checksums(NOISE)
    assert wrong_pages(pages[PAGE:] + pages[:PAGE]).size == 0
