"""E57 files in zip archives: found, measured and read in bounded memory; archives that trick are refused in words."""

from __future__ import annotations

import io
import shutil
import struct
import tempfile
import tracemalloc
import zipfile
from collections import namedtuple
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capture360.checks.check import check_capture
from capture360.errors import BadInputError, ConfigError
from capture360.landing.folder import CaptureFolder
from capture360.landing.scans import (
    KnownMembers,
    archives_in,
    open_scan,
    scan_exists,
    scan_size,
    scans_in,
    scans_within,
)
from capture360.model import Capture, Verdict
from capture360.sources import FaceOptions, open_source
from captures import small_site
from scans import scan, write_scans, zipped

CONTENT = bytes(range(256)) * 400
METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]


def folder_with(root: Path, archive: bytes, name: str = "scans.zip") -> CaptureFolder:
    (root / name).write_bytes(archive)
    return CaptureFolder(str(root))


@pytest.mark.parametrize("method", METHODS)
def test_a_member_is_a_seekable_file(tmp_path: Path, method: int) -> None:
    folder = folder_with(tmp_path, zipped({"a/east.e57": CONTENT, "b/West.E57": b"west", "notes.txt": b"x"}, method))
    assert scans_in(folder) == []
    assert archives_in(folder) == ["scans.zip"]
    assert [(s.path, s.size) for s in scans_within(folder, "scans.zip")] == [
        ("scans.zip/a/east.e57", len(CONTENT)), ("scans.zip/b/West.E57", 4),
    ]  # fmt: skip
    assert scan_exists(folder, "scans.zip/a/east.e57")
    assert scan_size(folder, "scans.zip/a/east.e57") == len(CONTENT)
    with open_scan(folder, "scans.zip/a/east.e57") as stream:
        assert stream.read() == CONTENT
        assert stream.seek(-10, io.SEEK_END) == len(CONTENT) - 10
        assert stream.read(100) == CONTENT[-10:]
        stream.seek(300)
        assert stream.read(7) == CONTENT[300:307]
        assert stream.seek(3, io.SEEK_CUR) == 310
        stream.seek(len(CONTENT) + 5)
        assert stream.read(1) == b""


def test_a_folder_called_like_an_archive_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "old.zip").mkdir()
    (tmp_path / "old.zip" / "a.e57").write_bytes(CONTENT)
    folder = CaptureFolder(str(tmp_path))
    assert scan_size(folder, "old.zip/a.e57") == len(CONTENT)
    with open_scan(folder, "old.zip/a.e57") as stream:
        assert stream.read() == CONTENT


@pytest.mark.parametrize(
    "companion",
    ["__MACOSX/Site/._scan.e57", "Site/._scan.e57", "__MACOSX/x.e57", ".Trash/old.e57",
     "__macosx/x.e57", "@eaDir/x.e57", "$RECYCLE.BIN/$R1.e57", "#recycle/old.e57", "System Volume Information/x.e57",
     "@Recycle/old.e57", "~snapshot/scan.e57", "lost+found/x.e57", "Site/~scan2.e57", "Site/scan2.part.e57"],
)  # fmt: skip
def test_companions_that_an_archiver_added_are_passed_over(tmp_path: Path, companion: str) -> None:
    folder = folder_with(tmp_path, zipped({"Site/scan.e57": CONTENT, companion: b"\x00\x05\x16\x07"}))
    assert [scan.path for scan in scans_within(folder, "scans.zip")] == ["scans.zip/Site/scan.e57"]


@pytest.mark.parametrize("name", ["lost+found", "found.000"])
def test_what_lies_at_the_top_of_a_volume_may_be_the_name_of_an_area(tmp_path: Path, name: str) -> None:
    folder = folder_with(tmp_path, zipped({f"Site/{name}/scan.e57": CONTENT, f"{name}/old.e57": CONTENT}))
    assert [scan.path for scan in scans_within(folder, "scans.zip")] == [f"scans.zip/Site/{name}/scan.e57"]
    for path in (tmp_path / name / "a.jpg", tmp_path / "images" / name / "b.jpg"):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"picture")
    assert [each.path for each in CaptureFolder(str(tmp_path)).files] == [f"images/{name}/b.jpg", "scans.zip"]


@pytest.mark.parametrize("method", METHODS)
def test_memory_stays_flat(tmp_path: Path, method: int) -> None:
    big, rng = tmp_path / "big.e57", np.random.default_rng(1)
    with big.open("wb") as stream:
        for number in range(24):
            stream.write(bytes([number, 7, 3, number ^ 0x55]) * 4096 * 32)
            stream.write(rng.bytes(1 << 19))
    with zipfile.ZipFile(tmp_path / "scans.zip", "w", method) as archive:
        archive.write(big, "big.e57")
    folder = CaptureFolder(str(tmp_path))
    tracemalloc.start()
    with open_scan(folder, "scans.zip/big.e57") as stream, big.open("rb") as plain:
        while block := stream.read(1 << 20):
            assert block == plain.read(1 << 20)
        assert not plain.read(1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert big.stat().st_size > 20_000_000
    assert peak < 8_000_000


def refused(root: Path, archive: bytes) -> str:
    folder = folder_with(root, archive)
    with pytest.raises(BadInputError) as told:
        for member in scans_within(folder, "scans.zip"):
            with open_scan(folder, member.path):
                pass
    return str(told.value)


@pytest.mark.parametrize(
    "name", ["../a.e57", "/etc/a.e57", "x/../../a.e57", "C:/a.e57", "a//b.e57", "./a.e57", "..\\a.e57"]
)
def test_paths_that_leave_the_archive(tmp_path: Path, name: str) -> None:
    assert "leaves the archive. Pack it again." in refused(tmp_path, zipped({name: CONTENT}))


def test_backslashes_are_folders_as_archivers_of_windows_mean_them(tmp_path: Path) -> None:
    (tmp_path / "twice").mkdir()
    folder = folder_with(tmp_path, zipped({"a\\b.e57": CONTENT, "__MACOSX\\._b.e57": b"x"}))
    assert [scan.path for scan in scans_within(folder, "scans.zip")] == ["scans.zip/a/b.e57"]
    with open_scan(folder, "scans.zip/a/b.e57") as stream:
        assert stream.read() == CONTENT
    assert "holds a/b.e57 twice" in refused(tmp_path / "twice", zipped({"a\\b.e57": CONTENT, "a/b.e57": CONTENT}))


@pytest.mark.parametrize("name", ["a\nb.e57", "\x1b[31m.e57", "a" * 252 + ".e57"])
def test_names_that_no_folder_would_hold(tmp_path: Path, name: str) -> None:
    said = refused(tmp_path, zipped({name: CONTENT}))
    assert "Rename it and pack it again." in said
    assert said.isprintable()


def test_a_bomb(tmp_path: Path) -> None:
    bomb = zipped({"a.e57": bytes(40 << 20)}, zipfile.ZIP_DEFLATED)
    assert "far more than an E57 file compresses" in refused(tmp_path, bomb)


def test_many_small_bombs(tmp_path: Path) -> None:
    some = {f"{number}.e57": bytes(9 << 20) for number in range(2)}
    assert "far more than E57 files compress" in refused(tmp_path, zipped(some, zipfile.ZIP_DEFLATED))


def test_a_small_bomb_in_each_of_many_archives(tmp_path: Path) -> None:
    capture = folder_with(tmp_path, zipped({"a.e57": bytes(9 << 20)}, zipfile.ZIP_DEFLATED))
    (tmp_path / "sound.zip").write_bytes(zipped({"a.e57": CONTENT}))
    (tmp_path / "more.zip").write_bytes(zipped({"a.e57": bytes(9 << 20)}, zipfile.ZIP_DEFLATED))
    folder = CaptureFolder(capture.url)
    assert [len(scans_within(folder, name)) for name in ("scans.zip", "sound.zip")] == [1, 1]
    with pytest.raises(BadInputError, match=r"more\.zip: .* far more"):
        scans_within(folder, "more.zip")


def test_many_archives_cost_as_much_each_as_few() -> None:
    class CountedMember(zipfile.ZipInfo):
        read = 0

        def __getattribute__(self, name: str) -> Any:
            CountedMember.read += name == "file_size"
            return super().__getattribute__(name)

    known, count = KnownMembers(), 100
    for number in range(count):
        known.add(f"{number}.zip", {"a.e57": CountedMember("a.e57")})
    assert len(known.members) == count
    assert CountedMember.read == count


def test_a_member_that_is_larger_than_it_says(tmp_path: Path) -> None:
    """A deflated member whose stated size was lowered: no more than that is unpacked, and the CRC tells."""
    archive = bytearray(zipped({"a.e57": CONTENT}, zipfile.ZIP_DEFLATED))
    directory = archive.index(b"PK\x01\x02")
    struct.pack_into("<I", archive, directory + 24, 1000)
    folder = folder_with(tmp_path, bytes(archive))
    with pytest.raises(BadInputError, match="cannot be unpacked"), open_scan(folder, "scans.zip/a.e57"):
        pass


def test_more_bytes_than_the_archive_has(tmp_path: Path) -> None:
    archive = bytearray(zipped({"a.e57": CONTENT}))
    directory = archive.index(b"PK\x01\x02")
    struct.pack_into("<II", archive, directory + 20, 1 << 30, 1 << 30)
    assert "more bytes than it has" in refused(tmp_path, bytes(archive))


@pytest.mark.parametrize("offset", [200, 1 << 40, 1 << 62, (1 << 63) + 5, (1 << 64) - 1])
def test_a_member_that_begins_behind_the_archive(tmp_path: Path, offset: int) -> None:
    archive = bytearray(zipped({"a.e57": b"x" * 100}))
    at = archive.index(b"PK\x01\x02")
    extra = struct.pack("<HHQ", 1, 8, offset)
    struct.pack_into("<H", archive, at + 30, len(extra))
    struct.pack_into("<I", archive, at + 42, 0xFFFFFFFF)
    archive[at + 46 + 5 : at + 46 + 5] = extra
    end = archive.index(b"PK\x05\x06")
    struct.pack_into("<I", archive, end + 12, end - at)
    folder = folder_with(tmp_path, bytes(archive))
    (member,) = scans_within(folder, "scans.zip")
    with pytest.raises(BadInputError, match=r"scans\.zip is damaged at a\.e57"), open_scan(folder, member.path):
        pass


def test_twice_encrypted_strange_empty_and_none(tmp_path: Path) -> None:
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w") as archive:
        archive.writestr("a.e57", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.e57", b"2")
    assert "holds a.e57 twice" in refused(tmp_path, twice.getvalue())
    locked = bytearray(zipped({"a.e57": CONTENT}))
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    assert "encrypted. Pack it without a password." in refused(tmp_path, bytes(locked))
    assert "unusual method" in refused(tmp_path, zipped({"a.e57": CONTENT}, zipfile.ZIP_LZMA))
    assert "holds no E57 file" in refused(tmp_path, zipped({"a.txt": b"x", "inner.zip": b"y"}))
    assert "not a readable zip archive" in refused(tmp_path, b"no archive at all")
    assert "not a readable zip archive" in refused(tmp_path, b"")
    assert "Fetch it with git lfs pull." in refused(tmp_path, b"version https://git-lfs.github.com/spec/v1\noid")
    assert "not a readable zip archive" in refused(tmp_path, zipped({"a.e57": CONTENT})[:-30])


def test_a_table_of_contents_of_gigabytes_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "scans.zip").open("wb") as stream:
        stream.truncate(3 << 30)
        stream.seek(0, io.SEEK_END)
        size, offset = 2 << 30, 1 << 30
        stream.write(struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, size, offset, 0))
    tracemalloc.start()
    with pytest.raises(BadInputError, match=r"scans\.zip: its table of contents is too large"):
        scans_within(CaptureFolder(str(tmp_path)), "scans.zip")
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_a_full_disk_is_told_before_unpacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_with(tmp_path, zipped({"a.e57": CONTENT}, zipfile.ZIP_DEFLATED))
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1 << 30, 1 << 30, 1000))
    with pytest.raises(ConfigError, match="TMPDIR"), open_scan(folder, "scans.zip/a.e57"):
        pass


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_mutation_makes_more_than_a_sentence(tmp_path: Path, data: st.DataObject) -> None:
    method = data.draw(st.sampled_from(METHODS))
    archive = bytearray(zipped({"a.e57": CONTENT[:3000], "b.e57": b"second"}, method))
    for _ in range(data.draw(st.integers(1, 6))):
        archive[data.draw(st.integers(0, len(archive) - 1))] = data.draw(st.integers(0, 255))
    folder = folder_with(tmp_path, bytes(archive[: data.draw(st.integers(1, len(archive)))]))
    try:
        for member in scans_within(folder, "scans.zip"):
            with open_scan(folder, member.path) as stream:
                assert len(stream.read()) <= member.size
    except BadInputError as error:
        assert str(error).endswith(".")


def test_an_archive_that_was_packed_anew_says_what_it_lacks(tmp_path: Path) -> None:
    folder_with(tmp_path, zipped({"a.e57": CONTENT}))
    folder = folder_with(tmp_path, zipped({"b.e57": CONTENT}))
    with pytest.raises(BadInputError, match=r"scans\.zip no longer holds a\.e57\. Put it back"):
        scan_size(folder, "scans.zip/a.e57")


@pytest.mark.parametrize("more", [0, 1, 100])
def test_a_member_whose_last_bytes_the_unpacker_keeps_back(tmp_path: Path, more: int) -> None:
    """A block of output that ends within the last match: all input is read, and bytes are still to come."""
    folder = folder_with(tmp_path, zipped({"a.e57": bytes(2**20 + more)}, zipfile.ZIP_DEFLATED))
    with open_scan(folder, "scans.zip/a.e57") as stream:
        assert len(stream.read()) == 2**20 + more


@pytest.mark.parametrize("method", METHODS)
def test_a_capture_in_an_archive_is_checked_and_its_faces_are_made(tmp_path: Path, method: int) -> None:
    archive = zipped({"east/scan.e57": scan((1, 2)), "west/scan.e57": scan((3,))}, method)
    drop = write_scans(tmp_path, "walk", {"scans.zip": archive})
    folder = CaptureFolder(str(drop.folder))
    validation = check_capture(folder, site=small_site(tmp_path), key=drop.key)
    assert validation.verdict is Verdict.ACCEPTED, validation.headline
    capture = validation.capture
    assert isinstance(capture, Capture)
    assert set(capture.scans) == {"scans.zip/east/scan.e57", "scans.zip/west/scan.e57"}
    assert len({station.id for station in capture.stations}) == 3
    with closing(open_source(capture, folder, FaceOptions(face_size=32))) as source:
        for station in capture.stations:
            assert len(list(source.faces(station))) == 6


def test_a_deflated_scan_is_unpacked_once_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drop = write_scans(tmp_path, "walk", {"scans.zip": zipped({"scan.e57": scan()}, zipfile.ZIP_DEFLATED)})
    folder = CaptureFolder(str(drop.folder))
    capture = check_capture(folder, site=small_site(tmp_path), key=drop.key).capture
    assert capture is not None
    unpacked = []
    real = tempfile.SpooledTemporaryFile
    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", lambda size: unpacked.append(real(size)) or unpacked[-1])
    with closing(open_source(capture, folder, FaceOptions(face_size=32))) as source:
        assert sum(len(list(source.faces(station))) for station in capture.stations) == 18
        assert [file.closed for file in unpacked] == [False]
    assert [file.closed for file in unpacked] == [True]


def test_a_bad_archive_is_a_verdict(tmp_path: Path) -> None:
    drop = write_scans(tmp_path, "walk", {"scans.zip": b"broken"})
    validation = check_capture(CaptureFolder(str(drop.folder)), site=small_site(tmp_path), key=drop.key)
    assert validation.verdict is Verdict.REJECTED
    assert "not a readable zip archive" in validation.headline
