"""A capture's folder on a local disk: nothing outside it is listed or read, and what is left out is told."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from capture360.checks.check import check_capture
from capture360.errors import BadInputError, StoreUnavailableError
from capture360.landing.fingerprint import fingerprint
from capture360.landing.folder import CaptureFolder, OutsideError
from capture360.model import Verdict
from capture360.rules.finding import Disposition
from capture360.settings.checks import CheckSettings
from capture360.settings.landing import Landing
from capture360.settings.site import Site
from delivery import Delivery

_NOBODY = 65534


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "capture"
    (made / "images").mkdir(parents=True)
    (made / "images" / "front.jpg").write_bytes(b"front")
    return made


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that another user may enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def not_almighty() -> Iterator[None]:
    """Whoever runs the tests: permissions count."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def paths(folder: Path) -> list[str]:
    return [entry.path for entry in CaptureFolder(str(folder)).files]


def told(folder: Path) -> dict[str, str]:
    return {each.path: each.problem for each in CaptureFolder(str(folder)).left_out}


def test_links_to_folders_are_not_followed(folder: Path) -> None:
    (folder / "images" / "loop").symlink_to(folder)
    (folder / "etc").symlink_to("/etc")
    (folder / "again").symlink_to(folder / "images")
    assert paths(folder) == ["images/front.jpg"]
    assert set(told(folder)) == {"images/loop", "etc", "again"}
    assert all("link to a folder" in problem for problem in told(folder).values())


def test_a_link_to_a_file_counts_only_within_the_folder(folder: Path) -> None:
    (folder / "same.jpg").symlink_to("images/front.jpg")
    (folder / "passwd.jpg").symlink_to("/etc/passwd")
    (folder / "gone.jpg").symlink_to("nowhere.jpg")
    (folder / "itself.jpg").symlink_to("itself.jpg")
    assert paths(folder) == ["images/front.jpg", "same.jpg"]
    assert "leaves the capture folder" in told(folder)["passwd.jpg"]
    assert "not there" in told(folder)["gone.jpg"]
    assert "itself.jpg" in told(folder)
    opened = CaptureFolder(str(folder))
    assert opened.read("same.jpg") == b"front"
    assert not opened.exists("passwd.jpg")
    assert opened.resolve("itself.jpg") == "itself.jpg", "as a list of checksums may name it"
    with pytest.raises(BadInputError, match="leaves the capture folder"):
        opened.read("passwd.jpg")


def test_links_of_a_path_are_followed_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder's and the file's; on a mounted disk each part of a path that is looked at costs a round trip."""
    opened = CaptureFolder(str(folder))
    assert opened.exists("images/front.jpg")
    followed: list[str] = []
    real = os.path.realpath

    def counted(path: str, *, strict: bool = False) -> str:
        followed.append(os.fspath(path))
        return real(path, strict=strict)

    monkeypatch.setattr(os.path, "realpath", counted)
    assert opened.read("images/front.jpg") == b"front"
    assert followed == [str(folder), str(folder / "images" / "front.jpg")]


def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "stations.csv")
    assert paths(folder) == ["images/front.jpg"]
    assert told(folder) == {"stations.csv": "is neither a file nor a folder. Put the file in its place, or remove it"}


def test_a_folder_that_is_shut_is_told(open_to_all: Path, not_almighty: None) -> None:
    made = open_to_all
    os.seteuid(os.getuid())
    (made / "front.jpg").write_bytes(b"front")
    (made / "shut").mkdir(mode=0)
    if os.getuid() == 0:
        os.seteuid(_NOBODY)
    assert paths(made) == ["front.jpg"]
    assert told(made)["shut"].startswith("cannot be listed (Permission denied)")
    with pytest.raises(BadInputError, match=r"shut cannot be listed \(Permission denied\)"):
        _ = CaptureFolder(str(made / "shut")).files


def away(*_: object, **__: object) -> NoReturn:
    """What a mounted file system answers while its server does not."""
    raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize("call", ["open", "fstat"])
def test_a_file_of_a_server_that_is_away_is_no_fault_of_the_delivery(
    folder: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    opened = CaptureFolder(str(folder))
    assert opened.exists("images/front.jpg")
    with monkeypatch.context() as patch:
        patch.setattr(os, call, away)
        with pytest.raises(StoreUnavailableError) as raised:
            opened.read("images/front.jpg")
    assert "images/front.jpg cannot be read (Input/output error)" in raised.value.message


@pytest.mark.parametrize("whole", [True, False])
def test_a_server_that_goes_away_while_a_file_is_read(folder: Path, whole: bool) -> None:
    """The first page of a process' own memory answers as such a file does: EIO."""
    with CaptureFolder(str(folder)).open("images/front.jpg") as stream:
        at = os.open("/proc/self/mem", os.O_RDONLY)
        os.dup2(at, stream.fileno())
        os.close(at)
        with pytest.raises(StoreUnavailableError, match=r"front\.jpg cannot be read \(Input/output error\)"):
            _ = stream.read() if whole else stream.read(3)


@pytest.mark.parametrize("lost", ["", "images"])
def test_a_folder_of_a_server_that_is_away_is_not_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    real = os.scandir

    def scandir(path: str) -> Any:
        return away() if path == f"{folder}/{lost}" else real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(StoreUnavailableError, match=r"cannot be listed \(Input/output error\)"):
        _ = CaptureFolder(str(folder)).files


def test_too_many_files_are_one_sentence(folder: Path) -> None:
    for number in range(3):
        (folder / f"{number}.jpg").touch()
    assert len(CaptureFolder(str(folder), most_files=4).files) == 4
    with pytest.raises(BadInputError, match=r"holds more than 3 files\. Deliver the capture by level or area"):
        _ = CaptureFolder(str(folder), most_files=3).files


def test_a_folder_that_is_not_there_is_empty(folder: Path) -> None:
    assert paths(folder / "nothing") == []
    assert paths(folder / "images" / "front.jpg") == []


def test_what_is_left_out_tells_deliveries_apart(folder: Path) -> None:
    before = fingerprint(CaptureFolder(str(folder)))
    (folder / "archive").symlink_to("/etc")
    assert fingerprint(CaptureFolder(str(folder))) != before


def test_a_table_that_is_a_folder(delivery: Delivery) -> None:
    delivery.files["stations.csv/readme.txt"] = b"x"
    delivery.stations.clear()
    validation = delivery.check()
    assert validation.verdict is Verdict.REJECTED
    assert [finding.rule for finding in validation.findings] == ["S03"]


def test_a_picture_that_is_a_folder(delivery: Delivery) -> None:
    content = delivery.files.pop("images/s-02/top.jpg")
    delivery.files["images/s-02/top.jpg/top.jpg"] = content
    validation = delivery.check()
    assert validation.verdict is Verdict.PARTIAL
    assert list(validation.quarantined) == ["s-02"]


@pytest.mark.parametrize("name", ["capture.yaml", "stations.csv"])
def test_a_table_that_vanishes_once_it_was_listed(delivery: Delivery, name: str) -> None:
    folder = delivery.write()
    assert folder.exists(name)
    (delivery.path / name).unlink()
    validation = check_capture(folder)
    assert validation.verdict is Verdict.REJECTED
    assert f"{name} cannot be read as a file" in validation.findings[0].message


def test_a_picture_that_vanishes_once_it_was_listed(delivery: Delivery) -> None:
    folder = delivery.write()
    assert folder.files
    (delivery.path / "images/s-02/top.jpg").unlink()
    checks = CheckSettings(max_quarantine_fraction=0.5)
    site = Site(id="hall-7", name="Hall 7", landing=Landing(url="unused"), space="captures", checks=checks)
    validation = check_capture(folder, site=site)
    assert validation.verdict is Verdict.PARTIAL
    assert validation.quarantined == {"s-02": ("F08",)}


@pytest.mark.parametrize("name", ["stations.csv", "capture.yaml", "checksums.sha256", "scan.e57"])
def test_a_link_out_of_the_folder_stops_the_capture(delivery: Delivery, name: str) -> None:
    delivery.write()
    (delivery.path / name).unlink(missing_ok=True)
    (delivery.path / name).symlink_to("/etc/hostname")
    validation = check_capture(CaptureFolder(str(delivery.path)))
    assert validation.verdict is Verdict.REJECTED
    found = [finding for finding in validation.findings if finding.rule == "S07" and finding.value == name]
    assert found[0].disposition is Disposition.STOP
    assert "leaves the capture folder" in found[0].message


@pytest.mark.parametrize("name", ["10:30.e57", "a\\b.e57", "a/10:30.jpg", "C:"])
def test_what_is_listed_can_be_read_whatever_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / name).write_bytes(b"x")
    folder = CaptureFolder(str(tmp_path))
    assert [entry.path for entry in folder.files] == [name]
    assert folder.resolve(name) == name
    assert folder.exists(name)
    assert folder.read(name) == b"x"
    with pytest.raises(BadInputError, match="points outside"):
        folder.resolve("D:/other")


@pytest.mark.parametrize(
    "name", ["top.jpg.part", "top.jpg.filepart", "top.jpg.crdownload", "top.jpg.!ut", ".top.jpg.Xa3fG1"]
)
def test_a_copy_that_did_not_end_is_named_and_not_read(delivery: Delivery, name: str) -> None:
    delivery.files[f"images/s-02/{name}"] = delivery.files.pop("images/s-02/top.jpg")
    found = delivery.check()
    assert found.verdict is Verdict.PARTIAL
    said = [finding.message for finding in found.findings if finding.rule == "S07"]
    assert said == [f"images/s-02/{name} is a copy that did not end. Copy it again, and remove what is left of it."]


@pytest.mark.parametrize(
    "name",
    [".sync/x.tmp", ".Trash/y.tmp", "images/.cache/x.part", "__MACOSX/images/x.part", "~$stations.xlsx.tmp",
     ".git/.a.jpg.Xa3fG1", "images/@eaDir/front.jpg.part"],
)  # fmt: skip
def test_copies_in_ignored_folders_are_ignored(delivery: Delivery, name: str) -> None:
    delivery.files[name] = b"x"
    found = delivery.check()
    assert found.verdict is Verdict.ACCEPTED
    assert not [finding for finding in found.findings if finding.rule == "S07"]


@pytest.mark.parametrize(
    "path",
    ["a/" * 450_000, "a/../" * 180_000 + "b.jpg", "a/./" * 200_000, "x" * 900_000],
    ids=["folders", "up and down", "here", "one name"],
)
def test_a_path_longer_than_any_file_has_is_refused_unsearched(delivery: Delivery, path: str) -> None:
    folder = delivery.write()
    began = time.process_time()
    with pytest.raises(OutsideError, match="is longer than the path of any file"):
        folder.resolve(path)
    delivery.files["checksums.sha256"] = f"{'0' * 64}  {path}\n".encode()
    (finding,) = [each for each in delivery.check().findings if each.path == "checksums.sha256"]
    assert "lines that are no checksum: 1, the first is line 1" in finding.message
    assert time.process_time() - began < 30
