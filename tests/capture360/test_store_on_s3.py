"""Records and lease on an object store: the same promises, kept by conditional puts."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from capture360.capture_state import Stage
from capture360.errors import LeaseHeldError
from capture360.landing.fingerprint import fingerprint
from capture360.landing.folder import CaptureFolder
from capture360.model import CaptureKey
from capture360.records import Records
from capture360.steps import lease
from capture360.store import DocumentStore

pytest.importorskip("s3fs", reason="the extra s3 is not installed")
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
        try:
            yield f"http://{host}:{port}"
        finally:
            server.stop()


@pytest.fixture
def bucket(endpoint: str, request: pytest.FixtureRequest) -> str:
    import s3fs

    name = f"bucket-{abs(hash(request.node.name))}"
    s3fs.S3FileSystem(endpoint_url=endpoint).mkdir(name)
    return f"s3://{name}"


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
    import s3fs

    store = s3fs.S3FileSystem(endpoint_url=endpoint, skip_instance_cache=True)
    store.pipe_file(f"{bucket}/may/stations.csv", b"a")
    first = CaptureFolder(f"{bucket}/may", endpoint_url=endpoint, use_listings_cache=False)
    before = fingerprint(first)
    assert before == fingerprint(CaptureFolder(f"{bucket}/may", endpoint_url=endpoint, use_listings_cache=False))
    store.pipe_file(f"{bucket}/may/stations.csv", b"b")
    after = fingerprint(CaptureFolder(f"{bucket}/may", endpoint_url=endpoint, use_listings_cache=False))
    assert after != before
