"""Random invalid requests to Vision and to the endpoints of data modeling only projects."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

import core_project as core
from cdf_sandbox.core.options import ProjectMode
from local_cdf import RunningSandbox, fast_options, run_sandbox

PER_REQUEST = 60
ODD = [None, True, 0, -1, 1.5, 2**63, 10**400, 1e308, "", "x" * 3000, "\x00", "é", [], [[]], {}, {"": None}, [1] * 1200]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    options = fast_options(tmp_path_factory.mktemp("sandbox"), ProjectMode.DATA_MODELING, detection_queue=1e6)
    with run_sandbox(options) as sandbox:
        client = sandbox.client()
        core.make_collection(client)
        core.make_asset(client, "pump")
        core.make_image(client, "one")
        yield sandbox


def calls() -> dict[str, dict[str, Any]]:
    named = {"space": core.SPACE, "externalId": "job"}
    pair = {"asset": core.ref("pump"), "image360": core.ref("one")}
    config = {
        "object3DSpace": core.SPACE, "contextualizationSpace": core.SPACE, "revision": core.ref("collection")
    }  # fmt: skip
    polygon = {"version": "2.0.0", "data": [3, 1.5, 0.1, 1.5, 0.2, 1.6, 0.2]}
    result = {"job": named, "result": core.ref("one")}
    return {
        "/3d/contextualization/image360": {
            "items": [{**pair, "polygon": polygon}], "dmsContextualizationConfig": config
        },
        "/3d/contextualization/image360/delete": {"items": [pair], "dmsContextualizationConfig": config},
        "/3d/jobs": {
            "items": [
                {
                    **named, "name": "n", "type": "ImageTextDetection", "configuration": {}, "nonce": "n",
                    "source": {"type": "Cognite360ImageCollection", **core.ref("collection")},
                }
            ]
        },
        "/3d/jobs/list": {"cursor": "djE6NQ=="},
        "/3d/jobs/delete": {"items": [named]},
        "/3d/job/results/list": {"job": named, "cursor": "djE6NQ=="},
        "/3d/job/result/rejections": {**result, "add": ["a"]},
        "/3d/job/result/rejections/list": result,
        "/context/vision/extract": {
            "items": [{"fileId": 5}, {"fileExternalId": "x"}, {"fileInstanceId": {"space": "s", "externalId": "x"}}],
            "features": ["TextDetection"],
            "parameters": {"textDetectionParameters": {"threshold": 0.5}},
        },
    }  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


def mutated(body: Any, rng: random.Random) -> Any:
    """The body with one part removed, doubled or replaced."""
    whole = {"root": copy.deepcopy(body)}
    *way, last = ("root", *rng.choice(list(places(body))))
    holder: Any = whole
    for key in way:
        holder = holder[key]
    if way and rng.random() < 0.2:
        del holder[last]
    elif isinstance(holder[last], list) and rng.random() < 0.3:
        holder[last] = holder[last] * rng.choice([2, 200])
    else:
        holder[last] = rng.choice(ODD)
    return whole.get("root")


@pytest.mark.parametrize("url", calls())
def test_no_request_crashes_the_sandbox(http: httpx.Client, url: str) -> None:
    rng = random.Random(5)
    for _ in range(PER_REQUEST):
        body = mutated(calls()[url], rng)
        answer = http.post(url, json=body, headers=core.BETA)
        told = f"{url} {str(body)[:400]}: {answer.text[:300]}"
        assert answer.status_code < 500, told
        if answer.status_code >= 400:
            assert answer.json()["error"]["code"] == answer.status_code, told
