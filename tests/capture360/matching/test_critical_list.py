"""Lists of critical assets: read whole or refused in words, and found among the assets."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture360.errors import ConfigError
from capture360.matching import critical_list
from capture360.matching.critical_list import critical_assets, read_critical_list
from capture360.model import Asset
from damage import BYTES, damaged_bytes, fuzzing

ASSETS = [Asset("1", "21-PT-1019", ("21-PT-1019",)), Asset("2", "P-101A", ("P-101A", "PUMP 101 A"))]


def listed(folder: Path, content: bytes) -> str:
    (folder / "critical.csv").write_bytes(content)
    return str(folder / "critical.csv")


@pytest.mark.parametrize("content", [b"tag\n21-PT-1019\n\nP-101A\nP-101A\n", b"\xef\xbb\xbf21-PT-1019\r\nP-101A\r\n"])
def test_a_list_has_each_tag_once_with_a_header_or_without(tmp_path: Path, content: bytes) -> None:
    assert read_critical_list(listed(tmp_path, content)) == ["21-PT-1019", "P-101A"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"tag,unit\nP-1,x\n", "line 1: 2 cells. Keep one column"),
        (b"P-1\n---\n", 'line 2: "---" is no tag'),
        (b"P" * 201, "line 1"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"x" * 1_000, "is larger than 900 bytes"),
        (b"".join(b"P-%d\n" % number for number in range(12)), "lists more than 10 tags"),
        (b'"' + b"x" * 200_000, "is larger"),
    ],
)
def test_another_table_is_refused_in_words(
    tmp_path: Path, content: bytes, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(critical_list, "MOST_BYTES", 900)
    monkeypatch.setattr(critical_list, "MOST_TAGS", 10)
    with pytest.raises(ConfigError, match=r"critical\.csv") as refused:
        read_critical_list(listed(tmp_path, content))
    assert sentence in refused.value.message


def test_a_list_that_cannot_be_had_is_refused_in_words(tmp_path: Path) -> None:
    for url, sentence in ((str(tmp_path / "none.csv"), "is not there"), ("odd://list", "cannot be read")):
        with pytest.raises(ConfigError, match=sentence):
            read_critical_list(url)


def test_tags_are_found_as_written_or_without_case_and_signs() -> None:
    assert critical_assets(["21-PT-1019", "p 101 a", "2", "pump101a", "X-1"], ASSETS) == (
        frozenset({"1", "2"}),
        ["X-1"],
    )


LIST = 'tag\n21-PT-1019\n"P-101, A"\nÅ-7\n'.encode()


@fuzzing(200)
@given(damaged_bytes(LIST) | st.binary(max_size=300) | st.sampled_from(BYTES))
def test_any_bytes_are_a_list_or_are_refused_in_words(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    url = listed(tmp_path_factory.getbasetemp(), content)
    try:
        tags = read_critical_list(url)
    except ConfigError as error:
        assert str(error).startswith(url)
        assert str(error).isprintable()
        return
    assert len(set(tags)) == len(tags)
    refs, unknown = critical_assets(tags, ASSETS)
    assert refs <= {asset.ref for asset in ASSETS}
    assert set(unknown) <= set(tags)
