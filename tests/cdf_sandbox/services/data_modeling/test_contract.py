"""Every accepted request and every answer validates against the published API specification."""

import httpx
import pytest

from dms_requests import GETS, POSTS
from local_cdf import RunningSandbox
from specification import Specification


@pytest.mark.parametrize("path", POSTS)
def test_posts(prepared: RunningSandbox, http: httpx.Client, specification: Specification, path: str) -> None:
    assert not specification.request_problems("POST", path, POSTS[path])
    answer = http.post(path, json=POSTS[path])
    assert answer.status_code == 200, answer.text
    assert not specification.answer_problems("POST", path, 200, answer.json())


@pytest.mark.parametrize("url", GETS)
def test_gets(prepared: RunningSandbox, http: httpx.Client, specification: Specification, url: str) -> None:
    answer = http.get(url)
    assert answer.status_code == 200, answer.text
    assert not specification.answer_problems("GET", url.partition("?")[0], 200, answer.json())
