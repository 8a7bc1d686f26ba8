"""A file that is swapped between looking and opening is never another file, and never keeps a task waiting."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from capture360.landing.folder import CaptureFolder, OutsideError
from capture360.landing.local_open import open_once

Swap = Callable[[Path, Path], None]


def by_link(place: Path, secret: Path) -> None:
    place.symlink_to(secret)


def by_pipe(place: Path, secret: Path) -> None:
    os.mkfifo(place)


def by_circle(place: Path, secret: Path) -> None:
    place.symlink_to(place.name)


def by_socket(place: Path, secret: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(place))


@pytest.fixture
def capture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_bytes(b"secret")
    folder = tmp_path / "hall-7"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "top.jpg").write_bytes(b"picture")
    return folder


@pytest.mark.parametrize("swap", [by_link, by_circle, by_pipe, by_socket])
def test_a_file_swapped_after_it_was_listed(capture: Path, swap: Swap) -> None:
    folder = CaptureFolder(str(capture))
    assert folder.exists("images/top.jpg")
    (capture / "images/top.jpg").unlink()
    swap(capture / "images/top.jpg", capture.parent / "secret")
    with pytest.raises(OutsideError):
        folder.read("images/top.jpg")


@pytest.mark.parametrize("swap", [by_link, by_circle, by_pipe, by_socket])
@pytest.mark.parametrize("part", ["images/top.jpg", "images"])
def test_a_file_swapped_after_its_path_was_resolved(
    capture: Path, monkeypatch: pytest.MonkeyPatch, swap: Swap, part: str
) -> None:
    folder = CaptureFolder(str(capture))
    assert folder.exists("images/top.jpg")
    outside = capture.parent / "outside"
    outside.mkdir()
    (outside / "top.jpg").write_bytes(b"secret")
    resolved = os.path.realpath

    def swapped_then(path: Path) -> str:
        real = resolved(path)
        if Path(path).name == "top.jpg" and (capture / part).is_relative_to(capture) and not (capture / "old").exists():
            (capture / part).rename(capture / "old")
            swap(capture / part, outside / "top.jpg" if part.endswith("jpg") else outside)
        return real

    monkeypatch.setattr(os.path, "realpath", swapped_then)
    with pytest.raises((OutsideError, FileNotFoundError)):
        open_it(folder)


def open_it(folder: CaptureFolder) -> None:
    with folder.open("images/top.jpg") as stream:
        stream.read()


def test_a_link_inside_the_folder_is_read(capture: Path) -> None:
    (capture / "images" / "front.jpg").symlink_to("top.jpg")
    assert CaptureFolder(str(capture)).read("images/front.jpg") == b"picture"


@pytest.mark.parametrize(
    ("path", "raised"),
    [
        ("images", IsADirectoryError),
        ("images/no.jpg", FileNotFoundError),
        ("images/top.jpg/x", FileNotFoundError),
        ("", IsADirectoryError),
    ],
)
def test_what_is_no_file_raises_as_open_does(capture: Path, path: str, raised: type[OSError]) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(raised):
        open_once(str(capture), path)
    assert len(os.listdir("/proc/self/fd")) == before
