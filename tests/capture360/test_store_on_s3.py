"""Records and lease on an object store: the same promises, kept by conditional puts."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from capture360.capture_state import Stage
from capture360.checks.check import check_capture
from capture360.errors import BadInputError, LeaseHeldError, StoreUnavailableError
from capture360.landing.fingerprint import fingerprint
from capture360.landing.folder import CaptureFolder
from capture360.landing.listing import captures
from capture360.model import CaptureKey, Verdict
from capture360.readers.sheet import read_excel
from capture360.records import Records
from capture360.settings.landing import Landing
from capture360.settings.site import Site
from capture360.steps import lease
from capture360.store import DocumentStore
from delivery import Delivery, station_row

s3fs = pytest.importorskip("s3fs", reason="the extra s3 is not installed")
aiohttp = pytest.importorskip("aiohttp", reason="the extra s3 is not installed")
moto_server = pytest.importorskip("moto.server", reason="moto is not installed")

KEY = CaptureKey("hall-7", "may")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("NO_PROXY", "127.0.0.1")):
            patch.setenv(name, value)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        server.start()
        host, port = server.get_host_and_port()
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        try:
            yield f"http://{host}:{port}"
        finally:
            server.stop()


@pytest.fixture
def bucket(endpoint: str, request: pytest.FixtureRequest) -> str:
    name = f"bucket-{abs(hash(request.node.name))}"
    s3fs.S3FileSystem(endpoint_url=endpoint).mkdir(name)
    return f"s3://{name}"


@pytest.fixture
def client(endpoint: str) -> Any:
    return pytest.importorskip("boto3", reason="moto is not installed").client("s3", endpoint_url=endpoint)


def test_creation_is_exclusive(bucket: str, endpoint: str) -> None:
    store = DocumentStore(f"{bucket}/records", endpoint_url=endpoint)
    assert store.create("a/b.json", b"1")
    assert not store.create("a/b.json", b"2")
    assert (store.read("a/b.json"), store.names("a"), store.names()) == (b"1", ["b.json"], ["a"])
    store.put("a/b.json", b"3")
    assert store.read("a/b.json") == b"3"
    store.remove("a/b.json")
    store.remove("a/b.json")
    assert (store.read("a/b.json"), store.names("a"), store.exists("a/b.json")) == (None, [], False)


def test_the_store_says_when_a_document_was_written(bucket: str, endpoint: str) -> None:
    store = DocumentStore(f"{bucket}/records", endpoint_url=endpoint)
    assert store.changed("a") == {}
    before = datetime.now(UTC) - timedelta(seconds=2)  # S3 knows whole seconds
    store.put("a/b.json", b"")
    store.put("a/deeper/c.json", b"")
    changed = store.changed("a")
    written = changed["b.json"]
    assert written is not None
    assert before <= written <= datetime.now(UTC) + timedelta(seconds=2)
    assert changed == {"b.json": written, "deeper": None}


def test_of_many_at_once_one_gets_the_lease(bucket: str, endpoint: str) -> None:
    records = Records(f"{bucket}/records", endpoint_url=endpoint)

    def try_it(number: int) -> str | None:
        try:
            lease.take(records, KEY, f"run {number}", is_finished=lambda run: False)
        except LeaseHeldError:
            return None
        return f"run {number}"

    with ThreadPoolExecutor(8) as pool:
        winners = [name for name in pool.map(try_it, range(24)) if name]
    assert winners == [lease.holder(records, KEY)]
    lease.release(records, KEY, winners[0])
    assert lease.holder(records, KEY) is None


def test_the_receipt_folds_what_another_process_wrote(bucket: str, endpoint: str) -> None:
    mine = Records(f"{bucket}/records", endpoint_url=endpoint)
    assert mine.load(KEY) is None
    other = Records(f"{bucket}/records", endpoint_url=endpoint, skip_instance_cache=True)
    other.put(KEY, "ab" * 16, "validate", {"verdict": "accepted"}, run="run 1")
    state = mine.load(KEY)
    assert state is not None
    assert state.stage is Stage.ACCEPTED


def test_a_landing_folder_is_seen_afresh(bucket: str, endpoint: str) -> None:
    store = s3fs.S3FileSystem(endpoint_url=endpoint, skip_instance_cache=True)
    store.pipe_file(f"{bucket}/may/stations.csv", b"a")
    first = CaptureFolder(f"{bucket}/may", endpoint_url=endpoint, use_listings_cache=False)
    before = fingerprint(first)
    assert before == fingerprint(CaptureFolder(f"{bucket}/may", endpoint_url=endpoint, use_listings_cache=False))
    store.pipe_file(f"{bucket}/may/stations.csv", b"b")
    after = fingerprint(CaptureFolder(f"{bucket}/may", endpoint_url=endpoint, use_listings_cache=False))
    assert after != before


def test_a_key_that_is_no_path_stands_for_no_other_file(bucket: str, endpoint: str, client: Any) -> None:
    name = bucket.removeprefix("s3://")
    sound = ["may/_READY", "may/a.jpg", "may/A.jpg", "may/e\u0301.jpg", "may/\u00e9.jpg", "may/q?x=1#2 %2e+&[*].jpg"]
    odd = ["may//a.jpg", "may/images/", "may/", "may/a//b.jpg"]
    for key in (*sound, *odd, "may/line\x01.jpg", "/june/_READY", "//x"):
        client.put_object(Bucket=name, Key=f"zone/{key}", Body=key.encode())
    folder = CaptureFolder(f"{bucket}/zone/may", endpoint_url=endpoint, use_listings_cache=False)
    assert {f"may/{entry.path}": folder.read(entry.path).decode() for entry in folder.files} == {
        key: key for key in sound
    }
    assert [each.path for each in folder.left_out] == ["/", "/a.jpg", "a//b.jpg", "images/", "line\\x01.jpg"]
    site = Site(id="hall-7", name="Hall 7", landing=Landing(url=f"{bucket}/zone"), space="captures")
    listing = captures(site)
    assert [key.capture for key in listing.keys] == ["may"]
    assert [each.path for each in listing.left_out] == ["/"]
    assert "empty part" in listing.left_out[0].problem


def test_a_folder_without_end_is_listed_up_to_the_limit(
    bucket: str, endpoint: str, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = bucket.removeprefix("s3://")
    for number in range(7):
        client.put_object(Bucket=name, Key=f"zone/may/{number}.jpg", Body=b"a")
    pages = []
    call = s3fs.S3FileSystem.call_s3

    def paged(self: Any, method: str, **options: Any) -> Any:
        pages.append(method)
        return call(self, method, **options, MaxKeys=2)

    monkeypatch.setattr(s3fs.S3FileSystem, "call_s3", paged)
    options = {"endpoint_url": endpoint, "use_listings_cache": False}
    whole = CaptureFolder(f"{bucket}/zone/may", **options)
    assert [each.path for each in whole.files] == [f"{number}.jpg" for number in range(7)]
    assert all(each.written > 0 for each in whole.files)
    assert len(pages) == 4
    with pytest.raises(BadInputError, match="holds more than 3 files"):
        _ = CaptureFolder(f"{bucket}/zone/may", most_files=3, **options).files
    assert len(pages) == 6


def test_placeholders_of_folders_are_no_files(bucket: str, endpoint: str, client: Any) -> None:
    """Consoles of object stores make an empty object for each folder that is created in them."""
    name = bucket.removeprefix("s3://")
    for key, body in (("", b""), ("may/", b""), ("may/images/", b""), ("may/images/a.jpg", b"a"), ("may/odd/", b"x")):
        client.put_object(Bucket=name, Key=f"zone/{key}", Body=body)
    client.put_object(Bucket=name, Key="zone/may/b//", Body=b"")
    folder = CaptureFolder(f"{bucket}/zone/may", endpoint_url=endpoint, use_listings_cache=False)
    assert [entry.path for entry in folder.files] == ["images/a.jpg"]
    assert [each.path for each in folder.left_out] == ["b//", "odd/"]
    site = Site(id="hall-7", name="Hall 7", landing=Landing(url=f"{bucket}/zone"), space="captures")
    listing = captures(site)
    assert [key.capture for key in listing.keys] == ["may"]
    assert not listing.left_out


def test_an_error_while_a_stored_file_is_read_names_its_path(
    bucket: str, endpoint: str, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vanished(*_: object, **__: object) -> bytes:
        raise FileNotFoundError(2, "gone", "bucket/zone/may/a.jpg")

    client.put_object(Bucket=bucket.removeprefix("s3://"), Key="zone/may/a.jpg", Body=b"a")
    folder = CaptureFolder(f"{bucket}/zone/may", endpoint_url=endpoint, use_listings_cache=False)
    monkeypatch.setattr(s3fs.core.S3File, "_fetch_range", vanished)
    with pytest.raises(FileNotFoundError) as caught, folder.open("a.jpg") as stream:
        stream.read()
    assert caught.value.filename == "a.jpg"


def test_an_outage_while_pictures_are_read_is_no_fault_of_them(
    bucket: str, endpoint: str, client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = Delivery(tmp_path / "hall-7" / "2026-04-17", stations=[station_row(1), station_row(2)])
    delivery.put_pictures()
    name, local = bucket.removeprefix("s3://"), delivery.write()
    for entry in local.files:
        client.put_object(Bucket=name, Key=f"hall-7/2026-04-17/{entry.path}", Body=local.read(entry.path))
    url = f"{bucket}/hall-7/2026-04-17"
    folder = CaptureFolder(url, endpoint_url=endpoint, use_listings_cache=False)
    assert check_capture(folder).verdict is Verdict.ACCEPTED

    def fails(*_: object, **__: object) -> bytes:
        raise aiohttp.ClientOSError(104, f"Connection reset https://u:p@host/{url}?X-Amz-Signature=abc")

    workbook = f"{bucket}/hall-7/table"
    client.put_object(Bucket=name, Key="hall-7/table/stations.xlsx", Body=b"PK" * 99)
    monkeypatch.setattr(s3fs.core.S3File, "_fetch_range", fails)
    with pytest.raises(StoreUnavailableError, match="cannot be read") as caught:
        check_capture(CaptureFolder(url, endpoint_url=endpoint, use_listings_cache=False))
    assert "abc" not in str(caught.value)
    table = CaptureFolder(workbook, endpoint_url=endpoint, use_listings_cache=False)
    with pytest.raises(StoreUnavailableError, match="cannot be read"):
        read_excel(table, "stations.xlsx", max_rows=9, max_columns=9, max_bytes=9_000)


def test_a_picture_that_vanishes_after_it_was_listed(bucket: str, endpoint: str, client: Any) -> None:
    name = bucket.removeprefix("s3://")
    client.put_object(Bucket=name, Key="zone/may/a.jpg", Body=b"a")
    folder = CaptureFolder(f"{bucket}/zone/may", endpoint_url=endpoint, use_listings_cache=False)
    assert [entry.path for entry in folder.files] == ["a.jpg"]
    client.delete_object(Bucket=name, Key="zone/may/a.jpg")
    with pytest.raises(FileNotFoundError) as caught, folder.open("a.jpg"):
        pass
    assert caught.value.filename == "a.jpg"
