"""External ids and keys: same input same id, other input other id, and never a character CDF refuses."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture360 import names
from capture360.model import CaptureKey

# The narrowest id pattern in CDF's published spec (InstanceExternalId of the Files API).
CDF_PATTERN = re.compile(r"[a-zA-Z]([a-zA-Z0-9_]*[a-zA-Z0-9])?\Z")
ids = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,59}\Z")


@given(ids, ids, ids)
def test_every_id_fits_the_narrowest_pattern_of_cdf(site: str, capture: str, station: str) -> None:
    key = CaptureKey(site, capture)
    for made in (
        names.collection_id(key),
        names.station_id(key, station),
        names.image_id(key, station),
        names.face_id(key, station, "front", "ab" * 32),
    ):
        assert CDF_PATTERN.match(made)
        assert len(made) <= 200


@pytest.mark.parametrize(("one", "other"), [("a.b", "a_b"), ("a", "A"), ("a" * 40 + "x", "a" * 40 + "y")])
def test_ids_that_look_alike_stay_apart(one: str, other: str) -> None:
    assert names.collection_id(CaptureKey("s", one)) != names.collection_id(CaptureKey("s", other))


def test_faces_are_told_from_those_of_captures_of_similar_names() -> None:
    key, longer = CaptureKey("hall", "a"), CaptureKey("hall", "a_b")
    mine = names.face_id(key, "001", "front", "ab" * 32)
    others = [
        names.face_id(longer, "001", "front", "ab" * 32),
        names.face_id(key, "002", "top", "cd" * 32),
        "c360_face",
    ]
    assert all(each.startswith(names.face_prefix(key)) for each in (mine, *others[:2]))
    assert names.faces_among([mine, *others], key, ["001"]) == {mine: "front"}


def test_parts_do_not_run_into_each_other() -> None:
    assert names.station_id(CaptureKey("a", "b"), "c") != names.station_id(CaptureKey("a", "b_c"), "")


@given(ids, ids)
def test_a_space_of_a_capture_fits_the_limit_of_spaces(site: str, capture: str) -> None:
    assert re.match(r"[a-zA-Z][a-zA-Z0-9_-]{0,41}[a-zA-Z0-9]?\Z", names.space_id(CaptureKey(site, capture)))


def test_a_face_id_ends_in_its_content() -> None:
    assert names.face_id(CaptureKey("s", "c"), "1", "top", "0123456789abcdef" * 4).endswith("_top_0123456789abcdef")
