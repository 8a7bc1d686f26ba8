"""An answer of success that is not what CDF documents gets a sentence, whether the SDK reads it or capture360."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import httpx2
import pytest

from capture360.cdf.capabilities import capabilities
from capture360.cdf.client import CdfProject, Connection, cdf_errors
from capture360.cdf.images.core_files import CoreFiles
from capture360.cdf.images.files import ClassicFiles
from capture360.cdf.instances import Instances, View
from capture360.cdf.json_answers import OddAnswerError, first_item
from capture360.cdf.links.annotations import Annotations
from capture360.cdf.no_retry import post_without_retry
from capture360.errors import CdfError
from capture360.model import FaceRef, Pose, PublishedImage
from capture360.settings.files import FileSettings
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


READERS: list[Callable[[CdfProject], object]] = [query, retrieve, post, capabilities, links]


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
