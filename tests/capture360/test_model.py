"""Keys of captures."""

import pytest

from capture360.errors import RequestError
from capture360.model import CaptureKey


@pytest.mark.parametrize("text", ["", "site", "site/", "/capture", "a/b/c", "../x", "a/..", "a b/c", "s/" + "x" * 121])
def test_a_bad_key_is_refused_in_words(text: str) -> None:
    with pytest.raises(RequestError, match="is not a capture key"):
        CaptureKey.parse(text)
