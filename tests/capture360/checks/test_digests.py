"""Pictures that are equal byte by byte."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture360.checks.digests import checksums, copies
from capture360.checks.parsed_capture import ImageRef
from capture360.landing.folder import CaptureFolder
from capture360.rules.finding import Finding
from damage import BYTES, damaged_bytes, fuzzing


class Station(str):
    """An id that counts how often it is compared."""

    compared = 0

    def __ne__(self, other: object) -> bool:
        Station.compared += 1
        return str.__ne__(self, other)

    def __eq__(self, other: object) -> bool:
        Station.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def equal_pictures(folder: Path, face: str, count: int) -> Iterator[ImageRef]:
    for number in range(count):
        path = f"images/s-{number}/{face}.jpg"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"the same masked floor")
        yield ImageRef(path, Station(f"s-{number}"), face)


def test_equal_floors_of_many_stations_cost_by_their_number(tmp_path: Path) -> None:
    work = []
    for count in (50, 100):
        images = list(equal_pictures(tmp_path / str(count), "bottom", count))
        Station.compared = 0
        (group,) = copies(CaptureFolder(str(tmp_path / str(count))), images, None)
        work.append(Station.compared)
        assert len(group) == count - 1
    assert 0 < work[1] < 2.5 * work[0]


def test_each_copy_names_a_picture_of_another_station(tmp_path: Path) -> None:
    images = [*equal_pictures(tmp_path, "front", 3)]
    (group,) = copies(CaptureFolder(str(tmp_path)), images, None)
    assert [(finding.station, finding.value) for finding in group.findings()] == [
        ("s-0", "images/s-1/front.jpg"),
        ("s-1", "images/s-0/front.jpg"),
        ("s-2", "images/s-0/front.jpg"),
    ]


def test_a_list_of_checksums_that_names_itself_says_nothing_of_itself(tmp_path: Path) -> None:
    """`find . -type f -exec sha256sum {} + > checksums.sha256` writes such a list."""
    (tmp_path / "a.jpg").write_bytes(b"a")
    of_a, of_nothing = (hashlib.sha256(content).hexdigest() for content in (b"a", b""))
    (tmp_path / "checksums.sha256").write_text(f"{of_a}  ./a.jpg\n{of_nothing}  ./checksums.sha256\n")
    assert list(checksums(CaptureFolder(str(tmp_path)), None, {}, {})) == []
    (tmp_path / "a.jpg").write_bytes(b"b")
    (group,) = checksums(CaptureFolder(str(tmp_path)), None, {}, {})
    assert [finding.rule for finding in group.findings()] == ["F13"]


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), FileNotFoundError(2, "No such file")])
def test_a_list_of_checksums_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    (tmp_path / "checksums.sha256").write_bytes(b"x")

    @contextmanager
    def refuse(self: CaptureFolder, path: str) -> Iterator[IO[bytes]]:
        raise error
        yield

    folder = CaptureFolder(str(tmp_path))
    monkeypatch.setattr(CaptureFolder, "open", refuse)
    (group,) = checksums(folder, None, {}, {})
    (finding,) = group.findings()
    said = f"cannot be read as a list of checksums: {error.strerror}. Copy it again, or remove it."
    assert finding.message == f"checksums.sha256 {said}"


DIGEST = hashlib.sha256(b"a face").hexdigest()
LISTED = f"# by a tool\n{DIGEST}  front.jpg\n{DIGEST} *./images/back.jpg\nSHA256 (left.jpg) = {DIGEST}\n".encode()


def found_in(root: Path, content: bytes) -> list[Finding]:
    """What a list of checksums beside three pictures is criticized for."""
    (root / "images").mkdir(parents=True, exist_ok=True)
    for path in ("front.jpg", "images/back.jpg", "left.jpg"):
        (root / path).write_bytes(b"a face")
    (root / "checksums.sha256").write_bytes(content)
    groups = checksums(CaptureFolder(str(root)), None, {"front.jpg": ["s-1"]}, {})
    return [each for group in groups for each in group.items]


@fuzzing(200)
@given(damaged_bytes(LISTED) | st.binary(max_size=300) | st.sampled_from(BYTES))
def test_any_bytes_are_a_list_of_checksums_or_findings(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    for each in found_in(tmp_path_factory.getbasetemp() / "listed", content):
        assert each.message.isprintable()
        assert len(each.message) < 1500


def test_the_list_itself_is_good(tmp_path: Path) -> None:
    """Else its damage would be no case of its own."""
    assert found_in(tmp_path, LISTED) == []


@pytest.mark.parametrize(
    "name", ["SHA256SUMS", "sha256sums.txt", "MD5SUMS", "images.sha256", "Checksums.txt", "all.sfv"]
)
def test_a_list_of_checksums_under_another_name_is_named(tmp_path: Path, name: str) -> None:
    for path in (name, "stations.csv", "resumes.txt", "images/checksums.txt"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("a")
    (group,) = checksums(CaptureFolder(str(tmp_path)), None, {}, {})
    assert [(finding.rule, finding.where) for finding in group.findings()] == [("F13", name)]
    (tmp_path / name).unlink()
    assert not list(checksums(CaptureFolder(str(tmp_path)), None, {}, {}))
    (tmp_path / name).touch()
    (tmp_path / "checksums.sha256").write_text(f"{hashlib.sha256(b'a').hexdigest()}  stations.csv\n")
    assert not list(checksums(CaptureFolder(str(tmp_path)), None, {}, {}))
