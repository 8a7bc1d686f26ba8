"""A store that is full, read-only or away is reported in a sentence, and so is what lies where a document belongs."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from capture360.errors import ConfigError, LeaseHeldError, RecordsError, StoreUnavailableError
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.steps import lease
from capture360.steps.sense_findings import standing_findings
from capture360.store import DocumentStore, password_in

KEY = CaptureKey("hall-7", "may")
USES: dict[str, Callable[[DocumentStore], object]] = {
    "put": lambda store: store.put("a/b.json", b"{}"),
    "create": lambda store: store.create("a/c.json", b"{}"),
    "read": lambda store: store.read("a/b.json"),
    "document": lambda store: store.document("a/b.json"),
    "read_all": lambda store: store.read_all(["a/b.json"]),
    "remove": lambda store: store.remove("a/b.json"),
    "names": lambda store: store.names("a"),
    "changed": lambda store: store.changed("a"),
}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO, errno.ESTALE])
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_local_store_that_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: Callable[[DocumentStore], object], code: int
) -> None:
    store = DocumentStore(str(tmp_path))
    store.put("a/b.json", b"{}")

    def refuse(*_: object, **__: object) -> Any:
        raise OSError(code, os.strerror(code), "/secret/inner/path")

    for place, name in ((os, "fsync"), *((LocalFileSystem, each) for each in ("cat_file", "rm_file", "ls"))):
        monkeypatch.setattr(place, name, refuse)
    with pytest.raises(StoreUnavailableError) as told:
        use(store)
    assert str(told.value).startswith(f"{tmp_path}/a")
    assert f"({os.strerror(code)})." in str(told.value)
    monkeypatch.undo()
    assert store.names("a") == ["b.json"]
    assert [each.name for each in (tmp_path / "a").iterdir()] == ["b.json"], "what was half written lies about"


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_store_that_raises_errors_of_its_own(
    monkeypatch: pytest.MonkeyPatch, use: Callable[[DocumentStore], object]
) -> None:
    class EndpointConnectionError(Exception):
        """As botocore raises it."""

    def away(*_: object, **__: object) -> Any:
        raise EndpointConnectionError("Could not connect to https://me:pw@s3.example/records?X-Amz-Signature=s3cret\n")

    for name in ("pipe_file", "cat_file", "rm_file", "ls"):
        monkeypatch.setattr(MemoryFileSystem, name, away)
    with pytest.raises(StoreUnavailableError, match="EndpointConnectionError: Could not connect") as told:
        use(DocumentStore("memory://records"))
    assert not [each for each in ("pw@", "s3cret", "\n") if each in str(told.value)]


@pytest.mark.parametrize("use", ["put", "create"])
def test_a_file_where_a_folder_belongs(tmp_path: Path, use: str) -> None:
    """It is no document that exists already: a run would wait for a lease that nobody holds."""
    (tmp_path / "records").write_text("")
    with pytest.raises(StoreUnavailableError, match=r"cannot be written \("):
        USES[use](DocumentStore(str(tmp_path / "records")))
    with pytest.raises(StoreUnavailableError, match=r"cannot be written \("):
        lease.take(Records(str(tmp_path / "records")), KEY, "run 1", is_finished=bool)


def test_a_folder_where_a_document_belongs(tmp_path: Path) -> None:
    records = Records(str(tmp_path))
    for path in (f"{KEY}/leases/000001.json", f"{KEY}/notes/look.json", "sensing/findings.json"):
        (tmp_path / path).mkdir(parents=True)
    for read in (lambda: lease.holder(records, KEY), lambda: records.note(KEY, "look")):
        with pytest.raises(RecordsError, match=r"is broken \(a folder lies in its place\)\. Restore it from a backup"):
            read()
    with pytest.raises(RecordsError, match="a folder lies in its place"):
        records.put_note(KEY, "look", {})
    assert standing_findings(records) == set()


def test_links_in_the_records_lead_nowhere(tmp_path: Path) -> None:
    """A link to nothing holds no lease, and a link in a circle is told."""
    records = Records(str(tmp_path))
    folder = tmp_path / str(KEY) / "leases"
    folder.mkdir(parents=True)
    (folder / "000001.json").symlink_to(tmp_path / "nowhere")
    lease.take(records, KEY, "run 1", is_finished=bool)
    with pytest.raises(LeaseHeldError, match="run 1"):
        lease.take(records, KEY, "run 2", is_finished=lambda _: False)
    (folder / "000003.json").symlink_to(folder / "000003.json")
    with pytest.raises(RecordsError, match="it is a link that leads to itself"):
        lease.holder(records, KEY)


@pytest.mark.parametrize(
    ("url", "variable"),
    [
        ("sftp://u:p@h/x", "FSSPEC_SFTP_PASSWORD"),
        ("zip://a.zip::sftp://u:p@h/x", "FSSPEC_SFTP_PASSWORD"),
        ("zip::ftp://u:p@h/x", "FSSPEC_FTP_PASSWORD"),
        ("simplecache::zip://a::smb://u:p@h/x.zip", "FSSPEC_SMB_PASSWORD"),
    ],
)
def test_a_password_in_a_url_is_named_by_the_scheme_that_holds_it(url: str, variable: str) -> None:
    assert password_in(url).endswith(f"set {variable}")


@pytest.mark.parametrize(
    "url", ["sftp://u@h/x", "zip://a.zip::sftp://h:22/x@y", "s3://bucket/a:b@c", "abfs://c@a.dfs/x"]
)
def test_a_url_without_a_password(url: str) -> None:
    assert password_in(url) == ""


@pytest.fixture
def overwriting(monkeypatch: pytest.MonkeyPatch) -> Records:
    """Records in a store that passes over the condition, as s3fs before 2024.12 did."""
    write = MemoryFileSystem.pipe_file

    def unconditional(fs: MemoryFileSystem, path: str, value: bytes, **_: object) -> None:
        write(fs, path, value)

    MemoryFileSystem.store.clear()
    monkeypatch.setattr(MemoryFileSystem, "pipe_file", unconditional)
    return Records("memory://overwriting")


def test_a_store_that_overwrites_is_refused_in_words(overwriting: Records) -> None:
    for _ in range(2):
        with pytest.raises(ConfigError, match="memory://overwriting lies in a store that overwrites") as told:
            lease.refuse_overwriting_store(overwriting)
        assert "s3fs, gcsfs or adlfs of 2024.12 or later" in told.value.remedy


@pytest.mark.parametrize("url", ["memory://exclusive", "{}/records"])
def test_a_store_that_creates_once_is_tried_by_one_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    MemoryFileSystem.store.clear()
    made: list[str] = []
    create = DocumentStore.create

    def counted(store: DocumentStore, path: str, content: bytes) -> bool:
        made.append(path)
        return create(store, path, content)

    monkeypatch.setattr(DocumentStore, "create", counted)
    for _ in range(3):
        lease.refuse_overwriting_store(Records(url.format(tmp_path)))
    assert made == ["sensing/exclusive"] * 4


@pytest.mark.parametrize("error", [FileExistsError("a/b.json"), FileExistsError(errno.EEXIST, "File exists")])
def test_a_document_that_exists_is_no_outage(monkeypatch: pytest.MonkeyPatch, error: FileExistsError) -> None:
    """gcsfs and adlfs give such an error no number."""

    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", refuse)
    assert not DocumentStore("memory://exists").create("a/b.json", b"{}")
