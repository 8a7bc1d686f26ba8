"""Keys of captures."""

import pytest

from capture360.errors import RequestError
from capture360.model import STATION_LENGTH, CaptureKey, Detection, is_id, slug


@pytest.mark.parametrize("text", ["", "site", "site/", "/capture", "a/b/c", "../x", "a/..", "a b/c", "s/" + "x" * 121])
def test_a_bad_key_is_refused_in_words(text: str) -> None:
    with pytest.raises(RequestError, match="is not a capture key"):
        CaptureKey.parse(text)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("Halle 7/Süd (2)", "Halle-7-Sud-2"),
        ("Halle 7/Su\u0308d (2)", "Halle-7-Sud-2"),
        ("a.b_c-1", "a.b_c-1"),
        ("..hidden", "hidden"),
        ("  ", ""),
        ("Ω-1", "1-1ef0c2"),
        ("Å-1", "A-1"),
        ("Straße 4", "Stra-e-4-d67811"),
        ("測量", "ecea53"),
    ],
)
def test_a_slug_is_an_id_that_no_other_letters_give_or_empty(text: str, made: str) -> None:
    assert slug(text) == made
    assert made == "" or is_id(made, STATION_LENGTH)


def test_a_plate_of_two_lines_is_written_on_one() -> None:
    assert Detection("a", "front", "44-TT\n1204", 0.9, ()).on_one_line == "44-TT / 1204"
