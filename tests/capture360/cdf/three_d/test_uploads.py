"""Large files: sent in parts, resumed, never believed before CDF says so, and their links never shown."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

from capture360.cdf.answer_bounds import LARGEST_OF_ONE
from capture360.cdf.client import CdfProject, Connection
from capture360.cdf.three_d.journals import MIB, LargeFile, part_size_of
from capture360.cdf.three_d.uploads import LargeUploads
from capture360.errors import BadInputError, ConfigError
from capture360.settings.files import FileSettings
from local_cdf import RunningSandbox

CONTENT = bytes(range(256)) * (40 * MIB // 256 + 3)


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def put(running: RunningSandbox, tmp_path: Path, told: list[str]) -> Callable[..., int]:
    def upload(file: LargeFile, content: bytes = CONTENT, opener: Callable[[], IO[bytes]] | None = None) -> int:
        @contextmanager
        def opened() -> Iterator[IO[bytes]]:
            with opener() if opener else io.BytesIO(content) as stream:
                yield stream

        cdf = CdfProject(Connection.from_mapping(running.connection, "test"))
        return LargeUploads(cdf, FileSettings(), told.append, tmp_path / "journals").put(file, opened)

    return upload


def large_file(name: str, content: bytes = CONTENT) -> LargeFile:
    return LargeFile(name, f"{name}.e57", "model/e57", len(content), hashlib.sha256(content).hexdigest())


def test_links_that_others_could_have_laid_down_are_not_believed(put: Callable[..., int], tmp_path: Path) -> None:
    file = large_file("planted")
    journals = tmp_path / "journals"
    journals.mkdir()
    journals.chmod(0o777)
    now = time.time()
    planted = {
        "sha256": file.sha256, "part_size": 16 * MIB, "upload_id": "1", "links": ["http://127.0.0.1:9/elsewhere"],
        "started": now, "done": [],
    }  # fmt: skip
    (journals / "planted.json").write_text(json.dumps(planted))
    with pytest.raises(ConfigError, match=r"can be read by others.*chmod 700"):
        put(file)


class Killed(BaseException):
    """The process is gone."""


class DyingStream(io.BytesIO):
    """A stream that dies with its process when it is read at `at`."""

    at = 20 * MIB

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= self.at:
            raise Killed
        return super().read(size)


def test_a_file_arrives_in_parts_and_is_found_the_next_time(
    put: Callable[..., int], running: RunningSandbox, told: list[str]
) -> None:
    file = large_file("whole")
    first = put(file)
    assert running.client().files.download_bytes(external_id="whole") == CONTENT
    before = running.mutating()
    assert put(file) == first
    assert running.mutating() == before
    assert sum("uploaded" in line for line in told) == 3


def test_a_killed_upload_goes_on_where_it_was(
    put: Callable[..., int], running: RunningSandbox, told: list[str], tmp_path: Path
) -> None:
    file = large_file("resumed")
    with pytest.raises(Killed):
        put(file, opener=lambda: DyingStream(CONTENT))
    (journal,) = (tmp_path / "journals").glob("resumed-*.json")
    assert journal.stat().st_mode & 0o077 == 0
    put(file)
    assert "resumed.e57: continuing after 1 of 3 parts" in told
    assert running.client().files.download_bytes(external_id="resumed") == CONTENT
    assert not journal.exists()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Links that a part was sent to; the process dies before the second part is, once the third has begun."""
    links: list[str] = []
    real, lock, third = httpx.Client.stream, threading.Lock(), threading.Event()

    def counted(self: httpx.Client, method: str, url: str, **more: Any) -> AbstractContextManager[httpx.Response]:
        with lock:
            links.append(url)
            number = len(links)
        if number == 3:
            third.set()
        if number == 2:
            assert third.wait(30), "the parts did not leave side by side"
            raise Killed
        return real(self, method, url, **more)

    monkeypatch.setattr(httpx.Client, "stream", counted)
    return links


def test_a_file_of_this_machine_goes_in_parts_side_by_side_and_only_the_missing_one_again(
    put: Callable[..., int], running: RunningSandbox, tmp_path: Path, sent: list[str]
) -> None:
    path, file = tmp_path / "scan.e57", large_file("side-by-side")
    path.write_bytes(CONTENT)
    with pytest.raises(Killed):
        put(file, opener=lambda: path.open("rb"))
    assert len(sent) == 3
    put(file, opener=lambda: path.open("rb"))
    assert len(sent) == 4
    assert sent[3] == sent[1]
    assert running.client().files.download_bytes(external_id="side-by-side") == CONTENT
    assert not [*(tmp_path / "journals").glob("side-by-side-*.json")]


def test_a_part_that_was_sent_with_other_bytes_is_never_completed(
    put: Callable[..., int], running: RunningSandbox, tmp_path: Path, sent: list[str]
) -> None:
    """The file was changed for as long as that part took."""
    path, file = tmp_path / "scan.e57", large_file("replaced")
    path.write_bytes(CONTENT[:-1] + b"x")
    with pytest.raises((Killed, BadInputError)):
        put(file, opener=lambda: path.open("rb"))
    (journal,) = (tmp_path / "journals").glob("replaced-*.json")
    assert len(json.loads(journal.read_text())["done"]) == 2
    path.write_bytes(CONTENT)
    with pytest.raises(BadInputError, match="changed while it was uploaded"):
        put(file, opener=lambda: path.open("rb"))
    found = running.client().files.retrieve(external_id="replaced")
    assert found is None or not found.uploaded
    assert not journal.exists()
    put(file, opener=lambda: path.open("rb"))
    assert running.client().files.download_bytes(external_id="replaced") == CONTENT


@pytest.mark.parametrize("endless", [False, True], ids=["cut", "endless answer"])
def test_a_cut_connection_sends_only_that_part_again(
    put: Callable[..., int], running: RunningSandbox, monkeypatch: pytest.MonkeyPatch, endless: bool
) -> None:
    name = f"unsteady-{endless}"
    sent: list[str] = []
    real = httpx.Client.stream

    def unsteady(self: httpx.Client, method: str, url: str, **more: Any) -> AbstractContextManager[httpx.Response]:
        sent.append(url)
        if len(sent) == 2 and endless:
            return nullcontext(httpx.Response(502, content=bytes(LARGEST_OF_ONE + 1)))
        if len(sent) == 2:
            raise httpx.WriteError("connection reset")
        return real(self, method, url, **more)

    monkeypatch.setattr(httpx.Client, "stream", unsteady)
    put(large_file(name))
    assert len(sent) == 4
    assert sent[1] == sent[2]
    assert running.client().files.download_bytes(external_id=name) == CONTENT


def test_expired_links_start_the_file_again(put: Callable[..., int], running: RunningSandbox, told: list[str]) -> None:
    file = large_file("expired")
    with pytest.raises(Killed):
        put(file, opener=lambda: DyingStream(CONTENT))
    running.advance(8 * 86400)
    put(file)
    assert "expired.e57: the unfinished upload has expired; starting again" in told
    assert running.client().files.download_bytes(external_id="expired") == CONTENT


def test_content_that_changed_meanwhile_is_never_completed(put: Callable[..., int], running: RunningSandbox) -> None:
    file = large_file("changed")
    with pytest.raises(BadInputError, match="changed while it was uploaded"):
        put(file, content=CONTENT[:-1] + b"x")
    with pytest.raises(BadInputError, match="became shorter"):
        put(file, content=CONTENT[:-1])
    found = running.client().files.retrieve(external_id="changed")
    assert found is None or not found.uploaded


def test_no_link_is_told(put: Callable[..., int], told: list[str]) -> None:
    put(large_file("quiet"))
    assert told
    assert not any("http" in line for line in told)


@pytest.mark.parametrize("size", [1, 16 * MIB, 3_000_000_000, 900 * 1024 * MIB])
def test_the_parts_fit_the_limits_of_cdf(size: int) -> None:
    part = part_size_of(LargeFile("x", "x.e57", "model/e57", size, ""))
    assert -(-size // part) <= 250
    assert 5 * MIB < part <= 4000 * MIB


def test_a_file_that_cdf_cannot_take_is_refused_in_words() -> None:
    with pytest.raises(BadInputError, match="larger than CDF accepts"):
        part_size_of(LargeFile("x", "x.e57", "model/e57", 2000 * 1024 * MIB, ""))
