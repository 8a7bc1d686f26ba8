"""An answer of success that is not what CDF documents gets a sentence, whether the SDK reads it or capture360."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import httpx
import httpx2
import pytest

from capture360.cdf.assets import ClassicAssets, CoreAssets
from capture360.cdf.capabilities import capabilities
from capture360.cdf.client import CdfProject, Connection, cdf_errors
from capture360.cdf.images.core_files import CoreFiles
from capture360.cdf.images.files import ClassicFiles
from capture360.cdf.images.stored_sizes import stored_sizes
from capture360.cdf.instances import Instances, View
from capture360.cdf.json_answers import OddAnswerError, first_item
from capture360.cdf.links.annotations import Annotations
from capture360.cdf.no_retry import post_without_retry
from capture360.cdf.three_d.jobs import TextJobs
from capture360.cdf.three_d.revisions import Revisions
from capture360.errors import CdfError, CdfUnavailableError
from capture360.model import CaptureKey, FaceRef, Pose, PublishedImage
from capture360.settings.e57 import E57Settings
from capture360.settings.files import FileSettings
from capture360.settings.links import LinkSettings
from local_cdf import RunningSandbox

ODD = {
    "a page of a proxy": b"<html>Sign in</html>",
    "cut off": b'{"items": [{"externalId": "a',
    "empty": b"",
    "a list": b"[]",
    "nothing": b"null",
    "no items": b"{}",
    "an item that is nothing": b'{"items": [null]}',
    "no UTF-8": b'{"items": "\xff"}',
    "nested without end": b"[" * 50_000,
}
VIEW = View("cdf_360_image_schema", "Image360", "v1")


def query(cdf: CdfProject) -> object:
    return Instances(cdf.client).found("captures", "c360_")


def retrieve(cdf: CdfProject) -> object:
    return Instances(cdf.client).read("captures", ["a"], VIEW)


def post(cdf: CdfProject) -> object:
    return first_item(post_without_retry(cdf, "Creating", "/3d/models", {"items": [{"name": "a"}]}))


def links(cdf: CdfProject) -> object:
    pose = Pose((0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0))
    image = PublishedImage("i", "captures", "s", pose, {"front": FaceRef("front", "f")})
    return Annotations(cdf, "images.AssetLink").compare([image], [])


def classic_assets(cdf: CdfProject) -> object:
    return list(ClassicAssets(cdf, LinkSettings()).assets())


def core_assets(cdf: CdfProject) -> object:
    return list(CoreAssets(cdf, LinkSettings()).assets())


def models(cdf: CdfProject) -> object:
    return Revisions(cdf, E57Settings()).find_model(CaptureKey("hall-7", "may"))


def revision(cdf: CdfProject) -> object:
    return Revisions(cdf, E57Settings()).find(7, 8, "captures")


def jobs(cdf: CdfProject) -> object:
    return list(TextJobs(cdf).all("captures"))


READERS: list[Callable[[CdfProject], object]] = [query, retrieve, post, capabilities, links]
LISTS = [classic_assets, core_assets, models, revision, jobs]
ITEMS = (
    '{"id": null, "metadata": null, "properties": null}',
    '{"id": 1, "metadata": [1], "properties": {"cdf_cdm": null}, "space": "captures", "externalId": "a", "status": 1}',
    '{"id": [], "metadata": {"capture360": "hall-7/may"}, "fileId": {}, "createdTime": "x", "createdAt": "x", '
    '"space": "captures", "externalId": "a", "status": "Done", "properties": {"cdf_cdm": {"CogniteAsset/v1": 5}}}',
    '{"id": 1, "fileId": 8, "createdTime": 1e300, "createdAt": 1e300, "status": "Done", "metadata": "x", '
    '"space": "captures", "externalId": 5, "properties": {"cdf_cdm": {"CogniteAsset/v1": [[]]}}}',
)


@pytest.fixture
def cdf(running: RunningSandbox) -> CdfProject:
    project = CdfProject(Connection.from_mapping(running.connection, "test"))
    capabilities(project)  # the token is there
    return project


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Answers every request from now on."""

    def give(content: bytes, status: int = 200, **headers: str) -> None:
        async def sent(_: object, request: httpx2.Request, **how: Any) -> httpx2.Response:
            asked.append(request.url.host)
            return httpx2.Response(status, content=content, headers=headers, request=request)

        def sent_at_once(_: object, request: httpx.Request, **how: Any) -> httpx.Response:
            asked.append(request.url.host)
            return httpx.Response(status, content=content, headers=headers, request=request)

        monkeypatch.setattr(httpx2.AsyncClient, "send", sent)
        monkeypatch.setattr(httpx.Client, "send", sent_at_once)

    asked: list[str] = []
    yield give
    assert len(set(asked)) == 1, "a token went to another host"


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
def test_an_odd_answer(
    cdf: CdfProject, answer: Callable[..., None], read: Callable[[CdfProject], object], content: bytes
) -> None:
    answer(content)
    with pytest.raises(OddAnswerError, match=r"CDF's answer (has|is|cannot|lacks)") as raised:
        read(cdf)
    assert "proxy" in raised.value.remedy
    assert raised.value.retryable


@pytest.mark.parametrize("read", LISTS)
@pytest.mark.parametrize("item", ITEMS)
def test_values_of_another_form(
    cdf: CdfProject, answer: Callable[..., None], read: Callable[[CdfProject], object], item: str
) -> None:
    answer(f'{{"items": [{item}]}}'.encode())
    with suppress(OddAnswerError):
        read(cdf)


@pytest.mark.parametrize("read", LISTS)
@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
def test_an_odd_list(
    cdf: CdfProject, answer: Callable[..., None], read: Callable[[CdfProject], object], content: bytes
) -> None:
    answer(content)
    with pytest.raises(OddAnswerError):
        read(cdf)


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, {}),
        (200, {"content-length": "9" * 5_000}),
        (206, {"content-range": "bytes 0-0/*"}),
        (206, {"content-range": "bytes 0-0/\u0663".encode().decode("latin-1")}),
        (404, {"content-length": "5"}),
    ],
)
def test_a_store_that_states_no_size(status: int, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    transport = httpx.MockTransport(
        lambda request: httpx.Response(status, headers=headers, stream=httpx.ByteStream(b"x"))
    )
    monkeypatch.setattr(httpx, "Client", partial(httpx.Client, transport=transport))
    with pytest.raises(CdfUnavailableError, match="size of a face failed"):
        stored_sizes({1: "http://store/secret"})


def test_a_link_that_is_no_address() -> None:
    with pytest.raises(CdfUnavailableError) as caught:
        stored_sizes({1: "http://[secret/\x00?sig=secret"})
    assert "secret" not in str(caught.value)


def test_files_that_an_answer_leaves_out(cdf: CdfProject, answer: Callable[..., None]) -> None:
    answer(b'{"items": []}')
    with pytest.raises(OddAnswerError, match="Looking for face files: CDF's answer lacks files"):
        links(cdf)


@pytest.mark.parametrize(
    "ask",
    [
        lambda cdf: ClassicFiles(cdf.client, FileSettings()).links(["f"]),
        lambda cdf: CoreFiles(cdf.client, FileSettings()).links([FaceRef("front", "f", "captures")]),
    ],
    ids=["classic", "core"],
)
def test_download_links_that_an_answer_leaves_out(
    cdf: CdfProject, answer: Callable[..., None], ask: Callable[[CdfProject], object]
) -> None:
    answer(b'{"items": []}')
    with pytest.raises(OddAnswerError, match="Asking for download links: CDF's answer lacks links"):
        ask(cdf)


def test_a_redirect_to_another_host_is_not_followed(cdf: CdfProject, answer: Callable[..., None]) -> None:
    answer(b"", 307, location="https://elsewhere.example/api")
    for read in READERS:
        with pytest.raises(CdfError, match="CDF answered 307"):
            read(cdf)


def test_a_bug_of_our_own_is_no_odd_answer() -> None:
    for error in (ValueError("ours"), TypeError("ours"), AttributeError("ours"), IndexError("ours")):
        with pytest.raises(type(error), match="ours"), cdf_errors("Reading"):
            raise error
